package storetest

import (
	"errors"
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func reviewStories() map[string]func(*world) {
	return map[string]func(*world){
		"a kept pair is rejoined":                        aKeptPairIsRejoined,
		"items that could be the same wait for a person": anAmbiguousMatch,
		"two of them are said to be the same":            twoAreTheSame,
		"all of them are said to be different":           allAreDifferent,
		"a question goes when one of its items changes":  aQuestionGoes,
		"a lost create waits for a person":               aLostCreateWaits,
		"an item is said to be what was created":         thisIsIt,
		"none is said to be what was created":            noneIsIt,
		"a question whose item is gone goes":             aLostCreateIsNotWanted,
		"what could have sent mail is on record":         invitationsAreOnRecord,
	}
}

// twins are two contacts in the CRM and one in the mailbox that could be the
// same, and the question about them.
func (w *world) twins(m model.Mailbox) store.Question {
	w.Helper()
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"), w.shared(contact("c2", "Ann"), "ann"))
	w.arrive(m.ID, contact("m1", "Ann"))
	var joins []plan.Join
	for _, it := range []struct{ crm, mail string }{{crm: "c1"}, {crm: "c2"}, {mail: "m1"}} {
		joins = append(joins, plan.Join{
			Entity: plan.NewEntity("review", it.crm, it.mail), Kind: model.Contact, CRM: it.crm, Mail: it.mail,
			State: plan.Review, Reason: "could be the same", Question: "same-ann",
		})
	}
	w.ok(w.s.Join(w.ctx, m.ID, joins))
	w.plan(m, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: p.State, Reason: p.Reason}}}
	})
	return w.question(m)
}

func (w *world) question(m model.Mailbox) store.Question {
	w.Helper()
	found, err := w.s.Questions(w.ctx, m.ID)
	w.ok(err)
	equal(w, "questions", len(found), 1)
	return found[0]
}

func (w *world) noQuestion(m model.Mailbox) {
	w.Helper()
	found, err := w.s.Questions(w.ctx, m.ID)
	w.ok(err)
	same(w, "questions", found, nil)
}

func itemsOf(q store.Question) []string {
	var out []string
	for _, it := range q.Items {
		out = append(out, fmt.Sprintf("%s %s %q %s %v", it.Side, it.Item, it.Title, it.Reason, it.Create))
	}
	return out
}

// B1, algorithm 1.9f: what fits several is not guessed.
func anAmbiguousMatch(w *world) {
	ann := w.mailbox("ann")
	q := w.twins(ann)
	same(w, "question", itemsOf(q), []string{
		`crm c1 "Ann" could be the same false`, `crm c2 "Ann" could be the same false`, `mail m1 "Ann" could be the same false`,
	})
	same(w, "pending", names(w.pairs(ann)), []string{})
	equal(w, "anything to do", w.due(ann).Fresh, false)
	w.ok(w.s.Reconsider(w.ctx, ann.ID))
	equal(w, "still asked", len(w.question(ann).Items), 3)
	err := w.s.Resolve(w.ctx, ann.ID, store.Resolution{Question: "no such"}, w.now)
	equal(w, "an unknown question", errors.Is(err, store.ErrNotFound), true)
	err = w.s.Resolve(w.ctx, ann.ID, store.Resolution{Question: q.ID, CRM: "c1", Mail: "other"}, w.now)
	equal(w, "an unknown item", errors.Is(err, store.ErrNotFound), true)
	w.noQuestion(w.mailbox("bob"))
}

func twoAreTheSame(w *world) {
	ann := w.mailbox("ann")
	q := w.twins(ann)
	w.ok(w.s.Resolve(w.ctx, ann.ID, store.Resolution{Question: q.ID, CRM: "c2", Mail: "m1"}, w.now))
	w.noQuestion(ann)
	same(w, "pending", names(w.pairs(ann)), []string{"c1=", "c2=m1"})
	free, err := w.s.Strangers(w.ctx, ann.ID, "", 10)
	w.ok(err)
	equal(w, "strangers", len(free), 1)
	equal(w, "stranger", free[0].Item, "c1")
}

func allAreDifferent(w *world) {
	ann := w.mailbox("ann")
	q := w.twins(ann)
	w.ok(w.s.Resolve(w.ctx, ann.ID, store.Resolution{Question: q.ID}, w.now))
	w.noQuestion(ann)
	same(w, "pending", names(w.pairs(ann)), []string{"=m1", "c1=", "c2="})
	free, err := w.s.Strangers(w.ctx, ann.ID, "", 10)
	w.ok(err)
	equal(w, "strangers", len(free), 3)
	for _, by := range []plan.MatchBy{plan.ByContent, plan.ByNatural} {
		found, err := w.s.Candidates(w.ctx, ann.ID, by, []string{free[0].Key(by)})
		w.ok(err)
		same(w, "they are not matched again", found, nil)
	}
}

func aQuestionGoes(w *world) {
	ann := w.mailbox("ann")
	w.twins(ann)
	w.arrive(ann.ID, contact("m1", "Bob"))
	w.ok(w.s.Reconsider(w.ctx, ann.ID))
	w.noQuestion(ann)
	same(w, "pending", names(w.pairs(ann)), []string{"=m1", "c1=", "c2="})
}

// lost is a contact whose create in the mailbox was not answered, and a new item
// there that could be it.
func (w *world) lost(m model.Mailbox) store.Question {
	w.Helper()
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	id := w.plan(m, store.PlanReady, createMail(m))
	w.lease(m)
	writes, err := w.s.Writes(w.ctx, id, model.Mail, -1, 10)
	w.ok(err)
	w.begin(m.ID, token, id, writes, 1, w.tick())
	w.ok(w.s.DropPlan(w.ctx, m.ID))
	w.arrive(m.ID, contact("m9", "Somebody"))
	asked := w.plan(m, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{
			Entity: p.Entity, Kind: p.Kind, State: plan.Review, Reason: "was it made?", Question: plan.QuestionOf(model.Mail, model.Contact),
		}}}
	})
	w.apply(m, asked, done)
	return w.question(m)
}

// Algorithm 1.6, tier T3.
func aLostCreateWaits(w *world) {
	ann := w.mailbox("ann")
	same(w, "question", itemsOf(w.lost(ann)), []string{`crm c1 "Ann" was it made? true`, `mail m9 "Somebody" was it made? false`})
	equal(w, "open", w.due(ann).Open, false)
	w.ok(w.s.Reconsider(w.ctx, ann.ID))
	equal(w, "still asked", len(w.question(ann).Items), 2)
}

func thisIsIt(w *world) {
	ann := w.mailbox("ann")
	q := w.lost(ann)
	w.ok(w.s.Resolve(w.ctx, ann.ID, store.Resolution{Question: q.ID, CRM: "c1", Mail: "m9"}, w.tick()))
	w.noQuestion(ann)
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1=m9"})
	equal(w, "state", p[0].State, plan.Linked)
	equal(w, "what was sent is the base", p[0].MailBase.Content.Text("full_name"), "Ann")
	equal(w, "what is there is an edit", p[0].Mail.Content.Text("full_name"), "Somebody")
	equal(w, "open", w.due(ann).Open, false)
}

func noneIsIt(w *world) {
	ann := w.mailbox("ann")
	q := w.lost(ann)
	w.ok(w.s.Resolve(w.ctx, ann.ID, store.Resolution{Question: q.ID}, w.tick()))
	w.noQuestion(ann)
	same(w, "pending", names(w.pairs(ann)), []string{"=m9", "c1="})
	open, err := w.s.Intents(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "open creates", len(open), 1)
	equal(w, "long enough looked", open[0].Looked > 1000, true)
	free, err := w.s.Strangers(w.ctx, ann.ID, "", 10)
	w.ok(err)
	equal(w, "what was there is not it", open[0].May(free[0]), false)
}

func aLostCreateIsNotWanted(w *world) {
	ann := w.mailbox("ann")
	w.lost(ann)
	in := w.page("")
	in.Gone = refs("c1")
	w.save(in)
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.Tombstone, DropCRM: true}}}
	})
	w.ok(w.s.Reconsider(w.ctx, ann.ID))
	w.noQuestion(ann)
	same(w, "pending, what is gone included", names(w.pairs(ann)), []string{"=", "=m9"})
}
