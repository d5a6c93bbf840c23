package store

import (
	"context"

	"lockstep.dev/model"
)

// HighWater is how far a collection has come, as its system tells.
type HighWater struct {
	High  int64  // highest revision in the system's order; 0 = it has none
	Epoch string // changes when the collection was restored or made anew; "" = it has none
}

// Before reports whether a collection that now stands at this mark was further
// once, or lived another life: its system was restored from a backup.
func (h HighWater) Before(known HighWater) bool {
	return h.High < known.High && h.High > 0 || known.Epoch != "" && h.Epoch != "" && h.Epoch != known.Epoch
}

// Restoring deals with backups that were restored, of a system or of this
// database. For a CRM connection the mailbox is empty.
type Restoring interface {
	// Restored makes every collection of a place list in full next time because
	// its system was restored from a backup: no version counts as known, what
	// differs from what we knew is in doubt (plan.Doubt), and so is what is
	// missing. Items whose order is the same with the same content, and that were
	// known before the collection was last as expected, are intact: what is
	// missing with an order up to the highest of theirs was deleted before the
	// backup was made (the R-rule of algorithm 1.7).
	Restored(ctx context.Context, c model.ConnectionID, m model.MailboxID) error
	// DeclareRestored notes that this database itself was restored from a backup:
	// every mailbox and connection is behind until it was reread.
	DeclareRestored(ctx context.Context) error
	// Reread makes every collection of a place list in full next time because this
	// database was restored; the place is no longer behind. What differs from what
	// we knew, and what is missing, is in doubt: both sides may have agreed on it
	// since.
	Reread(ctx context.Context, c model.ConnectionID, m model.MailboxID) error
	// Newest returns the items of a collection that were learnt last, the newest
	// first, with the versions we hold.
	Newest(ctx context.Context, c model.ConnectionID, m model.MailboxID, of model.Collection, limit int) ([]model.Ref, error)
}
