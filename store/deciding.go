package store

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// Deciding is what holding, approving and undoing need.
type Deciding interface {
	// Judge notes at writes of an open plan whether they are held, and which
	// verdict they carry on from the plan before. What is held stays pending.
	Judge(ctx context.Context, id model.MailboxID, planID string, list []Judged) error
	// Decide records a person's verdict on writes that wait in the mailbox's
	// newest plan. ErrStale: another plan is the newest by now, or it has
	// another hash; nothing was recorded.
	Decide(ctx context.Context, id model.MailboxID, d Decision) error
	// Approved returns the hash of the plan on which a person decided, "" =
	// none. It stays as long as the newest sealed plan has undone writes with a
	// verdict.
	Approved(ctx context.Context, id model.MailboxID) (string, error)
	// Waiting pages over those writes of the mailbox's newest plan that was not
	// only shown which are held, or on which a person decided.
	Waiting(ctx context.Context, id model.MailboxID, after, limit int) ([]Planned, error)
	// SetUndo begins the undo that a request asks for; "" ends it. FinishPlan of
	// the request's plan ends it too, unless an outcome is unknown.
	SetUndo(ctx context.Context, id model.MailboxID, request string) error
	// Deeds pages over what a round wrote, by entity and oldest first, with what
	// an interrupted attempt before it had written. ErrNotFound: there is no
	// such round, or what it wrote is not kept any more. An entity is never cut
	// in two; after is the last entity of the page before.
	Deeds(ctx context.Context, id model.MailboxID, round int64, after model.EntityID, limit int) ([]plan.Deed, error)
	// Bounces returns the updates that rounds carried out of those entities that
	// had at least so many: by entity, the newest first. Those of an undo do not
	// count, nor those before a RetryIssues.
	Bounces(ctx context.Context, id model.MailboxID, entities []model.EntityID, least int) ([]plan.Bounce, error)
	// Echoes returns those keys of contents on a side that an item linked in the
	// mailbox holds there already, or that an item had which a round deleted
	// (algorithm 1.8).
	Echoes(ctx context.Context, id model.MailboxID, kind model.Kind, side model.Side, keys []string) ([]string, error)
}

// Judged is what a plan makes of one of its writes.
type Judged struct {
	Number  int
	Held    string // the brake that holds it, "" = none
	Verdict plan.Verdict
}

// Decision is a person's word on writes that wait.
type Decision struct {
	Plan, Hash string
	By         string
	Verdict    plan.Verdict
	Numbers    []int // of the writes; nil = all that wait
}
