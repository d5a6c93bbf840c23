package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Reviewing holds what only a person can decide: Join and SaveChunk ask, by the
// question of a join or a change; until it is answered its items are not synced.
type Reviewing interface {
	// Reconsider withdraws questions whose items changed or whose create is no
	// longer wanted: what they held back is matched anew.
	Reconsider(ctx context.Context, id model.MailboxID) error
	// Questions lists the open ones by their id.
	Questions(ctx context.Context, id model.MailboxID) ([]Question, error)
	// Resolve carries out a person's answer. ErrNotFound: there is no such
	// question, or the items are not among its.
	Resolve(ctx context.Context, id model.MailboxID, d Resolution, now time.Time) error
	// Resting pages over pairs that rest as kept because of a person's word, or
	// because a deletion did not travel (plan.Rejoinable), by entity, with their
	// contents.
	Resting(ctx context.Context, id model.MailboxID, after model.EntityID, limit int) ([]Pair, error)
	// Rejoin lets those of some pairs that rest so be synced again, as if they
	// were new: what is only on one side is created on the other. It returns how
	// many there were.
	Rejoin(ctx context.Context, id model.MailboxID, entities []model.EntityID) (int, error)
}

// Question is a group of items of which a person must say which are the same.
type Question struct {
	ID    string
	Kind  model.Kind
	Asked time.Time
	Items []QuestionItem // by side and item
}

// QuestionItem is an item in question.
type QuestionItem struct {
	Side   model.Side
	Item   string
	Title  string
	Reason string
	// Create: it was to be created on the other side, and it is not known
	// whether that was done.
	Create bool
}

// Resolution answers a question: two items are the same thing, or, where they are
// empty, all of them are different things.
type Resolution struct {
	Question string `json:"question"`
	CRM      string `json:"crm,omitempty"`
	Mail     string `json:"mail,omitempty"`
}
