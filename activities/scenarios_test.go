package activities_test

import (
	"slices"
	"testing"

	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

// I7, B12: whatever the moment at which the process dies or an answer is lost,
// every story ends as if nothing had happened: no duplicate (I3), no loss (I4),
// both sides agree (I1), nothing is written any more (I2), nobody is mailed (B2).
func TestKilledEverywhere(t *testing.T) {
	for _, s := range slices.Concat(contactStories(), deletionStories(), meetingStories(), systemStories(), policyStories(), troubleStories(), auditStories(), identityStories(), privateStories(), conflictStories(), systemRestoreStories(), tierStories(), ownRestoreStories(), directionStories(), foundStories(), lifeStories()) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

func bob(h *house) { h.inCRM(model.Contact, "ada", person("Bob", "bob@example.org")) }

func contactStories() []scenario {
	return []scenario{
		{
			name: "first sync matches and creates both ways", design: contacts(), // B1
			steps: []func(*house){func(h *house) {
				h.inCRM(model.Contact, "ada", person("Both", "both@example.org"))
				h.inMail("ada", model.Contact, person("Both", "both@example.org"))
				h.inCRM(model.Contact, "ada", person("Only CRM", "crm@example.org"))
				h.inMail("ada", model.Contact, person("Only mail", "mail@example.org"))
			}},
			check: func(h *house) {
				for _, name := range []string{"Both", "Only CRM", "Only mail"} {
					h.wantCount(1, name, "", "ada")
				}
			},
		},
		{
			name: "matched with differences is completed on both sides", design: contacts(),
			steps: []func(*house){func(h *house) {
				crm, mail := person("Bob", "bob@example.org"), person("Bob", "bob@example.org")
				crm.PutText("notes", "from the CRM")
				mail.PutText("job_title", "from the mailbox")
				h.inCRM(model.Contact, "ada", crm)
				h.inMail("ada", model.Contact, mail)
			}},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Bob", "notes", "from the CRM")
					h.wantText(p, "Bob", "job_title", "from the mailbox")
				}
			},
		},
		{
			name: "an edit in the CRM", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) { h.set("", "Bob", "notes", "new") }},
			check: func(h *house) { h.wantText("ada", "Bob", "notes", "new") },
		},
		{
			name: "an edit in the mailbox", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) { h.set("ada", "Bob", "notes", "new") }},
			check: func(h *house) { h.wantText("", "Bob", "notes", "new") },
		},
		{
			name: "edits of different fields at once", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) {
				h.set("", "Bob", "notes", "crm")
				h.set("ada", "Bob", "job_title", "mail")
			}},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Bob", "notes", "crm")
					h.wantText(p, "Bob", "job_title", "mail")
				}
			},
		},
		{
			name: "edits of one field at once", design: contacts(), before: bob, // B13
			steps: []func(*house){func(h *house) {
				h.set("", "Bob", "notes", "crm")
				h.set("ada", "Bob", "notes", "mail")
			}},
			check: func(h *house) {
				h.wantText("ada", "Bob", "notes", "crm")
				if got := h.conflicts("ada"); !slices.Equal(got, []string{"notes=mail"}) {
					h.t.Errorf("conflicts %v", got)
				}
			},
		},
		{
			name: "edits of one field at once, the mailbox wins", before: bob,
			design: design{kinds: []model.Kind{model.Contact}, policy: kindPolicy(model.Contact, func(k *model.KindPolicy) { k.Wins = "mail" })},
			steps: []func(*house){func(h *house) {
				h.set("", "Bob", "notes", "crm")
				h.set("ada", "Bob", "notes", "mail")
			}},
			check: func(h *house) {
				h.wantText("", "Bob", "notes", "mail")
				if got := h.conflicts("ada"); !slices.Equal(got, []string{"notes=crm"}) {
					h.t.Errorf("conflicts %v", got)
				}
			},
		},
		{
			name: "addresses added on both sides at once", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) {
				for p, mail := range map[string]string{"": "crm@example.org", "ada": "mail@example.org"} {
					c := person("Bob", "bob@example.org")
					set := append(c.Set("emails"), model.Element{Key: mail, Text: mail})
					h.at(p).Edit(h.the(p, "Bob").Ref, model.Content{"emails": {Set: model.NormalSet(set)}})
				}
			}},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					if got := len(h.the(p, "Bob").Content.Set("emails")); got != 3 {
						h.t.Errorf("%d addresses in %q, want 3", got, p)
					}
				}
			},
		},
		{
			name: "the same person created on both sides at once", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) {
				h.inCRM(model.Contact, "ada", person("Cleo", "cleo@example.org"))
				h.inMail("ada", model.Contact, person("Cleo", "cleo@example.org"))
			}},
			check: func(h *house) { h.wantCount(1, "Cleo", "", "ada") },
		},
		{
			name: "edited again and again", design: contacts(), before: bob,
			steps: []func(*house){
				func(h *house) { h.set("", "Bob", "notes", "1") },
				func(h *house) { h.set("ada", "Bob", "notes", "2") },
				func(h *house) { h.set("", "Bob", "notes", "3") },
			},
			check: func(h *house) { h.wantText("ada", "Bob", "notes", "3") },
		},
		{
			name: "two in the CRM that could be the same as one in the mailbox", design: contacts(),
			steps: []func(*house){func(h *house) {
				c := person("Twin", "twin@example.org")
				c.PutText("notes", "one")
				h.inCRM(model.Contact, "ada", c)
				c = person("Twin", "twin@example.org")
				c.PutText("notes", "two")
				h.inCRM(model.Contact, "ada", c)
				h.inMail("ada", model.Contact, person("Twin", "twin@example.org"))
			}},
			check: func(h *house) {
				h.wantCount(2, "Twin", "")
				h.wantCount(1, "Twin", "ada")
			},
		},
	}
}

func deletionStories() []scenario {
	return []scenario{
		{
			name: "a deletion in the CRM", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) { h.remove("", "Bob") }},
			check: func(h *house) { h.wantCount(0, "Bob", "", "ada") },
		},
		{
			name: "a contact deleted in the mailbox stays in the CRM", design: contacts(), before: bob,
			steps: []func(*house){
				func(h *house) { h.remove("ada", "Bob") },
				func(h *house) { h.set("", "Bob", "notes", "still there") },
			},
			check: func(h *house) { h.wantCount(1, "Bob", ""); h.wantCount(0, "Bob", "ada") },
		},
		{
			name: "a contact deleted in the mailbox where deletions travel", before: bob,
			design: design{kinds: []model.Kind{model.Contact}, policy: kindPolicy(model.Contact, func(k *model.KindPolicy) { k.MailDelete = "delete" })},
			steps:  []func(*house){func(h *house) { h.remove("ada", "Bob") }},
			check:  func(h *house) { h.wantCount(0, "Bob", "", "ada") },
		},
		{
			name: "deleted on both sides at once", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) { h.remove("ada", "Bob"); h.remove("", "Bob") }},
			check: func(h *house) { h.wantCount(0, "Bob", "", "ada") },
		},
		{
			name: "deleted in the mailbox, edited in the CRM", before: bob,
			design: design{kinds: []model.Kind{model.Contact}, policy: kindPolicy(model.Contact, func(k *model.KindPolicy) { k.MailDelete = "delete" })},
			steps:  []func(*house){func(h *house) { h.remove("ada", "Bob"); h.set("", "Bob", "notes", "wanted") }},
			check:  func(h *house) { h.wantText("ada", "Bob", "notes", "wanted") },
		},
		{
			name: "deleted in the mailbox for good, edited in the CRM", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) { h.remove("ada", "Bob"); h.set("", "Bob", "notes", "wanted") }},
			check: func(h *house) { h.wantCount(0, "Bob", "ada"); h.wantText("", "Bob", "notes", "wanted") },
		},
		{
			name: "deleted in the CRM, edited in the mailbox", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) { h.remove("", "Bob"); h.set("ada", "Bob", "notes", "wanted") }},
			check: func(h *house) { h.wantText("", "Bob", "notes", "wanted") },
		},
		{
			name: "created and deleted before anybody saw it", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) {
				h.at("ada").Delete(h.inMail("ada", model.Contact, person("Brief", "brief@example.org")))
				h.at("").Delete(h.inCRM(model.Contact, "ada", person("Short", "short@example.org")))
			}},
			check: func(h *house) { h.wantCount(0, "Brief", "", "ada"); h.wantCount(0, "Short", "", "ada") },
		},
		{
			name: "many deletions wait for approval, which releases exactly them", design: contacts(), // B3, I10
			before: func(h *house) {
				for _, n := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
					h.inCRM(model.Contact, "ada", person(n, n+"@example.org"))
				}
			},
			steps: []func(*house){
				func(h *house) {
					for _, n := range []string{"A", "B", "C", "D", "E", "F"} {
						h.remove("", n)
					}
					h.set("", "G", "notes", "goes on")
				},
				func(h *house) {
					h.wantCount(1, "A", "ada")
					h.wantText("ada", "G", "notes", "goes on")
					h.approve("ada")
				},
			},
			check: func(h *house) {
				h.wantCount(0, "A", "ada")
				h.wantCount(0, "F", "ada")
				h.wantCount(1, "H", "ada", "")
			},
		},
		{
			name: "many deletions, two at a time, wait for approval", design: smallBatches(), // B3, I10
			before: func(h *house) {
				for _, n := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
					h.inCRM(model.Contact, "ada", person(n, n+"@example.org"))
				}
			},
			steps: []func(*house){
				func(h *house) {
					for _, n := range []string{"A", "B", "C", "D", "E", "F"} {
						h.remove("", n)
					}
					h.set("", "G", "notes", "goes on")
				},
				func(h *house) {
					h.wantCount(1, "A", "ada")
					h.wantText("ada", "G", "notes", "goes on")
					h.approve("ada")
				},
			},
			check: func(h *house) {
				h.wantCount(0, "A", "ada")
				h.wantCount(0, "F", "ada")
				h.wantCount(1, "H", "ada", "")
			},
		},
		{
			name: "a source that is empty deletes nothing by itself", design: contacts(), // B3
			before: func(h *house) { bob(h); h.inCRM(model.Contact, "ada", person("Cleo", "cleo@example.org")) },
			steps:  []func(*house){func(h *house) { h.remove("", "Bob"); h.remove("", "Cleo") }},
			check:  func(h *house) { h.wantCount(1, "Bob", "ada"); h.wantCount(1, "Cleo", "ada") },
		},
	}
}

// smallBatches writes two items at a time.
func smallBatches() design {
	d := contacts()
	d.mail.Kinds = memory.Everything(model.Mail)
	k := d.mail.Kinds[model.Contact]
	k.WriteBatch = 2
	d.mail.Kinds[model.Contact] = k
	return d
}
