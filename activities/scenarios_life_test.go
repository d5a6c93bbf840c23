package activities_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// begins puts a mailbox at the beginning of its life.
func begins(name string) func(*house) {
	return func(h *house) {
		h.must(h.db.SetMailboxState(context.Background(), h.box(name).id, model.Registered, "waits for approval"))
		h.box(name).state = model.Registered
	}
}

// enabled tests and enables a mailbox; where an answer was lost on the way, a
// person asks again.
func enabled(e activities.Enable) func(*house) {
	return func(h *house) {
		for range 3 {
			h.command("ada", activities.VerbEnable, e.Argument())
			m, err := h.db.Mailbox(context.Background(), h.box("ada").id)
			h.must(err)
			if m.State == model.Active && m.Workloads.Has(model.ACT) {
				return
			}
		}
	}
}

func installation(h *house) string {
	id, err := h.db.Installation(context.Background())
	h.must(err)
	return id
}

// The life of a mailbox (D-13, D-33 to D-37), whose it is (D-19).
func lifeStories() []scenario {
	return []scenario{
		{
			name: "approved, tested, enabled; the trial leaves nothing behind", design: design{}, // D-36
			steps: []func(*house){
				func(h *house) {
					begins("ada")(h)
					h.inCRM(model.Contact, "ada", person("Bob", "bob@example.org"))
				},
				func(h *house) {
					h.wantCount(0, "Bob", "ada")
					h.command("ada", activities.VerbAdmit, "")
				},
				enabled(activities.Enable{}),
			},
			check: func(h *house) {
				h.wantCount(1, "Bob", "", "ada")
				h.wantCount(0, "Lockstep test", "", "ada")
				if got := h.at("ada").Owner(); got.Engine != "lockstep" || got.Installation != installation(h) {
					h.t.Errorf("the mailbox says it is synced by %+v", got)
				}
			},
		},
		{
			name: "a mailbox of another organisation is not touched before it is taken over", design: design{kinds: []model.Kind{model.Contact}}, // D-19, D-37
			steps: []func(*house){
				func(h *house) {
					h.at("ada").Own(connector.Ownership{Engine: "lockstep", Installation: "ins_elsewhere"})
					begins("ada")(h)
					h.inCRM(model.Contact, "ada", person("Bob", "bob@example.org"))
					h.command("ada", activities.VerbAdmit, "")
					h.command("ada", activities.VerbEnable, "")
				},
				func(h *house) {
					h.wantCount(0, "Bob", "ada")
					if got := h.at("ada").Owner().Installation; got != "ins_elsewhere" {
						h.t.Errorf("the mailbox belongs to %q", got)
					}
				},
				enabled(activities.Enable{Overwrite: true}),
			},
			check: func(h *house) {
				h.wantCount(1, "Bob", "", "ada")
				if got := h.at("ada").Owner().Installation; got != installation(h) {
					h.t.Errorf("the mailbox belongs to %q", got)
				}
			},
		},
		{
			name: "what is removed leaves no note behind", design: design{kinds: []model.Kind{model.Contact}}, before: bob, // D-37
			steps: []func(*house){func(h *house) { h.command("ada", activities.VerbRemove, "") }},
			check: func(h *house) {
				if got := h.at("ada").Owner(); got.Engine != "" && h.gate.deaths == 0 {
					h.t.Errorf("the mailbox still says it is synced by %+v", got)
				}
			},
		},
		{
			name: "a workload that is off rests, and goes on where it stopped", design: design{kinds: []model.Kind{model.Contact}}, before: bob, // D-35
			steps: []func(*house){
				func(h *house) { h.command("ada", activities.VerbTurnOff, string(model.ACT)) },
				func(h *house) { h.set("", "Bob", "notes", "meanwhile") },
				func(h *house) {
					h.wantText("ada", "Bob", "notes", "")
					enabled(activities.Enable{Workloads: []model.Workload{model.ACT}})(h)
				},
			},
			check: func(h *house) { h.wantText("ada", "Bob", "notes", "meanwhile") },
		},
	}
}

// asked gives a command and returns its outcome.
func (h *house) obeyed(name, verb, argument, by string) store.Request {
	h.t.Helper()
	r, err := h.db.AddRequest(context.Background(), store.Request{Mailbox: h.box(name).id, Verb: verb, Argument: argument, By: by, At: h.clock.Now()})
	h.must(err)
	_, err = h.acts.Obey(context.Background(), activities.ObeyIn{Request: r.ID})
	h.must(err)
	r, err = h.db.Request(context.Background(), r.ID)
	h.must(err)
	return r
}

func quietHouse(t *testing.T, d design) *house {
	t.Helper()
	h := build(t, d)
	t.Cleanup(h.close)
	h.gate.quiet = true
	return h
}

// What cannot be is refused with its reason, and changes nothing.
func TestRefusalsInTheLifeOfAMailbox(t *testing.T) {
	declared := func(p *model.Policy) { p.AlsoSynced = []string{"Outlook add-in"} }
	for name, c := range map[string]struct {
		policy         func(*model.Policy)
		state          model.MailboxState
		other          bool
		verb, argument string
		want           string
	}{
		"D-14: not approved":                 {nil, model.Registered, false, activities.VerbEnable, "", "One or more mailboxes have been disabled for sending/receiving email because their email addresses have not been approved."},
		"resumed before it was approved":     {nil, model.Registered, false, activities.VerbResume, "", "One or more mailboxes"},
		"synced before it was tested":        {nil, model.Approved, false, activities.VerbSync, "", "The mailbox was not tested yet."},
		"D-13: somebody who may not approve": {func(p *model.Policy) { p.Approvers = []string{"root"} }, model.Registered, false, activities.VerbAdmit, "", "eve may not approve mailboxes of the policy all; these may: root."},
		"L-15: other software":               {declared, model.Approved, false, activities.VerbEnable, "", "Outlook add-in is declared to move data between this mailbox and the CRM, too."},
		"D-19: another organisation": {
			nil, model.Approved, true, activities.VerbEnable, "",
			"Appointments, contacts, and tasks can't be synchronized because the email address of the mailbox ada@example.com is configured with another Microsoft Dynamics 365 organization. The best practice is to overwrite the configuration when you test and enable the mailbox in your primary organization. Also, change the synchronization method for your mailbox in non-primary organizations to None.",
		},
		"an unknown workload": {nil, model.Active, false, activities.VerbTurnOff, "faxes", `There is no workload "faxes".`},
		"removed":             {nil, model.Retired, false, activities.VerbEnable, "", "The mailbox was removed."},
	} {
		t.Run(name, func(t *testing.T) {
			h := quietHouse(t, design{kinds: []model.Kind{model.Contact}, policy: c.policy})
			h.must(h.db.SetMailboxState(context.Background(), h.box("ada").id, c.state, "as the story has it"))
			if c.other {
				h.at("ada").Own(connector.Ownership{Engine: "other", Installation: "1"})
			}
			before, err := h.db.Mailbox(context.Background(), h.box("ada").id)
			h.must(err)
			r := h.obeyed("ada", c.verb, c.argument, "eve")
			if r.Outcome != store.RequestRefused || !strings.HasPrefix(r.Message, c.want) {
				t.Errorf("%s: %s\nwant %s", r.Outcome, r.Message, c.want)
			}
			after, err := h.db.Mailbox(context.Background(), h.box("ada").id)
			h.must(err)
			if before != after || c.other && h.at("ada").Owner().Engine != "other" || len(h.at("ada").Items()) > 0 {
				t.Errorf("it changed something: %+v -> %+v", before, after)
			}
		})
	}
}

// L-15, D-40: once somebody has acknowledged the other software, it is enabled,
// and the logbook says who did; more software asks again.
func TestOtherSoftwareIsAcknowledged(t *testing.T) {
	h := quietHouse(t, design{kinds: []model.Kind{model.Contact}, policy: func(p *model.Policy) { p.AlsoSynced = []string{"Outlook add-in"} }})
	ctx, id := context.Background(), h.box("ada").id
	h.must(h.db.SetMailboxState(ctx, id, model.Approved, ""))
	if r := h.obeyed("ada", activities.VerbEnable, activities.Enable{Acknowledge: true}.Argument(), "eve"); r.Outcome != store.RequestDone {
		t.Fatalf("%s: %s", r.Outcome, r.Message)
	}
	log, err := h.db.Log(ctx, store.LogFilter{Subject: store.LogMailbox, Name: string(id), What: store.LogAcked})
	h.must(err)
	if len(log) != 1 || log[0].By != "eve" || log[0].After != "Outlook add-in" {
		t.Errorf("logbook: %+v", log)
	}
	if r := h.obeyed("ada", activities.VerbEnable, "", "eve"); r.Outcome != store.RequestDone {
		t.Errorf("asked once more: %s", r.Message)
	}
	h.must(h.db.SavePolicy(ctx, model.Policy{Name: "all", AlsoSynced: []string{"Outlook add-in", "Riva"}}))
	if r := h.obeyed("ada", activities.VerbEnable, "", "eve"); r.Outcome != store.RequestRefused {
		t.Errorf("more software: %s", r.Message)
	}
}

// D-36: a verdict for each workload, side and step; what a connection does not
// offer is said so, and what comes after a failure is not tried.
func TestVerdictsOfTestAndEnable(t *testing.T) {
	h := quietHouse(t, design{mail: memoryWithSecret("right")})
	r := h.obeyed("ada", activities.VerbEnable, "", "eve")
	if r.Outcome != store.RequestRefused || !strings.Contains(r.Message, "appointments-contacts-tasks: fails at sign in") {
		t.Errorf("%s: %s", r.Outcome, r.Message)
	}
	got, err := h.db.Probes(context.Background(), h.box("ada").id)
	h.must(err)
	var act []string
	for _, p := range got {
		if p.Workload == model.ACT && p.Side == model.Mail {
			act = append(act, string(p.Step)+": "+string(p.Verdict))
		}
	}
	want := []string{"reach: works", "sign in: fails", "read: not tried", "write: not tried", "send: not tried", "delegate: not tried"}
	if !slices.Equal(act, want) {
		t.Errorf("verdicts %q, want %q", act, want)
	}
}

// memoryWithSecret is a mail system that wants a password, which nobody has.
func memoryWithSecret(secret string) memory.Config { return memory.Config{Secret: secret} }
