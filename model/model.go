// Package model holds the nouns of Lockstep as plain values: no I/O, no clock,
// nothing but the standard library. Every other package speaks in these words.
package model

import "time"

// Side says which of the two systems something belongs to.
type Side string

// The two sides.
const (
	CRM  Side = "crm"
	Mail Side = "mail"
)

// Other returns the opposite side.
func (s Side) Other() Side {
	if s == CRM {
		return Mail
	}
	return CRM
}

// Kind is the sort of thing an item is.
type Kind string

// The kinds of items.
const (
	Contact Kind = "contact"
	Event   Kind = "event"
	Task    Kind = "task"
	Message Kind = "message"
)

// Kinds lists the kinds a mailbox syncs as "Appointments, Contacts, Tasks", in
// the order in which pages and plans show them.
func Kinds() []Kind { return []Kind{Contact, Event, Task} }

// Workload groups kinds the way a mailbox enables them (requirement D-35).
type Workload string

// The workloads of a mailbox.
const (
	Incoming Workload = "incoming"
	Outgoing Workload = "outgoing"
	ACT      Workload = "appointments-contacts-tasks"
)

// Internal identifiers. They never change and never carry meaning; addresses
// and CRM user ids are attributes (design decision 1).
type (
	// ConnectionID identifies one system as we reach it.
	ConnectionID string
	// MailboxID identifies one mailbox paired with one CRM user.
	MailboxID string
	// EntityID identifies the thing itself, known to one CRM connection.
	EntityID string
	// Key is an operation key: it makes a create recognisable, so that asking
	// twice creates once.
	Key string
	// Cursor is the opaque resume position of one collection.
	Cursor string
)

// Ref is the address of an item on one side.
type Ref struct {
	Side       Side   `json:"side"`
	Kind       Kind   `json:"kind"`
	Collection string `json:"collection,omitempty"` // provider's folder, calendar, list or table
	ID         string `json:"id"`                   // provider's id, compared byte by byte
	Version    string `json:"version,omitempty"`    // ETag, change key or row version; empty = unknown
	Order      int64  `json:"order,omitempty"`      // revision in the provider's own order; 0 = it has none
}

// Collection is one folder, calendar or list of one kind.
type Collection struct {
	ID       string // provider's id
	Kind     Kind
	Name     string // what a person calls it
	ReadOnly bool
	Primary  bool // where new items of this kind are created
}

// Access is the part a CRM user has in an item. It decides who is routed the
// item (scope) and whose changes flow back (lead).
type Access struct {
	User string `json:"user"` // CRM user id
	Role Role   `json:"role"`
}

// Role is how a CRM user takes part in an item.
type Role string

// Roles. Owner is the lead: the organizer of an event, the owner of a contact,
// the assignee of a task.
const (
	Owner       Role = "owner"
	Participant Role = "participant"
)

// Item is the content of one thing as one side holds it.
type Item struct {
	Ref      Ref
	UID      string // identifier shared by all copies (RFC 5545 UID, RFC 6350 UID); empty = none
	Stamp    Key    // our own key, where the item carries it
	Content  Content
	Raw      []byte    // the provider's own bytes, which the next write edits in place; nil where it has none
	Access   []Access  // CRM side: who takes part
	Modified time.Time // provider's clock; zero = unknown
	Trouble  string    // why the item cannot be read, for people; it is then set aside
	// Reduced: the item is private, and this is all of it that the policy lets
	// us hold (requirement B16).
	Reduced bool
}

// Notify says whether a write may send mail to attendees (requirement B2).
type Notify string

// Notify decisions. The zero value sends nothing.
const (
	NotifyNone      Notify = ""
	NotifyAttendees Notify = "attendees"
)

// Action is what an operation does.
type Action string

// The actions of an operation.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	Stamp  Action = "stamp" // write our key into an item, or give a copy a new one
)

// Operation is one write to one side.
type Operation struct {
	Action  Action
	Ref     Ref      // what is written; for a create only Side, Kind and Collection (ID is the connector's choice, derived from Key)
	Expect  string   // update, delete: the version the write is conditional on
	Key     Key      // create: the key that makes it idempotent; stamp: the key to write
	UID     string   // create: the identifier shared by all copies; empty = the connector derives it from Key
	Content Content  // create, update: the whole intended content
	Changed []string // update: fields that differ from what the target holds, sorted
	Raw     []byte   // update: the target's own bytes as last seen; create: the bytes of a deleted item that comes back, where they are known
	Notify  Notify
	Actor   string // CRM side: the user on whose behalf; becomes owner of what is created
}

// Outcome is what became of an operation.
type Outcome string

// Outcomes. Unknown means that the write may or may not have happened.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
	Unknown Outcome = "unknown"
)

// Receipt answers one operation.
type Receipt struct {
	Outcome Outcome
	Ref     Ref   // done: the item's address and its new version
	Item    *Item // done: what is stored now, where the connector knows it
	Err     error // refused, unknown: a *fault.Fault
	// Existed: nothing was created, because the key had made the item before.
	Existed bool
}

// Account is what a connector needs to act: for the mail side one mailbox, for
// the CRM side one organisation. Secret never appears in logs, history or
// errors.
type Account struct {
	Connection ConnectionID
	Mailbox    MailboxID // empty on the CRM side
	Address    string    // the mailbox's address
	User       string    // sign-in name; empty = the connection's own
	Secret     string    // password or token
}
