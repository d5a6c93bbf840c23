package sqlcrm

import (
	"context"
	"maps"
	"slices"
	"strings"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// writing is one row about to be written.
type writing struct {
	op      operation
	id      string
	current *row // nil for a new one
	changes changes
}

// change carries out updates, stamps and deletes. The rows are locked and read
// first; each condition is judged on what is then stored.
func (b *batch) change(ctx context.Context, q querier) error {
	ops := b.of(model.Update, model.Delete, model.Stamp)
	ids := make([]string, 0, len(ops))
	for _, op := range ops {
		ids = append(ids, op.Ref.ID)
	}
	rows, err := b.load(ctx, q, b.table, ids, true)
	if err != nil {
		return err
	}
	people, err := b.people(ctx, q, b.table, rows)
	if err != nil {
		return err
	}
	var updates []writing
	var deletes []string
	for _, op := range ops {
		r := rows[op.Ref.ID]
		if err := b.permits(op, r, people); err != nil {
			b.refuse(op.at, err)
			continue
		}
		if op.Action == model.Delete {
			if r != nil && !b.table.dead(r) {
				deletes = append(deletes, op.Ref.ID)
			}
			b.done(op.at, op.Ref.ID)
			continue
		}
		w, err := b.prepare(op, r)
		if err != nil {
			b.refuse(op.at, err)
			continue
		}
		updates = append(updates, w)
		b.done(op.at, op.Ref.ID)
	}
	if err := b.updateAll(ctx, q, updates); err != nil {
		return err
	}
	return b.deleteAll(ctx, q, deletes)
}

// permits judges an operation on the row that is stored.
func (b *batch) permits(op operation, r *row, people map[string]string) error {
	if r == nil || b.table.dead(r) {
		if op.Action == model.Delete {
			return nil // gone is what was asked for
		}
		return issue.Fault("sqlcrm.missing")
	}
	if now := b.table.item(r, people).Ref.Version; op.Expect != "" && op.Expect != now {
		return issue.Fault("sqlcrm.changed")
	}
	return nil
}

// prepare converts an update's named fields, or a stamp.
func (b *batch) prepare(op operation, r *row) (writing, error) {
	w := writing{op: op, id: op.Ref.ID, current: r}
	if op.Action == model.Stamp {
		w.changes.columns = map[string]stored{}
		if b.table.Key != "" {
			key := string(op.Key)
			w.changes.columns[b.table.Key] = &key
		}
		return w, nil
	}
	var err error
	w.changes, err = b.convert(b.table, op.Content, op.Changed, r)
	return w, err
}

// updateAll writes rows, those with the same columns in one statement, then
// their side rows.
func (b *batch) updateAll(ctx context.Context, q querier, all []writing) error {
	groups := map[string][]writing{}
	for _, w := range all {
		name := strings.Join(slices.Sorted(maps.Keys(w.changes.columns)), "\x00")
		groups[name] = append(groups[name], w)
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		group := groups[name]
		columns := slices.Sorted(maps.Keys(group[0].changes.columns))
		for chunk := range slices.Chunk(group, maxParams/(len(columns)+1)) {
			if err := b.updateSome(ctx, q, columns, chunk); err != nil {
				return err
			}
		}
	}
	for _, w := range all {
		if w.op.Action == model.Stamp && b.table.Key == "" {
			if err := b.restamp(ctx, q, w); err != nil {
				return err
			}
		}
	}
	return b.writeSides(ctx, q, all)
}

// updateSome writes one set of columns of several rows. Without columns it
// only raises the version, because side rows are going to change.
func (b *batch) updateSome(ctx context.Context, q querier, columns []string, some []writing) error {
	t := b.table
	var sets []string
	row := "(" + b.dialect.param(b.typeOf(t.Table, t.ID))
	for i, c := range columns {
		sets = append(sets, quote(c)+" = v.column"+number(i+2))
		row += ", " + b.dialect.param(b.typeOf(t.Table, c))
	}
	row += ")"
	if raise := b.raise(len(columns) == 0 && anySides(some)); raise != "" {
		sets = append(sets, raise)
	}
	if len(sets) == 0 || (len(columns) == 0 && !anySides(some)) {
		return nil
	}
	var args []any
	for _, w := range some {
		args = append(args, w.id)
		for _, c := range columns {
			args = append(args, w.changes.columns[c])
		}
	}
	rows := strings.TrimSuffix(strings.Repeat(row+",", len(some)), ",")
	_, err := b.exec(ctx, q, "UPDATE "+quote(t.Table)+" AS t SET "+strings.Join(sets, ", ")+
		" FROM (VALUES "+rows+") AS v WHERE t."+quote(t.ID)+" = v.column1", args...)
	return err
}

// raise is the assignment that changes the version: ours where the database
// has no trigger for it, else only where nothing else would fire that trigger.
func (b *batch) raise(alone bool) string {
	v := b.table.Version
	switch {
	case v == nil:
		return ""
	case v.Set == "lockstep":
		return quote(v.Column) + " = " + b.dialect.now(b.typeOf(b.table.Table, v.Column))
	case alone:
		return quote(v.Column) + " = t." + quote(v.Column)
	}
	return ""
}

func anySides(all []writing) bool {
	return slices.ContainsFunc(all, func(w writing) bool { return len(w.changes.rows) > 0 })
}

// restamp gives an item another key in lockstep_key.
func (b *batch) restamp(ctx context.Context, q querier, w writing) error {
	kind := string(b.table.kind)
	if _, err := b.exec(ctx, q, "DELETE FROM "+keyTable+" WHERE kind = ? AND id = ?", kind, w.id); err != nil {
		return err
	}
	_, err := b.exec(ctx, q, "INSERT INTO "+keyTable+" (kind, id, key) VALUES (?, ?, ?)", kind, w.id, string(w.op.Key))
	return err
}

// deleteAll deletes rows, or marks them as deleted.
func (b *batch) deleteAll(ctx context.Context, q querier, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	t := b.table
	where, args := b.among(quote(t.ID), b.typeOf(t.Table, t.ID), ids)
	if d := t.Deleted; d != nil && d.Column != "" {
		set := quote(d.Column) + " = " + b.dialect.param(b.typeOf(t.Table, d.Column))
		if t.Version.Set == "lockstep" {
			set += ", " + b.raise(false)
		}
		_, err := b.exec(ctx, q, "UPDATE "+quote(t.Table)+" SET "+set+" WHERE "+where, append([]any{d.Value}, args...)...)
		return err
	}
	for _, name := range t.names {
		// A database of somebody else's need not delete side rows by itself.
		if s := t.Fields[name].Rows; s != nil && !b.mapping.reference {
			children, args := b.among(quote(s.Parent), b.typeOf(s.Table, s.Parent), ids)
			if _, err := b.exec(ctx, q, "DELETE FROM "+quote(s.Table)+" WHERE "+children, args...); err != nil {
				return err
			}
		}
	}
	_, err := b.exec(ctx, q, "DELETE FROM "+quote(t.Table)+" WHERE "+where, args...)
	return err
}
