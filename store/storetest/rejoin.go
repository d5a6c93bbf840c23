package storetest

import (
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// keep answers a pair with resting for a reason.
func keep(reason string) func(store.Pair) plan.Plan {
	return func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{
			Entity: p.Entity, Kind: p.Kind, State: plan.Kept, Reason: reason,
			DropCRM: p.CRM != nil && p.CRM.Gone, DropMail: p.Mail != nil && p.Mail.Gone,
		}}}
	}
}

// A pair that rests because of a person's word is rejoined as if it were new;
// others rest on.
func aKeptPairIsRejoined(w *world) {
	ann := w.mailbox("ann")
	for _, id := range []string{"c1", "c2", "c3"} {
		w.linked(ann, id, "ann")
	}
	w.vanish(ann.ID, "m-c1")
	w.apply(ann, w.plan(ann, store.PlanReady, keep(plan.ReasonStays)), done)
	w.vanish("", "c2")
	w.apply(ann, w.plan(ann, store.PlanReady, keep(plan.ReasonUndone)), done)
	w.arrive(ann.ID, contact("m-c3", "Carl"))
	w.apply(ann, w.plan(ann, store.PlanReady, keep(plan.ReasonLeft)), done)

	resting, err := w.s.Resting(w.ctx, ann.ID, "", 10)
	w.ok(err)
	equal(w, "resting", len(resting), 2)
	first, err := w.s.Resting(w.ctx, ann.ID, "", 1)
	w.ok(err)
	second, err := w.s.Resting(w.ctx, ann.ID, first[0].Entity, 1)
	w.ok(err)
	equal(w, "by page", second[0].Entity, resting[1].Entity)
	all := []model.EntityID{plan.CRMEntity(w.crm.ID, model.Contact, "c3"), "enothing"}
	for _, p := range resting {
		all = append(all, p.Entity)
		one := p.CRM
		if one == nil {
			one = p.Mail
		}
		equal(w, "content", one.Content.Text("full_name"), "Ann")
	}
	n, err := w.s.Rejoin(w.ctx, ann.ID, all)
	w.ok(err)
	equal(w, "rejoined", n, 2)
	same(w, "pending", names(w.pairs(ann)), []string{"=m-c2", "c1="})
	for _, p := range w.pairs(ann) {
		equal(w, "state", p.State, plan.Unlinked)
		equal(w, "incarnation", p.Incarnation, 1)
		equal(w, "base", p.CRMBase == nil && p.MailBase == nil, true)
	}
	n, err = w.s.Rejoin(w.ctx, ann.ID, all)
	w.ok(err)
	equal(w, "rejoined once more", n, 0)
}
