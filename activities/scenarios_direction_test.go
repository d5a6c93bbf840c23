package activities_test

import (
	"context"
	"slices"

	"lockstep.dev/model"
)

// oneWay is a house whose policy syncs a kind in one direction.
func oneWay(kind model.Kind, direction string) design {
	return design{kinds: []model.Kind{kind}, policy: kindPolicy(kind, func(k *model.KindPolicy) { *k = model.KindPolicy{Direction: direction} })}
}

func wantLost(h *house, name string, want ...string) {
	h.t.Helper()
	if got := h.conflicts(name); !slices.Equal(got, want) {
		h.t.Errorf("kept %v, want %v", got, want)
	}
}

// Direction (D-42, D-43), tracking (D-41, D-47).
func directionStories() []scenario {
	return []scenario{
		{
			name: "an edit against the direction is put back and kept", design: oneWay(model.Contact, model.CRMToMail), before: bob, // D-43
			steps: []func(*house){
				func(h *house) { h.set("ada", "Bob", "notes", "mine") },
				func(h *house) { h.set("", "Bob", "job_title", "Head") },
				func(h *house) { h.set("ada", "Bob", "notes", "mine again") },
			},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Bob", "notes", "")
					h.wantText(p, "Bob", "job_title", "Head")
				}
				wantLost(h, "ada", "notes=mine", "notes=mine again")
			},
		},
		{
			name: "both sides edit one field of a kind with a direction", design: oneWay(model.Contact, model.CRMToMail), before: bob,
			steps: []func(*house){func(h *house) {
				h.set("", "Bob", "notes", "crm")
				h.set("ada", "Bob", "notes", "mine")
			}},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Bob", "notes", "crm")
				}
				wantLost(h, "ada", "notes=mine")
			},
		},
		{
			name: "an edit in the CRM against the direction is put back", design: oneWay(model.Contact, model.MailToCRM),
			before: func(h *house) { h.inMail("ada", model.Contact, tracked(person("Bob", "bob@example.org"))) },
			steps:  []func(*house){func(h *house) { h.set("", "Bob", "notes", "theirs") }},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Bob", "notes", "")
				}
				wantLost(h, "ada", "notes=theirs")
			},
		},
		{
			name: "a first sync of a kind with a direction creates and completes one side only", design: oneWay(model.Contact, model.CRMToMail),
			steps: []func(*house){func(h *house) {
				crm, mail := person("Bob", "bob@example.org"), person("Bob", "bob@example.org")
				crm.PutText("notes", "from the CRM")
				mail.PutText("job_title", "from the mailbox")
				h.inCRM(model.Contact, "ada", crm)
				h.inMail("ada", model.Contact, mail)
				h.inCRM(model.Contact, "ada", person("Only CRM", "crm@example.org"))
				h.inMail("ada", model.Contact, person("Only mail", "mail@example.org"))
			}},
			check: func(h *house) {
				h.wantText("ada", "Bob", "notes", "from the CRM")
				h.wantText("ada", "Bob", "job_title", "from the mailbox")
				h.wantText("", "Bob", "job_title", "")
				h.wantCount(1, "Only CRM", "", "ada")
				h.wantCount(1, "Only mail", "ada")
				h.wantCount(0, "Only mail", "")
			},
		},
		{
			name: "a meeting that is moved against the direction goes back, and nobody hears of it",
			design: design{kinds: []model.Kind{model.Event}, policy: func(p *model.Policy) {
				p.Invite = "organizer-changes"
				p.Kinds[model.Event] = model.KindPolicy{Direction: model.CRMToMail}
			}},
			before: func(h *house) { h.inCRM(model.Event, "ada", meeting("Review", "ada")) },
			steps: []func(*house){func(h *house) {
				h.at("ada").Edit(h.the("ada", "Review").Ref, model.Content{"start": {Text: "2031-03-21T09:00:00Z"}, "end": {Text: "2031-03-21T10:00:00Z"}})
			}},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Review", "start", "2031-03-20T09:00:00Z")
					h.wantText(p, "Review", "end", "2031-03-20T10:00:00Z")
				}
				wantLost(h, "ada", "start=2031-03-21T09:00:00Z")
			},
		},
		{
			name: "the status alone goes one way", // D-42
			design: design{kinds: []model.Kind{model.Task}, policy: kindPolicy(model.Task, func(k *model.KindPolicy) {
				k.Directions = map[string]string{"status": model.CRMToMail}
			})},
			before: func(h *house) { h.inCRM(model.Task, "ada", todo("Call")) },
			steps: []func(*house){func(h *house) {
				h.at("ada").Edit(h.the("ada", "Call").Ref, model.Content{"status": {Text: "completed"}, "description": {Text: "done"}})
			}},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Call", "status", "")
					h.wantText(p, "Call", "description", "done")
				}
				wantLost(h, "ada", "status=completed")
			},
		},
		{
			name: "what is deleted at the source goes, though the copy was edited", design: oneWay(model.Contact, model.CRMToMail), before: bob,
			steps: []func(*house){func(h *house) {
				h.set("ada", "Bob", "notes", "mine")
				h.remove("", "Bob")
			}},
			check: func(h *house) { h.wantCount(0, "Bob", "", "ada") },
		},
		{
			name: "a copy that is deleted against the direction takes nothing away", design: oneWay(model.Contact, model.CRMToMail), before: bob,
			steps: []func(*house){
				func(h *house) { h.remove("ada", "Bob") },
				func(h *house) { h.set("", "Bob", "notes", "later") },
			},
			check: func(h *house) {
				h.wantCount(1, "Bob", "")
				h.wantCount(0, "Bob", "ada")
			},
		},
		{
			name: "a policy that gets a direction counts from the next round on", design: contacts(), before: bob,
			steps: []func(*house){
				func(h *house) { h.set("ada", "Bob", "notes", "before") },
				func(h *house) {
					h.must(h.db.SavePolicy(context.Background(), model.Policy{Name: "all", Approval: "never", Kinds: map[model.Kind]model.KindPolicy{model.Contact: {Direction: model.CRMToMail}}}))
					h.set("ada", "Bob", "notes", "after")
				},
			},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Bob", "notes", "before")
				}
				wantLost(h, "ada", "notes=after")
			},
		},
		{
			name:   "a tracked invitation is created though its organizer is not synced", // D-41, D-47
			design: design{kinds: []model.Kind{model.Event}, people: []string{"ada", "ben"}, policy: kindPolicy(model.Event, func(k *model.KindPolicy) { k.FromMail = "category" })},
			steps: []func(*house){
				func(h *house) {
					h.inMail("ada", model.Event, meeting("Review", "outlook", "ada", "ben"))
					h.inMail("ben", model.Event, meeting("Review", "outlook", "ada", "ben"))
				},
				func(h *house) {
					h.wantCount(0, "Review", "")
					h.at("ada").Edit(h.the("ada", "Review").Ref, model.Content{"categories": tracked(model.Content{})["categories"]})
				},
				func(h *house) { h.answer("ben", "Review", "ben", "accepted") },
			},
			check: func(h *house) {
				h.wantCount(1, "Review", "", "ada", "ben")
				h.wantText("", "Review", "organizer", address("outlook"))
				h.wantAnswer("", "Review", "ben", "accepted")
			},
		},
	}
}

// tracked is an item that its user wants in the CRM.
func tracked(c model.Content) model.Content {
	c = c.Clone()
	c.PutSet("categories", []model.Element{{Key: "lockstep", Text: "Lockstep"}})
	return c
}
