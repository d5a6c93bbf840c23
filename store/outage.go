package store

import (
	"context"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Outages hold what is known of systems that cannot be used as a whole (design
// decision 11): one event per connection, whoever noticed it. Registry's
// Connection carries how it stands.
type Outages interface {
	// Suspect notes a fault of a whole system, as CountFailure does, against the
	// mailbox that met it or, without one, against the connection's own reader.
	// With the third in a row (where fewer mailboxes are active, with as many as
	// there are), whoever met them, and nobody that worked on that side in between,
	// the circuit opens; a permanent fault opens it at once. While it is open nothing is noted. An outage that begins
	// again so soon that it was never over goes on with its failed probes and its
	// alert.
	Suspect(ctx context.Context, f Alert, t Trial, now time.Time) (Suspicion, error)
	// BeginProbe gives one prober until ends to see whether the system answers.
	// ErrStale: the circuit is closed, the next probe is not due, or another
	// prober is at it.
	BeginProbe(ctx context.Context, c model.ConnectionID, now, ends time.Time) (model.Circuit, error)
	// FailProbe records that the probe begun as was came to nothing, and raises
	// the connection's alert where somebody has to know. ErrStale: another prober
	// was faster.
	FailProbe(ctx context.Context, c model.ConnectionID, was model.Circuit, f Alert, t Trial, now time.Time) (model.Circuit, error)
	// Recent lists active mailboxes of a connection, those first that worked last.
	Recent(ctx context.Context, c model.ConnectionID, limit int) ([]model.Mailbox, error)
	// Recover closes an outage, ends the connection's alerts, and gives each active
	// mailbox of the connection its turn, a gap after the other: first those for
	// which something waits, then those that worked longest ago. opened names the
	// outage, 0 = whichever it is. It returns the number of mailboxes. ErrStale:
	// that outage is over.
	Recover(ctx context.Context, c model.ConnectionID, opened int64, now time.Time, gap time.Duration) (int, error)
	// Turns lists mailboxes that waited for a connection and have not begun a
	// round since, by their turn; after a turn, and up to a time.
	Turns(ctx context.Context, c model.ConnectionID, after Turn, until time.Time, limit int) ([]Turn, error)
}

// Trial is how it goes on with a connection.
type Trial struct {
	Permanent bool          // nobody probes before somebody has acted
	Next      time.Time     // when it is probed next
	Patience  int           // so many failed probes in a row are an alert; 0 = none ever
	Relapse   time.Duration // closed for less than this, it was never really closed
}

// Suspicion is what became of a noted fault.
type Suspicion struct {
	Connection model.ConnectionID
	Circuit    model.Circuit
	Times      int  // failures in a row of whoever met it; 0 while the circuit is open
	Opened     bool // by this fault
}

// Turn is when a mailbox may come back after an outage.
type Turn struct {
	At      time.Time
	Mailbox model.MailboxID
}

// Witnesses is how many faults of a whole system in a row make it count as down,
// given how many of its mailboxes are active.
func Witnesses(active int) int { return max(1, min(active, fault.Witnesses)) }
