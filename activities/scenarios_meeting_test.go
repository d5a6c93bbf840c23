package activities_test

import (
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

func standup(h *house) { h.inCRM(model.Event, "ada", meeting("Standup", "ada", "bob")) }

func meetingStories() []scenario {
	three := []string{"ada", "bob", "cleo"}
	return []scenario{
		{
			name: "the same meeting in three mailboxes is created once", design: events("bob", "cleo", "ada"),
			steps: []func(*house){func(h *house) {
				for _, p := range three {
					h.inMail(p, model.Event, meeting("Board", "ada", "bob", "cleo"))
				}
			}},
			check: func(h *house) {
				h.wantCount(1, "Board", "", "ada", "bob", "cleo")
				if a := h.the("", "Board").Access; len(a) == 0 || a[0] != (model.Access{User: "u-ada", Role: model.Owner}) {
					h.t.Errorf("the record is %+v's, not the organizer's", a)
				}
			},
		},
		{
			name: "a meeting that the CRM and two mailboxes have", design: events("bob", "ada"),
			steps: []func(*house){func(h *house) {
				h.inCRM(model.Event, "ada", meeting("Board", "ada", "bob"))
				h.inMail("ada", model.Event, meeting("Board", "ada", "bob"))
				h.inMail("bob", model.Event, meeting("Board", "ada", "bob"))
			}},
			check: func(h *house) { h.wantCount(1, "Board", "", "ada", "bob") },
		},
		{
			name: "the organizer's change reaches everybody", design: events("bob", "ada"), before: standup,
			steps: []func(*house){func(h *house) { h.set("ada", "Standup", "location", "Room 2") }},
			check: func(h *house) {
				h.wantText("", "Standup", "location", "Room 2")
				h.wantText("bob", "Standup", "location", "Room 2")
			},
		},
		{
			name: "an attendee's answer reaches the CRM and the organizer", design: events("ada", "bob"), before: standup,
			steps: []func(*house){func(h *house) { h.answer("bob", "Standup", "bob", "accepted") }},
			check: func(h *house) {
				h.wantAnswer("", "Standup", "bob", "accepted")
				h.wantAnswer("ada", "Standup", "bob", "accepted")
			},
		},
		{
			name: "an attendee's own title stays in the attendee's mailbox", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.set("bob", "Standup", "title", "Boring") },
				func(h *house) { h.set("", "Standup", "location", "Room 3") },
			},
			check: func(h *house) {
				h.wantText("bob", "Boring", "location", "Room 3")
				h.wantCount(1, "Standup", "", "ada")
			},
		},
		{
			name: "two attendees answer at once", design: events("ada", "bob", "cleo"),
			before: func(h *house) { h.inCRM(model.Event, "ada", meeting("Standup", "ada", "bob", "cleo")) },
			steps: []func(*house){func(h *house) {
				h.answer("bob", "Standup", "bob", "accepted")
				h.answer("cleo", "Standup", "cleo", "declined")
			}},
			check: func(h *house) {
				for _, p := range []string{"", "ada", "bob", "cleo"} {
					h.wantAnswer(p, "Standup", "bob", "accepted")
					h.wantAnswer(p, "Standup", "cleo", "declined")
				}
			},
		},
		{
			name: "the organizer deletes a meeting", design: events("bob", "ada"), before: standup,
			steps: []func(*house){func(h *house) {
				h.inCRM(model.Event, "ada", meeting("Other", "ada", "bob"))
				h.remove("ada", "Standup")
			}},
			check: func(h *house) { h.wantCount(0, "Standup", "", "ada", "bob"); h.wantCount(1, "Other", "", "ada", "bob") },
		},
		{
			name: "a meeting born in a mailbox is deleted in the CRM", design: events("ada", "bob"),
			before: func(h *house) { h.inMail("ada", model.Event, meeting("Born", "ada", "bob")) },
			steps: []func(*house){
				func(h *house) { h.wantCount(1, "Born", "", "ada", "bob") },
				func(h *house) { h.inCRM(model.Event, "ada", meeting("Other", "ada", "bob")); h.remove("", "Born") },
			},
			check: func(h *house) { h.wantCount(0, "Born", "", "ada", "bob"); h.wantCount(1, "Other", "", "ada", "bob") },
		},
		{
			name: "a meeting born in a mailbox is deleted there", design: events("bob", "ada"),
			before: func(h *house) { h.inMail("ada", model.Event, meeting("Born", "ada", "bob")) },
			steps: []func(*house){
				func(h *house) { h.inCRM(model.Event, "ada", meeting("Other", "ada", "bob")); h.remove("ada", "Born") },
			},
			check: func(h *house) { h.wantCount(0, "Born", "", "ada", "bob"); h.wantCount(1, "Other", "", "ada", "bob") },
		},
		{
			name: "a meeting born in a mailbox is deleted there and in the CRM at once", design: events("ada", "bob"),
			before: func(h *house) {
				h.inMail("ada", model.Event, meeting("Born", "ada", "bob"))
				h.inMail("ada", model.Event, meeting("Other", "ada", "bob"))
			},
			steps: []func(*house){func(h *house) { h.remove("ada", "Born"); h.remove("", "Born") }},
			check: func(h *house) { h.wantCount(0, "Born", "", "ada", "bob") },
		},
		{
			name: "deleted in the CRM while an attendee answers", design: events("ada", "bob"),
			before: func(h *house) {
				h.inMail("ada", model.Event, meeting("Born", "ada", "bob"))
				h.inMail("ada", model.Event, meeting("Other", "ada", "bob"))
			},
			steps: []func(*house){func(h *house) { h.answer("bob", "Born", "bob", "accepted"); h.remove("", "Born") }},
			check: func(h *house) { h.wantCount(0, "Born", "", "ada", "bob"); h.wantCount(1, "Other", "", "ada", "bob") },
		},
		{
			name: "a deleted meeting is brought back", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.inCRM(model.Event, "ada", meeting("Other", "ada", "bob")) },
				func(h *house) { h.remove("ada", "Standup") },
				func(h *house) {
					h.wantCount(0, "Standup", "", "bob")
					h.inMail("ada", model.Event, meeting("Standup", "ada", "bob"))
				},
			},
			check: func(h *house) { h.wantCount(1, "Standup", "", "ada", "bob") },
		},
		{
			name: "a meeting born in a mailbox, deleted and brought back", design: events("ada", "bob"),
			before: func(h *house) {
				h.inMail("ada", model.Event, meeting("Born", "ada", "bob"))
				h.inMail("ada", model.Event, meeting("Other", "ada", "bob"))
			},
			steps: []func(*house){
				func(h *house) { h.remove("ada", "Born") },
				func(h *house) {
					h.wantCount(0, "Born", "", "bob")
					h.inMail("ada", model.Event, meeting("Born", "ada", "bob"))
				},
			},
			check: func(h *house) { h.wantCount(1, "Born", "", "ada", "bob") },
		},
		{
			name: "an attendee deletes a meeting and takes it from nobody", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.remove("bob", "Standup") },
				func(h *house) { h.set("", "Standup", "location", "Room 4") },
			},
			check: func(h *house) { h.wantText("ada", "Standup", "location", "Room 4"); h.wantCount(0, "Standup", "bob") },
		},
		{
			name: "a past meeting that the organizer deletes stays in the CRM", design: events("ada"),
			before: func(h *house) {
				c := meeting("Past", "ada")
				c.PutText("start", "2031-02-20T09:00:00Z")
				c.PutText("end", "2031-02-20T10:00:00Z")
				h.inCRM(model.Event, "ada", c)
			},
			steps: []func(*house){func(h *house) { h.remove("ada", "Past") }},
			check: func(h *house) { h.wantCount(1, "Past", ""); h.wantCount(0, "Past", "ada") },
		},
		{
			name: "somebody is invited later", design: events("ada", "bob", "cleo"), before: standup,
			steps: []func(*house){func(h *house) {
				c := meeting("Standup", "ada", "bob", "cleo")
				h.at("ada").Edit(h.the("ada", "Standup").Ref, model.Content{"attendees": c["attendees"]})
			}},
			check: func(h *house) { h.wantCount(1, "Standup", "", "ada", "bob", "cleo") },
		},
		{
			name: "somebody is no longer invited and keeps a copy", design: events("ada", "bob"), before: standup, // B19
			steps: []func(*house){
				func(h *house) {
					c := meeting("Standup", "ada")
					h.at("").Edit(h.the("", "Standup").Ref, model.Content{"attendees": c["attendees"]})
				},
				func(h *house) { h.set("", "Standup", "location", "Room 5") },
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("bob", "Standup", "location", "")
			},
		},
		{
			name: "a record changes hands and comes back", design: design{kinds: []model.Kind{model.Contact}, people: []string{"ada", "bob"}}, before: bob, // B19
			steps: []func(*house){
				func(h *house) { h.at("").Give(h.the("", "Bob").Ref, "u-bob") },
				func(h *house) { h.set("", "Bob", "notes", "while away") },
				func(h *house) { h.at("").Give(h.the("", "Bob").Ref, "u-ada") },
			},
			check: func(h *house) {
				h.wantCount(1, "Bob", "", "ada", "bob")
				h.wantText("ada", "Bob", "notes", "while away")
			},
		},
		{
			name: "moved to another calendar under a new id", design: events("ada", "bob"),
			before: func(h *house) {
				h.mail.AddCollection(address("ada"), model.Collection{ID: "team", Kind: model.Event})
				standup(h)
			},
			steps: []func(*house){
				func(h *house) { h.at("ada").Move(h.the("ada", "Standup").Ref, "team") },
				func(h *house) { h.set("", "Standup", "location", "Room 6") },
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("ada", "Standup", "location", "Room 6")
				if c := h.the("ada", "Standup").Ref.Collection; c != "team" {
					h.t.Errorf("it lies in %s", c)
				}
			},
		},
		{
			name: "a meeting that we never wrote is moved under a new id", design: events("ada", "bob"),
			before: func(h *house) {
				h.mail.AddCollection(address("ada"), model.Collection{ID: "team", Kind: model.Event})
				h.inMail("ada", model.Event, meeting("Standup", "ada", "bob"))
			},
			steps: []func(*house){
				func(h *house) {
					h.at("ada").Set(h.at("ada").Move(h.the("ada", "Standup").Ref, "team"), "location", "there")
				},
				func(h *house) { h.set("", "Standup", "description", "changed") },
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("bob", "Standup", "location", "there")
				h.wantText("ada", "Standup", "description", "changed")
			},
		},
		{
			name: "a contact that we never wrote is moved under a new id", design: contacts(),
			before: func(h *house) {
				h.mail.AddCollection(address("ada"), model.Collection{ID: "friends", Kind: model.Contact})
				h.inMail("ada", model.Contact, person("Bob", "bob@example.org"))
			},
			steps: []func(*house){
				func(h *house) {
					h.at("ada").Set(h.at("ada").Move(h.the("ada", "Bob").Ref, "friends"), "notes", "moved")
				},
				func(h *house) { h.set("", "Bob", "job_title", "changed") },
			},
			check: func(h *house) {
				h.wantCount(1, "Bob", "", "ada")
				h.wantText("", "Bob", "notes", "moved")
				h.wantText("ada", "Bob", "job_title", "changed")
			},
		},
		{
			name: "moved to another calendar under the same id", design: events("ada", "bob"),
			before: func(h *house) {
				h.mail.AddCollection(address("ada"), model.Collection{ID: "team", Kind: model.Event})
				standup(h)
			},
			steps: []func(*house){
				func(h *house) { h.at("ada").Shift(h.the("ada", "Standup").Ref, "team") },
				func(h *house) { h.set("", "Standup", "location", "Room 6") },
			},
			check: func(h *house) {
				h.wantText("ada", "Standup", "location", "Room 6")
				h.wantCount(1, "Standup", "", "ada", "bob")
			},
		},
		{
			name: "moved under the same id while the resume position expires", design: events("ada", "bob"),
			before: func(h *house) {
				h.mail.AddCollection(address("bob"), model.Collection{ID: "team", Kind: model.Event})
				standup(h)
			},
			steps: []func(*house){
				func(h *house) { h.at("bob").Shift(h.the("bob", "Standup").Ref, "team"); h.mail.Expire() },
				func(h *house) { h.set("", "Standup", "location", "Room 6") },
				func(h *house) { h.at("bob").Shift(h.the("bob", "Standup").Ref, "events"); h.mail.Expire() },
				func(h *house) { h.set("", "Standup", "location", "Room 7") },
			},
			check: func(h *house) {
				h.wantText("bob", "Standup", "location", "Room 7")
				h.wantCount(1, "Standup", "", "ada", "bob")
			},
		},
		{
			name: "moved and edited, both at once", design: events("ada"),
			before: func(h *house) {
				h.mail.AddCollection(address("ada"), model.Collection{ID: "team", Kind: model.Event})
				standup(h)
			},
			steps: []func(*house){func(h *house) {
				h.at("ada").Set(h.at("ada").Move(h.the("ada", "Standup").Ref, "team"), "location", "there")
				h.set("", "Standup", "description", "changed")
			}},
			check: func(h *house) {
				h.wantText("", "Standup", "location", "there")
				h.wantText("ada", "Standup", "description", "changed")
			},
		},
		{
			name: "a meeting that exists before its second mailbox does", design: events("ada"),
			before: standup,
			steps: []func(*house){func(h *house) {
				if len(h.boxes) > 1 {
					return // the step is repeated after a crash
				}
				h.mail.AddMailbox(address("bob"), "identity-bob")
				h.crm.AddUser(userOf("bob"))
				h.at("bob").Create(memory.Draft{Kind: model.Event, UID: "uid-Standup", Content: meeting("Standup", "ada", "bob")})
				h.add("bob")
			}},
			check: func(h *house) { h.wantCount(1, "Standup", "", "ada", "bob") },
		},
		{
			name: "a copy takes the place of a meeting that is deleted", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.at("bob").Copy(h.the("bob", "Standup").Ref, "events", true) },
				func(h *house) { h.wantCount(2, "Standup", "bob"); h.at("bob").Delete(h.all("bob", "Standup")[0].Ref) },
				func(h *house) { h.set("", "Standup", "location", "Room 11") },
			},
			check: func(h *house) {
				h.wantText("bob", "Standup", "location", "Room 11")
				h.wantCount(1, "Standup", "", "ada")
			},
		},
		{
			name: "a user copies a meeting", design: events("ada"), before: standup,
			steps: []func(*house){func(h *house) {
				ref := h.at("ada").Copy(h.the("ada", "Standup").Ref, "events", false)
				h.at("ada").Set(ref, "title", "Copy")
			}},
			check: func(h *house) { h.wantCount(1, "Standup", "", "ada"); h.wantCount(1, "Copy", "ada") },
		},
	}
}
