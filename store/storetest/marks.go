package storetest

import (
	"lockstep.dev/model"
	"lockstep.dev/store"
)

func markStories() map[string]func(*world) {
	return map[string]func(*world){"items with an open issue want a mark until it is closed": itemsWantMarks}
}

// L-12: what is marked follows what is open.
func itemsWantMarks(w *world) {
	ann := w.refused("ann", "dav.413", 1)
	marks := func(all bool) []store.ItemMark {
		w.Helper()
		list, err := w.s.Marks(w.ctx, ann.ID, all)
		w.ok(err)
		return list
	}
	due := marks(false)
	equal(w, "marks due", len(due), 1)
	equal(w, "item", due[0].Ref.ID, "m-c-ann")
	equal(w, "collection", due[0].Ref.Collection, people)
	equal(w, "wanted", due[0].Want, "dav.413")
	save := func(code string, state store.MarkState) {
		w.Helper()
		m := due[0]
		m.Code, m.State = code, state
		w.ok(w.s.SaveMarks(w.ctx, ann.ID, []store.ItemMark{m}))
	}
	save("dav.413", store.MarkBegun)
	equal(w, "due while it is begun", len(marks(false)), 1)
	save("dav.413", store.MarkPlaced)
	equal(w, "due when it is placed", len(marks(false)), 0)
	equal(w, "all", len(marks(true)), 1)
	same(w, "due", w.due(ann), store.Due{Issues: 1, Marked: 1})
	w.arrive("", w.shared(contact("c-ann", "Ann Third"), "ann"))
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	gone := marks(false)
	equal(w, "due when the issue is closed", len(gone), 1)
	equal(w, "wanted", gone[0].Want, "")
	equal(w, "carried", gone[0].Code, "dav.413")
	save("", store.MarkPlaced)
	equal(w, "due in the end", len(marks(true)), 0)
	equal(w, "marked", w.due(ann).Marked, 0)
	// What is not there any more carries no mark.
	save("dav.413", store.MarkPlaced)
	w.vanish(ann.ID, "m-c-ann")
	left := marks(false)
	equal(w, "left", len(left) == 1 && left[0].Want == "" && left[0].Ref == (model.Ref{Side: model.Mail, Kind: model.Contact, ID: "m-c-ann"}), true)
}
