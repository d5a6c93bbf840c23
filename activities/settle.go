package activities

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// SettleIn ends a round that had a plan.
type SettleIn struct {
	Mailbox model.MailboxID
	Plan    string
	Round   int64
	Started time.Time
	Counts  plan.Counts
	Done    int
	Refused int
	Again   int
	Held    int
	Why     string
}

// SettleOut says when to come again.
type SettleOut struct {
	Next       time.Duration
	OpenIssues int
}

// Settle records the round and decides when the next one is due.
func (a *Activities) Settle(ctx context.Context, in SettleIn) (SettleOut, error) {
	m, err := a.load(ctx, in.Mailbox)
	if err != nil {
		return SettleOut{}, err
	}
	l, err := a.lease(ctx, m.ID)
	if err != nil {
		return SettleOut{}, err
	}
	defer l.release(ctx)
	note := in.Why
	if !m.Initialized {
		note = "first sync"
	}
	err = a.Store.FinishPlan(ctx, m.ID, l.token, in.Plan, store.Round{
		Number: in.Round, Started: in.Started, Ended: a.Now(), Counts: in.Counts,
		Done: in.Done, Refused: in.Refused, Note: note,
	})
	if err != nil {
		return SettleOut{}, err
	}
	if !m.mail.Circuit.Down() { // marks are placed in a later round
		if err := a.mark(ctx, m, l); err != nil {
			return SettleOut{}, err
		}
	}
	if err := a.worked(ctx, m, ""); err != nil {
		return SettleOut{}, err
	}
	due, err := a.Store.Due(ctx, m.ID, a.Now())
	if err != nil {
		return SettleOut{}, err
	}
	return SettleOut{Next: a.next(m, due.Ageing || due.Fresh || in.Again > 0 || m.Snapshot != ""), OpenIssues: due.Issues}, nil
}
