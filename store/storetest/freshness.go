package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// freshnessStories hold requirement B11.
func freshnessStories() map[string]func(*world) {
	return map[string]func(*world){
		"who is silent is told of, until it works again":      oneIsSilent,
		"a silent connection is one alarm, also when it ends": aConnectionIsSilent,
		"who is not synced on purpose is not missed":          silentOnPurpose,
		"what is known not to work is not told twice":         silenceThatIsKnown,
		"a CRM that nobody reads is told of":                  aSilentCRM,
		"credentials that expire soon are told of":            expiresSoon,
	}
}

// interval is the time between two rounds in these stories; silence of six is an
// alarm.
const interval = 5 * time.Minute

func (w *world) watch(raised, ended int) {
	w.Helper()
	r, e, err := w.s.CheckFreshness(w.ctx, store.Watch{
		Intervals: map[string]store.Patience{"default": {Late: 5 * interval, Early: 4 * interval}},
		Expiry:    store.Dated{Code: "credentials.expire", Message: "on <date>", Ahead: 14 * 24 * time.Hour},
		Mailbox:   store.Said{Code: "one", Message: "m"}, System: store.Said{Code: "all", Message: "m"}, Feed: store.Said{Code: "feed", Message: "m"},
	}, w.now)
	w.ok(err)
	equal(w, "raised", r, raised)
	equal(w, "ended", e, ended)
}

// works ends a round of a mailbox now.
func (w *world) works(m model.Mailbox) {
	w.Helper()
	_, err := w.s.FinishFetch(w.ctx, m.ID, w.now, w.now, w.now.Add(interval))
	w.ok(err)
}

// later lets time pass in which the CRM is read.
func (w *world) later(d time.Duration) {
	w.Helper()
	w.now = w.now.Add(d)
	_, _, err := w.s.FinishPass(w.ctx, w.crm.ID, w.now)
	w.ok(err)
}

// alarms are the freshness alarms that are open.
func (w *world) alarms() []store.Alert {
	w.Helper()
	all, err := w.s.Alerts(w.ctx, store.AlertFilter{})
	w.ok(err)
	var out []store.Alert
	for _, a := range all {
		if a.Workload == store.Freshness {
			out = append(out, a)
		}
	}
	return out
}

// alive lets a story happen now: a mailbox is made by the real clock.
func (w *world) alive(names ...string) []model.Mailbox {
	w.Helper()
	w.now = time.Now().UTC().Truncate(time.Microsecond)
	var out []model.Mailbox
	for _, name := range names {
		m := w.mailbox(name)
		w.works(m)
		out = append(out, m)
	}
	_, _, err := w.s.FinishPass(w.ctx, w.crm.ID, w.now)
	w.ok(err)
	return out
}

func oneIsSilent(w *world) {
	b := w.alive("ann", "bob")
	proven := w.now
	for range 5 {
		w.later(interval)
		w.works(b[1])
		w.watch(0, 0)
	}
	w.later(interval + time.Second)
	w.works(b[1])
	w.watch(1, 0)
	w.watch(0, 0)
	a := w.alarms()[0]
	equal(w, "mailbox", a.Mailbox, b[0].ID)
	equal(w, "connection", a.Connection, w.mail.ID)
	equal(w, "code", a.Code, "one")
	equal(w, "since", a.First, proven)
	equal(w, "state of the mailbox", w.reload(b[0]).State, model.Active)
	w.untold(1)
	w.works(b[0])
	w.watch(0, 1)
	equal(w, "alarms", len(w.alarms()), 0)
}

func aConnectionIsSilent(w *world) {
	b := w.alive("ann", "bob", "cem")
	w.later(time.Minute)
	w.works(b[2])
	w.later(5*interval + time.Second)
	w.watch(1, 0) // all of them, before any single one
	w.later(time.Hour)
	w.watch(0, 0)
	a := w.alarms()
	equal(w, "alarms", len(a), 1)
	equal(w, "mailbox", a[0].Mailbox, "")
	equal(w, "code", a[0].Code, "all")
	w.works(b[0]) // they come back one after the other
	w.watch(0, 0)
	w.later(interval)
	w.works(b[1])
	w.watch(0, 0)
	equal(w, "alarms while it comes back", len(w.alarms()), 1)
	w.works(b[2])
	w.watch(0, 1)
	equal(w, "alarms", len(w.alarms()), 0)
	// One that never comes back is an alarm of its own in the end.
	w.later(7 * interval)
	w.watch(1, 0)
	for range 7 {
		w.later(interval)
		w.works(b[0])
		w.works(b[1])
		_, _, err := w.s.CheckFreshness(w.ctx, store.Watch{Intervals: map[string]store.Patience{"default": {Late: 5 * interval, Early: 4 * interval}}}, w.now)
		w.ok(err)
	}
	a = w.alarms()
	equal(w, "alarms", len(a), 1)
	equal(w, "mailbox", a[0].Mailbox, b[2].ID)
}

func silentOnPurpose(w *world) {
	b := w.alive("ann", "bob")
	w.ok(w.s.SetMailboxState(w.ctx, b[0].ID, model.Paused, "holiday"))
	for range 3 {
		w.later(time.Hour)
		w.works(b[1])
		w.watch(0, 0)
	}
	w.ok(w.s.EndAlerts(w.ctx, b[0].ID, "", "", w.now))
	w.ok(w.s.SetMailboxState(w.ctx, b[0].ID, model.Active, ""))
	w.watch(0, 0) // it has its intervals to show that it works
	w.later(5*interval + time.Second)
	w.works(b[1])
	w.watch(1, 0)
	list, err := w.s.Untold(w.ctx, 10)
	w.ok(err)
	w.ok(w.s.Tell(w.ctx, nil, []store.Event{{Alert: list[0].ID}}, w.now))
	w.ok(w.s.SetMailboxState(w.ctx, b[0].ID, model.Paused, "holiday"))
	w.watch(0, 1)
	w.untold(0) // that a paused mailbox is not missed any more is no news
}

func silenceThatIsKnown(w *world) {
	b := w.alive("ann", "bob")
	down := store.Alert{Connection: w.mail.ID, Workload: model.ACT, Side: model.Mail, Code: "dav.network", Message: "It does not answer."}
	w.ok(w.s.RaiseAlert(w.ctx, down, "", w.now))
	w.later(2 * time.Hour)
	w.watch(0, 0)
	w.ok(w.s.EndAlerts(w.ctx, "", w.mail.ID, "", w.now))
	w.watch(1, 0)
	w.works(b[0])
	w.works(b[1])
	w.watch(0, 1)
}

func aSilentCRM(w *world) {
	b := w.alive("ann")
	for range 14 {
		w.now = w.now.Add(interval)
		w.works(b[0])
	}
	w.watch(1, 0)
	a := w.alarms()[0]
	equal(w, "connection", a.Connection, w.crm.ID)
	equal(w, "code", a.Code, "feed")
	_, _, err := w.s.FinishPass(w.ctx, w.crm.ID, w.now)
	w.ok(err)
	w.watch(0, 1)
}

// B23: two weeks before credentials expire somebody is told, once, and that is
// over when they were renewed; of whom nobody said when, nothing is.
func expiresSoon(w *world) {
	m := w.alive("ann")[0]
	const day = 24 * time.Hour
	soon, late := w.now.Add(13*day), w.now.Add(100*day)
	step := func(raised, ended int) {
		w.Helper()
		w.works(m)
		w.later(time.Minute)
		w.watch(raised, ended)
	}
	w.ok(w.s.SetExpiry(w.ctx, m.ID, "", soon))
	w.ok(w.s.SetExpiry(w.ctx, "", w.crm.ID, late))
	terms, err := w.s.Expiries(w.ctx)
	w.ok(err)
	equal(w, "known", len(terms), 2)
	equal(w, "the first is the mailbox's, on the mail side", terms[0].Mailbox == m.ID && terms[0].Connection == m.Mail && terms[0].Side == model.Mail, true)
	equal(w, "the other is the CRM's own", terms[1].Mailbox == "" && terms[1].Connection == w.crm.ID && terms[1].Side == model.CRM, true)
	step(1, 0)
	step(0, 0)
	all, err := w.s.Alerts(w.ctx, store.AlertFilter{Mailbox: m.ID})
	w.ok(err)
	equal(w, "alerts", len(all), 1)
	equal(w, "it says when", all[0].Message, "on "+soon.UTC().Format(time.DateOnly))
	equal(w, "it stops nothing", all[0].Stops(), false)
	w.ok(w.s.SetExpiry(w.ctx, m.ID, "", late))
	step(0, 1)
	w.ok(w.s.SetExpiry(w.ctx, "", w.crm.ID, soon))
	step(1, 0)
	w.ok(w.s.SetExpiry(w.ctx, "", w.crm.ID, time.Time{}))
	step(0, 1)
}
