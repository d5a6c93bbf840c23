package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func noticeStories() map[string]func(*world) {
	return map[string]func(*world){
		"how alerts are delivered is kept":                    deliveryIsKept,
		"the beginning and the end of an alert are told":      beginningAndEnd,
		"a notice is claimed, sent once and listed":           aNoticeIsSent,
		"what was told meanwhile is not told again":           toldOnce,
		"no more goes out in a minute than may":               noMoreThanMay,
		"a forgotten mailbox takes what was told of it along": forgottenNotices,
	}
}

func deliveryIsKept(w *world) {
	d, err := w.s.Delivery(w.ctx)
	w.ok(err)
	equal(w, "delivery before anybody said so", d, model.Delivery{})
	want := model.Delivery{Admin: "it@ex.org", Fold: model.Duration(time.Minute), Mail: model.MailServer{URL: "smtp://mail.ex.org", Secret: "s3cret"}}
	for range 2 {
		w.ok(w.s.SaveDelivery(w.ctx, want))
		d, err = w.s.Delivery(w.ctx)
		w.ok(err)
		equal(w, "delivery", d, want)
		want.Webhook.URL = "https://hook.ex.org"
	}
}

// raise opens an alert of a mailbox and returns it.
func (w *world) raise(m model.Mailbox) store.Case {
	w.Helper()
	w.ok(w.s.RaiseAlert(w.ctx, failure(m, model.Mail, "dav.401"), "Renew the password.", w.tick()))
	return w.untold(1)[0]
}

func (w *world) untold(want int) []store.Case {
	w.Helper()
	list, err := w.s.Untold(w.ctx, 100)
	w.ok(err)
	equal(w, "untold", len(list), want)
	return list
}

func (w *world) tell(to string, events ...store.Event) {
	w.Helper()
	w.ok(w.s.Tell(w.ctx, []store.Notice{{Channel: store.ByMail, Recipient: to, Due: w.now, Events: events}}, nil, w.tick()))
}

// claim takes a notice that is due; it fails the story unless there is one as
// expected.
func (w *world) claim(token string, there bool) store.Notice {
	w.Helper()
	n, err := w.s.ClaimNotice(w.ctx, store.ByMail, token, 2, w.tick(), w.now.Add(30*time.Second))
	if !there {
		w.is(err, store.ErrNotFound)
		return n
	}
	w.ok(err)
	return n
}

func beginningAndEnd(w *world) {
	ann := w.mailbox("ann")
	_, err := w.s.CountFailure(w.ctx, failure(ann, model.Mail, "dav.503"), w.tick())
	w.ok(err)
	w.untold(0) // only counted
	c := w.raise(ann)
	equal(w, "address", c.Address, ann.Address)
	equal(w, "system", c.System, "mail")
	equal(w, "policy", c.Policy, "default")
	w.tell("it@ex.org", store.Event{Alert: c.ID})
	w.untold(0)
	w.ok(w.s.EndAlerts(w.ctx, ann.ID, "", "", w.tick()))
	over := w.untold(1)
	equal(w, "state", over[0].State, store.AlertOver)
	equal(w, "told", over[0].Told.IsZero(), false)
	w.ok(w.s.Tell(w.ctx, nil, []store.Event{{Alert: c.ID, Over: true}}, w.tick())) // nobody hears of it
	w.untold(0)
	// One that was over before anybody was told is of no interest any more.
	w.raise(ann)
	w.ok(w.s.EndAlerts(w.ctx, ann.ID, "", "", w.tick()))
	w.untold(0)
}

func aNoticeIsSent(w *world) {
	c := w.raise(w.mailbox("ann"))
	w.tell("it@ex.org", store.Event{Alert: c.ID})
	n := w.claim("one", true)
	equal(w, "recipient", n.Recipient, "it@ex.org")
	equal(w, "attempts", n.Attempts, 1)
	same(w, "events", n.Events, []store.Event{{Alert: c.ID}})
	w.claim("two", false)
	n.Problem, n.Due, n.State = "It does not answer.", w.now.Add(time.Hour), store.NoticeWaiting
	w.is(w.s.FinishNotice(w.ctx, "two", n), store.ErrStale)
	w.ok(w.s.FinishNotice(w.ctx, "one", n))
	w.claim("two", false) // not due yet
	w.now = w.now.Add(2 * time.Hour)
	equal(w, "attempts", w.claim("two", true).Attempts, 2)
	w.now = w.now.Add(2 * time.Hour) // the sender died, its claim is over
	n = w.claim("three", true)
	n.State, n.Ended = store.NoticeSent, w.now
	w.is(w.s.FinishNotice(w.ctx, "two", n), store.ErrStale)
	w.ok(w.s.FinishNotice(w.ctx, "three", n))
	w.is(w.s.FinishNotice(w.ctx, "three", n), store.ErrStale)
	w.now = w.now.Add(2 * time.Hour)
	w.claim("four", false)
	list, err := w.s.Notices(w.ctx, store.NoticeFilter{Alerts: []string{c.ID}, State: store.NoticeSent})
	w.ok(err)
	equal(w, "sent", len(list), 1)
	equal(w, "ended", list[0].Ended, n.Ended)
	list, err = w.s.Notices(w.ctx, store.NoticeFilter{Since: w.now})
	w.ok(err)
	equal(w, "newer", len(list), 0)
	found, err := w.s.Cases(w.ctx, []string{c.ID, "alt_none"})
	w.ok(err)
	equal(w, "cases", len(found), 1)
}

func toldOnce(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	c := w.raise(ann)
	w.tell("it@ex.org", store.Event{Alert: c.ID})
	again := []store.Notice{{Channel: store.ByMail, Recipient: "it@ex.org", Due: w.now, Events: []store.Event{{Alert: c.ID}}}}
	w.is(w.s.Tell(w.ctx, again, nil, w.tick()), store.ErrStale)
	all, err := w.s.Notices(w.ctx, store.NoticeFilter{})
	w.ok(err)
	equal(w, "notices", len(all), 1)
	// What comes before it is sent is folded into it; afterwards it is not.
	b := w.raise(bob)
	w.ok(w.s.Tell(w.ctx, []store.Notice{{ID: all[0].ID, Events: []store.Event{{Alert: b.ID}}}}, nil, w.tick()))
	equal(w, "events", len(w.claim("one", true).Events), 2)
	d := w.raise(w.mailbox("cem"))
	w.is(w.s.Tell(w.ctx, []store.Notice{{ID: all[0].ID, Events: []store.Event{{Alert: d.ID}}}}, nil, w.tick()), store.ErrStale)
	w.untold(1)
}

// Requirement D-44.
func noMoreThanMay(w *world) {
	for _, name := range []string{"ann", "bob", "cem"} {
		c := w.raise(w.mailbox(name))
		w.tell(name+"@home.org", store.Event{Alert: c.ID})
	}
	w.claim("one", true)
	w.claim("one", true)
	w.claim("one", false)
	_, err := w.s.ClaimNotice(w.ctx, store.ByWebhook, "one", 2, w.tick(), w.now)
	w.is(err, store.ErrNotFound) // of another channel
	w.now = w.now.Add(2 * time.Minute)
	w.claim("one", true)
}

func forgottenNotices(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	a := w.raise(ann)
	w.tell(ann.Address, store.Event{Alert: a.ID})
	b := w.raise(bob)
	w.ok(w.s.EndAlerts(w.ctx, ann.ID, "", "", w.tick()))
	w.tell("it@ex.org", store.Event{Alert: a.ID, Over: true}, store.Event{Alert: b.ID})
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Retired, "removed"))
	w.ok(w.s.Forget(w.ctx, ann.ID))
	all, err := w.s.Notices(w.ctx, store.NoticeFilter{})
	w.ok(err)
	equal(w, "notices", len(all), 1)
	same(w, "events", all[0].Events, []store.Event{{Alert: b.ID}})
	w.ok(w.s.EndAlerts(w.ctx, bob.ID, "", "", w.tick()))
	for range 3 {
		_, err = w.s.Sweep(w.ctx, w.now.Add(2*store.KeepIssues), 100)
		w.ok(err)
	}
	all, err = w.s.Notices(w.ctx, store.NoticeFilter{})
	w.ok(err)
	equal(w, "notices after a sweep", len(all), 0)
}
