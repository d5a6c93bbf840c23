package activities

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// UndoOf says which round is to be undone.
type UndoOf struct {
	Round int64
	Dry   bool // only show what would be written
}

// Argument is the wish as the argument of a request.
func (u UndoOf) Argument() string {
	if u.Dry {
		return fmt.Sprintf("%d dry", u.Round)
	}
	return strconv.FormatInt(u.Round, 10)
}

// parseUndo reads what Argument wrote.
func parseUndo(argument string) (UndoOf, error) {
	number, dry, _ := strings.Cut(argument, " ")
	round, err := strconv.ParseInt(number, 10, 64)
	if err == nil && dry != "" && dry != "dry" {
		err = fmt.Errorf("%q is not understood", dry)
	}
	return UndoOf{Round: round, Dry: dry == "dry"}, err
}

// undo accepts the wish to take back a round. It is carried out by the rounds
// that follow, also of a mailbox that is paused: somebody who sees harm done
// pauses first.
func (a *Activities) undo(ctx context.Context, m model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	u, err := parseUndo(r.Argument)
	switch {
	case err != nil:
		return store.RequestRefused, "The command is not understood: name the round by its number.", nil //nolint:nilerr // the person hears of it as the outcome
	case m.State != model.Active && m.State != model.Paused:
		return store.RequestRefused, fmt.Sprintf("The mailbox is %s: %s.", m.State, m.Reason), nil
	case m.Undoing != "" && m.Undoing != r.ID:
		return store.RequestRefused, "Another undo of this mailbox is under way.", nil
	}
	_, err = a.Store.Deeds(ctx, m.ID, u.Round, "", 1)
	if errors.Is(err, store.ErrNotFound) {
		return store.RequestRefused, fmt.Sprintf("No round %d of this mailbox wrote anything of which the former state is kept (30 days).", u.Round), nil
	}
	if err != nil {
		return "", "", err
	}
	if m.Undoing == "" {
		if err := a.Store.SetUndo(ctx, m.ID, r.ID); err != nil {
			return "", "", err
		}
	}
	if out.Round = true; u.Dry || m.State == model.Paused {
		out.Verb = VerbShow // which is what lets a paused mailbox have a round
	}
	return "", "", nil
}

// undoing finds the undo that this round is for, if it is for one.
func (d *differ) undoing(ctx context.Context) (*UndoOf, error) {
	if d.m.Undoing == "" {
		return nil, nil
	}
	r, err := d.a.Store.Request(ctx, d.m.Undoing)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	u, wrong := parseUndo(r.Argument)
	if err != nil || wrong != nil || u.Dry && !d.in.Show {
		// A look that nobody waits for any more.
		return nil, d.a.Store.SetUndo(ctx, d.m.ID, "")
	}
	d.in.Show = u.Dry
	return &u, nil
}

// takeBack plans the undo of a round: what it overwrote or deleted comes back,
// what it created goes, and what was changed since is listed and left alone.
func (d *differ) takeBack(u *UndoOf) func(context.Context) error {
	return func(ctx context.Context) error {
		d.row.Why = fmt.Sprintf("undo of round %d", u.Round)
		for after := model.EntityID(""); ; {
			deeds, err := d.a.Store.Deeds(ctx, d.m.ID, u.Round, after, pageOfPairs)
			if err != nil || len(deeds) == 0 {
				return err
			}
			after = deeds[len(deeds)-1].Entity
			built := plan.Undo(deeds, d.m.ID, d.row.Why)
			d.all.Add(built.Writes...)
			d.count(nil, built)
			for _, w := range built.Writes {
				if w.Left {
					d.left++
				}
			}
			var pairs []store.Pair
			for _, c := range built.Changes {
				pairs = append(pairs, store.Pair{Pair: plan.Pair{Entity: c.Entity, Kind: c.Kind}})
			}
			if err := d.chunk(ctx, pairs, built); err != nil {
				return err
			}
		}
	}
}

// reread reads the CRM once more: what an interrupted attempt wrote there must
// not be taken for somebody's edit.
func (d *differ) reread(ctx context.Context) error {
	_, err := d.a.Feed(ctx, FeedIn{Connection: d.m.crm.ID})
	return err
}
