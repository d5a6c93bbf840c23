package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func planStories() map[string]func(*world) {
	return map[string]func(*world){
		"a ready plan is what there is to do":           aReadyPlan,
		"a held plan waits and is no news":              aHeldPlanWaits,
		"a shown plan leaves everything as it was":      aShownPlan,
		"a plan that was dropped gives its work back":   aDroppedPlan,
		"a plan that was replaced takes no more chunks": aReplacedPlan,
		"a held delete waits while the rest goes on":    aHeldDeleteWaits,
		"a write is held after it was written down":     aWriteIsHeldLater,
		"a verdict is for exactly one plan":             aVerdictIsForOnePlan,
		"contents that are there already are known":     echoesAreKnown,
		"an edit conflict is kept once":                 anEditConflictIsKept,
		"what a person chose waits for the plan":        aChoiceWaits,
		"a question stays open until it is answered":    aQuestionStaysOpen,
		"an issue counts, closes and opens again":       anIssueCounts,
		"an update carries the bytes it edits":          anUpdateCarriesBytes,
	}
}

func aReadyPlan(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"), w.shared(contact("c2", "Bob"), "ann"))
	id := w.plan(ann, store.PlanReady, createMail(ann))
	same(w, "pending", names(w.pairs(ann)), []string{})
	same(w, "due", w.due(ann), store.Due{Open: true})
	p, err := w.s.Plan(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "id", p.ID, id)
	equal(w, "state", p.State, store.PlanReady)
	writes, err := w.s.Writes(w.ctx, id, model.Mail, -1, 1)
	w.ok(err)
	equal(w, "first page", len(writes), 1)
	equal(w, "content", writes[0].Op.Content.Text("full_name"), "Ann")
	equal(w, "why", writes[0].Why, "new in the CRM")
	equal(w, "other key", writes[0].OtherKey != "", true)
	more, err := w.s.Writes(w.ctx, id, model.Mail, writes[0].Number, 10)
	w.ok(err)
	equal(w, "rest", len(more), 1)
	none, err := w.s.Writes(w.ctx, id, model.CRM, -1, 10)
	w.ok(err)
	equal(w, "writes to the CRM", len(none), 0)
}

func aHeldPlanWaits(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	w.plan(ann, store.PlanHeld, createMail(ann))
	same(w, "due", w.due(ann), store.Due{Held: true})
	same(w, "pending", names(w.pairs(ann)), []string{"c1="})
	w.arrive("", w.shared(contact("c2", "Bob"), "ann"))
	same(w, "due", w.due(ann), store.Due{Fresh: true, Held: true})
	id := w.plan(ann, store.PlanReady, createMail(ann))
	same(w, "due", w.due(ann), store.Due{Open: true})
	writes, err := w.s.Writes(w.ctx, id, model.Mail, -1, 10)
	w.ok(err)
	equal(w, "writes", len(writes), 2)
}

func aShownPlan(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	id := w.plan(ann, store.PlanShown, createMail(ann))
	same(w, "due", w.due(ann), store.Due{Fresh: true})
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1="})
	equal(w, "entity", p[0].Entity, "")
	writes, err := w.s.PlanWrites(w.ctx, id, -1, 10)
	w.ok(err)
	equal(w, "writes shown", len(writes), 1)
}

func aDroppedPlan(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"), w.shared(contact("c2", "Bob"), "ann"))
	id := w.plan(ann, store.PlanReady, createMail(ann))
	w.lease(ann)
	writes, err := w.s.Writes(w.ctx, id, model.Mail, -1, 1)
	w.ok(err)
	w.begin(ann.ID, token, id, writes, 1, w.tick())
	r := done(writes[0])
	r.Planned = writes[0]
	_, err = w.s.Commit(w.ctx, ann.ID, token, id, []store.Result{r}, w.tick())
	w.ok(err)
	// The process dies here, one of two writes done.
	w.ok(w.s.DropPlan(w.ctx, ann.ID))
	same(w, "pending", names(w.pairs(ann)), []string{"c2="})
	same(w, "due", w.due(ann), store.Due{Fresh: true})
	rest, err := w.s.Writes(w.ctx, id, model.Mail, -1, 10)
	w.ok(err)
	equal(w, "what is left undone", len(rest), 1)
}

func aReplacedPlan(w *world) {
	ann := w.mailbox("ann")
	first, err := w.s.BeginPlan(w.ctx, store.PlanRow{Mailbox: ann.ID, At: w.tick()})
	w.ok(err)
	equal(w, "open", w.due(ann).Open, true)
	second, err := w.s.BeginPlan(w.ctx, store.PlanRow{Mailbox: ann.ID, At: w.tick()})
	w.ok(err)
	w.is(w.s.SaveChunk(w.ctx, ann.ID, first, store.Chunk{Commit: true, Now: w.now}), store.ErrStale)
	w.is(w.s.SealPlan(w.ctx, store.PlanRow{ID: first, Mailbox: ann.ID, State: store.PlanReady}), store.ErrStale)
	w.ok(w.s.SealPlan(w.ctx, store.PlanRow{ID: second, Mailbox: ann.ID, State: store.PlanReady}))
}

func deleteMail(held string) func(store.Pair) plan.Plan {
	return func(p store.Pair) plan.Plan {
		return plan.Plan{Writes: []plan.Write{{
			Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Final: true, Drops: true, Held: held, MustBeGone: &p.CRM.Ref,
			Op: model.Operation{Action: model.Delete, Ref: p.Mail.Ref, Expect: p.Mail.Ref.Version},
		}}}
	}
}

// The brake holds deletes; what else was planned is carried out.
func aHeldDeleteWaits(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c2", "New"), "ann"))
	w.vanish("", "c1")
	id := w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		if p.CRM.Gone {
			return deleteMail("too many deletes")(p)
		}
		return createMail(ann)(p)
	})
	w.apply(ann, id, done)
	d := w.due(ann)
	equal(w, "held", d.Held, true)
	equal(w, "open", d.Open, false)
	equal(w, "anything new", d.Fresh, false)
	same(w, "pending", names(w.pairs(ann)), []string{"c1=m-c1"})
	all, err := w.s.PlanWrites(w.ctx, id, -1, 10)
	w.ok(err)
	equal(w, "writes", len(all), 2)
	equal(w, "why held", all[1].Held+all[0].Held, "too many deletes")
	rest, err := w.s.Writes(w.ctx, id, model.Mail, -1, 10)
	w.ok(err)
	equal(w, "to be carried out", len(rest), 0)
}

// held makes a plan with one write per pair of which those with a number wait.
func (w *world) heldPlan(m model.Mailbox, answer func(store.Pair) plan.Plan, numbers ...int) string {
	id, err := w.s.BeginPlan(w.ctx, store.PlanRow{Mailbox: m.ID, At: w.tick()})
	w.ok(err)
	pairs := w.pairs(m)
	c := store.Chunk{Pairs: pairs, Commit: true, Now: w.tick()}
	for i := range pairs {
		if pairs[i].Entity == "" {
			pairs[i].Entity = model.EntityID("e-" + pairs[i].Row)
		}
		c.Plan.Writes = append(c.Plan.Writes, answer(pairs[i]).Writes...)
	}
	w.ok(w.s.SaveChunk(w.ctx, m.ID, id, c))
	var judged []store.Judged
	for _, n := range numbers {
		judged = append(judged, store.Judged{Number: n, Held: "too many"})
	}
	w.ok(w.s.Judge(w.ctx, m.ID, id, judged))
	w.ok(w.s.SealPlan(w.ctx, store.PlanRow{ID: id, Mailbox: m.ID, State: store.PlanReady, Hash: "h-" + id}))
	return id
}

// What a brake holds after the plan was written down waits like any other held
// write, and stays pending; the rest is carried out.
func aWriteIsHeldLater(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"), w.shared(contact("c2", "Bob"), "ann"))
	id := w.heldPlan(ann, createMail(ann), 1)
	writes, err := w.s.Writes(w.ctx, id, model.Mail, -1, 10)
	w.ok(err)
	equal(w, "to be carried out", len(writes), 1)
	equal(w, "pending", len(w.pairs(ann)), 1)
	same(w, "due", w.due(ann), store.Due{Held: true, Open: true})
	w.is(w.s.Judge(w.ctx, ann.ID, id, []store.Judged{{Number: 0, Held: "too late"}}), store.ErrStale)
}

// A verdict is on writes that wait in exactly one plan, and is forgotten once
// no write is left that it lets go.
func aVerdictIsForOnePlan(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"), w.shared(contact("c2", "Bob"), "ann"))
	id := w.heldPlan(ann, createMail(ann), 0, 1)
	approved := func() string {
		h, err := w.s.Approved(w.ctx, ann.ID)
		w.ok(err)
		return h
	}
	for _, d := range []store.Decision{{Plan: id, Hash: "other"}, {Plan: "other", Hash: "h-" + id}} {
		d.Verdict = plan.Approved
		w.is(w.s.Decide(w.ctx, ann.ID, d), store.ErrStale)
	}
	equal(w, "approved", approved(), "")
	w.ok(w.s.Decide(w.ctx, ann.ID, store.Decision{Plan: id, Hash: "h-" + id, By: "root", Verdict: plan.Picked, Numbers: []int{1}}))
	equal(w, "approved", approved(), "h-"+id)
	writes, err := w.s.PlanWrites(w.ctx, id, -1, 10)
	w.ok(err)
	equal(w, "first", writes[0].Verdict, plan.Undecided)
	equal(w, "second", writes[1].Verdict, plan.Picked)
	p, err := w.s.PlanHashed(w.ctx, ann.ID, "h-"+id)
	w.ok(err)
	equal(w, "found by its hash", p.ID, id)
	_, err = w.s.PlanHashed(w.ctx, ann.ID, "never")
	w.is(err, store.ErrNotFound)

	// A plan that carries no verdict on ends it.
	w.heldPlan(ann, createMail(ann), 0, 1)
	equal(w, "approved", approved(), "")
}

// Algorithm 1.8: contents that a linked item has already are known.
func echoesAreKnown(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	twin := contact("m-c1", "Ann")
	twin.Ref.ID = "m9"
	w.arrive(ann.ID, twin, contact("m8", "Bob"))
	var keys []string
	for _, p := range w.pairs(ann) {
		keys = append(keys, p.Mail.Key)
	}
	found, err := w.s.Echoes(w.ctx, ann.ID, model.Contact, model.Mail, keys)
	w.ok(err)
	equal(w, "echoes", len(found), 1)
	found, err = w.s.Echoes(w.ctx, ann.ID, model.Event, model.Mail, keys)
	w.ok(err)
	equal(w, "echoes of another kind", len(found), 0)
}

// I4: the loser of an edit conflict is kept before it is overwritten.
func anEditConflictIsKept(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"))
	loser := model.Content{"notes": {Text: "lost words"}}
	for range 2 {
		w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
			return plan.Plan{
				Changes:   []plan.Change{{Entity: p.Entity, Kind: p.Kind, Pending: true}},
				Conflicts: []plan.EditConflict{{Entity: p.Entity, Kind: p.Kind, Field: "notes", Winner: model.CRM, Loser: loser}},
			}
		})
	}
	got, err := w.s.Conflicts(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "conflicts", len(got), 1)
	same(w, "loser", got[0].Loser["notes"], loser["notes"])
	equal(w, "field", got[0].Field, "notes")
	equal(w, "winner", got[0].Winner, model.CRM)
}

func anIssueCounts(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"))
	for n, broken := range []bool{true, true, false, true} {
		w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
			out := plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.SetAside, Pending: true}}}
			if broken {
				out.Issues = []plan.Issue{{Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Item: "m1", Code: "item.unreadable", Message: "line 7"}}
			}
			return out
		})
		got, err := w.s.Issues(w.ctx, ann.ID)
		w.ok(err)
		equal(w, "issues", len(got), 1)
		equal(w, "open", got[0].Open, broken)
		equal(w, "met twice", n != 1 || got[0].Count == 2 && got[0].First.Before(got[0].Last), true)
	}
	got, err := w.s.Issues(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "times in a row", got[0].Count, 1)
	equal(w, "message", got[0].Message, "line 7")
	equal(w, "first is last", got[0].First.Equal(got[0].Last), true)
}

func anUpdateCarriesBytes(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	id := w.plan(ann, store.PlanReady, updateMail)
	writes, err := w.s.Writes(w.ctx, id, model.Mail, -1, 10)
	w.ok(err)
	equal(w, "bytes", string(writes[0].Op.Raw), "raw Ann")
	equal(w, "expected version", writes[0].Op.Expect, "v-Ann")
	equal(w, "content", writes[0].Op.Content.Text("full_name"), "Ann Second")
}

// updateMail answers a pair by writing the CRM's content into the mailbox.
func updateMail(p store.Pair) plan.Plan {
	return plan.Plan{Writes: []plan.Write{{
		Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Final: true, OtherKey: p.CRM.Key,
		Op: model.Operation{
			Action: model.Update, Ref: p.Mail.Ref, Expect: p.Mail.Ref.Version, Content: p.CRM.Content, Changed: []string{"full_name"}, UID: p.Mail.UID,
		},
	}}}
}

func leaseStories() map[string]func(*world) {
	return map[string]func(*world){
		"a lease is one holder's at a time":    aLeaseIsOneHolders,
		"an overtaken attempt commits nothing": anOvertakenAttempt,
		"the generation only grows":            theGenerationGrows,
		"the only worker frees every lease":    leasesAreDropped,
	}
}

// Decision 7: one writer.
func aLeaseIsOneHolders(w *world) {
	m := w.mailbox("ann")
	ends := w.now.Add(time.Minute)
	until, err := w.s.Lease(w.ctx, m.ID, "one", w.now, ends)
	w.ok(err)
	equal(w, "until", until, ends)
	until, err = w.s.Lease(w.ctx, m.ID, "two", w.now, ends.Add(time.Hour))
	w.is(err, store.ErrStale)
	equal(w, "until", until, ends)
	_, err = w.s.Lease(w.ctx, m.ID, "one", w.now, ends)
	w.ok(err)
	w.ok(w.s.Renew(w.ctx, m.ID, "one", ends.Add(time.Minute)))
	w.is(w.s.Renew(w.ctx, m.ID, "two", ends), store.ErrStale)
	w.ok(w.s.Release(w.ctx, m.ID, "two"))
	_, err = w.s.Lease(w.ctx, m.ID, "two", ends, ends.Add(time.Hour))
	w.is(err, store.ErrStale)
	// It expires, and somebody else takes over.
	_, err = w.s.Lease(w.ctx, m.ID, "two", ends.Add(time.Minute), ends.Add(time.Hour))
	w.ok(err)
	w.is(w.s.Renew(w.ctx, m.ID, "one", ends.Add(time.Hour)), store.ErrStale)
	w.ok(w.s.Release(w.ctx, m.ID, "two"))
	_, err = w.s.Lease(w.ctx, m.ID, "one", w.now, ends)
	w.ok(err)
	_, err = w.s.Lease(w.ctx, "mbx_none", "one", w.now, ends)
	w.is(err, store.ErrNotFound)
}

func anOvertakenAttempt(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	id := w.plan(ann, store.PlanReady, createMail(ann))
	writes, err := w.s.Writes(w.ctx, id, model.Mail, -1, 10)
	w.ok(err)
	w.lease(ann)
	w.begin(ann.ID, token, id, writes, 1, w.now)
	_, err = w.s.Lease(w.ctx, ann.ID, "later attempt", w.now.Add(time.Hour), w.now.Add(2*time.Hour))
	w.ok(err)
	r := done(writes[0])
	r.Planned = writes[0]
	_, err = w.s.Commit(w.ctx, ann.ID, token, id, []store.Result{r}, w.now)
	w.is(err, store.ErrStale)
	w.is(w.notBegun(ann.ID, token, id, writes, 1, w.now), store.ErrStale)
	w.is(w.s.FinishPlan(w.ctx, ann.ID, token, id, store.Round{}), store.ErrStale)
	found, err := w.s.Stamped(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "items written", len(found), 0)
	equal(w, "open", w.due(ann).Open, true)
}

func theGenerationGrows(w *world) {
	m := w.mailbox("ann")
	for _, step := range []struct{ atLeast, want int64 }{{0, 1}, {0, 2}, {7, 8}, {3, 9}} {
		g, err := w.s.Advance(w.ctx, m.ID, step.atLeast)
		w.ok(err)
		equal(w, "generation", g, step.want)
	}
	equal(w, "stored", w.reload(m).Generation, int64(9))
}

func leasesAreDropped(w *world) {
	m := w.mailbox("ann")
	w.lease(m)
	w.ok(w.s.DropLeases(w.ctx))
	_, err := w.s.Lease(w.ctx, m.ID, "another", w.now, w.now.Add(time.Minute))
	w.ok(err)
}
