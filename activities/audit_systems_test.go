package activities_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	davclient "lockstep.dev/connector/dav"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	organisation "lockstep.dev/simulator/crm"
	"lockstep.dev/simulator/dav"
	"lockstep.dev/store"
)

// wired gives a house other systems than its own.
type wired map[model.Side]connector.Connector

func (w wired) Connector(_ context.Context, c model.Connection) (connector.Connector, error) {
	return w[c.Side], nil
}

// B22 where systems are not ours: a planted drift between a SQL CRM and a
// CalDAV/CardDAV server is found exactly, and healed.
func TestDriftBetweenSQLAndDAV(t *testing.T) {
	ctx := t.Context()
	server, err := dav.Open(ctx, filepath.Join(t.TempDir(), "dav.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if err := server.AddUser(ctx, dav.User{Name: address("ada"), Password: "secret", Addresses: []string{address("ada")}}); err != nil {
		t.Fatal(err)
	}
	book, err := server.AddCollection(ctx, dav.Collection{User: address("ada"), Kind: dav.AddressBook, Name: "contacts"})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	mail, err := davclient.New(connector.Settings{Values: map[string]string{"url": web.URL + "/"}, Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	settings := connector.Settings{Values: map[string]string{"dsn": filepath.Join(t.TempDir(), "crm.db")}}
	org := organisation.Organisation{Users: []organisation.User{{ID: "u-ada", Name: "Ada", Address: address("ada")}}}
	if err := org.Fill(ctx, settings); err != nil {
		t.Fatal(err)
	}
	crm, err := sqlcrm.New(settings)
	if err != nil {
		t.Fatal(err)
	}

	h := build(t, contacts())
	defer func() { h.close() }()
	h.gate.quiet = true
	h.acts.Systems = wired{model.CRM: crm, model.Mail: mail}
	card := func(n int, note string) []byte {
		return fmt.Appendf(nil, "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u%d\r\nFN:Person %d\r\nN:%d;Person;;;\r\nEMAIL:p%d@example.org\r\nNOTE:%s\r\nEND:VCARD\r\n", n, n, n, n, note)
	}
	path := func(n int) string { return fmt.Sprintf("%sp%d.vcf", book, n) }
	for n := range 9 {
		if _, err := server.Put(ctx, path(n), card(n, "")); err != nil {
			t.Fatal(err)
		}
	}
	sync := func(times int) {
		for range times {
			h.sweep()
		}
	}
	sync(4)

	// Two changed, one new and one deleted, and the server's log tells of none.
	server.SetBehaviour(dav.Behaviour{SilentChanges: true})
	for _, n := range []int{2, 3, 20} {
		request(t, web.URL, http.MethodPut, path(n), card(n, "untold"))
	}
	request(t, web.URL, http.MethodDelete, path(4), nil)
	server.SetBehaviour(dav.Behaviour{})
	// And we believe of the CRM what is not so: one version, one record too many.
	planted := h.misremember(t)
	sync(2)
	h.command("ada", activities.VerbAudit, "")
	sync(3)

	different := func(where string) []string {
		var out []string
		for _, d := range h.report(where).Drift {
			out = append(out, d.Item+" "+string(d.What))
		}
		return out
	}
	want := fmt.Sprint([]string{path(2) + " other version", path(20) + " missing here", path(3) + " other version", path(4) + " missing there"})
	if got := fmt.Sprint(different("ada")); got != want || h.report("ada").Compared != 10 {
		t.Errorf("the mailbox: of %d differ\n%s, want of 10\n%s", h.report("ada").Compared, got, want)
	}
	if got := fmt.Sprint(different("")); got != fmt.Sprint(planted) {
		t.Errorf("the CRM: %s differ, want %s", got, planted)
	}
	untold := 0
	session, err := crm.Open(ctx, model.Account{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	for page, err := range session.Changes(ctx, model.Collection{ID: "contact", Kind: model.Contact}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			if it.Content.Text("notes") == "untold" {
				untold++
			}
		}
	}
	if untold != 3 {
		t.Errorf("%d of the 3 untold changes are in the CRM", untold)
	}
}

// request is made by another program of ada's.
func request(t *testing.T, server, method, path string, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(address("ada"), "secret")
	r.Header.Set("Content-Type", "text/vcard")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s", method, path, answer.Status)
	}
}

// misremember makes our store believe of one CRM record that it has another
// version, and of one that it exists.
func (h *house) misremember(t *testing.T) []string {
	t.Helper()
	ctx := t.Context()
	all, err := h.db.Collections(ctx, h.crmID, "")
	h.must(err)
	pairs, err := h.db.Rested(ctx, h.box("ada").id, "", 100)
	h.must(err)
	var known plan.Seen
	for _, p := range pairs {
		if known.Ref.ID == "" || p.CRM.Ref.ID < known.Ref.ID {
			known = *p.CRM
		}
	}
	content := person("Nobody", "nobody@example.org")
	for _, c := range all {
		if c.Kind != model.Contact {
			continue
		}
		past := h.clock.Now().Add(-time.Hour)
		ref := model.Ref{Side: model.CRM, Kind: model.Contact, Collection: c.ID, ID: "~nobody", Version: "7", Order: 7}
		other := ref
		other.ID, other.Version, other.Order = known.Ref.ID, "misremembered", known.Ref.Order
		_, err := h.db.SavePage(ctx, store.PageIn{
			Connection: h.crmID, Collection: c, Cursor: c.Cursor, ReadAt: past, Now: past,
			Items: []model.Item{{Ref: ref, Content: content}, {Ref: other, Content: content}},
		})
		h.must(err)
	}
	return []string{known.Ref.ID + " other version", "~nobody missing there"}
}
