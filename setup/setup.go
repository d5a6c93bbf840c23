// Package setup is what an administrator writes down: the configuration file
// with its connections, policies and mailboxes, the environment variables that
// say where our own database and Temporal are, and the file by which a running
// standalone program tells others where it listens.
//
// A file is read and checked as a whole (Read), compared with the store, tried
// against the real systems, and only then saved (Apply): what is wrong gives a
// sentence that names the file, the line and the key, and nothing is saved
// halfway.
package setup

import (
	"context"
	"maps"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// File is a configuration file, read and checked. Secrets are resolved, and
// settings that are paths are absolute.
type File struct {
	Path        string // as messages name it; empty = not a file
	Connections []model.Connection
	Policies    []model.Policy
	Mailboxes   []Mailbox
	Delivery    *model.Delivery // of alerts; nil = the file does not say

	doc *document // for the line numbers of later problems; may be nil
}

// Mailbox is one person's mailbox as written down: references are names.
type Mailbox struct {
	Address string
	CRM     string // name of the CRM connection
	CRMUser string // the person's user id in the CRM
	Mail    string // name of the mail connection
	User    string // sign-in name; empty = as the connection says
	Secret  string // password or token; empty = the connection's
	Policy  string // name of the policy; empty = "default"
}

// defaultPolicy always exists in the store.
const defaultPolicy = "default"

// Systems are the connectors that exist. The programs pass the real ones.
type Systems struct {
	Names []string // sorted
	// New configures a connector; it talks to nobody. Errors name the setting.
	New func(name string, s connector.Settings) (connector.Connector, error)
	// Paths names the settings of a connector that may be file names.
	Paths func(name string) []string
}

// Absolute makes file names among a connector's settings absolute, counting
// from folder, so that they mean the same for every program that reads them
// from the store. What has "://" in it is an address.
func (s Systems) Absolute(name string, settings map[string]string, folder string) map[string]string {
	out := maps.Clone(settings)
	if s.Paths == nil {
		return out
	}
	for _, key := range s.Paths(name) {
		if v := out[key]; v != "" && !strings.Contains(v, "://") {
			out[key] = absolute(folder, v)
		}
	}
	return out
}

// Answer is what a system said when it was tried.
type Answer struct {
	Identity string           // immutable id of the mailbox or organisation; "" = it has none
	Users    []connector.User // people the system lists; nil = it lists nobody
}

// Try reaches a system, signs in and tests reading and writing, for one
// mailbox (mail side) or the organisation (CRM side). It changes nothing.
type Try func(ctx context.Context, c model.Connection, a model.Account) (Answer, error)

// Try is the real one.
func (s Systems) Try(ctx context.Context, c model.Connection, a model.Account) (Answer, error) {
	var out Answer
	conn, err := s.New(c.Connector, connector.Settings{Values: c.Settings, Secret: c.Secret})
	if err != nil {
		return out, err
	}
	session, err := conn.Open(ctx, a)
	if err != nil {
		return out, err
	}
	defer func() { _ = session.Close() }() // nothing was written
	if err := session.Test(ctx, model.ACT); err != nil {
		return out, err
	}
	if out.Identity, err = session.Identity(ctx); err != nil {
		return out, err
	}
	d, ok := connector.As[connector.Directory](session)
	if !ok || c.Side != model.CRM {
		return out, nil
	}
	out.Users, err = d.Users(ctx)
	if fault.Is(err, fault.Unsupported) { // set up without a list of users
		return out, nil
	}
	return out, err
}
