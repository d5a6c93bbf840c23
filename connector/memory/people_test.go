package memory_test

import (
	"slices"
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

func noAnswer() error {
	return &fault.Fault{Class: fault.Transient, Scope: fault.Server, Side: model.CRM, Source: "memory", Code: "memory.lost", Message: "The answer was lost."}
}

func open(t *testing.T, s *memory.System, address string) connector.Session {
	t.Helper()
	session, err := s.Open(t.Context(), model.Account{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func read(t *testing.T, s connector.Session, collection string, since model.Cursor) (ids, gone []string, next model.Cursor) {
	t.Helper()
	for p, err := range s.Changes(t.Context(), model.Collection{ID: collection, Kind: model.Event}, since) {
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			ids = append(ids, it.Ref.ID)
		}
		for _, r := range p.Gone {
			gone = append(gone, r.ID)
		}
		next = p.Cursor
	}
	return ids, gone, next
}

func meeting() model.Content {
	c := model.Content{}
	c.PutText("title", "Review")
	c.PutText("organizer", "ada@example.com")
	c.PutSet("attendees", []model.Element{{Key: "ada@example.com"}, {Key: "bob@example.com"}})
	return c
}

// A move under a new id looks like what DAV servers tell: gone in the one
// collection, new in the other, the same UID.
func TestMoveIsGoneAndNew(t *testing.T) {
	s := memory.New(memory.Config{Side: model.Mail})
	s.AddMailbox("ada@example.com", "")
	s.AddCollection("ada@example.com", model.Collection{ID: "team", Kind: model.Event})
	at, session := s.At("ada@example.com"), open(t, s, "ada@example.com")
	ref := at.Create(memory.Draft{Kind: model.Event, UID: "u1", Content: meeting()})
	_, _, home := read(t, session, "events", "")
	_, _, team := read(t, session, "team", "")
	moved := at.Move(ref, "team")
	if _, gone, _ := read(t, session, "events", home); !slices.Equal(gone, []string{ref.ID}) {
		t.Errorf("the old collection tells %v gone", gone)
	}
	if ids, _, _ := read(t, session, "team", team); !slices.Equal(ids, []string{moved.ID}) {
		t.Errorf("the new collection tells %v", ids)
	}
	if it, _ := at.Item(moved); it.UID != "u1" {
		t.Errorf("moved under UID %q", it.UID)
	}
}

// Deleted while it is being listed, page by page: the deletion is told.
func TestDeletedWhileListed(t *testing.T) {
	s := memory.New(memory.Config{Side: model.Mail, Page: 1})
	s.AddMailbox("ada@example.com", "")
	at, session := s.At("ada@example.com"), open(t, s, "ada@example.com")
	first := at.Create(memory.Draft{Kind: model.Event, Content: meeting()})
	at.Create(memory.Draft{Kind: model.Event, Content: meeting()})
	here := map[string]bool{}
	for p, err := range session.Changes(t.Context(), model.Collection{ID: "events", Kind: model.Event}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			here[it.Ref.ID] = true
		}
		for _, r := range p.Gone {
			delete(here, r.ID)
		}
		if here[first.ID] && len(here) == 1 {
			at.Delete(first)
		}
	}
	if here[first.ID] || len(here) != 1 {
		t.Errorf("the listing ends with %v", here)
	}
}

// The CRM tells who takes part: the owner, and users among the attendees.
func TestAccess(t *testing.T) {
	s := memory.New(memory.Config{Side: model.CRM})
	s.AddUser(connector.User{ID: "u-ada", Address: "Ada@example.com"})
	s.AddUser(connector.User{ID: "u-bob", Address: "bob@example.com"})
	ref := s.At("").Create(memory.Draft{Kind: model.Event, Owner: "u-ada", Content: meeting()})
	it, _ := s.At("").Item(ref)
	want := []model.Access{{User: "u-ada", Role: model.Owner}, {User: "u-bob", Role: model.Participant}}
	if !slices.Equal(it.Access, want) {
		t.Errorf("access %+v", it.Access)
	}
}

// B2: mail goes out only where a write says so, and every one is counted.
func TestOutbox(t *testing.T) {
	s := memory.New(memory.Config{Side: model.Mail})
	s.AddMailbox("ada@example.com", "")
	session := open(t, s, "ada@example.com")
	op := model.Operation{
		Action: model.Create, Key: "k-0", Content: meeting(),
		Ref: model.Ref{Side: model.Mail, Kind: model.Event, Collection: "events"},
	}
	for i, notify := range []model.Notify{model.NotifyNone, model.NotifyAttendees} {
		op.Key, op.Notify = op.Key+"1", notify
		if _, err := session.Apply(t.Context(), []model.Operation{op}); err != nil {
			t.Fatal(err)
		}
		if got := len(s.Mails()); got != i {
			t.Errorf("notify %q: %d mails", notify, got)
		}
	}
}

// A write shows in listings only after the lag; reading by id knows it at once.
func TestLag(t *testing.T) {
	at := &clock{now: time.Date(2031, 3, 1, 8, 0, 0, 0, time.UTC)}
	s := memory.New(memory.Config{Side: model.Mail, Now: at.Now, Lag: time.Minute})
	s.AddMailbox("ada@example.com", "")
	session := open(t, s, "ada@example.com")
	ref := s.At("ada@example.com").Create(memory.Draft{Kind: model.Event, Content: meeting()})
	ids, _, next := read(t, session, "events", "")
	if items, _ := session.Fetch(t.Context(), []model.Ref{ref}); len(ids) != 0 || len(items) != 1 {
		t.Errorf("at once: listed %v, fetched %d", ids, len(items))
	}
	at.now = at.now.Add(time.Minute)
	if ids, _, _ = read(t, session, "events", next); len(ids) != 1 {
		t.Errorf("after the lag: listed %v", ids)
	}
}

// What is restored from a backup has old revisions again, and another epoch.
func TestRestore(t *testing.T) {
	s := memory.New(memory.Config{Side: model.Mail})
	s.AddMailbox("ada@example.com", "")
	at, session := s.At("ada@example.com"), open(t, s, "ada@example.com")
	ref := at.Create(memory.Draft{Kind: model.Event, Content: meeting()})
	old := s.Backup()
	at.Set(ref, "title", "Later")
	c := model.Collection{ID: "events", Kind: model.Event}
	before, _ := session.Probe(t.Context(), c)
	s.Restore(old)
	after, _ := session.Probe(t.Context(), c)
	it, _ := at.Item(ref)
	if it.Content.Text("title") != "Review" || after.High >= before.High || after.Epoch == before.Epoch {
		t.Errorf("title %q, marks %+v then %+v", it.Content.Text("title"), before, after)
	}
}
