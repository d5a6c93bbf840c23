package store

import (
	"context"

	"lockstep.dev/model"
)

// Filtering is what the store does about a change of what a system is asked
// for (requirement B19).
type Filtering interface {
	// SetFilter notes what the collections of a mailbox, or of a CRM, are
	// selected by. Those that were read under another filter are listed in full
	// again, and what that listing does not name has left: it is no deletion.
	SetFilter(ctx context.Context, c model.ConnectionID, m model.MailboxID, filter string) error
}
