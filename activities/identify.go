package activities

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// identify gives entities to pairs without one and claims the creations.
func (d *differ) identify(ctx context.Context, page []store.Pair) error {
	var claims []store.Claim
	var claimed []int
	for i := range page {
		p := &page[i].Pair
		if stray(*p) {
			continue
		}
		if p.Entity == "" && p.CRM != nil {
			p.Entity = plan.CRMEntity(d.m.crm.ID, p.Kind, p.CRM.Ref.ID)
		}
		if p.Entity == "" && p.Mail != nil {
			p.Entity = plan.MailEntity(d.m.ID, p.Kind, p.Mail.Ref.ID)
		}
		if p.CRM.Lost() && p.Mail != nil && !p.Mail.Gone {
			claims = append(claims, store.Claim{Kind: p.Kind, Entity: p.Entity, Global: plan.GlobalOfLost(p.Entity, *p.Mail)})
			claimed = append(claimed, i)
		}
		if p.Suspicion == plan.Unsuspected && p.CRM == nil && p.Mail != nil && p.State != plan.Review && p.State != plan.Returned {
			if _, ok := plan.Admit(d.input, *p); ok {
				claims = append(claims, store.Claim{Kind: p.Kind, Entity: p.Entity, Global: plan.GlobalOf(d.m.ID, *p.Mail)})
				claimed = append(claimed, i)
			}
		}
	}
	if len(claims) == 0 {
		return nil
	}
	answers, err := d.a.Store.Claim(ctx, d.m.crm.ID, d.m.ID, claims)
	if err != nil {
		return err
	}
	for n, c := range answers {
		p := &page[claimed[n]].Pair
		switch {
		case c.Occupied || represented(page, claimed[n], c.Entity):
			p.State, p.Reason = plan.Returned, plan.ReasonOtherCopy
		case c.Entity != p.Entity:
			p.Entity = c.Entity
			fallthrough
		default:
			p.Claimed = c.Winner != d.m.ID && c.Winner != ""
		}
	}
	return d.creators(ctx, page)
}

// represented reports whether another pair of the page has an item in the
// mailbox that stands for an entity.
func represented(page []store.Pair, but int, e model.EntityID) bool {
	for i, p := range page {
		if i != but && p.Entity == e && p.Mail != nil && !p.Mail.Gone {
			return true
		}
	}
	return false
}

// stray reports whether a pair is but an item that is gone and that no link
// holds (any more): there is nothing to decide, and the entity it was first
// known by may have moved on to another item.
func stray(p plan.Pair) bool {
	return p.Entity == "" && (p.CRM == nil || p.CRM.Gone) && (p.Mail == nil || p.Mail.Gone)
}

// creators finds who will own the CRM records of meetings: the organizer, where
// that is one of our users.
func (d *differ) creators(ctx context.Context, page []store.Pair) error {
	organizers := map[string]bool{}
	for _, p := range page {
		if (p.CRM == nil || p.CRM.Lost()) && p.Mail != nil {
			organizers[model.FoldAddress(p.Mail.Content.Text("organizer"))] = true
		}
	}
	delete(organizers, "")
	if len(organizers) == 0 {
		return nil
	}
	list := make([]string, 0, len(organizers))
	for o := range organizers {
		list = append(list, o)
	}
	owners, err := d.a.Store.Owners(ctx, d.m.crm.ID, list)
	if err != nil {
		return err
	}
	for i := range page {
		if p := &page[i].Pair; (p.CRM == nil || p.CRM.Lost()) && p.Mail != nil {
			p.Creator = owners[model.FoldAddress(p.Mail.Content.Text("organizer"))]
		}
	}
	return nil
}
