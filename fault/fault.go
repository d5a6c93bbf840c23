// Package fault says what kinds of trouble there are and, in one table, what
// each of them means for retry and for people. A connector decides the class
// where it saw the wire (design decision 10); nothing else looks at it again.
// What a fault says to people stands in the catalogue (package issue), and
// issue.Fault is what makes one.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"lockstep.dev/model"
)

// Class is the kind of trouble.
type Class string

// The classes.
const (
	Transient     Class = "Transient"     // network, 5xx, locks: the same request may go through later
	Throttled     Class = "Throttled"     // the server asked us to wait
	Auth          Class = "Auth"          // who we are is not believed any more
	Denied        Class = "Denied"        // who we are is believed, and may not do this
	NotFound      Class = "NotFound"      // not there now; by itself never a deletion
	Conflict      Class = "Conflict"      // the item changed since we looked
	Invalid       Class = "Invalid"       // the server refuses this content
	TooLarge      Class = "TooLarge"      // the server refuses this size
	CursorExpired Class = "CursorExpired" // the resume position is dead: list in full
	Unsupported   Class = "Unsupported"   // the system cannot do this
	Bug           Class = "Bug"           // we did something wrong
)

// Scope is how much the trouble concerns.
type Scope string

// The scopes.
const (
	Server     Scope = "server"
	Mailbox    Scope = "mailbox"
	Collection Scope = "collection"
	Item       Scope = "item"
)

// MaxEvidence bounds the raw proof that is kept of a fault, in bytes.
const MaxEvidence = 1000

// Fault is an error whose meaning has been decided. Its text may be shown to
// people and holds neither secrets nor item content.
type Fault struct {
	Class   Class
	Scope   Scope
	Side    model.Side
	Source  string // who says so: "CalDAV/CardDAV connector", "Synchronization engine"
	Code    string // stable short name, e.g. "dav.401"
	Message string // what happened
	// Solution says what to do, "" = nothing.
	Solution string
	After    time.Duration // how long the server asked us to wait; 0 = it did not say
	// Evidence is redacted raw proof (status line, header names, error element,
	// what the server said), at most MaxEvidence bytes.
	Evidence string
	Err      error // cause; may be nil
}

// Error names the side, what happened, what to do and the code.
func (f *Fault) Error() string {
	text := f.Text()
	if f.Side != "" {
		text = string(f.Side) + " side: " + text
	}
	if f.Code == "" {
		return text
	}
	return fmt.Sprintf("%s (%s)", text, f.Code)
}

// Text is what happened and what to do, without side and code.
func (f *Fault) Text() string { return strings.TrimSpace(f.Message + " " + f.Solution) }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Of returns the fault in err's chain, or nil.
func Of(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// ClassOf returns the class of err: an error nobody classified is Transient,
// so that it is tried again and, at the policy's limit, becomes permanent.
func ClassOf(err error) Class {
	if f := Of(err); f != nil {
		return f.Class
	}
	return Transient
}

// Is reports whether err carries the class.
func Is(err error, c Class) bool {
	f := Of(err)
	return f != nil && f.Class == c
}
