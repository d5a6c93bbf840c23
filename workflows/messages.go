package workflows

// Names of signals and queries, with their payloads.
const (
	// SignalWake says that something is pending; it carries nothing and may be
	// lost, repeated or late without harm.
	SignalWake = "wake"
	// SignalRequest names an accepted command: a row in our store.
	SignalRequest = "request"
	// QueryStatus returns a Status.
	QueryStatus = "status"
)

// Request is the payload of SignalRequest.
type Request struct {
	ID   string
	Verb string
}

// Status answers QueryStatus.
type Status struct {
	State      string
	Phase      string // fetch, diff, apply, settle, waiting
	Round      int64
	Generation int64
	Rounds     int // rounds of this run
	LastRound  string
	Trouble    string
}
