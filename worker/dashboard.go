package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"

	"lockstep.dev/connector/all"
	"lockstep.dev/dashboard"
	"lockstep.dev/engine"
	"lockstep.dev/setup"
	"lockstep.dev/store/sqlstore"
)

// headerWithin is how long a browser may take to say what it wants.
const headerWithin = 10 * time.Second

// openDashboard serves the dashboard where somebody may sign in to it; otherwise
// there is none, and the answer is nil.
func openDashboard(ctx context.Context, cfg config, place setup.Place, st *sqlstore.DB, c client.Client, log *slog.Logger) (*http.Server, error) {
	if cfg.Dashboard.Accounts == "" {
		return nil, nil
	}
	page, err := newDashboard(cfg, place, st, c, log) //nolint:contextcheck // the commands are only described here
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Dashboard.Listen)
	if err != nil {
		return nil, fmt.Errorf("serve the dashboard at %s: %w; see %s_DASHBOARD_LISTEN", cfg.Dashboard.Listen, err, setup.Prefix)
	}
	s := &http.Server{Handler: page, ReadHeaderTimeout: headerWithin, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() { _ = s.Serve(l) }() // ends with Close
	log.InfoContext(ctx, "dashboard", "page", "http://"+l.Addr().String()+"/")
	return s, nil
}

func newDashboard(cfg config, place setup.Place, st *sqlstore.DB, c client.Client, log *slog.Logger) (*dashboard.Dashboard, error) {
	accounts, err := dashboard.ReadAccounts(cfg.Dashboard.Accounts)
	if err != nil {
		return nil, fmt.Errorf("%s_DASHBOARD_ACCOUNTS: %w", setup.Prefix, err)
	}
	return dashboard.New(dashboard.Config{
		Store: st, Schema: st, Engine: engine.NewReach(c), Log: log, Key: place.Key, Accounts: accounts,
		Systems: setup.Systems{Names: all.Names(), New: all.New, Paths: all.Paths},
		URL:     cfg.Dashboard.URL, Temporal: cfg.Dashboard.Temporal, Namespace: place.Temporal.Namespace, Support: cfg.Dashboard.Support,
	})
}
