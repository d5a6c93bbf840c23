package storetest

import (
	"errors"
	"sync"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

func outageStories() map[string]func(*world) {
	return map[string]func(*world){
		"three mailboxes in a row open a circuit, once":                  threeOpen,
		"one mailbox that works in between says that the system works":   oneThatWorks,
		"one mailbox alone, where nobody else is read, opens it":         oneAlone,
		"where there are fewer mailboxes all of them have to meet it":    allOfFew,
		"a CRM's own reader opens its circuit":                           theReaderOpens,
		"many at the same time make one event":                           oneEvent,
		"a permanent fault opens at once and nobody probes":              permanentOpens,
		"a changed connection is probed at once":                         changedIsProbed,
		"one prober at a time, and the tenth failure is an alert":        oneProber,
		"a prober that died leaves the probe to another":                 aProberDied,
		"those in need come back first, one after the other":             comeBack,
		"those disabled or paused for reasons of their own stay so":      ownReasons,
		"a system that is down again at once was never back":             relapse,
		"a mailbox that reads and never writes comes to its limit":       readsAndNeverWrites,
		"a write that works ends what was counted for writing":           writesAgain,
		"a pass that was under way when the circuit opened ends nothing": passUnderWay,
	}
}

func (w *world) serverFault(c model.Connection, m model.Mailbox) store.Alert {
	return store.Alert{
		Mailbox: m.ID, Connection: c.ID, Workload: model.ACT, Side: c.Side, Phase: store.PhaseFetch, Scope: fault.Server,
		Code: "dav.refused", Message: "The server refuses connections.",
	}
}

func (w *world) trial() store.Trial {
	return store.Trial{Next: w.now.Add(fault.FirstProbe), Patience: 10, Relapse: fault.Relapse}
}

// suspect notes that a mailbox met a fault of the whole mail server.
func (w *world) suspect(m model.Mailbox) store.Suspicion {
	w.Helper()
	w.tick()
	out, err := w.s.Suspect(w.ctx, w.serverFault(w.mail, m), w.trial(), w.now)
	w.ok(err)
	return out
}

func (w *world) circuit(c model.Connection) model.Circuit {
	w.Helper()
	row, err := w.s.Connection(w.ctx, c.ID)
	w.ok(err)
	return row.Circuit
}

func (w *world) worked(m model.Mailbox) {
	w.Helper()
	begun := w.tick()
	_, err := w.s.FinishFetch(w.ctx, m.ID, begun, w.tick(), w.now.Add(time.Minute))
	w.ok(err)
}

func (w *world) own(over bool) []store.Alert {
	w.Helper()
	list, err := w.s.Alerts(w.ctx, store.AlertFilter{Connection: w.mail.ID, Over: over})
	w.ok(err)
	return list
}

func (w *world) staff(names ...string) []model.Mailbox {
	var out []model.Mailbox
	for _, n := range names {
		out = append(out, w.mailbox(n))
	}
	return out
}

// Decision 11.
func threeOpen(w *world) {
	m := w.staff("ann", "bob", "cleo", "dan")
	equal(w, "what was never down is down", w.circuit(w.mail).Down(), false)
	for i := range 2 {
		s := w.suspect(m[i])
		equal(w, "opened", s.Opened, false)
		equal(w, "times", s.Times, 1)
	}
	s := w.suspect(m[2])
	equal(w, "opened", s.Opened, true)
	equal(w, "connection", s.Connection, w.mail.ID)
	k := w.circuit(w.mail)
	equal(w, "state", k.State, model.CircuitOpen)
	equal(w, "since", k.Since, w.now)
	equal(w, "code", k.Code, "dav.refused")
	equal(w, "next", k.Next, w.now.Add(fault.FirstProbe))
	equal(w, "opened so far", k.Opened, int64(1))
	late := w.suspect(m[3])
	equal(w, "opened again", late.Opened, false)
	equal(w, "times of one that came late", late.Times, 0)
	equal(w, "failures of one that came late", w.reload(m[3]).Failures, 0)
	own := w.own(false)
	equal(w, "alerts of the connection", len(own), 1)
	equal(w, "who is told", own[0].State, store.AlertRetrying)
	equal(w, "scope", own[0].Scope, fault.Server)
	equal(w, "the CRM is down", w.circuit(w.crm).Down(), false)
	_, err := w.s.Suspect(w.ctx, store.Alert{Mailbox: "mbx_none", Side: model.Mail}, w.trial(), w.now)
	w.is(err, store.ErrNotFound)
}

func oneThatWorks(w *world) {
	m := w.staff("ann", "bob", "cleo")
	w.suspect(m[0])
	w.suspect(m[1])
	w.worked(m[2])
	equal(w, "opened", w.suspect(m[0]).Opened, false)
	equal(w, "opened", w.suspect(m[1]).Opened, false)
	equal(w, "opened", w.suspect(m[2]).Opened, true)
}

// One mailbox is enough where no other is read in the meantime.
func oneAlone(w *world) {
	m := w.staff("ann", "bob", "cleo", "dan")
	w.worked(m[1])
	equal(w, "opened", w.suspect(m[0]).Opened, false)
	equal(w, "opened", w.suspect(m[0]).Opened, false)
	equal(w, "opened", w.suspect(m[0]).Opened, true)
}

func allOfFew(w *world) {
	m := w.staff("ann", "bob", "cleo")
	w.ok(w.s.SetMailboxState(w.ctx, m[2].ID, model.Paused, "on leave"))
	equal(w, "opened by one of two", w.suspect(m[0]).Opened, false)
	equal(w, "opened by both", w.suspect(m[1]).Opened, true)
}

func theReaderOpens(w *world) {
	w.staff("ann", "bob", "cleo")
	reader := func() store.Suspicion {
		f := w.serverFault(w.crm, model.Mailbox{})
		f.Phase = ""
		s, err := w.s.Suspect(w.ctx, f, w.trial(), w.tick())
		w.ok(err)
		return s
	}
	equal(w, "times", reader().Times, 1)
	equal(w, "times", reader().Times, 2)
	s := reader()
	equal(w, "opened", s.Opened, true)
	equal(w, "connection", s.Connection, w.crm.ID)
}

// Two workers that see the last witness at the same time make one event and one
// alert.
func oneEvent(w *world) {
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	m := w.staff(names...)
	var all sync.WaitGroup
	opened := make([]bool, len(m))
	errs := make([]error, len(m))
	for i := range m {
		all.Go(func() {
			s, err := w.s.Suspect(w.ctx, w.serverFault(w.mail, m[i]), w.trial(), w.now.Add(time.Second))
			opened[i], errs[i] = s.Opened, err
		})
	}
	all.Wait()
	w.ok(errors.Join(errs...))
	n := 0
	for _, o := range opened {
		if o {
			n++
		}
	}
	equal(w, "events", n, 1)
	equal(w, "opened so far", w.circuit(w.mail).Opened, int64(1))
	equal(w, "alerts of the connection", len(w.own(true)), 1)
}

// D-31: a permanent fault of the server; D-33: it ends with a test that works.
func permanentOpens(w *world) {
	m := w.staff("ann", "bob", "cleo")
	f := w.serverFault(w.mail, m[0])
	s, err := w.s.Suspect(w.ctx, f, store.Trial{Permanent: true, Next: w.now}, w.tick())
	w.ok(err)
	equal(w, "opened", s.Opened, true)
	equal(w, "next probe", s.Circuit.Next, time.Time{})
	own := w.own(false)
	equal(w, "alerts of the connection", len(own), 1)
	equal(w, "state of the alert", own[0].State, store.AlertOpen)
	for _, b := range m {
		mail, err := w.s.Connection(w.ctx, w.mail.ID)
		w.ok(err)
		b = w.reload(b)
		equal(w, "state that is stored", b.State, model.Active)
		state, by := b.Standing(w.crm, mail)
		equal(w, "state", state, model.Disabled)
		equal(w, "by", by.ID, w.mail.ID)
	}
	_, err = w.s.BeginProbe(w.ctx, w.mail.ID, w.now.Add(time.Hour), w.now.Add(2*time.Hour))
	w.is(err, store.ErrStale)
	_, err = w.s.Recover(w.ctx, w.mail.ID, 0, w.tick(), time.Second)
	w.ok(err)
	equal(w, "state", w.circuit(w.mail).State, model.CircuitClosed)
	equal(w, "open alerts", len(w.own(false)), 0)
	over := w.own(true)
	equal(w, "alerts that are over", len(over), 1)
	equal(w, "over", over[0].Over, w.now)
	_, err = w.s.Recover(w.ctx, w.mail.ID, 0, w.tick(), time.Second)
	w.is(err, store.ErrStale)
}

func changedIsProbed(w *world) {
	m := w.staff("ann")
	_, err := w.s.Suspect(w.ctx, w.serverFault(w.mail, m[0]), store.Trial{Permanent: true}, w.tick())
	w.ok(err)
	w.mail.Secret = "another"
	_, err = w.s.SaveConnection(w.ctx, w.mail)
	w.ok(err)
	k, err := w.s.BeginProbe(w.ctx, w.mail.ID, w.now, w.now.Add(time.Minute))
	w.ok(err)
	equal(w, "state", k.State, model.CircuitProbing)
	equal(w, "alerts until it works", len(w.own(false)), 1)
}

// Decision 11: one prober, after ten failed probes one alert.
func oneProber(w *world) {
	w.suspect(w.staff("ann")[0])
	_, err := w.s.BeginProbe(w.ctx, w.mail.ID, w.now, w.now.Add(time.Minute))
	w.is(err, store.ErrStale) // not due
	for n := 1; n <= 11; n++ {
		w.now = w.now.Add(fault.ProbeGap(n))
		was, err := w.s.BeginProbe(w.ctx, w.mail.ID, w.now, w.now.Add(time.Minute))
		w.ok(err)
		_, err = w.s.BeginProbe(w.ctx, w.mail.ID, w.now, w.now.Add(time.Minute))
		w.is(err, store.ErrStale) // somebody is at it
		k, err := w.s.FailProbe(w.ctx, w.mail.ID, was, w.serverFault(w.mail, model.Mailbox{}), w.trial(), w.now)
		w.ok(err)
		equal(w, "failed probes", k.Probes, n)
		_, err = w.s.FailProbe(w.ctx, w.mail.ID, was, w.serverFault(w.mail, model.Mailbox{}), w.trial(), w.now)
		w.is(err, store.ErrStale)
		own := w.own(true)
		equal(w, "alerts", len(own), 1)
		equal(w, "somebody has to know", own[0].State == store.AlertOpen, n >= fault.ProbePatience)
	}
}

func aProberDied(w *world) {
	w.suspect(w.staff("ann")[0])
	w.now = w.now.Add(time.Minute)
	dead, err := w.s.BeginProbe(w.ctx, w.mail.ID, w.now, w.now.Add(time.Minute))
	w.ok(err)
	w.now = w.now.Add(time.Minute)
	_, err = w.s.BeginProbe(w.ctx, w.mail.ID, w.now, w.now.Add(time.Minute))
	w.ok(err)
	_, err = w.s.Recover(w.ctx, w.mail.ID, dead.Opened, w.now, time.Second)
	w.ok(err)
	w.suspect(w.reload(w.staff("bob")[0]))
	w.suspect(w.reload(w.staff("cleo")[0]))
	equal(w, "opened so far", w.circuit(w.mail).Opened, int64(1))
	_, err = w.s.FailProbe(w.ctx, w.mail.ID, dead, w.serverFault(w.mail, model.Mailbox{}), w.trial(), w.now)
	w.is(err, store.ErrStale)
}

// comeBack: mailboxes for which something waits, then those that worked longest
// ago, each its gap after the other; who has come back is listed no more.
func comeBack(w *world) {
	m := w.staff("ann", "bob", "cleo", "dan")
	for _, i := range []int{2, 0, 1, 3} {
		w.worked(m[i])
	}
	w.arrive(m[3].ID, contact("d1", "Dora"))
	recent, err := w.s.Recent(w.ctx, w.mail.ID, 2)
	w.ok(err)
	equal(w, "mailboxes", len(recent), 2)
	equal(w, "the one that worked last", recent[0].ID, m[3].ID)
	equal(w, "the one before", recent[1].ID, m[1].ID)
	for i := range 3 {
		w.suspect(m[i])
	}
	w.now = w.now.Add(time.Hour)
	n, err := w.s.Recover(w.ctx, w.mail.ID, 1, w.now, 10*time.Second)
	w.ok(err)
	equal(w, "mailboxes", n, 4)
	k := w.circuit(w.mail)
	equal(w, "closed", k.Closed, w.now)
	equal(w, "calm", k.Calm, w.now.Add(40*time.Second))
	turns, err := w.s.Turns(w.ctx, w.mail.ID, store.Turn{}, w.now.Add(time.Hour), 10)
	w.ok(err)
	var got []store.Turn
	for i, of := range []model.Mailbox{m[3], m[2], m[0], m[1]} {
		got = append(got, store.Turn{At: w.now.Add(time.Duration(i) * 10 * time.Second), Mailbox: of.ID})
	}
	same(w, "turns", turns, got)
	turns, err = w.s.Turns(w.ctx, w.mail.ID, got[0], w.now.Add(15*time.Second), 10)
	w.ok(err)
	same(w, "turns", turns, got[1:2])
	w.worked(m[3])
	turns, err = w.s.Turns(w.ctx, w.mail.ID, store.Turn{}, w.now.Add(time.Hour), 2)
	w.ok(err)
	same(w, "turns", turns, got[1:3])
	equal(w, "of others", len(turnsOf(w, w.crm)), 0)
}

func turnsOf(w *world, c model.Connection) []store.Turn {
	list, err := w.s.Turns(w.ctx, c.ID, store.Turn{}, w.now.Add(time.Hour), 10)
	w.ok(err)
	return list
}

// D-33: a connection that works again enables those disabled with it, and no
// others.
func ownReasons(w *world) {
	m := w.staff("ann", "bob", "cleo")
	f := failure(m[0], model.Mail, "dav.401")
	f.Phase = store.PhaseFetch
	w.ok(w.s.RaiseAlert(w.ctx, f, "The password is wrong.", w.tick()))
	w.ok(w.s.SetMailboxState(w.ctx, m[1].ID, model.Paused, "on leave"))
	_, err := w.s.Suspect(w.ctx, w.serverFault(w.mail, m[2]), store.Trial{Permanent: true}, w.tick())
	w.ok(err)
	n, err := w.s.Recover(w.ctx, w.mail.ID, 0, w.tick(), time.Second)
	w.ok(err)
	equal(w, "mailboxes that come back", n, 1)
	equal(w, "one of its own", w.reload(m[0]).State, model.Disabled)
	equal(w, "why", w.reload(m[0]).Reason, "The password is wrong.")
	equal(w, "one that a person paused", w.reload(m[1]).State, model.Paused)
	open, err := w.s.Alerts(w.ctx, store.AlertFilter{})
	w.ok(err)
	equal(w, "open alerts", len(open), 2) // the mailbox's own, and what was counted against the third
}

func relapse(w *world) {
	m := w.staff("ann")
	down := func() model.Circuit {
		w.Helper()
		s := w.suspect(m[0])
		equal(w, "opened", s.Opened, true)
		return s.Circuit
	}
	equal(w, "failed probes", down().Probes, 0)
	for n := 1; n <= fault.ProbePatience+2; n++ {
		_, err := w.s.Recover(w.ctx, w.mail.ID, 0, w.tick(), time.Second)
		w.ok(err)
		equal(w, "open alerts", len(w.own(false)), 0)
		equal(w, "failed probes", down().Probes, n)
	}
	all := w.own(true)
	equal(w, "alerts", len(all), 1)
	equal(w, "state of the alert", all[0].State, store.AlertOpen)
	_, err := w.s.Recover(w.ctx, w.mail.ID, 0, w.tick(), time.Second)
	w.ok(err)
	w.now = w.now.Add(fault.Relapse)
	equal(w, "failed probes", down().Probes, 0)
}

// D-32: failures are counted per side and phase, so that pages that are read do
// not hide that nothing can be written.
func readsAndNeverWrites(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	for n := 1; n <= 3; n++ {
		w.arrive(ann.ID, contact("m1", "Ann "+time.Duration(n).String()))
		w.worked(ann)
		f := failure(ann, model.Mail, "dav.507")
		f.Phase = store.PhaseApply
		got, err := w.s.CountFailure(w.ctx, f, w.tick())
		w.ok(err)
		equal(w, "failures in a row", got, n)
		f.Phase = store.PhaseFetch
		got, err = w.s.CountFailure(w.ctx, f, w.tick())
		w.ok(err)
		equal(w, "failures in a row while reading", got, 1)
	}
	w.worked(ann)
	equal(w, "failures in the end", w.reload(ann).Failures, 3)
}

// What shows that a mailbox decides and writes ends what was counted for that.
func writesAgain(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	for _, p := range []store.Phase{store.PhaseFetch, store.PhaseDiff, store.PhaseApply} {
		f := failure(ann, model.Mail, "dav.507")
		f.Phase = p
		_, err := w.s.CountFailure(w.ctx, f, w.tick())
		w.ok(err)
	}
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	left, err := w.s.Alerts(w.ctx, store.AlertFilter{Mailbox: ann.ID})
	w.ok(err)
	equal(w, "what is left", len(left), 1)
	equal(w, "phase", left[0].Phase, store.PhaseFetch)
}

func passUnderWay(w *world) {
	w.staff("ann")
	f := w.serverFault(w.crm, model.Mailbox{})
	f.Phase = ""
	_, err := w.s.Suspect(w.ctx, f, store.Trial{Permanent: true}, w.tick())
	w.ok(err)
	_, _, err = w.s.FinishPass(w.ctx, w.crm.ID, w.tick())
	w.ok(err)
	open, err := w.s.Alerts(w.ctx, store.AlertFilter{Connection: w.crm.ID})
	w.ok(err)
	equal(w, "open alerts", len(open), 1)
}
