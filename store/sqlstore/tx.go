package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/store"
)

// attempts is how often a transaction that lost a race is repeated.
const attempts = 20

// tx is one transaction. Statements use ? everywhere.
type tx struct {
	ctx context.Context
	*sqlx.Tx
	dialect *dialect
	pool    *pool
}

// update runs f in one writing transaction and repeats it if the database says
// that it lost a race; f must therefore depend on nothing it changed outside.
// This is the only place that retries.
func (d *DB) update(ctx context.Context, what string, f func(*tx) error) error {
	return d.writing(ctx, what, d.dialect.begin, f)
}

// routing is update for what routes changes to mailboxes.
func (d *DB) routing(ctx context.Context, what string, f func(*tx) error) error {
	return d.writing(ctx, what, join(d.dialect.begin, d.dialect.route), f)
}

// registering is update for what adds or removes a mailbox.
func (d *DB) registering(ctx context.Context, what string, f func(*tx) error) error {
	return d.writing(ctx, what, join(d.dialect.begin, d.dialect.register), f)
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ";" + b
}

func (d *DB) writing(ctx context.Context, what, begin string, f func(*tx) error) error {
	var err error
	for i := range attempts {
		err = d.once(ctx, d.write, begin, f)
		if err == nil || !d.dialect.again(err) {
			break
		}
		if wait := pause(ctx, time.Duration(i)*5*time.Millisecond); wait != nil {
			break
		}
	}
	return wrap(what, err)
}

// view runs f in one reading transaction: what it reads fits together.
func (d *DB) view(ctx context.Context, what string, f func(*tx) error) error {
	return wrap(what, d.once(ctx, d.read, d.dialect.begin, f))
}

func (d *DB) once(ctx context.Context, p *pool, begin string, f func(*tx) error) error {
	if err := p.enter(ctx); err != nil {
		return err
	}
	defer p.leave()
	t, err := p.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // after a commit it does nothing
	if begin != "" {
		if _, err := t.ExecContext(ctx, begin); err != nil {
			return err
		}
	}
	if err := f(&tx{ctx: ctx, Tx: t, dialect: &d.dialect, pool: p}); err != nil {
		return err
	}
	return t.Commit()
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wrap names what was tried. The contract's own errors stay recognisable.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	var conflict *store.Conflict
	if errors.As(err, &conflict) {
		return conflict // its text is verbatim
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.count(query, args...)
	return err
}

// count runs a statement and returns how many rows it touched.
func (t *tx) count(query string, args ...any) (int64, error) {
	r, err := t.ExecContext(t.ctx, sqlx.Rebind(t.dialect.bind, query), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// get reads one row; sql.ErrNoRows becomes store.ErrNotFound in wrap.
func (t *tx) get(dest any, query string, args ...any) error {
	return t.GetContext(t.ctx, dest, sqlx.Rebind(t.dialect.bind, query), args...)
}

// list reads all rows.
func (t *tx) list(dest any, query string, args ...any) error {
	return t.SelectContext(t.ctx, dest, sqlx.Rebind(t.dialect.bind, query), args...)
}

// few is the number of parameters up to which a statement is not worth keeping.
const few = 64

func (t *tx) insertRows(s statement, width int, args []any) error {
	query := func() string {
		return sqlx.Rebind(t.dialect.bind, s.head+" VALUES "+list(group(width), s.rows)+" "+s.tail)
	}
	if len(args) <= few {
		_, err := t.ExecContext(t.ctx, query(), args...)
		return err
	}
	done, err := t.pool.statement(t.ctx, s, query)
	if err != nil {
		return err
	}
	_, err = t.StmtContext(t.ctx, done).ExecContext(t.ctx, args...)
	return err
}

// insert inserts many rows with as few statements as the parameters allow.
// head ends before VALUES, tail begins after the rows.
func (t *tx) insert(head string, rows [][]any, tail string) error {
	if len(rows) == 0 {
		return nil
	}
	width := len(rows[0])
	size := floor(t.dialect.params / width)
	for len(rows) > 0 {
		for size > len(rows) {
			size /= 2
		}
		args := make([]any, 0, size*width)
		for _, r := range rows[:size] {
			args = append(args, r...)
		}
		if err := t.insertRows(statement{head: head, tail: tail, rows: size}, width, args); err != nil {
			return err
		}
		rows = rows[size:]
	}
	return nil
}

// floor is the greatest power of two up to n, at least 1.
func floor(n int) int {
	size := 1
	for size*2 <= n {
		size *= 2
	}
	return size
}

func group(n int) string { return "(" + list("?", n) + ")" }

func list(of string, n int) string { return strings.TrimSuffix(strings.Repeat(of+",", n), ",") }

// many is the place in a query where the keys of a chunk are listed.
const many = "(?*)"

// each calls f with the query and arguments for one chunk of keys after the
// other. before and after are the arguments around the list. Such queries are
// not kept prepared: PostgreSQL would keep the plan it made for empty tables.
func each[K any](t *tx, text string, before []any, keys []K, after []any, f func(query string, args []any) error) error {
	size := max(t.dialect.params-len(before)-len(after), 1)
	for len(keys) > 0 {
		n := min(size, len(keys))
		args := append(make([]any, 0, len(before)+n+len(after)), before...)
		for _, k := range keys[:n] {
			args = append(args, k)
		}
		if err := f(strings.Replace(text, many, group(n), 1), append(args, after...)); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// listIn reads the rows for any number of keys.
func listIn[T, K any](t *tx, text string, before []any, keys []K, after ...any) ([]T, error) {
	var out []T
	err := each(t, text, before, keys, after, func(query string, args []any) error {
		var part []T
		if err := t.list(&part, query, args...); err != nil {
			return err
		}
		out = append(out, part...)
		return nil
	})
	return out, err
}

// execIn runs a statement for any number of keys.
func execIn[K any](t *tx, text string, before []any, keys []K, after ...any) (int64, error) {
	var n int64
	err := each(t, text, before, keys, after, func(query string, args []any) error {
		part, err := t.count(query, args...)
		n += part
		return err
	})
	return n, err
}

// some and no are conditions that a row exists, or does not. CASE keeps
// PostgreSQL from turning the look-up into a join of whole tables, which it
// does while it has no statistics: just after a first sync has filled them.
func some(query string) string { return `(CASE WHEN EXISTS (` + query + `) THEN 1 ELSE 0 END = 1)` }

func no(query string) string { return `(CASE WHEN EXISTS (` + query + `) THEN 1 ELSE 0 END = 0)` }

// micros is how times are stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant reads what micros wrote.
func instant(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMicro(v).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// null is a column's value for a key that may be none.
func null(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// nullText is a column's value for a text that may be none.
func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// newID makes an id that sorts by the time it was made.
func newID(prefix string) string {
	var b [10]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMicro())<<11) // 53 bits of time
	var random [4]byte
	_, _ = rand.Read(random[:]) // it never returns an error
	b[6] |= random[0] & 7
	copy(b[7:], random[1:])
	return prefix + "_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

// newMark makes the mark of a change: no two are equal, so that a pending row
// is recognised as the one that was read.
func newMark() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never returns an error
	return int64(binary.BigEndian.Uint64(b[:]) >> 1)
}

// updateFrom updates many rows from a list of values, which the statement calls
// v with column1, column2... PostgreSQL must be told their types. The arguments
// after belong to tail.
func (t *tx) updateFrom(head string, types []string, rows [][]any, tail string, after ...any) error {
	casts := make([]string, len(types))
	for i, name := range types {
		casts[i] = "CAST(? AS " + name + ")"
	}
	one := "(" + strings.Join(casts, ",") + ")"
	size := max((t.dialect.params-len(after))/len(types), 1)
	for len(rows) > 0 {
		n := min(size, len(rows))
		args := make([]any, 0, n*len(types)+len(after))
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if err := t.exec(head+" (VALUES "+list(one, n)+") AS v "+tail, append(args, after...)...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// clean is a text that both databases can hold: PostgreSQL refuses invalid UTF-8
// and zero bytes, and one odd item must not keep a whole page out.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
