package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Counting is what those who watch over everything look at.
type Counting interface {
	// Standing counts how everything stands. It is asked for often, so it reads
	// no item and its answer grows with the number of connections and codes only.
	Standing(ctx context.Context) (Standing, error)
}

// Standing is how everything stands, in numbers. It names connections and codes,
// never a mailbox.
type Standing struct {
	Mailboxes []MailboxCount
	Behind    []Behind
	Issues    []CodeCount // open ones
	Alerts    []CodeCount // open ones: somebody must act
}

// MailboxCount is how many mailboxes of a mail connection are in one state.
type MailboxCount struct {
	Connection string // its name
	State      model.MailboxState
	Number     int
}

// Behind is how far the active mailboxes of a mail connection are behind.
type Behind struct {
	Connection string // its name
	// Success is the oldest latest success of all of them; the time of its
	// creation counts for a mailbox that never had one.
	Success time.Time
	// Waiting is the same of those with changes that are not applied; zero = none
	// has any.
	Waiting time.Time
}

// CodeCount is how many there are of one code of the catalogue.
type CodeCount struct {
	Code  string
	Count int
}
