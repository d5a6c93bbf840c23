package sqlcrm

import (
	"context"
	"slices"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// maxParams bounds the values of one statement; SQLite takes 32,766 and
// PostgreSQL 65,535.
const maxParams = 20000

// Apply carries out operations of one kind, all in one transaction. If one of
// them is refused by the database, each gets a transaction of its own, so that
// it does not sink the others.
func (s *session) Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	receipts := make([]model.Receipt, len(ops))
	if len(ops) == 0 {
		return receipts, nil
	}
	b := &batch{session: s, receipts: receipts}
	for i, op := range ops {
		if err := s.acceptable(op, ops[0].Ref.Kind); err != nil {
			b.refuse(i, err)
			continue
		}
		b.ops = append(b.ops, operation{Operation: op, at: i})
	}
	if len(b.ops) == 0 {
		return receipts, nil
	}
	b.table = s.mapping.of(b.ops[0].Ref.Kind)
	if !b.repeats() {
		err := b.run(ctx)
		if err != nil && !aboutItem(err) {
			return nil, err
		}
		if err == nil {
			return receipts, nil
		}
	}
	b.oneByOne(ctx)
	return receipts, nil
}

// acceptable refuses what no database needs to be asked about.
func (s *session) acceptable(op model.Operation, kind model.Kind) error {
	t := s.mapping.of(op.Ref.Kind)
	switch {
	case op.Ref.Kind != kind:
		return issue.Fault("sqlcrm.kinds", "one", string(kind), "other", string(op.Ref.Kind))
	case t == nil:
		return issue.Fault("sqlcrm.kind", "kind", string(op.Ref.Kind))
	case op.Ref.Collection != "" && op.Ref.Collection != string(t.kind):
		return issue.Fault("sqlcrm.collection", "collection", op.Ref.Collection)
	}
	switch op.Action {
	case model.Create, model.Stamp:
		if op.Key == "" {
			return issue.Fault("sqlcrm.no-key", "action", string(op.Action))
		}
		if t.Key == "" && !s.catalog.hasKey {
			return noKeys(t)
		}
		return nil
	case model.Update, model.Delete:
		return nil
	default:
		return issue.Fault("sqlcrm.action", "action", string(op.Action))
	}
}

// noKeys refuses creates where asking twice would create twice.
func noKeys(t *table) error {
	return issue.Fault("sqlcrm.no-key-column", "table", t.Table)
}

// operation is one with its place in the receipts.
type operation struct {
	model.Operation
	at int
}

// batch is operations on one table under way.
type batch struct {
	*session
	table    *table
	ops      []operation
	receipts []model.Receipt
}

// repeats reports whether two operations concern one item or key: they then
// have to be carried out one after the other.
func (b *batch) repeats() bool {
	seen := map[string]bool{}
	for _, op := range b.ops {
		name := "id " + op.Ref.ID
		if op.Action == model.Create {
			name = "key " + string(op.Key)
		}
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// run carries everything out in one transaction.
func (b *batch) run(ctx context.Context) error {
	b.clear()
	return b.write(ctx, func(tx *sqlx.Tx) error {
		if err := b.change(ctx, tx); err != nil {
			return err
		}
		if err := b.create(ctx, tx); err != nil {
			return err
		}
		return b.answer(ctx, tx)
	})
}

// clear forgets receipts of an attempt that was rolled back.
func (b *batch) clear() {
	for _, op := range b.ops {
		b.receipts[op.at] = model.Receipt{}
	}
}

// oneByOne gives each operation a transaction. When the database itself fails
// in the middle, what was not carried out by then is unknown.
func (b *batch) oneByOne(ctx context.Context) {
	for i, op := range b.ops {
		one := &batch{session: b.session, table: b.table, ops: []operation{op}, receipts: b.receipts}
		err := one.run(ctx)
		if err == nil {
			continue
		}
		if aboutItem(err) {
			b.refuse(op.at, err)
			continue
		}
		for _, rest := range b.ops[i:] {
			b.receipts[rest.at] = model.Receipt{Outcome: model.Unknown, Ref: rest.Ref, Err: err}
		}
		return
	}
}

func (b *batch) refuse(at int, err error) {
	b.receipts[at] = model.Receipt{Outcome: model.Refused, Err: err}
}

// done notes success; answer adds what is stored.
func (b *batch) done(at int, id string) {
	b.receipts[at] = model.Receipt{Outcome: model.Done, Ref: b.table.ref(id, "")}
}

// of returns the operations of the given actions that have no answer yet.
func (b *batch) of(actions ...model.Action) []operation {
	var out []operation
	for _, op := range b.ops {
		if b.receipts[op.at].Outcome == "" && slices.Contains(actions, op.Action) {
			out = append(out, op)
		}
	}
	return out
}

// answer reads back what is stored, so that receipts carry the version that the
// feed is going to tell, whatever triggers made of the write.
func (b *batch) answer(ctx context.Context, q querier) error {
	var ids []string
	for _, op := range b.ops {
		if r := b.receipts[op.at]; r.Outcome == model.Done && op.Action != model.Delete {
			ids = append(ids, r.Ref.ID)
		}
	}
	items, err := b.items(ctx, q, b.table, ids)
	if err != nil {
		return err
	}
	byID := make(map[string]*model.Item, len(items))
	for i := range items {
		byID[items[i].Ref.ID] = &items[i]
	}
	for _, op := range b.ops {
		r := &b.receipts[op.at]
		if it := byID[r.Ref.ID]; it != nil && r.Outcome == model.Done && op.Action != model.Delete {
			r.Ref, r.Item = it.Ref, it
		}
	}
	return nil
}
