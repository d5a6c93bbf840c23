package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func pairStories() map[string]func(*world) {
	return map[string]func(*world){
		"contents are loaded where something differs": contentsAreLoaded,
		"a pair pending on both sides comes once":     aPairComesOnce,
		"a read-only collection is said so":           readOnlyIsSaid,
		"a row that changed since is not consumed":    aChangedRowIsNotConsumed,
		"a pair to be looked at again stays fresh":    againStaysFresh,
		"a link is looked at when its time has come":  recheckComesDue,
		"a side that was forgotten is nil":            aForgottenSideIsNil,
		"bases can be cleared":                        basesCanBeCleared,
	}
}

func contentsAreLoaded(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	// Only the version changed: nothing to compare.
	w.ok(w.s.Join(w.ctx, ann.ID, []plan.Join{{Entity: plan.CRMEntity(w.crm.ID, model.Contact, "c1"), Kind: model.Contact, CRM: "c1", Mail: "m-c1", State: plan.Linked}}))
	p := w.pairs(ann)[0]
	equal(w, "contents", p.CRM.Content == nil && p.Mail.Content == nil && p.CRMBase.Content == nil, true)
	equal(w, "keys", p.CRM.Key == p.CRMBase.Key && p.Mail.Key == p.MailBase.Key, true)
	equal(w, "state", p.State, plan.Linked)
	w.arrive(ann.ID, contact("m-c1", "Ann Second"))
	p = w.pairs(ann)[0]
	equal(w, "crm", p.CRM.Content.Text("full_name"), "Ann")
	equal(w, "mail", p.Mail.Content.Text("full_name"), "Ann Second")
	equal(w, "mail base", p.MailBase.Content.Text("full_name"), "Ann")
	equal(w, "raw", p.Mail.Raw != "", true)
	equal(w, "version", p.Mail.Ref.Version, "v-Ann Second")
	equal(w, "side", p.Mail.Ref.Side, model.Mail)
}

func aPairComesOnce(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "One"), "ann"))
	w.arrive(ann.ID, contact("m-c1", "Two"))
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1=m-c1"})
	equal(w, "marks", len(p[0].Marks), 2)
	w.plan(ann, store.PlanReady, agree)
	same(w, "pending", names(w.pairs(ann)), []string{})
	equal(w, "anything to do", w.due(ann).Fresh, false)
}

func readOnlyIsSaid(w *world) {
	ann := w.mailbox("ann")
	w.ok(w.s.SaveCollections(w.ctx, w.mail.ID, ann.ID, []model.Collection{{ID: people, Kind: model.Contact, Name: "People", ReadOnly: true}}, w.tick()))
	w.arrive(ann.ID, contact("m1", "Ann"))
	equal(w, "read only", w.pairs(ann)[0].Mail.ReadOnly, true)
}

func aChangedRowIsNotConsumed(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"), contact("m2", "Bob"))
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		if p.Mail.Ref.ID == "m1" { // it changes while the plan is made
			w.arrive(ann.ID, contact("m1", "Ann Second"))
		}
		return agree(p)
	})
	same(w, "pending", names(w.pairs(ann)), []string{"=m1"})
	equal(w, "anything to do", w.due(ann).Fresh, true)
}

func againStaysFresh(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"), contact("m2", "Bob"))
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, Pending: p.Mail.Ref.ID == "m2"}}}
	})
	same(w, "pending", names(w.pairs(ann)), []string{"=m2"})
	equal(w, "anything to do", w.due(ann).Fresh, true)
}

func recheckComesDue(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive(ann.ID, contact("m-c1", "Ann Second"))
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.Skipped, Reason: "not yet", Recheck: w.now.Add(time.Hour)}}}
	})
	equal(w, "anything to do", w.due(ann).Fresh, false)
	w.now = w.now.Add(2 * time.Hour)
	equal(w, "anything to do", w.due(ann).Fresh, true)
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1=m-c1"})
	equal(w, "reason", p[0].Reason, "not yet")
	w.plan(ann, store.PlanReady, agree)
	equal(w, "anything to do", w.due(ann).Fresh, false)
}

func aForgottenSideIsNil(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.vanish(ann.ID, "m-c1")
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.Kept, Reason: "deleted in the mailbox", DropMail: true}}}
	})
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1="})
	equal(w, "state", p[0].State, plan.Kept)
	equal(w, "reason", p[0].Reason, "deleted in the mailbox")
}

func basesCanBeCleared(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive(ann.ID, contact("m-c1", "Ann Second"))
	none := ""
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.Linked, Incarnation: 3, MailKey: &none, Pending: true}}}
	})
	p := w.pairs(ann)[0]
	equal(w, "mail base", p.MailBase == nil, true)
	equal(w, "crm base", p.CRMBase.Content.Text("full_name"), "Ann")
	equal(w, "incarnation", p.Incarnation, 3)
}
