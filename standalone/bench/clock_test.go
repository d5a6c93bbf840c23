package bench

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// visit is one activity as it ran in this process.
type visit struct {
	Name       string
	Begun      time.Time
	Ended      time.Time
	In, Out    any   // its argument and its result
	Err        error // what it ended with
	Workflow   string
	Successive int // number in order
}

// clock notes every activity. Given to the client, it serves the engine's
// worker, too, so that the engine needs no hook.
type clock struct {
	interceptor.InterceptorBase
	begin, end func(v visit) // called at both ends; may be nil

	mu     sync.Mutex
	visits []visit
	news   chan struct{} // closed and replaced at the end of each activity
}

func newClock() *clock { return &clock{news: make(chan struct{})} }

// InterceptActivity implements interceptor.WorkerInterceptor.
func (c *clock) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &timed{clock: c}
	in.Next = next
	return in
}

type timed struct {
	interceptor.ActivityInboundInterceptorBase
	clock *clock
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (t *timed) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	v := visit{Name: info.ActivityType.Name, Begun: time.Now(), Workflow: info.WorkflowExecution.ID}
	if len(in.Args) > 0 {
		v.In = in.Args[0]
	}
	if t.clock.begin != nil {
		t.clock.begin(v)
	}
	out, err := t.Next.ExecuteActivity(ctx, in)
	v.Ended, v.Out, v.Err = time.Now(), out, err
	if t.clock.end != nil {
		t.clock.end(v)
		return out, err
	}
	t.clock.note(v)
	return out, err
}

func (c *clock) note(v visit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v.Successive = len(c.visits)
	c.visits = append(c.visits, v)
	close(c.news)
	c.news = make(chan struct{})
}

// since returns the activities that began after a moment, in the order of their
// ends.
func (c *clock) since(t time.Time) ([]visit, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.visits, func(v visit) bool { return !v.Begun.Before(t) })
	if i < 0 {
		return nil, c.news
	}
	return slices.Clone(c.visits[i:]), c.news
}
