package activities_test

import (
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

// identityStories are about things that come back, are copied, or exist twice:
// what they are decides whether there will be one of them or two (I3).
func identityStories() []scenario {
	return []scenario{
		{
			name: "a contact deleted in the mailbox is added again", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) { h.remove("ada", "Bob") },
				func(h *house) { h.inMail("ada", model.Contact, person("Bob", "Bob@example.org")) },
				func(h *house) { h.set("", "Bob", "notes", "again in step") },
			},
			check: func(h *house) {
				h.wantCount(1, "Bob", "", "ada")
				h.wantText("ada", "Bob", "notes", "again in step")
			},
		},
		{
			name: "a contact deleted and entered anew in the CRM at once", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) {
					h.remove("", "Bob")
					h.inCRM(model.Contact, "ada", person("Bob", "Bob@example.org"))
				},
				func(h *house) { h.set("", "Bob", "notes", "the new one") },
			},
			check: func(h *house) {
				h.wantCount(1, "Bob", "", "ada")
				h.wantText("ada", "Bob", "notes", "the new one")
			},
		},
		{
			name: "an attendee takes a deletion back", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.remove("bob", "Standup") },
				func(h *house) {
					h.wantCount(0, "Standup", "bob")
					h.inMail("bob", model.Event, meeting("Standup", "ada", "bob"))
				},
				func(h *house) { h.set("ada", "Standup", "location", "Room 12") },
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("bob", "Standup", "location", "Room 12")
			},
		},
		{
			name: "a meeting is deleted and entered anew in the CRM at once", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) {
					h.remove("", "Standup")
					h.inCRM(model.Event, "ada", meeting("Standup", "ada", "bob"))
				},
				func(h *house) { h.set("", "Standup", "location", "Room 13") },
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("bob", "Standup", "location", "Room 13")
			},
		},
		{
			name: "two records of one meeting in the CRM", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.inCRM(model.Event, "ada", meeting("Standup", "ada", "bob")) },
				func(h *house) { h.wantCount(1, "Standup", "ada", "bob"); h.at("").Delete(h.all("", "Standup")[0].Ref) },
				func(h *house) { h.set("", "Standup", "location", "Room 14") },
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("ada", "Standup", "location", "Room 14")
				h.wantText("bob", "Standup", "location", "Room 14")
			},
		},
		{
			name: "two records of one meeting that no mailbox has yet", design: events("ada", "bob"),
			steps: []func(*house){func(h *house) { standup(h); standup(h) }},
			check: func(h *house) { h.wantCount(2, "Standup", ""); h.wantCount(1, "Standup", "ada", "bob") },
		},
		twinsEntered("entered on both sides at once while the CRM's reads lag", memory.Config{Lag: 40 * time.Second}, memory.Config{}),
		twinsEntered("entered on both sides at once while the mailbox's reads lag", memory.Config{}, memory.Config{Lag: 40 * time.Second}),
		editedAtOnce("an edit right after our write, in a system without order", memory.Config{Lag: 40 * time.Second, Kinds: unordered(model.CRM)}, memory.Config{}),
		editedAtOnce("an edit right after our write, in a mailbox without order", memory.Config{}, memory.Config{Lag: 40 * time.Second, Kinds: unordered(model.Mail)}),
	}
}

// twinsEntered is about what somebody enters in both systems within the time
// that a read lags behind: it must be matched, not created a second time.
func twinsEntered(name string, crm, mail memory.Config) scenario {
	d := events("ada", "bob")
	d.crm, d.mail = crm, mail
	return scenario{
		name: name, design: d, before: standup,
		steps: []func(*house){
			func(h *house) {
				h.inCRM(model.Event, "ada", meeting("Twin", "ada", "bob"))
				h.inMail("ada", model.Event, meeting("Twin", "ada", "bob"))
			},
			func(h *house) { h.set("", "Twin", "location", "Room 15") },
		},
		check: func(h *house) {
			h.wantCount(1, "Twin", "", "ada", "bob")
			h.wantText("bob", "Twin", "location", "Room 15")
		},
	}
}

// editedAtOnce is about a person who edits an item in the time in which reads
// may not show our own write to it yet.
func editedAtOnce(name string, crm, mail memory.Config) scenario {
	places := map[bool]string{true: "", false: "ada"}
	where, other := places[crm.Lag > 0], places[crm.Lag == 0]
	return scenario{
		name: name, design: design{kinds: []model.Kind{model.Contact}, crm: crm, mail: mail}, before: crowd,
		steps:     []func(*house){func(h *house) { h.set(other, "Bob", "notes", "ours") }},
		meanwhile: func(h *house) { h.set(where, "Bob", "job_title", "theirs") },
		check: func(h *house) {
			h.wantText(other, "Bob", "job_title", "theirs")
			h.wantText(where, "Bob", "notes", "ours")
		},
	}
}

// unordered are systems whose versions have no order.
func unordered(side model.Side) map[model.Kind]connector.KindCapabilities {
	all := memory.Everything(side)
	for k, c := range all {
		c.Ordered = false
		all[k] = c
	}
	return all
}
