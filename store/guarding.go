package store

import (
	"context"
	"fmt"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// WideBrake is the code of the alert that a connection's brake raises.
const WideBrake = "engine.connection-brake"

// Guarding is what the brake of a whole connection needs: what is gone there
// while a mailbox that is active links it still. Items of our own making are not
// counted, nor those that a restored backup may have lost; on the mail side only
// those whose deletion can reach the CRM are.
type Guarding interface {
	// Losses counts what the connection's brake looks at: what is gone and
	// undecided, and what rounds have deleted on the other side since without a
	// person's word.
	Losses(ctx context.Context, c model.Connection, since time.Time) (plan.Losses, error)
	// Lost pages over what is gone on a connection and undecided, by mailbox, kind
	// and item.
	Lost(ctx context.Context, c model.Connection, after Lost, limit int) ([]Lost, error)
	// Rule records a person's word on exactly those absences: the deletions that
	// follow from them are let go, or rejected, in every mailbox. What waits is
	// looked at again. The alert ends once nothing is undecided. It returns the
	// mailboxes to wake.
	Rule(ctx context.Context, c model.Connection, r Ruling, now time.Time) ([]model.MailboxID, error)
	// Ruled returns those of some absent items on which a person decided, with the
	// verdict. On the CRM side the mailbox is empty.
	Ruled(ctx context.Context, c model.ConnectionID, m model.MailboxID, refs []model.Ref) ([]Ruled, error)
	// Relieve ends the alert of the connection's brake if nothing is gone and
	// undecided any more.
	Relieve(ctx context.Context, c model.Connection, now time.Time) error
}

// Lost is an item that is gone on a connection while mailboxes link it still.
type Lost struct {
	Mailbox   model.MailboxID // empty on the CRM side
	Kind      model.Kind
	Item      string
	Since     int64 // the round or feed pass that found it gone: says which absence is meant
	Entity    model.EntityID
	Mailboxes int    // that link it and are active
	Title     string // as both sides last agreed; none of a private item
	Private   bool
}

// Ruling is a person's word on what is gone.
type Ruling struct {
	Verdict plan.Verdict // Confirmed or Rejected
	By      string
	Items   []Lost
}

// Why says for the logbook what was decided on.
func (r Ruling) Why() string {
	return fmt.Sprintf("%d items that are gone", len(r.Items))
}

// Ruled is an absent item on which a person decided.
type Ruled struct {
	Kind    model.Kind
	Item    string
	Verdict plan.Verdict
}
