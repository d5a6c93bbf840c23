package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Moving brings mailboxes under other addresses (requirements, B5).
// Identity is the internal id: links, cursors and journal are never copied or
// rewritten, the row that they belong to changes.
type Moving interface {
	// Recognise returns which of the mailbox's linked entities some items, read
	// from another mailbox, show: by our stamp, by UID, or by what a person would
	// call the same thing. It stores nothing.
	Recognise(ctx context.Context, id model.MailboxID, items []model.Item) ([]model.EntityID, error)
	// Move carries out moves, all of them or none, and finishes the request that
	// asked for them. One that is carried out already changes nothing. ErrExists:
	// an address, or an immutable id, is another mailbox's. ErrStale: a mailbox
	// is not in the state that its move needs any more.
	Move(ctx context.Context, moves []Move, request, message string, now time.Time) error
}

// Move brings one mailbox under another address.
type Move struct {
	Mailbox  model.MailboxID
	Address  string
	User     string // sign-in name
	Identity string // immutable id as it is now, "" = the system has none
	// From is the registration in CRM-ID conflict whose settings the mailbox takes
	// over: address, mail connection, sign-in, secret and policy. It is retired
	// with a pointer forward, and the mailbox is active. "" = a rename.
	From model.MailboxID
	// Rebuild: it is another mailbox that lies there. What was known of the items
	// of the one before is dropped, and links are found again by comparing; the
	// next plan waits as a whole, because of Hold.
	Rebuild bool
	Hold    string
}
