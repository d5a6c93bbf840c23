package storetest

import (
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Algorithm 1.6: a copy that a user made is told from what was moved, and is
// free to take the original's place until it carries a mark of its own.
func aUsersCopyGetsItsOwnMark(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	e := plan.CRMEntity(w.crm.ID, model.Contact, "c1")
	copied, same := contact("copy", "Ann"), contact("same", "Ann")
	copied.Stamp, same.Stamp, same.UID = plan.MailKey(e, ann.ID, 0), plan.MailKey(e, ann.ID, 0), "uid-m-c1"
	w.arrive(ann.ID, copied, same)
	s := w.strangers(ann)
	equal(w, "a copy", s[0].Copied, true)
	equal(w, "the same thing once more", s[1].Copied, false)

	own := s[0].Self
	join := func() {
		w.Helper()
		w.ok(w.s.Join(w.ctx, ann.ID, []plan.Join{{Entity: own, Kind: model.Contact, Mail: "copy", State: plan.Copied, Reason: plan.ReasonCopied}}))
	}
	join()
	equal(w, "no stranger any more", len(w.strangers(ann)), 1)
	// The original goes before the copy is marked: it may have been moved.
	w.vanish(ann.ID, "m-c1")
	s = w.strangers(ann)
	equal(w, "strangers", len(s), 2)
	equal(w, "known as", s[0].Entity, e)
	w.arrive(ann.ID, versioned(contact("m-c1", "Ann"), "v-2"))
	join()
	id := w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		if p.Entity != own {
			return agree(p)
		}
		return plan.Plan{Writes: []plan.Write{{
			Entity: own, Kind: p.Kind, Side: model.Mail, Why: "copied",
			Op: model.Operation{Action: model.Stamp, Ref: p.Mail.Ref, Expect: p.Mail.Ref.Version, Key: plan.CopyKey(own)},
		}}}
	})
	w.apply(ann, id, done)
	equal(w, "looked at again", w.due(ann).Fresh, true)
	for _, p := range w.pairs(ann) {
		if p.Entity == own {
			equal(w, "marked", p.Mail.Stamp, plan.CopyKey(own))
			equal(w, "state", p.State, plan.Copied)
		}
	}
	// From now on it is one of its own, whatever becomes of the original.
	w.vanish(ann.ID, "m-c1")
	for _, s := range w.strangers(ann) {
		equal(w, "the copy is no stranger", s.Item == "copy", false)
	}
}
