// Package schema holds the migrations of Lockstep's own database, embedded,
// with the same numbers and names for PostgreSQL and SQLite, and carries them
// out.
package schema

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strconv"
	"strings"
	"time"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// Dialect names one of the two databases.
type Dialect string

// The dialects.
const (
	Postgres Dialect = "postgres"
	SQLite   Dialect = "sqlite"
)

// Migration is one numbered step.
type Migration struct {
	Number   int
	Name     string // "0001_store"
	Checksum string // of its text
	SQL      string
	Applied  time.Time // zero = not yet
}

// Migrations returns every step of a dialect, by number.
func Migrations(d Dialect) ([]Migration, error) {
	names, err := fs.Glob(files, string(d)+"/*.sql")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("list migrations: there are none for %q", d)
	}
	sort.Strings(names)
	var out []Migration
	for i, path := range names {
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, string(d)+"/"), ".sql")
		digits, _, _ := strings.Cut(name, "_")
		number, err := strconv.Atoi(digits)
		if err != nil || number != i+1 {
			return nil, fmt.Errorf("list migrations: %s is not number %d", name, i+1)
		}
		sum := sha256.Sum256(text)
		out = append(out, Migration{Number: number, Name: name, Checksum: hex.EncodeToString(sum[:]), SQL: string(text)})
	}
	return out, nil
}

// Migrate brings a database up to date, each step in a transaction of its own.
// It refuses a database that is newer than this program, or one whose steps
// were others than ours.
func Migrate(ctx context.Context, db *sql.DB, d Dialect) error {
	steps, err := Migrations(d)
	if err != nil {
		return err
	}
	if err := prepare(ctx, db); err != nil {
		return err
	}
	done, err := applied(ctx, db)
	if err != nil {
		return err
	}
	if err := check(steps, done); err != nil {
		return err
	}
	for _, m := range steps[len(done):] {
		if err := apply(ctx, db, d, m); err != nil {
			return err
		}
	}
	return nil
}

// Status returns every step with the time at which it was applied.
func Status(ctx context.Context, db *sql.DB, d Dialect) ([]Migration, error) {
	steps, err := Migrations(d)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, db); err != nil {
		return nil, err
	}
	done, err := applied(ctx, db)
	if err != nil {
		return nil, err
	}
	for i := range done {
		if i < len(steps) {
			steps[i].Applied = done[i].Applied
		}
	}
	return steps, check(steps, done)
}

// prepare makes the table that remembers the steps. Two programs that start at
// once may collide in PostgreSQL's catalogue; then it exists by now.
func prepare(ctx context.Context, db *sql.DB) error {
	const create = `CREATE TABLE IF NOT EXISTS migration (
		number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied BIGINT NOT NULL)`
	_, err := db.ExecContext(ctx, create)
	if err != nil && ctx.Err() == nil {
		_, err = db.ExecContext(ctx, create)
	}
	if err != nil {
		return fmt.Errorf("prepare database: %w", err)
	}
	return nil
}

func applied(ctx context.Context, db *sql.DB) ([]Migration, error) {
	rows, err := db.QueryContext(ctx, `SELECT number, name, checksum, applied FROM migration ORDER BY number`)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Migration
	for rows.Next() {
		var m Migration
		var at int64
		if err := rows.Scan(&m.Number, &m.Name, &m.Checksum, &at); err != nil {
			return nil, fmt.Errorf("read migrations: %w", err)
		}
		m.Applied = time.UnixMicro(at).UTC()
		out = append(out, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return out, nil
}

func check(steps, done []Migration) error {
	if len(done) > len(steps) {
		return fmt.Errorf("check database: it is newer (step %s) than this program (step %s); use the newer program",
			done[len(done)-1].Name, steps[len(steps)-1].Name)
	}
	for i, m := range done {
		if m.Number != steps[i].Number || m.Checksum != steps[i].Checksum {
			return fmt.Errorf("check database: its step %s is not the one of this program; it was made by another version, use that one", m.Name)
		}
	}
	return nil
}

// apply carries out one step, unless another program did so meanwhile.
func apply(ctx context.Context, db *sql.DB, d Dialect, m Migration) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("apply %s: %w", m.Name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("apply %s: %w", m.Name, err), ignoreDone(tx.Rollback()))
		}
	}()
	if d == Postgres { // SQLite: the caller's transactions are immediate
		if _, err := tx.ExecContext(ctx, `LOCK TABLE migration IN EXCLUSIVE MODE`); err != nil {
			return err
		}
	}
	var have int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM migration WHERE number = $1`, m.Number).Scan(&have); err != nil {
		return err
	}
	if have > 0 {
		return tx.Rollback()
	}
	if _, err := tx.ExecContext(ctx, m.SQL); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO migration (number, name, checksum, applied) VALUES ($1, $2, $3, $4)`,
		m.Number, m.Name, m.Checksum, time.Now().UnixMicro()); err != nil {
		return err
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
