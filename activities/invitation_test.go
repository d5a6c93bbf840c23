package activities_test

import (
	"context"
	"slices"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
)

// announced runs a story in a house whose policy lets organizers' changes be
// announced, and returns to whom mail went.
func announced(t *testing.T, invite string, before, step func(h *house)) (to []string, h *house) {
	t.Helper()
	h = build(t, design{kinds: []model.Kind{model.Event}, people: []string{"ada", "bob"}, policy: func(p *model.Policy) { p.Invite = invite }})
	t.Cleanup(func() { h.close() })
	h.gate.quiet = true
	if before != nil {
		before(h)
		h.settle()
	}
	earlier := len(h.mail.Mails()) + len(h.crm.Mails())
	step(h)
	h.settle()
	for _, m := range append(h.mail.Mails(), h.crm.Mails()...)[earlier:] {
		to = append(to, m.To)
	}
	slices.Sort(to)
	return to, h
}

// over is a meeting that has taken place.
func over(title string) model.Content {
	c := meeting(title, "ada", "bob", "guest")
	c.PutText("start", "2031-02-20T09:00:00Z")
	c.PutText("end", "2031-02-20T10:00:00Z")
	return c
}

// B2, decision 14: a mail server that counts. Nothing that Lockstep does by
// itself is heard by anybody; a change by the organizer of what is still to come
// is heard once by each attendee, where the policy says so.
func TestWhoHearsOfAWrite(t *testing.T) {
	guests := func(h *house) { h.inCRM(model.Event, "ada", meeting("Board", "ada", "bob", "guest")) }
	fromAda := func(h *house) { h.inMail("ada", model.Event, meeting("Board", "ada", "bob", "guest")) }
	both := []string{address("bob"), address("guest")}
	for _, c := range []struct {
		name         string
		before, step func(h *house)
		heard        []string // with organizer-changes; with never, nobody hears anything
	}{
		{"the first sync", nil, func(h *house) { guests(h); fromAda(h) }, nil},
		{"the first sync of an attendee", fromAda, func(h *house) {}, nil},
		{"the organizer moves the meeting in the CRM", guests, func(h *house) { h.set("", "Board", "location", "Room 30") }, both},
		{"twice", guests, func(h *house) {
			h.set("", "Board", "location", "Room 30")
			h.settle()
			h.set("", "Board", "start", "2031-03-20T09:30:00Z")
		}, append(slices.Clone(both), both...)},
		{"the organizer moves it in the calendar", guests, func(h *house) { h.set("ada", "Board", "location", "Room 30") }, nil},
		{"an attendee moves it in the own calendar", guests, func(h *house) { h.set("bob", "Board", "location", "Room 30") }, nil},
		{"an attendee answers", guests, func(h *house) { h.answer("bob", "Board", "bob", "accepted") }, nil},
		{"what attendees need not know", guests, func(h *house) { h.set("", "Board", "url", "https://example.org") }, nil},
		{"a past meeting", func(h *house) { h.inCRM(model.Event, "ada", over("Past")) }, func(h *house) { h.set("", "Past", "location", "Room 30") }, nil},
		{"a meeting is deleted in the CRM", func(h *house) { guests(h); h.inCRM(model.Event, "ada", meeting("Other", "ada")) }, func(h *house) { h.remove("", "Board") }, nil},
		{"a new meeting is entered in the CRM", func(h *house) { h.inCRM(model.Event, "ada", meeting("Other", "ada")) }, guests, both},
		{"a mailbox is removed and added again", guests, func(h *house) {
			h.command("ada", activities.VerbRemove, "")
			h.set("", "Board", "url", "https://example.org")
			h.add("ada")
		}, nil},
		{"positions expire", guests, func(h *house) { h.crm.Expire(); h.mail.Expire() }, nil},
		{"a dry run", guests, func(h *house) { h.command("ada", activities.VerbShow, "") }, nil},
	} {
		for _, invite := range []string{"never", "organizer-changes"} {
			t.Run(c.name+", "+invite, func(t *testing.T) {
				heard, h := announced(t, invite, c.before, c.step)
				want := c.heard
				if invite == "never" {
					want = nil
				}
				slices.Sort(want)
				if !slices.Equal(heard, want) {
					t.Errorf("mails went to %v, want %v\n%s", heard, want, h.story())
				}
				h.wantLedger(len(h.mail.Mails()))
			})
		}
	}
}

// wantLedger wants the ledger to know of every mail.
func (h *house) wantLedger(mails int) {
	h.t.Helper()
	n := 0
	for _, b := range h.boxes {
		rows, err := h.db.Invitations(context.Background(), b.id, 100)
		h.must(err)
		for _, r := range rows {
			if r.Why == "" || r.Recipients == 0 {
				h.t.Errorf("the ledger says nothing about %+v", r)
			}
			if r.Notify == model.NotifyAttendees {
				n += r.Recipients
			}
		}
	}
	if n != mails {
		h.t.Errorf("the ledger knows of %d mails, %d went out", n, mails)
	}
}
