package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Requests holds accepted commands: a row before anything acts on it (design
// decision 12).
type Requests interface {
	// AddRequest stores a new request and returns it with its id.
	AddRequest(ctx context.Context, r Request) (Request, error)
	Request(ctx context.Context, id string) (Request, error)
	// OpenRequests lists what is not finished, oldest first; an empty mailbox
	// means all.
	OpenRequests(ctx context.Context, m model.MailboxID) ([]Request, error)
	FinishRequest(ctx context.Context, id string, o RequestOutcome, message string) error
	// Choose records what a person chose about an edit conflict, ended or not,
	// and has its pair looked at again: the next plan carries it out, whatever
	// becomes of the process meanwhile. A conflict whose item is linked no longer
	// is ErrNotFound.
	Choose(ctx context.Context, conflict, take string) error
	// EndConflict records that a conflict ended with nothing left to write.
	EndConflict(ctx context.Context, conflict, how string, now time.Time) error
}

// Request is one accepted command.
type Request struct {
	ID       string
	Mailbox  model.MailboxID
	Verb     string // imperative, as in workflows/messages.go
	Argument string // the verb's one argument, e.g. a plan hash; no content
	By       string // who asked
	At       time.Time
	Outcome  RequestOutcome
	Message  string // outcome in words
}

// RequestOutcome is what became of a request.
type RequestOutcome string

// The outcomes of a request.
const (
	RequestOpen    RequestOutcome = ""
	RequestDone    RequestOutcome = "done"
	RequestRefused RequestOutcome = "refused"
)
