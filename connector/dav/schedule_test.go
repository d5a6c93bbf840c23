package dav

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/fault"
	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
	simulator "lockstep.dev/simulator/dav"
)

// meeting is one that alice organizes or attends.
func meeting(organizer string) model.Content {
	c := model.Content{}
	c.PutText("title", "Planning")
	c.PutText("start", "2031-03-04T09:00:00Z")
	c.PutText("end", "2031-03-04T10:00:00Z")
	c.PutText("organizer", organizer)
	c.PutSet("attendees", []model.Element{
		{Key: "alice@example.org", Text: "Alice"}, {Key: "bob@example.org", Text: "Bob"},
	})
	return c
}

// stored is a meeting that alice's own program wrote: the server serves its
// attendees.
func stored(organizer string) []byte {
	return []byte(strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//own program//EN", "BEGIN:VEVENT", "UID:own-1",
		"DTSTAMP:20260101T000000Z", "DTSTART:20310304T090000Z", "DTEND:20310304T100000Z", "SUMMARY:Planning",
		"ORGANIZER:mailto:" + organizer, "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:alice@example.org",
		"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.org", "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n"))
}

func (w *world) mails(t *testing.T) []simulator.Mail {
	t.Helper()
	m, err := w.server.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// event returns an event as fetched.
func (w *world) event(t *testing.T, s *Session, id string) model.Item {
	t.Helper()
	items, err := s.Fetch(t.Context(), []model.Ref{refOf(w.collection(t, s, model.Event), id, "")})
	if err != nil || len(items) != 1 {
		t.Fatalf("fetch: %d items, %v", len(items), err)
	}
	return items[0]
}

func one(t *testing.T, s *Session, op model.Operation) model.Receipt {
	t.Helper()
	rs, err := s.Apply(t.Context(), []model.Operation{op})
	if err != nil {
		t.Fatalf("%s: %v", op.Action, err)
	}
	return rs[0]
}

func done(t *testing.T, s *Session, op model.Operation) model.Receipt {
	t.Helper()
	r := one(t, s, op)
	if r.Outcome != model.Done {
		t.Fatalf("%s: %s: %v", op.Action, r.Outcome, r.Err)
	}
	return r
}

func updateOf(it model.Item, field, text string) model.Operation {
	c := it.Content.Clone()
	c.PutText(field, text)
	return model.Operation{Action: model.Update, Ref: it.Ref, Expect: it.Ref.Version, Raw: it.Raw, Content: c, Changed: []string{field}}
}

// B2: a meeting that we made never mails anybody, whatever becomes of it.
func TestOwnMeetingsNeverSendMail(t *testing.T) {
	for _, organizer := range []string{"alice@example.org", "a.example@example.org", "carol@example.org"} {
		w := newWorld(t)
		s := w.open(t)
		r := done(t, s, model.Operation{
			Action: model.Create, Ref: refOf(w.collection(t, s, model.Event), "", ""), Key: "e.0", UID: "m-1", Content: meeting(organizer),
		})
		it := w.event(t, s, r.Ref.ID)
		done(t, s, updateOf(it, "start", "2031-03-04T08:00:00Z"))
		it = w.event(t, s, r.Ref.ID)
		answer := updateOf(it, "title", "Planning")
		answer.Content.PutSet("attendees", []model.Element{
			{Key: "alice@example.org", Text: "Alice", Attr: map[string]string{"status": "accepted"}},
			{Key: "dan@example.org", Text: "Dan"},
		})
		answer.Changed = []string{"attendees"}
		done(t, s, answer)
		it = w.event(t, s, r.Ref.ID)
		done(t, s, model.Operation{Action: model.Stamp, Ref: it.Ref, Key: "e.1", Raw: it.Raw, Expect: it.Ref.Version})
		it = w.event(t, s, r.Ref.ID)
		done(t, s, model.Operation{Action: model.Delete, Ref: it.Ref, Expect: it.Ref.Version})
		if m := w.mails(t); len(m) > 0 {
			t.Errorf("organizer %s: mails %+v", organizer, m)
		}
	}
}

// B2: where the server serves the attendees already, RFC 6638 leaves no quiet
// way, so the write is refused and nothing is sent.
func TestMeetingsServedByTheServerAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	path := w.collections[model.Event] + "own.ics"
	w.put(t, path, model.Event, stored("alice@example.org"))
	before := len(w.mails(t))
	s := w.open(t)
	it := w.event(t, s, path)
	done(t, s, model.Operation{Action: model.Stamp, Ref: it.Ref, Key: "e.0", Raw: it.Raw, Expect: it.Ref.Version})
	it = w.event(t, s, path)
	for _, op := range []model.Operation{
		updateOf(it, "title", "Other"), updateOf(it, "start", "2031-03-04T08:00:00Z"),
		{Action: model.Delete, Ref: it.Ref, Expect: it.Ref.Version},
	} {
		r := one(t, s, op)
		if r.Outcome != model.Refused || !fault.Is(r.Err, fault.Unsupported) {
			t.Errorf("%s: %s %v", op.Action, r.Outcome, r.Err)
		}
	}
	if err := s.Mark(t.Context(), []model.Ref{it.Ref}, []string{"Sync Error"}, nil); !fault.Is(err, fault.Unsupported) {
		t.Errorf("mark: %v", err)
	}
	done(t, s, updateOf(it, "alarms", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"))
	if err := s.Unstamp(t.Context(), []model.Ref{it.Ref}); err != nil {
		t.Errorf("unstamp: %v", err)
	}
	if m := w.mails(t); len(m) != before {
		t.Errorf("mails: %+v", m[before:])
	}
}

// A server that keeps quiet on request (SabreDAV) may be asked to.
func TestMeetingsAreChangedQuietlyWhereTheServerCan(t *testing.T) {
	w := newWorld(t)
	w.server.SetBehaviour(simulator.Behaviour{ScheduleReplyCoversOrganizer: true})
	path := w.collections[model.Event] + "own.ics"
	w.put(t, path, model.Event, stored("alice@example.org"))
	before := len(w.mails(t))
	s := w.open(t)
	s.connector.habits.set(autoSchedules, true)
	s.connector.habits.set(quietOnRequest, true)
	it := w.event(t, s, path)
	done(t, s, updateOf(it, "title", "Other"))
	it = w.event(t, s, path)
	done(t, s, model.Operation{Action: model.Delete, Ref: it.Ref, Expect: it.Ref.Version})
	if m := w.mails(t); len(m) != before {
		t.Errorf("mails: %+v", m[before:])
	}
}

// B2: a change that may be announced is announced once to each attendee.
func TestAllowedChangesAreAnnouncedOnce(t *testing.T) {
	w := newWorld(t)
	s := w.open(t)
	create := model.Operation{
		Action: model.Create, Ref: refOf(w.collection(t, s, model.Event), "", ""), Key: "e.0", UID: "m-1", Content: meeting("alice@example.org"),
	}
	it := *done(t, s, create).Item
	op := updateOf(it, "start", "2031-03-04T08:00:00Z")
	op.Notify = model.NotifyAttendees
	done(t, s, op)
	m := w.mails(t)
	if len(m) != 1 || m[0].Method != "REQUEST" || m[0].Recipient != "bob@example.org" {
		t.Errorf("mails: %+v", m)
	}
	if seq := w.get(t, it.Ref.ID); !strings.Contains(string(seq), "SEQUENCE:1") {
		t.Errorf("the sequence was not raised: %s", seq)
	}
}

// An attendee's own copy: deleting it tells the organizer nothing.
func TestDeclinedCopyIsDeletedQuietly(t *testing.T) {
	w := newWorld(t)
	path := w.collections[model.Event] + "invited.ics"
	w.put(t, path, model.Event, stored("carol@example.org"))
	before := len(w.mails(t))
	s := w.open(t)
	it := w.event(t, s, path)
	answer := updateOf(it, "title", it.Content.Text("title"))
	answer.Content.PutSet("attendees", []model.Element{
		{Key: "alice@example.org", Attr: map[string]string{"status": "declined"}}, {Key: "bob@example.org"},
	})
	answer.Changed = []string{"attendees"}
	done(t, s, answer)
	it = w.event(t, s, path)
	done(t, s, model.Operation{Action: model.Delete, Ref: it.Ref, Expect: it.Ref.Version})
	if m := w.mails(t); len(m) != before {
		t.Errorf("mails: %+v", m[before:])
	}
}

// The same on a real server: Cyrus delivers to the calendars of its own users,
// so bob's inbox shows what was sent.
func TestNothingReachesAnAttendeeOnCyrus(t *testing.T) {
	server := peer.Cyrus(t, "alice", "bob")
	alice := &remote{url: server.URL, user: "alice", password: server.Password, kinds: "event"}
	bob := &remote{url: server.URL, user: "bob", password: server.Password}
	server.MakeCalendar(t, "bob", "Default", "VEVENT") // where Cyrus puts invitations
	s := alice.open(t)
	c := model.Collection{ID: pathOf(server, server.Calendar("alice")), Kind: model.Event}
	content := func() model.Content {
		m := meeting("alice@localhost")
		m.PutSet("attendees", []model.Element{{Key: "alice@localhost"}, {Key: "bob@localhost"}})
		return m
	}
	it := *done(t, s, model.Operation{Action: model.Create, Ref: refOf(c, "", ""), Key: "e.0", UID: "quiet-1", Content: content()}).Item
	r := done(t, s, updateOf(it, "start", "2031-03-04T08:00:00Z"))
	done(t, s, model.Operation{Action: model.Delete, Ref: r.Ref, Expect: r.Ref.Version})
	if got := bob.inbox(t, server); len(got) > 0 {
		t.Fatalf("bob was told: %v", got)
	}

	// A meeting that alice's own program makes is delivered; from then on a
	// quiet change of it is refused.
	path := c.ID + "own.ics"
	alice.put(t, path, model.Event, []byte(strings.ReplaceAll(string(stored("alice@localhost")), "@example.org", "@localhost")))
	sent := len(bob.inbox(t, server))
	if sent == 0 {
		t.Fatal("Cyrus delivered nothing, so this test proves nothing")
	}
	items, err := s.Fetch(t.Context(), []model.Ref{refOf(c, path, "")})
	if err != nil || len(items) != 1 {
		t.Fatalf("fetch: %v", err)
	}
	for _, op := range []model.Operation{
		updateOf(items[0], "start", "2031-03-04T08:00:00Z"),
		{Action: model.Delete, Ref: items[0].Ref, Expect: items[0].Ref.Version},
	} {
		if r := one(t, s, op); r.Outcome != model.Refused || !fault.Is(r.Err, fault.Unsupported) {
			t.Errorf("%s: %s %v", op.Action, r.Outcome, r.Err)
		}
	}
	done(t, s, model.Operation{Action: model.Stamp, Ref: items[0].Ref, Key: "e.9", Expect: items[0].Ref.Version, Raw: items[0].Raw})
	if now := len(bob.inbox(t, server)); now != sent {
		t.Errorf("bob was told %d times more", now-sent)
	}
}

// inbox lists what a user's scheduling inbox holds.
func (r *remote) inbox(t *testing.T, server *peer.DAVServer) []string {
	t.Helper()
	s := r.open(t)
	var out []string
	inbox := pathOf(server, server.CalendarHome(r.user)) + "Inbox/"
	req := request{method: "PROPFIND", href: inbox, depth: "1", body: propfind("getetag")}
	_, fail := s.link.multistatus(t.Context(), req, func(m member, _ *url.URL) error {
		if !sameHref(m.href, inbox) {
			out = append(out, m.href)
		}
		return nil
	})
	if fail != nil {
		t.Fatal(fail.fault)
	}
	slices.Sort(out)
	return out
}
