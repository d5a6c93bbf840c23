package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"

	"lockstep.dev/dashboard"
	"lockstep.dev/engine"
	"lockstep.dev/setup"
	"lockstep.dev/standalone/instance"
	"lockstep.dev/standalone/temporal"
)

// usualDashboard is the dashboard's port unless somebody names another.
const usualDashboard = 8400

// headerWithin is how long a browser may take to say what it wants.
const headerWithin = 10 * time.Second

// openDashboard serves the dashboard on the loopback address and makes the link
// that lets its owner in.
func (h *house) openDashboard(c client.Client, server *temporal.Server, log *slog.Logger) (*http.Server, error) {
	accounts := dashboard.Accounts{dashboard.Owner()}
	if h.accounts != "" {
		more, err := dashboard.ReadAccounts(h.accounts)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, more...)
	}
	key, err := setup.ReadKey(filepath.Join(h.data, "key"))
	if err != nil {
		return nil, err
	}
	page, err := dashboard.New(dashboard.Config{
		Store: h.store, Schema: h.store, Engine: engine.NewReach(c), Systems: systems(), Log: log, Key: key, Accounts: accounts,
		Temporal: server.WebURL, Namespace: server.Namespace,
	})
	if err != nil {
		return nil, err
	}
	l, err := instance.Listen("dashboard", h.dashboard, usualDashboard)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("http://%s/", l.Addr())
	h.addresses["dashboard"], h.link = address, page.Link(address, dashboard.Owner().Name)
	s := &http.Server{Handler: page, ReadHeaderTimeout: headerWithin, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() { _ = s.Serve(l) }() // ends with Close
	return s, nil
}
