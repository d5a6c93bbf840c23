package temporal_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep.dev/standalone/temporal"
)

// These are the workflows of the tests: rounds of one activity, paced by a
// signal or going on by themselves.

const queue = "rounds"

// Paced does one round for every "go" signal and ends with the third.
func Paced(ctx workflow.Context) (int, error) {
	rounds := 0
	for rounds < 3 {
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		if err := workflow.ExecuteActivity(roundOptions(ctx), "Round", rounds+1).Get(ctx, &rounds); err != nil {
			return rounds, err
		}
	}
	return rounds, nil
}

// Endless does rounds until it is told to stop and returns their number.
func Endless(ctx workflow.Context) (int, error) {
	rounds := 0
	for !workflow.GetSignalChannel(ctx, "stop").ReceiveAsync(nil) {
		if err := workflow.ExecuteActivity(roundOptions(ctx), "Round", rounds+1).Get(ctx, &rounds); err != nil {
			return rounds, err
		}
		if err := workflow.Sleep(ctx, time.Millisecond); err != nil {
			return rounds, err
		}
	}
	return rounds, nil
}

// roundOptions: a short heartbeat, or an activity that was running at a kill
// would only be tried again when its whole time is up.
func roundOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Second,
	})
}

// activities print every round they do.
type activities struct{ out io.Writer }

func (a *activities) Round(_ context.Context, n int) (int, error) {
	fmt.Fprintf(a.out, "round %d\n", n)
	return n, nil
}

// startWorker serves queue on the server; the caller stops it.
func startWorker(s *temporal.Server, out io.Writer) (worker.Worker, client.Client, error) {
	c, err := client.Dial(client.Options{
		HostPort: s.Address, Namespace: s.Namespace, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, nil, err
	}
	// A task that was waiting for a killed worker goes to the next one soon.
	w := worker.New(c, queue, worker.Options{StickyScheduleToStartTimeout: time.Second})
	w.RegisterWorkflow(Paced)
	w.RegisterWorkflow(Endless)
	w.RegisterWorkflow(Counted)
	w.RegisterActivity(&activities{out})
	return w, c, w.Start()
}

// work serves queue until the test ends or stop is called.
func work(t *testing.T, s *temporal.Server) (c client.Client, stop func()) {
	t.Helper()
	w, c, err := startWorker(s, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			w.Stop()
			c.Close()
		}
	}
	t.Cleanup(stop)
	return c, stop
}

// within bounds what a test waits for; passing does not depend on its length.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func send(t *testing.T, c client.Client, id, signal string) {
	t.Helper()
	if err := c.SignalWorkflow(within(t), id, "", signal, nil); err != nil {
		t.Fatal(err)
	}
}
