package workflows

import (
	"fmt"
	"testing"
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"

	"lockstep.dev/activities"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
	"lockstep.dev/store/memory"
)

// quarters is a store with one CRM, one mail server and four mailboxes, m1 to m4.
func quarters(t *testing.T, p model.Policy) *memory.Store {
	t.Helper()
	ctx := t.Context()
	st := memory.New()
	p.Name = "default"
	must(t, st.SavePolicy(ctx, p))
	for _, c := range []model.Connection{{Name: "crm", Side: model.CRM}, {Name: "mail", Side: model.Mail}} {
		_, err := st.SaveConnection(ctx, c)
		must(t, err)
	}
	for _, id := range []string{"m1", "m2", "m3", "m4"} {
		_, err := st.Register(ctx, model.Mailbox{
			ID: model.MailboxID(id), Address: id + "@example.com", CRMUser: id, CRM: named(t, st, "crm").ID, Mail: named(t, st, "mail").ID,
		})
		must(t, err)
	}
	return st
}

func named(t *testing.T, st store.Store, name string) model.Connection {
	t.Helper()
	c, err := st.ConnectionNamed(t.Context(), name)
	must(t, err)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// counted is how often in a row m1 failed, by side.
func counted(t *testing.T, st store.Store) map[model.Side]int {
	t.Helper()
	list, err := st.Alerts(t.Context(), store.AlertFilter{Mailbox: "m1"})
	must(t, err)
	out := map[model.Side]int{}
	for _, a := range list {
		out[a.Side] = a.Times
	}
	return out
}

// others has what others meet work: another mailbox's round, and a pass over the CRM.
func others(t *testing.T, st *memory.Store, at time.Time) {
	t.Helper()
	_, err := st.FinishFetch(t.Context(), "m2", at, at, at.Add(time.Minute))
	must(t, err)
	_, _, err = st.FinishPass(t.Context(), named(t, st, "crm").ID, at)
	must(t, err)
}

// faulty is a stage whose fetches meet what trouble says, attempt by attempt,
// while both systems work for others; nil is a fetch that works. It notes when
// each attempt came.
func faulty(t *testing.T, st *memory.Store, trouble func(attempt int) *fault.Fault) (*stage, *[]time.Duration) {
	t.Helper()
	s := newStage(t)
	s.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&activities.Interceptor{Store: st, Now: s.Now}}})
	var at []time.Duration
	began := s.Now()
	s.fetch = func(activities.FetchIn) (activities.FetchOut, error) {
		if down := named(t, st, "mail").Circuit.Down() || named(t, st, "crm").Circuit.Down(); down {
			return activities.FetchOut{State: model.Active, Waits: true, Next: time.Hour}, nil // as Fetch does
		}
		at = append(at, s.Now().Sub(began))
		others(t, st, s.Now().Add(-time.Second))
		if f := trouble(len(at)); f != nil {
			return activities.FetchOut{}, f
		}
		return activities.FetchOut{State: model.Active, Next: time.Hour}, nil
	}
	return s, &at
}

func always(c fault.Class, scope fault.Scope) func(int) *fault.Fault {
	return func(int) *fault.Fault {
		return &fault.Fault{Class: c, Scope: scope, Side: model.Mail, Code: "dav.x", Message: "It does not work."}
	}
}

func every(gap time.Duration, n int) []time.Duration {
	var out []time.Duration
	for i := range n {
		out = append(out, time.Duration(i)*gap)
	}
	return out
}

func wantTimes(t *testing.T, got, want []time.Duration) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("attempts at %v, want %v", got, want)
	}
}

// D-30, D-31, D-32: every class in both wide scopes, with the exact attempts and
// times: permanent ones disable the mailbox, or all of the server's mailboxes, as
// soon as they are seen, the others after ten attempts five minutes apart, and
// throttling never.
func TestEveryFaultIsTriedAsTheTableSays(t *testing.T) {
	for _, scope := range []fault.Scope{fault.Server, fault.Mailbox} {
		for _, class := range fault.Classes() {
			t.Run(string(class)+" "+string(scope), func(t *testing.T) {
				st := quarters(t, model.Policy{})
				s, at := faulty(t, st, always(class, scope))
				rule, stopped, during := fault.RuleOf(class, scope), 1, 3*time.Hour-time.Second
				if class == fault.Throttled {
					during = 9*time.Minute - time.Second // the test environment itself ends an activity after ten attempts
				}
				s.run(during, MailboxState{Mailbox: "m1"})
				switch {
				case rule.Stops:
					wantTimes(t, *at, every(0, 1))
					if scope == fault.Server { // all its mailboxes, and none of them itself
						stopped = 0
						if !named(t, st, "mail").Circuit.Disabled() {
							t.Error("the connection is not disabled")
						}
					}
				case rule.Counted:
					wantTimes(t, *at, every(5*time.Minute, 10))
				case class == fault.Throttled:
					wantTimes(t, *at, every(time.Minute, 9))
					stopped = 0
				default: // a dead cursor ends the round; the next one lists in full
					wantTimes(t, *at, every(5*time.Minute, 36))
					stopped = 0
				}
				if len(s.stop) != stopped {
					t.Fatalf("stopped %+v", s.stop)
				}
				if stopped == 1 && (s.stop[0].Code != "dav.x" || s.stop[0].Side != model.Mail) {
					t.Errorf("stopped for %+v", s.stop[0])
				}
			})
		}
	}
}

// A fault of one item that ends a whole step concerns all that comes after it:
// it may not last for ever.
func TestAnItemsFaultThatEndsAStepIsCounted(t *testing.T) {
	s, at := faulty(t, quarters(t, model.Policy{}), always(fault.Invalid, fault.Item))
	s.run(3*time.Hour, MailboxState{Mailbox: "m1"})
	wantTimes(t, *at, every(5*time.Minute, 10))
	if len(s.stop) != 1 {
		t.Errorf("stopped %+v", s.stop)
	}
}

// D-32: the policy's numbers count.
func TestThePolicyChangesTheNumbers(t *testing.T) {
	p := model.Policy{Retries: 3, RetryGap: model.Duration(20 * time.Second)}
	s, at := faulty(t, quarters(t, p), always(fault.Transient, fault.Server))
	s.run(3*time.Hour, MailboxState{Mailbox: "m1"})
	wantTimes(t, *at, every(20*time.Second, 3))
	if len(s.stop) != 1 {
		t.Errorf("stopped %+v", s.stop)
	}
}

// Decision 10: a delay that the server asks for is honoured and not counted.
func TestThrottlingWaitsAsAskedAndNeverDisables(t *testing.T) {
	s, at := faulty(t, quarters(t, model.Policy{}), func(attempt int) *fault.Fault {
		if attempt > 8 {
			return nil
		}
		return &fault.Fault{Class: fault.Throttled, Scope: fault.Mailbox, After: 7 * time.Minute, Message: "slow down"}
	})
	s.run(8*7*time.Minute+time.Minute, MailboxState{Mailbox: "m1"})
	wantTimes(t, *at, every(7*time.Minute, 9))
	if len(s.stop) != 0 {
		t.Errorf("stopped %+v", s.stop)
	}
}

// Decision 10: the two sides are counted apart; each has all its failures.
func TestEachSideHasItsOwnCount(t *testing.T) {
	st := quarters(t, model.Policy{Retries: 5})
	s, at := faulty(t, st, func(attempt int) *fault.Fault {
		f := &fault.Fault{Class: fault.Transient, Scope: fault.Server, Side: model.Mail, Message: "no answer"}
		if attempt%2 == 0 {
			f.Side = model.CRM
		}
		return f
	})
	s.run(3*time.Hour, MailboxState{Mailbox: "m1"})
	wantTimes(t, *at, every(5*time.Minute, 9))
	if n := counted(t, st); n[model.Mail] != 5 || n[model.CRM] != 4 || len(s.stop) != 1 || s.stop[0].Side != model.Mail {
		t.Errorf("counted %v, stopped %+v", n, s.stop)
	}
}

// D-33: after the fix a person enables the mailbox again, and it has all its
// attempts before it.
func TestAnEnabledMailboxHasAllItsAttempts(t *testing.T) {
	st := quarters(t, model.Policy{})
	s, at := faulty(t, st, always(fault.Transient, fault.Server))
	s.obey = func(activities.ObeyIn) (activities.ObeyOut, error) {
		must(t, st.EndAlerts(t.Context(), "m1", "", "", s.Now()))
		return activities.ObeyOut{Verb: activities.VerbResume, State: model.Active}, nil
	}
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(SignalRequest, Request{ID: "r1", Verb: activities.VerbResume}) }, 2*time.Hour)
	s.run(4*time.Hour, MailboxState{Mailbox: "m1"})
	want := every(5*time.Minute, 10)
	for _, d := range every(5*time.Minute, 10) {
		want = append(want, 2*time.Hour+d)
	}
	wantTimes(t, *at, want)
	if len(s.stop) != 2 {
		t.Errorf("stopped %d times", len(s.stop))
	}
}
