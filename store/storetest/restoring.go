package storetest

import (
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func restoringStories() map[string]func(*world) {
	return map[string]func(*world){
		"a revision that went back tells of a restore":    aRevisionThatWentBack,
		"what a restore leaves, changes and loses":        whatARestoreLeaves,
		"an id that names another thing loses its link":   anIDGivenAgain,
		"a mark is kept until the system was restored":    aMarkIsKept,
		"our own database was restored":                   ourOwnDatabase,
		"a key that only we give tells that we forgot it": aKeyThatWeForgot,
	}
}

// ordered is a contact with a revision.
func ordered(id, name string, order int64) model.Item {
	it := contact(id, name)
	it.Ref.Order, it.Ref.Version = order, fmt.Sprint(order)
	return it
}

// relist lists a mailbox's contacts in full.
func (w *world) relist(m model.Mailbox, items ...model.Item) store.PageOut {
	w.Helper()
	in := w.listing(m.ID, items...)
	in.Last = true
	return w.save(in)
}

// tied links mail items with records of the same content.
func (w *world) tied(m model.Mailbox, items ...model.Item) {
	w.Helper()
	in := w.listing(m.ID, items...)
	in.Last, in.Mark = true, &store.HighWater{High: 100, Epoch: "first"}
	w.save(in)
	for _, it := range items {
		record := contact("c-"+it.Ref.ID, it.Content.Text("full_name"))
		record.Content = it.Content
		w.arrive("", w.shared(record, "ann"))
		w.ok(w.s.Join(w.ctx, m.ID, []plan.Join{{Entity: model.EntityID("e-" + it.Ref.ID), Kind: model.Contact, CRM: "c-" + it.Ref.ID, Mail: it.Ref.ID}}))
	}
	w.plan(m, store.PlanReady, agree)
}

func aRevisionThatWentBack(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, ordered("m1", "Ann", 9))
	_, err := w.s.SavePage(w.ctx, w.page(ann.ID, ordered("m1", "Ann Before", 5)))
	w.is(err, store.ErrRestored)
	w.ok(w.s.Restored(w.ctx, w.mail.ID, ann.ID))
	c := w.collection(ann.ID, people)
	equal(w, "listed after a restore", c.Restored, true)
	equal(w, "cursor", c.Cursor, model.Cursor(""))
	unknown, err := w.s.Unknown(w.ctx, w.mail.ID, ann.ID, []model.Ref{ordered("m1", "Ann", 9).Ref})
	w.ok(err)
	equal(w, "versions are not trusted", len(unknown), 1)
	w.relist(ann, ordered("m1", "Ann Before", 5))
	equal(w, "listed after a restore", w.collection(ann.ID, people).Restored, false)
}

func whatARestoreLeaves(w *world) {
	ann := w.mailbox("ann")
	w.tied(ann, ordered("early", "Early", 10), ordered("intact", "Intact", 20), ordered("late", "Late", 30), ordered("old", "Old", 40), ordered("dead", "Dead", 41))
	// Old was called so before, and Dead was deleted on both sides.
	w.arrive(ann.ID, ordered("old", "New", 50))
	w.plan(ann, store.PlanReady, agree)
	w.vanish(ann.ID, "dead")
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.Tombstone, DropMail: true}}}
	})
	w.ok(w.s.Restored(w.ctx, w.mail.ID, ann.ID))
	w.relist(ann, ordered("intact", "Intact", 20), ordered("old", "Old", 40), ordered("dead", "Dead", 41))
	doubts := map[string]plan.Doubt{}
	for _, p := range w.pairs(ann) {
		if p.Mail != nil {
			doubts[p.Mail.Ref.ID] = p.Mail.Doubt
		}
		if p.Mail != nil && p.Mail.Ref.ID == "old" {
			same(w, "values of the past", p.Mail.Past, []string{"full_name", "family_name"})
		}
	}
	same(w, "doubts", fmt.Sprint(doubts), fmt.Sprint(map[string]plan.Doubt{"early": plan.Predeceased, "late": plan.Restored, "old": plan.Restored, "dead": plan.Restored}))
	for _, s := range w.strangers(ann) {
		equal(w, s.Item+" came back", s.CameBack, s.Item == "dead" && s.Side == model.Mail)
	}
	w.plan(ann, store.PlanReady, agree)
	w.arrive(ann.ID, ordered("old", "Newest", 60))
	equal(w, "in doubt once both agree", w.pairs(ann)[0].Mail.Doubt, plan.Certain)
}

func anIDGivenAgain(w *world) {
	ann := w.mailbox("ann")
	w.tied(ann, ordered("m1", "Ann", 10))
	w.ok(w.s.Restored(w.ctx, w.mail.ID, ann.ID))
	other := ordered("m1", "Somebody else", 11)
	other.UID = "another uid"
	w.relist(ann, other)
	same(w, "pairs", names(w.pairs(ann)), []string{"=m1", "c-m1="})
}

func aMarkIsKept(w *world) {
	ann := w.mailbox("ann")
	w.tied(ann, ordered("m1", "Ann", 10), ordered("m2", "Bob", 11))
	known := w.collection(ann.ID, people).Mark
	same(w, "mark", known, store.HighWater{High: 100, Epoch: "first"})
	equal(w, "lower", store.HighWater{High: 99, Epoch: "first"}.Before(known), true)
	equal(w, "another epoch", store.HighWater{High: 101, Epoch: "second"}.Before(known), true)
	equal(w, "further on", store.HighWater{High: 101, Epoch: "first"}.Before(known), false)
	equal(w, "no marks", store.HighWater{}.Before(known), false)
	w.arrive(ann.ID, ordered("m1", "Ann Second", 12))
	newest, err := w.s.Newest(w.ctx, w.mail.ID, ann.ID, model.Collection{ID: people, Kind: model.Contact}, 1)
	w.ok(err)
	equal(w, "newest", newest[0].ID, "m1")
	w.ok(w.s.Restored(w.ctx, w.mail.ID, ann.ID))
	same(w, "mark", w.collection(ann.ID, people).Mark, store.HighWater{})
}

func ourOwnDatabase(w *world) {
	ann := w.mailbox("ann")
	w.tied(ann, ordered("m1", "Ann", 10), ordered("m2", "Bob", 11), ordered("m3", "Cid", 12))
	w.ok(w.s.DeclareRestored(w.ctx))
	equal(w, "the mailbox is behind", w.reload(ann).Behind, true)
	crm, err := w.s.Connection(w.ctx, w.crm.ID)
	w.ok(err)
	equal(w, "the CRM is behind", crm.Behind, true)
	w.vanish(ann.ID, "m3") // told before anybody knew
	w.ok(w.s.Reread(w.ctx, w.mail.ID, ann.ID))
	equal(w, "the mailbox is behind", w.reload(ann).Behind, false)
	w.relist(ann, ordered("m2", "Bob Second", 13))
	for _, p := range w.pairs(ann) {
		equal(w, "doubt about "+p.Mail.Ref.ID, p.Mail.Doubt, plan.Unwitnessed)
	}
	equal(w, "pairs", len(w.pairs(ann)), 3)
	w.is(w.s.Reread(w.ctx, w.mail.ID, "mbx_none"), store.ErrNotFound)
}

func aKeyThatWeForgot(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	e := plan.CRMEntity(w.crm.ID, model.Contact, "c1")
	made := contact("m1", "Ann")
	made.Stamp = plan.MailKey(e, ann.ID, 0)
	equal(w, "another's key", w.arrive(bob.ID, made).Foreign, false)
	equal(w, "our key", w.arrive(ann.ID, made).Foreign, true)
	equal(w, "our key once more", w.arrive(ann.ID, versioned(made, "2")).Foreign, false)
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	found, err := w.s.Candidates(w.ctx, ann.ID, plan.ByKey, []string{string(e)})
	w.ok(err)
	equal(w, "both sides of one entity", len(found), 2)
	same(w, "joined", plan.Match(plan.ByKey, w.crm.ID, found), []plan.Join{{Entity: e, Kind: model.Contact, CRM: "c1", Mail: "m1"}})
}
