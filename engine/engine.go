// Package engine is the composition root: the only package that wires
// implementations together. The worker and the standalone program are a few
// lines over Run.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep.dev/activities"
	"lockstep.dev/metrics"
	"lockstep.dev/model"
	"lockstep.dev/store"
	"lockstep.dev/workflows"
)

// Config is what Run needs.
type Config struct {
	Store  store.Store
	Client client.Client
	Log    *slog.Logger
	// Folder is what relative paths in connection settings count from.
	Folder string
	// Lease is how long a mailbox's lease lasts unless renewed; default 30 s.
	Lease time.Duration
	// Sole: this process is the store's only worker, so leases that are held at
	// its start were left by a dead one and are dropped.
	Sole bool
	// Activities is how many activities run at once; default 32.
	Activities int
	// Delivery is how alerts are delivered; nil = as the store says.
	Delivery *model.Delivery
	// Metrics measures what goes on; nil measures nothing.
	Metrics *metrics.Metrics
}

// Engine is a running worker.
type Engine struct {
	cfg     Config
	worker  worker.Worker
	waker   *waker
	systems *systems

	// What goes on beside the worker: push channels, the daily sweep,
	// and telling people of alerts.
	beside sync.WaitGroup
	end    context.CancelFunc
}

// Start registers workflows and activities, starts polling, and starts the
// workflow of every mailbox and CRM connection in the store: Temporal's own
// data is disposable, ours is the truth.
func Start(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Lease <= 0 {
		cfg.Lease = 30 * time.Second
	}
	if cfg.Activities <= 0 {
		cfg.Activities = 32
	}
	e := &Engine{cfg: cfg, waker: &waker{client: cfg.Client}, systems: newSystems(cfg.Folder, cfg.Metrics)}
	e.worker = worker.New(cfg.Client, workflows.TaskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize:     cfg.Activities,
		MaxConcurrentWorkflowTaskExecutionSize: 64,
		WorkerStopTimeout:                      10 * time.Second,
		MaxHeartbeatThrottleInterval:           5 * time.Second,
		Interceptors:                           e.interceptors(),
	})
	if cfg.Sole {
		if err := cfg.Store.DropLeases(ctx); err != nil {
			return nil, err
		}
	}
	Register(e.worker, e.Activities())
	if err := e.worker.Start(); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	ctx, e.end = context.WithCancel(ctx)
	if err := e.wakeAll(ctx); err != nil {
		e.Stop()
		return nil, err
	}
	e.beside.Go(func() { e.upkeep(ctx) })
	e.beside.Go(func() { e.tell(ctx) })
	return e, nil
}

// Registry is the part of a worker that workflows and activities are
// registered with; tests have their own.
type Registry interface {
	RegisterWorkflowWithOptions(w any, o workflow.RegisterOptions)
	RegisterActivity(a any)
}

// Register registers everything a worker runs.
func Register(r Registry, a *activities.Activities) {
	r.RegisterWorkflowWithOptions(workflows.Mailbox, workflow.RegisterOptions{Name: "Mailbox"})
	r.RegisterWorkflowWithOptions(workflows.Connection, workflow.RegisterOptions{Name: "Connection"})
	r.RegisterActivity(a)
}

// Activities returns the activities as this engine runs them.
func (e *Engine) Activities() *activities.Activities {
	return &activities.Activities{
		Store: e.cfg.Store, Systems: e.systems, Waker: e.waker, Log: e.cfg.Log,
		Now: time.Now, LeaseFor: e.cfg.Lease,
	}
}

// interceptors stand around every activity; the first is the outermost.
func (e *Engine) interceptors() []interceptor.WorkerInterceptor {
	out := []interceptor.WorkerInterceptor{&activities.Interceptor{Store: e.cfg.Store, Waker: e.waker}}
	if e.cfg.Metrics != nil {
		out = append(out, &metrics.Interceptor{Metrics: e.cfg.Metrics, Name: e.mailServer})
	}
	return out
}

// mailServer names the connection of a mailbox, "" where it is gone.
func (e *Engine) mailServer(ctx context.Context, id model.MailboxID) string {
	m, err := e.cfg.Store.Mailbox(ctx, id)
	if err != nil {
		return ""
	}
	c, err := e.cfg.Store.Connection(ctx, m.Mail)
	if err != nil {
		return ""
	}
	return c.Name
}

// Stop lets running activities come to a safe end and stops polling. Nothing of
// the engine runs any more when it returns.
func (e *Engine) Stop() {
	e.end()
	e.worker.Stop()
	e.beside.Wait()
}
