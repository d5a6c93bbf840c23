package store

import (
	"context"
	"time"
)

// Upkeep keeps the database from growing for ever.
type Upkeep interface {
	// Sweep deletes at most limit rows of each sort that nobody needs any more,
	// and returns how many that were; 0 = there are no more. These go:
	// plans that were only shown, or overtaken before they were ready, after a
	// day; plans that were ready, finished requests and the records of rounds (but
	// a mailbox's last) after thirty days; edit conflicts KeepConflicts, issues
	// and alerts, with the notices of them, KeepIssues after they ended; items that are gone and linked
	// nowhere, and bodies that nothing refers to and nobody named, after a day.
	Sweep(ctx context.Context, now time.Time, limit int) (int64, error)
}
