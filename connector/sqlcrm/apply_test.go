package sqlcrm_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// both runs a story on each database, with the reference schema and one user.
func both(t *testing.T, story func(t *testing.T, p place)) {
	t.Helper()
	for name, on := range map[string]func(testing.TB) place{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			p := on(t).reference(t)
			p.exec(t, "INSERT INTO crm_user (id, name, email) VALUES ('uma', 'Uma User', 'Uma@example.com'), ('vic', 'Vic User', 'vic@example.com')")
			story(t, p)
		})
	}
}

func creation(kind model.Kind, key string, c model.Content) model.Operation {
	return model.Operation{
		Action: model.Create, Ref: model.Ref{Side: model.CRM, Kind: kind, Collection: string(kind)},
		Key: model.Key(key), Content: c, Actor: "uma",
	}
}

func texts(pairs ...string) model.Content {
	c := model.Content{}
	for i := 0; i+1 < len(pairs); i += 2 {
		c.PutText(pairs[i], pairs[i+1])
	}
	return c
}

func apply(t testing.TB, s connector.Session, ops ...model.Operation) []model.Receipt {
	t.Helper()
	rs, err := s.Apply(t.Context(), ops)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return rs
}

func create(t testing.TB, s connector.Session, kind model.Kind, key string, c model.Content) model.Item {
	t.Helper()
	r := apply(t, s, creation(kind, key, c))[0]
	if r.Outcome != model.Done || r.Item == nil {
		t.Fatalf("create: %s %v", r.Outcome, r.Err)
	}
	return *r.Item
}

func fetch(t testing.TB, s connector.Session, ref model.Ref) model.Item {
	t.Helper()
	items, err := s.Fetch(t.Context(), []model.Ref{ref})
	if err != nil || len(items) != 1 {
		t.Fatalf("fetch: %d items, %v", len(items), err)
	}
	return items[0]
}

// The one-liner of the documentation: somebody changes a phone number in SQL.
func TestOneLineOfSQL(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		s := p.session(t)
		c := texts("full_name", "Ada Sample")
		c.PutSet("phones", []model.Element{
			{Key: "+441111", Text: "+44 1111", Attr: map[string]string{"type": "cell"}},
			{Key: "+442222", Text: "+44 2222", Attr: map[string]string{"type": "work", "preferred": "1"}},
		})
		it := create(t, s, model.Contact, "ada.0", c)
		p.exec(t, "UPDATE contact SET phone = '+44 20 7946 0000' WHERE full_name = 'Ada Sample'")
		now := fetch(t, s, it.Ref)
		want := []model.Element{
			{Key: "+441111", Text: "+44 1111", Attr: map[string]string{"type": "cell"}},
			{Key: "+442079460000", Text: "+44 20 7946 0000", Attr: map[string]string{"type": "work", "preferred": "1"}},
		}
		if !(model.Value{Set: want}).Equal(now.Content["phones"]) {
			t.Errorf("phones are %+v", now.Content["phones"])
		}
		if now.Ref.Version == it.Ref.Version {
			t.Error("the version did not rise")
		}
		p.exec(t, "DELETE FROM contact_phone WHERE phone = '+44 1111'")
		after := fetch(t, s, it.Ref)
		if len(after.Content.Set("phones")) != 1 || after.Ref.Version == now.Ref.Version {
			t.Errorf("after a delete of a side row: %+v, version %s", after.Content["phones"], after.Ref.Version)
		}
	})
}

// Items are routed to mailboxes by owner, attendee and assignee; an attendee
// without a user id is looked for among the users by address.
func TestAccess(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		p.exec(t, "INSERT INTO appointment (id, title, starts, ends, organizer) VALUES ('a', 'A', '2031-03-04T09:00:00Z', '2031-03-04T10:00:00Z', 'uma@example.com')")
		p.exec(t, "INSERT INTO appointment_attendee (appointment_id, email, user_id) VALUES ('a', 'private@example.net', 'vic'), ('a', 'UMA@example.com', NULL)")
		p.exec(t, "INSERT INTO appointment (id, title, starts, ends, owner_id) VALUES ('b', 'B', '2031-03-04', '2031-03-05', 'vic')")
		p.exec(t, "INSERT INTO appointment_attendee (appointment_id, email) VALUES ('b', 'new@example.com')")
		p.exec(t, "INSERT INTO task (id, title, owner_id) VALUES ('t', 'T', 'vic')")
		s := p.session(t)
		access := func(kind model.Kind, id string) string {
			return fmt.Sprint(fetch(t, s, model.Ref{Side: model.CRM, Kind: kind, ID: id}).Access)
		}
		for _, want := range []struct {
			kind     model.Kind
			id, text string
		}{
			{model.Event, "a", "[{uma owner} {vic participant}]"},
			{model.Event, "b", "[{vic owner}]"},
			{model.Task, "t", "[{vic owner}]"},
		} {
			if got := access(want.kind, want.id); got != want.text {
				t.Errorf("%s: access is %s, want %s", want.id, got, want.text)
			}
		}
		r := p.reader(t, model.Event)
		r.poll(t)
		p.exec(t, "INSERT INTO crm_user (id, name, email) VALUES ('new', 'New', 'New@example.com')")
		equal(t, "a new user's appointments", r.poll(t), []string{"b"})
		if got := access(model.Event, "b"); got != "[{vic owner} {new participant}]" {
			t.Errorf("b: access is %s", got)
		}
		p.exec(t, "UPDATE crm_user SET email = 'other@example.com' WHERE id = 'new'")
		equal(t, "a changed address", r.poll(t), []string{"b"})
		p.exec(t, "UPDATE crm_user SET name = 'Newer' WHERE id = 'new'")
		equal(t, "a changed name", r.poll(t), nil)
		p.exec(t, "DELETE FROM crm_user WHERE id = 'uma'")
		equal(t, "a deleted user's appointments", r.poll(t), []string{"a"})
	})
}

// An attendee's answer changes; the CRM user whom the row names stays named,
// and so do columns we do not know.
func TestAttendeeRowsAreKept(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		p.exec(t, "ALTER TABLE appointment_attendee ADD COLUMN seat text")
		p.exec(t, "INSERT INTO appointment (id, title, starts, ends) VALUES ('a', 'A', '2031-03-04', '2031-03-05')")
		p.exec(t, "INSERT INTO appointment_attendee (appointment_id, email, user_id, seat) VALUES ('a', 'x@example.net', 'vic', 'window'), ('a', 'y@example.net', NULL, 'aisle')")
		s := p.session(t)
		it := fetch(t, s, model.Ref{Kind: model.Event, ID: "a"})
		c := it.Content.Clone()
		c.PutSet("attendees", []model.Element{
			{Key: "x@example.net", Attr: map[string]string{"status": "accepted"}},
			{Key: "z@example.net", Text: "Zoe", Attr: map[string]string{"role": "optional"}},
		})
		r := apply(t, s, model.Operation{Action: model.Update, Ref: it.Ref, Expect: it.Ref.Version, Content: c, Changed: []string{"attendees"}})[0]
		if r.Outcome != model.Done || !r.Item.Content["attendees"].Equal(c["attendees"]) {
			t.Fatalf("update: %s %v %+v", r.Outcome, r.Err, r.Item)
		}
		if got := p.text(t, "SELECT user_id || ' ' || seat || ' ' || status FROM appointment_attendee WHERE email = 'x@example.net'"); got != "vic window accepted" {
			t.Errorf("the kept attendee's row is %q", got)
		}
	})
}

// One bad row does not sink the rest, and its refusal names the column and
// never the value.
func TestOneBadRow(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		s := p.session(t)
		const private = "Zanzibar"
		rs := apply(t, s,
			creation(model.Task, "one.0", texts("title", "One")),
			creation(model.Task, "two.0", texts("title", "Two", "status", private)),
			creation(model.Task, "three.0", texts("description", "no title")),
			creation(model.Task, "four.0", texts("title", "Four", "percent", "many")),
			creation(model.Task, "five.0", texts("title", "Five")),
		)
		for i, want := range []string{"", "status", "title", "percent", ""} {
			switch {
			case want == "" && rs[i].Outcome != model.Done:
				t.Errorf("operation %d is %s: %v", i, rs[i].Outcome, rs[i].Err)
			case want != "" && (rs[i].Outcome != model.Refused || !fault.Is(rs[i].Err, fault.Invalid)):
				t.Errorf("operation %d is %s: %v", i, rs[i].Outcome, rs[i].Err)
			case want != "" && (!strings.Contains(rs[i].Err.Error(), want) || strings.Contains(rs[i].Err.Error(), private)):
				t.Errorf("operation %d: the text %q does not name %s, or tells the value", i, rs[i].Err, want)
			}
		}
		if got := p.text(t, "SELECT CAST(count(*) AS text) FROM task"); got != "2" {
			t.Errorf("%s tasks are stored", got)
		}
	})
}

// The same create from two processes at the same moment makes one item, and
// both are told the same.
func TestCreateAtOnce(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		const n = 4
		receipts := make([]model.Receipt, n)
		var wait sync.WaitGroup
		for i := range n {
			s := p.session(t)
			wait.Go(func() {
				rs, err := s.Apply(t.Context(), []model.Operation{creation(model.Contact, "same.0", texts("full_name", "Ada"))})
				if err != nil {
					rs = []model.Receipt{{Err: err}}
				}
				receipts[i] = rs[0]
			})
		}
		wait.Wait()
		for i, r := range receipts {
			if r.Outcome != model.Done || r.Ref.ID != receipts[0].Ref.ID {
				t.Errorf("session %d: %s %v", i, r.Outcome, r.Err)
			}
		}
		if got := p.text(t, "SELECT CAST(count(*) AS text) FROM contact"); got != "1" {
			t.Errorf("%s contacts are stored", got)
		}
	})
}

// What was created under a key and deleted since stays deleted.
func TestKeyUsed(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		s := p.session(t)
		create(t, s, model.Event, "e.0", texts("title", "E", "start", "2031-03-04", "end", "2031-03-05"))
		p.exec(t, "DELETE FROM appointment")
		r := apply(t, s, creation(model.Event, "e.0", texts("title", "E", "start", "2031-03-04", "end", "2031-03-05")))[0]
		f := fault.Of(r.Err)
		if r.Outcome != model.Refused || f == nil || f.Class != fault.NotFound || f.Code != "sqlcrm.key-used" {
			t.Errorf("create again: %s %v", r.Outcome, r.Err)
		}
	})
}

// Two operations on one item in one batch are carried out in their order.
func TestBatchNamesItemTwice(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		s := p.session(t)
		it := create(t, s, model.Task, "t.0", texts("title", "T"))
		c := it.Content.Clone()
		c.PutText("title", "U")
		op := model.Operation{Action: model.Update, Ref: it.Ref, Expect: it.Ref.Version, Content: c, Changed: []string{"title"}}
		rs := apply(t, s, op, op)
		if rs[0].Outcome != model.Done || rs[1].Outcome != model.Refused || !fault.Is(rs[1].Err, fault.Conflict) {
			t.Errorf("outcomes %s, %s (%v)", rs[0].Outcome, rs[1].Outcome, rs[1].Err)
		}
	})
}

// A stamp gives an item a key by which it is found.
func TestStamp(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		p.exec(t, "INSERT INTO contact (id, full_name) VALUES ('c', 'C')")
		s := p.session(t)
		it := fetch(t, s, model.Ref{Kind: model.Contact, ID: "c"})
		r := apply(t, s, model.Operation{Action: model.Stamp, Ref: it.Ref, Expect: it.Ref.Version, Key: "stamp.0"})[0]
		if r.Outcome != model.Done || r.Item.Stamp != "stamp.0" {
			t.Fatalf("stamp: %s %v", r.Outcome, r.Err)
		}
		found, conclusive, err := s.FindByKey(t.Context(), []model.Key{"stamp.0"})
		if err != nil || !conclusive || len(found) != 1 || found[0].Ref.ID != "c" {
			t.Errorf("found %d, conclusive %v, %v", len(found), conclusive, err)
		}
	})
}

func TestDirectory(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		d, ok := connector.As[connector.Directory](p.session(t))
		if !ok {
			t.Fatal("the session knows no users")
		}
		users, err := d.Users(t.Context())
		if err != nil || len(users) != 2 || users[0] != (connector.User{ID: "uma", Name: "Uma User", Address: "uma@example.com", Active: true}) {
			t.Errorf("users: %+v, %v", users, err)
		}
		if _, err := d.Group(t.Context(), "sales"); !fault.Is(err, fault.Unsupported) {
			t.Errorf("a group: %v", err)
		}
	})
}
