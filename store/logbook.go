package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Logging is the logbook (requirement B25): who changed what of connections,
// policies and mailboxes, when and why. Whatever changes one of them writes its
// entry in the same transaction; entries are never changed or deleted.
type Logging interface {
	// Log lists entries, newest first.
	Log(ctx context.Context, f LogFilter) ([]LogEntry, error)
	// PolicyRevision returns a policy as it was saved the n-th time, completed.
	PolicyRevision(ctx context.Context, name string, n int) (model.Policy, error)
}

// LogEntry is one change. It names mailboxes by their internal id, so that
// forgetting one leaves nothing of a person in the logbook.
type LogEntry struct {
	ID      string
	At      time.Time
	By      string // a person, a workflow, or this program
	What    LogVerb
	Subject LogSubject
	Name    string // a policy's name, or a mailbox's or connection's id
	Why     string
	// Before and After refer to what it was and is: a policy's revision
	// (sales@3), a mailbox's state or policy; "" = nothing.
	Before, After string
}

// LogSubject is the sort of thing that an entry is about.
type LogSubject string

// What the logbook is about.
const (
	LogPolicy     LogSubject = "policy"
	LogMailbox    LogSubject = "mailbox"
	LogConnection LogSubject = "connection"
)

// LogVerb is what happened to it.
type LogVerb string

// What can happen.
const (
	LogSaved      LogVerb = "saved"          // a policy or connection: its settings
	LogRegistered LogVerb = "registered"     // a mailbox: for the first time, or again after it was removed
	LogState      LogVerb = "state"          // a mailbox: from one state to another
	LogAssigned   LogVerb = "assigned"       // a mailbox: to another policy
	LogSettings   LogVerb = "settings"       // a mailbox: how it is reached; After names what changed
	LogForgotten  LogVerb = "forgotten"      // a mailbox: everything known of it was deleted
	LogOutage     LogVerb = "outage"         // a connection: nothing works through it
	LogOutageOver LogVerb = "outage over"    // a connection: it works again
	LogWorkload   LogVerb = "workload"       // a mailbox: a workload was turned on or off
	LogTaken      LogVerb = "taken over"     // a mailbox: its primary organisation is this one now
	LogAcked      LogVerb = "acknowledged"   // a mailbox: other software in it, and somebody knows
	LogHeld       LogVerb = "members held"   // a policy: many left a list at once; nobody was retired
	LogLetGo      LogVerb = "members let go" // a policy: a person confirmed that they left
	LogRuled      LogVerb = "ruled"          // a connection: a person decided on what is gone there; After says how
)

// LogFilter narrows the logbook; zero fields do not.
type LogFilter struct {
	Subject      LogSubject
	Name         string
	By           string
	What         LogVerb
	Since, Until time.Time // Until is exclusive
	Limit        int       // 0 = 100
}

// Author is who changes something, and why.
type Author struct{ By, Why string }

type authorKey struct{}

// WithAuthor says who makes the changes of a context.
func WithAuthor(ctx context.Context, a Author) context.Context {
	return context.WithValue(ctx, authorKey{}, a)
}

// AuthorOf is who makes the changes of a context; where nobody said so, it is
// Lockstep itself.
func AuthorOf(ctx context.Context) Author {
	a, _ := ctx.Value(authorKey{}).(Author)
	if a.By == "" {
		a.By = "lockstep"
	}
	return a
}
