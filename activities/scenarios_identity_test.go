package activities_test

import (
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
	}
}
