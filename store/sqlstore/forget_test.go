package sqlstore_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store/sqlstore"
)

// raw opens the database beside the store, to look at its tables.
func raw(t *testing.T, c sqlstore.Config) *sql.DB {
	t.Helper()
	db, err := sql.Open(c.Driver, c.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func texts(t *testing.T, db *sql.DB, query string) []string {
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
	return out
}

func count(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// columnsNamed lists "table.column" of all tables.
func allColumns(t *testing.T, db *sql.DB, c sqlstore.Config) []string {
	t.Helper()
	if c.Driver == "sqlite" {
		return texts(t, db, `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`)
	}
	return texts(t, db, `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'`)
}

// Forgetting empties every table that knows of a mailbox: the tables are found
// in the schema, so a new one cannot be forgotten here.
func TestForgetEmptiesEveryTable(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		w := newTown(t, db)
		m := w.mailbox("ann")
		w.live(m)
		look := raw(t, c)
		var tables []string
		for _, column := range allColumns(t, look, c) {
			table, name, _ := strings.Cut(column, ".")
			if name == "mailbox" {
				tables = append(tables, table)
				if count(t, look, fmt.Sprintf(`SELECT COUNT(*) FROM %s WHERE mailbox = '%s'`, table, m.ID)) == 0 {
					t.Errorf("%s has no row of the mailbox before: the test proves nothing about it", table)
				}
			}
		}
		if len(tables) < 13 {
			t.Fatalf("only %v have a mailbox", tables)
		}
		// What was replaced by something newer goes with the next sweep.
		_, err := db.Sweep(t.Context(), w.now.Add(48*time.Hour), 1000)
		w.ok(err)
		w.ok(db.SetMailboxState(t.Context(), m.ID, model.Retired, "removed"))
		w.ok(db.Forget(t.Context(), m.ID))
		for _, table := range tables {
			if n := count(t, look, fmt.Sprintf(`SELECT COUNT(*) FROM %s WHERE mailbox = '%s'`, table, m.ID)); n != 0 {
				t.Errorf("%s still has %d rows of the mailbox", table, n)
			}
		}
		if n := count(t, look, `SELECT COUNT(*) FROM content`); n != 0 {
			t.Errorf("%d bodies are left that nobody may see any more", n)
		}
	})
}

// Decision 13: every column that could hold what an item says refers to content,
// and the sweep knows it.
func TestEveryBodyIsReferredToByAForeignKey(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		look := raw(t, c)
		var refer []string
		if c.Driver == "sqlite" {
			refer = texts(t, look, `SELECT m.name || '.' || f."from" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
				WHERE m.type = 'table' AND f."table" = 'content'`)
		} else {
			refer = texts(t, look, `SELECT c.conrelid::regclass || '.' || a.attname FROM pg_constraint c
				JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f' AND c.confrelid = 'content'::regclass`)
		}
		slices.Sort(refer)
		known := sqlstore.References()
		slices.Sort(known)
		if !slices.Equal(refer, known) {
			t.Errorf("the schema refers from %v, the sweep knows %v", refer, known)
		}
		// Other bytes hold settings, counts, sealed secrets or fingerprints.
		other := []string{
			"connection.secret", "connection.settings", "content.body", "content.key", "claim.global_key", "installation.seed", "mailbox.secret",
			"observation.natural_key", "observation.title", "operation.body", "plan.counts", "policy.body", "policy_revision.body", "round.counts",
			"delivery.settings",
		}
		for _, column := range byteColumns(t, look, c) {
			if !slices.Contains(known, column) && !slices.Contains(other, column) {
				t.Errorf("%s could hold content and is not known to", column)
			}
		}
	})
}

func byteColumns(t *testing.T, db *sql.DB, c sqlstore.Config) []string {
	t.Helper()
	if c.Driver == "sqlite" {
		return texts(t, db, `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type = 'BLOB'`)
	}
	return texts(t, db, `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bytea'`)
}

// Nothing of an operation but its content columns says what an item says.
func TestAnOperationsBodyHoldsNoContent(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		w := newTown(t, db)
		m := w.mailbox("ann")
		w.live(m)
		for _, column := range []string{"body"} {
			cast := "CAST(" + column + " AS TEXT)"
			if c.Driver == "postgres" {
				cast = "convert_from(" + column + ", 'UTF8')"
			}
			all := texts(t, raw(t, c), `SELECT `+cast+` FROM operation`)
			if len(all) == 0 {
				t.Fatal("there is no operation")
			}
			for _, text := range all {
				if strings.Contains(text, "Person 000") || strings.Contains(text, "Family") || strings.Contains(text, "BEGIN:VCARD") {
					t.Errorf("an operation holds content: %s", text)
				}
			}
		}
	})
}

func TestTheSweepTakesOnlyWhatNobodyNeeds(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		w := newTown(t, db)
		m := w.mailbox("ann")
		look := raw(t, c)
		w.arrive(m.ID, card(1, 1), card(2, 1))
		w.arrive(m.ID, card(1, 2)) // its first content and bytes are unreferenced now
		sweep := func(after time.Duration) int64 {
			n, err := db.Sweep(t.Context(), w.now.Add(after), 100)
			w.ok(err)
			return n
		}
		if n := sweep(time.Hour); n != 0 {
			t.Errorf("%d rows were swept within a day", n)
		}
		if n := sweep(25 * time.Hour); n != 2 {
			t.Errorf("%d rows were swept, want the old content and the old bytes", n)
		}
		if n := count(t, look, `SELECT COUNT(*) FROM content`); n != 4 {
			t.Errorf("%d bodies are left, want 4", n)
		}
		// A plan that was only shown goes after a day, with its operations.
		w.arrive("", card(3, 1))
		id, err := db.BeginPlan(t.Context(), storePlan(m, w.now))
		w.ok(err)
		w.ok(db.SealPlan(t.Context(), shown(m, id)))
		sweep(25 * time.Hour)
		if n := count(t, look, `SELECT COUNT(*) FROM plan`); n != 0 {
			t.Errorf("%d plans are left", n)
		}
		for range 50 {
			if sweep(25*time.Hour) == 0 {
				break
			}
		}
		if n := sweep(25 * time.Hour); n != 0 {
			t.Errorf("the sweep does not come to an end: %d rows", n)
		}
	})
}
