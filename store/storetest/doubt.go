package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func doubtStories() map[string]func(*world) {
	return map[string]func(*world){
		"a read that may be older than our write is doubted":   anEarlyReadIsDoubted,
		"a tombstone that may be older than our write as well": anEarlyTombstoneIsDoubted,
		"reads that show a create are counted":                 readsAreCounted,
		"when a side was read is remembered":                   readTimesAreKept,
		"two records of one thing are told apart":              twoRecordsOfOneThing,
	}
}

// written is a linked contact that we have just updated in the mailbox; early is
// a time before that.
func (w *world) written(m model.Mailbox) (early time.Time) {
	w.Helper()
	w.linked(m, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	early = w.tick()
	w.apply(m, w.plan(m, store.PlanReady, updateMail), done)
	return early
}

func (w *world) doubted(m model.MailboxID, before time.Time) []string {
	w.Helper()
	c := w.mail.ID
	if m == "" {
		c = w.crm.ID
	}
	found, err := w.s.Doubted(w.ctx, c, m, before)
	w.ok(err)
	out := []string{}
	for _, r := range found {
		out = append(out, string(r.Side)+" "+r.Collection+" "+r.ID)
	}
	return out
}

// Algorithm 1.9: what a person did right after our own write is not swallowed by
// a page that may be older than it.
func anEarlyReadIsDoubted(w *world) {
	ann := w.mailbox("ann")
	early := w.written(ann)
	in := w.page(ann.ID, versioned(contact("m-c1", "Somebody's edit"), "unknown"))
	in.ReadAt = early
	equal(w, "changed", w.save(in).Changed, 0)
	same(w, "doubted", w.doubted(ann.ID, w.now.Add(time.Hour)), []string{"mail people m-c1"})
	same(w, "doubted before it was written", w.doubted(ann.ID, early), []string{})
	same(w, "doubted in the CRM", w.doubted("", w.now.Add(time.Hour)), []string{})
	equal(w, "changed", w.arrive(ann.ID, versioned(contact("m-c1", "Somebody's edit"), "unknown")).Changed, 1)
	same(w, "doubted", w.doubted(ann.ID, w.now.Add(time.Hour)), []string{})
}

func anEarlyTombstoneIsDoubted(w *world) {
	ann := w.mailbox("ann")
	early := w.written(ann)
	in := w.page(ann.ID)
	in.ReadAt, in.Gone = early, refs("m-c1")
	equal(w, "absent", w.save(in).Absent, 0)
	same(w, "doubted", w.doubted(ann.ID, w.now.Add(time.Hour)), []string{"mail people m-c1"})
	in = w.page(ann.ID)
	in.Gone = refs("m-c1")
	equal(w, "absent", w.save(in).Absent, 1)
	same(w, "doubted", w.doubted(ann.ID, w.now.Add(time.Hour)), []string{})
}

// Algorithm 1.6, design decision 8: only complete reads that began when the
// create would have shown prove that it was not carried out.
func readsAreCounted(w *world) {
	ann := w.mailbox("ann")
	w.arrive("", w.shared(contact("c1", "Ann"), "ann"))
	w.arrive(ann.ID, contact("m2", "Bob"))
	for side, decide := range map[model.Side]func(store.Pair) plan.Plan{model.Mail: createMail(ann), model.CRM: createCRM(ann)} {
		id := w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
			if (p.CRM == nil) == (side == model.CRM) {
				return decide(p)
			}
			return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, Pending: true}}}
		})
		w.lease(ann)
		writes, err := w.s.Writes(w.ctx, id, side, -1, 10)
		w.ok(err)
		writes[0].Shows = w.now.Add(time.Hour)
		w.begin(ann.ID, token, id, writes, 1, w.tick())
	}
	looked := func() (out []int) {
		open, err := w.s.Intents(w.ctx, ann.ID)
		w.ok(err)
		for _, i := range open {
			out = append(out, i.Looked)
		}
		return out
	}
	w.round(ann)
	equal(w, "the feed hurries", w.pass(), true)
	same(w, "looked too early", looked(), []int{0, 0})
	w.now = w.now.Add(2 * time.Hour)
	w.pass()
	w.round(ann)
	w.round(ann)
	same(w, "looked in the CRM and in the mailbox", looked(), []int{1, 2})
}

func readTimesAreKept(w *world) {
	ann := w.mailbox("ann")
	begun := w.tick()
	w.round(ann)
	equal(w, "fetch begun", w.reload(ann).FetchBegun.Equal(begun), true)
	w.pass()
	c, err := w.s.Connection(w.ctx, w.crm.ID)
	w.ok(err)
	equal(w, "pass begun", c.PassBegun.Equal(w.now), true)
	at := w.tick()
	w.arrive(ann.ID, contact("m1", "Ann"))
	w.arrive(ann.ID, contact("m1", "Ann Second"))
	since := w.pairs(ann)[0].Mail.Since
	equal(w, "first read", !since.Before(at) && since.Before(w.now), true)
}

// Design decision 4: one thing is one item in every mailbox, also where the CRM
// has two records of it.
func twoRecordsOfOneThing(w *world) {
	ann := w.mailbox("ann")
	twin := func(id string) model.Item {
		it := versioned(contact(id, "Ann"), "with a UID")
		it.UID = "uid-ann"
		return w.shared(it, "ann")
	}
	w.linked(ann, "c1", "ann")
	w.arrive("", twin("c1"))
	w.plan(ann, store.PlanReady, agree)
	w.arrive("", twin("c2"))
	found, err := w.s.Strangers(w.ctx, ann.ID, "", 10)
	w.ok(err)
	equal(w, "strangers", len(found), 1)
	equal(w, "occupied", found[0].Occupied, true)
	w.ok(w.s.Join(w.ctx, ann.ID, plan.Rejoin(found)))
	w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		return plan.Plan{Changes: []plan.Change{{Entity: p.Entity, Kind: p.Kind, State: p.State, Reason: p.Reason}}}
	})
	same(w, "pending", names(w.pairs(ann)), []string{})
	in := w.page("")
	in.Gone = refs("c1")
	w.save(in)
	same(w, "pending once the other one is gone", names(w.pairs(ann)), []string{"c1=m-c1", "c2="})
}
