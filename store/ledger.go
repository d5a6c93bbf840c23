package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Ledger tells of writes that others than the mailbox's owner could hear of
// (requirement B2), as long as their plans are kept.
type Ledger interface {
	// Invitations lists writes that could have sent mail to attendees, the newest
	// first.
	Invitations(ctx context.Context, id model.MailboxID, limit int) ([]Invitation, error)
}

// Invitation is a write that could have sent mail. It names no addresses.
type Invitation struct {
	At         time.Time
	Round      int64
	Action     model.Action
	Entity     model.EntityID
	Item       string // "" = a create
	Recipients int
	Notify     model.Notify
	Why        string
}
