package sqlcrm

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"

	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
)

func badSettings(format string, args ...any) error {
	return issue.Fault("sqlcrm.settings", "problem", fmt.Sprintf(format, args...))
}

func badMapping(format string, args ...any) error {
	return issue.Fault("sqlcrm.mapping", "problem", fmt.Sprintf(format, args...))
}

func deadCursor(why string) error { return issue.Fault("sqlcrm.cursor", "why", why) }

// fault raises a declared error about this database; values fill the text's
// placeholders beside the database's name.
func (d *database) fault(code string, values ...string) *fault.Fault {
	return issue.Fault(code, append(values, "place", d.place)...)
}

// classify turns what a driver said into a fault. Drivers quote values in their
// texts, so none of those texts goes on; what is kept is the code and the names
// of columns and constraints.
func (d *database) classify(err error) error {
	if err == nil || fault.Of(err) != nil {
		return err
	}
	if ended := contextError(err); ended != nil {
		f := d.fault("sqlcrm.ended")
		f.Err = ended
		return f
	}
	var pg *pq.Error
	if errors.As(err, &pg) {
		return d.classifyPostgres(pg)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return d.classifySQLite(lite)
	}
	return d.classifyOther(err)
}

func contextError(err error) error {
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			return ended
		}
	}
	return nil
}

// classifyPostgres goes by SQLSTATE (PostgreSQL manual, appendix A).
func (d *database) classifyPostgres(e *pq.Error) error {
	state := string(e.Code)
	f := d.byState(state, e)
	f.Evidence = "SQLSTATE " + state
	// Names of the schema and of PostgreSQL's own code; texts quote values.
	for _, n := range [][2]string{{"table", e.Table}, {"column", e.Column}, {"constraint", e.Constraint}, {"routine", e.Routine}} {
		if n[1] != "" {
			f.Evidence += fmt.Sprintf("; %s: %.63s", n[0], n[1])
		}
	}
	return f
}

func (d *database) byState(state string, e *pq.Error) *fault.Fault {
	switch state {
	case "57014":
		return d.fault("sqlcrm.ended")
	case "42501":
		return d.fault("sqlcrm.denied")
	case "25006":
		return d.fault("sqlcrm.read-only")
	case "3D000":
		return d.fault("sqlcrm.no-database")
	case "42P01", "42703", "3F000", "42883":
		return d.fault("sqlcrm.schema")
	case "23502":
		return invalidColumn("must not be empty", e.Column)
	case "23505":
		return invalidColumn("must be unique, and another record has the same value", trimTable(e.Table, e.Constraint))
	case "23514":
		return invalidColumn("is not allowed to hold this", trimTable(e.Table, e.Constraint))
	case "23503":
		return invalidColumn("refers to a record that is missing, or other records refer to this one", trimTable(e.Table, e.Constraint))
	case "22001":
		return issue.Fault("sqlcrm.too-long", "column", columnName(e.Column))
	}
	switch state[:min(2, len(state))] {
	case "08", "53", "57", "58", "40", "55", "XX":
		return d.fault("sqlcrm.busy")
	case "28":
		return d.fault("sqlcrm.auth")
	case "22", "23", "44":
		return invalidColumn("is not allowed to hold this", e.Column)
	case "P0":
		return issue.Fault("sqlcrm.rule")
	default:
		return d.fault("sqlcrm.database")
	}
}

// invalidColumn names the column, never the value.
func invalidColumn(what, column string) *fault.Fault {
	return issue.Fault("sqlcrm.invalid", "column", columnName(column), "problem", what)
}

func columnName(column string) string {
	if column == "" {
		return "(the database does not say which)"
	}
	return column
}

// trimTable takes the table's name off a constraint's, as both PostgreSQL and
// our schema name constraints.
func trimTable(table, constraint string) string {
	name := strings.TrimPrefix(constraint, table+"_")
	for _, suffix := range []string{"_key", "_check", "_fkey"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

// classifySQLite goes by the extended result code (sqlite.org/rescode.html).
func (d *database) classifySQLite(e *sqlite.Error) error {
	f := d.byCode(e)
	f.Evidence = fmt.Sprintf("SQLite result code %d", e.Code())
	return f
}

func (d *database) byCode(e *sqlite.Error) *fault.Fault {
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_NOTNULL:
		return invalidColumn("must not be empty", liteColumn(e))
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return invalidColumn("must be unique, and another record has the same value", liteColumn(e))
	case sqlite3.SQLITE_CONSTRAINT_CHECK:
		return invalidColumn("is not allowed to hold this", liteColumn(e))
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return invalidColumn("refers to a record that is missing, or other records refer to this one", "")
	case sqlite3.SQLITE_CONSTRAINT_TRIGGER:
		return issue.Fault("sqlcrm.rule")
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH:
		return invalidColumn("is not allowed to hold this", "")
	case sqlite3.SQLITE_TOOBIG:
		return d.fault("sqlcrm.too-large")
	case sqlite3.SQLITE_CANTOPEN:
		return d.fault("sqlcrm.open")
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return d.fault("sqlcrm.damaged")
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return d.fault("sqlcrm.read-only-file")
	case sqlite3.SQLITE_ERROR:
		return d.fault("sqlcrm.schema")
	case sqlite3.SQLITE_INTERRUPT:
		return d.fault("sqlcrm.ended")
	default: // BUSY, LOCKED, FULL, IOERR, NOMEM, PROTOCOL...
		return d.fault("sqlcrm.busy")
	}
}

// liteColumn takes the column out of texts such as
//
//	constraint failed: NOT NULL constraint failed: contact.full_name (1299)
//	constraint failed: CHECK constraint failed: task_percent (275)
func liteColumn(e *sqlite.Error) string {
	text := e.Error()
	if i := strings.LastIndex(text, "failed: "); i >= 0 {
		text = text[i+len("failed: "):]
	}
	text, _, _ = strings.Cut(text, " (")
	var columns []string
	for _, c := range strings.Split(text, ", ") {
		if i := strings.LastIndex(c, "."); i >= 0 {
			c = c[i+1:]
		}
		columns = append(columns, c)
	}
	name := strings.Join(columns, ", ")
	if strings.ContainsAny(name, " '\"()") {
		return "" // an unnamed CHECK quotes its expression
	}
	for _, table := range []string{"appointment_attendee_", "appointment_", "contact_", "task_"} {
		if rest, ok := strings.CutPrefix(name, table); ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_CHECK {
			return rest
		}
	}
	return name
}

// classifyOther judges what came from the network and from database/sql.
func (d *database) classifyOther(err error) error {
	var network net.Error
	switch {
	case errors.Is(err, pq.ErrSSLNotSupported):
		return d.fault("sqlcrm.tls")
	case strings.HasPrefix(err.Error(), "x509:") || strings.Contains(err.Error(), "tls: failed to verify"):
		return d.fault("sqlcrm.certificate")
	case errors.Is(err, fs.ErrNotExist): // before net.Error, which a file's error is, too
		return d.fault("sqlcrm.open")
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, driver.ErrBadConn):
		return d.fault("sqlcrm.unreachable")
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, sql.ErrTxDone):
		return d.fault("sqlcrm.closed")
	case strings.HasPrefix(err.Error(), "pq: password"), strings.Contains(err.Error(), "no password"):
		return d.fault("sqlcrm.no-password")
	default:
		f := d.fault("sqlcrm.database")
		f.Evidence = fmt.Sprintf("%T", err)
		return f
	}
}
