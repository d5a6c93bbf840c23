package activities

import (
	"context"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// doubted fetches once more what a page showed otherwise than we had written it
// right before: the page may have been older than our write, or show what
// somebody did after it. What is not there any more is gone.
func (r *reader) doubted(ctx context.Context) error {
	lag := r.s.caps.Kinds[model.Contact].Lag
	for _, k := range r.s.caps.Kinds {
		lag = max(lag, k.Lag)
	}
	refs, err := r.a.Store.Doubted(ctx, r.connection, r.mailbox, r.a.Now().Add(-lag))
	if err != nil || len(refs) == 0 {
		return err
	}
	all, err := r.a.Store.Collections(ctx, r.connection, r.mailbox)
	if err != nil {
		return err
	}
	for _, c := range all {
		mine := slices.DeleteFunc(slices.Clone(refs), func(f model.Ref) bool { return f.Kind != c.Kind || f.Collection != c.ID })
		for batch := range slices.Chunk(mine, max(r.s.caps.Kinds[c.Kind].FetchBatch, 1)) {
			if c, err = r.reread(ctx, c, batch); err != nil {
				return err
			}
		}
	}
	return nil
}

// reread fetches items of one collection and saves what they are now.
func (r *reader) reread(ctx context.Context, c store.Collection, refs []model.Ref) (store.Collection, error) {
	in := store.PageIn{Connection: r.connection, Mailbox: r.mailbox, Collection: c, Cursor: c.Cursor, ReadAt: r.asOf(c.Kind)}
	items, err := r.s.Fetch(ctx, refs)
	if err != nil {
		return c, err
	}
	in.Gone = missing(refs, items)
	for _, it := range items {
		if it.Ref.Collection == c.ID { // else its new collection tells
			in.Items = append(in.Items, it)
		}
	}
	err = r.save(ctx, &in)
	return in.Collection, err
}
