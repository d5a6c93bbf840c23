package store

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// Issuing is what people do with issues: items that cannot be synced while
// everything else goes on (requirements S-01, B10). The engine opens, updates
// and closes them itself, in SaveChunk and Commit.
type Issuing interface {
	// FindIssues lists issues of all mailboxes, open ones first, newest first.
	FindIssues(ctx context.Context, f IssueFilter) ([]IssueRow, error)
	// RetryIssues has the items of open or ignored issues looked at again in the
	// next round, and returns how many issues and which mailboxes these are.
	RetryIssues(ctx context.Context, f IssueFilter) (int, []model.MailboxID, error)
	// NoteCollections opens an issue for each collection of a mailbox that could
	// not be read in a round, and closes those of collections that were. It
	// writes nothing where nothing is open and nothing is closed.
	NoteCollections(ctx context.Context, id model.MailboxID, in CollectionNews) error
	// IgnoreIssues closes open issues that a person accepts: the item stays as it
	// is, and the same trouble with it opens nothing again.
	IgnoreIssues(ctx context.Context, f IssueFilter, now time.Time) (int, error)
}

// CollectionNews is what a round learnt of a mailbox's collections.
type CollectionNews struct {
	Closed []ClosedCollection
	Read   []model.Collection
	Now    time.Time
}

// ClosedCollection is one that could not be read, and why.
type ClosedCollection struct {
	model.Collection
	Code, Message, Evidence string
	State                   IssueState // who has to act
}

// Over reports whether an issue of a collection is over: the collection was
// read, or it is closed for another reason now.
func (n CollectionNews) Over(kind model.Kind, id, code string) bool {
	for _, c := range n.Closed {
		if c.Kind == kind && c.ID == id {
			return c.Code != code
		}
	}
	for _, c := range n.Read {
		if c.Kind == kind && c.ID == id {
			return true
		}
	}
	return false
}

// IssueRow is an issue as stored.
type IssueRow struct {
	plan.Issue
	ID          string
	Mailbox     model.MailboxID
	State       IssueState
	Evidence    string // redacted raw proof
	First, Last time.Time
	Count       int // how often it was met in a row
	Open        bool
	Closed      time.Time // zero = it is open
}

// IssueState is where an issue stands in its life.
type IssueState string

// The states of an issue. The last two are closed.
const (
	IssueNew        IssueState = "new"      // met once, tried again by itself
	IssueRetrying   IssueState = "retrying" // met again, still tried by itself
	IssueNeedsUser  IssueState = "needs user"
	IssueNeedsAdmin IssueState = "needs admin"
	IssueResolved   IssueState = "resolved"
	IssueIgnored    IssueState = "ignored" // a person accepted it
)

// KeepIssues is how long resolved issues are kept.
const KeepIssues = 90 * 24 * time.Hour

// IssueFilter narrows a list of issues; zero fields do not.
type IssueFilter struct {
	ID      string
	Mailbox model.MailboxID
	Code    string
	Kind    model.Kind
	Side    model.Side
	State   IssueState
	Closed  bool // also those that are resolved or ignored
	// FindIssues only: begin after a row, and list so many; 0 = all.
	After IssueKey
	Limit int
}
