package sqlcrm

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
)

// database is the CRM's database: a pool, the mapping and what the catalogue
// says of the mapped tables.
type database struct {
	db      *sqlx.DB
	dialect dialect
	dsn     string // with the password: never in a text
	place   string // for texts
	schema  string
	mapping *mapping
	catalog *catalog // nil until ready
	lines   *lines   // nil for a file
}

// catalog is what the database says of its tables.
type catalog struct {
	types  map[string]map[string]string // table -> column -> type for a CAST
	hasKey bool                         // the table lockstep_key is installed
	hasID  bool                         // the table lockstep_meta is installed
}

// querier is a pool or a transaction.
type querier interface {
	QueryxContext(ctx context.Context, query string, args ...any) (*sqlx.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// ready reads the catalogue once and holds the mapping against it.
func (d *database) ready(ctx context.Context) error {
	if d.catalog != nil {
		return nil
	}
	c := &catalog{types: map[string]map[string]string{}}
	for _, name := range d.mapping.tableNames() {
		columns, err := d.columns(ctx, name)
		if err != nil {
			return err
		}
		c.types[name] = columns
	}
	for name, has := range map[string]*bool{keyTable: &c.hasKey, metaTable: &c.hasID} {
		columns, err := d.columns(ctx, name)
		if err != nil {
			return err
		}
		*has = len(columns) > 0
	}
	if err := d.mapping.checkCatalog(c); err != nil {
		return err
	}
	if err := d.checkKeys(ctx); err != nil {
		return err
	}
	d.catalog = c
	return nil
}

// columns returns a table's columns with their types; none = there is no such
// table. Types come without their length: casting to varchar(10) would cut a
// long text off silently, where storing it is refused.
func (d *database) columns(ctx context.Context, name string) (map[string]string, error) {
	query, arg := `SELECT name, '' FROM pragma_table_info(?)`, name
	if d.dialect.name == postgresName {
		query, arg = `SELECT attname, format_type(atttypid, -1) FROM pg_attribute
			WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped`, quote(name)
	}
	rows, err := d.texts(ctx, d.db, 2, query, arg)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r[0].String] = r[1].String
	}
	return out, nil
}

// checkKeys wants a unique index on each key column: without one two creates
// at once would make two items.
func (d *database) checkKeys(ctx context.Context) error {
	for _, t := range d.mapping.tables() {
		if t.Key == "" {
			continue
		}
		query := `SELECT 1 FROM pragma_index_list(?) l WHERE l."unique" = 1 AND l.partial = 0
			AND (SELECT group_concat(i.name, ',') FROM pragma_index_info(l.name) i) = ?`
		args := []any{t.Table, t.Key}
		if d.dialect.name == postgresName {
			query = `SELECT 1 FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
				WHERE x.indrelid = to_regclass(?) AND x.indisunique AND x.indnkeyatts = 1 AND x.indpred IS NULL AND a.attname = ?`
			args[0] = quote(t.Table)
		}
		rows, err := d.texts(ctx, d.db, 1, query, args...)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return badMapping("%s, line %d: %s.key: the column %s has no unique index, so that two creates at once could make two items. Add one.",
				d.mapping.file, d.mapping.line(string(t.kind), "key"), t.kind, t.Key)
		}
	}
	return nil
}

// texts runs a query and returns its rows, every value as text.
func (d *database) texts(ctx context.Context, q querier, width int, query string, args ...any) ([][]sql.NullString, error) {
	defer d.bounded(ctx)()
	var rows *sqlx.Rows
	err := d.whenFree(ctx, func() (err error) {
		rows, err = q.QueryxContext(ctx, d.dialect.bind(query), args...) //nolint:sqlclosecheck // closed below
		return err
	})
	if err != nil {
		return nil, d.classify(err)
	}
	defer func() { _ = rows.Close() }()
	var out [][]sql.NullString
	for rows.Next() {
		row := make([]sql.NullString, width)
		targets := make([]any, width)
		for i := range row {
			targets[i] = &row[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, d.classify(ended(ctx, err))
		}
		out = append(out, row)
	}
	return out, d.classify(ended(ctx, rows.Err()))
}

// exec runs a statement and returns how many rows it wrote.
func (d *database) exec(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	defer d.bounded(ctx)()
	res, err := q.ExecContext(ctx, d.dialect.bind(query), args...)
	if err != nil {
		return 0, d.classify(ended(ctx, err))
	}
	n, err := res.RowsAffected()
	return n, d.classify(err)
}

// read runs f in a transaction that sees one state of the database.
func (d *database) read(ctx context.Context, f func(tx *sqlx.Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if d.dialect.name == postgresName {
		opts.Isolation = sql.LevelRepeatableRead
	}
	return d.transact(ctx, opts, f)
}

// write runs f in a transaction that may write.
func (d *database) write(ctx context.Context, f func(tx *sqlx.Tx) error) error {
	return d.transact(ctx, nil, f)
}

func (d *database) transact(ctx context.Context, opts *sql.TxOptions, f func(tx *sqlx.Tx) error) error {
	defer d.bounded(ctx)()
	var tx *sqlx.Tx
	err := d.whenFree(ctx, func() (err error) {
		tx, err = d.db.BeginTxx(ctx, opts)
		return err
	})
	if err != nil {
		return d.classify(err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // what f says matters more
		return err
	}
	return d.classify(ended(ctx, tx.Commit()))
}

// typeOf returns a column's type for a CAST; "" on SQLite.
func (d *database) typeOf(table, column string) string { return d.catalog.types[table][column] }

// tableNames lists the tables of a mapping, each once, sorted.
func (m *mapping) tableNames() []string {
	var out []string
	if m.Users != nil {
		out = append(out, m.Users.Table)
	}
	for _, t := range m.tables() {
		out = append(out, t.Table)
		if t.Deleted != nil && t.Deleted.Table != "" {
			out = append(out, t.Deleted.Table)
		}
		for _, f := range t.Fields {
			if f.Rows != nil {
				out = append(out, f.Rows.Table)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// checkCatalog wants every mapped table and column to exist.
func (m *mapping) checkCatalog(c *catalog) error {
	for _, use := range m.uses() {
		columns := c.types[use.table]
		if len(columns) == 0 && m.reference {
			return issue.Fault("sqlcrm.no-tables")
		}
		if len(columns) == 0 {
			path := append(slices.Clone(use.path[:len(use.path)-1]), "table")
			return badMapping("%s: %s: there is no table %s. Names are case-sensitive.", m.place(path), strings.Join(path, "."), use.table)
		}
		if _, ok := columns[use.column]; !ok {
			return badMapping("%s: %s: the table %s has no column %s. Names are case-sensitive.", m.place(use.path), strings.Join(use.path, "."), use.table, use.column)
		}
	}
	return nil
}

// aboutItem reports whether err concerns one item and not the whole database.
func aboutItem(err error) bool {
	var f *fault.Fault
	return errors.As(err, &f) && f.Scope == fault.Item
}
