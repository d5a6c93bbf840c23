package activities

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// hydrate fetches the content of refs whose version we do not hold. A server
// may name ten thousand of them in one page; they are fetched a few batches at
// a time and saved as they come, under the cursor as it was, so that memory
// does not grow with the mailbox. What is missing by now is not a deletion: its
// tombstone will come (algorithm 1.7).
func (r *reader) hydrate(ctx context.Context, refs []model.Ref, in *store.PageIn) error {
	if len(refs) == 0 {
		return nil
	}
	unknown, err := r.a.Store.Unknown(ctx, r.connection, r.mailbox, refs)
	if err != nil {
		return err
	}
	in.Listed = without(refs, unknown)
	if len(unknown) == 0 {
		return nil
	}
	fetching, stop := context.WithCancel(ctx)
	groups := make(chan hydrated, 1)
	fetched := make(chan error, 1)
	go func() {
		defer close(groups)
		fetched <- r.fetchGroups(fetching, in.Collection.Kind, unknown, groups)
	}()
	err = r.saveGroups(ctx, in, groups)
	// Nothing may go on fetching once this attempt has ended.
	stop()
	for range groups {
	}
	if err != nil {
		return err
	}
	return <-fetched
}

// hydrated is what a few batches brought: items, and refs that were listed but
// could not be fetched.
type hydrated struct {
	items   []model.Item
	missing []model.Ref
}

// saveGroups saves all groups but the last, which the caller saves together
// with the page's cursor.
func (r *reader) saveGroups(ctx context.Context, in *store.PageIn, groups <-chan hydrated) error {
	var held *hydrated
	for group := range groups {
		if held != nil {
			part := store.PageIn{
				Connection: in.Connection, Mailbox: in.Mailbox, Collection: in.Collection, Items: held.items, Listed: held.missing,
				Cursor: in.Collection.Cursor, Full: in.Full, ReadAt: in.ReadAt,
			}
			if err := r.save(ctx, &part); err != nil {
				return err
			}
			in.Collection = part.Collection
		}
		held = &group
	}
	if held != nil {
		in.Items, in.Listed = append(in.Items, held.items...), append(in.Listed, held.missing...)
	}
	return nil
}

// fetchGroups fetches as many batches at once as the system takes and hands
// them on together.
func (r *reader) fetchGroups(ctx context.Context, kind model.Kind, refs []model.Ref, out chan<- hydrated) error {
	can := r.s.caps.Kinds[kind]
	batch, parallel := max(can.FetchBatch, 1), max(can.Parallel, 1)
	for group := range slices.Chunk(refs, batch*parallel) {
		parts := make([][]model.Item, parallel)
		var g errgroup.Group
		for n, refs := range slices.Collect(slices.Chunk(group, batch)) {
			g.Go(func() error {
				items, err := r.s.Fetch(ctx, refs)
				parts[n] = items
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		items := slices.Concat(parts...)
		select {
		case out <- hydrated{items: items, missing: missing(group, items)}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
