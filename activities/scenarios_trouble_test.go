package activities_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

// troubleStories are about what people do at the very moment at which something
// goes wrong.
func troubleStories() []scenario {
	return []scenario{
		{
			// B10, L-12, L-14: fill in the last name, and the item syncs and both
			// categories are gone; the person's own category stays.
			name: "an item that the CRM refuses is marked in the mailbox until it syncs", design: wantsLastNames(),
			steps: []func(*house){
				func(h *house) {
					c := person("Grace", "grace@example.com")
					c.PutSet("categories", []model.Element{{Key: "friends", Text: "Friends"}})
					h.inMail("ada", model.Contact, c)
					h.inMail("ada", model.Contact, person("Cher", "cher@example.com"))
				},
				func(h *house) {
					h.wantCategories("Grace", "Friends", "Sync Error", "Sync Error: memory.rule")
					h.wantCategories("Cher", "Sync Error", "Sync Error: memory.rule")
					h.wantCount(0, "Grace", "")
					h.set("ada", "Grace", "family_name", "Hopper")
				},
			},
			check: func(h *house) {
				h.wantCategories("Grace", "Friends")
				h.wantCategories("Cher", "Sync Error", "Sync Error: memory.rule")
				h.wantText("", "Grace", "family_name", "Hopper")
				h.wantCount(1, "Grace", "")
				h.wantCount(0, "Cher", "")
			},
		},
		{
			name: "people edit while a first sync is interrupted", design: contacts(),
			steps: []func(*house){func(h *house) {
				h.inCRM(model.Contact, "ada", person("Only CRM", "crm@example.org"))
				h.inMail("ada", model.Contact, person("Only mail", "mail@example.org"))
			}},
			meanwhile: func(h *house) {
				h.set("", "Only CRM", "notes", "meanwhile")
				h.set("ada", "Only mail", "notes", "meanwhile")
			},
			check: func(h *house) {
				h.wantText("ada", "Only CRM", "notes", "meanwhile")
				h.wantText("", "Only mail", "notes", "meanwhile")
			},
		},
		{
			name: "people edit while their edits are interrupted", design: contacts(), before: crowd,
			steps: []func(*house){func(h *house) {
				h.set("", "Bob", "notes", "crm")
				h.set("ada", "Cleo", "notes", "mail")
			}},
			meanwhile: func(h *house) {
				h.set("ada", "Bob", "job_title", "meanwhile")
				h.set("", "Cleo", "job_title", "meanwhile")
			},
			check: func(h *house) {
				h.wantText("", "Bob", "job_title", "meanwhile")
				h.wantText("ada", "Bob", "notes", "crm")
				h.wantText("ada", "Cleo", "job_title", "meanwhile")
				h.wantText("", "Cleo", "notes", "mail")
			},
		},
		{
			name: "the organizer changes a meeting while it is being created", design: events("ada", "bob"),
			steps:     []func(*house){func(h *house) { h.inMail("ada", model.Event, meeting("Born", "ada", "bob")) }},
			meanwhile: func(h *house) { h.set("ada", "Born", "location", "Room 8") },
			check: func(h *house) {
				h.wantText("", "Born", "location", "Room 8")
				h.wantText("bob", "Born", "location", "Room 8")
			},
		},
		{
			name: "the organizer deletes a meeting while it is being created", design: events("ada", "bob"),
			steps:     []func(*house){func(h *house) { h.inMail("ada", model.Event, meeting("Born", "ada", "bob")) }},
			meanwhile: func(h *house) { h.remove("ada", "Born") },
			check:     func(h *house) { h.wantCount(0, "Born", "", "ada", "bob") },
		},
		{
			name: "a meeting is moved while its changes are written", design: events("ada", "bob"),
			before: func(h *house) {
				h.mail.AddCollection(address("ada"), model.Collection{ID: "team", Kind: model.Event})
				standup(h)
			},
			steps:     []func(*house){func(h *house) { h.set("", "Standup", "location", "Room 9") }},
			meanwhile: func(h *house) { h.at("ada").Move(h.the("ada", "Standup").Ref, "team") },
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("ada", "Standup", "location", "Room 9")
			},
		},
		{
			// Its old place is read after its new one: for a round it is nowhere.
			name: "a meeting is moved to what was read before", design: events("ada", "bob"),
			before: func(h *house) {
				h.mail.AddCollection(address("ada"), model.Collection{ID: "team", Kind: model.Event})
				standup(h)
				h.settle()
				h.at("ada").Move(h.the("ada", "Standup").Ref, "team")
			},
			steps:     []func(*house){func(h *house) { h.inMail("ada", model.Event, meeting("Other", "ada", "bob")) }},
			meanwhile: func(h *house) { h.at("ada").Move(h.the("ada", "Standup").Ref, "events") },
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				if id := h.the("", "Standup").Ref.ID; !strings.HasPrefix(id, "crm-") {
					h.t.Errorf("the record that a person made was deleted and created again as %s", id)
				}
			},
		},
		{
			name: "a meeting that we never wrote is moved at any moment", design: events("ada", "bob"),
			before: func(h *house) {
				h.mail.AddCollection(address("bob"), model.Collection{ID: "team", Kind: model.Event})
				standup(h)
				h.inMail("bob", model.Event, meeting("Standup", "ada", "bob"))
			},
			steps: []func(*house){func(h *house) { h.set("", "Standup", "location", "Room 9") }},
			meanwhile: func(h *house) {
				h.answer("bob", "Standup", "bob", "accepted")
				h.at("bob").Move(h.the("bob", "Standup").Ref, "team")
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("bob", "Standup", "location", "Room 9")
				h.wantAnswer("ada", "Standup", "bob", "accepted")
			},
		},
		{
			// Found by a random history: both ids are new at once.
			name: "a new contact is moved while it is read for the first time", design: pageByPage(),
			before: func(h *house) {
				h.mail.AddCollection(address("ada"), model.Collection{ID: "friends", Kind: model.Contact})
				bob(h)
			},
			steps: []func(*house){
				func(h *house) { h.inMail("ada", model.Contact, person("Cleo", "cleo@example.org")) },
				func(h *house) { h.set("", "Cleo", "notes", "later") },
			},
			meanwhile: func(h *house) { h.at("ada").Move(h.the("ada", "Cleo").Ref, "friends") },
			check: func(h *house) {
				h.wantCount(1, "Cleo", "", "ada")
				h.wantText("ada", "Cleo", "notes", "later")
			},
		},
		{
			name: "positions expire at the moment of a crash", design: contacts(), before: crowd,
			steps:     []func(*house){busyWeek},
			meanwhile: func(h *house) { h.crm.Expire(); h.mail.Expire() },
			check:     wantWeek,
		},
		{
			name: "invitations go out once, for what attendees must know", mails: 1, // B2, I12
			design: design{kinds: []model.Kind{model.Event}, people: []string{"ada", "bob"}, policy: func(p *model.Policy) { p.Invite = "organizer-changes" }},
			before: standup,
			steps: []func(*house){
				func(h *house) { h.set("", "Standup", "location", "Room 10") },
				func(h *house) { h.set("", "Standup", "url", "https://example.org") },
			},
		},
		week("a mailbox that is found by stamps", memory.Config{}, memory.Config{Kinds: tiered(model.Mail, connector.T2)}),
	}
}

// pageByPage tells ids first, and few at a time.
func pageByPage() design {
	d := contacts()
	d.mail = memory.Config{Page: 1, Refs: true}
	return d
}

// Decision 7: an attempt that was given up goes on. Whatever it still tells our
// store is refused, because it holds another token than its successor; its
// remote calls end before the lease does, so none begins then.
func TestTheOldAttemptGoesOn(t *testing.T) {
	s := scenario{design: events("ada", "bob"), before: func(h *house) { standup(h); h.inCRM(model.Event, "ada", meeting("Other", "ada", "bob")) }}
	edit := func(h *house) {
		h.set("", "Standup", "location", "Room 2")
		h.set("ada", "Other", "location", "Room 3")
		h.inMail("ada", model.Event, meeting("New", "ada", "bob"))
	}
	h := build(t, s.design)
	defer func() { h.close() }()
	h.gate.quiet = true
	s.before(h)
	h.settle()
	h.gate.quiet = false
	start := h.shoot(0, place{})
	edit(h)
	h.settle()
	want, points := h.picture(), h.gate.passed
	for i, p := range points {
		if p.what != "apply" || !late(p.name) {
			continue
		}
		t.Run(fmt.Sprintf("%s, point %d", p.name, i), func(t *testing.T) {
			h.t = t
			h.rewind(start)
			edit(h)
			h.gate.hook = h.overtake(i)
			h.settle()
			if got := h.picture(); got != want {
				t.Errorf("ends with\n%s\n--- want:\n%s", h.story(), want)
			}
		})
	}
	h.t = t
}

// late are the points of Apply at which an attempt can be overtaken: while a
// remote call is under way its lease lasts.
func late(name string) bool {
	return slices.Contains([]string{"after crm.apply", "after mail.apply", "before Begin", "before Commit", "after Commit", "before Renew"}, name)
}

// overtake has the workflow give up the attempt that passes a point: its lease
// runs out, whole rounds are run, and then it goes on.
func (h *house) overtake(at int) func(string) error {
	return func(string) error {
		if h.gate.n != at+1 {
			return nil
		}
		h.gate.hook, h.gate.quiet = nil, true
		attempt, boxes, where := h.attempt, []box{}, h.where
		for _, b := range h.boxes {
			boxes = append(boxes, *b)
			b.stage = fetching
		}
		h.clock.advance(leaseFor + time.Second)
		h.run++
		h.settle()
		h.attempt, h.where, h.gate.quiet = attempt, where, false
		for i, b := range h.boxes {
			b.stage = boxes[i].stage
		}
		return nil
	}
}

// wantsLastNames is a house whose CRM refuses contacts without a last name.
func wantsLastNames() design {
	d := contacts()
	d.crm.Refuse = func(op model.Operation) bool {
		return op.Action != model.Delete && op.Content.Text("family_name") == ""
	}
	return d
}

// wantCategories wants an item in ada's mailbox to carry exactly these.
func (h *house) wantCategories(name string, want ...string) {
	h.t.Helper()
	var got []string
	for _, e := range h.the("ada", name).Content.Set("categories") {
		got = append(got, e.Text)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		h.t.Errorf("%q carries %q, want %q\n%s", name, got, want, h.story())
	}
}
