// Command worker runs Lockstep's workflows and activities against a Temporal
// server and a database of one's own. It is configured by environment
// variables; README.md lists them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/kelseyhightower/envconfig"
	"go.temporal.io/sdk/client"

	"lockstep.dev/engine"
	"lockstep.dev/metrics"
	"lockstep.dev/schema"
	"lockstep.dev/setup"
	"lockstep.dev/store/sqlstore"
	"lockstep.dev/workflows"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, out, talk io.Writer) int {
	f := flag.NewFlagSet("worker", flag.ContinueOnError)
	f.SetOutput(talk)
	show := f.Bool("print-config", false, "print the configuration, secrets masked, and stop")
	check := f.Bool("check", false, "check the configuration, the database and Temporal, and stop")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if f.NArg() > 0 {
		fmt.Fprintf(talk, "worker: %q is not a flag; see -h\n", f.Arg(0))
		return 2
	}
	if err := start(ctx, *show, *check, out, talk); err != nil {
		fmt.Fprintln(talk, "worker:", err)
		return 1
	}
	return 0
}

func start(ctx context.Context, show, check bool, out, talk io.Writer) error {
	cfg, place, err := load()
	if show {
		text, failed := cfg.printed()
		fmt.Fprint(out, text)
		return errors.Join(err, failed)
	}
	if err != nil {
		return err
	}
	log := cfg.logger(talk)
	if err := envconfig.CheckDisallowed(setup.Prefix, &cfg); err != nil {
		log.WarnContext(ctx, "a variable that looks like one of ours has no meaning; is it misspelled?", "error", err)
	}
	st, err := openStore(ctx, place, cfg.Migrate && !check)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	traces, err := metrics.StartTraces(ctx, cfg.Traces)
	if err != nil {
		return err
	}
	defer traces.Stop(context.WithoutCancel(ctx))
	m := metrics.New(st, traces, log)
	c, err := place.Temporal.Dial(ctx, log, func(o *client.Options) { o.MetricsHandler = m.Temporal() })
	if err != nil {
		return err
	}
	defer c.Close()
	if check {
		fmt.Fprintln(out, "The configuration, the database and Temporal are all right.")
		return nil
	}
	return serve(ctx, cfg, place, st, c, m, log)
}

// serve works until ctx ends, then lets what runs come to a safe end.
func serve(ctx context.Context, cfg config, place setup.Place, st *sqlstore.DB, c client.Client, m *metrics.Metrics, log *slog.Logger) error {
	if err := addAttributes(ctx, c.OperatorService(), place.Temporal.Namespace, workflows.SearchAttributes()); err != nil {
		return err
	}
	e, err := engine.Start(ctx, engine.Config{
		Store: st, Client: c, Log: log, Folder: cfg.Folder, Lease: cfg.Lease, Activities: cfg.Activities, Delivery: place.Delivery, Metrics: m,
	})
	if err != nil {
		return err
	}
	server, err := answer(ctx, cfg, m, log)
	if err != nil {
		e.Stop()
		return err
	}
	defer server.Stop(ctx)
	page, err := openDashboard(ctx, cfg, place, st, c, log)
	if err != nil {
		e.Stop()
		return err
	}
	log.InfoContext(ctx, "working", "temporal", place.Temporal.Host, "namespace", place.Temporal.Namespace)
	<-ctx.Done()
	log.InfoContext(context.WithoutCancel(ctx), "stopping")
	if page != nil {
		_ = page.Close()
	}
	e.Stop()
	return nil
}

// answer lets Prometheus ask. Where the address is taken, by another worker on
// this machine mostly, the work goes on without.
func answer(ctx context.Context, cfg config, m *metrics.Metrics, log *slog.Logger) (*metrics.Server, error) {
	if cfg.Metrics == "off" {
		return nil, nil
	}
	s, err := m.Serve(ctx, cfg.Metrics, log)
	if errors.Is(err, syscall.EADDRINUSE) {
		log.ErrorContext(ctx, "Prometheus is not answered; give each worker of a machine a port of its own with LOCKSTEP_METRICS", "error", err)
		return nil, nil
	}
	if err == nil {
		log.InfoContext(ctx, "answering Prometheus", "metrics", "http://"+s.Address+"/metrics")
	}
	return s, err
}

// openStore opens the database, whose schema must be this program's.
func openStore(ctx context.Context, place setup.Place, migrate bool) (*sqlstore.DB, error) {
	st, err := sqlstore.Open(ctx, sqlstore.Config{Driver: place.Driver, DSN: place.DSN, Key: place.Key, OldKeys: place.OldKeys})
	if err != nil {
		return nil, err
	}
	if migrate {
		err = st.Migrate(ctx)
	} else {
		var list []schema.Migration
		if list, err = st.Schema(ctx); err == nil {
			err = current(list)
		}
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// current refuses a schema that lacks migrations.
func current(list []schema.Migration) error {
	for _, m := range list {
		if m.Applied.IsZero() {
			return fmt.Errorf("the database schema is too old: migration %s is missing. Run: lockstep schema migrate (or start the worker with %s_MIGRATE=true)", m.Name, setup.Prefix)
		}
	}
	return nil
}
