package sqlstore_test

import (
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/internal/peer"
	"lockstep.dev/store"
	"lockstep.dev/store/sqlstore"
	"lockstep.dev/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openSQLite(t) })
}

func TestPostgreSQL(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openPostgres(t) })
}

func key() []byte { return []byte(strings.Repeat("k", 32)) }

func openSQLite(t testing.TB) *sqlstore.DB {
	t.Helper()
	return openStore(t, sqlstore.Config{Driver: "sqlite", DSN: filepath.Join(t.TempDir(), "store.db"), Key: key()})
}

func openPostgres(t testing.TB) *sqlstore.DB {
	t.Helper()
	return openStore(t, sqlstore.Config{Driver: "postgres", DSN: peer.PostgreSQL(t).DSN, Key: key()})
}

func openStore(t testing.TB, c sqlstore.Config) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}
