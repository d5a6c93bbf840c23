package activities_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/connector/memory"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// goesDown lets every request to a side fail for a while.
func (h *house) goesDown(side model.Side, code string, d time.Duration) {
	until := h.clock.now.Add(d)
	h.gate.spoil = func(p memory.Point) error {
		if p.Side != side || p.Call == "open" || !h.clock.now.Before(until) {
			return nil
		}
		f := issue.Fault(code)
		f.Side = side
		return f
	}
}

// wantOver wants an outage to have left nothing behind, and n alerts told.
func (h *house) wantOver(n int) {
	h.t.Helper()
	ctx := context.Background()
	for _, id := range []model.ConnectionID{h.crmID, h.mailID} {
		c, err := h.db.Connection(ctx, id)
		h.must(err)
		if c.Circuit.Down() {
			h.t.Errorf("connection %s is still down: %+v", c.Name, c.Circuit)
		}
	}
	alerts, err := h.db.Alerts(ctx, store.AlertFilter{Over: true})
	h.must(err)
	told := 0
	for _, a := range alerts {
		switch {
		case a.State == store.AlertOver && a.Mailbox == "":
			told++
		case a.State == store.AlertRetrying && a.Mailbox != "" && a.Side == model.CRM:
			// cleared when that side is written the next time
		default:
			h.t.Errorf("left behind: %+v", a)
		}
	}
	if told != n {
		h.t.Errorf("%d alerts of connections were told, want %d: %+v", told, n, alerts)
	}
	issues, err := h.db.FindIssues(ctx, store.IssueFilter{Closed: true})
	h.must(err)
	if len(issues) > 0 {
		h.t.Errorf("issues: %+v", issues)
	}
	for _, b := range h.boxes {
		if m, err := h.db.Mailbox(ctx, b.id); err != nil || m.State != model.Active {
			h.t.Errorf("%s is %s: %s (%v)", m.Address, m.State, m.Reason, err)
		}
	}
}

// outage is a story in which a side goes down while people work on both.
func outage(name string, side model.Side, d time.Duration, told int) scenario {
	return scenario{
		name: name, design: design{people: []string{"ada", "bob", "cleo"}, kinds: []model.Kind{model.Contact}},
		before: func(h *house) {
			h.inMail("ada", model.Contact, person("Grace Hopper", "grace@example.com"))
			h.inCRM(model.Contact, "bob", person("Alan Turing", "alan@example.com"))
		},
		steps: []func(h *house){
			func(h *house) { h.goesDown(side, "memory.lost", d) },
			func(h *house) {
				h.inMail("ada", model.Contact, person("Mary Shelley", "mary@example.com"))
				h.inCRM(model.Contact, "cleo", person("John Keats", "john@example.com"))
			},
		},
		check: func(h *house) {
			h.gate.spoil = nil
			h.settle()
			h.wantCount(1, "Mary Shelley", "", "ada")
			h.wantCount(1, "John Keats", "", "cleo")
			h.wantOver(told)
		},
	}
}

// N-03, N-05: a system goes down and comes back. Wherever the process dies while
// the circuit opens, is probed or closes, and whatever answer is lost, there is
// one event, at most one alert, nobody is disabled, and everything goes on where
// it stopped.
func TestOutages(t *testing.T) {
	for _, s := range []scenario{
		outage("the mail server is down for a minute", model.Mail, time.Minute, 0),
		outage("the CRM is down for a minute", model.CRM, time.Minute, 0),
		outage("the mail server is down for hours", model.Mail, 3*time.Hour, 1),
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t) })
	}
}

// Decision 11: workers that see the third failure at the same time make one
// event, one alert and one call to the prober.
func TestManyWorkersMakeOneEvent(t *testing.T) {
	people := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for _, d := range []design{{people: people}, {people: people, sqlite: true}} {
		h := build(t, d)
		h.gate.quiet = true
		told := 0
		h.gate.hook = func(name string) error {
			if name == "before wake" {
				told++
			}
			return nil
		}
		var all sync.WaitGroup
		var one sync.Mutex // the gate is one thread's; the store is not
		for _, b := range h.boxes {
			all.Go(func() {
				for range 3 {
					f := issue.Fault("dav.refused")
					_, err := h.db.Suspect(context.Background(), store.Alert{
						Mailbox: b.id, Side: model.Mail, Workload: model.ACT, Phase: store.PhaseFetch, Code: f.Code, Message: f.Message,
					}, store.Trial{Next: h.clock.now.Add(time.Hour), Patience: fault.ProbePatience}, h.clock.now)
					one.Lock()
					if err != nil {
						t.Error(err)
					}
					_ = h.acts.Translate(context.Background(), activities.FetchIn{Mailbox: b.id}, f)
					one.Unlock()
				}
			})
		}
		all.Wait()
		c, err := h.db.Connection(context.Background(), h.mailID)
		h.must(err)
		alerts, err := h.db.Alerts(context.Background(), store.AlertFilter{Connection: h.mailID, Over: true})
		h.must(err)
		if c.Circuit.Opened != 1 || len(alerts) != 1 || told > 1 {
			t.Errorf("opened %d times, %d alerts, the prober told %d times", c.Circuit.Opened, len(alerts), told)
		}
		h.close()
	}
}

// D-31, D-33: a wrong password of the connection disables its mailboxes at once,
// without a word in their rows, and the test that works brings back exactly those.
func TestAPermanentFaultOfTheServer(t *testing.T) {
	h := build(t, design{people: []string{"ada", "bob"}, kinds: []model.Kind{model.Contact}})
	defer h.close()
	h.gate.quiet = true
	h.settle()
	own := store.Alert{Mailbox: h.box("bob").id, Workload: model.ACT, Side: model.Mail, Phase: store.PhaseFetch, Code: "dav.401", Message: "no"}
	h.must(h.db.RaiseAlert(context.Background(), own, "The password is wrong.", h.clock.Now()))
	h.goesDown(model.Mail, "dav.connection-401", time.Hour)
	h.turn(0)
	state := func(b *box) model.MailboxState {
		ctx := context.Background()
		m, err := h.db.Mailbox(ctx, b.id)
		h.must(err)
		c, err := h.db.Connection(ctx, h.mailID)
		h.must(err)
		s, _ := m.Standing(c)
		return s
	}
	if state(h.box("ada")) != model.Disabled || state(h.box("bob")) != model.Disabled {
		t.Errorf("ada is %s, bob %s", state(h.box("ada")), state(h.box("bob")))
	}
	asked := 0
	h.gate.spoil = func(p memory.Point) error {
		if p.Side == model.Mail {
			asked++
		}
		return nil
	}
	for range 5 {
		h.sweep()
		h.clock.advance(time.Hour)
	}
	if asked != 0 {
		t.Errorf("%d requests to a server that refuses us for good", asked)
	}
	n, err := h.db.Recover(context.Background(), h.mailID, 0, h.clock.Now(), activities.TurnGap)
	h.must(err)
	h.settle()
	if n != 1 || state(h.box("ada")) != model.Active || state(h.box("bob")) != model.Disabled {
		t.Errorf("%d came back; ada is %s, bob %s", n, state(h.box("ada")), state(h.box("bob")))
	}
}
