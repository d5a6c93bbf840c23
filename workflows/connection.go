package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep.dev/activities"
	"lockstep.dev/model"
)

// rouseFor is how long mailboxes are woken before a connection is looked at
// again.
const rouseFor = 5 * time.Minute

// Connection reads one CRM for all its mailboxes and wakes those concerned
// (design decision 3). For a connection of either side that is down it is the
// one prober (decision 11), and wakes the mailboxes that waited for it.
func Connection(ctx workflow.Context, s ConnectionState) error {
	c := &connection{id: s.Connection, state: "active"}
	started := workflow.Now(ctx)
	wake := workflow.GetSignalChannel(ctx, SignalWake)
	err := workflow.SetQueryHandler(ctx, QueryStatus, func() (Status, error) {
		return Status{State: c.state, Round: c.passes, Trouble: c.trouble}, nil
	})
	if err != nil {
		return err
	}
	for {
		drainWakes(wake)
		out, err := c.look(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return err
		case typeOf(err) == "Gone":
			return nil
		}
		workflow.SetCurrentDetails(ctx, c.details(out))
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() || workflow.Now(ctx).Sub(started) >= longest {
			drainWakes(wake)
			return workflow.NewContinueAsNewError(ctx, Connection, s)
		}
		if out.Rousing && c.rouse(ctx, min(out.Next, rouseFor)) {
			continue
		}
		if err := await(ctx, wake, out.Next); err != nil {
			return err
		}
	}
}

type connection struct {
	id      model.ConnectionID
	state   string // active, paused, disabled
	trouble string
	passes  int64
	acts    *activities.Activities
}

// look reads what changed, or sees whether a connection that is down works
// again.
func (c *connection) look(ctx workflow.Context) (activities.FeedOut, error) {
	var out activities.FeedOut
	err := workflow.ExecuteActivity(remote(ctx, "read the CRM"), c.acts.Feed, activities.FeedIn{Connection: c.id}).Get(ctx, &out)
	c.state, c.trouble = "active", ""
	if err != nil {
		c.trouble, out.Next = troubleOf(err).Message, time.Minute
		return out, err
	}
	c.passes = max(c.passes, out.Pass)
	if !out.Down {
		return out, nil
	}
	var p activities.ProbeOut
	err = workflow.ExecuteActivity(remote(ctx, "see whether the system answers"), c.acts.Probe, activities.ProbeIn{Connection: c.id}).Get(ctx, &p)
	switch {
	case err != nil:
		p = activities.ProbeOut{Next: time.Minute, Trouble: troubleOf(err).Message}
	case p.Recovered:
		return c.look(ctx)
	}
	c.state, c.trouble, out.Next = "paused", p.Trouble, p.Next
	if p.Permanent {
		c.state = "disabled"
	}
	return out, err
}

// rouse wakes mailboxes that waited, and reports whether others have their turn
// later.
func (c *connection) rouse(ctx workflow.Context, d time.Duration) bool {
	var out activities.RouseOut
	err := workflow.ExecuteActivity(remote(ctx, "wake mailboxes that waited"), c.acts.Rouse, activities.RouseIn{Connection: c.id, For: d}).Get(ctx, &out)
	return err == nil && out.More
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

func (c *connection) details(out activities.FeedOut) string {
	switch {
	case c.state != "active":
		return "**" + c.trouble + "**"
	case c.trouble != "":
		return "**The CRM cannot be read:** " + c.trouble
	default:
		return fmt.Sprintf("Pass %d: %d changed, %d absent, %d mailboxes woken.", out.Pass, out.Changed, out.Absent, out.Woken)
	}
}
