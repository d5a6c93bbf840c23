package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"lockstep.dev/connector/all"
	"lockstep.dev/engine"
	"lockstep.dev/metrics"
	"lockstep.dev/setup"
	"lockstep.dev/standalone/instance"
	"lockstep.dev/standalone/rehearsal"
	"lockstep.dev/standalone/temporal"
	"lockstep.dev/store/sqlstore"
	"lockstep.dev/workflows"
)

// run starts every part, each only if what it needs is there, and waits.
func run(ctx context.Context, o options) (err error) {
	var file setup.File
	if o.config != "" {
		if file, err = setup.Read(o.config, systems()); err != nil {
			return err
		}
	}
	in, err := instance.Claim(o.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Release()) }()
	st, err := openStore(ctx, o.data)
	if err != nil {
		return err
	}
	defer st.Close()
	fmt.Fprintf(o.talk, "Lockstep is starting; its data lies in %s\n", o.data)
	h := house{options: o, store: st, addresses: map[string]string{
		"store": filepath.Join(o.data, "lockstep.db"), "key": filepath.Join(o.data, "key"),
	}}
	if err := h.organisation(ctx, file); err != nil {
		return err
	}
	defer h.close()
	return h.serve(ctx, in)
}

// house is the running program.
type house struct {
	options
	store     *sqlstore.DB
	rehearsal *rehearsal.Rehearsal
	report    setup.Report
	addresses map[string]string
	link      string // signs somebody in to the dashboard, once
}

// organisation brings the store to what is to be synced: the file's systems or
// the rehearsal's.
func (h *house) organisation(ctx context.Context, file setup.File) error {
	var err error
	if h.config == "" {
		if h.rehearsal, err = rehearsal.Start(ctx, filepath.Join(h.data, "rehearsal"), h.dav); err != nil {
			return err
		}
		h.addresses["dav"] = h.rehearsal.URL
		h.addresses["crm"] = h.rehearsal.CRM
		file = h.rehearsal.File()
	}
	if h.report, err = setup.Apply(ctx, h.store, file, systems().Try); setup.OnlyConflicts(err) {
		fmt.Fprintf(h.talk, "%s\nEverybody else is synced. See: lockstep mailbox list --state crm-id-conflict\n", err)
		err = nil
	}
	if err == nil {
		_, err = setup.ApplyDelivery(ctx, h.store, file, setup.RealDelivery)
	}
	if err != nil {
		h.close()
	}
	return err
}

func (h *house) close() {
	if h.rehearsal != nil {
		h.rehearsal.Close()
	}
}

// serve runs the Temporal server and the worker until ctx ends.
func (h *house) serve(ctx context.Context, in *instance.Instance) (err error) {
	log := h.logger()
	server, err := temporal.Start(ctx, temporal.Config{
		File: filepath.Join(h.data, "temporal.db"), FrontendPort: h.temporal, UIPort: h.ui,
		SearchAttributes: workflows.SearchAttributes(), Logger: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if server.Reason != "" {
		fmt.Fprintf(h.talk, "Temporal's file was replaced (%s); every mailbox is started again from our store.\n", server.Reason)
	}
	traces, err := metrics.StartTraces(ctx, h.traces)
	if err != nil {
		return err
	}
	defer traces.Stop(context.WithoutCancel(ctx))
	m := metrics.New(h.store, traces, log)
	c, err := client.Dial(client.Options{
		HostPort: server.Address, Namespace: server.Namespace, Logger: sdklog.NewStructuredLogger(log), MetricsHandler: m.Temporal(),
	})
	if err != nil {
		return fmt.Errorf("connect to the embedded temporal server: %w", err)
	}
	defer c.Close()
	e, err := engine.Start(ctx, engine.Config{Store: h.store, Client: c, Log: log, Folder: h.data, Sole: true, Metrics: m})
	if err != nil {
		return err
	}
	defer e.Stop()
	if err := server.Seeded(); err != nil {
		return err
	}
	page, err := h.openDashboard(c, server, log)
	if err != nil {
		return err
	}
	defer page.Close()
	answers, err := h.answer(ctx, m, log)
	if err != nil {
		return err
	}
	defer answers.Stop(ctx)
	h.addresses["temporal"], h.addresses["namespace"], h.addresses["web"] = server.Address, server.Namespace, server.WebURL
	if err := in.Publish(h.addresses); err != nil {
		return err
	}
	h.greet()
	select {
	case err := <-server.Failed():
		return err
	case err := <-start(ctx, &progress{out: h.out, store: h.store, waker: engine.NewWaker(c), yes: h.yes}):
		return err
	}
}

// answer lets Prometheus ask, unless nobody wants it to.
func (h *house) answer(ctx context.Context, m *metrics.Metrics, log *slog.Logger) (*metrics.Server, error) {
	if h.metrics == "off" {
		return nil, nil
	}
	s, err := m.Serve(ctx, h.metrics, log)
	if err == nil {
		h.addresses["metrics"] = "http://" + s.Address + "/metrics"
	}
	return s, err
}

// greet tells where everything is.
func (h *house) greet() {
	fmt.Fprintf(h.out, "\n  Dashboard         %s\n", h.link)
	fmt.Fprintf(h.out, "                    (this link signs you in once; later visits: %s)\n", h.addresses["dashboard"])
	fmt.Fprintf(h.out, "  Temporal Web UI   %s\n", h.addresses["web"])
	if at := h.addresses["metrics"]; at != "" {
		fmt.Fprintf(h.out, "  Metrics           %s\n", at)
	}
	if h.rehearsal != nil {
		h.rehearsal.Greet(h.out)
	}
	fmt.Fprintf(h.out, "  Command line      go run ./starter -data %s mailbox list\n\n", h.data)
	for _, e := range h.report.Renamed {
		fmt.Fprintf(h.talk, "%s %s: %s\n", e.What, e.Name, strings.Join(e.Changes, "; "))
	}
	for _, e := range h.report.Left {
		fmt.Fprintf(h.talk, "Left alone, because the file no longer names it: %s %s\n", e.What, e.Name)
	}
}

// systems are the connectors that exist.
func systems() setup.Systems {
	return setup.Systems{Names: all.Names(), New: all.New, Paths: all.Paths}
}
