package storetest

import (
	"errors"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func movingStories() map[string]func(*world) {
	return map[string]func(*world){
		"a rename keeps everything":                      aRenameKeepsEverything,
		"two mailboxes change addresses, or none":        twoChangeAddresses,
		"a cleared conflict keeps the old mailbox":       aConflictIsCleared,
		"another mailbox is compared anew":               anotherMailboxIsComparedAnew,
		"items of another mailbox are recognised":        itemsAreRecognised,
		"going back to the old address ends no conflict": theOldAddressComesBack,
	}
}

// moves carries out moves as one request.
func (w *world) moves(list ...store.Move) error {
	w.Helper()
	r, err := w.s.AddRequest(w.ctx, store.Request{Mailbox: list[0].Mailbox, Verb: "rename", At: w.tick()})
	w.ok(err)
	err = w.s.Move(w.ctx, list, r.ID, "moved", w.tick())
	if err != nil {
		return err
	}
	r, err = w.s.Request(w.ctx, r.ID)
	w.ok(err)
	equal(w, "outcome", r.Outcome, store.RequestDone)
	// Once more, as after a crash: it is done already.
	return w.s.Move(w.ctx, list, r.ID, "moved", w.tick())
}

func aRenameKeepsEverything(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	cursor := w.collection(ann.ID, people).Cursor
	w.ok(w.moves(store.Move{Mailbox: ann.ID, Address: "ann.new" + address, User: "sign-in", Identity: "id-1"}))
	got := w.reload(ann)
	same(w, "mailbox", []string{got.Address, got.User, got.Identity, got.Secret, string(got.State)},
		[]string{"ann.new" + address, "sign-in", "id-1", "pw-ann", "active"})
	equal(w, "cursor", w.collection(ann.ID, people).Cursor, cursor)
	same(w, "pending", names(w.pairs(ann)), []string{})
	former, err := w.s.Former(w.ctx, ann.ID)
	w.ok(err)
	same(w, "former addresses", former, []string{"ann" + address})
	owners, err := w.s.Owners(w.ctx, w.crm.ID, []string{"ANN" + address})
	w.ok(err)
	equal(w, "owner by the former address", owners["ANN"+address], user("ann"))
	// The address is free, and whoever has it now is meant by it.
	bob, err := w.s.Register(w.ctx, model.Mailbox{Address: "ann" + address, CRM: w.crm.ID, CRMUser: user("bob"), Mail: w.mail.ID})
	w.ok(err)
	owners, err = w.s.Owners(w.ctx, w.crm.ID, []string{"ann" + address})
	w.ok(err)
	equal(w, "owner by the address", owners["ann"+address], bob.CRMUser)
	former, err = w.s.Former(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "number of former addresses", len(former), 0)
}

func twoChangeAddresses(w *world) {
	ann, bob, cleo := w.mailbox("ann"), w.mailbox("bob"), w.mailbox("cleo")
	w.is(w.moves(store.Move{Mailbox: ann.ID, Address: bob.Address}, store.Move{Mailbox: bob.ID, Address: cleo.Address}), store.ErrExists)
	equal(w, "address", w.reload(ann).Address, "ann"+address)
	w.ok(w.moves(store.Move{Mailbox: ann.ID, Address: bob.Address}, store.Move{Mailbox: bob.ID, Address: ann.Address}))
	equal(w, "address", w.reload(ann).Address, "bob"+address)
	equal(w, "address", w.reload(bob).Address, "ann"+address)
	got, err := w.s.MailboxNamed(w.ctx, "ann"+address)
	w.ok(err)
	equal(w, "mailbox", got.ID, bob.ID)
	w.ok(w.s.SetMailboxState(w.ctx, cleo.ID, model.Retired, "removed"))
	w.is(w.moves(store.Move{Mailbox: cleo.ID, Address: "cleo.new" + address}), store.ErrStale)
}

// inConflict registers ann's CRM user for another address.
func (w *world) inConflict(to, secret string) model.Mailbox {
	w.Helper()
	m, err := w.s.Register(w.ctx, model.Mailbox{Address: to + address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID, Secret: secret, User: "new"})
	var conflict *store.Conflict
	if !errors.As(err, &conflict) {
		w.Fatalf("error is %v, want a conflict", err)
	}
	return m
}

// settings are the new ones, the rest is the old mailbox's.
func aConflictIsCleared(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.linked(ann, "c1", "ann")
	cursor := w.collection(ann.ID, people).Cursor
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Retired, "removed"))
	fresh := w.inConflict("ann.new", "new")
	w.is(w.moves(store.Move{Mailbox: bob.ID, From: fresh.ID, Address: fresh.Address}), store.ErrStale)
	equal(w, "state", w.reload(fresh).State, model.Conflicted)
	w.ok(w.moves(store.Move{Mailbox: ann.ID, From: fresh.ID, Address: fresh.Address, User: fresh.User}))
	got := w.reload(ann)
	same(w, "mailbox", []string{got.Address, got.User, got.Secret, string(got.State), got.Reason, got.Hold},
		[]string{"ann.new" + address, "new", "new", "active", "", ""})
	equal(w, "cursor", w.collection(ann.ID, people).Cursor, cursor)
	same(w, "pending", names(w.pairs(ann)), []string{"c1=m-c1"})
	gone := w.reload(fresh)
	equal(w, "state", gone.State, model.Retired)
	equal(w, "pointer forward", gone.Successor, ann.ID)
	alerts, err := w.s.Alerts(w.ctx, store.AlertFilter{})
	w.ok(err)
	equal(w, "open alerts", len(alerts), 0)
	named, err := w.s.MailboxNamed(w.ctx, "ann.new"+address)
	w.ok(err)
	equal(w, "mailbox", named.ID, ann.ID)
}

func anotherMailboxIsComparedAnew(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.ok(w.moves(store.Move{Mailbox: ann.ID, Address: "ann.new" + address, Rebuild: true, Hold: "another mailbox"}))
	got := w.reload(ann)
	equal(w, "hold", got.Hold, "another mailbox")
	equal(w, "initialized", got.Initialized, true)
	collections, err := w.s.Collections(w.ctx, w.mail.ID, ann.ID)
	w.ok(err)
	equal(w, "collections", len(collections), 0)
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1="})
	equal(w, "base is kept", p[0].CRMBase != nil && p[0].MailBase != nil, true)
	strangers, err := w.s.Strangers(w.ctx, ann.ID, "", 10)
	w.ok(err)
	equal(w, "strangers", len(strangers), 1)
}

func itemsAreRecognised(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	other, known := contact("x", "Xaver"), w.twin(ann)
	for _, c := range []struct {
		items []model.Item
		want  int
	}{{[]model.Item{other}, 0}, {nil, 0}, {[]model.Item{other, known}, 1}} {
		found, err := w.s.Recognise(w.ctx, ann.ID, c.items)
		w.ok(err)
		equal(w, "recognised", len(found), c.want)
	}
}

// twin is an item as the mailbox's linked one is, under another id.
func (w *world) twin(m model.Mailbox) model.Item {
	w.Helper()
	it := contact("elsewhere", "Ann")
	it.UID = "uid-elsewhere"
	rested, err := w.s.Rested(w.ctx, m.ID, "", 10)
	w.ok(err)
	equal(w, "pairs that rest", len(rested), 1)
	it.Stamp = model.Key(string(rested[0].Entity) + "-aaaaaaaa-0")
	if rested[0].Mail.UID != "" {
		it.UID, it.Stamp = rested[0].Mail.UID, ""
	}
	return it
}

func theOldAddressComesBack(w *world) {
	ann := w.mailbox("ann")
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Retired, "removed"))
	fresh := w.inConflict("ann.new", "new")
	back, err := w.s.Register(w.ctx, model.Mailbox{Address: ann.Address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID})
	w.ok(err)
	equal(w, "id", back.ID, ann.ID)
	equal(w, "state of the other", w.reload(fresh).State, model.Conflicted)
	// Now its immutable id proves that it is the same one.
	back.Identity = "id-1"
	w.ok(w.s.SaveMailbox(w.ctx, back))
	again, err := w.s.Register(w.ctx, model.Mailbox{Address: fresh.Address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID, Identity: "id-1"})
	w.ok(err)
	equal(w, "id", again.ID, ann.ID)
	equal(w, "address", again.Address, fresh.Address)
	equal(w, "pointer forward", w.reload(fresh).Successor, ann.ID)
}
