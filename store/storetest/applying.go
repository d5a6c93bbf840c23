package storetest

import (
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func applyingStories() map[string]func(*world) {
	return map[string]func(*world){
		"a create is linked and agreed":                       aCreateIsLinked,
		"a record we create reaches the others once":          aRecordReachesTheOthers,
		"a page read before our create tells the rest of it":  aPageTellsTheRest,
		"a record we made is known by its stamp":              aRecordIsKnownByItsStamp,
		"what the server stores becomes the base":             whatIsStoredIsTheBase,
		"two writes of one pair settle both bases":            twoWritesSettle,
		"half of a pair refused settles neither base":         halfOfAPair,
		"a refused item is set aside with an issue":           aRefusedItem,
		"an unknown outcome stays open and is sent unchanged": anUnknownOutcome,
		"a create that was found is adopted":                  aFoundCreateIsAdopted,
		"a deletion ends the link and not the identity":       aDeletionEndsTheLink,
		"a shared record's deletion reaches the others":       aSharedDeletion,
		"what was deleted and changed is created anew":        createdAnew,
		"a used key is not used again":                        aUsedKey,
		"a change we write reaches those who link the record": aWriteReachesLinks,
		"the first sync ends with its plan":                   theFirstSyncEnds,
	}
}

func aCreateIsLinked(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	id := w.plan(ann, store.PlanReady, createMail(ann))
	w.apply(ann, id, done)
	same(w, "due", w.due(ann), store.Due{})
	item := w.stored(ann)
	// The listing shows it: nothing new.
	seen := versioned(contact("c1", "Ann"), "created")
	seen.Ref.ID = item
	equal(w, "changed", w.arrive(ann.ID, seen).Changed, 0)
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1=" + item})
	equal(w, "state", p[0].State, plan.Linked)
	equal(w, "crm base", p[0].CRMBase.Content.Text("full_name"), "Ann")
	equal(w, "mail base", p[0].MailBase.Content.Text("full_name"), "Ann")
	equal(w, "uid", p[0].Mail.UID, "uid-c1")
}

// Decision 3: a change from a receipt is routed to everyone but the writer.
func aRecordReachesTheOthers(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.arrive(ann.ID, contact("m1", "Ann"))
	id := w.plan(ann, store.PlanReady, createCRM(ann))
	woken := w.apply(ann, id, func(p store.Planned) store.Result {
		r := done(p)
		it := model.Item{Ref: r.Receipt.Ref, Content: p.Op.Content, UID: p.Op.UID, Stamp: p.Op.Key}
		it = w.shared(it, "ann", "bob")
		r.Receipt.Item = &it
		return r
	})
	same(w, "woken", woken, []model.MailboxID{bob.ID})
	same(w, "ann's", names(w.pairs(ann)), []string{})
	s := w.strangers(bob)
	equal(w, "bob's strangers", len(s), 1)
	equal(w, "entity", s[0].Entity, plan.MailEntity(ann.ID, model.Contact, "m1"))
	equal(w, "uid", s[0].UID, "uid-m1")
	equal(w, "bob leads", w.pairs(bob)[0].Lead, false)
	progress, err := w.s.Progress(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "created in the CRM", progress[0].CreatedCRM, 1)
}

// Found by a random history: the receipt does not say who takes part, and the
// page that does was asked for before the record was written.
func aPageTellsTheRest(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.arrive(ann.ID, contact("m1", "Ann"))
	early := w.tick()
	var ref model.Ref
	w.apply(ann, w.plan(ann, store.PlanReady, createCRM(ann)), func(p store.Planned) store.Result {
		r := done(p)
		r.Receipt.Ref.Order = 7
		ref = r.Receipt.Ref
		return r
	})
	same(w, "bob's", names(w.pairs(bob)), []string{})
	it := w.shared(contact("m1", "Ann"), "ann", "bob")
	it.Ref.ID, it.Ref.Version, it.Ref.Order = ref.ID, ref.Version, ref.Order
	in := w.page("", it)
	in.ReadAt = early
	w.save(in)
	same(w, "bob's", names(w.pairs(bob)), []string{ref.ID + "="})
}

func aRecordIsKnownByItsStamp(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"))
	id := w.plan(ann, store.PlanReady, createCRM(ann))
	w.lease(ann)
	writes, err := w.s.Writes(w.ctx, id, model.CRM, -1, 10)
	w.ok(err)
	w.begin(ann.ID, token, id, writes, 1, w.tick())
	// The answer is lost, but the feed shows the record with our stamp.
	it := w.shared(contact("c9", "Ann"), "ann")
	it.Stamp = writes[0].Op.Key
	foreign := w.shared(contact("c8", "Other"), "ann")
	foreign.Stamp = plan.CRMKey(plan.NewEntity("somebody else's"), 0)
	w.arrive("", it, foreign)
	w.ok(w.s.DropPlan(w.ctx, ann.ID))
	s := w.strangers(ann)
	equal(w, "strangers", len(s), 2)
	e := plan.MailEntity(ann.ID, model.Contact, "m1")
	i := slices.IndexFunc(s, func(v plan.Stranger) bool { return v.Item == "c9" })
	equal(w, "entity", s[i].Entity, e)
	equal(w, "its place is free", s[i].Partner, true)
}

// I2: what a server makes of what we send is not an edit.
func whatIsStoredIsTheBase(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	id := w.plan(ann, store.PlanReady, updateMail)
	normal := contact("m-c1", "ANN SECOND")
	w.apply(ann, id, func(p store.Planned) store.Result {
		r := done(p)
		it := normal
		it.Ref.Version = r.Receipt.Ref.Version
		r.Receipt.Item = &it
		return r
	})
	equal(w, "changed", w.arrive(ann.ID, versioned(normal, "later")).Changed, 0)
	w.arrive(ann.ID, contact("m-c1", "Third"))
	p := w.pairs(ann)[0]
	equal(w, "mail base", p.MailBase.Content.Text("full_name"), "ANN SECOND")
	equal(w, "crm base", p.CRMBase.Content.Text("full_name"), "Ann Second")
}

// updateBoth answers a pair by merging into both sides.
func updateBoth(p store.Pair) plan.Plan {
	merged := contact("x", "Merged").Content
	write := func(s *plan.Seen, final bool) plan.Write {
		return plan.Write{
			Entity: p.Entity, Kind: p.Kind, Side: s.Ref.Side, Final: final, OtherKey: p.CRM.Key,
			Op: model.Operation{Action: model.Update, Ref: s.Ref, Expect: s.Ref.Version, Content: merged, Changed: []string{"full_name"}},
		}
	}
	return plan.Plan{Writes: []plan.Write{write(p.CRM, false), write(p.Mail, true)}}
}

func twoWritesSettle(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "One"), "ann"))
	w.arrive(ann.ID, contact("m-c1", "Two"))
	w.apply(ann, w.plan(ann, store.PlanReady, updateBoth), done)
	same(w, "due", w.due(ann), store.Due{})
	w.arrive(ann.ID, contact("m-c1", "Third"))
	p := w.pairs(ann)[0]
	equal(w, "crm base", p.CRMBase.Content.Text("full_name"), "Merged")
	equal(w, "mail base", p.MailBase.Content.Text("full_name"), "Merged")
	equal(w, "crm", p.CRM.Content.Text("full_name"), "Merged")
}

func halfOfAPair(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "One"), "ann"))
	w.arrive(ann.ID, contact("m-c1", "Two"))
	w.apply(ann, w.plan(ann, store.PlanReady, updateBoth), func(p store.Planned) store.Result {
		if p.Side == model.CRM { // somebody changed it meanwhile
			return store.Result{Receipt: model.Receipt{Outcome: model.Refused}, Again: true}
		}
		return done(p)
	})
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1=m-c1"})
	equal(w, "crm base", p[0].CRMBase.Content.Text("full_name"), "Ann")
	equal(w, "mail base", p[0].MailBase.Content.Text("full_name"), "Ann")
	equal(w, "mail", p[0].Mail.Content.Text("full_name"), "Merged")
}

// S-01, L-03: an item that is refused is an issue of its own and stops nothing.
func aRefusedItem(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"), w.shared(contact("c2", "Bob"), "ann"))
	id := w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		if p.Mail == nil {
			return createMail(ann)(p)
		}
		return updateMail(p)
	})
	w.apply(ann, id, func(p store.Planned) store.Result {
		if p.Op.Action == model.Create {
			return done(p)
		}
		return store.Result{Receipt: model.Receipt{Outcome: model.Refused}, Code: "dav.403", Message: "The server refuses it."}
	})
	issues, err := w.s.Issues(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "issues", len(issues), 1)
	equal(w, "code", issues[0].Code, "dav.403")
	equal(w, "item", issues[0].Item, "m-c1")
	same(w, "due", w.due(ann), store.Due{Issues: 1})
	// It is tried again when it changes.
	w.arrive("", w.shared(contact("c1", "Ann Third"), "ann"))
	p := w.pairs(ann)
	equal(w, "state", p[0].State, plan.SetAside)
	equal(w, "reason", p[0].Reason, "The server refuses it.")
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	issues, err = w.s.Issues(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "open", issues[0].Open, false)
}

// Algorithm 1.6: the payload of a create is frozen until its outcome is known.
func anUnknownOutcome(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	id := w.plan(ann, store.PlanReady, createMail(ann))
	w.apply(ann, id, func(store.Planned) store.Result {
		return store.Result{Receipt: model.Receipt{Outcome: model.Unknown}, Again: true}
	})
	d := w.due(ann)
	equal(w, "open", d.Open, true)
	equal(w, "fresh", d.Fresh, true)
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	open, err := w.s.Intents(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "open intents", len(open), 1)
	equal(w, "frozen", open[0].Content.Text("full_name"), "Ann")
	p := w.pairs(ann)[0]
	equal(w, "intent of the pair", p.MailIntent != nil && p.CRMIntent == nil, true)
	equal(w, "frozen", p.MailIntent.Content.Text("full_name"), "Ann")
	equal(w, "key", p.MailIntent.Key, plan.MailKey(p.Entity, ann.ID, 0))
	equal(w, "now", p.CRM.Content.Text("full_name"), "Ann Second")
	// Sending something else under the key is refused; the same again is fine.
	id = w.plan(ann, store.PlanReady, createMail(ann))
	w.lease(ann)
	writes, err := w.s.Writes(w.ctx, id, model.Mail, -1, 10)
	w.ok(err)
	if err := w.notBegun(ann.ID, token, id, writes, 2, w.now); err == nil {
		w.Fatal("another payload was begun under a key whose outcome is unknown")
	}
	writes[0].Op.Content = open[0].Content
	w.begin(ann.ID, token, id, writes, 2, w.now)
}

func aFoundCreateIsAdopted(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.arrive(ann.ID, contact("m1", "Ann"))
	id := w.plan(ann, store.PlanReady, createCRM(ann))
	w.lease(ann)
	writes, err := w.s.Writes(w.ctx, id, model.CRM, -1, 10)
	w.ok(err)
	w.begin(ann.ID, token, id, writes, 1, w.tick())
	w.ok(w.s.DropPlan(w.ctx, ann.ID))
	w.arrive(ann.ID, contact("m1", "Ann Edited")) // meanwhile
	found := w.shared(contact("c9", "Ann Edited There"), "ann", "bob")
	found.Stamp = writes[0].Op.Key
	w.ok(w.s.Adopt(w.ctx, ann.ID, []store.Found{{Key: writes[0].Op.Key, Side: model.CRM, Item: found}}, w.tick()))
	open, err := w.s.Intents(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "open intents", len(open), 0)
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c9=m1"})
	equal(w, "state", p[0].State, plan.Linked)
	equal(w, "mail base is what was sent", p[0].MailBase.Content.Text("full_name"), "Ann")
	equal(w, "so is the CRM's", p[0].CRMBase.Content.Text("full_name"), "Ann")
	equal(w, "mail", p[0].Mail.Content.Text("full_name"), "Ann Edited")
	same(w, "bob's", names(w.pairs(bob)), []string{"c9="})
}

func aDeletionEndsTheLink(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	old, last := w.page(ann.ID, versioned(contact("m-c1", "Ann"), "before")), w.page(ann.ID, contact("m-c1", "Ann"))
	w.vanish("", "c1")
	id := w.plan(ann, store.PlanReady, deleteMail(""))
	w.apply(ann, id, done)
	same(w, "due", w.due(ann), store.Due{})
	census, err := w.s.Census(w.ctx, ann.ID, w.now.AddDate(0, 0, -1))
	w.ok(err)
	equal(w, "deleted", census.Deleted[model.Mail][model.Contact], 1)
	equal(w, "present", census.Present[model.Mail][model.Contact], 0)
	equal(w, "linked", census.Linked[model.Contact], 0)
	// A page read before our deletion does not bring it back.
	equal(w, "changed", w.save(old).Changed, 0)
	last.Collection = w.collection(ann.ID, people)
	equal(w, "changed", w.save(last).Changed, 0)
	equal(w, "tombstones", w.vanish(ann.ID, "m-c1").Absent, 0)
	same(w, "pending", names(w.pairs(ann)), []string{})
	// A person brings it back: it is known as what it was.
	w.arrive(ann.ID, versioned(contact("m-c1", "Ann"), "restored"))
	s := w.strangers(ann)
	equal(w, "strangers", len(s), 1)
	equal(w, "entity", s[0].Entity, plan.CRMEntity(w.crm.ID, model.Contact, "c1"))
}

// Decision 4: others still have to follow when the lead deletes.
func aSharedDeletion(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.linked(ann, "c1", "ann", "bob")
	w.arrive(bob.ID, contact("b1", "Ann"))
	w.ok(w.s.Join(w.ctx, bob.ID, []plan.Join{{Entity: plan.CRMEntity(w.crm.ID, model.Contact, "c1"), Kind: model.Contact, CRM: "c1", Mail: "b1"}}))
	w.plan(bob, store.PlanReady, agree)
	w.vanish(ann.ID, "m-c1")
	id := w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Writes: []plan.Write{{
			Entity: p.Entity, Kind: p.Kind, Side: model.CRM, Final: true, Drops: true, MustBeGone: &p.Mail.Ref,
			Op: model.Operation{Action: model.Delete, Ref: p.CRM.Ref, Expect: p.CRM.Ref.Version},
		}}}
	})
	same(w, "woken", w.apply(ann, id, done), []model.MailboxID{bob.ID})
	same(w, "ann's", names(w.pairs(ann)), []string{})
	p := w.pairs(bob)
	same(w, "bob's", names(p), []string{"c1=b1"})
	equal(w, "gone", p[0].CRM.Gone, true)
	equal(w, "needs no further proof", p[0].CRM.Settled, true)
	equal(w, "ageing", w.due(bob).Ageing, false)
}

// Class D beside M (algorithm 1.4): the survivor is created again under a new
// key, and takes the place of what was deleted.
func createdAnew(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.vanish(ann.ID, "m-c1")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	id := w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		out := createMail(ann)(p)
		out.Writes[0].MustBeGone = &p.Mail.Ref
		out.Writes[0].Op.Key = plan.MailKey(p.Entity, ann.ID, p.Incarnation+1)
		return out
	})
	w.apply(ann, id, done)
	item := w.stored(ann)
	w.arrive("", w.shared(contact("c1", "Ann Third"), "ann"))
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1=" + item})
	equal(w, "incarnation", p[0].Incarnation, 1)
	equal(w, "gone", p[0].Mail.Gone, false)
	equal(w, "mail base", p[0].MailBase.Content.Text("full_name"), "Ann Second")
}

func aUsedKey(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	w.apply(ann, w.plan(ann, store.PlanReady, createMail(ann)), func(store.Planned) store.Result {
		return store.Result{Receipt: model.Receipt{Outcome: model.Refused}, Again: true, Used: true}
	})
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1="})
	equal(w, "incarnation", p[0].Incarnation, 1)
	// A moved item may still show by its stamp.
	equal(w, "the key is used", p[0].MailIntent != nil && p[0].MailIntent.Used, true)
	w.apply(ann, w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		out := createMail(ann)(p)
		out.Writes[0].Op.Key = plan.MailKey(p.Entity, ann.ID, p.Incarnation)
		return out
	}), done)
	open, err := w.s.Intents(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "open intents", len(open), 0)
}

func aWriteReachesLinks(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.linked(ann, "c1", "ann", "bob")
	w.arrive(bob.ID, contact("b1", "Ann"))
	w.ok(w.s.Join(w.ctx, bob.ID, []plan.Join{{Entity: plan.CRMEntity(w.crm.ID, model.Contact, "c1"), Kind: model.Contact, CRM: "c1", Mail: "b1"}}))
	w.plan(bob, store.PlanReady, agree)
	w.arrive(ann.ID, contact("m-c1", "Ann Second"))
	woken := w.apply(ann, w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Writes: []plan.Write{{
			Entity: p.Entity, Kind: p.Kind, Side: model.CRM, Final: true, OtherKey: p.Mail.Key,
			Op: model.Operation{Action: model.Update, Ref: p.CRM.Ref, Expect: p.CRM.Ref.Version, Content: p.Mail.Content, Changed: []string{"full_name"}},
		}}}
	}), done)
	same(w, "woken", woken, []model.MailboxID{bob.ID})
	p := w.pairs(bob)
	same(w, "bob's", names(p), []string{"c1=b1"})
	equal(w, "the CRM says", p[0].CRM.Content.Text("full_name"), "Ann Second")
	equal(w, "bob agreed on", p[0].CRMBase.Content.Text("full_name"), "Ann")
	same(w, "ann's", names(w.pairs(ann)), []string{})
}

func theFirstSyncEnds(w *world) {
	ann := w.mailbox("ann")
	equal(w, "initialized", ann.Initialized, false)
	id := w.plan(ann, store.PlanReady, agree)
	w.lease(ann)
	r := store.Round{Number: 3, Started: w.tick(), Ended: w.tick(), Counts: plan.Counts{Items: 7}, Done: 5, Refused: 1, Note: "first sync"}
	w.ok(w.s.FinishPlan(w.ctx, ann.ID, token, id, r))
	equal(w, "initialized", w.reload(ann).Initialized, true)
	rounds, err := w.s.Rounds(w.ctx, ann.ID, 10)
	w.ok(err)
	same(w, "rounds", rounds, []store.Round{r})
	p, err := w.s.Plan(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "plan", p.State, store.PlanDone)
	same(w, "due", w.due(ann), store.Due{})
}
