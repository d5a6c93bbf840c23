package temporal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/headers"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

const (
	// historyShards is fixed when a file is made. All shards share one
	// SQLite connection, so more of them would only cost memory.
	historyShards = 1

	// Looking through a file takes time in proportion to its size; a start
	// does not wait longer than this for it.
	checkAtMost = 3 * time.Second

	journalLimit = 64 << 20 // bytes of write-ahead log kept between bursts
	busyTimeout  = 10_000   // milliseconds
)

// record lies beside the file and tells which server made it. It is written
// when the file is complete: a file without a record is not to be trusted.
type record struct {
	Server string `json:"server"` // version of the server
	Shards int    `json:"shards"`
	// Seeded is set once the caller has put into a new file all that has to
	// be in it.
	Seeded bool `json:"seeded"`
}

// file is Temporal's SQLite file.
type file struct {
	path   string
	record record
	sql    *config.SQL // how the server opens it
	// reason tells why a new file had to be made although there was one.
	reason string
}

// openFile makes the file ready for this version of the server: it keeps what
// is there if that is sound, else moves it aside and makes a new one.
func openFile(ctx context.Context, path, version string) (*file, error) {
	f := &file{path: path, sql: sqlConfig(path)}
	err := f.inspect(ctx, version)
	if errors.Is(err, fs.ErrNotExist) {
		return f, f.create(version)
	}
	var unfit *unfitError
	if errors.As(err, &unfit) {
		return f, f.replace(version, unfit.Error())
	}
	return f, err
}

// unfitError says that a file cannot be used, and that a new one would do.
type unfitError struct{ why string }

func (e *unfitError) Error() string { return e.why }

func unfit(format string, args ...any) error {
	return &unfitError{why: fmt.Sprintf(format, args...)}
}

// inspect reads the record and looks for damage. The error is fs.ErrNotExist
// if there is no file, an unfitError if there is one that is of no use.
func (f *file) inspect(ctx context.Context, version string) error {
	if _, err := os.Stat(f.path); err != nil {
		return fmt.Errorf("look for temporal file: %w", err)
	}
	text, err := os.ReadFile(f.recordPath())
	if errors.Is(err, fs.ErrNotExist) {
		return unfit("it was never finished")
	}
	if err != nil {
		return fmt.Errorf("read temporal record: %w", err)
	}
	if err := json.Unmarshal(text, &f.record); err != nil {
		return unfit("the record beside it cannot be read")
	}
	if f.record.Server != version {
		return unfit("it was made by server version %s, this is %s", f.record.Server, version)
	}
	if f.record.Shards != historyShards {
		return unfit("it has %d history shards, this server has %d", f.record.Shards, historyShards)
	}
	return f.check(ctx)
}

// check lets SQLite look through the file, as far as checkAtMost allows.
func (f *file) check(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, checkAtMost)
	defer cancel()
	verdict, err := f.pragma(bounded, "quick_check(1)")
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("check temporal file: %w", ctx.Err())
	case bounded.Err() != nil:
		return nil // no damage found in the time there was
	case err != nil && damaged(err):
		return unfit("it is damaged: %v", err)
	case err != nil:
		return fmt.Errorf("check temporal file %s: %w", f.path, err)
	case verdict != "ok":
		return unfit("it is damaged: %s", verdict)
	}
	return nil
}

// damaged tells errors that lie in the content of a file from those of the
// disk, of access rights and of other programs, which a new file would share.
func damaged(err error) bool {
	var e *driver.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff { // primary result code, sqlite.org/rescode.html
	case codes.SQLITE_ERROR, codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB,
		codes.SQLITE_FORMAT, codes.SQLITE_SCHEMA, codes.SQLITE_MISMATCH:
		return true
	}
	return false
}

// replace moves the file aside and makes a new one.
func (f *file) replace(version, reason string) error {
	if err := f.moveAside(); err != nil {
		return err
	}
	f.reason = reason
	return f.create(version)
}

// create makes an empty file with the server's tables. The record comes last.
func (f *file) create(version string) error {
	// A log without its file would be taken for the new file's own.
	for _, path := range []string{f.recordPath(), f.path + "-wal", f.path + "-shm"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make room for temporal file: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("create temporal folder: %w", err)
	}
	// SQLite would make the file readable for everyone.
	empty, err := os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("create temporal file: %w", err)
	}
	if err := empty.Close(); err != nil {
		return fmt.Errorf("create temporal file: %w", err)
	}
	f.sql = sqlConfig(f.path)
	if err := sqlite.SetupSchema(f.sql); err != nil {
		return fmt.Errorf("set up temporal file %s: %w", f.path, err)
	}
	f.record = record{Server: version, Shards: historyShards}
	return f.writeRecord()
}

// moveAside keeps the file as FILE.old, in place of an older one. The record
// goes first: if we are killed in between, what is left counts as unfinished.
func (f *file) moveAside() error {
	for _, end := range []string{recordEnd, "-wal", "-shm", ""} {
		from, to := f.path+end, f.path+".old"+end
		if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove old temporal file: %w", err)
		}
		if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move temporal file aside: %w", err)
		}
	}
	return nil
}

const recordEnd = ".json"

func (f *file) recordPath() string { return f.path + recordEnd }

func (f *file) writeRecord() error {
	text, err := json.Marshal(f.record)
	if err != nil {
		return fmt.Errorf("encode temporal record: %w", err)
	}
	temp := f.recordPath() + ".new"
	if err := os.WriteFile(temp, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write temporal record: %w", err)
	}
	if err := os.Rename(temp, f.recordPath()); err != nil {
		return fmt.Errorf("write temporal record: %w", err)
	}
	return nil
}

// seeded notes that nothing has to be put into the file any more.
func (f *file) seeded() error {
	if f.record.Seeded {
		return nil
	}
	f.record.Seeded = true
	return f.writeRecord()
}

// fold writes the log back into the file, so that the file alone is complete.
func (f *file) fold(ctx context.Context) error {
	if _, err := f.pragma(ctx, "wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("fold log into temporal file: %w", err)
	}
	return nil
}

// pragma asks SQLite one thing over a connection of its own and returns the
// first column of the answer.
func (f *file) pragma(ctx context.Context, what string) (string, error) {
	db, err := sql.Open("sqlite", fmt.Sprintf("file:%s?mode=rw&_pragma=busy_timeout(%d)", escaped(f.path), busyTimeout))
	if err != nil {
		return "", err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "PRAGMA "+what)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	answer := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range answer {
		into[i] = &answer[i]
	}
	if rows.Next() {
		err = rows.Scan(into...)
	}
	return answer[0].String, errors.Join(err, rows.Err())
}

// sqlConfig is how the server opens the file, for one start of it. The server's
// SQLite plugin never closes a connection and hands the open one out again for
// the same settings: after a restart in one process that would be a connection
// to a file that was moved aside since.
func sqlConfig(path string) *config.SQL {
	return &config.SQL{
		PluginName:   sqliteplugin.PluginName,
		DatabaseName: escaped(path),
		ConnectAttributes: map[string]string{
			"mode":               "rwc",
			"journal_mode":       "wal",
			"synchronous":        "normal",
			"busy_timeout":       strconv.Itoa(busyTimeout),
			"journal_size_limit": strconv.Itoa(journalLimit),
			// SQLite ignores settings that it does not know
			// (sqlite.org/pragma.html); this one keeps configurations apart.
			"lockstep_start": strconv.FormatInt(time.Now().UnixNano(), 10),
		},
	}
}

// escaped is a path as SQLite wants it in a URI (sqlite.org/uri.html).
func escaped(path string) string {
	return (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

// serverVersion is the version of the embedded server.
func serverVersion() string { return headers.ServerVersion }
