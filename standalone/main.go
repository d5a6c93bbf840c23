// Command standalone runs Lockstep in one process with everything embedded: a
// Temporal server with its Web UI, our store on SQLite, the worker, and, unless
// a configuration file says what to sync, a rehearsal organisation of simulated
// systems.
//
//	go run -C standalone .
//	go run -C standalone . -config lockstep.yaml
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

	"lockstep.dev/standalone/instance"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:], os.Stderr)
	if err != nil {
		os.Exit(2)
	}
	if err := run(ctx, o); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "lockstep:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	data, config      string
	yes, verbose      bool
	temporal, ui, dav int
	dashboard         int
	accounts          string
	metrics, traces   string
	out, talk         io.Writer
}

func parse(args []string, talk io.Writer) (options, error) {
	o := options{out: os.Stdout, talk: talk}
	f := flag.NewFlagSet("standalone", flag.ContinueOnError)
	f.SetOutput(talk)
	f.Usage = func() {
		fmt.Fprint(talk, "Keeps a CRM and mailboxes in step, with everything in one process.\n\nUsage: go run -C standalone . [flags]\n\n")
		f.PrintDefaults()
	}
	f.StringVar(&o.config, "config", "", "YAML `file` that says what to sync; without it a rehearsal organisation is synced")
	f.StringVar(&o.data, "data", "", "data `folder`; default: data/ of the repository")
	f.BoolVar(&o.yes, "yes", false, "apply the first sync without waiting for approval")
	f.BoolVar(&o.verbose, "v", false, "say more")
	f.IntVar(&o.temporal, "temporal-port", instance.FromDefault, "`port` of the Temporal frontend; default: the first free one from 7233")
	f.IntVar(&o.ui, "ui-port", instance.FromDefault, "`port` of the Temporal Web UI; default: the first free one from 8233")
	f.IntVar(&o.dav, "dav-port", instance.FromDefault, "`port` of the simulated CalDAV/CardDAV server; default: the first free one from 5232")
	f.IntVar(&o.dashboard, "dashboard-port", instance.FromDefault, "`port` of the dashboard; default: the first free one from 8400")
	f.StringVar(&o.accounts, "accounts", "", "YAML `file` that says who may sign in to the dashboard, besides whoever has the one-time link")
	f.StringVar(&o.metrics, "metrics", "127.0.0.1:0", "`host:port` at which Prometheus is answered, or off; port 0 is any free one")
	f.StringVar(&o.traces, "traces", "", "`address` of an OpenTelemetry collector (OTLP over gRPC), such as http://127.0.0.1:4317; default: no traces")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		fmt.Fprintf(talk, "lockstep: %q is not a flag; see -h\n", f.Arg(0))
		return o, flag.ErrHelp
	}
	return o, o.resolve()
}

// resolve makes the paths absolute: they count from where the command was
// typed, which under go run -C only the environment still knows.
func (o *options) resolve() error {
	var err error
	if o.data == "" {
		o.data, err = instance.DefaultDir()
	} else {
		o.data, err = instance.Typed(o.data)
	}
	if err == nil && o.config != "" {
		o.config, err = instance.Typed(o.config)
	}
	if err == nil && o.accounts != "" {
		o.accounts, err = instance.Typed(o.accounts)
	}
	if err != nil {
		fmt.Fprintln(o.talk, "lockstep:", err)
	}
	return err
}

func (o options) logger() *slog.Logger {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(o.talk, &slog.HandlerOptions{Level: level}))
}
