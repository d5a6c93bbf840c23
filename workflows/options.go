package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// heartbeat is how long a worker may be silent before its activity is given to
// another one.
const heartbeat = 10 * time.Second

// store: activities that only talk to our own store.
func quick(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    heartbeat,
		RetryPolicy:         retries(),
		Summary:             summary,
		WaitForCancellation: true,
	})
}

// remote: activities that read from the outside, page by page.
func remote(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Minute,
		HeartbeatTimeout:    heartbeat,
		RetryPolicy:         retries(),
		Summary:             summary,
		WaitForCancellation: true,
	})
}

// apply: the activity that writes to the outside.
func apply(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 60 * time.Minute,
		HeartbeatTimeout:    heartbeat,
		RetryPolicy:         retries(),
		Summary:             summary,
		WaitForCancellation: true,
	})
}

// retries governs crashes and timeouts only: for faults the interceptor sets
// the delay, or that there is no further attempt (design decision 10).
func retries() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second}
}
