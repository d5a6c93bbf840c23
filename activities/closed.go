package activities

import (
	"context"
	"slices"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// closedFor is a collection that cannot be read, and why.
func closedFor(c model.Collection, f *fault.Fault) store.ClosedCollection {
	return store.ClosedCollection{Collection: c, Code: f.Code, Message: f.Message, Evidence: f.Evidence, State: needs(f.Code)}
}

// noteClosed tells people which collections could not be read, as issues
// (requirement S-01): the rest of the mailbox goes on. What is not there any more
// is no trouble: the mailbox is asked which collections it has, and one that it
// does not name is simply not read again. One that it still names is an issue.
func (a *Activities) noteClosed(ctx context.Context, m mailbox, r *reader, known bool) error {
	if len(r.closed) == 0 && !known {
		return nil
	}
	if slices.ContainsFunc(r.closed, missingNow) {
		if err := a.discover(ctx, r.s, r.connection, r.mailbox); err != nil {
			return err
		}
		all, err := a.Store.Collections(ctx, r.connection, r.mailbox)
		if err != nil {
			return err
		}
		gone := func(c store.ClosedCollection) bool {
			return slices.ContainsFunc(all, func(o store.Collection) bool { return o.Missing && o.ID == c.ID && o.Kind == c.Kind })
		}
		for _, c := range r.closed {
			if gone(c) {
				r.read = append(r.read, c.Collection) // nothing of it is to be told any more
			}
		}
		if r.closed = slices.DeleteFunc(r.closed, gone); len(r.closed) == 0 {
			r.trouble = ""
		}
	}
	return a.Store.NoteCollections(ctx, m.ID, store.CollectionNews{Closed: r.closed, Read: r.read, Now: a.Now()})
}

// missingNow reports whether a collection was not there when it was read.
func missingNow(c store.ClosedCollection) bool {
	e, ok := issue.Lookup(c.Code)
	return ok && e.Class == fault.NotFound
}
