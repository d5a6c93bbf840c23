package sqlcrm

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// create carries out creates. What exists under a key already is done; what
// was created under it and deleted since is refused, so that a deletion is not
// undone by a repeated request.
func (b *batch) create(ctx context.Context, q querier) error {
	if err := b.refuseBuried(ctx, q); err != nil {
		return err
	}
	var fresh []writing
	for _, op := range b.of(model.Create) {
		c, err := b.convert(b.table, op.Content, b.table.names, nil)
		if err != nil {
			b.refuse(op.at, err)
			continue
		}
		b.complete(op, c.columns)
		fresh = append(fresh, writing{op: op, changes: c})
	}
	fresh, err := b.claim(ctx, q, fresh)
	if err != nil {
		return err
	}
	inserted, err := b.insert(ctx, q, fresh)
	if err != nil {
		return err
	}
	for _, w := range inserted {
		b.done(w.op.at, w.id)
	}
	if err := b.writeSides(ctx, q, inserted); err != nil {
		return err
	}
	return b.adopt(ctx, q)
}

// refuseBuried refuses keys whose items have a tombstone.
func (b *batch) refuseBuried(ctx context.Context, q querier) error {
	d, ops := b.table.Deleted, b.of(model.Create)
	if len(ops) == 0 || d == nil || d.Table == "" || d.Key == "" {
		return nil
	}
	where, args := b.among("g."+quote(d.Key), b.typeOf(d.Table, d.Key), opKeys(ops))
	only, more := b.fixed("g", d.Table, d.Fixed)
	rows, err := b.texts(ctx, q, 1, "SELECT CAST(g."+quote(d.Key)+" AS TEXT) FROM "+quote(d.Table)+" g WHERE "+where+only, append(args, more...)...)
	if err != nil {
		return err
	}
	for _, op := range ops {
		for _, r := range rows {
			if r[0].String == string(op.Key) {
				b.refuse(op.at, keyUsed())
			}
		}
	}
	return nil
}

func keyUsed() error {
	return issue.Fault("sqlcrm.key-used")
}

// claim returns the creates that are ours to carry out, with the ids to use
// ("" = the database's choice). Where keys stand in lockstep_key, claiming one
// writes it there; a key column is claimed by the insert itself.
func (b *batch) claim(ctx context.Context, q querier, fresh []writing) ([]writing, error) {
	var args []any
	for i := range fresh {
		if b.table.NewID != "database" {
			fresh[i].id = uuid.NewString()
		}
		args = append(args, string(b.table.kind), string(fresh[i].op.Key), fresh[i].id)
	}
	if b.table.Key != "" || len(fresh) == 0 {
		return fresh, nil
	}
	values := strings.TrimSuffix(strings.Repeat("(?, ?, ?),", len(fresh)), ",")
	rows, err := b.texts(ctx, q, 1, "INSERT INTO "+keyTable+" (kind, key, id) VALUES "+values+" ON CONFLICT (kind, key) DO NOTHING RETURNING key", args...)
	won := map[string]bool{}
	for _, r := range rows {
		won[r[0].String] = true
	}
	return slices.DeleteFunc(fresh, func(w writing) bool { return !won[string(w.op.Key)] }), err
}

// complete adds what is not content: key, UID, owner and fixed columns.
func (b *batch) complete(op operation, columns map[string]stored) {
	put := func(column, v string) {
		if column != "" && v != "" {
			columns[column] = &v
		}
	}
	uid := op.UID
	if uid == "" {
		uid = uuid.NewSHA1(uuid.NameSpaceOID, []byte(op.Key)).String()
	}
	put(b.table.Key, string(op.Key))
	put(b.table.UID, uid)
	put(b.table.Owner, op.Actor)
	for c, v := range b.table.Fixed {
		put(c, v)
	}
	maps.DeleteFunc(columns, func(_ string, v stored) bool { return v == nil })
}

// insert stores new rows and returns those that were not there already. The
// rows of one statement have the same columns; what only others of them have
// is empty.
func (b *batch) insert(ctx context.Context, q querier, fresh []writing) ([]writing, error) {
	if b.table.NewID == "database" && b.table.Key == "" {
		return b.insertEach(ctx, q, fresh)
	}
	columns := map[string]bool{}
	for _, w := range fresh {
		for c := range w.changes.columns {
			columns[c] = true
		}
	}
	names := slices.Sorted(maps.Keys(columns))
	var out []writing
	for chunk := range slices.Chunk(fresh, maxParams/(len(names)+1)) {
		some, err := b.insertSome(ctx, q, names, chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func (b *batch) insertSome(ctx context.Context, q querier, names []string, some []writing) ([]writing, error) {
	key := b.table.Key
	returning := []string{asText(b.table.ID), asText(key)}
	if key == "" {
		returning[1] = "NULL"
	}
	query, args := b.insertText(names, some)
	if key != "" {
		query += " ON CONFLICT (" + quote(key) + ") DO NOTHING"
	}
	rows, err := b.texts(ctx, q, 2, query+" RETURNING "+strings.Join(returning, ", "), args...)
	if err != nil {
		return nil, err
	}
	var out []writing
	for _, w := range some {
		for _, r := range rows {
			// By key where there is one: the database may have chosen the id.
			if key != "" && r[1].String == string(w.op.Key) || key == "" && r[0].String == w.id {
				w.id = r[0].String
				out = append(out, w)
			}
		}
	}
	return out, nil
}

// insertEach stores rows one by one: their ids are the database's choice, and
// nothing else tells the answers apart.
func (b *batch) insertEach(ctx context.Context, q querier, fresh []writing) ([]writing, error) {
	for i, w := range fresh {
		query, args := b.insertText(slices.Sorted(maps.Keys(w.changes.columns)), fresh[i:i+1])
		rows, err := b.texts(ctx, q, 1, query+" RETURNING "+asText(b.table.ID), args...)
		if err != nil {
			return nil, err
		}
		fresh[i].id = rows[0][0].String
		if _, err := b.exec(ctx, q, "UPDATE "+keyTable+" SET id = ? WHERE kind = ? AND key = ?", fresh[i].id, string(b.table.kind), string(w.op.Key)); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

func (b *batch) insertText(names []string, some []writing) (string, []any) {
	t := b.table
	var list, params []string
	if t.NewID != "database" {
		list, params = append(list, quote(t.ID)), append(params, b.dialect.param(b.typeOf(t.Table, t.ID)))
	}
	for _, c := range names {
		list, params = append(list, quote(c)), append(params, b.dialect.param(b.typeOf(t.Table, c)))
	}
	if v := t.Version; v != nil && v.Set == "lockstep" {
		list, params = append(list, quote(v.Column)), append(params, b.dialect.now(b.typeOf(t.Table, v.Column)))
	}
	var args []any
	for _, w := range some {
		if t.NewID != "database" {
			args = append(args, w.id)
		}
		for _, c := range names {
			args = append(args, w.changes.columns[c])
		}
	}
	row := "(" + strings.Join(params, ", ") + ")"
	return "INSERT INTO " + quote(t.Table) + " (" + strings.Join(list, ", ") + ") VALUES " +
		strings.TrimSuffix(strings.Repeat(row+",", len(some)), ","), args
}

// adopt answers creates whose key exists already.
func (b *batch) adopt(ctx context.Context, q querier) error {
	ops := b.of(model.Create)
	known, err := b.keyed(ctx, q, b.table, opKeys(ops))
	if err != nil {
		return err
	}
	rows, err := b.load(ctx, q, b.table, slices.Sorted(maps.Values(known)), false)
	if err != nil {
		return err
	}
	for _, op := range ops {
		id := known[string(op.Key)]
		if r := rows[id]; r == nil || b.table.dead(r) {
			b.refuse(op.at, keyUsed())
			continue
		}
		b.done(op.at, id)
		b.receipts[op.at].Existed = true
	}
	return nil
}

func opKeys(ops []operation) []string {
	out := make([]string, 0, len(ops))
	for _, op := range ops {
		out = append(out, string(op.Key))
	}
	return out
}
