package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"lockstep.dev/activities"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// shownWrites, shownRounds and shownIssues are how many of each a mailbox's page
// shows; each has a page of its own for the rest.
const (
	shownWrites = 20
	shownRounds = 8
	shownIssues = 8
)

type mailboxBody struct {
	model.Mailbox
	CRM, Mail   model.Connection
	Alerts      []alertView
	Progress    []store.Progress
	Collections []sideCollections
	Rounds      []roundView
	Plan        store.PlanRow
	Writes      []writeCount
	Waiting     bool
	Held        []planned
	HeldMore    bool
	Issues      []issueView
	IssueTotal  int
	Requests    []store.Request
	Questions   []store.Question
	Conflicts   []conflictView // nobody has decided
	Kept        []conflictView // the policy has
	Content     bool
}

// sideCollections are the collections of one side.
type sideCollections struct {
	Side model.Side
	List []store.Collection
}

// writeCount counts the writes of one kind to one side.
type writeCount struct {
	Side                   model.Side
	Kind                   model.Kind
	Create, Update, Delete int
}

// roundView is a round with its writes counted.
type roundView struct {
	store.FoundRound
	Writes []writeCount
}

// planned is a planned write as a page shows it.
type planned struct {
	store.Planned
	Title string
}

// alertView is a sync error with what the catalogue says about it.
type alertView struct {
	store.Alert
	Entry   issue.Entry
	Acts    string
	Whose   string // address of the mailbox, or name of the connection
	Mailbox model.MailboxID
}

func alertOf(a store.Alert, whose string) alertView {
	e, _ := issue.Lookup(a.Code)
	return alertView{Alert: a, Entry: e, Acts: issue.People(e.Who()), Whose: whose, Mailbox: a.Mailbox}
}

// mailboxAt is the mailbox that an address names. One that is not the user's
// own is not there.
func (d *Dashboard) mailboxAt(ctx context.Context, who Account, name string) (model.Mailbox, error) {
	m, err := d.Store.MailboxNamed(ctx, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && !who.own(m.ID) {
		return m, failed(http.StatusNotFound, "not-found", "There is no such mailbox.")
	}
	m.Secret = ""
	return m, err
}

func (d *Dashboard) mailbox(w http.ResponseWriter, r *http.Request, who Account) {
	m, err := d.mailboxAt(r.Context(), who, r.PathValue("mailbox"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := mailboxBody{Mailbox: m, Content: who.seesContent()}
	for _, part := range []func(context.Context, *mailboxBody) error{d.place, d.progress, d.plan, d.trouble} {
		if err := part(r.Context(), &b); err != nil {
			d.fail(w, r, err)
			return
		}
	}
	d.show(w, r, http.StatusOK, "mailbox", page{Title: m.Address, Live: true, Who: who, Body: b})
}

// place fills in where the mailbox stands between its two systems.
func (d *Dashboard) place(ctx context.Context, b *mailboxBody) error {
	var err error
	if b.CRM, err = d.Store.Connection(ctx, b.Mailbox.CRM); err != nil {
		return err
	}
	if b.Mail, err = d.Store.Connection(ctx, b.Mailbox.Mail); err != nil {
		return err
	}
	b.CRM.Secret, b.Mail.Secret = "", ""
	mine, err := d.Store.Collections(ctx, b.Mail.ID, b.ID)
	if err != nil {
		return err
	}
	shared, err := d.Store.Collections(ctx, b.CRM.ID, "")
	b.Collections = []sideCollections{{model.CRM, shared}, {model.Mail, mine}}
	return err
}

func (d *Dashboard) progress(ctx context.Context, b *mailboxBody) error {
	var err error
	if b.Progress, err = d.Store.Progress(ctx, b.ID); err != nil {
		return err
	}
	rounds, err := d.Store.FindRounds(ctx, store.RoundQuery{Mailbox: b.ID, Limit: shownRounds})
	b.Rounds = roundsOf(rounds)
	if err != nil {
		return err
	}
	b.Requests, err = d.Store.OpenRequests(ctx, b.ID)
	return err
}

func roundsOf(list []store.FoundRound) []roundView {
	var out []roundView
	for _, r := range list {
		out = append(out, roundView{r, writesOf(r.Counts.Sides)})
	}
	return out
}

// writesOf lists counts in a fixed order; what is nothing is left out.
func writesOf(sides map[model.Side]map[model.Kind]map[model.Action]int) []writeCount {
	var out []writeCount
	for _, side := range []model.Side{model.CRM, model.Mail} {
		for _, kind := range model.Kinds() {
			n := sides[side][kind]
			if n[model.Create]+n[model.Update]+n[model.Delete] > 0 {
				out = append(out, writeCount{side, kind, n[model.Create], n[model.Update], n[model.Delete]})
			}
		}
	}
	return out
}

// plan fills in the newest plan and, where it waits, its first writes.
func (d *Dashboard) plan(ctx context.Context, b *mailboxBody) error {
	p, err := d.Store.Plan(ctx, b.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	b.Plan, b.Writes, b.Waiting = p, writesOf(p.Counts.Sides), p.State == store.PlanHeld || p.Counts.Held > 0
	if !b.Waiting {
		return nil
	}
	b.Held, b.HeldMore, err = d.waiting(ctx, p, -1, shownWrites, b.Content)
	return err
}

// waiting lists writes of a plan that wait, from a number on.
func (d *Dashboard) waiting(ctx context.Context, p store.PlanRow, after, limit int, content bool) (list []planned, more bool, err error) {
	for {
		rows, err := d.Store.PlanWrites(ctx, p.ID, after, 200)
		if err != nil || len(rows) == 0 {
			return list, false, err
		}
		for _, w := range rows {
			after = w.Number
			if !activities.Waits(p, w) {
				continue
			}
			if len(list) == limit {
				return list, true, nil
			}
			list = append(list, planned{w, titleOf(w, content)})
		}
	}
}

// titleOf is what a write's item is called, for those who may know.
func titleOf(w store.Planned, content bool) string {
	switch {
	case !content:
		return ""
	case model.Private(w.Op.Content):
		return "(private)"
	case w.Kind == model.Contact:
		return w.Op.Content.Text("full_name")
	default:
		return w.Op.Content.Text("title")
	}
}

// trouble fills in what is wrong with the mailbox and what it asks.
func (d *Dashboard) trouble(ctx context.Context, b *mailboxBody) error {
	own, err := d.Store.Alerts(ctx, store.AlertFilter{Mailbox: b.ID})
	if err != nil {
		return err
	}
	for _, a := range own {
		b.Alerts = append(b.Alerts, alertOf(a, b.Address))
	}
	for _, c := range []model.Connection{b.CRM, b.Mail} {
		wide, err := d.Store.Alerts(ctx, store.AlertFilter{Connection: c.ID})
		if err != nil {
			return err
		}
		for _, a := range wide {
			b.Alerts = append(b.Alerts, alertOf(a, c.Name))
		}
	}
	f := store.IssueFilter{Mailbox: b.ID}
	if b.IssueTotal, err = d.Store.CountIssues(ctx, f); err != nil {
		return err
	}
	f.Limit = shownIssues
	rows, err := d.Store.FindIssues(ctx, f)
	if err != nil {
		return err
	}
	b.Issues = issuesOf(rows, map[model.MailboxID]string{b.ID: b.Address})
	if b.Questions, err = d.Store.Questions(ctx, b.ID); err != nil {
		return err
	}
	conflicts, err := d.Store.Conflicts(ctx, b.ID)
	conflicts = slices.DeleteFunc(conflicts, func(c store.ConflictRow) bool { return c.Resolution != "" })
	for _, c := range conflictsOf(conflicts, b.Address, b.Content) {
		if c.Winner == "" {
			b.Conflicts = append(b.Conflicts, c)
		} else {
			b.Kept = append(b.Kept, c)
		}
	}
	return err
}

type planBody struct {
	model.Mailbox
	Plan    store.PlanRow
	Writes  []writeCount
	Held    []planned
	Next    int
	Waiting bool
	Content bool
}

// planPage lists what of a plan waits for approval, page by page.
func (d *Dashboard) planPage(w http.ResponseWriter, r *http.Request, who Account) {
	m, err := d.mailboxAt(r.Context(), who, r.PathValue("mailbox"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p, err := d.Store.Plan(r.Context(), m.ID)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	after, err := intOf(r.URL.Query().Get("after"), -1)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := planBody{Mailbox: m, Plan: p, Writes: writesOf(p.Counts.Sides), Waiting: p.State == store.PlanHeld || p.Counts.Held > 0, Content: who.seesContent()}
	var more bool
	if b.Waiting {
		if b.Held, more, err = d.waiting(r.Context(), p, after, 100, b.Content); err != nil {
			d.fail(w, r, err)
			return
		}
	}
	if more {
		b.Next = b.Held[len(b.Held)-1].Number
	}
	d.show(w, r, http.StatusOK, "plan", page{Title: "Plan of " + m.Address, Who: who, Body: b})
}
