package storetest

import (
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// conflict saves a plan in which a linked pair has an edit conflict, and returns
// its row.
func (w *world) conflict(m model.Mailbox, c plan.EditConflict) store.ConflictRow {
	w.Helper()
	w.arrive(m.ID, contact("m-c1", "Ann at "+w.tick().String()))
	w.plan(m, store.PlanReady, func(p store.Pair) plan.Plan {
		c.Entity, c.Kind = p.Entity, p.Kind
		out := agree(p)
		out.Conflicts = []plan.EditConflict{c}
		return out
	})
	rows, err := w.s.Conflicts(w.ctx, m.ID)
	w.ok(err)
	equal(w, "conflicts", len(rows), 1)
	one, err := w.s.Conflict(w.ctx, rows[0].ID)
	w.ok(err)
	equal(w, "the same by its id", one.ID+one.Field, rows[0].ID+rows[0].Field)
	return one
}

// B13: a choice has the pair looked at again, with its contents, until a write
// carried it out; then the conflict has ended.
func aChoiceWaits(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	c := w.conflict(ann, plan.EditConflict{Field: "notes", Winner: model.CRM, Loser: model.Content{"notes": {Text: "lost"}}})
	equal(w, "mailbox", c.Mailbox, ann.ID)
	w.is(w.s.Choose(w.ctx, "none", plan.TakeLoser), store.ErrNotFound)
	w.ok(w.s.Choose(w.ctx, c.ID, plan.TakeLoser))
	write := func(p store.Pair) plan.Plan {
		equal(w, "open conflicts", len(p.Conflicts), 1)
		equal(w, "chosen", p.Conflicts[0].Take, plan.TakeLoser)
		equal(w, "lost", p.Conflicts[0].Loser.Text("notes"), "lost")
		equal(w, "contents are there", len(p.CRM.Content)*len(p.Mail.Content) > 0, true)
		return plan.Plan{Writes: []plan.Write{{
			Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Final: true, OtherKey: p.CRM.Key, Settles: []plan.Settled{{ID: c.ID, How: plan.TakeLoser}},
			Op: model.Operation{Action: model.Update, Ref: p.Mail.Ref, Expect: p.Mail.Ref.Version, Content: p.Mail.Content},
		}}}
	}
	again := func(store.Planned) store.Result {
		return store.Result{Receipt: model.Receipt{Outcome: model.Unknown}, Again: true}
	}
	w.apply(ann, w.plan(ann, store.PlanReady, write), again)
	w.apply(ann, w.plan(ann, store.PlanReady, write), done)
	after, err := w.s.Conflict(w.ctx, c.ID)
	w.ok(err)
	equal(w, "resolution", after.Resolution, plan.TakeLoser)
	equal(w, "has an end", after.Resolved.IsZero(), false)
	same(w, "pending", names(w.pairs(ann)), []string{})
	progress, err := w.s.Progress(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "open conflicts", progress[0].OpenConflicts, 0)

	// What ended can be chosen again: the value is kept.
	w.ok(w.s.Choose(w.ctx, c.ID, plan.TakeLoser))
	equal(w, "pending again", len(w.pairs(ann)), 1)
	w.ok(w.s.EndConflict(w.ctx, c.ID, "later edit", w.now))
	equal(w, "nothing is asked of the plan", len(w.pairs(ann)[0].Conflicts), 0)
}

func aQuestionStaysOpen(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	question := plan.EditConflict{Field: "notes", Loser: model.Content{"notes": {Text: "mine"}}}
	c := w.conflict(ann, question)
	w.arrive("", w.shared(contact("c1", "Ann Again"), "ann"))
	p := w.pairs(ann)
	equal(w, "questions", len(p[0].Conflicts), 1)
	equal(w, "has a winner", p[0].Conflicts[0].Winner, model.Side(""))
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		out := agree(p)
		out.Settled = []plan.Settled{{ID: c.ID, How: plan.TakeMail}}
		return out
	})
	after, err := w.s.Conflict(w.ctx, c.ID)
	w.ok(err)
	equal(w, "resolution", after.Resolution, plan.TakeMail)
	equal(w, "winner", after.Winner, model.Mail)

	// The same may come to be asked again.
	again := w.conflict(ann, question)
	equal(w, "one row", again.ID, c.ID)
	equal(w, "resolution", again.Resolution, "")
	equal(w, "winner", again.Winner, model.Side(""))
}
