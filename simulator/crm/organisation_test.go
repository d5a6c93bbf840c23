package crm_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
	"lockstep.dev/simulator/crm"
)

func now() time.Time { return time.Date(2031, 3, 4, 15, 30, 0, 0, time.UTC) }

// parts are what a side holds, by kind.
func crmParts(o crm.Organisation) map[model.Kind][]crm.Record {
	return map[model.Kind][]crm.Record{model.Contact: o.Contacts, model.Event: o.Events, model.Task: o.Tasks}
}

func mailParts(u crm.User) map[model.Kind][]crm.Record {
	return map[model.Kind][]crm.Record{model.Contact: u.Contacts, model.Event: u.Events, model.Task: u.Tasks}
}

// nature is by what a person would tell that two records are one thing.
func nature(kind model.Kind, r crm.Record) string {
	switch kind {
	case model.Contact:
		return r.Content.Set("emails")[0].Key + " " + r.Content.Text("family_name")
	case model.Event:
		return r.UID
	default:
		return r.Content.Text("title") + " " + r.Content.Text("due")
	}
}

// A first sync of each user has something of every sort to do.
func TestEverySortOfWork(t *testing.T) {
	o := crm.New(now())
	for _, u := range o.Users {
		for kind, mine := range mailParts(u) {
			theirs := map[string]crm.Record{}
			for _, r := range crmParts(o)[kind] {
				if r.Owner == u.ID || kind == model.Event {
					theirs[nature(kind, r)] = r
				}
			}
			alike, differ, new := 0, 0, 0
			for _, r := range mine {
				other, ok := theirs[nature(kind, r)]
				delete(theirs, nature(kind, r))
				switch {
				case !ok:
					new++
				case len(model.Differing(r.Content, other.Content)) > 0:
					differ++
				default:
					alike++
				}
			}
			if alike == 0 || differ == 0 || new == 0 || len(theirs) == 0 {
				t.Errorf("%s, %s: %d alike, %d differ, %d in the mailbox only, %d in the CRM only", u.ID, kind, alike, differ, new, len(theirs))
			}
		}
	}
}

// Things are told apart: no two of a user's look like one, and the same meeting
// in several mailboxes has one UID.
func TestNothingIsAmbiguous(t *testing.T) {
	o := crm.NewFor(now(), 10)
	shared := 0
	for _, u := range o.Users {
		for kind, mine := range mailParts(u) {
			seen := map[string]bool{}
			for _, r := range mine {
				if n := nature(kind, r); seen[n] {
					t.Errorf("%s holds %s %q twice", u.ID, kind, n)
				} else {
					seen[n] = true
				}
				if kind == model.Event && slices.ContainsFunc(o.Users[0].Events, func(o crm.Record) bool { return o.UID == r.UID }) {
					shared++
				}
			}
		}
	}
	if shared < 4*len(o.Users) {
		t.Errorf("%d meetings are shared", shared)
	}
	ids := map[string]bool{}
	for _, u := range o.Users {
		ids[u.ID], ids[u.Address] = true, true
	}
	if len(ids) != 2*len(o.Users) {
		t.Errorf("%d ids and addresses for %d users", len(ids), len(o.Users))
	}
}

// Every value is one of the model's, and every address one that cannot exist.
func TestContentIsCanonical(t *testing.T) {
	o := crm.New(now())
	check := func(kind model.Kind, r crm.Record) {
		for _, name := range r.Content.Fields() {
			i := slices.IndexFunc(model.Fields(kind), func(f model.Field) bool { return f.Name == name })
			if i < 0 || model.Fields(kind)[i].Set != (len(r.Content[name].Set) > 0) {
				t.Errorf("%s has %s, which is not as the model says", kind, name)
			}
			for _, e := range r.Content.Set(name) {
				if strings.Contains(e.Key, "@") && !strings.HasSuffix(e.Key, ".example") {
					t.Errorf("address %s could exist", e.Key)
				}
			}
		}
		if kind == model.Event && r.Content.Text("start") >= r.Content.Text("end") {
			t.Errorf("%s ends before it starts", r.UID)
		}
	}
	for kind, records := range crmParts(o) {
		for _, r := range records {
			check(kind, r)
			if len(r.Content.Only([]string{"alarms", "categories", "transparency"})) > 0 {
				t.Errorf("%s in the CRM has a personal field", kind)
			}
		}
	}
	for _, u := range o.Users {
		for kind, records := range mailParts(u) {
			for _, r := range records {
				check(kind, r)
			}
		}
	}
}

func TestSameArgumentsSameOrganisation(t *testing.T) {
	if !reflect.DeepEqual(crm.New(now()), crm.NewFor(now().Add(time.Hour), 3)) {
		t.Error("two organisations of one day differ")
	}
}

// What is filled in is what the connector reads, owners included, and nothing
// of it carries a key of ours.
func TestFill(t *testing.T) {
	for name, dsn := range map[string]func() string{
		"SQLite":     func() string { return "crm.db" },
		"PostgreSQL": func() string { return peer.PostgreSQL(t).DSN },
	} {
		t.Run(name, func(t *testing.T) {
			settings := connector.Settings{Values: map[string]string{"dsn": dsn()}, Folder: t.TempDir()}
			o := crm.New(now())
			for range 2 { // the second time changes nothing
				if err := o.Fill(t.Context(), settings); err != nil {
					t.Fatal(err)
				}
			}
			c, err := sqlcrm.New(settings)
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.Open(t.Context(), model.Account{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			for kind, records := range crmParts(o) {
				compare(t, kind, records, readAll(t, s, kind))
			}
		})
	}
}

func readAll(t *testing.T, s connector.Session, kind model.Kind) map[string]model.Item {
	t.Helper()
	out := map[string]model.Item{}
	for p, err := range s.Changes(t.Context(), model.Collection{ID: string(kind), Kind: kind}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			key := nature(kind, crm.Record{UID: it.UID, Content: it.Content})
			if kind == model.Task {
				key += it.Access[0].User
			}
			out[key] = it
		}
	}
	return out
}

func compare(t *testing.T, kind model.Kind, records []crm.Record, stored map[string]model.Item) {
	t.Helper()
	if len(stored) != len(records) {
		t.Errorf("%d %ss are stored, want %d", len(stored), kind, len(records))
	}
	for _, r := range records {
		key := nature(kind, r)
		if kind == model.Task {
			key += r.Owner
		}
		it, ok := stored[key]
		if !ok {
			t.Errorf("%s %q is missing among %d", kind, key, len(slices.Collect(maps.Keys(stored))))
			continue
		}
		if d := model.Differing(r.Content, it.Content); len(d) > 0 {
			t.Errorf("%s %q differs in %v", kind, key, d)
		}
		if it.Stamp != "" || it.Access[0] != (model.Access{User: r.Owner, Role: model.Owner}) {
			t.Errorf("%s %q: stamp %q, access %v", kind, key, it.Stamp, it.Access)
		}
	}
}
