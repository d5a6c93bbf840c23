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
	"lockstep.dev/model"
)

// source is our name in faults.
const source = "sqlcrm"

// newFault builds a fault of ours. The text holds neither secrets nor content.
func newFault(class fault.Class, scope fault.Scope, code, format string, args ...any) *fault.Fault {
	return &fault.Fault{
		Class: class, Scope: scope, Side: model.CRM, Source: source,
		Code: "sqlcrm." + code, Message: fmt.Sprintf(format, args...),
	}
}

func badSettings(format string, args ...any) error {
	return newFault(fault.Invalid, fault.Server, "settings", format, args...)
}

func badMapping(format string, args ...any) error {
	return newFault(fault.Invalid, fault.Server, "mapping", format, args...)
}

func deadCursor(why string) error {
	return newFault(fault.CursorExpired, fault.Collection, "cursor", "%s Everything is listed again.", why)
}

// classify turns what a driver said into a fault. Drivers quote values in their
// texts, so none of those texts goes on; what is kept is the code and the names
// of columns and constraints.
func (d *database) classify(err error) error {
	if err == nil || fault.Of(err) != nil {
		return err
	}
	if ended := contextError(err); ended != nil {
		f := newFault(fault.Transient, fault.Server, "ended", "The request to the %s was broken off before it ended.", d.place)
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
	f.Evidence = strings.TrimSpace("SQLSTATE " + state + " " + e.Constraint)
	return f
}

func (d *database) byState(state string, e *pq.Error) *fault.Fault {
	switch state {
	case "57014":
		return newFault(fault.Transient, fault.Server, "ended", "The %s broke the request off.", d.place)
	case "42501":
		return newFault(fault.Denied, fault.Server, "denied", "The user of the %s may not do this. Grant it SELECT, INSERT, UPDATE and DELETE on the CRM's tables.", d.place)
	case "25006":
		return newFault(fault.Denied, fault.Server, "read-only", "The %s is read-only. Point dsn at the primary server.", d.place)
	case "3D000":
		return newFault(fault.Denied, fault.Server, "no-database", "The %s does not exist. Check the database name in dsn.", d.place)
	case "42P01", "42703", "3F000", "42883":
		return newFault(fault.Unsupported, fault.Server, "schema", "A table, column or function that Lockstep needs is missing in the %s. Run lockstep schema install, or correct the mapping file.", d.place)
	case "23502":
		return invalidColumn("must not be empty", e.Column)
	case "23505":
		return invalidColumn("must be unique, and another record has the same value", trimTable(e.Table, e.Constraint))
	case "23514":
		return invalidColumn("is not allowed to hold this", trimTable(e.Table, e.Constraint))
	case "23503":
		return invalidColumn("refers to a record that is missing, or other records refer to this one", trimTable(e.Table, e.Constraint))
	case "22001":
		f := invalidColumn("has no room for so long a text", e.Column)
		f.Class = fault.TooLarge
		return f
	}
	switch state[:min(2, len(state))] {
	case "08", "53", "57", "58", "40", "55", "XX":
		return newFault(fault.Transient, fault.Server, "busy", "The %s cannot serve the request now.", d.place)
	case "28":
		return newFault(fault.Auth, fault.Server, "auth", "The %s does not accept the user name and password. Renew them in the CRM connection.", d.place)
	case "22", "23", "44":
		return invalidColumn("is not allowed to hold this", e.Column)
	case "P0":
		return newFault(fault.Invalid, fault.Item, "rule", "A rule of the CRM (a trigger in the database) refuses this change.")
	default:
		return newFault(fault.Transient, fault.Server, "database", "The %s answered with an error that Lockstep does not know.", d.place)
	}
}

// invalidColumn names the column, never the value.
func invalidColumn(what, column string) *fault.Fault {
	if column == "" {
		column = "(the database does not say which)"
	}
	return newFault(fault.Invalid, fault.Item, "invalid", "The CRM refuses the item: column %s %s. Correct the item in the mailbox or the rule in the CRM.", column, what)
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
		return newFault(fault.Invalid, fault.Item, "rule", "A rule of the CRM (a trigger in the database) refuses this change.")
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH:
		return invalidColumn("is not allowed to hold this", "")
	case sqlite3.SQLITE_TOOBIG:
		return newFault(fault.TooLarge, fault.Item, "too-large", "The item is larger than the %s allows.", d.place)
	case sqlite3.SQLITE_CANTOPEN:
		return newFault(fault.Denied, fault.Server, "open", "The %s cannot be opened. Check dsn, or run lockstep schema install to make a new file.", d.place)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return newFault(fault.Denied, fault.Server, "damaged", "The %s is damaged or no SQLite database at all.", d.place)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return newFault(fault.Denied, fault.Server, "read-only", "The %s may not be written to. Change the rights of the file and its folder.", d.place)
	case sqlite3.SQLITE_ERROR:
		return newFault(fault.Unsupported, fault.Server, "schema", "A table or column that Lockstep needs is missing in the %s. Run lockstep schema install, or correct the mapping file.", d.place)
	case sqlite3.SQLITE_INTERRUPT:
		return newFault(fault.Transient, fault.Server, "ended", "The request to the %s was broken off before it ended.", d.place)
	default: // BUSY, LOCKED, FULL, IOERR, NOMEM, PROTOCOL...
		return newFault(fault.Transient, fault.Server, "busy", "The %s cannot serve the request now.", d.place)
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
		return newFault(fault.Denied, fault.Server, "tls", "The %s does not offer TLS. Turn it on there, or set allow_insecure where that is acceptable.", d.place)
	case strings.HasPrefix(err.Error(), "x509:") || strings.Contains(err.Error(), "tls: failed to verify"):
		return newFault(fault.Denied, fault.Server, "certificate", "The certificate of the %s is not trusted. Give its issuer with sslrootcert in dsn.", d.place)
	case errors.Is(err, fs.ErrNotExist): // before net.Error, which a file's error is, too
		return newFault(fault.Denied, fault.Server, "open", "The %s does not exist. Check dsn, or run lockstep schema install to make a new file.", d.place)
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, driver.ErrBadConn):
		return newFault(fault.Transient, fault.Server, "unreachable", "The %s cannot be reached. Check that it runs and that dsn names it rightly.", d.place)
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, sql.ErrTxDone):
		return newFault(fault.Transient, fault.Server, "closed", "The connection to the %s was closed meanwhile.", d.place)
	case strings.HasPrefix(err.Error(), "pq: password"), strings.Contains(err.Error(), "no password"):
		return newFault(fault.Auth, fault.Server, "auth", "The %s wants a password and has none. Enter it in the CRM connection.", d.place)
	default:
		return newFault(fault.Transient, fault.Server, "database", "The %s failed in a way that Lockstep does not know (%T).", d.place, err)
	}
}
