package connectortest

import (
	"maps"
	"slices"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

func readLaws() []law {
	return []law{
		{"test and identity", lawTest},
		{"an empty system lists nothing, in full", lawEmpty},
		{"a full listing names everything, then the delta is quiet", lawQuiet},
		{"an external create is seen exactly once", lawSeesCreate},
		{"an external edit is seen exactly once", lawSeesEdit},
		{"an external delete is seen exactly once", lawSeesDelete},
		{"what came and went between two reads leaves nothing", lawShortLife},
		{"reading a page twice is harmless", lawReplay},
		{"a change during a listing is not lost", lawDuringListing},
		{"a reader may stop at any page", lawStop},
		{"List and Changes agree", lawListAgrees},
		{"Fetch omits what is missing", lawFetchOmits},
		{"the high-water mark rises, the epoch stays", lawProbe},
	}
}

func lawTest(t testing.TB, w *world) {
	if err := w.s.Test(w.ctx, model.ACT); err != nil {
		t.Fatalf("test: %v", err)
	}
	if n := w.poll(t); !n.none() {
		t.Errorf("testing changed something: %v", n)
	}
	one, err := w.s.Identity(w.ctx)
	if err != nil {
		t.Fatalf("identity: %v", err)
	}
	two, err := w.s.Identity(w.ctx)
	if err != nil || one != two {
		t.Errorf("identity is %q, then %q (%v)", one, two, err)
	}
}

func lawEmpty(t testing.TB, w *world) {
	n := w.poll(t)
	if !n.none() {
		t.Fatalf("an empty system tells %v", n)
	}
	if !n.pages[0].Full || !n.pages[len(n.pages)-1].Full {
		t.Error("the first read is not marked Full")
	}
}

func lawQuiet(t testing.TB, w *world) {
	ids := []string{w.outside(t, 1), w.outside(t, 2), w.outside(t, 3)}
	slices.Sort(ids)
	first := w.poll(t)
	if !slices.Equal(first.changed, ids) {
		t.Fatalf("listing names %v, want %v", first.changed, ids)
	}
	for id, version := range w.known {
		if version == "" && w.caps.Conditional {
			t.Errorf("%s has no version", id)
		}
	}
	for range 3 {
		n := w.poll(t)
		if !n.none() {
			t.Fatalf("nothing happened, yet the delta tells %v", n)
		}
		if w.caps.Delta && n.pages[0].Full {
			t.Fatal("a system with a delta lists everything again")
		}
	}
}

func lawSeesCreate(t testing.TB, w *world) {
	w.outside(t, 1)
	w.poll(t)
	id := w.outside(t, 2)
	if n := w.poll(t); !slices.Equal(n.changed, []string{id}) || len(n.gone) > 0 {
		t.Fatalf("after a create of %s: %v", id, n)
	}
	w.wantField(t, "created outside", required(w.kind)[0], minimal(w.kind, 2), w.fetch(t, id).Content)
	if n := w.poll(t); !n.none() {
		t.Errorf("told twice: %v", n)
	}
}

func lawSeesEdit(t testing.TB, w *world) {
	id := w.outside(t, 1)
	w.outside(t, 2)
	w.poll(t)
	field := required(w.kind)[0]
	edit := content(field, "Edited by somebody else")
	w.f.Edit(t, w.refs(id)[0], edit)
	n := w.poll(t)
	if !slices.Equal(n.changed, []string{id}) || len(n.gone) > 0 {
		t.Fatalf("after an edit of %s: %v", id, n)
	}
	if it, ok := n.items[id]; ok {
		w.wantField(t, "the delta's content", field, edit, it.Content)
	}
	w.wantField(t, "the fetched content", field, edit, w.fetch(t, id).Content)
	if n := w.poll(t); !n.none() {
		t.Errorf("told twice: %v", n)
	}
}

func lawSeesDelete(t testing.TB, w *world) {
	id, other := w.outside(t, 1), w.outside(t, 2)
	w.poll(t)
	w.f.Delete(t, w.refs(id)[0])
	if n := w.poll(t); len(n.changed) > 0 || !slices.Equal(n.gone, []string{id}) {
		t.Fatalf("after a delete of %s: %v", id, n)
	}
	if _, ok := w.known[other]; !ok {
		t.Error("the other item went too")
	}
	if n := w.poll(t); !n.none() {
		t.Errorf("told twice: %v", n)
	}
}

func lawShortLife(t testing.TB, w *world) {
	w.outside(t, 1)
	w.poll(t)
	id := w.outside(t, 2)
	w.f.Delete(t, w.refs(id)[0])
	w.poll(t)
	if _, ok := w.known[id]; ok {
		t.Error("the item is still thought to exist")
	}
	if n := w.poll(t); !n.none() {
		t.Errorf("the next delta tells %v", n)
	}
}

func lawReplay(t testing.TB, w *world) {
	var ids []string
	for i := range 5 {
		ids = append(ids, w.outside(t, i+1))
	}
	w.poll(t)
	before, since := maps.Clone(w.known), w.cursor
	w.f.Edit(t, w.refs(ids[0])[0], content(required(w.kind)[0], "Edited"))
	w.f.Delete(t, w.refs(ids[1])[0])
	w.outside(t, 6)
	first := w.poll(t)
	after := maps.Clone(w.known)
	if again := w.absorb(first.pages); !again.none() {
		t.Errorf("the same pages, processed twice, tell %v", again)
	}
	w.known, w.cursor = before, since
	w.poll(t)
	if !maps.Equal(w.known, after) {
		t.Errorf("the same cursor, read twice, leads to %v, then %v", after, w.known)
	}
	w.wantResumable(t, after)
}

// wantResumable breaks a full listing off after each page and goes on from
// that page's cursor, as after a crash.
func (w *world) wantResumable(t testing.TB, want map[string]string) {
	t.Helper()
	whole := w.read(t, "")
	for i := range whole[:len(whole)-1] {
		w.known = map[string]string{}
		w.absorb(slices.Concat(whole[:i+1], w.read(t, whole[i].Cursor)))
		if !maps.Equal(w.known, want) {
			t.Errorf("resumed after page %d of %d: %v, want %v", i+1, len(whole), w.known, want)
		}
	}
}

func lawDuringListing(t testing.TB, w *world) {
	for i := range 3 {
		w.outside(t, i+1)
	}
	w.settle(t)
	var late string
	var pages []connector.Page
	for p, err := range w.s.Changes(w.ctx, w.coll, "") {
		if err != nil {
			t.Fatalf("changes: %v", err)
		}
		pages = append(pages, p)
		if late == "" {
			late = w.outside(t, 4)
		}
	}
	w.absorb(pages)
	w.cursor = pages[len(pages)-1].Cursor
	w.poll(t)
	if _, ok := w.known[late]; !ok {
		t.Error("an item that was created while the listing was read is never told")
	}
}

func lawStop(t testing.TB, w *world) {
	w.outside(t, 1)
	w.settle(t)
	for _, err := range w.s.Changes(w.ctx, w.coll, "") {
		if err != nil {
			t.Fatalf("changes: %v", err)
		}
		break
	}
	for _, err := range w.s.List(w.ctx, w.coll, "") {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		break
	}
	if n := w.poll(t); len(n.changed) != 1 {
		t.Errorf("after a reader that stopped, a listing tells %v", n)
	}
}

func lawListAgrees(t testing.TB, w *world) {
	id := w.outside(t, 1)
	w.outside(t, 2)
	w.poll(t)
	if got := w.listing(t); !maps.Equal(got, w.known) {
		t.Errorf("List tells %v, Changes %v", got, w.known)
	}
	w.f.Edit(t, w.refs(id)[0], content(required(w.kind)[0], "Edited"))
	w.listing(t)
	if n := w.poll(t); !slices.Equal(n.changed, []string{id}) {
		t.Errorf("after a List the delta tells %v: the listing moved the delta's cursor", n)
	}
	if got := w.listing(t); !maps.Equal(got, w.known) {
		t.Errorf("List tells %v, Changes %v", got, w.known)
	}
}

func lawFetchOmits(t testing.TB, w *world) {
	id, dead := w.outside(t, 1), w.outside(t, 2)
	w.poll(t)
	w.f.Delete(t, w.refs(dead)[0])
	items := w.fetchAll(t, dead, id)
	if len(items) != 1 || items[0].Ref.ID != id {
		t.Fatalf("fetch of one living and one deleted item returns %d items", len(items))
	}
	r := items[0].Ref
	if r.Side != w.side || r.Kind != w.kind || r.Collection != w.coll.ID {
		t.Errorf("the fetched item's ref is %+v", r)
	}
	if r.Version != w.known[id] {
		t.Errorf("fetch tells version %q, the listing %q", r.Version, w.known[id])
	}
	items, err := w.s.Fetch(w.ctx, nil)
	if err != nil || len(items) != 0 {
		t.Errorf("fetch of nothing returns %d items, %v", len(items), err)
	}
}

func lawProbe(t testing.TB, w *world) {
	id := w.outside(t, 1)
	w.settle(t)
	probe := func() connector.Mark {
		m, err := w.s.Probe(w.ctx, w.coll)
		if err != nil {
			t.Fatalf("probe: %v", err)
		}
		return m
	}
	before := probe()
	if again := probe(); again != before {
		t.Errorf("nothing happened, yet the mark went from %+v to %+v", before, again)
	}
	w.f.Edit(t, w.refs(id)[0], content(required(w.kind)[0], "Edited"))
	w.settle(t)
	after := probe()
	if after.Epoch != before.Epoch {
		t.Errorf("an edit changed the epoch from %q to %q", before.Epoch, after.Epoch)
	}
	if before.High != 0 && after.High <= before.High {
		t.Errorf("an edit left the high-water mark at %d", after.High)
	}
}
