package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lockstep.dev/schema"
)

// dialect is everything in which the two databases differ; the text of every
// statement is the same for both.
type dialect struct {
	name   schema.Dialect
	driver string // name of the database/sql driver
	bind   int    // placeholder style of sqlx
	blob   string // type of bytes
	// params is the number of parameters that one statement of many rows uses:
	// far below PostgreSQL's 65535 and SQLite's 32766. modernc.org/sqlite looks
	// for each parameter in the list of all, so short statements are faster there.
	params int
	// begin is sent first in a writing transaction.
	begin string
	// route and register keep the two apart that must not miss each other: who
	// routes changes to mailboxes, and who adds a mailbox. SQLite has one writer
	// anyway.
	route, register string
	again           func(error) bool // the transaction may succeed if repeated
	taken           func(error) bool // a unique value is taken
}

func newDialect(driver string) (dialect, error) {
	switch driver {
	case "postgres":
		return dialect{
			name: schema.Postgres, driver: "postgres", bind: sqlx.DOLLAR, blob: "BYTEA", params: 20000,
			// A snapshot, and a row that somebody else changed since is an error
			// that repeats the transaction: lost updates are impossible.
			begin:    `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`,
			route:    `LOCK TABLE registration IN ROW SHARE MODE`,
			register: `LOCK TABLE registration IN EXCLUSIVE MODE`,
			again:    postgresAgain, taken: postgresTaken,
		}, nil
	case "sqlite":
		return dialect{
			name: schema.SQLite, driver: "sqlite", bind: sqlx.QUESTION, blob: "BLOB", params: 800,
			again: sqliteAgain, taken: sqliteTaken,
		}, nil
	default:
		return dialect{}, fmt.Errorf("open store: there is no driver %q; use postgres or sqlite", driver)
	}
}

// postgresAgain: 40001 serialization_failure, 40P01 deadlock_detected, and
// 23503 foreign_key_violation, which is what a body swept at this very moment
// looks like (PostgreSQL manual, appendix A).
func postgresAgain(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01" || e.Code == "23503")
}

func postgresTaken(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && e.Code == "23505"
}

// sqliteAgain: another process holds the file longer than the busy timeout.
func sqliteAgain(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

func sqliteTaken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) &&
		(e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// transactions is how many run at a time in PostgreSQL, and how many read at a
// time in SQLite.
const transactions = 16

// open opens the pools for writing and for reading. In PostgreSQL they are one.
func (d dialect) open(ctx context.Context, dsn string) (write, read *pool, err error) {
	if d.name == schema.Postgres {
		db, err := sqlx.ConnectContext(ctx, d.driver, postgresDSN(dsn))
		if err != nil {
			return nil, nil, err
		}
		p := newPool(db, transactions)
		return p, p, nil
	}
	if err := private(dsn); err != nil {
		return nil, nil, err
	}
	w, err := sqlx.ConnectContext(ctx, d.driver, sqliteDSN(dsn, "_txlock=immediate"))
	if err != nil {
		return nil, nil, err
	}
	r, err := sqlx.ConnectContext(ctx, d.driver, sqliteDSN(dsn, "_pragma=query_only(1)"))
	if err != nil {
		return nil, nil, errors.Join(err, w.Close())
	}
	// SQLite has one writer; queueing for our one slot is fair, its own lock is not.
	return newPool(w, 1), newPool(r, transactions), nil
}

// postgresDSN asks the driver to send bytes as they are, not as hexadecimal text,
// and a query with its parameters in one round trip
// (https://pkg.go.dev/github.com/lib/pq, binary_parameters).
func postgresDSN(dsn string) string {
	const setting = "binary_parameters=yes"
	switch {
	case strings.Contains(dsn, "binary_parameters"):
		return dsn
	case !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://"):
		return dsn + " " + setting
	case strings.Contains(dsn, "?"):
		return dsn + "&" + setting
	default:
		return dsn + "?" + setting
	}
}

// private makes a new file that only its owner may read; SQLite gives the files
// beside it the same rights.
func private(dsn string) error {
	path, _ := sqlitePath(dsn)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func sqlitePath(dsn string) (path, query string) {
	path, query, _ = strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
	return path, query
}

// sqliteDSN adds our settings to the path of a file. secure_delete overwrites
// what Forget deletes (https://www.sqlite.org/pragma.html#pragma_secure_delete).
func sqliteDSN(dsn string, extra string) string {
	path, query := sqlitePath(dsn)
	settings := []string{
		extra, "_pragma=busy_timeout(10000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(NORMAL)",
		"_pragma=foreign_keys(1)", "_pragma=secure_delete(1)", "_pragma=cache_size(-32768)", "_pragma=temp_store(2)", "_pragma=wal_autocheckpoint(8000)",
	}
	if query != "" {
		settings = append(settings, query)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(settings, "&")
}
