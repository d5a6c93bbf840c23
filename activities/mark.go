package activities

import (
	"context"
	"iter"
	"slices"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// syncError is the category that people see on an item that cannot be synced;
// a second one says more (requirement L-12). Both are personal: they never reach
// the CRM.
const syncError = "Sync Error"

func categoriesOf(code string) []string { return []string{syncError, syncError + ": " + code} }

func ourCategory(category string) bool {
	return category == syncError || strings.HasPrefix(category, syncError+": ")
}

// unmarked is a mailbox's session that does not show our own categories, so that
// they are never taken for an edit.
type unmarked struct{ connector.Session }

// Unwrap implements what connector.As looks through.
func (u unmarked) Unwrap() connector.Session { return u.Session }

func strip(it *model.Item) {
	if it == nil {
		return
	}
	set := it.Content.Set("categories")
	if slices.ContainsFunc(set, func(e model.Element) bool { return ourCategory(e.Text) }) {
		it.Content = it.Content.Clone()
		it.Content.PutSet("categories", slices.DeleteFunc(slices.Clone(set), func(e model.Element) bool { return ourCategory(e.Text) }))
	}
}

func stripAll(items []model.Item) []model.Item {
	for i := range items {
		strip(&items[i])
	}
	return items
}

// Changes implements connector.Session.
func (u unmarked) Changes(ctx context.Context, c model.Collection, since model.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		for page, err := range u.Session.Changes(ctx, c, since) {
			page.Items = stripAll(page.Items)
			if !yield(page, err) {
				return
			}
		}
	}
}

// Fetch implements connector.Session.
func (u unmarked) Fetch(ctx context.Context, refs []model.Ref) ([]model.Item, error) {
	items, err := u.Session.Fetch(ctx, refs)
	return stripAll(items), err
}

// Apply implements connector.Session.
func (u unmarked) Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error) {
	receipts, err := u.Session.Apply(ctx, ops)
	for _, r := range receipts {
		strip(r.Item)
	}
	return receipts, err
}

// FindByKey implements connector.Session.
func (u unmarked) FindByKey(ctx context.Context, keys []model.Key) ([]model.Item, bool, error) {
	items, conclusive, err := u.Session.FindByKey(ctx, keys)
	return stripAll(items), conclusive, err
}

// mark puts our categories on the items in the mailbox whose issue is open, and
// takes them off those whose is not. It is written down before it is tried, and
// doing it twice is harmless. A system that does not take a mark is no reason to
// stop; it is not asked again for the same.
func (a *Activities) mark(ctx context.Context, m mailbox, l *lease) error {
	due, err := a.Store.Marks(ctx, m.ID, false)
	if err != nil || len(due) == 0 {
		return err
	}
	bound, cancel, err := l.renew(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	s, err := a.openMail(bound, m)
	if err != nil {
		return err
	}
	defer s.Close()
	marker, able := connector.As[connector.Marker](s.Session)
	for _, group := range alike(due) {
		if !able || group[0].State == store.MarkImpossible && group[0].Want == "" {
			err = a.noted(ctx, m, group, store.MarkImpossible)
		} else {
			err = a.markAlike(bound, m, marker, group)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// alike groups items that are marked in one way, so that each way is one call.
func alike(due []store.ItemMark) [][]store.ItemMark {
	var out [][]store.ItemMark
	for _, d := range due {
		i := slices.IndexFunc(out, func(g []store.ItemMark) bool {
			return g[0].Want == d.Want && g[0].Code == d.Code && g[0].State == d.State && g[0].Ref.Kind == d.Ref.Kind
		})
		if i < 0 {
			out = append(out, nil)
			i = len(out) - 1
		}
		out[i] = append(out[i], d)
	}
	return out
}

// noted saves that items are marked as they should be, as far as that goes.
func (a *Activities) noted(ctx context.Context, m mailbox, group []store.ItemMark, state store.MarkState) error {
	for i := range group {
		group[i].Code, group[i].State = group[i].Want, state
	}
	return a.Store.SaveMarks(ctx, m.ID, group)
}

func (a *Activities) markAlike(ctx context.Context, m mailbox, marker connector.Marker, group []store.ItemMark) error {
	want, had := group[0].Want, group[0].Code
	var refs []model.Ref
	for _, g := range group {
		if g.Ref.Collection != "" { // it is still there
			refs = append(refs, g.Ref)
		}
	}
	var add, remove []string
	if had != "" {
		remove = categoriesOf(had)
	}
	if want != "" {
		add = categoriesOf(want)
		remove = slices.DeleteFunc(remove, func(c string) bool { return slices.Contains(add, c) })
	}
	if want != "" && had == "" {
		if err := a.noted(ctx, m, slices.Clone(group), store.MarkBegun); err != nil {
			return err
		}
	}
	if len(refs) > 0 {
		if err := marker.Mark(ctx, refs, add, remove); err != nil {
			return a.notMarked(ctx, m, group, err)
		}
	}
	return a.noted(ctx, m, group, store.MarkPlaced)
}

// notMarked judges why items were not marked: what is the mailbox's trouble is
// the round's, what may pass is tried in the next round, the rest not again.
func (a *Activities) notMarked(ctx context.Context, m mailbox, group []store.ItemMark, err error) error {
	f := fault.Of(err)
	if f == nil || f.Scope.Wide() {
		return err
	}
	a.Log.WarnContext(ctx, "items not marked", "mailbox", m.ID, "issue", f.Code, "items", len(group))
	if again := fault.RuleOf(f.Class, f.Scope).Again; again == fault.Attempt || again == fault.Round && f.Scope == fault.Item {
		return nil
	}
	return a.noted(ctx, m, group, store.MarkImpossible)
}

// marksDue reports whether an item's mark is not as it should be: a process died
// on its way there, or a person ignored an issue.
func (a *Activities) marksDue(ctx context.Context, m mailbox, due store.Due) (bool, error) {
	if !m.Initialized || due.Issues+due.Marked == 0 {
		return false, nil
	}
	list, err := a.Store.Marks(ctx, m.ID, false)
	return len(list) > 0, err
}

// unlabel takes our categories off every item of a mailbox that is no longer
// synced.
func (a *Activities) unlabel(ctx context.Context, m mailbox, s connector.Session) error {
	all, err := a.Store.Marks(ctx, m.ID, true)
	marker, able := connector.As[connector.Marker](s)
	if err != nil || !able {
		return err
	}
	all = slices.DeleteFunc(all, func(k store.ItemMark) bool { return k.Code == "" || k.State == store.MarkImpossible })
	for i := range all {
		all[i].Want = ""
	}
	for _, group := range alike(all) {
		if err := a.markAlike(ctx, m, marker, group); err != nil {
			return err
		}
	}
	return nil
}
