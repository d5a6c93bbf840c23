package schema_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite" // the other database

	"lockstep.dev/internal/peer"
	"lockstep.dev/schema"
)

func openSQLite(t *testing.T) *sql.DB {
	t.Helper()
	return open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "s.db")+"?_txlock=immediate&_pragma=busy_timeout(10000)")
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// each runs a test on both databases.
func each(t *testing.T, f func(t *testing.T, db *sql.DB, d schema.Dialect)) {
	t.Run("SQLite", func(t *testing.T) { f(t, openSQLite(t), schema.SQLite) })
	t.Run("PostgreSQL", func(t *testing.T) { f(t, open(t, "postgres", peer.PostgreSQL(t).DSN), schema.Postgres) })
}

// Decision 16: two databases, one schema.
func TestBothDialectsHaveTheSameSteps(t *testing.T) {
	p, err := schema.Migrations(schema.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Migrations(schema.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	name := func(m schema.Migration) string { return fmt.Sprintf("%d %s", m.Number, m.Name) }
	if len(p) != len(s) {
		t.Fatalf("%d steps for PostgreSQL, %d for SQLite", len(p), len(s))
	}
	for i := range p {
		if name(p[i]) != name(s[i]) {
			t.Errorf("step %s of PostgreSQL is %s of SQLite", name(p[i]), name(s[i]))
		}
	}
	if _, err := schema.Migrations("oracle"); err == nil {
		t.Error("there are migrations for a dialect nobody wrote")
	}
}

func TestBothDialectsHaveTheSameTablesAndColumns(t *testing.T) {
	lite, pg := openSQLite(t), open(t, "postgres", peer.PostgreSQL(t).DSN)
	migrate(t, lite, schema.SQLite)
	migrate(t, pg, schema.Postgres)
	a := columns(t, lite, `SELECT m.name || '.' || c.name || ' ' || lower(c.type) || CASE WHEN c."notnull" = 1 THEN ' not null' ELSE '' END
		FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`)
	b := columns(t, pg, `SELECT table_name || '.' || column_name || ' ' || CASE data_type WHEN 'bytea' THEN 'blob' ELSE data_type END
		|| CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
		FROM information_schema.columns WHERE table_schema = 'public'`)
	compare(t, "column", a, b)
	a = columns(t, lite, `SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%'`)
	b = columns(t, pg, `SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE '%_key'`)
	compare(t, "index", a, b)
}

func columns(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func compare(t *testing.T, what string, sqlite, postgres []string) {
	t.Helper()
	if len(sqlite) == 0 {
		t.Errorf("no %s was found", what)
	}
	for _, s := range sqlite {
		if !slices.Contains(postgres, s) {
			t.Errorf("%s %s is only in SQLite", what, s)
		}
	}
	for _, s := range postgres {
		if !slices.Contains(sqlite, s) {
			t.Errorf("%s %s is only in PostgreSQL", what, s)
		}
	}
}

func migrate(t *testing.T, db *sql.DB, d schema.Dialect) {
	t.Helper()
	if err := schema.Migrate(t.Context(), db, d); err != nil {
		t.Fatal(err)
	}
}

func TestMigratingTwiceChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, db *sql.DB, d schema.Dialect) {
		before, err := schema.Status(t.Context(), db, d)
		if err != nil {
			t.Fatal(err)
		}
		if !before[0].Applied.IsZero() {
			t.Error("a step was applied before migrating")
		}
		migrate(t, db, d)
		first, err := schema.Status(t.Context(), db, d)
		if err != nil {
			t.Fatal(err)
		}
		migrate(t, db, d)
		second, err := schema.Status(t.Context(), db, d)
		if err != nil {
			t.Fatal(err)
		}
		if first[0].Applied.IsZero() || first[0].Applied != second[0].Applied {
			t.Errorf("applied at %v, then at %v", first[0].Applied, second[0].Applied)
		}
	})
}

func TestProgramsThatStartAtOnceMigrateOnce(t *testing.T) {
	each(t, func(t *testing.T, db *sql.DB, d schema.Dialect) {
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { errs[i] = schema.Migrate(t.Context(), db, d) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db *sql.DB, d schema.Dialect) {
		migrate(t, db, d)
		if _, err := db.ExecContext(t.Context(), `INSERT INTO migration (number, name, checksum, applied) VALUES (9999, '9999_future', 'x', 1)`); err != nil {
			t.Fatal(err)
		}
		err := schema.Migrate(t.Context(), db, d)
		if err == nil || !strings.Contains(err.Error(), "newer") || !strings.Contains(err.Error(), "9999_future") {
			t.Fatalf("error is %v", err)
		}
	})
}

func TestAnotherVersionsStepIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db *sql.DB, d schema.Dialect) {
		migrate(t, db, d)
		if _, err := db.ExecContext(t.Context(), `UPDATE migration SET checksum = 'other' WHERE number = 1`); err != nil {
			t.Fatal(err)
		}
		err := schema.Migrate(t.Context(), db, d)
		if err == nil || !strings.Contains(err.Error(), "0001_store") {
			t.Fatalf("error is %v", err)
		}
	})
}
