package activities

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// AnswerIn answers the requests that waited for a round.
type AnswerIn struct {
	Mailbox  model.MailboxID
	Requests []string
	Message  string
	Refused  bool
}

// Answer finishes requests.
func (a *Activities) Answer(ctx context.Context, in AnswerIn) error {
	outcome := store.RequestDone
	if in.Refused {
		outcome = store.RequestRefused
	}
	for _, id := range in.Requests {
		if err := a.Store.FinishRequest(ctx, id, outcome, in.Message); err != nil {
			return err
		}
	}
	return nil
}

// StopIn describes a fault that stops a mailbox.
type StopIn struct {
	Mailbox model.MailboxID
	Code    string
	Message string
}

// Stop disables a mailbox after a permanent fault (requirement D-31), and says
// why. A person enables it again once the cause is mended (D-33).
func (a *Activities) Stop(ctx context.Context, in StopIn) error {
	a.Log.ErrorContext(ctx, "mailbox disabled", "mailbox", in.Mailbox, "issue", in.Code)
	return a.Store.SetMailboxState(ctx, in.Mailbox, model.Disabled, in.Message)
}
