package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func fetchingStories() map[string]func(*world) {
	return map[string]func(*world){
		"a page and its cursor are one":                        aPageAndItsCursorAreOne,
		"two readers of one position: one wins":                twoReadersOneWins,
		"a page saved twice changes nothing":                   aPageSavedTwice,
		"the same content in a new version is no news":         aNewVersionIsNoNews,
		"an item we wrote after the page was read is safe":     anItemWeWroteIsSafe,
		"a full listing finds what is gone":                    aFullListingFindsWhatIsGone,
		"a listing resumes where it stopped":                   aListingResumes,
		"a listing we did not begin proves nothing":            aForeignListingProvesNothing,
		"a collection that is no longer named keeps its items": aMissingCollectionKeepsItems,
		"an item that moved is not gone":                       anItemThatMovedIsNotGone,
		"unknown are the versions we do not hold":              unknownVersions,
		"an unreadable item is kept apart":                     anUnreadableItem,
		"a page of many items is one page":                     aPageOfManyItems,
		"odd bytes in one item keep nothing out":               oddBytesKeepNothingOut,
		"an interrupted page is not there at all":              anInterruptedPage,
		"what others changed after our write is not missed":    aLaterChangeIsNotMissed,
		"an empty page writes nothing":                         anEmptyPage,
		"what we wrote while a listing ran is not missing":     whatWeWroteMeanwhile,
		"one dead position leaves the others alone":            oneDeadPosition,
	}
}

func aPageAndItsCursorAreOne(w *world) {
	m := w.mailbox("ann")
	in := w.page(m.ID, contact("m1", "Ann"), contact("m2", "Bob"))
	out := w.save(in)
	equal(w, "changed", out.Changed, 2)
	equal(w, "cursor", out.Collection.Cursor, in.Cursor)
	equal(w, "stored cursor", w.collection(m.ID, people).Cursor, in.Cursor)
	same(w, "pending", names(w.pairs(m)), []string{"=m1", "=m2"})
	equal(w, "anything to do", w.due(m).Fresh, true)
}

func twoReadersOneWins(w *world) {
	m := w.mailbox("ann")
	first, second := w.page(m.ID, contact("m1", "Ann")), w.page(m.ID, contact("m2", "Bob"))
	w.save(first)
	_, err := w.s.SavePage(w.ctx, second)
	w.is(err, store.ErrStale)
	same(w, "pending", names(w.pairs(m)), []string{"=m1"})
	unknown := w.page(m.ID)
	unknown.Collection.ID = "no such collection"
	unknown.Full = true
	_, err = w.s.SavePage(w.ctx, unknown)
	w.is(err, store.ErrNotFound)
}

func aPageSavedTwice(w *world) {
	m := w.mailbox("ann")
	w.arrive(m.ID, contact("m1", "Ann"))
	w.plan(m, store.PlanReady, agree)
	out := w.arrive(m.ID, contact("m1", "Ann"))
	equal(w, "changed", out.Changed, 0)
	same(w, "pending", names(w.pairs(m)), []string{})
}

func aNewVersionIsNoNews(w *world) {
	m := w.mailbox("ann")
	w.arrive(m.ID, contact("m1", "Ann"))
	w.plan(m, store.PlanReady, agree)
	it := versioned(contact("m1", "Ann"), "other version")
	it.Raw = []byte("other bytes")
	equal(w, "changed", w.arrive(m.ID, it).Changed, 0)
	same(w, "pending", names(w.pairs(m)), []string{})
	unknown, err := w.s.Unknown(w.ctx, w.mail.ID, m.ID, []model.Ref{it.Ref})
	w.ok(err)
	equal(w, "unknown versions", len(unknown), 0)
	equal(w, "changed", w.arrive(m.ID, contact("m1", "Ann Second")).Changed, 1)
	same(w, "pending", names(w.pairs(m)), []string{"=m1"})
}

// Decision 3: a row that Apply wrote after the page's read began is newer than
// the page.
func anItemWeWroteIsSafe(w *world) {
	m := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	old := w.page("", w.shared(versioned(contact("new", "Old"), "old"), "ann"))
	id := w.plan(m, store.PlanReady, createMail(m))
	w.apply(m, id, done)
	mailItem := w.stored(m)
	stale := w.page(m.ID)
	stale.ReadAt = old.ReadAt
	stale.Gone = refs(mailItem)
	equal(w, "absent", w.save(stale).Absent, 0)
	stale = w.page(m.ID, versioned(contact(mailItem, "Somebody Else"), "old"))
	stale.ReadAt = old.ReadAt
	equal(w, "changed", w.save(stale).Changed, 0)
	same(w, "pending", names(w.pairs(m)), []string{})
	fresh := w.page(m.ID)
	fresh.Gone = refs(mailItem)
	equal(w, "absent", w.save(fresh).Absent, 1)
}

// stored is the one item that we created in a mailbox.
func (w *world) stored(m model.Mailbox) string {
	w.Helper()
	found, err := w.s.Stamped(w.ctx, m.ID)
	w.ok(err)
	equal(w, "number of items we made", len(found), 1)
	return found[0].ID
}

func (w *world) listing(m model.MailboxID, items ...model.Item) store.PageIn {
	in := w.page(m, items...)
	in.Full, in.Last = true, false
	return in
}

func aFullListingFindsWhatIsGone(w *world) {
	m := w.mailbox("ann")
	first := w.listing(m.ID, contact("m1", "Ann"), contact("m2", "Bob"))
	equal(w, "listing", w.save(first).Collection.Listing, true)
	last := w.listing(m.ID, contact("m3", "Cid"))
	last.Last = true
	out := w.save(last)
	equal(w, "listing", out.Collection.Listing, false)
	equal(w, "complete", out.Collection.Complete, true)
	equal(w, "absent", out.Absent, 0)
	w.plan(m, store.PlanReady, agree)
	w.ok(w.s.ResetCursors(w.ctx, w.mail.ID, m.ID))
	again := w.listing(m.ID, contact("m1", "Ann"))
	again.Listed, again.Last = []model.Ref{contact("m3", "Cid").Ref}, true
	out = w.save(again)
	equal(w, "absent", out.Absent, 1)
	equal(w, "changed", out.Changed, 0)
	p := w.pairs(m)
	same(w, "pending", names(p), []string{"=m2"})
	equal(w, "gone", p[0].Mail.Gone, true)
	equal(w, "settled", p[0].Mail.Settled, false)
	// It comes back: no longer gone, and somebody has to look.
	equal(w, "changed", w.arrive(m.ID, contact("m2", "Bob")).Changed, 1)
	equal(w, "gone", w.pairs(m)[0].Mail.Gone, false)
}

func aListingResumes(w *world) {
	m := w.mailbox("ann")
	w.arrive(m.ID, contact("m0", "Old"))
	w.ok(w.s.ResetCursors(w.ctx, w.mail.ID, m.ID))
	w.save(w.listing(m.ID, contact("m1", "Ann")))
	// The process dies here; the next one loads the collection and goes on.
	resumed := w.listing(m.ID, contact("m2", "Bob"))
	equal(w, "resumed", resumed.Collection.Listing, true)
	resumed.Last = true
	equal(w, "absent", w.save(resumed).Absent, 1)
	for _, p := range w.pairs(m) {
		equal(w, "gone "+p.Mail.Ref.ID, p.Mail.Gone, p.Mail.Ref.ID == "m0")
	}
}

func aForeignListingProvesNothing(w *world) {
	m := w.mailbox("ann")
	w.arrive(m.ID, contact("m1", "Ann"), contact("m2", "Bob"))
	in := w.listing(m.ID, contact("m1", "Ann"))
	in.Last = true
	out := w.save(in)
	equal(w, "absent", out.Absent, 0)
	equal(w, "complete", out.Collection.Complete, false)
}

func aMissingCollectionKeepsItems(w *world) {
	m := w.mailbox("ann")
	w.arrive(m.ID, contact("m1", "Ann"))
	w.ok(w.s.SaveCollections(w.ctx, w.mail.ID, m.ID, []model.Collection{{ID: diary, Kind: model.Event, Name: "My diary", ReadOnly: true}}, w.tick()))
	all, err := w.s.Collections(w.ctx, w.mail.ID, m.ID)
	w.ok(err)
	equal(w, "number of collections", len(all), 2)
	equal(w, "missing", w.collection(m.ID, people).Missing, true)
	equal(w, "cursor kept", w.collection(m.ID, people).Cursor != "", true)
	equal(w, "name", w.collection(m.ID, diary).Name, "My diary")
	equal(w, "read only", w.collection(m.ID, diary).ReadOnly, true)
	equal(w, "gone", w.pairs(m)[0].Mail.Gone, false)
}

func anItemThatMovedIsNotGone(w *world) {
	m := w.mailbox("ann")
	w.ok(w.s.SaveCollections(w.ctx, w.mail.ID, m.ID, []model.Collection{
		{ID: people, Kind: model.Contact, Name: "People"}, {ID: "friends", Kind: model.Contact, Name: "Friends"},
	}, w.tick()))
	w.arrive(m.ID, contact("m1", "Ann"))
	moved := w.page(m.ID, contact("m1", "Ann"))
	moved.Collection = w.collection(m.ID, "friends")
	w.save(moved)
	equal(w, "absent", w.vanish(m.ID, "m1").Absent, 0)
	p := w.pairs(m)
	equal(w, "gone", p[0].Mail.Gone, false)
	equal(w, "collection", p[0].Mail.Ref.Collection, "friends")
}

func unknownVersions(w *world) {
	m := w.mailbox("ann")
	a, b := contact("m1", "Ann"), contact("m2", "Bob")
	w.arrive(m.ID, a)
	newer := a.Ref
	newer.Version = "newer"
	got, err := w.s.Unknown(w.ctx, w.mail.ID, m.ID, []model.Ref{a.Ref, b.Ref})
	w.ok(err)
	same(w, "unknown", got, []model.Ref{b.Ref})
	got, err = w.s.Unknown(w.ctx, w.mail.ID, m.ID, []model.Ref{newer})
	w.ok(err)
	same(w, "unknown", got, []model.Ref{newer})
	// Many at once, far more than one statement can name.
	var many []model.Ref
	for range 3000 {
		many = append(many, b.Ref)
	}
	got, err = w.s.Unknown(w.ctx, w.mail.ID, m.ID, append(many, a.Ref))
	w.ok(err)
	equal(w, "unknown of many", len(got), 3000)
}

func anUnreadableItem(w *world) {
	m := w.mailbox("ann")
	bad := contact("m1", "Ann")
	bad.Trouble, bad.Content = "line 7 makes no sense", nil
	equal(w, "changed", w.arrive(m.ID, bad).Changed, 1)
	p := w.pairs(m)
	equal(w, "trouble", p[0].Mail.Trouble, "line 7 makes no sense")
	equal(w, "content", len(p[0].Mail.Content), 0)
	equal(w, "changed", w.arrive(m.ID, bad).Changed, 0)
	equal(w, "changed", w.arrive(m.ID, versioned(contact("m1", "Ann"), "mended")).Changed, 1)
	equal(w, "trouble", w.pairs(m)[0].Mail.Trouble, "")
}

func anEmptyPage(w *world) {
	m := w.mailbox("ann")
	w.arrive(m.ID, contact("m1", "Ann"))
	in := w.page(m.ID)
	in.Cursor = in.Collection.Cursor
	out := w.save(in)
	same(w, "result", out, store.PageOut{Collection: in.Collection})
}

// A page may be far larger than what one statement can hold.
func aPageOfManyItems(w *world) {
	m := w.mailbox("ann")
	var items []model.Item
	for i := range 1203 {
		items = append(items, contact(fmt.Sprintf("m%04d", i), fmt.Sprintf("Name %d", i)))
	}
	equal(w, "changed", w.arrive(m.ID, items...).Changed, 1203)
	equal(w, "changed again", w.arrive(m.ID, items...).Changed, 0)
	for i := range items {
		items[i] = w.shared(items[i], "ann")
	}
	equal(w, "changed in the CRM", w.arrive("", items...).Changed, 1203)
	got, err := w.s.Pairs(w.ctx, m.ID, "", 5000)
	w.ok(err)
	equal(w, "pending", len(got), 2406)
	in := w.page(m.ID)
	for _, it := range items[:1100] {
		in.Gone = append(in.Gone, it.Ref)
	}
	equal(w, "absent", w.save(in).Absent, 1100)
}

// One bad item never stops the others.
func oddBytesKeepNothingOut(w *world) {
	m := w.mailbox("ann")
	odd := contact("m1", "Ann")
	odd.UID, odd.Trouble, odd.Stamp = "uid-\xff\x00", "line \xe9 makes no sense\x00", "\xfe"
	odd.Content.PutText("notes", "caf\xe9 \x00")
	odd.Raw = []byte("raw \xff\x00")
	equal(w, "changed", w.arrive(m.ID, odd, contact("m2", "Bob")).Changed, 2)
	same(w, "pending", names(w.pairs(m)), []string{"=m1", "=m2"})
}

func anInterruptedPage(w *world) {
	m := w.mailbox("ann")
	in := w.page(m.ID, contact("m1", "Ann"))
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if _, err := w.s.SavePage(ctx, in); !errors.Is(err, context.Canceled) {
		w.Fatalf("error is %v", err)
	}
	same(w, "pending", names(w.pairs(m)), []string{})
	equal(w, "cursor", w.collection(m.ID, people).Cursor, model.Cursor(""))
	w.save(in)
	same(w, "pending", names(w.pairs(m)), []string{"=m1"})
}

// Where a system orders its revisions, a page read before our write, but after
// somebody else's later one, says so.
func aLaterChangeIsNotMissed(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	early := w.tick()
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), func(p store.Planned) store.Result {
		r := done(p)
		r.Receipt.Ref.Order = 7
		return r
	})
	for order, want := range map[int64]int{6: 0, 8: 1} {
		it := contact("m-c1", fmt.Sprintf("Order %d", order))
		it.Ref.Order = order
		in := w.page(ann.ID, it)
		in.ReadAt = early
		equal(w, fmt.Sprintf("changed by revision %d", order), w.save(in).Changed, want)
	}
}

// A listing may have passed the place of an item that we create meanwhile.
func whatWeWroteMeanwhile(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	w.save(w.listing(ann.ID, contact("m2", "Bob")))
	w.apply(ann, w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		if p.CRM == nil {
			return agree(p)
		}
		return createMail(ann)(p)
	}), done)
	last := w.listing(ann.ID)
	last.Last = true
	equal(w, "absent", w.save(last).Absent, 0)
}

func oneDeadPosition(w *world) {
	m := w.mailbox("ann")
	w.arrive(m.ID, contact("m1", "Ann"))
	in := w.page(m.ID)
	in.Collection = w.collection(m.ID, diary)
	w.save(in)
	w.ok(w.s.ResetCursors(w.ctx, w.mail.ID, m.ID, w.collection(m.ID, diary).Collection))
	equal(w, "the dead one", w.collection(m.ID, diary).Cursor, model.Cursor(""))
	equal(w, "the other lives", w.collection(m.ID, people).Cursor != "", true)
}

func routingStories() map[string]func(*world) {
	return map[string]func(*world){
		"a CRM change reaches those who take part":      aCRMChangeReachesThose,
		"losing access is leaving, not deletion":        losingAccessIsLeaving,
		"content is kept only for live mailboxes":       contentIsKeptForLiveMailboxes,
		"a mailbox registered later gets what is there": aMailboxRegisteredLater,
		"a change to access alone is news":              accessAloneIsNews,
		"one person's pending work is not another's":    pendingIsEachOnesOwn,
	}
}

// S-08, decision 3: the feed is read once and routed by access.
func aCRMChangeReachesThose(w *world) {
	ann, bob, cid := w.mailbox("ann"), w.mailbox("bob"), w.mailbox("cid")
	out := w.arrive("", w.shared(contact("c1", "Meeting"), "ann", "bob", "stranger"))
	woken := slices.Clone(out.Woken)
	slices.Sort(woken)
	want := []model.MailboxID{ann.ID, bob.ID}
	slices.Sort(want)
	same(w, "woken", woken, want)
	equal(w, "changed", out.Changed, 1)
	same(w, "ann's", names(w.pairs(ann)), []string{"c1="})
	equal(w, "ann leads", w.pairs(ann)[0].Lead, true)
	equal(w, "bob leads", w.pairs(bob)[0].Lead, false)
	same(w, "cid's", names(w.pairs(cid)), []string{})
	// They have something to do already: nobody is woken twice.
	out = w.arrive("", w.shared(contact("c2", "Other"), "ann", "cid"))
	same(w, "woken", out.Woken, []model.MailboxID{cid.ID})
}

// B19: leaving a scope is never a deletion.
func losingAccessIsLeaving(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann", "bob"))
	w.plan(ann, store.PlanReady, agree)
	w.plan(bob, store.PlanReady, agree)
	out := w.arrive("", w.shared(versioned(contact("c1", "Ann"), "v2"), "ann"))
	equal(w, "changed", out.Changed, 1)
	p := w.pairs(bob)
	same(w, "bob's", names(p), []string{"c1="})
	equal(w, "left", p[0].CRM.Left, true)
	equal(w, "gone", p[0].CRM.Gone, false)
	equal(w, "left for ann", w.pairs(ann)[0].CRM.Left, false)
}

func contentIsKeptForLiveMailboxes(w *world) {
	item := w.shared(contact("c1", "Secret Person"), "ann")
	w.arrive("", item)
	unknown, err := w.s.Unknown(w.ctx, w.crm.ID, "", []model.Ref{item.Ref})
	w.ok(err)
	equal(w, "unknown while nobody takes part", len(unknown), 0)
	ann := w.mailbox("ann")
	same(w, "pending without content", names(w.pairs(ann)), []string{})
	equal(w, "cursor of the CRM", w.collection("", people).Cursor, model.Cursor(""))
	unknown, err = w.s.Unknown(w.ctx, w.crm.ID, "", []model.Ref{item.Ref})
	w.ok(err)
	equal(w, "unknown once somebody does", len(unknown), 1)
	w.arrive("", item)
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1="})
	equal(w, "name", p[0].CRM.Content.Text("full_name"), "Secret Person")
}

func aMailboxRegisteredLater(w *world) {
	w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Meeting"), "ann", "bob"))
	bob := w.mailbox("bob")
	same(w, "bob's", names(w.pairs(bob)), []string{"c1="})
	equal(w, "cursor of the CRM", w.collection("", people).Cursor != "", true)
}

func accessAloneIsNews(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.arrive("", w.shared(contact("c1", "Meeting"), "ann"))
	w.plan(ann, store.PlanReady, agree)
	w.arrive("", w.shared(contact("c1", "Meeting"), "bob", "ann"))
	same(w, "bob's", names(w.pairs(bob)), []string{"c1="})
	equal(w, "bob leads", w.pairs(bob)[0].Lead, true)
	equal(w, "ann leads", w.pairs(ann)[0].Lead, false)
}

func pendingIsEachOnesOwn(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.arrive("", w.shared(contact("c1", "Meeting"), "ann", "bob"))
	w.plan(ann, store.PlanReady, agree)
	same(w, "ann's", names(w.pairs(ann)), []string{})
	same(w, "bob's", names(w.pairs(bob)), []string{"c1="})
}
