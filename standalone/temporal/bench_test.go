package temporal_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"lockstep.dev/standalone/temporal"
)

// BenchmarkStart is a start in a process that has not had one yet, on a new
// file and on one that is there, and the memory that the idle server takes
// (Linux only).
func BenchmarkStart(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		for i := range b.N {
			benchmarkStart(b, filepath.Join(b.TempDir(), fmt.Sprint(i), "temporal.db"))
		}
	})
	b.Run("again", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "temporal.db")
		benchmarkStart(b, path)
		b.ResetTimer()
		for range b.N {
			benchmarkStart(b, path)
		}
	})
}

func benchmarkStart(b *testing.B, path string) {
	p := startProgram(b, path)
	p.next(b, "ready")
	b.StopTimer()
	b.ReportMetric(resident(p.cmd.Process.Pid), "MB")
	p.kill()
	b.StartTimer()
}

// resident is the memory of a process in megabytes, 0 where it is not known.
func resident(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kilobytes); n == 1 {
			return kilobytes / 1024
		}
	}
	return 0
}

// BenchmarkRounds is what the server and one worker get through in a second: a
// hundred workflows at a time, each doing rounds of one activity and a timer.
func BenchmarkRounds(b *testing.B) {
	const mailboxes = 100
	s := temporal.ForTest(b)
	w, c, err := startWorker(s, io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Stop()
	defer c.Close()
	runs := make([]client.WorkflowRun, mailboxes)
	b.ResetTimer()
	for i := range runs {
		rounds := b.N / mailboxes
		if i < b.N%mailboxes {
			rounds++
		}
		options := client.StartWorkflowOptions{ID: fmt.Sprintf("mailbox/%d", i), TaskQueue: queue}
		if runs[i], err = c.ExecuteWorkflow(context.Background(), options, Counted, rounds); err != nil {
			b.Fatal(err)
		}
	}
	for _, run := range runs {
		if err := run.Get(context.Background(), nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rounds/s")
}

// Counted does a number of rounds with a short timer between them.
func Counted(ctx workflow.Context, rounds int) error {
	for n := range rounds {
		if err := workflow.ExecuteActivity(roundOptions(ctx), "Round", n).Get(ctx, nil); err != nil {
			return err
		}
		if err := workflow.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
