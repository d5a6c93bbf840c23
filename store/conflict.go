package store

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// KeepConflicts is how long an edit conflict is kept after it ended.
const KeepConflicts = 90 * 24 * time.Hour

// ConflictRow is an edit conflict as stored. Without a winner and a resolution
// it is a question: both sides keep their own until a person answers.
type ConflictRow struct {
	plan.EditConflict
	ID       string
	Mailbox  model.MailboxID
	Chosen   string // what a person chose: plan.TakeCRM, TakeMail, TakeLoser; "" = nothing yet
	At       time.Time
	Resolved time.Time // when it ended; zero = it is open
}
