package sqlcrm

import (
	"context"
	"database/sql"
	"iter"
	"maps"
	"slices"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Changes yields what changed since a cursor; an empty one lists everything.
// Where deletions leave no trace every read is a full listing, of ids and
// versions after the first.
func (s *session) Changes(ctx context.Context, c model.Collection, since model.Cursor) iter.Seq2[connector.Page, error] {
	return s.pages(ctx, c, since, func(t *table, at cursor) (cursor, error) {
		switch {
		case since == "":
			at.Mode = listing
			return s.beginListing(ctx, t, at)
		case at.Mode == names:
			return at, deadCursor("The resume position is one of a listing.")
		case at.Mode == delta && (t.Version == nil || t.Deleted == nil):
			at.Mode = relisting
			return s.beginListing(ctx, t, at)
		case at.Mode == delta:
			return at, s.checkHigh(ctx, t, at)
		}
		return at, nil
	})
}

// List yields ids and versions of everything.
func (s *session) List(ctx context.Context, c model.Collection, resume model.Cursor) iter.Seq2[connector.Page, error] {
	return s.pages(ctx, c, resume, func(_ *table, at cursor) (cursor, error) {
		if resume == "" {
			at.Mode = names
		}
		if at.Mode != names {
			return at, deadCursor("The resume position is not one of a listing.")
		}
		return at, nil
	})
}

// pages reads pages from where begin says.
func (s *session) pages(ctx context.Context, c model.Collection, since model.Cursor, begin func(*table, cursor) (cursor, error)) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		t, at, err := s.position(ctx, c, since)
		if err == nil {
			at, err = begin(t, at)
		}
		for err == nil {
			var p connector.Page
			if p, at, err = s.page(ctx, t, at); err != nil {
				break
			}
			p.Cursor = at.encode()
			if !yield(p, nil) || p.Last {
				return
			}
		}
		yield(connector.Page{}, err)
	}
}

// position decodes a cursor for a collection.
func (s *session) position(ctx context.Context, c model.Collection, since model.Cursor) (*table, cursor, error) {
	t, err := s.tableOf(ctx, c)
	if err != nil {
		return nil, cursor{}, err
	}
	epoch, err := s.epoch(ctx)
	if err != nil {
		return nil, cursor{}, err
	}
	if since == "" {
		return t, cursor{Epoch: epoch, Layout: t.layout()}, nil
	}
	at, err := decodeCursor(since, epoch, t.layout())
	return t, at, err
}

// page reads one page in a transaction of its own, so that items, side rows
// and the position belong together.
func (s *session) page(ctx context.Context, t *table, at cursor) (p connector.Page, next cursor, err error) {
	err = s.read(ctx, func(tx *sqlx.Tx) error {
		switch {
		case at.Mode != delta:
			p, next, err = s.listPage(ctx, tx, t, at)
		case t.Version.Transaction != "":
			p, next, err = s.settledPage(ctx, tx, t, at)
		default:
			p, next, err = s.deltaPage(ctx, tx, t, at)
		}
		return err
	})
	return p, next, err
}

// beginListing takes the position from which the delta goes on after a full
// listing: before the first page is read, so that nothing falls between.
func (s *session) beginListing(ctx context.Context, t *table, at cursor) (cursor, error) {
	at.After, at.Xid, at.Low, at.Trail = "", "", "", nil
	switch {
	case t.Version == nil || t.Deleted == nil:
		return at, nil
	case t.Version.Transaction != "":
		rows, err := s.texts(ctx, s.db, 1, "SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)")
		if err != nil {
			return at, err
		}
		at.Xid, at.Low = rows[0][0].String, "-1"
		return at, nil
	}
	high, err := s.highest(ctx, s.db, t)
	if err != nil {
		return at, err
	}
	mode := at.Mode
	at = at.advance(high, s.now(), t.Version.Overlap)
	at.Mode = mode
	return at, nil
}

// checkHigh notices that the database is older than the cursor: it was
// restored from a backup, and what is written now would be overlooked.
func (s *session) checkHigh(ctx context.Context, t *table, at cursor) error {
	var query string
	var args []any
	switch {
	case t.Version.Transaction != "":
		query, args = "SELECT CAST(CAST(? AS xid8) > pg_snapshot_xmax(pg_current_snapshot()) AS text)", []any{at.Xid}
	case at.Low != "":
		highest, more := s.highestQuery(t)
		query = "SELECT CAST(CASE WHEN h.v >= " + s.versionParam(t) + " THEN 0 ELSE 1 END AS text) FROM (" + highest + ") h"
		args = append([]any{at.Low}, more...)
	default:
		return nil
	}
	rows, err := s.texts(ctx, s.db, 1, query, args...)
	if err != nil {
		return err
	}
	if truth(rows[0][0].String) {
		return deadCursor("The CRM's database is older than what was read from it before: it was restored from a backup.")
	}
	return nil
}

// versionParam is a placeholder for a version. SQLite takes a number for
// smaller than any text, so a number has to say that it is one.
func (s *session) versionParam(t *table) string {
	if s.dialect.name == sqliteName && t.Version.Kind == "number" {
		return "CAST(? AS INTEGER)"
	}
	return s.dialect.param(s.typeOf(t.Table, t.Version.Column))
}

// listPage reads the next items by id.
func (s *session) listPage(ctx context.Context, q querier, t *table, at cursor) (connector.Page, cursor, error) {
	size := pageSize
	content := at.Mode == listing
	if !content {
		size = listSize
	}
	ids, versions, err := s.nextIDs(ctx, q, t, at.After, size+1)
	if err != nil {
		return connector.Page{}, at, err
	}
	p := connector.Page{Full: true, Last: len(ids) <= size}
	ids = ids[:min(len(ids), size)]
	if len(ids) > 0 {
		at.After = ids[len(ids)-1]
	}
	if !content && t.Version != nil && t.Version.Kind == "number" {
		for i, id := range ids {
			p.Changed = append(p.Changed, t.ref(id, versions[i]))
		}
	} else {
		p.Items, err = s.items(ctx, q, t, ids)
	}
	if !content {
		p.Changed = append(p.Changed, refsOf(p.Items)...)
		p.Items = nil
	}
	if p.Last && at.Mode != names {
		at.Mode, at.After = delta, ""
	}
	return p, at, err
}

// nextIDs returns living ids after one, in the database's order, with versions.
func (s *session) nextIDs(ctx context.Context, q querier, t *table, after string, n int) (ids, versions []string, err error) {
	id, versionColumn := "t."+quote(t.ID), "NULL"
	if t.Version != nil {
		versionColumn = "CAST(t." + quote(t.Version.Column) + " AS TEXT)"
	}
	only, args := s.fixed("t", t.Table, t.Fixed)
	if d := t.Deleted; d != nil && d.Column != "" {
		only += " AND " + s.living(t)
		args = append(args, d.Value)
	}
	if after != "" {
		only += " AND " + id + " > " + s.dialect.param(s.typeOf(t.Table, t.ID))
		args = append(args, after)
	}
	rows, err := s.texts(ctx, q, 2, "SELECT CAST("+id+" AS TEXT), "+versionColumn+" FROM "+quote(t.Table)+" t WHERE 1 = 1"+only+" ORDER BY "+id+" LIMIT ?", append(args, n)...)
	for _, r := range rows {
		ids, versions = append(ids, r[0].String), append(versions, r[1].String)
	}
	return ids, versions, err
}

// living is the condition that a row is not marked as deleted.
func (s *session) living(t *table) string {
	return "t." + quote(t.Deleted.Column) + " IS DISTINCT FROM " + s.dialect.param(s.typeOf(t.Table, t.Deleted.Column))
}

// told is one line of the feed.
type told struct {
	id, xid, version string
	gone             bool
}

// feed reads the changes that a condition on the columns xid, v and id selects,
// in order. Living rows and deletions come from one statement. The order names
// the columns as f.xid and f.v: without f they would be the texts.
func (s *session) feed(ctx context.Context, q querier, t *table, condition, order string, n int, args ...any) ([]told, error) {
	v, d := t.Version, t.Deleted
	xid := func(alias, column string) string {
		if column == "" {
			return "NULL AS xid"
		}
		return alias + "." + quote(column) + " AS xid"
	}
	gone, all := "0", []any{}
	if d.Column != "" {
		gone = "CASE WHEN " + s.living(t) + " THEN 0 ELSE 1 END"
		all = append(all, d.Value)
	}
	only, more := s.fixed("t", t.Table, t.Fixed)
	all = append(append(all, more...), args...)
	query := "SELECT id, CAST(xid AS TEXT), CAST(v AS TEXT), CAST(gone AS TEXT) FROM (" +
		"SELECT * FROM (SELECT CAST(t." + quote(t.ID) + " AS TEXT) AS id, " + xid("t", v.Transaction) + ", t." + quote(v.Column) + " AS v, " + gone + " AS gone FROM " + quote(t.Table) + " t WHERE 1 = 1" + only + ") a WHERE " + condition
	if d.Table != "" {
		buried, more := s.fixed("g", d.Table, d.Fixed)
		query += " UNION ALL SELECT * FROM (SELECT CAST(g." + quote(d.ID) + " AS TEXT) AS id, " + xid("g", d.Transaction) + ", g." + quote(d.Version) + " AS v, 1 AS gone FROM " + quote(d.Table) + " g WHERE 1 = 1" + buried + ") b WHERE " + condition
		all = append(append(all, more...), args...)
	}
	query += ") f ORDER BY " + order + " LIMIT ?"
	rows, err := s.texts(ctx, q, 4, query, append(all, n)...)
	return tellings(rows), err
}

func tellings(rows [][]sql.NullString) []told {
	out := make([]told, 0, len(rows))
	for _, r := range rows {
		out = append(out, told{id: r[0].String, xid: r[1].String, version: r[2].String, gone: truth(r[3].String)})
	}
	return out
}

// settledPage reads changes of transactions that have ended, as have all older
// ones: a transaction that commits late is told later and is never missed.
// pg_snapshot_xmin is the lowest transaction that is still under way
// (PostgreSQL manual, 9.27.8).
func (s *session) settledPage(ctx context.Context, q querier, t *table, at cursor) (connector.Page, cursor, error) {
	sqlType := s.typeOf(t.Table, t.Version.Column)
	lines, err := s.feed(ctx, q, t,
		"(xid, v) > (CAST(? AS xid8), CAST(? AS "+sqlType+")) AND xid < pg_snapshot_xmin(pg_current_snapshot())",
		"f.xid, f.v", pageSize+1, at.Xid, at.Low)
	if err != nil {
		return connector.Page{}, at, err
	}
	last := len(lines) <= pageSize
	lines = lines[:min(len(lines), pageSize)]
	if len(lines) > 0 {
		at.Xid, at.Low = lines[len(lines)-1].xid, lines[len(lines)-1].version
	}
	p, err := s.tell(ctx, q, t, lines, true)
	p.Last = last
	return p, at, err
}

// deltaPage reads changes by version alone. Where a transaction may commit
// below what was read already, an overlap is read again, as ids and versions:
// the caller knows which of them are news.
func (s *session) deltaPage(ctx context.Context, q querier, t *table, at cursor) (connector.Page, cursor, error) {
	param := s.versionParam(t)
	condition, args := "v IS NOT NULL", []any{}
	switch {
	case at.At != "":
		condition, args = "(v > "+param+" OR v = "+param+" AND id > ?)", []any{at.At, at.At, at.AtID}
	case at.Low != "":
		condition, args = "v > "+param, []any{at.Low}
	}
	lines, err := s.feed(ctx, q, t, condition, "f.v, f.id", pageSize+1, args...)
	if err != nil {
		return connector.Page{}, at, err
	}
	last := len(lines) <= pageSize
	lines = lines[:min(len(lines), pageSize)]
	p, err := s.tell(ctx, q, t, lines, t.Version.Overlap <= 0)
	p.Last = last
	high := at.At
	if len(lines) > 0 {
		high = lines[len(lines)-1].version
	}
	if last {
		return p, at.advance(high, s.now(), t.Version.Overlap), err
	}
	at.At, at.AtID = high, lines[len(lines)-1].id
	return p, at, err
}

// tell turns lines of the feed into a page, with content or without.
func (s *session) tell(ctx context.Context, q querier, t *table, lines []told, content bool) (connector.Page, error) {
	var p connector.Page
	var ids []string
	for _, l := range lines {
		switch {
		case l.gone:
			p.Gone = append(p.Gone, t.ref(l.id, ""))
		case !content && t.Version.Kind == "number":
			p.Changed = append(p.Changed, t.ref(l.id, l.version))
		default:
			ids = append(ids, l.id)
		}
	}
	items, err := s.items(ctx, q, t, ids)
	if content {
		p.Items = items
	} else {
		p.Changed = append(p.Changed, refsOf(items)...)
	}
	return p, err
}

// items loads living items in the order of ids.
func (d *database) items(ctx context.Context, q querier, t *table, ids []string) ([]model.Item, error) {
	rows, err := d.load(ctx, q, t, ids, false)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(rows, func(_ string, r *row) bool { return t.dead(r) })
	people, err := d.people(ctx, q, t, rows)
	if err != nil {
		return nil, err
	}
	out := make([]model.Item, 0, len(rows))
	for _, id := range ids {
		if r := rows[id]; r != nil {
			out = append(out, t.item(r, people))
		}
	}
	return out, nil
}

// dead reports whether a row is marked as deleted.
func (t *table) dead(r *row) bool {
	return t.Deleted != nil && t.Deleted.Column != "" && sameStored(r.text(t.Deleted.Column), t.Deleted.Value)
}

// sameStored compares a stored value with one of the mapping, where a boolean
// may be written in several ways.
func sameStored(stored, want string) bool {
	return stored == want || stored != "" && truth(stored) && truth(want)
}

// ref is the address of an item with a version that is a number.
func (t *table) ref(id, version string) model.Ref {
	r := model.Ref{Side: model.CRM, Kind: t.kind, Collection: string(t.kind), ID: id, Version: version}
	if version != "" {
		r.Version, r.Order = t.versionOf(&row{index: map[string]int{t.Version.Column: 0}, values: []sql.NullString{{String: version, Valid: true}}}, model.Item{})
	}
	return r
}

func refsOf(items []model.Item) []model.Ref {
	var out []model.Ref
	for _, it := range items {
		out = append(out, it.Ref)
	}
	return slices.Clip(out)
}
