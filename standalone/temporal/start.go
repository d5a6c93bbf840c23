package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	temporalserver "go.temporal.io/server/temporal"
	driver "modernc.org/sqlite"
)

const (
	startTries  = 10
	readyWithin = 30 * time.Second
	readyPause  = 10 * time.Millisecond
)

// startOnFile starts the server on the file that is there, or on a new one if
// that one turns out to be of no use.
func startOnFile(ctx context.Context, cfg Config) (*Server, error) {
	f, err := openFile(ctx, cfg.File, serverVersion())
	if err != nil {
		return nil, err
	}
	s, err := startServer(ctx, cfg, f)
	var broken *unfitError
	if !errors.As(err, &broken) {
		return s, err
	}
	if err := f.replace(serverVersion(), broken.Error()); err != nil {
		return nil, err
	}
	return startServer(ctx, cfg, f)
}

// startServer starts the server on the file as it is.
func startServer(ctx context.Context, cfg Config, f *file) (*Server, error) {
	err := f.prepareNamespace(ctx, cfg)
	if err != nil && damaged(err) {
		return nil, unfit("it is damaged: %v", err)
	}
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		s, err := tryServer(ctx, cfg, f)
		// Between our finding a free port and the server's opening it,
		// somebody else can.
		if !errors.Is(err, errPortLost) || try == startTries {
			return s, err
		}
	}
}

// tryServer starts the server on one choice of ports.
func tryServer(ctx context.Context, cfg Config, f *file) (*Server, error) {
	p, err := findPorts(cfg.FrontendPort)
	if err != nil {
		return nil, err
	}
	log := newLogger(cfg.Logger)
	server, err := launch(ctx, serverOptions(f.sql, p, log), log)
	if err != nil {
		return nil, blameFile(err)
	}
	s := &Server{
		Address: p.frontendAddress(), Namespace: cfg.Namespace,
		Fresh: !f.record.Seeded, Reason: f.reason,
		file: f, log: log, server: server,
	}
	if err := s.awaitReady(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// launch builds and starts the server. That cannot be interrupted: if ctx ends
// or the server gives up first, what comes up is stopped again behind our back.
func launch(ctx context.Context, options []temporalserver.ServerOption, log *logger) (temporalserver.Server, error) {
	type outcome struct {
		server temporalserver.Server
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		server, err := build(options)
		done <- outcome{server, err}
	}()
	var err error
	select {
	case o := <-done:
		return o.server, o.err
	case err = <-log.state.fatal:
	case <-ctx.Done():
		err = ctx.Err()
	}
	go func() {
		if o := <-done; o.err == nil {
			_ = o.server.Stop()
		}
	}()
	return nil, fmt.Errorf("start temporal server: %w", err)
}

// build is launch without its context. It turns logger.Fatal into an error.
func build(options []temporalserver.ServerOption) (server temporalserver.Server, err error) {
	defer func() {
		thrown := recover()
		if fatal, ok := thrown.(*fatalError); ok {
			err = fmt.Errorf("start temporal server: %w", fatal.err)
		} else if thrown != nil {
			panic(thrown)
		}
	}()
	server, err = temporalserver.NewServer(options...)
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		return nil, &launchError{err}
	}
	return server, nil
}

// launchError is what the server itself says when it does not start.
type launchError struct{ err error }

func (e *launchError) Error() string { return "start temporal server: " + e.err.Error() }
func (e *launchError) Unwrap() error { return e.err }

// blameFile takes a server that does not start for a sign that its file is of
// no use, unless it names another cause: the disk, or a machine that is busy.
func blameFile(err error) error {
	var refused *launchError
	if !errors.As(err, &refused) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var sqlite *driver.Error
	if errors.As(err, &sqlite) && !damaged(err) {
		return err
	}
	return unfit("the server does not start on it: %v", refused.err)
}

// awaitReady waits until the namespace and its search attributes are known and
// the service that keeps workflows answers from the file.
func (s *Server) awaitReady(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	c, err := client.NewLazyClient(client.Options{
		HostPort: s.Address, Namespace: s.Namespace, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return fmt.Errorf("connect to temporal server: %w", err)
	}
	defer c.Close()
	for {
		err := s.ready(ctx, c, cfg)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(readyPause):
		case fatal := <-s.Failed():
			return fmt.Errorf("start temporal server: %w", fatal)
		case <-ctx.Done():
			return fmt.Errorf("wait for temporal server: %w: %w", ctx.Err(), err)
		}
	}
}

func (s *Server) ready(ctx context.Context, c client.Client, cfg Config) error {
	_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: s.Namespace})
	if err != nil {
		return err
	}
	known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: s.Namespace})
	if err != nil {
		return err
	}
	for name, wanted := range cfg.SearchAttributes {
		if known.CustomAttributes[name] != wanted {
			return fmt.Errorf("search attribute %s is not known yet", name)
		}
	}
	// Nobody has this workflow, and only the keeper of workflows can say so.
	_, err = c.DescribeWorkflowExecution(ctx, "lockstep-is-temporal-ready", "")
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return nil
	}
	return err
}
