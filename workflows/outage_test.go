package workflows

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	memorysystem "lockstep.dev/connector/memory"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
	"lockstep.dev/store/memory"
)

// ward is a workflow in virtual time with the real activities, the real store in
// memory and a mail server that may be down.
type ward struct {
	*testsuite.TestWorkflowEnvironment
	t     *testing.T
	db    *memory.Store
	mail  *memorysystem.System
	down  func(at time.Duration) string // code of the fault, "" = it works
	began time.Time
	skew  time.Duration   // what activities waited: the test environment's clock stands still meanwhile
	asked []time.Duration // when the mail server was asked anything
	woken []time.Duration // when mailboxes were woken
}

func newWard(t *testing.T, outage string) *ward {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	w := &ward{
		TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, db: quarters(t, model.Policy{}),
		mail: memorysystem.New(memorysystem.Config{Side: model.Mail}),
	}
	w.began = w.Now()
	for _, id := range []string{"m1", "m2", "m3", "m4"} {
		w.mail.AddMailbox(id+"@example.com", id)
	}
	c := named(t, w.db, "mail")
	c.Outage = outage
	_, err := w.db.SaveConnection(t.Context(), c)
	must(t, err)
	acts := &activities.Activities{
		Store: w.db, Systems: w, Waker: w, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.Now().Add(w.skew) }, LeaseFor: time.Minute,
		Pause: func(_ context.Context, d time.Duration) error {
			w.skew += d
			return nil
		},
	}
	w.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&activities.Interceptor{Store: w.db, Waker: w, Now: w.Now}}})
	w.RegisterActivity(acts)
	w.RegisterWorkflowWithOptions(Mailbox, workflow.RegisterOptions{Name: "Mailbox"})
	w.RegisterWorkflowWithOptions(Connection, workflow.RegisterOptions{Name: "Connection"})
	return w
}

func (w *ward) since() time.Duration { return w.Now().Sub(w.began) }

// Connector implements activities.Systems.
func (w *ward) Connector(_ context.Context, c model.Connection) (connector.Connector, error) {
	return memorysystem.Faults(w.mail, func(_ context.Context, p memorysystem.Point) error {
		if p.After || p.Call == "open" {
			return nil
		}
		w.asked = append(w.asked, w.since())
		if code := w.down(w.since()); code != "" {
			return issue.Fault(code)
		}
		return nil
	}), nil
}

// WakeMailboxes implements activities.Waker.
func (w *ward) WakeMailboxes(_ context.Context, ids []model.MailboxID) error {
	for range ids {
		w.woken = append(w.woken, w.since())
	}
	return nil
}

// WakeConnection implements activities.Waker.
func (w *ward) WakeConnection(context.Context, model.ConnectionID) error { return nil }

// opens has the circuit of the mail server open.
func (w *ward) opens(permanent bool) {
	w.t.Helper()
	first := fault.FirstProbe
	if c := named(w.t, w.db, "mail"); c.Outage == model.OutageDisable {
		first = fault.DisableGap
	}
	for _, id := range []model.MailboxID{"m1", "m2", "m3"} {
		_, err := w.db.Suspect(w.t.Context(), store.Alert{
			Mailbox: id, Workload: model.ACT, Side: model.Mail, Phase: store.PhaseFetch, Code: "dav.refused", Message: "It refuses connections.",
		}, store.Trial{Permanent: permanent, Next: w.Now().Add(first), Patience: fault.ProbePatience, Relapse: fault.Relapse}, w.Now())
		must(w.t, err)
	}
}

// watch runs the Connection workflow of the mail server for a while.
func (w *ward) watch(d time.Duration) {
	w.t.Helper()
	w.RegisterDelayedCallback(w.CancelWorkflow, d)
	w.ExecuteWorkflow(Connection, ConnectionState{Connection: named(w.t, w.db, "mail").ID})
}

func (w *ward) alerts() []store.Alert {
	w.t.Helper()
	list, err := w.db.Alerts(w.t.Context(), store.AlertFilter{Connection: named(w.t, w.db, "mail").ID, Over: true})
	must(w.t, err)
	return list
}

func until(end time.Duration) func(time.Duration) string {
	return func(at time.Duration) string {
		if at < end {
			return "dav.refused"
		}
		return ""
	}
}

// Decision 11, N-03: the one prober asks after ten seconds, twice that, and so on
// up to five minutes; the tenth time in vain is the one alert. Then the mailboxes
// are woken, and the alert is over.
func TestTheProberAsksLessAndLessOften(t *testing.T) {
	w := newWard(t, model.OutageWait)
	w.opens(false)
	w.down = until(40 * time.Minute)
	told := time.Duration(0)
	for at := time.Minute; at < time.Hour; at += time.Minute {
		w.RegisterDelayedCallback(func() {
			if list := w.alerts(); told == 0 && len(list) == 1 && list[0].State == store.AlertOpen {
				told = at
			}
		}, at+30*time.Second)
	}
	w.watch(2 * time.Hour)
	var want []time.Duration
	for at, n := time.Duration(0), 0; at < 40*time.Minute; n++ {
		at += fault.ProbeGap(n)
		want = append(want, at)
	}
	if len(want) != 12 || want[0] != 10*time.Second || want[1] != 30*time.Second || want[9] != 30*time.Minute+10*time.Second {
		t.Fatalf("probes are planned at %v", want)
	}
	wantTimes(t, w.asked, want)
	if told != 30*time.Minute {
		t.Errorf("somebody was told in minute %v", told)
	}
	if list := w.alerts(); len(list) != 1 || list[0].State != store.AlertOver {
		t.Errorf("alerts %+v", list)
	}
	if len(w.woken) != 4 {
		t.Errorf("mailboxes were woken at %v", w.woken)
	}
}

// D-32 for a whole server: ten attempts five minutes apart, then it is disabled,
// nobody asks any more, and its owner knows.
func TestAServerIsDisabledAfterTenAttempts(t *testing.T) {
	w := newWard(t, model.OutageDisable)
	w.opens(false)
	w.down = until(3 * time.Hour)
	w.watch(20 * time.Hour)
	wantTimes(t, w.asked, every(5*time.Minute, 10)[1:])
	if c := named(t, w.db, "mail"); !c.Circuit.Disabled() {
		t.Errorf("the connection is %+v", c.Circuit)
	}
	if list := w.alerts(); len(list) != 1 || list[0].State != store.AlertOpen {
		t.Errorf("alerts %+v", list)
	}
}

// D-31: nobody tries again what cannot work before somebody has acted; a change of
// the connection, or a test, is what ends it.
func TestAPermanentFaultIsNotProbed(t *testing.T) {
	w := newWard(t, model.OutageWait)
	w.opens(true)
	w.down = func(time.Duration) string { return "" }
	w.RegisterDelayedCallback(func() {
		_, err := w.db.SaveConnection(t.Context(), named(t, w.db, "mail")) // with a new password
		must(t, err)
		w.SignalWorkflow(SignalWake, nil)
	}, 5*time.Hour)
	w.watch(10 * time.Hour)
	wantTimes(t, w.asked, []time.Duration{5 * time.Hour})
	if c := named(t, w.db, "mail"); c.Circuit.Down() || len(w.woken) != 4 {
		t.Errorf("the connection is %+v, woke %v", c.Circuit, w.woken)
	}
}

// Where one mailbox is read often and the others seldom, it does not come to its
// limit alone: nobody worked between its third failure and its first.
func TestOneMailboxAloneOpensTheCircuit(t *testing.T) {
	w := newWard(t, model.OutageWait)
	w.down = until(4 * time.Hour)
	w.RegisterDelayedCallback(w.CancelWorkflow, 3*time.Hour)
	w.ExecuteWorkflow(Mailbox, MailboxState{Mailbox: "m1"})
	wantTimes(t, w.asked, every(5*time.Minute, 3))
	if c := named(t, w.db, "mail"); !c.Circuit.Down() {
		t.Errorf("the connection is %+v", c.Circuit)
	}
}

// A server that asks for time gets it.
func TestTheProberWaitsAsLongAsTheServerAsks(t *testing.T) {
	w := newWard(t, model.OutageWait)
	w.opens(false)
	w.down = func(at time.Duration) string {
		if at < time.Minute {
			return "dav.busy"
		}
		return ""
	}
	w.watch(time.Hour)
	wantTimes(t, w.asked, []time.Duration{10 * time.Second, 30 * time.Second, 70 * time.Second})
}

// N-03: a mailbox whose server goes down asks nothing, is not disabled, counts
// nothing, and goes on when it is woken. A person's command waits with it.
func TestAMailboxWaitsForItsServer(t *testing.T) {
	w := newWard(t, model.OutageWait)
	for _, id := range []model.MailboxID{"m2", "m3", "m4"} {
		must(t, w.db.SetMailboxState(t.Context(), id, model.Paused, "on leave"))
	}
	w.down = until(4 * time.Hour)
	r, err := w.db.AddRequest(t.Context(), store.Request{Mailbox: "m1", Verb: activities.VerbSync, By: "ann", At: w.began})
	must(t, err)
	outcome := func() store.RequestOutcome {
		r, err := w.db.Request(t.Context(), r.ID)
		must(t, err)
		return r.Outcome
	}
	w.RegisterDelayedCallback(func() { w.SignalWorkflow(SignalRequest, Request{ID: r.ID, Verb: r.Verb}) }, time.Hour)
	w.RegisterDelayedCallback(func() {
		if outcome() != store.RequestOpen {
			t.Error("the command is answered while the server is down")
		}
		var s Status
		answer, err := w.QueryWorkflow(QueryStatus)
		must(t, err)
		must(t, answer.Get(&s))
		if s.State != "active" || !strings.Contains(s.Trouble, "The connection mail is paused since") {
			t.Errorf("status %+v", s)
		}
		_, err = w.db.Recover(t.Context(), named(t, w.db, "mail").ID, 0, w.Now(), time.Second)
		must(t, err)
		w.SignalWorkflow(SignalWake, nil)
	}, 5*time.Hour)
	w.RegisterDelayedCallback(w.CancelWorkflow, 5*time.Hour+time.Minute)
	w.ExecuteWorkflow(Mailbox, MailboxState{Mailbox: "m1"})
	if len(w.asked) < 2 || w.asked[0] != 0 || w.asked[1] != 5*time.Hour {
		t.Errorf("the server was asked at %v", w.asked)
	}
	if outcome() != store.RequestDone {
		t.Errorf("the command is %q", outcome())
	}
	if n := counted(t, w.db); len(n) > 0 {
		t.Errorf("counted %v", n)
	}
}
