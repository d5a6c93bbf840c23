package store

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// Inspecting shows what is stored of a mailbox as it is stored (requirement
// links and journal, without content. Cursors are Collections.
type Inspecting interface {
	// Links pages over a mailbox's links by entity.
	Links(ctx context.Context, id model.MailboxID, after model.EntityID, limit int) ([]LinkRow, error)
	// Journal pages over a mailbox's journal of creates by key.
	Journal(ctx context.Context, id model.MailboxID, after model.Key, limit int) ([]JournalRow, error)
	// Stock counts links and journal rows of every mailbox of a policy, by
	// mailbox id.
	Stock(ctx context.Context, policy string) ([]Stock, error)
}

// LinkRow is one link as it is stored.
type LinkRow struct {
	Entity    model.EntityID
	Kind      model.Kind
	CRM, Mail string // item ids, "" = none
	State     plan.State
	Reason    string
	Synced    time.Time // when both sides last agreed; zero = never
}

// JournalRow is one create as it was journalled.
type JournalRow struct {
	Key     model.Key
	Entity  model.EntityID
	Side    model.Side
	Kind    model.Kind
	Outcome model.Outcome // "" = begun
	Begun   time.Time
}

// Stock is how much is stored of a mailbox.
type Stock struct {
	Mailbox  model.MailboxID
	Linked   int // both sides agreed on a base
	Others   int // links in any other state
	Created  int // journal rows that ended
	Unproven int // journal rows whose outcome is not known
}
