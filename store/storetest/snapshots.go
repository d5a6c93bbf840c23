package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func snapshotStories() map[string]func(*world) {
	return map[string]func(*world){
		"a pass is staged, resumed and ended": aPassIsStaged,
		"a pass that waits is let go":         aPassIsLetGo,
	}
}

// snapshot begins a full pass as a request.
func (w *world) snapshot(s store.Snapshot) store.Request {
	w.Helper()
	r, err := w.s.AddRequest(w.ctx, store.Request{Mailbox: s.Mailbox, Verb: "re-initialize", At: w.tick()})
	w.ok(err)
	s.Request, s.Begun = r.ID, w.tick()
	w.ok(w.s.StartSnapshot(w.ctx, s))
	w.ok(w.s.StartSnapshot(w.ctx, s)) // as after a crash
	return r
}

// N-16, B21: what is to be looked at is rows; each stage takes the next.
func aPassIsStaged(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	_, err := w.s.Snapshot(w.ctx, ann.ID)
	w.is(err, store.ErrNotFound)
	r := w.snapshot(store.Snapshot{Mailbox: ann.ID, Target: model.CRM, Kinds: []model.Kind{model.Contact}, Reread: true, Stage: 1})
	equal(w, "mailbox's snapshot", w.reload(ann).Snapshot, r.ID)
	equal(w, "cursor", w.collection(ann.ID, people).Cursor, "")
	w.is(w.s.StartSnapshot(w.ctx, store.Snapshot{Mailbox: ann.ID, Request: "another", Begun: w.now}), store.ErrExists)
	for done := false; !done; {
		done, err = w.s.FillSnapshot(w.ctx, ann.ID, w.now, 1)
		w.ok(err)
	}
	s, err := w.s.Snapshot(w.ctx, ann.ID)
	w.ok(err)
	same(w, "snapshot", []any{s.Target, s.Kinds, s.Filled, s.Total, s.Left, s.Ended.IsZero()}, []any{model.CRM, []model.Kind{model.Contact}, true, 2, 2, true})
	for _, want := range []int{1, 1, 0} {
		n, err := w.s.StageSnapshot(w.ctx, ann.ID, 1)
		w.ok(err)
		equal(w, "staged", n, want)
	}
	same(w, "pending", names(w.pairs(ann)), []string{"c1=m-c1"})
	w.ok(w.s.Analyze(w.ctx))
	for range 2 {
		w.ok(w.s.EndSnapshot(w.ctx, ann.ID, store.RequestDone, "over", w.tick()))
	}
	equal(w, "mailbox's snapshot", w.reload(ann).Snapshot, "")
	r, err = w.s.Request(w.ctx, r.ID)
	w.ok(err)
	same(w, "request", []string{string(r.Outcome), r.Message}, []string{"done", "over"})
	s, err = w.s.Snapshot(w.ctx, ann.ID)
	w.ok(err)
	same(w, "snapshot", []any{s.Stages, s.Left, s.Ended.IsZero()}, []any{2, 0, false})
}

func aPassIsLetGo(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.snapshot(store.Snapshot{Mailbox: ann.ID, Hold: "look first", Since: w.now.Add(-time.Hour).UTC()})
	equal(w, "hold", w.reload(ann).Hold, "look first")
	w.ok(w.s.EndSnapshot(w.ctx, ann.ID, store.RequestRefused, "cancelled", w.tick()))
	equal(w, "hold", w.reload(ann).Hold, "")
}
