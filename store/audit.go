package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// AuditEvery is the time between two audits of one mailbox or CRM connection.
const AuditEvery = 7 * 24 * time.Hour

// Auditing compares complete listings of ids and versions with what is known
// (requirement B22): the only thing that finds changes which a system never
// told. For a CRM connection the mailbox is empty.
type Auditing interface {
	// ScheduleAudit sets when the next audit is due.
	ScheduleAudit(ctx context.Context, c model.ConnectionID, m model.MailboxID, at time.Time) error
	// BeginAudit opens an audit. One that died after its drift was confirmed is
	// taken up again, any other unfinished one is dropped.
	BeginAudit(ctx context.Context, a Audit) (Audit, error)
	// Sight notes what a listing names.
	Sight(ctx context.Context, audit string, refs []model.Ref) error
	// Compare notes as drift in what collections that were listed to their end
	// differ from what is known. What we wrote at asOf or later may be missing
	// from a listing for that reason alone.
	Compare(ctx context.Context, audit string, listed []model.Collection, asOf time.Time) error
	// ConfirmDrift drops the drift that the system told by itself since, and
	// returns the rest in a stable order.
	ConfirmDrift(ctx context.Context, audit string) ([]Drift, error)
	// Rested pages over a mailbox's linked pairs for which nothing is pending, by
	// entity; contents are loaded where a key differs from another.
	Rested(ctx context.Context, id model.MailboxID, after model.EntityID, limit int) ([]Pair, error)
	// NoteDrift adds drift that was found between the sides; what was overlooked
	// becomes pending.
	NoteDrift(ctx context.Context, audit string, found []Drift) error
	// EndAudit drops what turned out to be none, seals the report, and sets when
	// the next audit is due.
	EndAudit(ctx context.Context, audit string, unproven []Drift, now, next time.Time) (Audit, error)
	// LastAudit returns the newest finished audit with its drift.
	LastAudit(ctx context.Context, c model.ConnectionID, m model.MailboxID) (Audit, error)
}

// Audit is a report: so many items compared, so many differ, which.
type Audit struct {
	ID         string
	Connection model.ConnectionID
	Mailbox    model.MailboxID // empty = of the CRM connection
	Why        string          // weekly, on command, after what
	Begun      time.Time
	Ended      time.Time
	Confirmed  bool // under way: its drift stands and is being healed
	Compared   int
	Drift      []Drift // by side, kind and item
	// Seal is an HMAC over all of the above under a key of this installation;
	// Genuine tells whether the report is still what was sealed.
	Seal    string
	Genuine bool
}

// Different counts the items that were not as they should be. Where both sides
// rest and say different things, that is what both agreed on, and counts for
// itself.
func (a Audit) Different() (different, unlike int) {
	for _, d := range a.Drift {
		if d.What == Unlike {
			unlike++
		} else {
			different++
		}
	}
	return different, unlike
}

// Drift is one item that is not as it should be.
type Drift struct {
	Side       model.Side
	Kind       model.Kind
	Item       string
	Collection string
	What       DriftKind
	Held       string   // the version we held, "" = none
	Found      string   // the version that the listing names, "" = none
	Fields     []string // Unlike: names of the fields in which the sides differ
}

// DriftKind is what is wrong with an item.
type DriftKind string

// The kinds of drift.
const (
	MissingHere  DriftKind = "missing here"  // the system has it, we did not know
	MissingThere DriftKind = "missing there" // we thought it was there
	OtherVersion DriftKind = "other version" // it changed, and nobody told us
	Overlooked   DriftKind = "overlooked"    // a change that we knew and that nothing was done about
	Unlike       DriftKind = "unlike"        // both sides rest and say different things
)
