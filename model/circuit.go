package model

import "time"

// CircuitState says whether a connection is used.
type CircuitState string

// The states of a circuit. The zero value is closed: all is well.
const (
	CircuitClosed  CircuitState = "closed"
	CircuitOpen    CircuitState = "open"    // nobody asks the system anything
	CircuitProbing CircuitState = "probing" // one request is under way, to see whether it answers
)

// Circuit says whether a connection is used at all: a system that is down is
// one event for all its mailboxes (design decision 11). People read of a
// connection that is paused or disabled.
type Circuit struct {
	State  CircuitState
	Opened int64 // how often it was opened so far; names the outage
	// Since, Code and Message say since when it is open, and why.
	Since   time.Time
	Code    string // of the catalogue
	Message string // no content
	// Permanent: it stays open until somebody has acted, so nobody probes.
	Permanent bool
	Probes    int       // probes that failed, in a row
	Next      time.Time // open: when it is probed; probing: when the prober has to be done
	Closed    time.Time // when it was closed last; zero = it was never open
	Calm      time.Time // when the last mailbox that waited has its turn
}

// Down reports whether the connection must not be used.
func (c Circuit) Down() bool { return c.State == CircuitOpen || c.State == CircuitProbing }

// Disabled reports whether its mailboxes are disabled until somebody has acted.
func (c Circuit) Disabled() bool { return c.Down() && c.Permanent }

// Standing is how a mailbox stands, given its connections: one whose connection
// is disabled is disabled with it, which is written nowhere (design decision
// 11), so that it is over the moment the connection works again, and so that
// those disabled for reasons of their own stay as they are (requirement D-33).
// by is the connection whose fault it is, nil = none.
func (m Mailbox) Standing(connections ...Connection) (state MailboxState, by *Connection) {
	if m.State != Active {
		return m.State, nil
	}
	for i, c := range connections {
		if (c.ID == m.CRM || c.ID == m.Mail) && c.Circuit.Disabled() {
			return Disabled, &connections[i]
		}
	}
	return m.State, nil
}
