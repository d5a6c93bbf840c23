package storetest

import (
	"fmt"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func guardingStories() map[string]func(*world) {
	return map[string]func(*world){
		"what is gone in a CRM counts once for all mailboxes":   lossesCountOnce,
		"a word on an absence is for every mailbox, and for it": aWordIsForOneAbsence,
		"what mailboxes lose counts where it reaches the CRM":   mailboxesLose,
		"a page of losses goes on where the one before ended":   lossesByPage,
	}
}

func (w *world) losses(c model.Connection) int {
	w.Helper()
	l, err := w.s.Losses(w.ctx, c, w.now.Add(-time.Hour))
	w.ok(err)
	return l.Gone
}

func (w *world) missing(c model.Connection) []store.Lost {
	w.Helper()
	list, err := w.s.Lost(w.ctx, c, store.Lost{}, 100)
	w.ok(err)
	return list
}

// gather makes both hold the CRM's contact c1, which then goes.
func (w *world) gather(people ...string) (out []model.Mailbox) {
	for _, p := range people {
		out = append(out, w.mailbox(p))
	}
	w.arrive("", w.shared(contact("c1", "Ann"), people...))
	for _, m := range out {
		w.arrive(m.ID, contact("m-c1", "Ann"))
		w.ok(w.s.Join(w.ctx, m.ID, []plan.Join{{
			Entity: plan.CRMEntity(w.crm.ID, model.Contact, "c1"), Kind: model.Contact, CRM: "c1", Mail: "m-c1",
		}}))
		w.apply(m, w.plan(m, store.PlanReady, agree), done)
	}
	return out
}

func lossesCountOnce(w *world) {
	both := w.gather("ann", "bob")
	equal(w, "before", w.losses(w.crm), 0)
	w.vanish("", "c1")
	equal(w, "gone", w.losses(w.crm), 1)
	list := w.missing(w.crm)
	equal(w, "listed", len(list), 1)
	equal(w, "mailboxes", list[0].Mailboxes, 2)
	equal(w, "item", list[0].Item, "c1")
	equal(w, "title", list[0].Title, "Ann")
	equal(w, "losses of the mail server", w.losses(w.mail), 0)
	// One of them has deleted its copy: it is the same thing.
	w.apply(both[0], w.plan(both[0], store.PlanReady, deleteMail("")), done)
	equal(w, "after a deletion", w.losses(w.crm), 1)
	// The other one is paused: what is left to count is the deletion.
	w.ok(w.s.SetMailboxState(w.ctx, both[1].ID, model.Paused, ""))
	equal(w, "listed while paused", len(w.missing(w.crm)), 0)
	equal(w, "while paused", w.losses(w.crm), 1)
	later, err := w.s.Losses(w.ctx, w.crm, w.tick())
	w.ok(err)
	equal(w, "later", later.Gone, 0)
}

func aWordIsForOneAbsence(w *world) {
	both := w.gather("ann", "bob")
	w.vanish("", "c1")
	for _, m := range both {
		w.plan(m, store.PlanReady, deleteMail("too many"))
		equal(w, "news", w.due(m).Fresh, false)
	}
	w.ok(w.s.RaiseAlert(w.ctx, store.Alert{Connection: w.crm.ID, Side: model.Mail, Code: store.WideBrake, Message: "m"}, "", w.tick()))
	_, _, err := w.s.FinishPass(w.ctx, w.crm.ID, w.tick())
	w.ok(err)
	alerts := func() int {
		w.Helper()
		list, err := w.s.Alerts(w.ctx, store.AlertFilter{Connection: w.crm.ID})
		w.ok(err)
		return len(list)
	}
	w.ok(w.s.Relieve(w.ctx, w.crm, w.tick()))
	equal(w, "alerts after a pass", alerts(), 1)
	woken, err := w.s.Rule(w.ctx, w.crm, store.Ruling{Verdict: plan.Confirmed, By: "root", Items: w.missing(w.crm)}, w.tick())
	w.ok(err)
	equal(w, "woken", len(woken), 2)
	equal(w, "alerts", alerts(), 0)
	equal(w, "undecided", len(w.missing(w.crm)), 0)
	for _, m := range both {
		equal(w, "news", w.due(m).Fresh, true)
	}
	ruled := func() []store.Ruled {
		w.Helper()
		out, err := w.s.Ruled(w.ctx, w.crm.ID, "", refs("c1", "c2"))
		w.ok(err)
		return out
	}
	same(w, "ruled", ruled(), []store.Ruled{{Kind: model.Contact, Item: "c1", Verdict: plan.Confirmed}})
	// A confirmed deletion counts neither here nor in its mailbox.
	w.apply(both[0], w.plan(both[0], store.PlanReady, func(p store.Pair) plan.Plan {
		out := deleteMail("")(p)
		out.Writes[0].Confirmed = true
		return out
	}), done)
	equal(w, "losses", w.losses(w.crm), 0)
	census, err := w.s.Census(w.ctx, both[0].ID, w.now.Add(-time.Hour))
	w.ok(err)
	equal(w, "deleted in the mailbox", census.Deleted[model.Mail][model.Contact], 0)
	// It comes back and goes again: that is another absence.
	w.arrive("", versioned(w.shared(contact("c1", "Ann"), "ann", "bob"), "v2"))
	same(w, "ruled", ruled(), []store.Ruled(nil))
	_, _, err = w.s.FinishPass(w.ctx, w.crm.ID, w.tick())
	w.ok(err)
	w.vanish("", "c1")
	same(w, "ruled", ruled(), []store.Ruled(nil))
	equal(w, "undecided", len(w.missing(w.crm)), 1)
}

func mailboxesLose(w *world) {
	both := w.gather("ann", "bob") // ann leads
	for _, m := range both {
		w.vanish(m.ID, "m-c1")
	}
	list := w.missing(w.mail)
	equal(w, "lost", len(list), 1)
	equal(w, "by", list[0].Mailbox, both[0].ID)
	equal(w, "losses of the CRM", w.losses(w.crm), 0)
	_, err := w.s.Rule(w.ctx, w.mail, store.Ruling{Verdict: plan.Rejected, By: "root", Items: list}, w.tick())
	w.ok(err)
	ruled, err := w.s.Ruled(w.ctx, w.mail.ID, both[0].ID, refs("m-c1"))
	w.ok(err)
	same(w, "ruled", ruled, []store.Ruled{{Kind: model.Contact, Item: "m-c1", Verdict: plan.Rejected}})
	other, err := w.s.Ruled(w.ctx, w.mail.ID, both[1].ID, refs("m-c1"))
	w.ok(err)
	equal(w, "ruled for the other", len(other), 0)
}

func lossesByPage(w *world) {
	ann := w.mailbox("ann")
	for i := range 5 {
		w.linked(ann, fmt.Sprint("c", i), "ann")
	}
	w.vanish("", "c0", "c1", "c3", "c4")
	var got []string
	last := store.Lost{}
	for {
		page, err := w.s.Lost(w.ctx, w.crm, last, 3)
		w.ok(err)
		if len(page) == 0 {
			break
		}
		for _, v := range page {
			got = append(got, v.Item)
		}
		last = page[len(page)-1]
	}
	same(w, "all", got, []string{"c0", "c1", "c3", "c4"})
}
