package activities

import (
	"context"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// checkEvery is the number of rounds (or feed passes) after which a side is
// asked whether it is still the one we know, also where nothing changed.
const checkEvery = 12

// newestItems is how many items are looked at where a side has no marks.
const newestItems = 4

// begin lists everything in full, because the system was restored.
func (r *reader) begin(ctx context.Context) ([]store.Collection, error) {
	r.restored = true
	r.a.Log.WarnContext(ctx, "the system was restored from a backup; reading everything again", "connection", r.connection, "mailbox", r.mailbox)
	if err := r.a.Store.Restored(ctx, r.connection, r.mailbox); err != nil {
		return nil, err
	}
	return r.a.Store.Collections(ctx, r.connection, r.mailbox)
}

// witness asks, once for each reading that brings something, how far the
// collection has come. A system that was further once, or lives another life,
// was restored from a backup (algorithm 1.9a): nothing of the page is saved.
func (r *reader) witness(ctx context.Context, in *store.PageIn, ask bool) error {
	if !ask && !in.Collection.Restored {
		return nil
	}
	mark, err := r.mark(ctx, in.Collection)
	if mark != (store.HighWater{}) {
		in.Mark = &mark
	}
	return err
}

func (r *reader) mark(ctx context.Context, c store.Collection) (store.HighWater, error) {
	m, err := r.s.Probe(ctx, c.Collection)
	mark := store.HighWater{High: m.High, Epoch: m.Epoch}
	if err == nil && !c.Restored && mark.Before(c.Mark) {
		err = store.ErrRestored
	}
	return mark, err
}

// checked reads a collection's changes and, every so often, makes sure that the
// system is still the one we know: by its marks, or by the items we learnt last.
// Such an item that is missing or another one, while the changes do not tell, is
// the sign of a restore.
func (r *reader) checked(ctx context.Context, c store.Collection) error {
	if !r.check && !r.probe || !c.Complete || c.Restored || c.Cursor == "" {
		return r.changes(ctx, c, true)
	}
	mark, err := r.mark(ctx, c)
	if err != nil {
		return err
	}
	var odd []model.Ref
	if r.check && mark == (store.HighWater{}) && r.s.caps.Kinds[c.Kind].Lag <= 0 {
		if odd, _, err = r.newest(ctx, c); err != nil {
			return err
		}
	}
	if err := r.changes(ctx, c, false); err != nil || len(odd) == 0 {
		return err
	}
	held, err := r.a.Store.Newest(ctx, r.connection, r.mailbox, c.Collection, newestItems)
	if err != nil {
		return err
	}
	for _, o := range odd {
		if slices.Contains(held, o) {
			return store.ErrRestored // still as we thought it was
		}
	}
	return nil
}

// newest looks at the items of a collection that we learnt last: which of them
// are not there as we know them, and how many there are.
func (r *reader) newest(ctx context.Context, c store.Collection) (odd []model.Ref, looked int, err error) {
	known, err := r.a.Store.Newest(ctx, r.connection, r.mailbox, c.Collection, newestItems)
	if err != nil || len(known) == 0 {
		return nil, 0, err
	}
	items, err := r.s.Fetch(ctx, known)
	if err != nil {
		return nil, 0, err
	}
	for _, k := range known {
		same := func(it model.Item) bool { return it.Ref.ID == k.ID && it.Ref.Version == k.Version }
		if !slices.ContainsFunc(items, same) {
			odd = append(odd, k)
		}
	}
	return odd, len(known), nil
}

// expired judges a resume position that died. The marks tell whether the system
// was restored; where it has none, it is taken for restored if nothing of what
// we learnt last is there as we know it.
func (r *reader) expired(ctx context.Context, c store.Collection) error {
	if !c.Complete || c.Restored {
		return nil
	}
	mark, err := r.mark(ctx, c)
	if err != nil || mark != (store.HighWater{}) {
		return err
	}
	odd, looked, err := r.newest(ctx, c)
	if err == nil && looked > 0 && len(odd) == looked {
		err = store.ErrRestored
	}
	return err
}
