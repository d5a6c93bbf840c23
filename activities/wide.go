package activities

import (
	"context"
	"slices"
	"strconv"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// rulings carries out what a person decided for all mailboxes of a connection
// about items that are gone: what was rejected is settled without a write, what
// was let go is held by no brake.
func (d *differ) rulings(ctx context.Context, pairs map[model.EntityID]store.Pair, built *plan.Plan) error {
	rejected := map[model.EntityID]bool{}
	for _, c := range []model.Connection{d.m.crm, d.m.mail} {
		var refs []model.Ref
		for _, w := range built.Writes {
			if follows(w, c.Side) {
				refs = append(refs, *w.MustBeGone)
			}
		}
		if len(refs) == 0 {
			continue
		}
		mailbox := d.m.ID
		if c.Side == model.CRM {
			mailbox = ""
		}
		ruled, err := d.a.Store.Ruled(ctx, c.ID, mailbox, refs)
		if err != nil {
			return err
		}
		verdicts := map[store.Ruled]bool{}
		for _, r := range ruled {
			verdicts[r] = true
		}
		for i := range built.Writes {
			w := &built.Writes[i]
			if !follows(*w, c.Side) {
				continue
			}
			r := store.Ruled{Kind: w.Kind, Item: w.MustBeGone.ID, Verdict: plan.Confirmed}
			w.Confirmed = verdicts[r]
			r.Verdict = plan.Rejected
			rejected[w.Entity] = rejected[w.Entity] || verdicts[r]
		}
	}
	if len(rejected) > 0 {
		settleWithout(pairs, built, func(e model.EntityID, _ []plan.Write) bool { return rejected[e] })
	}
	return nil
}

// follows reports whether a write follows a deletion on a side.
func follows(w plan.Write, side model.Side) bool {
	return w.Op.Action == model.Delete && w.MustBeGone != nil && w.MustBeGone.Side == side
}

// reject settles without a write what a person rejected in this mailbox's plan.
func (d *differ) reject(pairs map[model.EntityID]store.Pair, built *plan.Plan) {
	if d.approval.given {
		settleWithout(pairs, built, func(_ model.EntityID, list []plan.Write) bool { return d.approval.rejected(list) })
	}
}

// settleWithout settles the pairs of rejected writes without them.
func settleWithout(pairs map[model.EntityID]store.Pair, built *plan.Plan, rejected func(model.EntityID, []plan.Write) bool) {
	byEntity := map[model.EntityID][]plan.Write{}
	for _, w := range built.Writes {
		byEntity[w.Entity] = append(byEntity[w.Entity], w)
	}
	gone := func(e model.EntityID) bool { return rejected(e, byEntity[e]) }
	built.Changes = slices.DeleteFunc(built.Changes, func(c plan.Change) bool { return gone(c.Entity) })
	for _, w := range built.Writes {
		if list := byEntity[w.Entity]; gone(w.Entity) && plan.Fingerprint(w) == plan.Fingerprint(list[0]) {
			built.Changes = append(built.Changes, plan.Reject(pairs[w.Entity].Pair, list))
		}
	}
	built.Writes = slices.DeleteFunc(built.Writes, func(w plan.Write) bool { return gone(w.Entity) })
}

// alarm tells once per connection that its brake holds deletions, and ends the
// alert of a connection of which nothing waits any more.
func (d *differ) alarm(ctx context.Context) error {
	if d.in.Show {
		return nil
	}
	for _, c := range []model.Connection{d.m.crm, d.m.mail} {
		losses, hit := d.wide[c.ID]
		var err error
		switch {
		case hit && d.out.Held > 0:
			f := issue.Fault(store.WideBrake, "limit", strconv.Itoa(losses.Limit()), "connection", c.Name)
			err = d.a.Store.RaiseAlert(ctx, store.Alert{
				Connection: c.ID, Workload: model.ACT, Side: c.Side.Other(), Code: f.Code, Message: f.Message,
			}, "", d.a.Now())
		case len(d.approval.waits) > 0:
			err = d.a.Store.Relieve(ctx, c, d.a.Now())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
