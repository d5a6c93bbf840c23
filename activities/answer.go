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
	Side    model.Side
	Code    string
	Phase   store.Phase
	Message string // what happened and what to do, for people
}

// Stop disables a mailbox after a permanent fault (requirement D-31), and says
// why. A person enables it again once the cause is mended (D-33).
func (a *Activities) Stop(ctx context.Context, in StopIn) error {
	a.Log.ErrorContext(ctx, "mailbox disabled", "mailbox", in.Mailbox, "issue", in.Code)
	f := store.Alert{Mailbox: in.Mailbox, Workload: model.ACT, Side: in.Side, Phase: in.Phase, Code: in.Code, Message: in.Message}
	noted, err := a.Store.Alerts(ctx, store.AlertFilter{Mailbox: in.Mailbox})
	if err != nil {
		return err
	}
	for _, counted := range noted { // what was noted of the last failure says more than the workflow knows
		if counted.Code == in.Code && (in.Side == "" || counted.Side == in.Side) && (in.Phase == "" || counted.Phase == in.Phase) {
			f.Side, f.Phase, f.Scope, f.Message, f.Evidence = counted.Side, counted.Phase, counted.Scope, counted.Message, counted.Evidence
		}
	}
	if f, err = a.changed(ctx, f); err != nil {
		return err
	}
	return a.Store.RaiseAlert(ctx, f, in.Message, a.Now())
}

// worked forgets the failures in a row of a mailbox that works, on one side or
// both. A mailbox without failures costs nothing.
func (a *Activities) worked(ctx context.Context, m mailbox, side model.Side) error {
	if m.Failures == 0 {
		return nil
	}
	return a.Store.EndAlerts(ctx, m.ID, "", side, a.Now())
}
