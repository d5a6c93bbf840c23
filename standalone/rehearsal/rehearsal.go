// Package rehearsal is the organisation that standalone syncs when nobody says
// otherwise: a simulated CalDAV/CardDAV server with three people's mailboxes
// and a SQL CRM, both kept in files, both to be changed by anybody who wants to
// see what happens.
package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"lockstep.dev/connector"
	davclient "lockstep.dev/connector/dav"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/simulator/crm"
	"lockstep.dev/simulator/dav"
	"lockstep.dev/standalone/instance"
)

// usualPort of the simulated mail server.
const usualPort = 5232

// Rehearsal is the running organisation.
type Rehearsal struct {
	URL string // of the mail server
	CRM string // file of the CRM

	org    crm.Organisation
	server *dav.Server
	http   *http.Server
}

// Start serves the organisation from its folder. At the first start it is
// filled; it appears there whole or not at all.
func Start(ctx context.Context, dir string, port int) (*Rehearsal, error) {
	l, err := instance.Listen("simulated CalDAV/CardDAV server", port, usualPort)
	if err != nil {
		return nil, err
	}
	org := crm.New(time.Now())
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := fill(ctx, dir, org); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	r := &Rehearsal{URL: "http://" + l.Addr().String() + "/", CRM: filepath.Join(dir, "crm.db"), org: org}
	if r.server, err = dav.Open(ctx, filepath.Join(dir, "dav.db")); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	r.http = &http.Server{Handler: r.server, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.http.Serve(l) }() // ends with Close
	return r, nil
}

// Close ends the mail server. The files stay.
func (r *Rehearsal) Close() {
	_ = r.http.Close()
	_ = r.server.Close()
}

// fill makes the organisation's files in a folder beside and moves it into
// place.
func fill(ctx context.Context, dir string, org crm.Organisation) error {
	draft := dir + ".new"
	if err := errors.Join(os.RemoveAll(draft), os.MkdirAll(draft, 0o700)); err != nil {
		return fmt.Errorf("prepare the rehearsal: %w", err)
	}
	if err := org.FillCRM(ctx, filepath.Join(draft, "crm.db")); err != nil {
		return err
	}
	if err := fillMail(ctx, filepath.Join(draft, "dav.db"), org); err != nil {
		return err
	}
	return os.Rename(draft, dir)
}

func fillMail(ctx context.Context, file string, org crm.Organisation) error {
	server, err := dav.Open(ctx, file)
	if err != nil {
		return err
	}
	defer server.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	defer h.Close()
	go func() { _ = h.Serve(l) }()
	conn, err := davclient.New(connector.Settings{Values: map[string]string{"url": "http://" + l.Addr().String() + "/"}})
	if err != nil {
		return err
	}
	for _, u := range org.Users {
		if err := addUser(ctx, server, u); err != nil {
			return err
		}
		s, err := conn.Open(ctx, model.Account{Address: u.Address, User: u.Address, Secret: u.Password})
		if err != nil {
			return err
		}
		if err := errors.Join(u.FillMailbox(ctx, s), s.Close()); err != nil {
			return err
		}
	}
	return server.ClearOutbox(ctx)
}

func addUser(ctx context.Context, server *dav.Server, u crm.User) error {
	err := server.AddUser(ctx, dav.User{Name: u.Address, Password: u.Password, DisplayName: u.Name, Addresses: []string{u.Address}})
	if err != nil {
		return err
	}
	for _, c := range []dav.Collection{
		{User: u.Address, Kind: dav.AddressBook, Name: "contacts", DisplayName: "Contacts"},
		{User: u.Address, Kind: dav.Calendar, Name: "calendar", DisplayName: "Calendar"},
		{User: u.Address, Kind: dav.Calendar, Name: "tasks", DisplayName: "Tasks", Components: []string{"VTODO"}},
	} {
		if _, err := server.AddCollection(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// File is the rehearsal as a configuration: it syncs everything, often, and
// does not wait for approval (design decision 15).
func (r *Rehearsal) File() setup.File {
	all := model.KindPolicy{FromMail: "all", FromCRM: "all"}
	f := setup.File{
		Connections: []model.Connection{
			{Name: "rehearsal-crm", Side: model.CRM, Connector: "sqlcrm", Settings: map[string]string{"dsn": r.CRM}, Every: 2 * time.Second},
			{Name: "rehearsal-mail", Side: model.Mail, Connector: "dav", Settings: map[string]string{"url": r.URL}},
		},
		Policies: []model.Policy{{
			Name:     "rehearsal",
			Kinds:    map[model.Kind]model.KindPolicy{model.Contact: all, model.Event: all, model.Task: all},
			Interval: model.Duration(5 * time.Second), SettleGap: model.Duration(2 * time.Second), Approval: "never",
			RetryGap: model.Duration(10 * time.Second),
		}},
	}
	for _, u := range r.org.Users {
		f.Mailboxes = append(f.Mailboxes, setup.Mailbox{
			Address: u.Address, CRM: "rehearsal-crm", CRMUser: u.ID, Mail: "rehearsal-mail",
			User: u.Address, Secret: u.Password, Policy: "rehearsal",
		})
	}
	return f
}

// Greet tells how to change something on either side.
func (r *Rehearsal) Greet(w io.Writer) {
	u := r.org.Users[0]
	fmt.Fprintf(w, "  CalDAV/CardDAV    %s   sign in as %s, password %s\n", r.URL, u.Address, u.Password)
	fmt.Fprintf(w, "  SQL CRM           sqlite3 %s \"UPDATE contact SET job_title = 'Director' WHERE owner_id = '%s'\"\n", r.CRM, u.ID)
}
