package sqlcrm_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"lockstep.dev/connector"
	"lockstep.dev/connector/connectortest"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/fault"
	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
)

// place is a database with a connector's settings and a connection of somebody
// else's to it.
type place struct {
	settings connector.Settings
	db       *sqlx.DB
	postgres bool
}

// onSQLite is a new file.
func onSQLite(t testing.TB) place {
	t.Helper()
	folder := t.TempDir()
	db := open(t, "sqlite", "file:"+filepath.Join(folder, "crm.db")+"?_pragma=busy_timeout(10000)")
	p := place{settings: connector.Settings{Values: map[string]string{"dsn": "crm.db"}, Folder: folder}, db: db}
	p.exec(t, "PRAGMA journal_mode = wal")
	return p
}

// onPostgres is a new database.
func onPostgres(t testing.TB) place {
	t.Helper()
	p := peer.PostgreSQL(t)
	return place{settings: connector.Settings{Values: map[string]string{"dsn": p.DSN}, Folder: t.TempDir()}, db: open(t, "postgres", p.DSN), postgres: true}
}

func open(t testing.TB, driver, dsn string) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// apart is a schema of its own in the same PostgreSQL database, which is made
// much faster than a database.
func (p place) apart(t testing.TB) place {
	t.Helper()
	name := "s" + strings.ReplaceAll(uuid.NewString(), "-", "")
	p.exec(t, "CREATE SCHEMA "+name)
	p.settings.Values = map[string]string{"dsn": p.settings.Values["dsn"], "schema": name}
	p.db = open(t, "postgres", p.settings.Values["dsn"]+"&search_path="+name)
	return p
}

// reference installs our own schema.
func (p place) reference(t testing.TB) place {
	t.Helper()
	if err := sqlcrm.Install(t.Context(), p.settings); err != nil {
		t.Fatalf("install: %v", err)
	}
	return p
}

func (p place) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := p.db.Exec(p.db.Rebind(query), args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (p place) text(t testing.TB, query string, args ...any) string {
	t.Helper()
	var out string
	if err := p.db.Get(&out, p.db.Rebind(query), args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

func (p place) connector(t testing.TB) connector.Connector {
	t.Helper()
	c, err := sqlcrm.New(p.settings)
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	return c
}

func (p place) session(t testing.TB) connector.Session {
	t.Helper()
	s, err := p.connector(t).Open(t.Context(), model.Account{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// settle waits until no transaction is under way, so that the feed tells all.
func (p place) settle(t testing.TB) {
	t.Helper()
	for p.postgres && p.text(t, "SELECT CAST(pg_snapshot_xmin(s) = pg_snapshot_xmax(s) AS text) FROM pg_current_snapshot() s") != "true" {
		if t.Context().Err() != nil {
			t.Fatal("a transaction is under way for ever")
		}
	}
}

// home is where a kind's items are, for changes behind the connector's back.
type home struct {
	table, id string
	columns   map[string]string // canonical field -> column
	remove    string            // a statement with one ?, instead of DELETE
	more      map[string]string // further columns of a new row
	touch     string            // what an UPDATE sets besides
	newID     func() string     // instead of a UUID
}

func referenceHomes() map[model.Kind]home {
	return map[model.Kind]home{
		model.Contact: {table: "contact", id: "id", columns: map[string]string{"full_name": "full_name"}},
		model.Event:   {table: "appointment", id: "id", columns: map[string]string{"title": "title", "start": "starts", "end": "ends"}},
		model.Task:    {table: "task", id: "id", columns: map[string]string{"title": "title"}},
	}
}

// fixture is a place as the suite needs it.
func (p place) fixture(t testing.TB, homes map[model.Kind]home) connectortest.Fixture {
	t.Helper()
	lossy := &lossy{Connector: p.connector(t)}
	return connectortest.Fixture{
		Connector: lossy,
		Create: func(t testing.TB, c model.Collection, content model.Content) string {
			return p.insert(t, homes[c.Kind], content)
		},
		Edit: func(t testing.TB, ref model.Ref, changed model.Content) {
			h := homes[ref.Kind]
			for field, v := range changed {
				p.exec(t, "UPDATE "+h.table+" SET "+h.columns[field]+" = ?"+h.touch+" WHERE "+h.id+" = ?", v.Text, ref.ID)
			}
		},
		Delete: func(t testing.TB, ref model.Ref) {
			h := homes[ref.Kind]
			if h.remove != "" {
				p.exec(t, h.remove, ref.ID)
				return
			}
			p.exec(t, "DELETE FROM "+h.table+" WHERE "+h.id+" = ?", ref.ID)
		},
		Settle:     p.settle,
		LoseAnswer: func(testing.TB) { lossy.lose = true },
		Foreign: func(t testing.TB, ref model.Ref) func(testing.TB) bool {
			h := homes[ref.Kind]
			p.exec(t, "ALTER TABLE "+h.table+" ADD COLUMN favourite_colour text")
			p.exec(t, "UPDATE "+h.table+" SET favourite_colour = 'green' WHERE "+h.id+" = ?", ref.ID)
			return func(t testing.TB) bool {
				return p.text(t, "SELECT favourite_colour FROM "+h.table+" WHERE "+h.id+" = ?", ref.ID) == "green"
			}
		},
	}
}

func (p place) insert(t testing.TB, h home, content model.Content) string {
	t.Helper()
	id := uuid.NewString()
	if h.newID != nil {
		id = h.newID()
	}
	columns, marks, args := []string{h.id}, []string{"?"}, []any{id}
	for field, v := range content {
		columns, marks, args = append(columns, h.columns[field]), append(marks, "?"), append(args, v.Text)
	}
	for c, v := range h.more {
		columns, marks, args = append(columns, c), append(marks, "?"), append(args, v)
	}
	p.exec(t, "INSERT INTO "+h.table+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
	return id
}

// lossy is a connector that can lose the answer of one Apply.
type lossy struct {
	connector.Connector
	lose bool
}

func (l *lossy) Open(ctx context.Context, a model.Account) (connector.Session, error) {
	s, err := l.Connector.Open(ctx, a)
	if err != nil {
		return nil, err
	}
	return &lossySession{Session: s, lossy: l}, nil
}

type lossySession struct {
	connector.Session
	lossy *lossy
}

func (s *lossySession) Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error) {
	rs, err := s.Session.Apply(ctx, ops)
	if s.lossy.lose && err == nil {
		s.lossy.lose = false
		return nil, &fault.Fault{Class: fault.Transient, Scope: fault.Server, Side: model.CRM, Source: "test", Code: "test.lost", Message: "The answer was lost."}
	}
	return rs, err
}
