package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func surveyStories() map[string]func(*world) {
	return map[string]func(*world){
		"every number has its records behind it":           everyNumberHasRecords,
		"mailboxes are found, sorted and paged":            mailboxesAreFound,
		"issues are paged":                                 issuesArePaged,
		"rounds of all mailboxes are paged":                roundsArePaged,
		"an item is seen as both sides have it":            bothFaces,
		"of a private item nobody is shown what it says":   noFaceOfPrivate,
		"a mailbox with a question is found by asking":     asking,
		"what waits for approval is found by what is held": heldOnes,
	}
}

func (w *world) survey() store.Survey {
	w.Helper()
	v, err := w.s.Survey(w.ctx, w.now)
	w.ok(err)
	return v
}

func (w *world) find(q store.MailboxQuery) store.MailboxPage {
	w.Helper()
	p, err := w.s.FindMailboxes(w.ctx, q)
	w.ok(err)
	return p
}

func addresses(p store.MailboxPage) []string {
	var out []string
	for _, m := range p.Rows {
		out = append(out, m.Address)
	}
	return out
}

// D-02: the number of a survey is the number of records that its list has.
func everyNumberHasRecords(w *world) {
	ann := w.refused("ann", "dav.423", 3)
	ben, cleo := w.mailbox("ben"), w.mailbox("cleo")
	w.ok(w.s.SetMailboxState(w.ctx, ben.ID, model.Paused, "on leave"))
	w.ok(w.s.SetMailboxState(w.ctx, cleo.ID, model.Retired, ""))
	_, err := w.s.FinishFetch(w.ctx, ann.ID, w.now, w.now.Add(-2*time.Hour), w.now)
	w.ok(err)
	w.ok(w.s.RaiseAlert(w.ctx, store.Alert{Mailbox: ann.ID, Side: model.Mail, Workload: model.ACT, Code: "dav.401", Message: "It did not let us in."}, "It did not let us in.", w.now))

	v := w.survey()
	same(w, "states", v.States, map[model.MailboxState]int{model.Disabled: 1, model.Paused: 1, model.Retired: 1})
	for state, n := range v.States {
		equal(w, "mailboxes that are "+string(state), w.find(store.MailboxQuery{MailboxFilter: store.MailboxFilter{State: state}}).Total, n)
	}
	same(w, "issues", v.Issues, []store.CodeCount{{Code: "dav.423", Count: 1}})
	n, err := w.s.CountIssues(w.ctx, store.IssueFilter{Code: "dav.423"})
	w.ok(err)
	equal(w, "issues counted", n, 1)
	same(w, "alerts", v.Alerts, []store.CodeCount{{Code: "dav.401", Count: 1}})
	equal(w, "with an alert", w.find(store.MailboxQuery{Alerts: true}).Total, 1)
	equal(w, "with issues", w.find(store.MailboxQuery{Issues: true}).Rows[0].OpenIssues, 1)
	equal(w, "of the mail server", v.PerSystem[w.mail.ID][model.Paused], 1)
	equal(w, "of the policy", v.PerPolicy["default"], 2)

	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Active, ""))
	same(w, "lag", w.survey().Lag, []int{0, 0, 0, 1, 0, 0})
	steps := store.LagSteps()
	equal(w, "that late", w.find(store.MailboxQuery{Since: w.now.Add(-steps[3]), Before: w.now.Add(-steps[2])}).Total, 1)
	equal(w, "later", w.find(store.MailboxQuery{Before: w.now.Add(-steps[3])}).Total, 0)
	equal(w, "never", w.find(store.MailboxQuery{Never: true}).Rows[0].ID, ben.ID)
	equal(w, "secret", w.find(store.MailboxQuery{ID: ann.ID}).Rows[0].Secret, "")
}

func mailboxesAreFound(w *world) {
	ids := map[string]model.MailboxID{}
	for i, name := range []string{"dora", "ann", "ben", "cleo", "a_b"} {
		m := w.mailbox(name)
		ids[name] = m.ID
		_, err := w.s.FinishFetch(w.ctx, m.ID, w.now, w.now.Add(time.Duration(i)*time.Minute), w.now)
		w.ok(err)
	}
	var got []string
	q := store.MailboxQuery{Limit: 2}
	for {
		p := w.find(q)
		equal(w, "total", p.Total, 5)
		if len(p.Rows) == 0 {
			break
		}
		got, q.After = append(got, addresses(p)...), p.Rows[len(p.Rows)-1].Key(q.Sort)
	}
	same(w, "by address", got, []string{"a_b" + address, "ann" + address, "ben" + address, "cleo" + address, "dora" + address})

	q = store.MailboxQuery{Sort: store.BySuccess, Descending: true, Limit: 3}
	p := w.find(q)
	same(w, "newest success", addresses(p), []string{"a_b" + address, "cleo" + address, "ben" + address})
	q.After = p.Rows[2].Key(q.Sort)
	same(w, "the rest", addresses(w.find(q)), []string{"ann" + address, "dora" + address})

	same(w, "by a part", addresses(w.find(store.MailboxQuery{Search: "EN@"})), []string{"ben" + address})
	same(w, "_ is a letter", addresses(w.find(store.MailboxQuery{Search: "a_"})), []string{"a_b" + address})
	same(w, "by id", addresses(w.find(store.MailboxQuery{Search: string(ids["cleo"])})), []string{"cleo" + address})
	same(w, "nobody", addresses(w.find(store.MailboxQuery{Search: "nobody"})), nil)
}

func issuesArePaged(w *world) {
	for _, name := range []string{"ann", "ben", "cleo"} {
		w.refused(name, "dav.423", 3)
		w.now = w.now.Add(time.Minute)
	}
	all := w.issues(store.IssueFilter{})
	f := store.IssueFilter{Limit: 2}
	first := w.issues(f)
	same(w, "first page", first, all[:2])
	f.After = first[1].Key()
	same(w, "second page", w.issues(f), all[2:])
	_, err := w.s.IgnoreIssues(w.ctx, store.IssueFilter{ID: all[0].ID}, w.now)
	w.ok(err)
	closed := w.issues(store.IssueFilter{Closed: true})
	equal(w, "closed ones come last", closed[2].ID, all[0].ID)
	same(w, "after an open one", w.issues(store.IssueFilter{Closed: true, After: closed[1].Key()}), closed[2:])
}

func roundsArePaged(w *world) {
	for _, name := range []string{"ann", "ben", "cleo"} {
		w.refused(name, "dav.423", 3)
		w.now = w.now.Add(time.Minute)
	}
	find := func(q store.RoundQuery) []store.FoundRound {
		w.Helper()
		list, err := w.s.FindRounds(w.ctx, q)
		w.ok(err)
		return list
	}
	all := find(store.RoundQuery{})
	equal(w, "rounds", len(all) >= 3, true)
	equal(w, "newest first", all[0].Address, "cleo"+address)
	last := all[1]
	same(w, "the page after", find(store.RoundQuery{After: store.RoundKey{Ended: last.Ended, Mailbox: last.Mailbox, Number: last.Number}}), all[2:])
	same(w, "until", find(store.RoundQuery{Until: all[0].Ended}), all[1:])
	same(w, "from", find(store.RoundQuery{From: all[0].Ended}), all[:1])
	hours := w.survey().Hours
	equal(w, "hours", len(hours), store.HoursSurveyed)
	equal(w, "in this hour", hours[len(hours)-1].Rounds, len(find(store.RoundQuery{From: hours[len(hours)-1].Begins})))
	equal(w, "refused", len(find(store.RoundQuery{Refused: true})), hours[len(hours)-1].Refused)
}

func bothFaces(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	f, err := w.s.Faces(w.ctx, ann.ID, w.explained(ann, "c1"))
	w.ok(err)
	equal(w, "in the crm", f.CRM.Text("full_name"), "Ann Second")
	equal(w, "differs from the mailbox", f.Mail.Text("full_name") != "Ann Second", true)
	equal(w, "base", f.CRMBase.Text("full_name"), f.Mail.Text("full_name"))
}

func noFaceOfPrivate(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	x := w.explained(ann, "c1")
	x.Private = true
	f, err := w.s.Faces(w.ctx, ann.ID, x)
	w.ok(err)
	same(w, "faces", f, store.Faces{})
}

func asking(w *world) {
	ann := w.mailbox("ann")
	w.mailbox("ben")
	equal(w, "asking", w.survey().Asking, 0)
	w.twins(ann)
	equal(w, "asking", w.survey().Asking, 1)
	same(w, "who", addresses(w.find(store.MailboxQuery{Asking: true})), []string{"ann" + address})
}

func heldOnes(w *world) {
	ann := w.mailbox("ann")
	w.mailbox("ben")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	w.plan(ann, store.PlanHeld, updateMail)
	equal(w, "held", w.survey().Held, 1)
	p := w.find(store.MailboxQuery{Held: true})
	same(w, "who", addresses(p), []string{"ann" + address})
	equal(w, "marked", p.Rows[0].Held, true)
}
