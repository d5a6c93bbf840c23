package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Trouble is what a workflow, and a reader of its history, learns of a fault.
// It holds no item content.
type Trouble struct {
	Class   fault.Class
	Scope   fault.Scope
	Side    model.Side
	Code    string
	Message string
	Count   int // consecutive failures
	Phase   store.Phase
	// Permanent: nothing goes on until somebody acts.
	Permanent bool
	// Waits: the mailbox's system as a whole cannot be used. The mailbox tries
	// nothing before it can.
	Waits bool
}

// Stops reports whether the mailbox can do nothing until somebody acts: the
// class says so, or a fault has lasted too long (D-31, D-32).
func (t Trouble) Stops() bool {
	if t.Permanent || t.Waits {
		return t.Permanent
	}
	// Histories from before Permanent was recorded.
	return t.Scope.Wide() && (t.Class == fault.Auth || t.Class == fault.Denied || t.Class == fault.Transient && t.Count > 0)
}

// Interceptor turns faults into Temporal errors, in this one place (design
// decision 10), and sends heartbeats for every activity.
type Interceptor struct {
	interceptor.WorkerInterceptorBase
	Store store.Store
	Waker Waker            // hears of a connection that went down; nil = nobody
	Now   func() time.Time // nil means the real clock
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (i *Interceptor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &inbound{store: i.Store, waker: i.Waker, now: i.Now}
	if in.now == nil {
		in.now = time.Now
	}
	in.Next = next
	return in
}

type inbound struct {
	interceptor.ActivityInboundInterceptorBase
	store store.Store
	waker Waker
	now   func() time.Time
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (i *inbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	done := make(chan struct{})
	defer close(done)
	info := activity.GetInfo(ctx)
	go beat(ctx, info.HeartbeatTimeout, done)
	ctx = store.WithAuthor(ctx, store.Author{By: info.WorkflowExecution.ID})
	begun := time.Now() // by the clock of the logbook
	out, err := i.Next.ExecuteActivity(ctx, in)
	if err == nil || ctx.Err() != nil {
		return out, err
	}
	return out, i.translate(ctx, in.Args, begun, err)
}

// beat reports every third of the heartbeat timeout that this worker lives, so
// that its death is noticed and a cancellation arrives.
func beat(ctx context.Context, timeout time.Duration, done <-chan struct{}) {
	if timeout <= 0 {
		return
	}
	tick := time.NewTicker(timeout / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			activity.RecordHeartbeat(ctx)
		case <-done:
			return
		}
	}
}

// translate makes the Temporal error of a fault. What is no fault comes from
// our own store or from Temporal: it is tried again and never counts against a
// mailbox.
func (i *inbound) translate(ctx context.Context, args []any, begun time.Time, err error) error {
	f := fault.Of(err)
	if f == nil {
		if errors.Is(err, store.ErrNotFound) {
			return ours("engine.gone", "Gone", err, true)
		}
		return ours("engine.store", "Store", err, false)
	}
	t := Trouble{Class: f.Class, Scope: f.Scope, Side: f.Side, Code: f.Code, Message: f.Error()}
	var paused *paused
	if errors.As(err, &paused) {
		t.Waits = true
		return waits(t, f)
	}
	rule := ruleOf(f)
	o := temporal.ApplicationErrorOptions{NonRetryable: rule.Again != fault.Attempt, NextRetryDelay: f.After}
	if rule.Benign {
		o.Category = temporal.ApplicationErrorCategoryBenign
	}
	t.Permanent = rule.Stops
	if f.Class == fault.Auth && i.renewed(ctx, args, begun) {
		t.Permanent, o.NonRetryable, o.NextRetryDelay = false, false, time.Second
	} else if rule.Counted || rule.Stops {
		i.count(ctx, args, f, rule, &t, &o)
	} else if rule.Again == fault.Attempt && o.NextRetryDelay <= 0 {
		o.NextRetryDelay = time.Minute
	}
	o.Details = []any{t}
	return temporal.NewApplicationErrorWithOptions(t.Message, string(f.Class), o)
}

// ours is the Temporal error of trouble with our own store; what the store said
// is for the reader of the log, what it means for everybody.
func ours(code, kind string, err error, last bool) error {
	f := issue.Fault(code)
	t := Trouble{Class: f.Class, Scope: f.Scope, Code: f.Code, Message: f.Error()}
	return temporal.NewApplicationErrorWithOptions(err.Error(), kind, temporal.ApplicationErrorOptions{NonRetryable: last, Details: []any{t}})
}

// waits is the Temporal error of a system that cannot be used at the moment: the
// mailbox waits until it can.
func waits(t Trouble, f *fault.Fault) error {
	return temporal.NewApplicationErrorWithOptions(f.Error(), string(f.Class), temporal.ApplicationErrorOptions{
		NonRetryable: true, Category: temporal.ApplicationErrorCategoryBenign, Details: []any{t},
	})
}

// ruleOf is the table's row for a fault that ended a whole step. Where that is
// a fault of a single item or collection, nothing else could go on either, so
// it counts as the mailbox's and may not last for ever.
func ruleOf(f *fault.Fault) fault.Rule {
	rule := fault.RuleOf(f.Class, f.Scope)
	if f.Scope.Wide() || rule.Again == fault.Attempt || f.Class == fault.CursorExpired {
		return rule
	}
	return fault.RuleOf(fault.Transient, fault.Mailbox)
}

// count notes a fault against whom it concerns and, at the policy's limit, makes
// it permanent (requirement D-32).
func (i *inbound) count(ctx context.Context, args []any, f *fault.Fault, rule fault.Rule, t *Trouble, o *temporal.ApplicationErrorOptions) {
	note := store.Alert{Workload: model.ACT, Side: f.Side, Code: f.Code, Message: f.Message, Evidence: f.Evidence}
	note.Mailbox, note.Connection, note.Phase = subject(args)
	t.Phase = note.Phase
	n, down, err := i.strike(ctx, note, f)
	if down && note.Mailbox != "" && !i.spent(ctx, note.Mailbox, n) {
		t.Waits, t.Permanent, o.NonRetryable = true, false, true
		return
	}
	if note.Mailbox == "" {
		if down { // the next attempt finds it so and asks nothing
			t.Waits, t.Permanent, o.NextRetryDelay, o.NonRetryable = true, false, time.Second, false
			return
		}
		// A CRM that does not answer is asked for as long as there are mailboxes;
		// after some tries its owner has to know, once.
		o.NextRetryDelay, t.Permanent = max(o.NextRetryDelay, connectionGap), false
		if err == nil && (n >= connectionPatience || rule.Stops) {
			_ = i.store.RaiseAlert(ctx, note, "", i.now()) // the next try raises it, if this did not
		}
		return
	}
	if err != nil || rule.Stops {
		return
	}
	policy, err := i.policy(ctx, note.Mailbox)
	if err != nil {
		return
	}
	o.NextRetryDelay = max(o.NextRetryDelay, time.Duration(policy.RetryGap))
	t.Count, t.Permanent = n, n >= policy.Retries
	o.NonRetryable = t.Permanent
}

// strike notes a fault against its mailbox or, where it says that the whole
// system cannot be used, against its connection. It returns the failures in a
// row, and whether the connection is not used any more.
func (i *inbound) strike(ctx context.Context, note store.Alert, f *fault.Fault) (n int, down bool, err error) {
	if !f.Opens() || note.Mailbox == "" && note.Connection == "" {
		n, err = i.store.CountFailure(ctx, note, i.now())
		return n, false, err
	}
	c, err := i.connection(ctx, note)
	if err != nil {
		return 0, false, err
	}
	now, failed := i.now(), 0
	if k := c.Circuit; k.Opened > 0 && now.Before(k.Closed.Add(fault.Relapse)) {
		failed = k.Probes + 1 // it was never really back
	}
	s, err := i.store.Suspect(ctx, note, trial(fault.RuleOf(f.Class, f.Scope).Stops, f.After, failed, c.Outage, now), now)
	if err == nil && s.Opened && i.waker != nil {
		// Whoever comes next and finds nobody probing says so again.
		_ = i.waker.WakeConnection(ctx, s.Connection)
	}
	return s.Times, s.Circuit.Down(), err
}

// spent reports whether a mailbox has had all its attempts (D-32). Its system may
// answer every probe and only this mailbox never: then it is no outage.
func (i *inbound) spent(ctx context.Context, id model.MailboxID, failures int) bool {
	p, err := i.policy(ctx, id)
	return err == nil && failures >= p.Retries
}

func (i *inbound) policy(ctx context.Context, id model.MailboxID) (model.Policy, error) {
	m, err := i.store.Mailbox(ctx, id)
	if err != nil {
		return model.Policy{}, err
	}
	return i.store.Policy(ctx, m.Policy)
}

// connection is the one that a fault is about.
func (i *inbound) connection(ctx context.Context, note store.Alert) (model.Connection, error) {
	id := note.Connection
	if note.Mailbox != "" {
		m, err := i.store.Mailbox(ctx, note.Mailbox)
		if err != nil {
			return model.Connection{}, err
		}
		if id = m.Mail; note.Side == model.CRM {
			id = m.CRM
		}
	}
	return i.store.Connection(ctx, id)
}

// connectionGap is the time between attempts to read a CRM that does not answer.
const connectionGap = 30 * time.Second

// connectionPatience is the number of failures in a row that are an alert.
const connectionPatience = 10

// subject names the mailbox and the phase of its round, or else the connection,
// that an activity is about.
func subject(args []any) (model.MailboxID, model.ConnectionID, store.Phase) {
	if len(args) == 0 {
		return "", "", ""
	}
	switch in := args[0].(type) {
	case FetchIn:
		return in.Mailbox, "", store.PhaseFetch
	case DiffIn:
		return in.Mailbox, "", store.PhaseDiff
	case ApplyIn:
		return in.Mailbox, "", store.PhaseApply
	case SettleIn:
		return in.Mailbox, "", store.PhaseSettle
	case FeedIn:
		return "", in.Connection, ""
	default:
		return "", "", ""
	}
}
