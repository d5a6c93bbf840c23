package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Enrolling is what reading the lists of a policy leaves in the database: who has
// the policy because a list of the CRM or a group of the mail system names them.
type Enrolling interface {
	// Members lists who has a policy because of a source, by mailbox id.
	Members(ctx context.Context, policy, source string) ([]model.MailboxID, error)
	// Enrol notes how reading a source went, who joined by it and who left it.
	// A person's word on held leaves is used up where the source was obeyed.
	Enrol(ctx context.Context, r Roll, joined, left []model.MailboxID) error
	// Rolls lists what became of the sources of a policy, or of all.
	Rolls(ctx context.Context, policy string) ([]Roll, error)
	// LetGo notes that a person confirmed the leaves that are held: the next
	// reading obeys them. ErrNotFound: none are held.
	LetGo(ctx context.Context, policy string) error
}

// Roll is what became of reading one source of a policy's members.
type Roll struct {
	Policy, Source string
	Resolved       time.Time // when it was last read and obeyed; zero = never
	Tried          time.Time
	People         int    // how many it named
	Held           int    // leaves that wait for a person's word
	Word           string // who let them go
	Trouble        string // why it was not obeyed; no content
}
