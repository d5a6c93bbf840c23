package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"

	"lockstep.dev/connector"
	"lockstep.dev/connector/all"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/engine"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/standalone/instance"
	"lockstep.dev/standalone/temporal"
	"lockstep.dev/store/sqlstore"
	"lockstep.dev/workflows"
)

// house is Lockstep as the standalone program wires it: a Temporal server, our
// store and the CRM on SQLite, the worker.
type house struct {
	dir    string
	policy model.Policy
	mail   model.Connection
	crm    *sqlx.DB
	store  *sqlstore.DB
	server *temporal.Server
	client client.Client
	waker  engine.Waker
	engine *engine.Engine
	clock  *clock
}

// build makes everything but the engine and the mailboxes.
func (h *house) build(ctx context.Context) error {
	for _, step := range []func(context.Context) error{h.openCRM, h.openStore, h.openServer} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) crmSettings() connector.Settings {
	return connector.Settings{Values: map[string]string{"dsn": filepath.Join(h.dir, "crm.db")}}
}

func (h *house) openCRM(ctx context.Context) error {
	if err := sqlcrm.Install(ctx, h.crmSettings()); err != nil {
		return err
	}
	var err error
	h.crm, err = sqlcrm.Connect(h.crmSettings())
	return err
}

func (h *house) openStore(ctx context.Context) error {
	var err error
	h.store, err = sqlstore.Open(ctx, sqlstore.Config{
		Driver: "sqlite", DSN: filepath.Join(h.dir, "lockstep.db"), Key: []byte("0123456789abcdef0123456789abcdef"),
	})
	if err != nil {
		return err
	}
	return h.store.Migrate(ctx)
}

func (h *house) openServer(ctx context.Context) error {
	quiet := slog.New(slog.DiscardHandler)
	var err error
	h.server, err = temporal.Start(ctx, temporal.Config{
		File: filepath.Join(h.dir, "temporal.db"), FrontendPort: instance.AnyPort, UIPort: instance.AnyPort,
		SearchAttributes: workflows.SearchAttributes(), Logger: quiet,
	})
	if err != nil {
		return err
	}
	h.client, err = client.Dial(client.Options{
		HostPort: h.server.Address, Namespace: h.server.Namespace, Logger: sdklog.NewStructuredLogger(quiet),
		Interceptors: []interceptor.ClientInterceptor{h.clock},
	})
	if err != nil {
		return err
	}
	h.waker = engine.NewWaker(h.client)
	return nil
}

// file brings the store to what is synced. The systems are known to work, so
// nobody is asked.
func (h *house) file(ctx context.Context, mailboxes []setup.Mailbox) error {
	f := setup.File{
		Connections: []model.Connection{
			{Name: "crm", Side: model.CRM, Connector: "sqlcrm", Settings: h.crmSettings().Values, Every: 10 * time.Second},
			h.mail,
		},
		Policies:  []model.Policy{h.policy},
		Mailboxes: mailboxes,
	}
	_, err := setup.Apply(ctx, h.store, f, func(context.Context, model.Connection, model.Account) (setup.Answer, error) {
		return setup.Answer{}, nil
	})
	return err
}

func (h *house) start(ctx context.Context) error {
	var err error
	h.engine, err = engine.Start(ctx, engine.Config{Store: h.store, Client: h.client, Log: slog.New(slog.DiscardHandler), Sole: true})
	return err
}

func (h *house) close() {
	if h.engine != nil {
		h.engine.Stop()
	}
	if h.client != nil {
		h.client.Close()
	}
	if h.server != nil {
		_ = h.server.Stop()
	}
	if h.store != nil {
		h.store.Close()
	}
	if h.crm != nil {
		h.crm.Close()
	}
}

// davCapabilities are those of contacts on a CardDAV server: the bare client
// reads in the same batches and at the same concurrency.
func davCapabilities() (connector.KindCapabilities, error) {
	c, err := all.New("dav", connector.Settings{Values: map[string]string{"url": "http://127.0.0.1/"}})
	if err != nil {
		return connector.KindCapabilities{}, err
	}
	k, ok := c.Capabilities().Kinds[model.Contact]
	if !ok {
		return k, errors.New("the dav connector knows no contacts")
	}
	return k, nil
}

// inOneGo carries out a statement for many rows in one transaction.
func (h *house) inOneGo(ctx context.Context, statement string, n int, row func(i int) []any) error {
	tx, err := h.crm.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	s, err := tx.PreparexContext(ctx, statement)
	if err != nil {
		return err
	}
	defer s.Close()
	for i := range n {
		if _, err := s.ExecContext(ctx, row(i)...); err != nil {
			return fmt.Errorf("fill the CRM, row %d: %w", i, err)
		}
	}
	return tx.Commit()
}
