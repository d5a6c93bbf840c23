package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func alertStories() map[string]func(*world) {
	return map[string]func(*world){
		"failures count per mailbox and side, until that side works": failuresCount,
		"an alert disables the mailbox and ends when it is enabled":  anAlertDisables,
		"a connection has alerts of its own":                         aConnectionsAlert,
		"how everything stands is counted":                           standingCounts,
		"a refused item is tried again when its time has come":       aRefusedItemComesDue,
	}
}

func failure(m model.Mailbox, side model.Side, code string) store.Alert {
	return store.Alert{Mailbox: m.ID, Workload: model.ACT, Side: side, Code: code, Message: "It does not answer.", Evidence: "HTTP 503"}
}

// Decision 10, D-32: one counter per mailbox, workload and side.
func failuresCount(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	count := func(m model.Mailbox, side model.Side, want int) {
		w.Helper()
		n, err := w.s.CountFailure(w.ctx, failure(m, side, "dav.503"), w.tick())
		w.ok(err)
		equal(w, "failures", n, want)
	}
	count(ann, model.Mail, 1)
	count(ann, model.Mail, 2)
	count(ann, model.CRM, 1)
	count(bob, model.Mail, 1)
	equal(w, "failures of the mailbox", w.reload(ann).Failures, 2)
	equal(w, "state", w.reload(ann).State, model.Active)
	w.arrive(ann.ID, contact("m1", "Ann"))
	equal(w, "failures after a page", w.reload(ann).Failures, 1)
	count(ann, model.Mail, 1)
	count(ann, model.CRM, 2)
	w.ok(w.s.EndAlerts(w.ctx, ann.ID, "", "", w.tick()))
	equal(w, "failures in the end", w.reload(ann).Failures, 0)
	equal(w, "failures of the other", w.reload(bob).Failures, 1)
	all, err := w.s.Alerts(w.ctx, store.AlertFilter{Mailbox: ann.ID, Over: true})
	w.ok(err)
	equal(w, "what was only counted leaves nothing", len(all), 0)
	_, err = w.s.CountFailure(w.ctx, store.Alert{Mailbox: "mbx_none", Side: model.Mail}, w.tick())
	w.is(err, store.ErrNotFound)
}

// D-31, D-33, S-01.
func anAlertDisables(w *world) {
	ann := w.mailbox("ann")
	_, err := w.s.CountFailure(w.ctx, failure(ann, model.Mail, "dav.401"), w.tick())
	w.ok(err)
	f := failure(ann, model.Mail, "dav.401")
	f.Evidence = ""
	w.ok(w.s.RaiseAlert(w.ctx, f, "Renew the password.", w.tick()))
	m := w.reload(ann)
	equal(w, "state", m.State, model.Disabled)
	equal(w, "reason", m.Reason, "Renew the password.")
	open, err := w.s.Alerts(w.ctx, store.AlertFilter{Mailbox: ann.ID})
	w.ok(err)
	equal(w, "alerts", len(open), 1)
	equal(w, "state of the alert", open[0].State, store.AlertOpen)
	equal(w, "connection", open[0].Connection, w.mail.ID)
	equal(w, "evidence", open[0].Evidence, "HTTP 503")
	equal(w, "times", open[0].Times, 1)
	equal(w, "last", open[0].Last, w.now)
	issues, err := w.s.Issues(w.ctx, ann.ID)
	w.ok(err)
	equal(w, "issues", len(issues), 0)
	w.ok(w.s.EndAlerts(w.ctx, ann.ID, "", "", w.tick()))
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Active, ""))
	open, err = w.s.Alerts(w.ctx, store.AlertFilter{Mailbox: ann.ID})
	w.ok(err)
	equal(w, "open alerts", len(open), 0)
	all, err := w.s.Alerts(w.ctx, store.AlertFilter{Mailbox: ann.ID, Over: true})
	w.ok(err)
	equal(w, "history", len(all), 1)
	equal(w, "over", all[0].Over, w.now)
	w.is(w.s.RaiseAlert(w.ctx, store.Alert{Mailbox: "mbx_none"}, "", w.now), store.ErrNotFound)
}

// Decision 11: a system that is down is one event, whoever noticed it.
func aConnectionsAlert(w *world) {
	ann := w.mailbox("ann")
	down := store.Alert{Connection: w.crm.ID, Workload: model.ACT, Side: model.CRM, Code: "sqlcrm.unreachable", Message: "It cannot be reached."}
	for want := 1; want <= 3; want++ {
		n, err := w.s.CountFailure(w.ctx, down, w.tick())
		w.ok(err)
		equal(w, "failures", n, want)
	}
	w.ok(w.s.RaiseAlert(w.ctx, down, "", w.tick()))
	w.ok(w.s.RaiseAlert(w.ctx, down, "", w.tick()))
	equal(w, "state of a mailbox", w.reload(ann).State, model.Active)
	of := func(f store.AlertFilter) []store.Alert {
		list, err := w.s.Alerts(w.ctx, f)
		w.ok(err)
		return list
	}
	equal(w, "alerts of the connection", len(of(store.AlertFilter{Connection: w.crm.ID})), 1)
	equal(w, "alerts of the mailbox", len(of(store.AlertFilter{Mailbox: ann.ID})), 0)
	begun := w.tick()
	_, _, err := w.s.FinishPass(w.ctx, w.crm.ID, begun)
	w.ok(err)
	equal(w, "open alerts", len(of(store.AlertFilter{})), 0)
	over := of(store.AlertFilter{Over: true})
	equal(w, "history", len(over), 1)
	equal(w, "over", over[0].Over, begun)
	_, err = w.s.CountFailure(w.ctx, store.Alert{Connection: "con_none", Side: model.CRM}, w.tick())
	w.is(err, store.ErrNotFound)
}

// A locked item is tried again by itself.
func aRefusedItemComesDue(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), func(store.Planned) store.Result {
		return store.Result{
			Receipt: model.Receipt{Outcome: model.Refused}, Code: "dav.423", Message: "It is locked.", Recheck: w.now.Add(5 * time.Minute),
		}
	})
	equal(w, "anything to do", w.due(ann).Fresh, false)
	w.now = w.now.Add(6 * time.Minute)
	equal(w, "anything to do", w.due(ann).Fresh, true)
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	equal(w, "anything to do", w.due(ann).Fresh, false)
}

// What is watched over: counts by connection, state and code, and no mailbox.
func standingCounts(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	quiet, err := w.s.Standing(w.ctx)
	w.ok(err)
	same(w, "mailboxes", quiet.Mailboxes, []store.MailboxCount{{Connection: "mail", State: model.Active, Number: 2}})
	equal(w, "issues and alerts", len(quiet.Issues)+len(quiet.Alerts), 0)
	equal(w, "behind", len(quiet.Behind), 1)
	equal(w, "nothing waits", quiet.Behind[0].Waiting.IsZero(), true)
	w.arrive(ann.ID, contact("m1", "Ann"))
	w.ok(w.s.RaiseAlert(w.ctx, failure(bob, model.Mail, "dav.401"), "Renew the password.", w.tick()))
	got, err := w.s.Standing(w.ctx)
	w.ok(err)
	same(w, "mailboxes", got.Mailboxes, []store.MailboxCount{{Connection: "mail", State: model.Active, Number: 1}, {Connection: "mail", State: model.Disabled, Number: 1}})
	same(w, "alerts", got.Alerts, []store.CodeCount{{Code: "dav.401", Count: 1}})
	equal(w, "what waits", got.Behind[0].Waiting.Equal(got.Behind[0].Success), true)
}
