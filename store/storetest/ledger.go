package storetest

import (
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// B2: every write that could have sent mail is on record with how many could
// have heard of it and why they did or did not; addresses are not.
func invitationsAreOnRecord(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"), w.shared(contact("c2", "Bob"), "ann"), w.shared(contact("c3", "Cleo"), "ann"))
	notify := map[string]model.Notify{"c1": model.NotifyAttendees}
	id := w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		out := createMail(ann)(p)
		v := &out.Writes[0]
		if p.CRM.Ref.ID != "c3" {
			v.Audience = &plan.Audience{Recipients: 2, Why: "because of " + p.CRM.Ref.ID}
		}
		v.Op.Notify = notify[p.CRM.Ref.ID]
		return out
	})
	list := func(limit int) []string {
		found, err := w.s.Invitations(w.ctx, ann.ID, limit)
		w.ok(err)
		out := []string{}
		for _, v := range found {
			out = append(out, fmt.Sprintf("%s %d %q %s %v", v.Action, v.Recipients, v.Notify, v.Why, v.At.IsZero()))
		}
		return out
	}
	same(w, "before they are written", list(10), []string{})
	w.apply(ann, id, done)
	same(w, "written", list(10), []string{`create 2 "" because of c2 false`, `create 2 "attendees" because of c1 false`})
	same(w, "the newest", list(1), []string{`create 2 "" because of c2 false`})
}
