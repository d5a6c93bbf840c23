package activities_test

import (
	"context"
	"strings"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

func userOf(name string) connector.User {
	return connector.User{ID: "u-" + name, Name: name, Address: address(name), Active: true}
}

// approve approves the plan that waits, as the person who looked at it.
func (h *house) approve(name string) {
	h.t.Helper()
	p, err := h.db.Plan(context.Background(), h.box(name).id)
	h.must(err)
	h.command(name, activities.VerbApprove, p.Hash)
}

// busyWeek is a bit of everything.
func busyWeek(h *house) {
	h.inCRM(model.Contact, "ada", person("New CRM", "newcrm@example.org"))
	h.inMail("ada", model.Contact, person("New mail", "newmail@example.org"))
	h.set("", "Bob", "notes", "crm")
	h.set("ada", "Cleo", "notes", "mail")
	h.remove("", "Dora")
}

func crowd(h *house) {
	for _, n := range []string{"Bob", "Cleo", "Dora"} {
		h.inCRM(model.Contact, "ada", person(n, n+"@example.org"))
	}
}

func wantWeek(h *house) {
	h.t.Helper()
	h.wantCount(1, "New CRM", "", "ada")
	h.wantCount(1, "New mail", "", "ada")
	h.wantText("ada", "Bob", "notes", "crm")
	h.wantText("", "Cleo", "notes", "mail")
	h.wantCount(0, "Dora", "", "ada")
}

func tiered(side model.Side, t connector.Tier) map[model.Kind]connector.KindCapabilities {
	all := memory.Everything(side)
	for k, c := range all {
		c.Create = t
		all[k] = c
	}
	return all
}

// week is a story of a system with a peculiarity.
func week(name string, crm, mail memory.Config) scenario {
	return scenario{
		name: name, before: crowd, steps: []func(*house){busyWeek}, check: wantWeek,
		design: design{kinds: []model.Kind{model.Contact}, crm: crm, mail: mail},
	}
}

func systemStories() []scenario {
	return []scenario{
		week("page by page", memory.Config{Page: 1}, memory.Config{Page: 1}),
		week("listings tell versions only", memory.Config{Refs: true}, memory.Config{Refs: true}),
		week("receipts are silent", memory.Config{Silent: true}, memory.Config{Silent: true}),
		week("names can be used again", memory.Config{Reuse: true}, memory.Config{Reuse: true}),
		week("reads lag behind writes", memory.Config{Lag: 40 * time.Second}, memory.Config{Lag: 40 * time.Second}),
		week("a system that normalises what it stores", memory.Config{Stored: shouting}, memory.Config{}),
		{
			name: "the mailbox's resume position expires", design: contacts(), before: crowd, // B12
			steps: []func(*house){func(h *house) { busyWeek(h); h.mail.Expire() }}, check: wantWeek,
		},
		{
			name: "the CRM's resume position expires", design: contacts(), before: crowd,
			steps: []func(*house){func(h *house) { busyWeek(h); h.crm.Expire() }}, check: wantWeek,
		},
		{
			// Algorithm 1.12, rules 1 and 8: what cannot be fetched is no deletion.
			name: "an item is listed and cannot be fetched", before: crowd,
			design: design{kinds: []model.Kind{model.Contact}, mail: memory.Config{Refs: true},
				policy: kindPolicy(model.Contact, func(k *model.KindPolicy) { k.MailDelete = "delete" })},
			steps: []func(*house){
				func(h *house) {
					h.set("ada", "Bob", "notes", "unseen")
					h.gate.spoil = func(p memory.Point) error {
						if p.Items != nil && p.Side == model.Mail {
							*p.Items = nil
						}
						return nil
					}
				},
				func(h *house) {
					h.gate.spoil = nil
					h.wantCount(1, "Bob", "", "ada")
					h.set("ada", "Bob", "notes", "seen")
				},
			},
			check: func(h *house) { h.wantText("", "Bob", "notes", "seen") },
		},
		{
			name: "a deletion falls into an expired resume position", before: crowd,
			design: design{kinds: []model.Kind{model.Contact}, crm: memory.Config{Page: 1}, mail: memory.Config{Page: 1},
				policy: kindPolicy(model.Contact, func(k *model.KindPolicy) { k.MailDelete = "delete" })},
			steps: []func(*house){func(h *house) { h.remove("ada", "Bob"); h.mail.Expire() }},
			check: func(h *house) { h.wantCount(0, "Bob", "", "ada"); h.wantCount(1, "Cleo", "", "ada") },
		},
		{
			name: "an item that the CRM refuses does not block the others", before: crowd,
			design: design{kinds: []model.Kind{model.Contact}, crm: memory.Config{Refuse: func(op model.Operation) bool {
				return strings.HasPrefix(op.Content.Text("notes"), "forbidden")
			}}},
			steps: []func(*house){
				func(h *house) {
					h.set("ada", "Bob", "notes", "forbidden word")
					h.set("ada", "Cleo", "notes", "fine")
					c := person("Refused", "refused@example.org")
					c.PutText("notes", "forbidden as well")
					h.inMail("ada", model.Contact, c)
					h.inMail("ada", model.Contact, person("Taken", "taken@example.org"))
				},
				func(h *house) {
					h.wantText("", "Cleo", "notes", "fine")
					h.wantText("", "Bob", "notes", "")
					h.wantCount(1, "Taken", "")
					h.set("ada", "Bob", "notes", "polite word")
					h.set("ada", "Refused", "notes", "polite as well")
				},
			},
			check: func(h *house) { h.wantText("", "Bob", "notes", "polite word"); h.wantCount(1, "Refused", "", "ada") },
		},
		{
			name: "an item that cannot be read is set aside until it can", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) {
					h.at("ada").Break(h.the("ada", "Bob").Ref, "The card has no end.")
					h.set("", "Cleo", "notes", "fine")
				},
				func(h *house) {
					h.set("", "Bob", "notes", "meanwhile")
					for _, it := range h.at("ada").Items() {
						if it.Trouble != "" {
							h.at("ada").Break(it.Ref, "")
						}
					}
				},
			},
			check: func(h *house) {
				h.wantText("ada", "Bob", "notes", "meanwhile")
				h.wantText("ada", "Cleo", "notes", "fine")
			},
		},
		{
			name: "tasks both ways", design: design{kinds: []model.Kind{model.Task}},
			before: func(h *house) { h.inCRM(model.Task, "ada", todo("Call")); h.inMail("ada", model.Task, todo("Write")) },
			steps: []func(*house){func(h *house) {
				h.set("ada", "Call", "status", "completed")
				h.remove("ada", "Write")
				h.inMail("ada", model.Task, todo("Read"))
			}},
			check: func(h *house) {
				h.wantText("", "Call", "status", "completed")
				h.wantCount(0, "Write", "")
				h.wantCount(1, "Read", "", "ada")
			},
		},
	}
}

// shouting is what a CRM does that stores family names in capitals and drops
// the spaces around notes.
func shouting(_ model.Kind, c model.Content) model.Content {
	c.PutText("family_name", strings.ToUpper(c.Text("family_name")))
	c.PutText("notes", strings.TrimSpace(c.Text("notes")))
	return c
}

func policyStories() []scenario {
	return []scenario{
		{
			name:   "the first sync waits for approval", // B1
			design: design{kinds: []model.Kind{model.Contact}, policy: func(p *model.Policy) { p.Approval = "first-sync" }},
			steps: []func(*house){
				func(h *house) {
					h.inCRM(model.Contact, "ada", person("Only CRM", "crm@example.org"))
					h.inMail("ada", model.Contact, person("Only mail", "mail@example.org"))
				},
				func(h *house) {
					h.wantCount(0, "Only CRM", "ada")
					h.wantCount(0, "Only mail", "")
					h.approve("ada")
				},
				func(h *house) { h.set("", "Only CRM", "notes", "later") },
			},
			check: func(h *house) {
				h.wantText("ada", "Only CRM", "notes", "later")
				h.wantCount(1, "Only mail", "", "ada")
			},
		},
		{
			name: "removed and added again", design: contacts(), before: crowd, // B6
			steps: []func(*house){
				func(h *house) { h.command("ada", activities.VerbRemove, "") },
				func(h *house) {
					h.set("", "Bob", "notes", "crm")
					h.set("ada", "Cleo", "notes", "mail")
					h.inMail("ada", model.Contact, person("New mail", "newmail@example.org"))
					h.add("ada")
				},
			},
			check: func(h *house) {
				h.wantText("ada", "Bob", "notes", "crm")
				h.wantText("", "Cleo", "notes", "mail")
				for _, n := range []string{"Bob", "Cleo", "Dora", "New mail"} {
					h.wantCount(1, n, "", "ada")
				}
			},
		},
		{
			name: "paused for a while", design: contacts(), before: crowd, // N-08
			steps: []func(*house){
				func(h *house) { h.command("ada", activities.VerbPause, "") },
				busyWeek,
				func(h *house) { h.wantCount(1, "Dora", "ada"); h.command("ada", activities.VerbResume, "") },
			},
			check: wantWeek,
		},
		{
			name: "an item is tracked later", before: crowd,
			design: design{kinds: []model.Kind{model.Contact}, policy: kindPolicy(model.Contact, func(k *model.KindPolicy) { k.FromMail = "category" })},
			steps: []func(*house){
				func(h *house) { h.inMail("ada", model.Contact, person("Private", "private@example.org")) },
				func(h *house) {
					h.wantCount(0, "Private", "")
					h.at("ada").Edit(h.the("ada", "Private").Ref, model.Content{"categories": {Set: []model.Element{{Key: "lockstep", Text: "Lockstep"}}}})
				},
			},
			check: func(h *house) { h.wantCount(1, "Private", "", "ada") },
		},
		{
			name: "a private meeting stays where it is until it is public", design: events("ada"),
			steps: []func(*house){
				func(h *house) {
					c := meeting("Doctor", "ada")
					c.PutText("class", "private")
					h.inMail("ada", model.Event, c)
				},
				func(h *house) { h.wantCount(0, "Doctor", ""); h.set("ada", "Doctor", "class", "") },
			},
			check: func(h *house) { h.wantCount(1, "Doctor", "", "ada") },
		},
		{
			name: "personal fields never leave their mailbox", design: events("ada", "bob"), before: standup,
			steps: []func(*house){func(h *house) {
				h.set("bob", "Standup", "transparency", "free")
				h.set("", "Standup", "location", "Room 7")
			}},
			check: func(h *house) {
				h.wantText("bob", "Standup", "transparency", "free")
				h.wantText("bob", "Standup", "location", "Room 7")
				h.wantText("ada", "Standup", "transparency", "")
			},
		},
	}
}
