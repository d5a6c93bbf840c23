package storetest

import (
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func undoStories() map[string]func(*world) {
	return map[string]func(*world){
		"a round is told with what was there before": aRoundIsTold,
		"an undo settles its own side only":          anUndoSettles,
		"an undo lasts until its plan is finished":   anUndoLasts,
		"what goes to and fro is told":               bouncesAreTold,
		"another filter deletes nothing":             aFilterDeletesNothing,
	}
}

// B4: what was overwritten is kept, as content and as bytes, and so is what was
// left, and what the item says by now.
func aRoundIsTold(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	w.number = 7
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	_, err := w.s.Deeds(w.ctx, ann.ID, 99, "", 10)
	w.is(err, store.ErrNotFound)
	all, err := w.s.Deeds(w.ctx, ann.ID, 7, "", 10)
	w.ok(err)
	equal(w, "deeds", len(all), 1)
	d := all[0]
	equal(w, "action", d.Op.Action, model.Update)
	equal(w, "done", d.Done, true)
	equal(w, "before", d.Before.Content.Text("full_name"), "Ann")
	equal(w, "bytes before", string(d.Raw), "raw Ann")
	equal(w, "now", d.Now.Content.Text("full_name"), "Ann Second")
	equal(w, "as it was left", d.Now.Key, d.After)
	equal(w, "linked", d.Linked, true)
	rest, err := w.s.Deeds(w.ctx, ann.ID, 7, d.Entity, 10)
	w.ok(err)
	equal(w, "rest", len(rest), 0)
}

func anUndoSettles(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	w.number = 7
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	all, err := w.s.Deeds(w.ctx, ann.ID, 7, "", 10)
	w.ok(err)
	w.undo(ann, plan.Undo(all, ann.ID, "undo of round 7"))
	same(w, "pending", names(w.pairs(ann)), []string{})
	w.arrive("", w.shared(contact("c1", "Ann Third"), "ann"))
	p := w.pairs(ann)[0]
	equal(w, "state", p.State, plan.Linked)
	equal(w, "CRM base", p.CRMBase.Content.Text("full_name"), "Ann Second")
	equal(w, "mail base", p.MailBase.Content.Text("full_name"), "Ann")
}

// undo carries out an undo's plan.
func (w *world) undo(m model.Mailbox, built plan.Plan) {
	w.Helper()
	w.ok(w.s.SetUndo(w.ctx, m.ID, "req_1"))
	id, err := w.s.BeginPlan(w.ctx, store.PlanRow{Mailbox: m.ID, At: w.tick(), Request: "req_1", Round: w.number + 1})
	w.ok(err)
	w.ok(w.s.SaveChunk(w.ctx, m.ID, id, store.Chunk{Plan: built, Commit: true, Now: w.tick()}))
	w.ok(w.s.SealPlan(w.ctx, store.PlanRow{ID: id, Mailbox: m.ID, State: store.PlanReady, Hash: "undo", Request: "req_1"}))
	equal(w, "undoing", w.reload(m).Undoing, "req_1")
	w.number++
	w.apply(m, id, done)
}

func anUndoLasts(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	w.number = 7
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	all, err := w.s.Deeds(w.ctx, ann.ID, 7, "", 10)
	w.ok(err)
	w.undo(ann, plan.Undo(all, ann.ID, "undo of round 7"))
	equal(w, "undoing", w.reload(ann).Undoing, "")
	// What was undone is as it was before: a second time there is nothing to do.
	all, err = w.s.Deeds(w.ctx, ann.ID, 7, "", 10)
	w.ok(err)
	again := plan.Undo(all, ann.ID, "undo of round 7")
	equal(w, "writes", len(again.Writes), 0)
	// An undo can be undone.
	all, err = w.s.Deeds(w.ctx, ann.ID, 8, "", 10)
	w.ok(err)
	back := plan.Undo(all, ann.ID, "undo of round 8")
	equal(w, "writes", len(back.Writes), 1)
	equal(w, "comes back", back.Writes[0].Op.Content.Text("full_name"), "Ann Second")
}

// B17: the updates of an item are told, the newest first; what was retried does
// not count any more.
func bouncesAreTold(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	for _, n := range []string{"Second", "Third"} {
		w.number++
		w.arrive("", w.shared(contact("c1", n), "ann"))
		w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	}
	e := plan.CRMEntity(w.crm.ID, model.Contact, "c1")
	tell := func(least int) []plan.Bounce {
		out, err := w.s.Bounces(w.ctx, ann.ID, []model.EntityID{e}, least)
		w.ok(err)
		return out
	}
	equal(w, "updates of those with three", len(tell(3)), 0)
	all := tell(2)
	equal(w, "updates of those with two", len(all), 2)
	equal(w, "newest", all[0].Content.Text("full_name"), "Third")
	equal(w, "field", all[0].Changed[0], "full_name")
	equal(w, "round", all[0].Round > all[1].Round, true)
	w.arrive("", w.shared(contact("c1", "Fourth"), "ann"))
	w.number++
	w.apply(ann, w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{
			Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.SetAside}},
			Issues:  []plan.Issue{{Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Item: "m-c1", Code: "sync.ping-pong"}},
		}
	}), done)
	n, _, err := w.s.RetryIssues(w.ctx, store.IssueFilter{Code: "sync.ping-pong"})
	w.ok(err)
	equal(w, "retried", n, 1)
	equal(w, "updates that count", len(tell(1)), 0)
}

// B19: what a listing under another filter does not name has left. The next one
// proves deletions again.
func aFilterDeletesNothing(w *world) {
	ann := w.mailbox("ann")
	filter := func(f string) { w.ok(w.s.SetFilter(w.ctx, w.mail.ID, ann.ID, f)) }
	list := func(items ...model.Item) store.PageOut {
		in := w.page(ann.ID)
		in.Items, in.Full, in.Last = items, true, true
		return w.save(in)
	}
	filter("wide")
	list(contact("m1", "Ann"), contact("m2", "Bob"), contact("m3", "Cleo"))
	filter("wide")
	equal(w, "cursor after the same filter", w.page(ann.ID).Collection.Cursor != "", true)
	filter("narrow")
	equal(w, "cursor after another filter", w.page(ann.ID).Collection.Cursor, "")
	list(contact("m1", "Ann"), contact("m2", "Bob"))
	seen := func(id string) *plan.Seen {
		for _, p := range w.pairs(ann) {
			if p.Mail != nil && p.Mail.Ref.ID == id {
				return p.Mail
			}
		}
		w.Fatalf("%s is not pending", id)
		return nil
	}
	equal(w, "left", seen("m3").Left, true)
	equal(w, "gone", seen("m3").Gone, false)
	w.ok(w.s.ResetCursors(w.ctx, w.mail.ID, ann.ID))
	list(contact("m1", "Ann"))
	equal(w, "gone under the same filter", seen("m2").Gone, true)
	equal(w, "still only left", seen("m3").Gone, false)
}
