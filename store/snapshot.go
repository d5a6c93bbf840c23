package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Snapshotting holds full passes (requirements N-12 to N-18, B21). What one has
// still to look at is rows of ours, so it goes on where it stopped, whatever
// becomes of the process, and no item is looked at twice.
type Snapshotting interface {
	// StartSnapshot begins a full pass of a mailbox. With Reread its collections
	// are listed in full first; Hold is why its plan waits as a whole. ErrExists:
	// another one is under way.
	StartSnapshot(ctx context.Context, s Snapshot) error
	// Snapshot returns a mailbox's newest pass.
	Snapshot(ctx context.Context, id model.MailboxID) (Snapshot, error)
	// FillSnapshot notes what there is to look at, a page at a time, in the order
	// in which it is wanted: coming appointments first, the nearest before others.
	// It reports whether everything is noted.
	FillSnapshot(ctx context.Context, id model.MailboxID, now time.Time, limit int) (done bool, err error)
	// StageSnapshot makes the next items pending, so that the round that follows
	// decides them; it returns how many those are.
	StageSnapshot(ctx context.Context, id model.MailboxID, limit int) (int, error)
	// EndSnapshot ends the pass and its request; what it left undecided becomes
	// pending.
	EndSnapshot(ctx context.Context, id model.MailboxID, o RequestOutcome, message string, now time.Time) error
	// Analyze refreshes the statistics by which the database plans its queries.
	Analyze(ctx context.Context) error
}

// Snapshot is a full pass.
type Snapshot struct {
	Mailbox   model.MailboxID
	Request   string     // that asked for it
	Target    model.Side // the only side that is written, "" = both
	Overwrite bool
	Reread    bool
	Kinds     []model.Kind // none = all
	Since     time.Time    // only what is of that day or later; zero = everything
	Window    string       // hours in which stages begin, such as 22:00-06:00; "" = any
	Stage     int          // items of a stage, 0 = all at once
	Hold      string
	Begun     time.Time
	Filled    bool // everything to look at is noted
	Total     int  // items noted so far
	Left      int  // of those, not looked at yet
	Stages    int  // begun so far
	Ended     time.Time
}
