package temporal_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep.dev/standalone/temporal"
)

// One connection with much to do does not keep another waiting that comes
// later with little.
func TestTasksAreSharedOutFairly(t *testing.T) {
	t.Parallel()
	const large = 30
	s := temporal.ForTest(t)
	c := dial(t, s)
	start := func(id, connection string) client.WorkflowRun {
		run, err := c.ExecuteWorkflow(within(t), client.StartWorkflowOptions{
			ID: id, TaskQueue: "fair", Priority: sdk.Priority{FairnessKey: connection},
		}, "Note", connection)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	var runs []client.WorkflowRun
	for i := range large {
		runs = append(runs, start(fmt.Sprintf("large/%d", i), "large"))
	}
	runs = append(runs, start("small/0", "small"))

	var mu sync.Mutex
	var order []string
	w := worker.New(c, "fair", worker.Options{MaxConcurrentWorkflowTaskExecutionSize: 2, MaxConcurrentWorkflowTaskPollers: 2})
	w.RegisterWorkflowWithOptions(func(_ workflow.Context, connection string) error {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, connection)
		return nil
	}, workflow.RegisterOptions{Name: "Note"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for _, run := range runs {
		if err := run.Get(within(t), nil); err != nil {
			t.Fatal(err)
		}
	}
	if at := slices.Index(order, "small"); at > large/2 {
		t.Errorf("the small connection came %d of %d: %v", at+1, large+1, order)
	}
}
