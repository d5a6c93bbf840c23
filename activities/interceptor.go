package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"lockstep.dev/fault"
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
	Count   int // consecutive transient failures
}

// Stops reports whether the mailbox can do nothing until somebody acts: the
// class says so, or a transient fault has lasted too long (D-31, D-32). A fault
// of a single item or collection never does.
func (t Trouble) Stops() bool {
	if t.Scope == fault.Item || t.Scope == fault.Collection {
		return false
	}
	rule := fault.RuleOf(t.Class)
	return rule.Stops || rule.Counted && t.Count > 0
}

// Interceptor turns faults into Temporal errors, in this one place (design
// decision 10), and sends heartbeats for every activity.
type Interceptor struct {
	interceptor.WorkerInterceptorBase
	Store store.Store
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (i *Interceptor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &inbound{store: i.Store}
	in.Next = next
	return in
}

type inbound struct {
	interceptor.ActivityInboundInterceptorBase
	store store.Store
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (i *inbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	done := make(chan struct{})
	defer close(done)
	go beat(ctx, activity.GetInfo(ctx).HeartbeatTimeout, done)
	out, err := i.Next.ExecuteActivity(ctx, in)
	if err == nil || ctx.Err() != nil {
		return out, err
	}
	return out, i.translate(ctx, in.Args, err)
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
func (i *inbound) translate(ctx context.Context, args []any, err error) error {
	f := fault.Of(err)
	if f == nil {
		if errors.Is(err, store.ErrNotFound) {
			return temporal.NewNonRetryableApplicationError(err.Error(), "Gone", nil)
		}
		return temporal.NewApplicationError(err.Error(), "Store")
	}
	t := Trouble{Class: f.Class, Scope: f.Scope, Side: f.Side, Code: f.Code, Message: f.Error()}
	rule := fault.RuleOf(f.Class)
	o := temporal.ApplicationErrorOptions{NonRetryable: !rule.Retry, NextRetryDelay: f.After}
	if rule.Benign {
		o.Category = temporal.ApplicationErrorCategoryBenign
	}
	if rule.Counted {
		i.countIn(ctx, args, &t, &o)
	} else if rule.Retry && o.NextRetryDelay <= 0 {
		o.NextRetryDelay = time.Minute
	}
	o.Details = []any{t}
	return temporal.NewApplicationErrorWithOptions(t.Message, string(f.Class), o)
}

// countIn counts a transient fault of a mailbox and, at the policy's limit,
// makes it permanent (requirement D-32).
func (i *inbound) countIn(ctx context.Context, args []any, t *Trouble, o *temporal.ApplicationErrorOptions) {
	id := subject(args)
	if id == "" {
		o.NextRetryDelay = connectionGap
		return
	}
	m, err := i.store.Mailbox(ctx, id)
	if err != nil {
		return
	}
	policy, err := i.store.Policy(ctx, m.Policy)
	if err != nil {
		return
	}
	if t.Count, err = i.store.CountFailure(ctx, id, false); err != nil {
		return
	}
	o.NextRetryDelay = max(o.NextRetryDelay, time.Duration(policy.RetryGap))
	o.NonRetryable = t.Count >= policy.Retries
}

// connectionGap is the time between attempts to read a CRM that does not answer.
const connectionGap = 30 * time.Second

// subject names the mailbox that an activity is about.
func subject(args []any) model.MailboxID {
	if len(args) == 0 {
		return ""
	}
	switch in := args[0].(type) {
	case FetchIn:
		return in.Mailbox
	case DiffIn:
		return in.Mailbox
	case ApplyIn:
		return in.Mailbox
	case SettleIn:
		return in.Mailbox
	default:
		return ""
	}
}
