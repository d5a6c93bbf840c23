package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Surveying is what people look at who look after many mailboxes: counts, and
// the records behind each of them (requirements D-01, D-02). Lists come in
// pages that begin after a row, so a page costs the same wherever it stands.
type Surveying interface {
	// Survey counts what there is, of removed mailboxes only how many.
	Survey(ctx context.Context, now time.Time) (Survey, error)
	// FindMailboxes returns a page of mailboxes.
	FindMailboxes(ctx context.Context, q MailboxQuery) (MailboxPage, error)
	// CountIssues counts what FindIssues lists, on all pages.
	CountIssues(ctx context.Context, f IssueFilter) (int, error)
	// FindRounds lists rounds of all mailboxes that did something, by when they
	// ended, newest first.
	FindRounds(ctx context.Context, q RoundQuery) ([]FoundRound, error)
	// Faces returns what both sides of an explained item hold, and what they held
	// when they last agreed. Of a private item nothing is told.
	Faces(ctx context.Context, id model.MailboxID, x Explanation) (Faces, error)
}

// Survey is how everything is, in numbers.
type Survey struct {
	States    map[model.MailboxState]int
	FirstSync int // not removed, and their first sync is not done
	Held      int // mailboxes in which a plan, or a part of it, waits for approval
	Asking    int // mailboxes with a question that only a person can answer
	// Lag counts active mailboxes by the time since their last success: as many
	// numbers as LagSteps has, then those that are behind its last, then those
	// that never had one.
	Lag        []int
	Issues     []CodeCount // open ones, the most first
	Alerts     []CodeCount // open ones, the most first
	Retrying   int         // sync errors that are still tried again
	Hours      []Hour      // the last HoursSurveyed hours, the oldest first
	Conflicts  int         // open edit conflicts
	PerSystem  map[model.ConnectionID]map[model.MailboxState]int
	PerPolicy  map[string]int // mailboxes that are not removed
	OpenCalls  int            // accepted requests that are not finished
	OldestCall time.Time      // of those; zero = there is none
}

// Hour is what rounds did that ended in one hour.
type Hour struct {
	Begins                time.Time
	Rounds, Done, Refused int
}

// HoursSurveyed is how far back a Survey looks.
const HoursSurveyed = 24

// LagSteps are the bounds between which a Survey counts lag.
func LagSteps() []time.Duration {
	return []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour}
}

// MailboxQuery chooses mailboxes; zero fields do not. Removed ones are found
// only by State.
type MailboxQuery struct {
	MailboxFilter
	ID        model.MailboxID // only this one: a user's own
	Search    string          // a part of the address, or the whole CRM user id or mailbox id
	Held      bool            // a plan, or a part of it, waits for approval
	Asking    bool            // a question waits that only a person can answer
	Conflicts bool            // it has open edit conflicts, decided by the policy or not
	Issues    bool            // it has open issues
	Alerts    bool            // it, and not its whole system, has an open sync error
	First     bool            // the first sync is not done
	// Since and Before bound the last success; Never: there was none.
	Since, Before time.Time
	Never         bool
	Sort          MailboxSort
	Descending    bool
	After         MailboxKey // the last row of the page before
	Limit         int        // 0 = 50
}

// MailboxSort is what mailboxes are sorted by.
type MailboxSort string

// The orders of mailboxes.
const (
	ByAddress MailboxSort = ""
	BySuccess MailboxSort = "success"
	ByIssues  MailboxSort = "issues"
)

// MailboxKey is where a mailbox stands in an order.
type MailboxKey struct {
	Address string
	Number  int64 // last success in microseconds, or open issues
	ID      model.MailboxID
}

// MailboxPage is a page of mailboxes.
type MailboxPage struct {
	Rows  []SurveyedMailbox
	Total int // on all pages
}

// SurveyedMailbox is a mailbox with what a list shows of it.
type SurveyedMailbox struct {
	model.Mailbox
	OpenIssues int
	Held       bool
	Asking     bool
}

// Key is where the mailbox stands in an order.
func (m SurveyedMailbox) Key(s MailboxSort) MailboxKey {
	k := MailboxKey{ID: m.ID}
	switch s {
	case BySuccess:
		if !m.LastSuccess.IsZero() {
			k.Number = m.LastSuccess.UnixMicro()
		}
	case ByIssues:
		k.Number = int64(m.OpenIssues)
	default:
		k.Address = model.FoldAddress(m.Address)
	}
	return k
}

// RoundQuery chooses rounds; zero fields do not.
type RoundQuery struct {
	Mailbox     model.MailboxID
	From, Until time.Time // when they ended, Until excluded
	Refused     bool      // only those in which a write was refused
	After       RoundKey  // the last row of the page before
	Limit       int       // 0 = 50
}

// RoundKey is where a round stands.
type RoundKey struct {
	Ended   time.Time
	Mailbox model.MailboxID
	Number  int64
}

// FoundRound is a round and whose it is.
type FoundRound struct {
	Round
	Mailbox model.MailboxID
	Address string
}

// Faces is an item as both sides have it and as they had it when they last
// agreed; nil = it is not there, or nothing is known.
type Faces struct {
	CRM, Mail         model.Content
	CRMBase, MailBase model.Content
}

// IssueKey is where an issue stands among issues.
type IssueKey struct {
	Open bool
	Last time.Time
	ID   string
}

// Key is where the issue stands.
func (i IssueRow) Key() IssueKey { return IssueKey{Open: i.Open, Last: i.Last, ID: i.ID} }
