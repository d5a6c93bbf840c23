package crm_test

import (
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"

	"lockstep.dev/connector"
	davconnector "lockstep.dev/connector/dav"
	"lockstep.dev/model"
	"lockstep.dev/simulator/crm"
	"lockstep.dev/simulator/dav"
)

// mailbox makes a user's mailbox on a simulated server and opens it.
func mailbox(t *testing.T, u crm.User) connector.Session {
	t.Helper()
	server, err := dav.Open(t.Context(), filepath.Join(t.TempDir(), "dav.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	if err := server.AddUser(t.Context(), dav.User{Name: u.Address, Password: u.Password, DisplayName: u.Name, Addresses: []string{u.Address}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []dav.Collection{
		{User: u.Address, Kind: dav.AddressBook, Name: "contacts", DisplayName: "Contacts"},
		{User: u.Address, Kind: dav.Calendar, Name: "calendar", DisplayName: "Calendar"},
		{User: u.Address, Kind: dav.Calendar, Name: "tasks", DisplayName: "Tasks", Components: []string{"VTODO"}},
	} {
		if _, err := server.AddCollection(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	c, err := davconnector.New(connector.Settings{Values: map[string]string{"url": web.URL + "/"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(t.Context(), model.Account{Address: u.Address, User: u.Address, Secret: u.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A mailbox that was filled reads as the organisation says, so that a first
// sync disagrees only where it is meant to. Nothing carries a key of ours.
func TestFillMailbox(t *testing.T) {
	for _, u := range crm.New(now()).Users[:2] {
		s := mailbox(t, u)
		if err := u.FillMailbox(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		for kind, records := range mailParts(u) {
			stored := mailItems(t, s, kind)
			if len(stored) != len(records) {
				t.Errorf("%s: %d %ss are stored, want %d", u.ID, len(stored), kind, len(records))
			}
			for _, r := range records {
				it, ok := stored[r.UID]
				if d := model.Differing(r.Content, it.Content); !ok || len(d) > 0 || it.Stamp != "" {
					t.Errorf("%s: %s %s: there %v, stamp %q, differs in %v", u.ID, kind, r.UID, ok, it.Stamp, d)
				}
			}
		}
	}
}

// The CRM's own appointments, created in a mailbox, read as the CRM says.
func TestCRMFitsMailbox(t *testing.T) {
	o := crm.New(now())
	s := mailbox(t, o.Users[0])
	all, err := s.Collections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for kind, records := range crmParts(o) {
		mine := slices.DeleteFunc(slices.Clone(records), func(r crm.Record) bool { return r.Owner != o.Users[0].ID })
		i := slices.IndexFunc(all, func(c model.Collection) bool { return c.Kind == kind })
		if err := crm.Create(t.Context(), s, model.Mail, kind, all[i].ID, mine); err != nil {
			t.Fatal(err)
		}
		stored := map[string]model.Item{}
		for _, it := range mailItems(t, s, kind) {
			stored[nature(kind, crm.Record{UID: it.UID, Content: it.Content})] = it
		}
		for _, r := range mine {
			it, ok := stored[nature(kind, r)]
			if d := model.Differing(r.Content, it.Content); !ok || len(d) > 0 {
				t.Errorf("%s %q: there %v, differs in %v", kind, nature(kind, r), ok, d)
			}
		}
	}
}

// mailItems reads all items of a kind: UID -> item.
func mailItems(t *testing.T, s connector.Session, kind model.Kind) map[string]model.Item {
	t.Helper()
	all, err := s.Collections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]model.Item{}
	for _, c := range all {
		if c.Kind != kind {
			continue
		}
		for p, err := range s.Changes(t.Context(), c, "") {
			if err != nil {
				t.Fatal(err)
			}
			items := p.Items
			if len(p.Changed) > 0 {
				more, err := s.Fetch(t.Context(), p.Changed)
				if err != nil {
					t.Fatal(err)
				}
				items = append(items, more...)
			}
			for _, it := range items {
				out[it.UID] = it
			}
		}
	}
	return out
}
