package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// logbook compares when each mailbox's round was due with when it began. Due is
// what the round before decided (and wrote to the store as next_at).
type logbook struct {
	mu       sync.Mutex
	due      map[string]time.Time // by workflow
	watching bool
	result   fleetResult
	failures map[string]int // failed attempts of activities, since the start
	sample   string         // one workflow whose rounds are counted
	sampled  int
}

// early is how far before its time a round must begin to be called woken.
const early = 250 * time.Millisecond

func newLogbook() *logbook { return &logbook{due: map[string]time.Time{}, failures: map[string]int{}} }

func (l *logbook) begin(v visit) {
	if v.Name != "Fetch" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	due, known := l.due[v.Workflow]
	delete(l.due, v.Workflow)
	if !l.watching {
		return
	}
	l.result.Rounds++
	if v.Workflow == l.sample {
		l.sampled++
	}
	if !known {
		return
	}
	late := v.Begun.Sub(due)
	if late < -early {
		l.result.Early++
		return
	}
	l.result.Lateness = append(l.result.Lateness, max(late.Seconds(), 0))
}

func (l *logbook) end(v visit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v.Err != nil {
		l.failures[v.Name+": "+v.Err.Error()]++
	}
	switch out := v.Out.(type) {
	case activities.FetchOut:
		if l.watching {
			l.result.InFetch = append(l.result.InFetch, v.Ended.Sub(v.Begun).Seconds())
		}
		if v.Err == nil && !out.Work && out.State == model.Active {
			l.due[v.Workflow] = v.Ended.Add(out.Next)
		}
	case activities.SettleOut:
		if v.Err == nil {
			l.due[v.Workflow] = v.Ended.Add(out.Next)
		}
	}
}

// open begins a window.
func (l *logbook) open(sample string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watching, l.result, l.sample, l.sampled = true, fleetResult{}, sample, 0
	return time.Now()
}

func (l *logbook) progress() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := slices.Clone(l.result.Lateness)
	slices.Sort(list)
	return fmt.Sprintf("%d rounds, p95 lateness %.2f s", l.result.Rounds, quantile(list, 0.95))
}

// close ends the window. What was due and has not come is late, too.
func (l *logbook) close() fleetResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watching = false
	now := time.Now()
	for _, due := range l.due {
		if late := now.Sub(due); late > early {
			l.result.Missed++
			l.result.Lateness = append(l.result.Lateness, late.Seconds())
		}
	}
	slices.Sort(l.result.Lateness)
	slices.Sort(l.result.InFetch)
	l.result.Failures = maps.Clone(l.failures)
	return l.result
}

func (l *logbook) samples() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sampled
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// restart ends the engine and starts it again, which wakes every mailbox at
// once, and watches a window.
func (r *crewRole) restart(ctx context.Context) (fleetResult, error) {
	r.engine.Stop()
	from, used := time.Now(), processor()
	if err := r.start(ctx); err != nil {
		return fleetResult{}, err
	}
	ramp, rampUsed := time.Since(from).Seconds(), (processor() - used).Seconds()
	out, err := r.watch(ctx, "restart")
	out.Ramp, out.RampProcessor = ramp, rampUsed
	return out, err
}

func (r *crewRole) anyMailbox(ctx context.Context) model.MailboxID {
	m, err := r.store.MailboxNamed(ctx, fleetAddress(r.order.Mailboxes/2))
	if err != nil {
		return ""
	}
	return m.ID
}

// events is the length of a workflow's history.
func (r *crewRole) events(ctx context.Context, workflow string) int64 {
	d, err := r.client.DescribeWorkflowExecution(ctx, workflow, "")
	if err != nil {
		return 0
	}
	return d.GetWorkflowExecutionInfo().GetHistoryLength()
}

// fileSize is the size of Temporal's file with its log.
func (r *crewRole) fileSize() int64 {
	var n int64
	for _, suffix := range []string{"", "-wal"} {
		if s, err := os.Stat(filepath.Join(r.dir, "temporal.db"+suffix)); err == nil {
			n += s.Size()
		}
	}
	return n
}

// initialized counts the mailboxes that have done their first sync.
func (r *crewRole) initialized(ctx context.Context) (int, error) {
	list, err := r.store.Mailboxes(ctx, store.MailboxFilter{State: model.Active})
	n := 0
	for _, m := range list {
		if m.Initialized {
			n++
		}
	}
	return n, err
}
