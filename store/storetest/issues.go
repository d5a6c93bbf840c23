package storetest

import (
	"fmt"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func issueStories() map[string]func(*world) {
	return map[string]func(*world){
		"an issue is retried, then needs somebody, then is resolved": anIssuesLife,
		"a person retries issues by id, by code and by mailbox":      aPersonRetries,
		"an ignored issue stays closed until a person retries it":    aPersonIgnores,
		"a closed collection is an issue until it is read again":     aClosedCollectionIsAnIssue,
		"what the plan found is not closed by a write":               thePlansIssueStays,
	}
}

// refusing answers every write with a refusal that is tried again.
func (w *world) refusing(code string, tries int) func(store.Planned) store.Result {
	return func(store.Planned) store.Result {
		return store.Result{
			Receipt: model.Receipt{Outcome: model.Refused}, Code: code, Message: "It is locked.", Evidence: "HTTP 423",
			Needs: store.IssueNeedsUser, Recheck: w.now.Add(5 * time.Minute), Tries: tries,
		}
	}
}

func (w *world) issues(f store.IssueFilter) []store.IssueRow {
	w.Helper()
	rows, err := w.s.FindIssues(w.ctx, f)
	w.ok(err)
	return rows
}

// refused is a mailbox with one update that the mail side refused.
func (w *world) refused(name, code string, tries int) model.Mailbox {
	w.Helper()
	m := w.mailbox(name)
	w.linked(m, "c-"+name, name)
	w.arrive("", w.shared(contact("c-"+name, name+" second"), name))
	w.apply(m, w.plan(m, store.PlanReady, updateMail), w.refusing(code, tries))
	return m
}

// B10: new, retrying, needs user, resolved.
func anIssuesLife(w *world) {
	ann := w.refused("ann", "dav.423", 3)
	for _, state := range []store.IssueState{store.IssueNew, store.IssueRetrying, store.IssueNeedsUser} {
		i := w.issues(store.IssueFilter{})
		equal(w, "issues", len(i), 1)
		equal(w, "state", i[0].State, state)
		equal(w, "evidence", i[0].Evidence, "HTTP 423")
		equal(w, "mailbox", i[0].Mailbox, ann.ID)
		w.now = w.now.Add(time.Hour)
		equal(w, "tried again", w.due(ann).Fresh, state != store.IssueNeedsUser)
		if state != store.IssueNeedsUser {
			w.pairs(ann)
			id := w.plan(ann, store.PlanReady, updateMail)
			equal(w, "open while it is tried again", len(w.issues(store.IssueFilter{})), 1)
			w.apply(ann, id, w.refusing("dav.423", 3))
		}
	}
	before := w.issues(store.IssueFilter{})[0]
	equal(w, "times", before.Count, 3)
	w.arrive("", w.shared(contact("c-ann", "Ann Third"), "ann"))
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	equal(w, "open", len(w.issues(store.IssueFilter{})), 0)
	after := w.issues(store.IssueFilter{ID: before.ID, Closed: true})[0]
	equal(w, "state", after.State, store.IssueResolved)
	equal(w, "closed", after.Closed.IsZero(), false)
	w.arrive("", w.shared(contact("c-ann", "Ann Fourth"), "ann"))
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), w.refusing("dav.423", 3))
	again := w.issues(store.IssueFilter{})[0]
	equal(w, "state", again.State, store.IssueNew)
	equal(w, "times", again.Count, 1)
	equal(w, "id", again.ID, before.ID)
}

func aPersonRetries(w *world) {
	ann, bob := w.refused("ann", "dav.400", 1), w.refused("bob", "dav.413", 1)
	equal(w, "anything to do", w.due(ann).Fresh || w.due(bob).Fresh, false)
	equal(w, "of one code", len(w.issues(store.IssueFilter{Code: "dav.413"})), 1)
	equal(w, "of one kind", len(w.issues(store.IssueFilter{Kind: model.Event})), 0)
	equal(w, "of one side", len(w.issues(store.IssueFilter{Side: model.Mail, State: store.IssueNeedsUser})), 2)
	retry := func(f store.IssueFilter, want ...model.MailboxID) {
		w.Helper()
		n, woken, err := w.s.RetryIssues(w.ctx, f)
		w.ok(err)
		equal(w, "retried", n, len(want))
		same(w, "woken", append([]model.MailboxID{}, woken...), append([]model.MailboxID{}, want...))
	}
	retry(store.IssueFilter{Code: "dav.413"}, bob.ID)
	equal(w, "anything to do for ann", w.due(ann).Fresh, false)
	equal(w, "anything to do for bob", w.due(bob).Fresh, true)
	equal(w, "state", w.issues(store.IssueFilter{Mailbox: bob.ID})[0].State, store.IssueRetrying)
	retry(store.IssueFilter{ID: w.issues(store.IssueFilter{Mailbox: ann.ID})[0].ID}, ann.ID)
	equal(w, "anything to do for ann", w.due(ann).Fresh, true)
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), done)
	equal(w, "open", len(w.issues(store.IssueFilter{Mailbox: ann.ID})), 0)
	retry(store.IssueFilter{Mailbox: ann.ID}) // nothing is open any more
}

func aPersonIgnores(w *world) {
	ann := w.refused("ann", "dav.400", 1)
	n, err := w.s.IgnoreIssues(w.ctx, store.IssueFilter{Mailbox: ann.ID}, w.now)
	w.ok(err)
	equal(w, "ignored", n, 1)
	equal(w, "open", len(w.issues(store.IssueFilter{})), 0)
	same(w, "due", w.due(ann), store.Due{})
	w.arrive("", w.shared(contact("c-ann", "Ann Third"), "ann"))
	w.apply(ann, w.plan(ann, store.PlanReady, updateMail), w.refusing("dav.400", 1))
	equal(w, "open after it was refused again", len(w.issues(store.IssueFilter{})), 0)
	equal(w, "state", w.issues(store.IssueFilter{Closed: true})[0].State, store.IssueIgnored)
	n, woken, err := w.s.RetryIssues(w.ctx, store.IssueFilter{Mailbox: ann.ID})
	w.ok(err)
	equal(w, "retried", n, 1)
	equal(w, "woken", len(woken), 1)
	equal(w, "open", len(w.issues(store.IssueFilter{State: store.IssueRetrying})), 1)
}

// What an item cannot do at all is no trouble of the write that the rest of it
// needs.
func thePlansIssueStays(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.arrive("", w.shared(contact("c1", "Ann Second"), "ann"))
	w.apply(ann, w.plan(ann, store.PlanReady, func(p store.Pair) plan.Plan {
		out := updateMail(p)
		out.Issues = []plan.Issue{{Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Item: "m-c1", Code: "mail.read-only", Message: "It takes no writes.", Needs: "needs user"}}
		return out
	}), done)
	i := w.issues(store.IssueFilter{})
	equal(w, "issues", len(i), 1)
	equal(w, "state", i[0].State, store.IssueNeedsUser)
}

// A closed collection is an issue until it is read again, or is closed for
// another reason; what else is open stays.
func aClosedCollectionIsAnIssue(w *world) {
	ann := w.mailbox("ann")
	book := model.Collection{ID: people, Kind: model.Contact}
	closed := func(code string) store.CollectionNews {
		return store.CollectionNews{Now: w.tick(), Closed: []store.ClosedCollection{
			{Collection: book, Code: code, Message: "It is closed.", Evidence: "HTTP 403", State: store.IssueNeedsAdmin},
		}}
	}
	open := func(want ...string) {
		w.Helper()
		rows, err := w.s.FindIssues(w.ctx, store.IssueFilter{Mailbox: ann.ID})
		w.ok(err)
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %s %d", r.Item, r.Code, r.Count))
		}
		same(w, "open issues", got, want)
	}
	w.ok(w.s.NoteCollections(w.ctx, ann.ID, store.CollectionNews{Now: w.tick(), Read: []model.Collection{book}}))
	open()
	w.ok(w.s.NoteCollections(w.ctx, ann.ID, closed("dav.403")))
	w.ok(w.s.NoteCollections(w.ctx, ann.ID, closed("dav.403")))
	open(people + " dav.403 2")
	w.ok(w.s.NoteCollections(w.ctx, ann.ID, closed("dav.405")))
	open(people + " dav.405 1")
	w.ok(w.s.NoteCollections(w.ctx, ann.ID, store.CollectionNews{Now: w.tick(), Read: []model.Collection{{ID: diary, Kind: model.Event}}}))
	open(people + " dav.405 1")
	w.ok(w.s.NoteCollections(w.ctx, ann.ID, store.CollectionNews{Now: w.tick(), Read: []model.Collection{book}}))
	open()
}
