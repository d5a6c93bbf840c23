// Package temporal runs a Temporal server with its Web UI inside this process,
// on one SQLite file and on loopback addresses only.
//
// The file is disposable. It is not carried over to another version of the
// server, and a damaged one is not repaired: it is moved aside and a new one
// is started, which Server.Fresh tells. Whoever uses the server must be able
// to put everything into a new file from a store of his own.
package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	temporalserver "go.temporal.io/server/temporal"

	"lockstep.dev/standalone/instance"
)

const (
	usualFrontendPort = 7233
	usualUIPort       = 8233

	defaultNamespace = "default"
	defaultRetention = 24 * time.Hour

	stopWithin = 30 * time.Second
	uiWithin   = 200 * time.Millisecond
)

// Config says how to run the server. Only File is required.
type Config struct {
	// File is the SQLite file. Its folder is created if need be.
	File string
	// Namespace is "default" unless given.
	Namespace string
	// Retention is how long the history of a closed workflow stays: at least
	// an hour, 24 hours unless given.
	Retention time.Duration
	// FrontendPort and UIPort: a port that must be free, or
	// instance.FromDefault for the first free one from 7233 and 8233 on, or
	// instance.AnyPort.
	FrontendPort, UIPort int
	// SearchAttributes that workflows of the namespace may set, by name. The
	// server has three columns for each type, ten for keywords.
	SearchAttributes map[string]enums.IndexedValueType
	// Logger gets the server's warnings and errors at those levels, and what
	// the server calls information at debug. Without one, warnings and errors
	// go to standard error.
	Logger *slog.Logger
}

// Server is a running Temporal server with its Web UI.
type Server struct {
	// Address of the frontend, host:port, for clients and workers.
	Address string
	// WebURL is where a browser finds the Web UI.
	WebURL string
	// Namespace that is ready for use.
	Namespace string
	// Fresh says that the file has not been given yet what must be in it:
	// start every workflow that should be running, then call Seeded. A fresh
	// file stays fresh over restarts until then.
	Fresh bool
	// Reason tells why the former file was moved aside, empty if it was not.
	Reason string

	file   *file
	log    *logger
	server temporalserver.Server
	ui     *webUI
	once   sync.Once
	err    error // of the first Stop
}

// Start runs the server and returns when the namespace answers and all search
// attributes can be used. ctx bounds the start only. A port that cannot be had
// is an *instance.PortTaken.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	uiListener, err := instance.Listen("Temporal Web UI", cfg.UIPort, usualUIPort)
	if err != nil {
		return nil, err
	}
	s, err := startOnFile(ctx, cfg)
	if err == nil {
		err = s.serveUI(uiListener)
	}
	if err != nil {
		return nil, errors.Join(err, uiListener.Close())
	}
	return s, nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Namespace == "" {
		cfg.Namespace = defaultNamespace
	}
	if cfg.Retention == 0 {
		cfg.Retention = defaultRetention
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return cfg
}

// Seeded notes that the file holds all that must be in it: it is not Fresh any
// more from the next start on.
func (s *Server) Seeded() error { return s.file.seeded() }

// Failed gets an error if the server gives up while it runs. Nothing but
// ending the process and starting it again helps then.
func (s *Server) Failed() <-chan error { return s.log.state.fatal }

// Stop ends the Web UI and the server and leaves the file complete. Workers and
// clients should have been stopped before. It may be called more than once.
func (s *Server) Stop() error {
	s.once.Do(func() { s.err = s.stop() })
	return s.err
}

func (s *Server) stop() error {
	var errs []error
	if s.ui != nil {
		ctx, cancel := context.WithTimeout(context.Background(), uiWithin)
		defer cancel()
		errs = append(errs, s.ui.stop(ctx))
	}
	s.log.state.quiet.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- s.server.Stop() }()
	select {
	case err := <-stopped:
		errs = append(errs, err, s.file.fold(ctx))
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("the server did not end within %s; its file is safe all the same", stopWithin))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop temporal: %w", err)
	}
	return nil
}

func (s *Server) serveUI(l net.Listener) error {
	ui, err := startUI(l, s.Address, s.Namespace)
	if err != nil {
		return errors.Join(err, s.Stop())
	}
	s.ui = ui
	s.WebURL = "http://" + l.Addr().String()
	return nil
}
