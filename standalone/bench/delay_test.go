package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"

	"lockstep.dev/store"
	"lockstep.dev/workflows"
)

// sampleOfHistories is how many mailboxes' histories are read for delays.
const sampleOfHistories = 40

// delays are how long the engine lets things wait, in seconds, sorted: a timer
// past its time, a workflow task and an activity before a worker has them, and
// a workflow task in the worker.
type delays struct{ Timer, Workflow, Activity, Worker []float64 }

// delays reads them from the histories of some mailboxes, within a window.
func (r *crewRole) delays(ctx context.Context, from time.Time) (delays, error) {
	var d delays
	list, err := r.store.Mailboxes(ctx, store.MailboxFilter{})
	if err != nil {
		return d, err
	}
	step := max(len(list)/sampleOfHistories, 1)
	for i := 0; i < len(list); i += step {
		events := r.client.GetWorkflowHistory(ctx, workflows.MailboxWorkflowID(list[i].ID), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		known := map[int64]*history.HistoryEvent{}
		for events.HasNext() {
			e, err := events.Next()
			if err != nil {
				return d, err
			}
			known[e.EventId] = e
			if e.GetEventTime().AsTime().After(from) {
				d.add(e, known)
			}
		}
	}
	for _, list := range [][]float64{d.Timer, d.Workflow, d.Activity, d.Worker} {
		slices.Sort(list)
	}
	return d, nil
}

func (d *delays) add(e *history.HistoryEvent, known map[int64]*history.HistoryEvent) {
	since := func(id int64) time.Duration { return e.GetEventTime().AsTime().Sub(known[id].GetEventTime().AsTime()) }
	switch e.EventType {
	case enums.EVENT_TYPE_TIMER_FIRED:
		id := e.GetTimerFiredEventAttributes().StartedEventId
		asked := known[id].GetTimerStartedEventAttributes().GetStartToFireTimeout().AsDuration()
		d.Timer = append(d.Timer, (since(id) - asked).Seconds())
	case enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:
		d.Workflow = append(d.Workflow, since(e.GetWorkflowTaskStartedEventAttributes().ScheduledEventId).Seconds())
	case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
		d.Worker = append(d.Worker, since(e.GetWorkflowTaskCompletedEventAttributes().StartedEventId).Seconds())
	case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		d.Activity = append(d.Activity, since(e.GetActivityTaskStartedEventAttributes().ScheduledEventId).Seconds())
	}
}

func (d delays) print() {
	for _, row := range []struct {
		name string
		list []float64
	}{{"timer past its time", d.Timer}, {"workflow task waits", d.Workflow}, {"workflow task runs", d.Worker}, {"activity waits", d.Activity}} {
		at := func(q float64) string { return short(time.Duration(quantile(row.list, q) * float64(time.Second))) }
		fmt.Printf("  engine: %-20s p50 %s, p95 %s, longest %s\n", row.name, at(0.5), at(0.95), at(1))
	}
}
