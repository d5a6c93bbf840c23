package activities_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lockstep.dev/activities"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// report is the newest audit of a mailbox, or of the CRM for "".
func (h *house) report(where string) store.Audit {
	h.t.Helper()
	connection, mailbox := h.crmID, model.MailboxID("")
	if where != "" {
		connection, mailbox = h.mailID, h.box(where).id
	}
	report, err := h.db.LastAudit(context.Background(), connection, mailbox)
	h.must(err)
	return report
}

// wantDrift wants an audit to have found exactly this, and its seal to hold; it
// compared so many, 0 = any number.
func (h *house) wantDrift(where string, compared int, want ...string) {
	h.t.Helper()
	r := h.report(where)
	var got []string
	for _, d := range r.Drift {
		got = append(got, strings.TrimSpace(fmt.Sprint(d.Kind, " ", d.Item, " ", d.What, " ", strings.Join(d.Fields, " "))))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || compared != 0 && r.Compared != compared || !r.Genuine {
		h.t.Errorf("the audit of %q compared %d (genuine %v) and found\n  %v, want %d and\n  %v", where, r.Compared, r.Genuine, got, compared, want)
	}
}

// auditStories are about what a system never told (B12, B22).
func auditStories() []scenario {
	var drifted [2][]string // in the CRM and in the mailbox
	return []scenario{
		{
			name: "a planted drift is found exactly and healed", design: contacts(), // B22
			before: func(h *house) {
				for _, n := range []string{"Bob", "Cleo", "Dora", "Emil", "Fay"} {
					h.inCRM(model.Contact, "ada", person(n, n+"@example.org"))
				}
			},
			steps: []func(*house){
				func(h *house) {
					h.crm.Untold(func() {
						drifted[0] = []string{
							"contact " + h.the("", "Bob").Ref.ID + " other version",
							"contact " + h.inCRM(model.Contact, "ada", person("Gus", "gus@example.org")).ID + " missing here",
							"contact " + h.the("", "Cleo").Ref.ID + " missing there",
						}
						h.set("", "Bob", "notes", "crm")
						h.remove("", "Cleo")
					})
					h.mail.Untold(func() {
						drifted[1] = []string{
							"contact " + h.the("ada", "Dora").Ref.ID + " other version",
							"contact " + h.inMail("ada", model.Contact, person("Hal", "hal@example.org")).ID + " missing here",
							"contact " + h.the("ada", "Emil").Ref.ID + " missing there",
						}
						h.set("ada", "Dora", "notes", "mail")
						h.remove("ada", "Emil")
					})
				},
				func(h *house) {
					h.wantText("", "Dora", "notes", "") // nobody told
					h.command("ada", activities.VerbAudit, "")
				},
			},
			check: func(h *house) {
				h.wantDrift("", 0, drifted[0]...)
				h.wantDrift("ada", 6, drifted[1]...)
				h.wantText("ada", "Bob", "notes", "crm")
				h.wantText("", "Dora", "notes", "mail")
				h.wantCount(1, "Gus", "", "ada")
				h.wantCount(1, "Hal", "", "ada")
				h.wantCount(0, "Cleo", "", "ada")
				h.wantCount(0, "Emil", "ada")
				h.wantCount(1, "Emil", "") // the policy keeps it in the CRM
			},
		},
		{
			name: "what is merely new is no drift", design: contacts(), before: crowd,
			steps: []func(*house){func(h *house) { busyWeek(h); h.command("ada", activities.VerbAudit, "") }},
			check: func(h *house) {
				wantWeek(h)
				if n, _ := h.report("ada").Different(); n != 0 {
					h.t.Errorf("%v", h.report("ada").Drift)
				}
				if n, _ := h.report("").Different(); n != 0 {
					h.t.Errorf("%v", h.report("").Drift)
				}
			},
		},
		{
			name: "what the two systems hold differently is told and left alone", before: func(h *house) {
				c := person("Bob", "bob@example.org")
				c.PutText("family_name", "Stone")
				h.inMail("ada", model.Contact, c)
			},
			design: design{kinds: []model.Kind{model.Contact}, crm: memory.Config{Stored: shouting}},
			steps:  []func(*house){func(h *house) { h.command("ada", activities.VerbAudit, "") }},
			check: func(h *house) {
				h.wantDrift("ada", 1, "contact "+h.the("ada", "Bob").Ref.ID+" unlike family_name")
				h.wantText("ada", "Bob", "family_name", "Stone")
			},
		},
		{
			name: "a dead position that the mail server accepts is healed by the weekly audit", design: contacts(), before: crowd, // B12
			steps: []func(*house){
				func(h *house) { h.mail.Untold(func() { h.set("ada", "Bob", "notes", "mail") }) },
				func(h *house) { h.wantText("", "Bob", "notes", ""); h.clock.advance(store.AuditEvery) },
			},
			check: func(h *house) { h.wantText("", "Bob", "notes", "mail") },
		},
		{
			name: "a mailbox that had failed is audited when it is enabled", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) {
					h.must(h.db.SetMailboxState(context.Background(), h.box("ada").id, model.Disabled, "a wrong password"))
					h.box("ada").state = model.Disabled
					h.mail.Untold(func() { h.set("ada", "Bob", "notes", "mail") })
				},
				func(h *house) { h.command("ada", activities.VerbResume, "") },
			},
			check: func(h *house) { h.wantText("", "Bob", "notes", "mail") },
		},
	}
}
