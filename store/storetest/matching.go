package storetest

import (
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func matchingStories() map[string]func(*world) {
	return map[string]func(*world){
		"strangers are what is pending and unlinked":       strangersAreUnlinked,
		"candidates share a key on either side":            candidatesShareAKey,
		"what was skipped can still be matched":            skippedCanBeMatched,
		"joined items are a pair":                          joinedItemsAreAPair,
		"an id seen before names its entity":               anIDSeenBefore,
		"a copy finds its place taken":                     aCopyFindsItsPlaceTaken,
		"a copy that a user made gets a mark of its own":   aUsersCopyGetsItsOwnMark,
		"a moved item without a stamp is known by its UID": aMovedItemIsKnown,
		"what the CRM has already is not created again":    whatTheCRMHas,
		"the first to claim creates":                       theFirstToClaimCreates,
		"a removed mailbox's claim passes on":              aClaimPassesOn,
		"a second item of one thing is occupied":           aSecondItemIsOccupied,
		"owners are found by address":                      ownersAreFound,
		"strangers and pairs come in pages":                strangersComeInPages,
	}
}

func (w *world) strangers(m model.Mailbox) []plan.Stranger {
	w.Helper()
	out, err := w.s.Strangers(w.ctx, m.ID, "", 1000)
	w.ok(err)
	return out
}

func strangersAreUnlinked(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c0", "ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"), w.shared(contact("c2", "Hidden"), "bob"))
	w.arrive(ann.ID, contact("m1", "Ann"), contact("m-c0", "Changed"))
	got := w.strangers(ann)
	equal(w, "number of strangers", len(got), 2)
	crm, mail := got[0], got[1]
	equal(w, "first", crm.Item, "c1")
	equal(w, "second", mail.Item, "m1")
	equal(w, "uid", mail.UID, "uid-m1")
	equal(w, "entity", crm.Entity, "")
	equal(w, "content key", crm.Content != "" && crm.Content != mail.Content, true)
	equal(w, "natural key", crm.Natural != "" && crm.Natural != mail.Natural, true)
}

func candidatesShareAKey(w *world) {
	ann := w.mailbox("ann")
	c, m := contact("x", "Ann"), contact("x", "Ann")
	w.arrive("", w.shared(c, "ann"), w.shared(versioned(contact("hidden", "Ann"), "h"), "bob"))
	w.arrive(ann.ID, m)
	s := w.strangers(ann)
	for _, by := range []plan.MatchBy{plan.ByUID, plan.ByContent, plan.ByNatural} {
		got, err := w.s.Candidates(w.ctx, ann.ID, by, []string{s[0].Key(by), "", s[0].Key(by)})
		w.ok(err)
		equal(w, "number of candidates by "+string(by), len(got), 2)
		equal(w, "sides", string(got[0].Side)+string(got[1].Side), "crmmail")
	}
	got, err := w.s.Candidates(w.ctx, ann.ID, plan.ByUID, nil)
	w.ok(err)
	equal(w, "candidates of no key", len(got), 0)
	w.vanish(ann.ID, "x")
	got, err = w.s.Candidates(w.ctx, ann.ID, plan.ByUID, []string{s[0].UID})
	w.ok(err)
	equal(w, "candidates present", len(got), 1)
}

// A mail contact that the policy syncs only if it matches a CRM record must be
// found when the CRM record comes later.
func skippedCanBeMatched(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("x", "Ann"))
	w.plan(ann, store.PlanReady, agree) // one-sided: skipped
	w.arrive("", w.shared(contact("x", "Ann"), "ann"))
	got, err := w.s.Candidates(w.ctx, ann.ID, plan.ByUID, []string{"uid-x"})
	w.ok(err)
	joins := plan.Match(plan.ByUID, w.crm.ID, got)
	equal(w, "number of matches", len(joins), 1)
	w.ok(w.s.Join(w.ctx, ann.ID, joins))
	same(w, "pending", names(w.pairs(ann)), []string{"x=x"})
	w.plan(ann, store.PlanReady, agree)
	got, err = w.s.Candidates(w.ctx, ann.ID, plan.ByUID, []string{"uid-x"})
	w.ok(err)
	equal(w, "candidates once linked", len(got), 0)
}

func joinedItemsAreAPair(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	w.arrive(ann.ID, contact("m1", "Ann"))
	e := plan.CRMEntity(w.crm.ID, model.Contact, "c1")
	w.ok(w.s.Join(w.ctx, ann.ID, []plan.Join{{Entity: e, Kind: model.Contact, CRM: "c1", Mail: "m1"}}))
	equal(w, "strangers", len(w.strangers(ann)), 0)
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1=m1"})
	equal(w, "entity", p[0].Entity, e)
	equal(w, "marks", len(p[0].Marks), 2)
	equal(w, "no base yet", p[0].CRMBase == nil && p[0].MailBase == nil, true)
	equal(w, "content", p[0].CRM.Content.Text("full_name")+p[0].Mail.Content.Text("full_name"), "AnnAnn")
	// A joins the same entity under a new id: it takes the place, the base stays.
	w.plan(ann, store.PlanReady, agree)
	w.vanish(ann.ID, "m1")
	w.arrive(ann.ID, contact("m2", "Ann"))
	w.ok(w.s.Join(w.ctx, ann.ID, []plan.Join{{Entity: e, Kind: model.Contact, Mail: "m2"}}))
	p = w.pairs(ann)
	same(w, "pending", names(p), []string{"=m1", "c1=m2"})
	for _, v := range p {
		if v.CRM != nil {
			equal(w, "base kept", v.MailBase != nil, true)
		}
	}
}

// Ids are never forgotten: an item that comes back is the thing it was.
func anIDSeenBefore(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.vanish(ann.ID, "m-c1")
	w.vanish("", "c1")
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: plan.Tombstone, DropCRM: true, DropMail: true}}}
	})
	same(w, "pending", names(w.pairs(ann)), []string{})
	w.arrive(ann.ID, contact("m-c1", "Ann"))
	s := w.strangers(ann)
	equal(w, "number of strangers", len(s), 1)
	equal(w, "entity", s[0].Entity, plan.CRMEntity(w.crm.ID, model.Contact, "c1"))
	equal(w, "place taken", s[0].Occupied, false)
}

func aCopyFindsItsPlaceTaken(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	e := plan.CRMEntity(w.crm.ID, model.Contact, "c1")
	copied := contact("copy", "Ann")
	copied.Stamp = plan.MailKey(e, ann.ID, 0)
	w.arrive(ann.ID, copied)
	s := w.strangers(ann)
	equal(w, "entity", s[0].Entity, e)
	equal(w, "place taken", s[0].Occupied, true)
	equal(w, "place free", s[0].Partner, false)
	// The original goes: now the copy can take its place.
	w.vanish(ann.ID, "m-c1")
	s = w.strangers(ann)
	equal(w, "place taken", s[0].Occupied, false)
	equal(w, "place free", s[0].Partner, true)
}

func aMovedItemIsKnown(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	moved := contact("elsewhere", "Ann")
	moved.UID = "uid-m-c1"
	w.arrive(ann.ID, moved)
	s := w.strangers(ann)
	equal(w, "entity", s[0].Entity, plan.CRMEntity(w.crm.ID, model.Contact, "c1"))
	equal(w, "a copy, while the original is there", s[0].Occupied, true)
	w.vanish(ann.ID, "m-c1")
	equal(w, "moved, once it is not", w.strangers(ann)[0].Partner, true)
}

func whatTheCRMHas(w *world) {
	ann := w.mailbox("ann")
	in := w.page("")
	in.Collection = w.collection("", diary)
	meeting := w.shared(contact("c1", "Meeting"), "bob")
	meeting.Ref.Kind, meeting.UID = model.Event, "meeting-7"
	in.Items = []model.Item{meeting}
	w.save(in)
	got, err := w.s.Claim(w.ctx, w.crm.ID, ann.ID, []store.Claim{{Kind: model.Event, Global: "uid:meeting-7", Entity: "eA"}})
	w.ok(err)
	equal(w, "entity", got[0].Entity, plan.CRMEntity(w.crm.ID, model.Event, "c1"))
	equal(w, "ann may create it", got[0].Winner == ann.ID, false)
}

// Decision 4: one entity, one CRM record.
func theFirstToClaimCreates(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.invited(ann, "7")
	w.invited(bob, "7")
	claim := func(m model.Mailbox, e model.EntityID) store.Claim {
		got, err := w.s.Claim(w.ctx, w.crm.ID, m.ID, []store.Claim{{Kind: model.Event, Global: "uid:7", Entity: e}, {Kind: model.Contact, Global: "uid:7", Entity: "other"}})
		w.ok(err)
		equal(w, "answers", len(got), 2)
		equal(w, "other kind", got[1].Entity, "other")
		return got[0]
	}
	got := claim(ann, "eA")
	equal(w, "winner", got.Winner, ann.ID)
	equal(w, "entity", got.Entity, "eA")
	got = claim(bob, "eB")
	equal(w, "winner", got.Winner, ann.ID)
	equal(w, "entity", got.Entity, "eA")
	got = claim(ann, "eA")
	equal(w, "winner again", got.Winner, ann.ID)
	// Who has the meeting no more will not create its record.
	in := w.page(ann.ID)
	in.Collection, in.Gone = w.collection(ann.ID, diary), []model.Ref{{Kind: model.Event, Collection: diary, ID: "copy-7"}}
	w.save(in)
	got = claim(bob, "eB")
	equal(w, "winner", got.Winner, bob.ID)
	equal(w, "entity", got.Entity, "eA")
}

// invited gives a mailbox a copy of a meeting.
func (w *world) invited(m model.Mailbox, uid string) {
	w.Helper()
	in := w.page(m.ID)
	it := contact("copy-"+uid, "Meeting")
	it.Ref.Kind, it.Ref.Collection, it.UID = model.Event, diary, uid
	in.Collection, in.Items = w.collection(m.ID, diary), []model.Item{it}
	w.save(in)
}

func aClaimPassesOn(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	ask := []store.Claim{{Kind: model.Event, Global: "uid:7", Entity: "eA"}}
	_, err := w.s.Claim(w.ctx, w.crm.ID, ann.ID, ask)
	w.ok(err)
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Retired, "removed"))
	got, err := w.s.Claim(w.ctx, w.crm.ID, bob.ID, []store.Claim{{Kind: model.Event, Global: "uid:7", Entity: "eB"}})
	w.ok(err)
	equal(w, "winner", got[0].Winner, bob.ID)
	equal(w, "entity", got[0].Entity, "eA")
}

func aSecondItemIsOccupied(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"), contact("m2", "Ann"))
	e := plan.MailEntity(ann.ID, model.Contact, "m1")
	w.ok(w.s.Join(w.ctx, ann.ID, []plan.Join{{Entity: e, Kind: model.Contact, Mail: "m1"}}))
	ask := func(e model.EntityID) store.Claim {
		got, err := w.s.Claim(w.ctx, w.crm.ID, ann.ID, []store.Claim{{Kind: model.Contact, Global: "uid:same", Entity: e}})
		w.ok(err)
		return got[0]
	}
	equal(w, "first is occupied", ask(e).Occupied, false)
	second := ask(plan.MailEntity(ann.ID, model.Contact, "m2"))
	equal(w, "entity", second.Entity, e)
	equal(w, "second is occupied", second.Occupied, true)
}

func ownersAreFound(w *world) {
	w.mailbox("ann")
	bob := w.mailbox("bob")
	w.ok(w.s.SetMailboxState(w.ctx, bob.ID, model.Retired, "removed"))
	got, err := w.s.Owners(w.ctx, w.crm.ID, []string{"mailto:ANN" + address, "bob" + address, "who@else.org"})
	w.ok(err)
	same(w, "owners", got, map[string]string{"mailto:ANN" + address: user("ann")})
}

func strangersComeInPages(w *world) {
	ann := w.mailbox("ann")
	var crm, mail []model.Item
	for i := range 23 {
		crm = append(crm, w.shared(contact("c"+string(rune('a'+i)), "Name"+string(rune('a'+i))), "ann"))
		mail = append(mail, contact("m"+string(rune('a'+i)), "Name"+string(rune('a'+i))))
	}
	w.arrive("", crm...)
	w.arrive(ann.ID, mail...)
	seen := map[string]int{}
	for after := ""; ; {
		page, err := w.s.Strangers(w.ctx, ann.ID, after, 10)
		w.ok(err)
		for _, s := range page {
			seen[s.Item]++
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].Row
	}
	for after := ""; ; {
		page, err := w.s.Pairs(w.ctx, ann.ID, after, 10)
		w.ok(err)
		for _, p := range page {
			for _, s := range []*plan.Seen{p.CRM, p.Mail} {
				if s != nil {
					seen[s.Ref.ID]++
				}
			}
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].Row
	}
	equal(w, "items seen", len(seen), 46)
	for item, n := range seen {
		equal(w, "times "+item, n, 2)
	}
}
