package dav

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite" // the database driver
)

// tables are created on first use. An object row with deleted = 1 is a
// tombstone, kept for the sync report.
const tables = `
CREATE TABLE IF NOT EXISTS user (
	name         TEXT PRIMARY KEY,
	password     TEXT NOT NULL,
	token        TEXT NOT NULL,
	display_name TEXT NOT NULL,
	addresses    TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS collection (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	owner        TEXT NOT NULL,
	kind         TEXT NOT NULL,
	name         TEXT NOT NULL,
	display_name TEXT NOT NULL,
	components   TEXT NOT NULL,
	read_only    INTEGER NOT NULL,
	revision     INTEGER NOT NULL,
	generation   INTEGER NOT NULL,
	UNIQUE (owner, kind, name)
);
CREATE TABLE IF NOT EXISTS property (
	collection INTEGER NOT NULL,
	space      TEXT NOT NULL,
	name       TEXT NOT NULL,
	value      TEXT NOT NULL,
	PRIMARY KEY (collection, space, name)
);
CREATE TABLE IF NOT EXISTS object (
	collection INTEGER NOT NULL,
	name       TEXT NOT NULL,
	uid        TEXT NOT NULL,
	component  TEXT NOT NULL,
	etag       TEXT NOT NULL,
	version    INTEGER NOT NULL,
	revision   INTEGER NOT NULL,
	deleted    INTEGER NOT NULL,
	modified   INTEGER NOT NULL,
	content    BLOB NOT NULL,
	PRIMARY KEY (collection, name)
);
CREATE INDEX IF NOT EXISTS object_by_revision ON object (collection, revision);
CREATE INDEX IF NOT EXISTS object_by_uid ON object (collection, uid);
CREATE TABLE IF NOT EXISTS mail (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	at        INTEGER NOT NULL,
	user      TEXT NOT NULL,
	method    TEXT NOT NULL,
	recipient TEXT NOT NULL,
	uid       TEXT NOT NULL
);`

// store keeps everything in one SQLite file: one connection writes, a few read.
type store struct {
	writer *sqlx.DB
	reader *sqlx.DB
}

type userRow struct {
	Name        string `db:"name"`
	Password    string `db:"password"`
	Token       string `db:"token"`
	DisplayName string `db:"display_name"`
	Addresses   string `db:"addresses"` // e-mail addresses, one a line
}

type collectionRow struct {
	ID          int64  `db:"id"`
	Owner       string `db:"owner"`
	Kind        Kind   `db:"kind"`
	Name        string `db:"name"`
	DisplayName string `db:"display_name"`
	Components  string `db:"components"` // separated by commas
	ReadOnly    bool   `db:"read_only"`
	Revision    int64  `db:"revision"`   // counts the changes of the collection
	Generation  int64  `db:"generation"` // sync tokens of older generations have expired
}

type objectRow struct {
	Collection int64  `db:"collection"`
	Name       string `db:"name"`
	UID        string `db:"uid"`
	Component  string `db:"component"`
	ETag       string `db:"etag"` // with its quotes
	Version    int64  `db:"version"`
	Revision   int64  `db:"revision"` // of the collection, when this object last changed
	Deleted    bool   `db:"deleted"`
	Modified   int64  `db:"modified"` // microseconds since 1970
	Content    []byte `db:"content"`  // nil where it was not asked for
}

// openStore opens the file and creates what is missing. Write-ahead logging
// with synchronous=NORMAL loses nothing when the process is killed.
func openStore(ctx context.Context, path string) (*store, error) {
	dsn := func(extra string) string {
		return "file:" + (&url.URL{Path: path}).EscapedPath() +
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(10000)" + extra
	}
	writer, err := sqlx.Open("sqlite", dsn("&_txlock=immediate"))
	if err != nil {
		return nil, fmt.Errorf("open simulator database: %w", err)
	}
	writer.SetMaxOpenConns(1)
	if _, err := writer.ExecContext(ctx, tables); err != nil {
		return nil, errors.Join(fmt.Errorf("create tables: %w", err), writer.Close())
	}
	reader, err := sqlx.Open("sqlite", dsn("&_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open simulator database: %w", err), writer.Close())
	}
	reader.SetMaxOpenConns(4)
	return &store{writer: writer, reader: reader}, nil
}

func (st *store) close() error { return errors.Join(st.reader.Close(), st.writer.Close()) }

// write runs do in one transaction.
func (st *store) write(ctx context.Context, do func(tx *sqlx.Tx) error) error {
	tx, err := st.writer.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// one reads at most one row; nil means that there is none.
func one[T any](ctx context.Context, q sqlx.QueryerContext, query string, args ...any) (*T, error) {
	var row T
	err := sqlx.GetContext(ctx, q, &row, query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read row: %w", err)
	}
	return &row, nil
}

func many[T any](ctx context.Context, q sqlx.QueryerContext, query string, args ...any) ([]T, error) {
	var rows []T
	if err := sqlx.SelectContext(ctx, q, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return rows, nil
}

func (st *store) user(ctx context.Context, name string) (*userRow, error) {
	return one[userRow](ctx, st.reader, `SELECT * FROM user WHERE name = ?`, name)
}

func (st *store) userByToken(ctx context.Context, token string) (*userRow, error) {
	return one[userRow](ctx, st.reader, `SELECT * FROM user WHERE token = ? AND token <> ''`, token)
}

func findCollection(ctx context.Context, q sqlx.QueryerContext, owner string, kind Kind, name string) (*collectionRow, error) {
	return one[collectionRow](ctx, q,
		`SELECT * FROM collection WHERE owner = ? AND kind = ? AND name = ?`, owner, kind, name)
}

func (st *store) collections(ctx context.Context, owner string, kind Kind) ([]collectionRow, error) {
	return many[collectionRow](ctx, st.reader,
		`SELECT * FROM collection WHERE owner = ? AND kind = ? ORDER BY name`, owner, kind)
}

// objectColumns leaves the content out unless it is wanted.
func objectColumns(content bool) string {
	const columns = `collection, name, uid, component, etag, version, revision, deleted, modified`
	if content {
		return columns + `, content`
	}
	return columns
}

// findObject finds an object or its tombstone.
func findObject(ctx context.Context, q sqlx.QueryerContext, collection int64, name string) (*objectRow, error) {
	return one[objectRow](ctx, q,
		`SELECT `+objectColumns(true)+` FROM object WHERE collection = ? AND name = ?`, collection, name)
}

// objectWithUID finds the name of another live object with the same UID.
func objectWithUID(ctx context.Context, q sqlx.QueryerContext, collection int64, uid, notName string) (string, error) {
	row, err := one[objectRow](ctx, q, `SELECT `+objectColumns(false)+
		` FROM object WHERE collection = ? AND uid = ? AND name <> ? AND deleted = 0 LIMIT 1`, collection, uid, notName)
	if err != nil || row == nil {
		return "", err
	}
	return row.Name, nil
}

// objects lists the live objects of a collection by name.
func (st *store) objects(ctx context.Context, collection int64, content bool) ([]objectRow, error) {
	return many[objectRow](ctx, st.reader, `SELECT `+objectColumns(content)+
		` FROM object WHERE collection = ? AND deleted = 0 ORDER BY name`, collection)
}

// changes lists what changed after a revision, tombstones included, in the
// order of the changes; at most limit rows.
func (st *store) changes(ctx context.Context, collection, after int64, tombstones, content bool, limit int) ([]objectRow, error) {
	return many[objectRow](ctx, st.reader, `SELECT `+objectColumns(content)+
		` FROM object WHERE collection = ? AND revision > ? AND deleted <= ? ORDER BY revision, name LIMIT ?`,
		collection, after, tombstones, limit)
}

// named reads the live objects among the given names, in chunks that fit the
// database's limit of parameters.
func (st *store) named(ctx context.Context, collection int64, names []string, content bool) (map[string]*objectRow, error) {
	const chunk = 500
	found := make(map[string]*objectRow, len(names))
	for len(names) > 0 {
		part := names[:min(chunk, len(names))]
		names = names[len(part):]
		query, args, err := sqlx.In(`SELECT `+objectColumns(content)+
			` FROM object WHERE collection = ? AND deleted = 0 AND name IN (?)`, collection, part)
		if err != nil {
			return nil, fmt.Errorf("build query: %w", err)
		}
		rows, err := many[objectRow](ctx, st.reader, query, args...)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			found[rows[i].Name] = &rows[i]
		}
	}
	return found, nil
}

// nextRevision counts one change of a collection.
func nextRevision(ctx context.Context, tx *sqlx.Tx, collection int64) (int64, error) {
	var revision int64
	err := tx.GetContext(ctx, &revision,
		`UPDATE collection SET revision = revision + 1 WHERE id = ? RETURNING revision`, collection)
	if err != nil {
		return 0, fmt.Errorf("count change: %w", err)
	}
	return revision, nil
}

func saveObject(ctx context.Context, tx *sqlx.Tx, o objectRow) error {
	_, err := tx.NamedExecContext(ctx, `INSERT INTO object
		(collection, name, uid, component, etag, version, revision, deleted, modified, content)
		VALUES (:collection, :name, :uid, :component, :etag, :version, :revision, :deleted, :modified, :content)
		ON CONFLICT (collection, name) DO UPDATE SET uid = excluded.uid, component = excluded.component,
		etag = excluded.etag, version = excluded.version, revision = excluded.revision,
		deleted = excluded.deleted, modified = excluded.modified, content = excluded.content`, o)
	if err != nil {
		return fmt.Errorf("save object: %w", err)
	}
	return nil
}

func (c *collectionRow) components() []string {
	if c.Components == "" {
		return nil
	}
	return strings.Split(c.Components, ",")
}

func (u *userRow) addresses() []string { return strings.Fields(u.Addresses) }
