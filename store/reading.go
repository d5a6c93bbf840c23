package store

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// Reading is what people look at.
type Reading interface {
	// Plan returns a mailbox's newest plan that was closed.
	Plan(ctx context.Context, id model.MailboxID) (PlanRow, error)
	// PlanHashed returns the newest plan of a mailbox that was closed with a
	// hash; plans that were replaced are kept for a day.
	PlanHashed(ctx context.Context, id model.MailboxID, hash string) (PlanRow, error)
	// PlanWrites lists a plan's operations from a number on, held or not.
	PlanWrites(ctx context.Context, planID string, after, limit int) ([]Planned, error)
	Rounds(ctx context.Context, id model.MailboxID, limit int) ([]Round, error)
	Issues(ctx context.Context, id model.MailboxID) ([]IssueRow, error)
	// Conflicts lists a mailbox's edit conflicts, newest first, ended or not.
	Conflicts(ctx context.Context, id model.MailboxID) ([]ConflictRow, error)
	// Conflict returns one: ErrNotFound.
	Conflict(ctx context.Context, id string) (ConflictRow, error)
	// Explain finds items by id, UID, exact title or name, on either side.
	Explain(ctx context.Context, id model.MailboxID, query string) ([]Explanation, error)
	// Progress counts a mailbox's items and links per kind.
	Progress(ctx context.Context, id model.MailboxID) ([]Progress, error)
}

// Explanation says why one item is as it is.
type Explanation struct {
	Entity   model.EntityID
	Kind     model.Kind
	State    plan.State
	Reason   string
	Title    string // title or name; only for those allowed to see it; none of a private item
	Private  bool
	CRM      *model.Ref
	Mail     *model.Ref
	Pending  bool
	Held     string // why a write of it waits for a person, "" = none does
	LastSync time.Time
	Fields   []string // fields in which the sides differ now
	Question bool     // both sides changed it, and a person was asked
	Writes   []Write  // the latest that made it what it is, newest first
	Issues   []IssueRow
}

// LatestWrites is how many writes an explanation names.
const LatestWrites = 5

// Progress is how far one kind has come.
type Progress struct {
	Kind              model.Kind
	CRMItems          int
	MailItems         int
	Linked            int
	Skipped           int
	Pending           int
	OpenIssues        int
	CreatedCRM        int // by our own writes, ever
	CreatedMail       int
	OpenConflicts     int
	OperationsWaiting int
}
