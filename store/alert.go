package store

import (
	"context"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Alerting holds sync errors (requirement S-01): what keeps a mailbox, or every
// mailbox of a connection, from syncing at all. What keeps a single item from
// syncing is an issue and never stands here.
type Alerting interface {
	// CountFailure notes one more failure of a workload on one side in one phase of
	// the round and returns how many there are in a row. A mailbox's connection is
	// filled in; without a mailbox it is the connection's own. What is only counted
	// is cleared by what shows that side to work in that phase, so that a mailbox
	// that reads well and never writes comes to its limit: SavePage and FinishFetch
	// clear the mail side's fetch, SealPlan diff, Commit apply. FinishPass ends the
	// alerts of its connection, unless its circuit is open.
	CountFailure(ctx context.Context, f Alert, now time.Time) (int, error)
	// RaiseAlert opens the alert: somebody must act. A mailbox is disabled by it,
	// with the alert's reason, in the same transaction (requirement D-31).
	RaiseAlert(ctx context.Context, f Alert, reason string, now time.Time) error
	// EndAlerts ends what was counted and raised: against a mailbox, or against a
	// connection itself, on one side or (empty) both. What only warns stands. A
	// mailbox against which everything ends is expected to show from now on that
	// it works.
	EndAlerts(ctx context.Context, id model.MailboxID, c model.ConnectionID, side model.Side, now time.Time) error
	// Alerts lists sync errors, those that are not over first, newest first.
	Alerts(ctx context.Context, f AlertFilter) ([]Alert, error)
}

// Alert is a sync error.
type Alert struct {
	ID         string
	Mailbox    model.MailboxID // empty = the whole connection
	Connection model.ConnectionID
	Workload   model.Workload
	Side       model.Side
	Scope      fault.Scope // fault.Server: it concerns the whole connection; else the mailbox
	Phase      Phase       // of the round; "" = none, the connection's own
	State      AlertState
	Code       string // of the catalogue
	Message    string // what happened; no content
	Evidence   string // redacted raw proof
	Times      int    // failures in a row
	First      time.Time
	Last       time.Time
	Over       time.Time // zero = it is not over
	Told       time.Time // when its beginning came into notices; zero = not yet
	ToldOver   time.Time // the same of its end
}

// Stops reports whether the alert keeps its mailbox, or every mailbox of its
// connection, from syncing. A connection's brake does not: everything else goes
// on; and neither does what is only a warning.
func (a Alert) Stops() bool {
	return a.Code != WideBrake && a.Workload != Freshness && a.Workload != Credentials
}

// Phase is the part of a round in which something failed.
type Phase string

// The phases of a round.
const (
	PhaseFetch  Phase = "fetch"
	PhaseDiff   Phase = "diff"
	PhaseApply  Phase = "apply"
	PhaseSettle Phase = "settle"
)

// What an alert is about besides a workload that does not work. It stands in
// the workload's place: a row of its own, which disables nothing.
const (
	// Freshness: nothing has proven for too long that it works (requirement B11).
	Freshness model.Workload = "freshness"
	// Credentials: they expire soon (requirement B23).
	Credentials model.Workload = "credentials"
)

// AlertState is where a sync error stands.
type AlertState string

// The states of an alert.
const (
	AlertRetrying AlertState = "retrying" // tried again by itself; nobody is told
	AlertOpen     AlertState = "open"     // somebody must act
	AlertOver     AlertState = "over"
)

// AlertFilter narrows a list of alerts; zero fields do not.
type AlertFilter struct {
	Mailbox    model.MailboxID
	Connection model.ConnectionID // only the connection's own
	Over       bool               // also those that are over
}
