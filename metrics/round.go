package metrics

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"

	"lockstep.dev/activities"
	"lockstep.dev/model"
)

// Interceptor measures the steps of rounds and counts what rounds come to. Name
// names the mail connection of a mailbox; it is asked where a step alone does
// not tell it.
type Interceptor struct {
	interceptor.WorkerInterceptorBase
	Metrics *Metrics
	Name    func(ctx context.Context, id model.MailboxID) string
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (i *Interceptor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &inbound{of: i}
	in.Next = next
	return in
}

type inbound struct {
	interceptor.ActivityInboundInterceptorBase
	of *Interceptor
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (i *inbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	begun, info := time.Now(), activity.GetInfo(ctx)
	ctx, span := i.of.Metrics.traces.tracer.Start(ctx, info.ActivityType.Name,
		trace.WithAttributes(attribute.String("workflow", info.WorkflowExecution.ID), attribute.Int("attempt", int(info.Attempt))))
	out, err := i.Next.ExecuteActivity(ctx, in)
	end(span, err)
	result := "ok"
	if err != nil {
		result = "failed"
	}
	i.of.Metrics.steps.WithLabelValues(info.ActivityType.Name, result).Observe(time.Since(begun).Seconds())
	if len(in.Args) > 0 && ctx.Err() == nil { // what was called off came to nothing
		i.of.count(ctx, in.Args[0], out, err)
	}
	return out, err
}

// count counts a round when the step that ends it is done.
func (i *Interceptor) count(ctx context.Context, in, out any, err error) {
	round := func(id model.MailboxID, result string) {
		i.Metrics.rounds.WithLabelValues(i.Name(ctx, id), result).Inc()
	}
	switch in := in.(type) {
	case activities.FetchIn:
		f, ok := out.(activities.FetchOut)
		switch {
		case err != nil:
			round(in.Mailbox, "failed")
		case !ok || f.State != model.Active || f.Work:
		case f.Waits:
			i.Metrics.rounds.WithLabelValues(f.Connection, "waiting").Inc()
		default:
			i.Metrics.rounds.WithLabelValues(f.Connection, "quiet").Inc()
		}
	case activities.DiffIn:
		if d, ok := out.(activities.DiffOut); err != nil {
			round(in.Mailbox, "failed")
		} else if ok && d.Held > 0 && d.Writes == 0 {
			round(in.Mailbox, "held")
		}
	case activities.ApplyIn:
		if err != nil {
			round(in.Mailbox, "failed")
		}
	case activities.SettleIn:
		switch {
		case err != nil:
			round(in.Mailbox, "failed")
		case in.Refused > 0:
			round(in.Mailbox, "partial")
		default:
			round(in.Mailbox, "written")
		}
	}
}
