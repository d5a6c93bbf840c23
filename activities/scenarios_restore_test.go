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

// keep makes a backup of one system, restore brings it back.
func (h *house) keep(system string) {
	if h.shelf == nil {
		h.shelf = map[string]memory.Backup{}
	}
	h.shelf[system] = h.system(system).Backup()
}

func (h *house) restore(system string) {
	h.note("the %s system is restored from a backup", system)
	h.system(system).Restore(h.shelf[system])
}

func (h *house) system(name string) *memory.System {
	if name[0] == 'c' {
		return h.crm
	}
	return h.mail
}

// village is what the stories of restores begin with.
func village(h *house) {
	crowd(h)
	h.inMail("ada", model.Contact, person("Emil", "emil@example.org"))
}

// busyDay happens between the backup and its restore.
func busyDay(h *house) {
	h.set("", "Bob", "notes", "from the CRM")
	h.set("ada", "Cleo", "notes", "from the mailbox")
	h.set("ada", "Emil", "job_title", "Captain")
	h.remove("", "Dora")
	h.inCRM(model.Contact, "ada", person("Gus", "gus@example.org"))
	h.inMail("ada", model.Contact, person("Hal", "hal@example.org"))
}

func wantDay(h *house) {
	h.t.Helper()
	for _, p := range []string{"", "ada"} {
		h.wantText(p, "Bob", "notes", "from the CRM")
		h.wantText(p, "Cleo", "notes", "from the mailbox")
		h.wantText(p, "Emil", "job_title", "Captain")
	}
	h.wantCount(1, "Gus", "", "ada")
	h.wantCount(1, "Hal", "", "ada")
}

// restored is the story of one system that loses a day.
func restored(name, system string, d design, after, check func(h *house)) scenario {
	d.kinds = []model.Kind{model.Contact}
	return scenario{
		name: name, design: d, before: village,
		steps: []func(*house){
			func(h *house) { h.keep(system); busyDay(h) },
			func(h *house) {
				wantDay(h)
				h.restore(system)
				if after != nil {
					after(h)
				}
			},
			nobody, nobody, // an hour later at most it is noticed, also where one round died
		},
		check: func(h *house) { wantDay(h); check(h) },
	}
}

// nobody does anything for twelve rounds.
func nobody(h *house) {
	for range 13 {
		h.sweep()
	}
}

// systemRestoreStories are N-09 and N-10: nothing is lost that the other side
// has, nothing is there twice, nobody has to do anything (I5).
func systemRestoreStories() []scenario {
	cameBack := func(where, gone string) func(*house) {
		return func(h *house) { h.wantCount(1, "Dora", where); h.wantCount(0, "Dora", gone) }
	}
	editedAfter := func(where string) func(h *house) {
		return func(h *house) { h.set(where, "Cleo", "job_title", "after the restore") }
	}
	wantAfter := func(back func(*house)) func(h *house) {
		return func(h *house) {
			back(h)
			h.wantText("", "Cleo", "job_title", "after the restore")
			h.wantText("ada", "Cleo", "job_title", "after the restore")
		}
	}
	blind := design{crm: memory.Config{Blind: true, Kinds: unordered(model.CRM)}, mail: memory.Config{Blind: true, Kinds: unordered(model.Mail)}}
	return []scenario{
		restored("the mail server is restored", "mail", design{}, nil, cameBack("ada", "")),
		restored("the mail server is restored and people go on there", "mail", design{}, editedAfter("ada"), wantAfter(cameBack("ada", ""))),
		restored("the mail server is restored and people go on in the CRM", "mail", design{}, editedAfter(""), wantAfter(cameBack("ada", ""))),
		restored("the mail server is restored and its positions die", "mail", design{}, func(h *house) { h.mail.Expire() }, cameBack("ada", "")),
		restored("a mail server without marks is restored", "mail", blind, nil, cameBack("ada", "")),
		restored("a mail server without marks is restored and its positions die", "mail", blind, func(h *house) { h.mail.Expire() }, cameBack("ada", "")),
		restored("the CRM is restored", "crm", design{}, nil, cameBack("", "ada")),
		restored("the CRM is restored and people go on there", "crm", design{}, editedAfter(""), wantAfter(cameBack("", "ada"))),
		restored("the CRM is restored and people go on in the mailbox", "crm", design{}, editedAfter("ada"), wantAfter(cameBack("", "ada"))),
		restored("the CRM is restored and its positions die", "crm", design{}, func(h *house) { h.crm.Expire() }, cameBack("", "ada")),
		restored("a CRM without marks is restored", "crm", blind, nil, cameBack("", "ada")),
	}
}
