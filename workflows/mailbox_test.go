package workflows

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep.dev/activities"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// stage is a Mailbox workflow in virtual time whose activities are played by
// the test. Each played activity notes its name.
type stage struct {
	*testsuite.TestWorkflowEnvironment
	played []string
	fetch  func(activities.FetchIn) (activities.FetchOut, error)
	diff   func(activities.DiffIn) (activities.DiffOut, error)
	apply  func(context.Context) (activities.ApplyOut, error)
	obey   func(activities.ObeyIn) (activities.ObeyOut, error)
	answer []activities.AnswerIn
	stop   []activities.StopIn
}

func newStage(t *testing.T) *stage {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	s := &stage{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment()}
	s.RegisterWorkflowWithOptions(Mailbox, workflow.RegisterOptions{Name: "Mailbox"})
	s.fetch = func(activities.FetchIn) (activities.FetchOut, error) {
		return activities.FetchOut{State: model.Active, Generation: 1, Next: 5 * time.Minute}, nil
	}
	s.diff = func(activities.DiffIn) (activities.DiffOut, error) {
		return activities.DiffOut{State: store.PlanReady, Plan: "p1", Generation: 2, Writes: 3}, nil
	}
	s.apply = func(context.Context) (activities.ApplyOut, error) { return activities.ApplyOut{Done: 3}, nil }
	s.obey = func(activities.ObeyIn) (activities.ObeyOut, error) {
		return activities.ObeyOut{Verb: activities.VerbPause, State: model.Paused}, nil
	}
	s.play()
	return s
}

func (s *stage) play() {
	var a *activities.Activities
	note := func(name string) { s.played = append(s.played, name) }
	s.OnActivity(a.Fetch, anything, anything).Return(func(_ context.Context, in activities.FetchIn) (activities.FetchOut, error) {
		note("fetch")
		return s.fetch(in)
	})
	s.OnActivity(a.Diff, anything, anything).Return(func(_ context.Context, in activities.DiffIn) (activities.DiffOut, error) {
		note("diff")
		return s.diff(in)
	})
	s.OnActivity(a.Apply, anything, anything).Return(func(ctx context.Context, _ activities.ApplyIn) (activities.ApplyOut, error) {
		note("apply")
		return s.apply(ctx)
	})
	s.OnActivity(a.Settle, anything, anything).Return(func(context.Context, activities.SettleIn) (activities.SettleOut, error) {
		note("settle")
		return activities.SettleOut{Next: 5 * time.Minute}, nil
	})
	s.OnActivity(a.Obey, anything, anything).Return(func(_ context.Context, in activities.ObeyIn) (activities.ObeyOut, error) {
		note("obey")
		return s.obey(in)
	})
	s.OnActivity(a.Answer, anything, anything).Return(func(_ context.Context, in activities.AnswerIn) error {
		s.answer = append(s.answer, in)
		return nil
	})
	s.OnActivity(a.Stop, anything, anything).Return(func(_ context.Context, in activities.StopIn) error {
		s.stop = append(s.stop, in)
		return nil
	})
}

const anything = mock.Anything

// run plays the workflow until it is cancelled after d of virtual time.
func (s *stage) run(d time.Duration, st MailboxState) string {
	s.RegisterDelayedCallback(s.CancelWorkflow, d)
	s.ExecuteWorkflow(Mailbox, st)
	return strings.Join(s.played, " ")
}

// Design decision 6: an idle round costs one activity, and the next one comes
// when Fetch said.
func TestIdleRoundsCostOneActivity(t *testing.T) {
	s := newStage(t)
	if got := s.run(12*time.Minute, MailboxState{Mailbox: "m1", Generation: 1}); got != "fetch fetch fetch" {
		t.Errorf("played %q", got)
	}
}

func TestWorkIsFetchedDecidedWrittenAndSettled(t *testing.T) {
	s := newStage(t)
	s.fetch = func(activities.FetchIn) (activities.FetchOut, error) {
		return activities.FetchOut{State: model.Active, Work: len(s.played) == 1, Next: time.Hour}, nil
	}
	if got := s.run(4*time.Minute, MailboxState{Mailbox: "m1"}); got != "fetch diff apply settle" {
		t.Errorf("played %q", got)
	}
}

// B1: a plan that waits is not applied; the next round looks only at what is
// new, and an approval lets it go.
func TestHeldPlanIsNotApplied(t *testing.T) {
	s := newStage(t)
	s.fetch = func(activities.FetchIn) (activities.FetchOut, error) {
		return activities.FetchOut{State: model.Active, Work: len(s.played) == 1, Next: 5 * time.Minute}, nil
	}
	s.diff = func(activities.DiffIn) (activities.DiffOut, error) {
		return activities.DiffOut{State: store.PlanHeld, Hash: "abc", Why: "the first sync waits for approval"}, nil
	}
	if got := s.run(7*time.Minute, MailboxState{Mailbox: "m1"}); got != "fetch diff fetch" {
		t.Errorf("played %q", got)
	}
}

// A wake-up starts a round at once; those that arrive while it runs start one
// more, however many they are.
func TestWakesAreCoalesced(t *testing.T) {
	s := newStage(t)
	for range 50 {
		s.RegisterDelayedCallback(func() { s.SignalWorkflow(SignalWake, nil) }, time.Minute)
	}
	if got := s.run(2*time.Minute, MailboxState{Mailbox: "m1"}); got != "fetch fetch fetch" {
		t.Errorf("played %q", got)
	}
}

// Design decision 10: a pause does not wait for an attempt that is minutes
// away; a paused mailbox does nothing until it is told to.
func TestPauseCancelsAWaitingAttempt(t *testing.T) {
	s := newStage(t)
	s.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&activities.Interceptor{Store: quarters(t, model.Policy{}), Now: s.Now}}})
	s.fetch = func(activities.FetchIn) (activities.FetchOut, error) {
		return activities.FetchOut{}, &fault.Fault{Class: fault.Transient, Scope: fault.Server, Message: "no answer"}
	}
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(SignalRequest, Request{ID: "r1", Verb: activities.VerbPause}) }, 2*time.Minute)
	if got := s.run(3*time.Hour, MailboxState{Mailbox: "m1"}); !strings.HasSuffix(got, "fetch obey") {
		t.Errorf("played %q", got)
	}
}

// A request that needs a round is answered with what the round did.
func TestSyncNowIsAnswered(t *testing.T) {
	s := newStage(t)
	s.obey = func(activities.ObeyIn) (activities.ObeyOut, error) {
		return activities.ObeyOut{Verb: activities.VerbSync, State: model.Active, Round: true}, nil
	}
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(SignalRequest, Request{ID: "r1", Verb: activities.VerbSync}) }, time.Minute)
	s.run(2*time.Minute, MailboxState{Mailbox: "m1"})
	if len(s.answer) != 1 || s.answer[0].Requests[0] != "r1" || s.answer[0].Message != "Nothing to do: both sides agree." {
		t.Errorf("answers %+v", s.answer)
	}
}

// Style 4.3: a long run continues as new with the witness and what arrived.
func TestContinuesAsNewWithTheGeneration(t *testing.T) {
	s := newStage(t)
	s.ExecuteWorkflow(Mailbox, MailboxState{Mailbox: "m1", Generation: 41})
	var next *workflow.ContinueAsNewError
	if err := s.GetWorkflowError(); !errors.As(err, &next) {
		t.Fatalf("ended with %v", err)
	}
	var in MailboxState
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in); err != nil {
		t.Fatal(err)
	}
	if in.Generation != 41 || in.Mailbox != "m1" {
		t.Errorf("continues with %+v", in)
	}
}

// Decision 9: our own database restored means looking for as many rounds as
// deletions take to settle.
func TestRestoredDatabaseLooksBeforeItWrites(t *testing.T) {
	s := newStage(t)
	var looks []bool
	s.fetch = func(in activities.FetchIn) (activities.FetchOut, error) {
		looks = append(looks, in.Look)
		first := len(looks) == 1
		return activities.FetchOut{State: model.Active, Restored: first, SettleFor: 2, Generation: in.Generation, Next: time.Minute}, nil
	}
	s.run(210*time.Second, MailboxState{Mailbox: "m1", Generation: 9})
	if len(looks) != 4 || looks[0] || !looks[1] || !looks[2] || looks[3] {
		t.Errorf("looked %v", looks)
	}
}

// Counts in words, in a fixed order (a map's order must not reach history).
func TestWordsOfAPlan(t *testing.T) {
	c := plan.Counts{Items: 9, Matched: 4, Sides: map[model.Side]map[model.Kind]map[model.Action]int{
		model.Mail: {model.Event: {model.Create: 2, model.Delete: 1}}, model.CRM: {model.Contact: {model.Update: 3}},
	}}
	want := "9 looked at, 4 matched, update 3 on the crm side, create 2 on the mail side, delete 1 on the mail side"
	if got := words(c); got != want {
		t.Errorf("got %q", got)
	}
}

// A command that a crash interrupts is answered when it is done, not before: an
// undo of which a part is written is no undo.
func TestAnInterruptedCommandIsAnsweredLater(t *testing.T) {
	s := newStage(t)
	s.obey = func(activities.ObeyIn) (activities.ObeyOut, error) {
		return activities.ObeyOut{Verb: activities.VerbUndo, State: model.Active, Round: true}, nil
	}
	s.fetch = func(activities.FetchIn) (activities.FetchOut, error) {
		return activities.FetchOut{State: model.Active, Generation: 1, Work: len(s.answer) == 0, Next: 5 * time.Minute}, nil
	}
	applied := 0
	s.apply = func(context.Context) (activities.ApplyOut, error) {
		applied++
		return activities.ApplyOut{Done: 3, Abandoned: applied == 1}, nil
	}
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(SignalRequest, Request{ID: "req_1", Verb: activities.VerbUndo}) }, 0)
	s.RegisterDelayedCallback(s.CancelWorkflow, time.Minute)
	s.ExecuteWorkflow(Mailbox, MailboxState{Mailbox: "mbx_1", Generation: 1})
	if applied != 2 || len(s.answer) != 1 || !strings.Contains(s.answer[0].Message, "3 written") {
		t.Errorf("applied %d times, answered %+v", applied, s.answer)
	}
}
