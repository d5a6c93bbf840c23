package storetest

import (
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func absenceStories() map[string]func(*world) {
	return map[string]func(*world){
		"a mail absence ages by rounds":                aMailAbsenceAges,
		"a CRM absence ages by passes":                 aCRMAbsenceAges,
		"a shared absence is each mailbox's to settle": aSharedAbsence,
		"what left is not gone":                        whatLeftIsNotGone,
	}
}

func (w *world) round(m model.Mailbox) int64 {
	w.Helper()
	begun := w.now
	n, err := w.s.FinishFetch(w.ctx, m.ID, begun, w.tick(), w.now.AddDate(0, 0, 1))
	w.ok(err)
	return n
}

func (w *world) pass() bool {
	w.Helper()
	_, ageing, err := w.s.FinishPass(w.ctx, w.crm.ID, w.tick())
	w.ok(err)
	return ageing
}

// Algorithm 1.7: a deletion is proven by rounds that were really read, never by
// the clock.
func aMailAbsenceAges(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.vanish(ann.ID, "m-c1")
	equal(w, "ageing at once", w.due(ann).Ageing, true)
	w.round(ann)
	for range 2 {
		p := w.pairs(ann)[0]
		equal(w, "gone", p.Mail.Gone, true)
		equal(w, "settled", p.Mail.Settled, false)
		equal(w, "ageing", w.due(ann).Ageing, true)
		w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
			return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: p.State, Pending: true}}}
		})
		w.round(ann)
	}
	equal(w, "settled", w.pairs(ann)[0].Mail.Settled, true)
	equal(w, "ageing", w.due(ann).Ageing, false)
	equal(w, "to be looked at", w.due(ann).Fresh, true)
	m := w.reload(ann)
	equal(w, "round", m.Round, int64(3))
	equal(w, "last success", m.LastSuccess, w.now)
}

func aCRMAbsenceAges(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.vanish("", "c1")
	for _, want := range []bool{true, true, false} {
		equal(w, "settled", w.pairs(ann)[0].CRM.Settled, false)
		equal(w, "ageing for the mailbox", w.due(ann).Ageing, true)
		equal(w, "ageing", w.pass(), want)
	}
	equal(w, "settled", w.pairs(ann)[0].CRM.Settled, true)
	equal(w, "ageing for the mailbox", w.due(ann).Ageing, false)
}

// A record that is gone stays known until every mailbox has dealt with it.
func aSharedAbsence(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.linked(ann, "c1", "ann", "bob")
	w.arrive(bob.ID, contact("b1", "Ann"))
	w.ok(w.s.Join(w.ctx, bob.ID, []plan.Join{{Entity: plan.CRMEntity(w.crm.ID, model.Contact, "c1"), Kind: model.Contact, CRM: "c1", Mail: "b1"}}))
	w.plan(bob, store.PlanReady, agree)
	w.vanish("", "c1")
	kept := func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.Kept, DropCRM: true}}}
	}
	w.plan(ann, store.PlanReady, kept)
	p := w.pairs(bob)
	same(w, "bob's", names(p), []string{"c1=b1"})
	equal(w, "gone", p[0].CRM.Gone, true)
	w.plan(bob, store.PlanReady, kept)
	w.arrive(bob.ID, contact("b1", "Bob's own"))
	same(w, "bob's", names(w.pairs(bob)), []string{"c1=b1"})
}

func whatLeftIsNotGone(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	in := w.page(ann.ID)
	in.Left = refs("m-c1")
	equal(w, "absent", w.save(in).Absent, 1)
	p := w.pairs(ann)[0]
	equal(w, "left", p.Mail.Left, true)
	equal(w, "gone", p.Mail.Gone, false)
	equal(w, "ageing", w.due(ann).Ageing, false)
	w.arrive(ann.ID, contact("m-c1", "Ann"))
	equal(w, "left", w.pairs(ann)[0].Mail.Left, false)
}

func lifeStories() map[string]func(*world) {
	return map[string]func(*world){
		"pausing keeps work and routing":      pausingKeepsWork,
		"forgetting a mailbox takes only its": forgettingAMailbox,
		"a live mailbox is not forgotten":     aLiveMailboxIsNotForgotten,
	}
}

func pausingKeepsWork(w *world) {
	ann := w.mailbox("ann")
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Paused, "holiday"))
	m := w.reload(ann)
	equal(w, "state", m.State, model.Paused)
	equal(w, "reason", m.Reason, "holiday")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Active, ""))
	same(w, "pending", names(w.pairs(ann)), []string{"c1="})
	w.is(w.s.SetMailboxState(w.ctx, "mbx_none", model.Active, ""), store.ErrNotFound)
}

func forgettingAMailbox(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.linked(ann, "c1", "ann", "bob")
	w.arrive("", w.shared(contact("c2", "Only Ann"), "ann"))
	w.apply(ann, w.plan(ann, store.PlanReady, createMail(ann)), done)
	w.arrive(bob.ID, contact("b1", "Bob"))
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Retired, "removed"))
	w.ok(w.s.Forget(w.ctx, ann.ID))
	_, err := w.s.Mailbox(w.ctx, ann.ID)
	w.is(err, store.ErrNotFound)
	same(w, "bob's", names(w.pairs(bob)), []string{"=b1", "c1="})
	for _, p := range w.pairs(bob) {
		if p.CRM != nil {
			equal(w, "shared content", p.CRM.Content.Text("full_name"), "Ann")
		}
	}
	// The CRM user is free again, for anybody.
	_, err = w.s.Register(w.ctx, model.Mailbox{Address: "new" + address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID})
	w.ok(err)
}

func aLiveMailboxIsNotForgotten(w *world) {
	ann := w.mailbox("ann")
	if err := w.s.Forget(w.ctx, ann.ID); err == nil {
		w.Fatal("a live mailbox was forgotten")
	}
	w.reload(ann)
	w.is(w.s.Forget(w.ctx, "mbx_none"), store.ErrNotFound)
}

func readingStories() map[string]func(*world) {
	return map[string]func(*world){
		"explain finds an item by what people know of it": explainFinds,
		"progress counts what there is":                   progressCounts,
		"the census counts what the brakes look at":       theCensusCounts,
		"nothing yet is empty or not found":               nothingYet,
	}
}

func explainFinds(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("hidden", "Hidden"), "bob"))
	w.arrive(ann.ID, contact("m-c1", "Ann Second"))
	for _, query := range []string{"c1", "m-c1", "uid-c1", "ann", "ANN  second"} {
		got, err := w.s.Explain(w.ctx, ann.ID, query)
		w.ok(err)
		equal(w, "found by "+query, len(got), 1)
		x := got[0]
		equal(w, "entity", x.Entity, plan.CRMEntity(w.crm.ID, model.Contact, "c1"))
		equal(w, "state", x.State, plan.Linked)
		equal(w, "crm", x.CRM.ID, "c1")
		equal(w, "mail", x.Mail.ID, "m-c1")
		equal(w, "pending", x.Pending, true)
		equal(w, "synced", x.LastSync.IsZero(), false)
		same(w, "fields", x.Fields, []string{"emails", "family_name", "full_name"})
	}
	for _, query := range []string{"hidden", "Hidden", "nobody"} {
		got, err := w.s.Explain(w.ctx, ann.ID, query)
		w.ok(err)
		equal(w, "found by "+query, len(got), 0)
	}
}

func progressCounts(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive(ann.ID, contact("m2", "Bob"))
	got, err := w.s.Progress(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "kinds", len(got), 3)
	same(w, "contacts", got[0], store.Progress{Kind: model.Contact, CRMItems: 1, MailItems: 2, Linked: 1, Pending: 1})
	same(w, "events", got[1], store.Progress{Kind: model.Event})
}

func theCensusCounts(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c2", "Bob"), "ann"), w.shared(contact("c3", "Cid"), "other"))
	got, err := w.s.Census(w.ctx, ann.ID, w.now)
	w.ok(err)
	equal(w, "linked", got.Linked[model.Contact], 1)
	equal(w, "in the CRM", got.Present[model.CRM][model.Contact], 2)
	equal(w, "in the mailbox", got.Present[model.Mail][model.Contact], 1)
	equal(w, "deleted", got.Deleted[model.Mail][model.Contact], 0)
}

func nothingYet(w *world) {
	ann := w.mailbox("ann")
	_, err := w.s.Plan(w.ctx, ann.ID)
	w.is(err, store.ErrNotFound)
	rounds, err := w.s.Rounds(w.ctx, ann.ID, 10)
	w.ok(err)
	equal(w, "rounds", len(rounds), 0)
	same(w, "due", w.due(ann), store.Due{})
	open, err := w.s.Intents(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "intents", len(open), 0)
	w.ok(w.s.DropPlan(w.ctx, ann.ID))
	w.ok(w.s.Join(w.ctx, ann.ID, nil))
	w.ok(w.s.Adopt(w.ctx, ann.ID, nil, w.now))
}
