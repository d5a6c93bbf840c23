package connectortest

import (
	"maps"
	"slices"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

func writeLaws() []law {
	return []law{
		{"a create is stored and found by its key", lawCreate},
		{"a create by one key creates once", lawCreateOnce},
		{"a key that was used and deleted never makes two", lawKeyUsed},
		{"our own write is no news", lawOwnWrite},
		{"what a receipt says to be stored is stored", lawReceiptItem},
		{"an update on a stale version is a conflict and changes nothing", lawStaleUpdate},
		{"an update of a missing item is refused", lawMissingUpdate},
		{"a delete deletes, and once more is done", lawDelete},
		{"a delete on a stale version is a conflict and keeps the item", lawStaleDelete},
		{"an update changes the named fields only", lawOnlyChanged},
		{"data that no field covers survives an update", lawForeign},
		{"receipts come in the order of the operations", lawOrder},
		{"one bad operation does not sink its batch", lawOneBad},
		{"a create whose answer was lost is found, and asking again creates once", lawLostAnswer},
		{"the acting user owns what is created", lawActor},
	}
}

func lawCreate(t testing.TB, w *world) {
	op := w.creation(minimal(w.kind, 1))
	ref := w.done(t, op)[0]
	if ref.Side != w.side || ref.Kind != w.kind || ref.Collection != w.coll.ID {
		t.Errorf("the receipt's ref is %+v", ref)
	}
	it := w.fetch(t, ref.ID)
	if it.Ref.Version != ref.Version {
		t.Errorf("the receipt tells version %q, fetch %q", ref.Version, it.Ref.Version)
	}
	if it.UID != "" && it.UID != op.UID {
		t.Errorf("UID is %q, written was %q", it.UID, op.UID)
	}
	found, conclusive, err := w.s.FindByKey(w.ctx, []model.Key{op.Key, "no-such-key.0"})
	if err != nil {
		t.Fatalf("find by key: %v", err)
	}
	if w.caps.Create == connector.T1 && !conclusive {
		t.Error("a T1 system's answer is not conclusive")
	}
	if w.caps.Create != connector.T3 && (len(found) != 1 || found[0].Ref.ID != ref.ID) {
		t.Errorf("of one used and one unused key %d items are found", len(found))
	}
}

func lawCreateOnce(t testing.TB, w *world) {
	if w.caps.Create != connector.T1 {
		return // T2 and T3 rely on the caller, who looks before asking again
	}
	op := w.creation(minimal(w.kind, 1))
	first := w.done(t, op)[0]
	again, err := w.f.Connector.Open(w.ctx, w.f.Account)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer func() { _ = again.Close() }()
	for _, s := range []connector.Session{w.s, again} {
		w.s, again = s, w.s
		second := w.done(t, op)[0]
		if second.ID != first.ID {
			t.Errorf("asked twice: id %q, then %q", first.ID, second.ID)
		}
		if second.Version != first.Version {
			t.Errorf("asking again changed the version from %q to %q", first.Version, second.Version)
		}
	}
	if got := w.listing(t); len(got) != 1 {
		t.Errorf("asked for once and twice again: %d items exist", len(got))
	}
}

func lawKeyUsed(t testing.TB, w *world) {
	op := w.creation(minimal(w.kind, 1))
	ref := w.done(t, op)[0]
	w.f.Delete(t, ref)
	r := w.apply(t, op)[0]
	if r.Outcome != model.Done {
		wantRefused(t, w.side, r, fault.NotFound, fault.Conflict)
	}
	if got := w.listing(t); (r.Outcome == model.Done) != (len(got) == 1) || len(got) > 1 {
		t.Errorf("the answer is %s, and %d items exist", r.Outcome, len(got))
	}
}

func lawOwnWrite(t testing.TB, w *world) {
	w.poll(t)
	learn := func(r model.Ref) {
		if r.Version == "" && w.caps.Conditional {
			t.Error("the receipt has no version")
		}
		w.known[r.ID] = r.Version
	}
	learn(w.done(t, w.creation(minimal(w.kind, 1)))[0])
	if n := w.poll(t); !n.none() {
		t.Fatalf("after our own create the delta tells %v", n)
	}
	it := w.fetch(t, slices.Collect(maps.Keys(w.known))[0])
	field := required(w.kind)[0]
	learn(w.done(t, update(it, content(field, "Written by us"), field))[0])
	if n := w.poll(t); !n.none() {
		t.Fatalf("after our own update the delta tells %v", n)
	}
	if got := w.listing(t); !maps.Equal(got, w.known) {
		t.Errorf("the listing tells %v, the receipts %v", got, w.known)
	}
	it = w.fetch(t, it.Ref.ID)
	w.done(t, deletion(it.Ref))
	delete(w.known, it.Ref.ID)
	if n := w.poll(t); !n.none() {
		t.Errorf("after our own delete the delta tells %v", n)
	}
}

func lawReceiptItem(t testing.TB, w *world) {
	created := w.apply(t, w.creation(full(w.kind, 1, w.caps.Fields)))[0]
	if created.Outcome != model.Done {
		t.Fatalf("create: %v", created.Err)
	}
	field := required(w.kind)[0]
	it := w.fetch(t, created.Ref.ID)
	w.wantReceiptItem(t, created, it)
	updated := w.apply(t, update(it, content(field, "Written by us"), field))[0]
	w.wantReceiptItem(t, updated, w.fetch(t, it.Ref.ID))
}

// wantReceiptItem holds what a receipt says to be stored against what is.
func (w *world) wantReceiptItem(t testing.TB, r model.Receipt, it model.Item) {
	t.Helper()
	if r.Item == nil {
		return
	}
	if r.Item.Ref.ID != r.Ref.ID || r.Item.Ref.Version != r.Ref.Version {
		t.Errorf("receipt for %+v carries the item %+v", r.Ref, r.Item.Ref)
	}
	if d := model.Differing(r.Item.Content, it.Content); len(d) > 0 {
		t.Errorf("the receipt's content differs from what is stored in %v", d)
	}
}

// stale returns an item as it was read before somebody else edited it.
func (w *world) stale(t testing.TB) model.Item {
	t.Helper()
	it := w.create(t, full(w.kind, 1, w.caps.Fields))
	w.f.Edit(t, it.Ref, content(required(w.kind)[0], "Edited by somebody else"))
	w.settle(t)
	return it
}

func lawStaleUpdate(t testing.TB, w *world) {
	if !w.caps.Conditional {
		return
	}
	old := w.stale(t)
	now := w.fetch(t, old.Ref.ID)
	field := required(w.kind)[0]
	r := w.apply(t, update(old, content(field, "Written by us"), field))[0]
	wantRefused(t, w.side, r, fault.Conflict)
	after := w.fetch(t, old.Ref.ID)
	if d := model.Differing(now.Content, after.Content); len(d) > 0 || after.Ref.Version != now.Ref.Version {
		t.Errorf("a refused update changed %v, version %q to %q", d, now.Ref.Version, after.Ref.Version)
	}
}

func lawMissingUpdate(t testing.TB, w *world) {
	it := w.create(t, minimal(w.kind, 1))
	w.f.Delete(t, it.Ref)
	field := required(w.kind)[0]
	r := w.apply(t, update(it, content(field, "Written by us"), field))[0]
	wantRefused(t, w.side, r, fault.NotFound, fault.Conflict)
	if got := w.listing(t); len(got) != 0 {
		t.Errorf("a refused update left %d items", len(got))
	}
}

func lawDelete(t testing.TB, w *world) {
	it, other := w.create(t, minimal(w.kind, 1)), w.create(t, minimal(w.kind, 2))
	w.done(t, deletion(it.Ref))
	if got := w.listing(t); len(got) != 1 || got[other.Ref.ID] == "" && w.caps.Conditional {
		t.Fatalf("after a delete the listing is %v", got)
	}
	if items := w.fetchAll(t, it.Ref.ID); len(items) != 0 {
		t.Error("a deleted item is still fetched")
	}
	w.done(t, deletion(it.Ref))
	missing := other.Ref
	w.f.Delete(t, other.Ref)
	w.done(t, deletion(missing))
}

func lawStaleDelete(t testing.TB, w *world) {
	if !w.caps.Conditional {
		return
	}
	old := w.stale(t)
	wantRefused(t, w.side, w.apply(t, deletion(old.Ref))[0], fault.Conflict)
	w.fetch(t, old.Ref.ID)
}

func lawOnlyChanged(t testing.TB, w *world) {
	it := w.create(t, full(w.kind, 1, w.caps.Fields))
	field := required(w.kind)[0]
	op := update(it, content(field, "Written by us"), field)
	for _, s := range samples(w.kind) {
		// The intended content may differ from the target in fields that the
		// caller does not want written; they stay as the target has them.
		if s.field != field && !slices.Contains(required(w.kind), s.field) && it.Content.Text(s.field) != "" && len(s.values) > 1 {
			op.Content[s.field] = s.values[1]
		}
	}
	w.done(t, op)
	after := w.fetch(t, it.Ref.ID)
	w.wantField(t, "updated", field, op.Content, after.Content)
	for _, name := range it.Content.Fields() {
		if name != field {
			w.wantField(t, "not named in Changed", name, it.Content, after.Content)
		}
	}
	if after.UID != it.UID {
		t.Errorf("an update changed the UID from %q to %q", it.UID, after.UID)
	}
}

func lawForeign(t testing.TB, w *world) {
	if w.f.Foreign == nil {
		return
	}
	it := w.create(t, full(w.kind, 1, w.caps.Fields))
	intact := w.f.Foreign(t, it.Ref)
	w.settle(t)
	it = w.fetch(t, it.Ref.ID)
	for _, s := range samples(w.kind) {
		if slices.Contains(w.caps.Fields, s.field) && it.Content[s.field].Equal(s.values[0]) && len(s.values) > 1 {
			w.done(t, update(it, model.Content{s.field: s.values[1]}, s.field))
			it = w.fetch(t, it.Ref.ID)
		}
	}
	if !intact(t) {
		t.Error("updates harmed data that no field covers")
	}
}

func lawOrder(t testing.TB, w *world) {
	n := min(w.caps.WriteBatch+1, 25)
	var ops []model.Operation
	for i := range n {
		ops = append(ops, w.creation(minimal(w.kind, i+1)))
	}
	refs := w.done(t, ops...)
	field := required(w.kind)[0]
	var ids []string
	for _, r := range refs {
		ids = append(ids, r.ID)
	}
	items := w.fetchAll(t, ids...)
	for i, it := range items {
		w.wantField(t, "created in a batch", field, ops[i].Content, it.Content)
		if it.Ref.Version != refs[i].Version {
			t.Errorf("receipt %d tells version %q, fetch %q", i, refs[i].Version, it.Ref.Version)
		}
	}
	if got := w.listing(t); len(got) != n {
		t.Errorf("%d items exist after a batch of %d creates", len(got), n)
	}
}

func lawOneBad(t testing.TB, w *world) {
	if !w.caps.Conditional {
		return
	}
	field := required(w.kind)[0]
	good, bad, doomed := w.create(t, minimal(w.kind, 1)), w.stale(t), w.create(t, minimal(w.kind, 3))
	rs := w.apply(t,
		update(good, content(field, "Written by us"), field),
		update(bad, content(field, "Written by us"), field),
		w.creation(minimal(w.kind, 4)),
		deletion(bad.Ref),
		deletion(doomed.Ref),
	)
	want := []model.Outcome{model.Done, model.Refused, model.Done, model.Refused, model.Done}
	for i, r := range rs {
		if r.Outcome != want[i] {
			t.Errorf("operation %d is %s, want %s (%v)", i, r.Outcome, want[i], r.Err)
		}
	}
	got := w.listing(t)
	if _, ok := got[doomed.Ref.ID]; ok || len(got) != 3 {
		t.Errorf("after the batch the listing is %v", got)
	}
}

func lawLostAnswer(t testing.TB, w *world) {
	if w.f.LoseAnswer == nil || w.caps.Create != connector.T1 {
		return
	}
	op := w.creation(minimal(w.kind, 1))
	w.f.LoseAnswer(t)
	rs, err := w.s.Apply(w.ctx, []model.Operation{op})
	if err == nil && len(rs) == 1 && rs[0].Outcome == model.Refused {
		t.Fatalf("the answer was lost, yet the outcome is refused: %v", rs[0].Err)
	}
	if err != nil {
		wantFault(t, w.side, err, fault.Transient)
	}
	w.settle(t)
	found, conclusive, err := w.s.FindByKey(w.ctx, []model.Key{op.Key})
	if err != nil || len(found) != 1 || !conclusive {
		t.Fatalf("find by key: %d items, conclusive %v, %v", len(found), conclusive, err)
	}
	if again := w.done(t, op)[0]; again.ID != found[0].Ref.ID {
		t.Errorf("asked again: id %q, found was %q", again.ID, found[0].Ref.ID)
	}
	if got := w.listing(t); len(got) != 1 {
		t.Errorf("%d items exist", len(got))
	}
}

func lawActor(t testing.TB, w *world) {
	if w.f.Actor == "" {
		return
	}
	it := w.create(t, minimal(w.kind, 1))
	owner := model.Access{User: w.f.Actor, Role: model.Owner}
	if !slices.Contains(it.Access, owner) {
		t.Errorf("access is %+v, want %+v in it", it.Access, owner)
	}
	n := w.poll(t)
	if told, ok := n.items[it.Ref.ID]; ok && !slices.Contains(told.Access, owner) {
		t.Errorf("the delta tells access %+v, want %+v in it", told.Access, owner)
	}
}
