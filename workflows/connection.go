package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep.dev/activities"
)

// Connection reads one CRM for all its mailboxes and wakes those concerned
// (design decision 3).
func Connection(ctx workflow.Context, s ConnectionState) error {
	var acts *activities.Activities
	started, trouble, passes := workflow.Now(ctx), "", int64(0)
	wake := workflow.GetSignalChannel(ctx, SignalWake)
	err := workflow.SetQueryHandler(ctx, QueryStatus, func() (Status, error) {
		return Status{State: "active", Round: passes, Trouble: trouble}, nil
	})
	if err != nil {
		return err
	}
	for {
		drainWakes(wake)
		var out activities.FeedOut
		err := workflow.ExecuteActivity(remote(ctx, "read the CRM"), acts.Feed, activities.FeedIn{Connection: s.Connection}).Get(ctx, &out)
		trouble = ""
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			if typeOf(err) == "Gone" {
				return nil
			}
			trouble, out.Next = troubleOf(err).Message, time.Minute
		}
		passes = max(passes, out.Pass)
		workflow.SetCurrentDetails(ctx, detailsOf(out, trouble))
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() || workflow.Now(ctx).Sub(started) >= longest {
			drainWakes(wake)
			return workflow.NewContinueAsNewError(ctx, Connection, s)
		}
		if err := await(ctx, wake, out.Next); err != nil {
			return err
		}
	}
}

// await waits for the next pass: a timer or a wake-up.
func await(ctx workflow.Context, wake workflow.ReceiveChannel, d time.Duration) error {
	timer, cancel := workflow.WithCancel(ctx)
	defer cancel()
	workflow.NewSelector(ctx).
		AddFuture(workflow.NewTimerWithOptions(timer, d, workflow.TimerOptions{Summary: "until the next pass"}), func(workflow.Future) {}).
		AddReceive(wake, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
		Select(ctx)
	return ctx.Err()
}

func drainWakes(wake workflow.ReceiveChannel) {
	for wake.ReceiveAsync(nil) {
	}
}

func detailsOf(out activities.FeedOut, trouble string) string {
	if trouble != "" {
		return "**The CRM cannot be read:** " + trouble
	}
	return fmt.Sprintf("Pass %d: %d changed, %d absent, %d mailboxes woken.", out.Pass, out.Changed, out.Absent, out.Woken)
}
