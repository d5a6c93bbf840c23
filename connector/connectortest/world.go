package connectortest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// world is a fixture under test: one session, one kind, one collection, and
// what a caller would know of it.
type world struct {
	ctx    context.Context
	f      Fixture
	s      connector.Session
	kind   model.Kind
	side   model.Side
	caps   connector.KindCapabilities
	coll   model.Collection
	cursor model.Cursor
	known  map[string]string // id -> version, as a caller would keep it
	made   int
}

// news is what a read told that the caller did not know already.
type news struct {
	changed []string // ids that are new or have another version
	gone    []string // known ids that were deleted
	items   map[string]model.Item
	pages   []connector.Page
}

// none reports whether there is no news.
func (n news) none() bool { return len(n.changed) == 0 && len(n.gone) == 0 }

// String is for failure messages.
func (n news) String() string { return fmt.Sprintf("changed %v, gone %v", n.changed, n.gone) }

// poll reads the delta since the world's cursor and moves it on, as a round
// does.
func (w *world) poll(t testing.TB) news {
	t.Helper()
	w.settle(t)
	pages := w.read(t, w.cursor)
	w.cursor = pages[len(pages)-1].Cursor
	return w.absorb(pages)
}

// read returns the pages of one delta, and wants it to end with Last.
func (w *world) read(t testing.TB, since model.Cursor) []connector.Page {
	t.Helper()
	var pages []connector.Page
	for p, err := range w.s.Changes(w.ctx, w.coll, since) {
		if err != nil {
			t.Fatalf("changes: %v", err)
		}
		pages = append(pages, p)
	}
	if len(pages) == 0 || !pages[len(pages)-1].Last {
		t.Fatalf("changes: %d pages, the final one is not marked Last", len(pages))
	}
	for i, p := range pages {
		if p.Last != (i == len(pages)-1) {
			t.Fatalf("changes: page %d of %d has Last = %v", i+1, len(pages), p.Last)
		}
	}
	return pages
}

// absorb brings the caller's knowledge up to date and returns what was new.
func (w *world) absorb(pages []connector.Page) news {
	n := news{items: map[string]model.Item{}, pages: pages}
	seen := map[string]bool{}
	for _, p := range pages {
		for _, it := range p.Items {
			n.items[it.Ref.ID] = it
			w.learn(&n, seen, it.Ref)
		}
		for _, r := range p.Changed {
			w.learn(&n, seen, r)
		}
		for _, r := range p.Gone {
			w.forget(&n, r.ID)
			delete(seen, r.ID)
		}
	}
	if pages[0].Full && pages[len(pages)-1].Full {
		for _, id := range slices.Sorted(maps.Keys(w.known)) {
			if !seen[id] {
				w.forget(&n, id)
			}
		}
	}
	slices.Sort(n.changed)
	n.changed = slices.Compact(n.changed)
	return n
}

// learn takes note of one id and version.
func (w *world) learn(n *news, seen map[string]bool, r model.Ref) {
	seen[r.ID] = true
	if old, ok := w.known[r.ID]; !ok || old != r.Version {
		n.changed = append(n.changed, r.ID)
	}
	w.known[r.ID] = r.Version
}

// forget takes note of a deletion.
func (w *world) forget(n *news, id string) {
	if _, ok := w.known[id]; ok {
		n.gone = append(n.gone, id)
	}
	delete(w.known, id)
}

// listing returns everything that List names: id -> version.
func (w *world) listing(t testing.TB) map[string]string {
	t.Helper()
	w.settle(t)
	out := map[string]string{}
	last := false
	for p, err := range w.s.List(w.ctx, w.coll, "") {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		for _, r := range p.Changed {
			out[r.ID] = r.Version
		}
		for _, it := range p.Items {
			out[it.Ref.ID] = it.Ref.Version
		}
		last = p.Last
	}
	if !last {
		t.Fatal("list: the final page is not marked Last")
	}
	return out
}

// fetch returns the one item behind an id.
func (w *world) fetch(t testing.TB, id string) model.Item {
	t.Helper()
	items := w.fetchAll(t, id)
	if len(items) != 1 {
		t.Fatalf("fetch: %d items for one id", len(items))
	}
	return items[0]
}

// fetchAll returns the items behind ids, in batches, in the order given.
func (w *world) fetchAll(t testing.TB, ids ...string) []model.Item {
	t.Helper()
	w.settle(t)
	byID := map[string]model.Item{}
	for chunk := range slices.Chunk(ids, w.caps.FetchBatch) {
		items, err := w.s.Fetch(w.ctx, w.refs(chunk...))
		if err != nil {
			t.Fatalf("fetch: %v", err)
		}
		for _, it := range items {
			byID[it.Ref.ID] = it
		}
	}
	var out []model.Item
	for _, id := range ids {
		if it, ok := byID[id]; ok {
			out = append(out, it)
		}
	}
	return out
}

// refs returns the addresses of ids in the world's collection.
func (w *world) refs(ids ...string) []model.Ref {
	out := make([]model.Ref, 0, len(ids))
	for _, id := range ids {
		r := w.blank()
		r.ID = id
		out = append(out, r)
	}
	return out
}

// blank is a ref that says side, kind and collection only, as for a create.
func (w *world) blank() model.Ref {
	return model.Ref{Side: w.side, Kind: w.kind, Collection: w.coll.ID}
}

// creation is a create of the given content under a key of its own.
func (w *world) creation(c model.Content) model.Operation {
	w.made++
	return model.Operation{
		Action: model.Create, Ref: w.blank(), Content: c, Actor: w.f.Actor,
		Key: model.Key(fmt.Sprintf("%s-law-%d.0", w.kind, w.made)),
		UID: sampleUID(w.made),
	}
}

// update is a conditional change of some fields of an item as it was read.
func update(it model.Item, set model.Content, fields ...string) model.Operation {
	c := it.Content.Clone()
	for _, f := range fields {
		c.Put(f, set[f])
	}
	slices.Sort(fields)
	return model.Operation{Action: model.Update, Ref: it.Ref, Expect: it.Ref.Version, Content: c, Changed: fields, Raw: it.Raw}
}

// deletion is a conditional delete of an item as it was read.
func deletion(r model.Ref) model.Operation {
	return model.Operation{Action: model.Delete, Ref: r, Expect: r.Version}
}

// apply carries out operations in batches, and wants one receipt each.
func (w *world) apply(t testing.TB, ops ...model.Operation) []model.Receipt {
	t.Helper()
	var out []model.Receipt
	for chunk := range slices.Chunk(ops, w.caps.WriteBatch) {
		rs, err := w.s.Apply(w.ctx, chunk)
		if err != nil {
			t.Fatalf("apply: %v", err)
		}
		if len(rs) != len(chunk) {
			t.Fatalf("apply: %d receipts for %d operations", len(rs), len(chunk))
		}
		out = append(out, rs...)
	}
	w.settle(t)
	return out
}

// done carries out operations that must succeed and returns the refs.
func (w *world) done(t testing.TB, ops ...model.Operation) []model.Ref {
	t.Helper()
	out := make([]model.Ref, 0, len(ops))
	for i, r := range w.apply(t, ops...) {
		if r.Outcome != model.Done {
			t.Fatalf("apply: operation %d (%s) is %s: %v", i, ops[i].Action, r.Outcome, r.Err)
		}
		if r.Err != nil {
			t.Fatalf("apply: operation %d is done and has an error all the same: %v", i, r.Err)
		}
		if ops[i].Action != model.Delete && r.Ref.ID == "" {
			t.Fatalf("apply: operation %d is done and its receipt has no id", i)
		}
		out = append(out, r.Ref)
	}
	return out
}

// create stores a new item through the connector and reads it back.
func (w *world) create(t testing.TB, c model.Content) model.Item {
	t.Helper()
	return w.fetch(t, w.done(t, w.creation(c))[0].ID)
}

// outside creates an item behind the connector's back.
func (w *world) outside(t testing.TB, n int) string {
	t.Helper()
	return w.f.Create(t, w.coll, minimal(w.kind, n).Only(w.caps.Fields))
}

// settle lets every write become visible.
func (w *world) settle(t testing.TB) {
	t.Helper()
	if w.f.Settle != nil {
		w.f.Settle(t)
	}
}

// wantRefused wants a refusal of one of the given classes.
func wantRefused(t testing.TB, side model.Side, r model.Receipt, classes ...fault.Class) {
	t.Helper()
	if r.Outcome != model.Refused {
		t.Fatalf("outcome is %s, want refused (%v)", r.Outcome, r.Err)
	}
	wantFault(t, side, r.Err, classes...)
}

// wantFault wants an error that is a complete *fault.Fault of one of the given
// classes; no classes = any.
func wantFault(t testing.TB, side model.Side, err error, classes ...fault.Class) {
	t.Helper()
	f := fault.Of(err)
	if f == nil {
		t.Fatalf("the error is no *fault.Fault: %v", err)
	}
	if f.Side != side || f.Code == "" || strings.TrimSpace(f.Message) == "" || f.Source == "" || f.Scope == "" {
		t.Errorf("incomplete fault: side %q, source %q, scope %q, code %q, message %q", f.Side, f.Source, f.Scope, f.Code, f.Message)
	}
	if !slices.Contains(fault.Classes(), f.Class) {
		t.Errorf("class %q is not in the table", f.Class)
	}
	if len(classes) > 0 && !slices.Contains(classes, f.Class) {
		t.Errorf("class is %s, want one of %v: %v", f.Class, classes, err)
	}
}

// wantField compares one field of what is stored with what was written.
func (w *world) wantField(t testing.TB, what, field string, wrote, read model.Content) {
	t.Helper()
	a, b := wrote[field], read[field]
	if a.Equal(b) || (w.f.Same != nil && w.f.Same(w.kind, field, a, b)) || sameText(field, a, b) {
		return
	}
	t.Errorf("%s: field %s: wrote %+v, reads %+v", what, field, a, b)
}

// sameText lets iCalendar text differ in its line ends.
func sameText(field string, a, b model.Value) bool {
	if field != "overrides" && field != "alarms" {
		return false
	}
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return a.Text != "" && plain(a.Text) == plain(b.Text)
}
