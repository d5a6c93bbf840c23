package engine

import (
	"context"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
)

// Reach is what people's commands need of the workflows.
type Reach interface {
	Waker
	// History returns the history of a workflow's run; an empty run is the newest.
	History(ctx context.Context, workflow, run string) (*history.History, error)
}

// NewReach returns what reaches workflows through a Temporal server that answers.
func NewReach(c client.Client) Reach { return reach{Waker: NewWaker(c), client: c} }

type reach struct {
	Waker
	client client.Client
}

// History implements Reach.
func (r reach) History(ctx context.Context, workflow, run string) (*history.History, error) {
	out := &history.History{}
	events := r.client.GetWorkflowHistory(ctx, workflow, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, e)
	}
	return out, nil
}
