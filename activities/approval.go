package activities

import (
	"context"
	"errors"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// approval is what a person let go: the writes of one plan. An attempt that
// dies on the way leaves a smaller plan, whose hash is another one; what is
// left of an approved plan needs no second look, anything else does.
type approval struct {
	hash   string // "" = none
	writes map[string]bool
	beyond bool // a write was planned that nobody saw
}

// approved loads the approval of a mailbox with the writes it covers.
func (a *Activities) approved(ctx context.Context, id model.MailboxID) (approval, error) {
	out := approval{writes: map[string]bool{}}
	var err error
	if out.hash, err = a.Store.Approved(ctx, id); err != nil || out.hash == "" {
		return out, err
	}
	p, err := a.Store.Plan(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && p.Hash != out.hash {
		return out, nil
	}
	for after := -1; err == nil; {
		var page []store.Planned
		page, err = a.Store.PlanWrites(ctx, p.ID, after, pageOfWrites)
		if len(page) == 0 {
			break
		}
		for _, w := range page {
			out.writes[plan.Fingerprint(w.Write)] = true
		}
		after = page[len(page)-1].Number
	}
	return out, err
}

// covers reports whether a person approved these writes; it remembers if not.
func (p *approval) covers(writes []plan.Write) bool {
	for _, w := range writes {
		if p.hash == "" || !p.writes[plan.Fingerprint(w)] {
			p.beyond = true
			return false
		}
	}
	return true
}
