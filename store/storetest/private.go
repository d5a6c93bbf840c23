package storetest

import (
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func privateStories() map[string]func(*world) {
	return map[string]func(*world){
		"a reduced item is nobody's twin":                   aReducedItem,
		"an item that turned private is withdrawn":          aWithdrawnItem,
		"the copies of a withdrawn record stay":             copiesOfAWithdrawnRecord,
		"a withdrawal that was refused is owed":             aRefusedWithdrawal,
		"a retracted create is closed":                      aRetractedCreate,
		"under another privacy everything is read again":    anotherPrivacy,
		"a new mailbox has only reduced records read again": aNewMailboxsPrivacy,
		"the sweep takes what nobody needs":                 theSweep,
	}
}

// private is an item as it may be held.
func private(it model.Item) model.Item {
	it.Content, it.Raw, it.Reduced = model.Content{"class": {Text: "private"}}, nil, true
	return it
}

// withdraw answers a pair with the withdrawal of its record.
func withdraw(p store.Pair) plan.Plan {
	return plan.Plan{Writes: []plan.Write{{
		Entity: p.Entity, Kind: p.Kind, Side: model.CRM, Final: true, Withdraws: true,
		Op: model.Operation{Action: model.Delete, Ref: p.CRM.Ref, Expect: p.CRM.Ref.Version},
	}}}
}

func (w *world) explained(m model.Mailbox, item string) store.Explanation {
	w.Helper()
	found, err := w.s.Explain(w.ctx, m.ID, item)
	w.ok(err)
	equal(w, "items found", len(found), 1)
	return found[0]
}

func aReducedItem(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", private(w.shared(contact("c1", "Ann"), "ann")))
	w.arrive(ann.ID, private(contact("m1", "Ann")), private(contact("m2", "Bob")))
	for _, p := range w.pairs(ann) {
		for _, s := range []*plan.Seen{p.CRM, p.Mail} {
			equal(w, "reduced", s == nil || s.Reduced, true)
		}
	}
	all, err := w.s.Strangers(w.ctx, ann.ID, "", 10)
	w.ok(err)
	equal(w, "strangers", len(all), 3)
	for _, s := range all {
		equal(w, "key of content", s.Content, "")
		equal(w, "natural key", s.Natural, "")
	}
	x := w.explained(ann, "m1")
	equal(w, "private", x.Private, true)
	equal(w, "title", x.Title, "")
	none, err := w.s.Explain(w.ctx, ann.ID, "Bob")
	w.ok(err)
	equal(w, "found by name", len(none), 0)
}

func aWithdrawnItem(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive(ann.ID, private(versioned(contact("m-c1", "Ann"), "2")))
	p := w.pairs(ann)
	equal(w, "pending", len(p), 1)
	equal(w, "nobody else takes part", p[0].Sole, true)
	id := w.plan(ann, store.PlanReady, withdraw)
	// Before anything is written the store has given up what it knew.
	w.arrive(ann.ID, private(versioned(contact("m-c1", "Ann"), "3")))
	x := w.explained(ann, "m-c1")
	equal(w, "state", x.State, plan.Withdrawn)
	equal(w, "reason", x.Reason, plan.ReasonWithdrawn)
	w.apply(ann, id, done)
	p = w.pairs(ann) // looked at once more
	same(w, "pending", names(p), []string{"=m-c1"})
	equal(w, "state", p[0].State, plan.Withdrawn)
	equal(w, "base of the CRM", p[0].CRMBase == nil, true)
	equal(w, "base of the mailbox", p[0].MailBase == nil, true)
	equal(w, "incarnation", p[0].Incarnation, 1)
	// A record that comes back is not news of another thing.
	w.ok(w.s.Join(w.ctx, ann.ID, []plan.Join{{Entity: p[0].Entity, Kind: model.Contact, CRM: "c9"}}))
	equal(w, "state", w.explained(ann, "m-c1").State, plan.Withdrawn)
}

func copiesOfAWithdrawnRecord(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.linked(ann, "c1", "ann", "bob")
	w.arrive(bob.ID, contact("b1", "Ann"))
	w.ok(w.s.Join(w.ctx, bob.ID, []plan.Join{{Entity: plan.CRMEntity(w.crm.ID, model.Contact, "c1"), Kind: model.Contact, CRM: "c1", Mail: "b1"}}))
	w.apply(bob, w.plan(bob, store.PlanReady, agree), done)
	w.arrive(ann.ID, private(versioned(contact("m-c1", "Ann"), "2")))
	equal(w, "nobody else takes part", w.pairs(ann)[0].Sole, false)
	w.apply(ann, w.plan(ann, store.PlanReady, withdraw), done)
	x := w.explained(bob, "b1")
	equal(w, "state", x.State, plan.Kept)
	equal(w, "reason", x.Reason, plan.ReasonCopyStays)
	equal(w, "title", x.Title, "Ann") // it is bob's own
}

func aRefusedWithdrawal(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive(ann.ID, private(versioned(contact("m-c1", "Ann"), "2")))
	w.apply(ann, w.plan(ann, store.PlanReady, withdraw), func(store.Planned) store.Result {
		return store.Result{Receipt: model.Receipt{Outcome: model.Refused}, Code: "x", Message: "not yours"}
	})
	x := w.explained(ann, "m-c1")
	equal(w, "state", x.State, plan.Withdrawn)
	equal(w, "issues", len(x.Issues), 1)
	same(w, "pending", names(w.pairs(ann)), []string{})
	w.now = w.now.Add(2 * time.Hour)
	w.due(ann)
	same(w, "pending", names(w.pairs(ann)), []string{"c1=m-c1"})
}

func aRetractedCreate(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"))
	w.apply(ann, w.plan(ann, store.PlanReady, createCRM(ann)), func(store.Planned) store.Result {
		return store.Result{Receipt: model.Receipt{Outcome: model.Unknown}, Again: true}
	})
	open, err := w.s.Intents(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "open creates", len(open), 1)
	w.arrive(ann.ID, private(versioned(contact("m1", "Ann"), "2")))
	w.apply(ann, w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{
			Changes:  []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.Withdrawn, Reason: plan.ReasonWithdrawn}},
			Retracts: []model.EntityID{p.Entity},
		}
	}), done)
	open, err = w.s.Intents(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "open creates", len(open), 0)
}

// dated is an item of the event collection, for it is events that have a class.
func (w *world) dated(m model.MailboxID, items ...model.Item) store.PageIn {
	in := w.page(m, items...)
	in.Collection, in.Full = w.collection(m, diary), true
	for i := range in.Items {
		in.Items[i].Ref.Kind, in.Items[i].Ref.Collection = model.Event, diary
	}
	return in
}

func anotherPrivacy(w *world) {
	ann := w.mailbox("ann")
	crm, err := w.s.SetPrivacy(w.ctx, ann.ID, model.PrivateFull)
	w.ok(err)
	equal(w, "records to be read again", crm, false)
	equal(w, "privacy", w.collection(ann.ID, diary).Privacy, model.PrivateFull)
	equal(w, "privacy of contacts", w.collection(ann.ID, people).Privacy, "")
	w.save(w.dated("", w.shared(contact("c1", "Talk"), "ann"), w.shared(contact("c2", "Other"), "bob")))
	w.save(w.dated(ann.ID, contact("m1", "Talk")))
	ref := []model.Ref{{Kind: model.Event, Collection: diary, ID: "m1", Version: contact("m1", "Talk").Ref.Version}}
	unknown, err := w.s.Unknown(w.ctx, w.mail.ID, ann.ID, ref)
	w.ok(err)
	equal(w, "unknown", len(unknown), 0)
	old := w.dated(ann.ID, contact("m1", "Talk"))

	if crm, err = w.s.SetPrivacy(w.ctx, ann.ID, model.PrivateSkip); err != nil || !crm {
		w.Fatalf("records to be read again: %v, %v", crm, err)
	}
	equal(w, "position", w.collection(ann.ID, diary).Cursor, "")
	equal(w, "position in the CRM", w.collection("", diary).Cursor, "")
	unknown, err = w.s.Unknown(w.ctx, w.mail.ID, ann.ID, ref)
	w.ok(err)
	equal(w, "unknown", len(unknown), 1)
	all, err := w.s.Unknown(w.ctx, w.crm.ID, "", []model.Ref{
		{Kind: model.Event, ID: "c1", Version: contact("c1", "Talk").Ref.Version}, {Kind: model.Event, ID: "c2", Version: contact("c2", "Other").Ref.Version},
	})
	w.ok(err)
	equal(w, "record unknown", slices.ContainsFunc(all, func(r model.Ref) bool { return r.ID == "c1" }), true)
	_, err = w.s.SavePage(w.ctx, old)
	w.is(err, store.ErrStale) // what was read under the old privacy comes too late
	w.save(w.dated(ann.ID, private(contact("m1", "Talk"))))
	equal(w, "private", w.explained(ann, "m1").Private, true)
	again, err := w.s.SetPrivacy(w.ctx, ann.ID, model.PrivateSkip)
	w.ok(err)
	equal(w, "records to be read again", again, false)
	equal(w, "position kept", w.collection(ann.ID, diary).Cursor != "", true)
}

func aNewMailboxsPrivacy(w *world) {
	ann := w.mailbox("ann")
	w.save(w.dated("", w.shared(contact("c1", "Talk"), "ann", "bob"), private(w.shared(contact("c2", "Secret"), "ann", "bob"))))
	_, err := w.s.SetPrivacy(w.ctx, ann.ID, model.PrivateSkip)
	w.ok(err)
	w.save(w.dated("", w.shared(versioned(contact("c1", "Talk"), "2"), "ann", "bob"), private(w.shared(versioned(contact("c2", "Secret"), "2"), "ann", "bob"))))
	bob := w.mailbox("bob")
	crm, err := w.s.SetPrivacy(w.ctx, bob.ID, model.PrivateFull)
	w.ok(err)
	equal(w, "records to be read again", crm, true)
	unknown, err := w.s.Unknown(w.ctx, w.crm.ID, "", []model.Ref{{Kind: model.Event, ID: "c1", Version: "2"}, {Kind: model.Event, ID: "c2", Version: "2"}})
	w.ok(err)
	equal(w, "unknown", len(unknown), 1)
	equal(w, "unknown", unknown[0].ID, "c2")
}

func theSweep(w *world) {
	ann := w.mailbox("ann")
	start := w.now
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	w.plan(ann, store.PlanShown, createMail(ann))
	old := w.plan(ann, store.PlanReady, createMail(ann))
	w.apply(ann, old, done)
	w.arrive("", w.shared(contact("c2", "Bob"), "ann"))
	newest := w.plan(ann, store.PlanReady, createMail(ann))
	w.apply(ann, newest, done)
	closed, err := w.s.AddRequest(w.ctx, store.Request{Mailbox: ann.ID, Verb: "pause", At: start})
	w.ok(err)
	w.ok(w.s.FinishRequest(w.ctx, closed.ID, store.RequestDone, "done"))
	open, err := w.s.AddRequest(w.ctx, store.Request{Mailbox: ann.ID, Verb: "resume", At: start})
	w.ok(err)
	w.lease(ann)
	w.ok(w.s.FinishPlan(w.ctx, ann.ID, token, newest, store.Round{Number: 2, Started: w.now, Ended: w.now}))
	sweep := func(after time.Duration) {
		w.Helper()
		for n := int64(1); n > 0; {
			n, err = w.s.Sweep(w.ctx, w.now.Add(after), 1)
			w.ok(err)
		}
	}
	writes := func(id string) int {
		w.Helper()
		list, err := w.s.PlanWrites(w.ctx, id, -1, 10)
		w.ok(err)
		return len(list)
	}
	rounds := func() int {
		w.Helper()
		list, err := w.s.Rounds(w.ctx, ann.ID, 10)
		w.ok(err)
		return len(list)
	}
	sweep(29 * 24 * time.Hour)
	equal(w, "writes of a plan that was carried out", writes(old), 1)
	equal(w, "rounds", rounds(), 3)
	_, err = w.s.Request(w.ctx, closed.ID)
	w.ok(err)
	sweep(31 * 24 * time.Hour)
	equal(w, "writes of a plan that was carried out", writes(old), 0)
	equal(w, "writes of the newest plan", writes(newest), 1)
	equal(w, "rounds", rounds(), 1)
	_, err = w.s.Request(w.ctx, closed.ID)
	w.is(err, store.ErrNotFound)
	_, err = w.s.Request(w.ctx, open.ID)
	w.ok(err)
	equal(w, "title of what is in use", w.explained(ann, "c1").Title, "Ann")
}
