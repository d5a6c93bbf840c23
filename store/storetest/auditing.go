package storetest

import (
	"fmt"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func auditStories() map[string]func(*world) {
	return map[string]func(*world){
		"an audit finds what differs and nothing else": anAuditFindsWhatDiffers,
		"what is told after the listing is no drift":   whatIsToldIsNoDrift,
		"an audit that died goes on or begins anew":    anAuditThatDied,
		"what rests is compared side by side":          whatRestsIsCompared,
		"a report is sealed":                           aReportIsSealed,
		"audits are scheduled":                         auditsAreScheduled,
		"only named cursors are reset":                 onlyNamedCursors,
	}
}

func (w *world) audit(m model.Mailbox) store.Audit {
	w.Helper()
	a, err := w.s.BeginAudit(w.ctx, store.Audit{Connection: w.mail.ID, Mailbox: m.ID, Why: "test", Begun: w.tick()})
	w.ok(err)
	return a
}

// compare audits the contacts of a mailbox against a listing.
func (w *world) compare(m model.Mailbox, items ...model.Item) store.Audit {
	w.Helper()
	a := w.audit(m)
	var refs []model.Ref
	for _, it := range items {
		refs = append(refs, it.Ref)
	}
	w.ok(w.s.Sight(w.ctx, a.ID, refs))
	w.ok(w.s.Compare(w.ctx, a.ID, []model.Collection{{ID: people, Kind: model.Contact}}, w.tick()))
	return a
}

func drifted(list []store.Drift) []string {
	out := []string{}
	for _, d := range list {
		out = append(out, fmt.Sprintf("%s %s %s %q %q", d.Kind, d.Item, d.What, d.Held, d.Found))
	}
	return out
}

func anAuditFindsWhatDiffers(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.arrive(ann.ID, contact("m1", "Ann"), contact("m2", "Bob"), contact("m3", "Cid"), contact("m4", "Dan"))
	w.vanish(ann.ID, "m4")
	w.arrive(bob.ID, contact("m9", "Not hers"))
	a := w.compare(ann, contact("m1", "Ann"), versioned(contact("m2", "Bob"), "new"), contact("m5", "Eve"))
	found, err := w.s.ConfirmDrift(w.ctx, a.ID)
	w.ok(err)
	same(w, "drift", drifted(found), []string{
		`contact m2 other version "v-Bob" "new"`, `contact m3 missing there "v-Cid" ""`, `contact m5 missing here "" "v-Eve"`,
	})
	a, err = w.s.EndAudit(w.ctx, a.ID, found[:1], w.tick(), w.now)
	w.ok(err)
	equal(w, "compared", a.Compared, 4)
	equal(w, "different", len(a.Drift), 2)
}

func whatIsToldIsNoDrift(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"), contact("m2", "Bob"), contact("m3", "Cid"))
	a := w.compare(ann, contact("m1", "Ann Second"), contact("m2", "Bob Second"), contact("m4", "Dan"), contact("m5", "Eve"))
	w.arrive(ann.ID, contact("m1", "Ann Second"), contact("m4", "Dan"))
	w.vanish(ann.ID, "m3")
	found, err := w.s.ConfirmDrift(w.ctx, a.ID)
	w.ok(err)
	same(w, "drift", drifted(found), []string{`contact m2 other version "v-Bob" "v-Bob Second"`, `contact m5 missing here "" "v-Eve"`})
}

func anAuditThatDied(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"), contact("m2", "Bob"))
	first := w.compare(ann, contact("m1", "Ann"))
	second := w.compare(ann, contact("m1", "Ann Second"), contact("m2", "Bob"))
	w.is(w.s.Sight(w.ctx, first.ID, nil), store.ErrNotFound)
	found, err := w.s.ConfirmDrift(w.ctx, second.ID)
	w.ok(err)
	same(w, "drift", drifted(found), []string{`contact m1 other version "v-Ann" "v-Ann Second"`})
	// It dies while it heals; what is healed stays in the report.
	w.arrive(ann.ID, contact("m1", "Ann Second"))
	third := w.audit(ann)
	equal(w, "audit", third.ID, second.ID)
	equal(w, "confirmed", third.Confirmed, true)
	found, err = w.s.ConfirmDrift(w.ctx, third.ID)
	w.ok(err)
	equal(w, "drift", len(found), 1)
	_, err = w.s.EndAudit(w.ctx, third.ID, nil, w.tick(), w.now)
	w.ok(err)
	equal(w, "another audit", w.audit(ann).ID == third.ID, false)
}

func whatRestsIsCompared(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.linked(ann, "c2", "ann")
	w.arrive(ann.ID, contact("m-c2", "Ann Second"))
	rested := func() []string {
		page, err := w.s.Rested(w.ctx, ann.ID, "", 10)
		w.ok(err)
		return names(page)
	}
	same(w, "at rest", rested(), []string{"c1=m-c1"})
	w.plan(ann, store.PlanReady, agree)
	same(w, "at rest", rested(), []string{"c1=m-c1", "c2=m-c2"})
	page, err := w.s.Rested(w.ctx, ann.ID, "", 1)
	w.ok(err)
	equal(w, "a page", len(page), 1)
	equal(w, "content", page[0].Mail.Content != nil, true)
	page, err = w.s.Rested(w.ctx, ann.ID, page[0].Entity, 1)
	w.ok(err)
	equal(w, "the next page", len(page), 1)
	a := w.audit(ann)
	w.ok(w.s.NoteDrift(w.ctx, a.ID, []store.Drift{
		{Side: model.Mail, Kind: model.Contact, Item: "m-c1", What: store.Overlooked},
		{Side: model.Mail, Kind: model.Contact, Item: "m-c2", What: store.Unlike, Fields: []string{"full_name", "notes"}},
	}))
	same(w, "pending", names(w.pairs(ann)), []string{"c1=m-c1"})
	a, err = w.s.EndAudit(w.ctx, a.ID, nil, w.tick(), w.now)
	w.ok(err)
	same(w, "fields", a.Drift[1].Fields, []string{"full_name", "notes"})
	different, unlike := a.Different()
	equal(w, "different", different, 1)
	equal(w, "unlike", unlike, 1)
}

func aReportIsSealed(w *world) {
	ann := w.mailbox("ann")
	_, err := w.s.LastAudit(w.ctx, w.mail.ID, ann.ID)
	w.is(err, store.ErrNotFound)
	w.arrive(ann.ID, contact("m1", "Ann"))
	a := w.compare(ann)
	ended, err := w.s.EndAudit(w.ctx, a.ID, nil, w.tick(), w.now)
	w.ok(err)
	equal(w, "genuine", ended.Genuine, true)
	read, err := w.s.LastAudit(w.ctx, w.mail.ID, ann.ID)
	w.ok(err)
	same(w, "report", fmt.Sprintf("%+v", read), fmt.Sprintf("%+v", ended))
	equal(w, "sealed", len(read.Seal), 64)
}

func auditsAreScheduled(w *world) {
	ann := w.mailbox("ann")
	equal(w, "due before the first sync", ann.AuditAt.IsZero(), true)
	w.linked(ann, "c1", "ann")
	first := w.reload(ann).AuditAt
	equal(w, "due after it", first.IsZero(), false)
	w.apply(ann, w.plan(ann, store.PlanReady, agree), done)
	equal(w, "put off by a round", w.reload(ann).AuditAt.Equal(first), true)
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Disabled, "a wrong password"))
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Active, ""))
	equal(w, "due once it works again", w.reload(ann).AuditAt.After(w.now), false)
	at := w.now.Add(time.Hour)
	w.ok(w.s.ScheduleAudit(w.ctx, w.mail.ID, ann.ID, at))
	equal(w, "as asked", w.reload(ann).AuditAt.Equal(at), true)
	w.pass()
	crm, err := w.s.Connection(w.ctx, w.crm.ID)
	w.ok(err)
	equal(w, "of the CRM after a pass", crm.AuditAt.IsZero(), false)
	w.is(w.s.ScheduleAudit(w.ctx, w.mail.ID, "mbx_none", at), store.ErrNotFound)
}

// B12: one dead cursor lists its own collection anew, and no other.
func onlyNamedCursors(w *world) {
	ann := w.mailbox("ann")
	w.arrive(ann.ID, contact("m1", "Ann"))
	w.ok(w.s.ResetCursors(w.ctx, w.mail.ID, ann.ID, model.Collection{ID: diary, Kind: model.Event}))
	equal(w, "another's cursor kept", w.collection(ann.ID, people).Cursor != "", true)
	w.ok(w.s.ResetCursors(w.ctx, w.mail.ID, ann.ID, model.Collection{ID: people, Kind: model.Contact}))
	equal(w, "its own", w.collection(ann.ID, people).Cursor, model.Cursor(""))
}
