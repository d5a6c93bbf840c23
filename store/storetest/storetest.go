// Package storetest holds the laws of the store contract as one suite of
// stories, which every database passes. A database's own test opens a fresh,
// migrated store and calls Run.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Run tells every story, each to a store of its own that open makes empty.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, group := range []struct {
		name    string
		stories map[string]func(*world)
	}{
		{"registry", registryStories()},
		{"logbook", logbookStories()},
		{"moving", movingStories()},
		{"snapshots", snapshotStories()},
		{"enabling", enablingStories()},
		{"requests", requestStories()},
		{"alerts", alertStories()},
		{"outages", outageStories()},
		{"notices", noticeStories()},
		{"freshness", freshnessStories()},
		{"issues", issueStories()},
		{"marks", markStories()},
		{"fetching", fetchingStories()},
		{"doubt", doubtStories()},
		{"review", reviewStories()},
		{"routing", routingStories()},
		{"matching", matchingStories()},
		{"pairs", pairStories()},
		{"plans", planStories()},
		{"undo", undoStories()},
		{"guarding", guardingStories()},
		{"leases", leaseStories()},
		{"applying", applyingStories()},
		{"absence", absenceStories()},
		{"auditing", auditStories()},
		{"restoring", restoringStories()},
		{"life", lifeStories()},
		{"reading", readingStories()},
		{"survey", surveyStories()},
		{"private", privateStories()},
	} {
		names := make([]string, 0, len(group.stories))
		for name := range group.stories {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			t.Run(group.name+"/"+name, func(t *testing.T) { group.stories[name](newWorld(t, open(t))) })
		}
	}
}

// world is a store with one CRM and one mail server, in which a story happens.
type world struct {
	*testing.T
	ctx       context.Context
	s         store.Store
	crm, mail model.Connection
	now       time.Time
	cursors   int
	number    int64 // of the round that is under way
}

const (
	people  = "people"  // the CRM's and the mailboxes' contact collection
	diary   = "diary"   // the event collection
	address = "@ex.org" // all mailboxes of a story live here
)

func newWorld(t *testing.T, s store.Store) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), s: s, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	var err error
	w.crm, err = s.SaveConnection(w.ctx, model.Connection{Name: "crm", Side: model.CRM, Connector: "sqlcrm", Every: time.Minute})
	w.ok(err)
	w.mail, err = s.SaveConnection(w.ctx, model.Connection{Name: "mail", Side: model.Mail, Connector: "dav", Secret: "s3cret"})
	w.ok(err)
	w.ok(s.SaveCollections(w.ctx, w.crm.ID, "", []model.Collection{
		{ID: people, Kind: model.Contact, Name: "People", Primary: true}, {ID: diary, Kind: model.Event, Name: "Diary", Primary: true},
	}, w.now))
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("unexpected error: %v", err)
	}
}

// begin journals creates and returns the keys that were never begun before.
func (w *world) begin(m model.MailboxID, token, planID string, creates []store.Planned, generation int64, now time.Time) []model.Key {
	w.Helper()
	first, err := w.s.Begin(w.ctx, m, token, planID, creates, generation, now)
	w.ok(err)
	return first
}

// notBegun is why creates could not be journalled.
func (w *world) notBegun(m model.MailboxID, token, planID string, creates []store.Planned, generation int64, now time.Time) error {
	_, err := w.s.Begin(w.ctx, m, token, planID, creates, generation, now)
	return err
}

func (w *world) is(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("error is %v, want %v", err, want)
	}
}

func equal[T comparable](w *world, what string, got, want T) {
	w.Helper()
	if got != want {
		w.Fatalf("%s is %v, want %v", what, got, want)
	}
}

func same[T any](w *world, what string, got, want T) {
	w.Helper()
	if g, v := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != v {
		w.Fatalf("%s is\n  %s, want\n  %s", what, g, v)
	}
}

// tick lets time pass.
func (w *world) tick() time.Time {
	w.now = w.now.Add(time.Second)
	return w.now
}

// user is the CRM user of a person.
func user(name string) string { return "user-" + name }

// mailbox registers a person's mailbox with a contact and an event collection.
func (w *world) mailbox(name string) model.Mailbox {
	w.Helper()
	m, err := w.s.Register(w.ctx, model.Mailbox{
		Address: name + address, CRM: w.crm.ID, CRMUser: user(name), Mail: w.mail.ID, Secret: "pw-" + name,
	})
	w.ok(err)
	w.ok(w.s.SaveCollections(w.ctx, w.mail.ID, m.ID, []model.Collection{
		{ID: people, Kind: model.Contact, Name: "People", Primary: true}, {ID: diary, Kind: model.Event, Name: "Diary", Primary: true},
	}, w.now))
	return m
}

func (w *world) reload(m model.Mailbox) model.Mailbox {
	w.Helper()
	m, err := w.s.Mailbox(w.ctx, m.ID)
	w.ok(err)
	return m
}

// contact is an item; its version follows from what it says, unless given.
func contact(id, name string) model.Item {
	c := model.Content{}
	c.PutText("full_name", name)
	c.PutText("family_name", name)
	c.PutSet("emails", []model.Element{{Key: id + address, Text: id + address}})
	return model.Item{
		Ref: model.Ref{Kind: model.Contact, Collection: people, ID: id, Version: "v-" + name}, Content: c, Raw: []byte("raw " + name), UID: "uid-" + id,
	}
}

func (w *world) shared(it model.Item, users ...string) model.Item {
	it.Access = nil
	for i, u := range users {
		role := model.Participant
		if i == 0 {
			role = model.Owner
		}
		it.Access = append(it.Access, model.Access{User: user(u), Role: role})
	}
	return it
}

func versioned(it model.Item, version string) model.Item {
	it.Ref.Version = version
	return it
}

// collection loads one collection of the CRM (no mailbox) or of a mailbox.
func (w *world) collection(m model.MailboxID, id string) store.Collection {
	w.Helper()
	c := w.mail.ID
	if m == "" {
		c = w.crm.ID
	}
	all, err := w.s.Collections(w.ctx, c, m)
	w.ok(err)
	for _, v := range all {
		if v.ID == id {
			return v
		}
	}
	w.Fatalf("there is no collection %s", id)
	return store.Collection{}
}

// page makes the next page of a collection; mailbox "" is the CRM.
func (w *world) page(m model.MailboxID, items ...model.Item) store.PageIn {
	w.Helper()
	w.cursors++
	in := store.PageIn{
		Connection: w.mail.ID, Mailbox: m, Collection: w.collection(m, people), Items: items,
		Cursor: model.Cursor(fmt.Sprintf("cursor-%d", w.cursors)), ReadAt: w.tick(), Now: w.tick(), Last: true,
	}
	if m == "" {
		in.Connection = w.crm.ID
	}
	return in
}

func (w *world) save(in store.PageIn) store.PageOut {
	w.Helper()
	out, err := w.s.SavePage(w.ctx, in)
	w.ok(err)
	return out
}

// arrive commits changed items.
func (w *world) arrive(m model.MailboxID, items ...model.Item) store.PageOut {
	w.Helper()
	return w.save(w.page(m, items...))
}

// vanish commits tombstones.
func (w *world) vanish(m model.MailboxID, ids ...string) store.PageOut {
	w.Helper()
	in := w.page(m)
	in.Gone = refs(ids...)
	return w.save(in)
}

func refs(ids ...string) []model.Ref {
	var out []model.Ref
	for _, id := range ids {
		out = append(out, model.Ref{Kind: model.Contact, Collection: people, ID: id})
	}
	return out
}

// pairs are what is pending for a mailbox.
func (w *world) pairs(m model.Mailbox) []store.Pair {
	w.Helper()
	out, err := w.s.Pairs(w.ctx, m.ID, "", 1000)
	w.ok(err)
	return out
}

// names lists the items of pairs as "crm=mail".
func names(pairs []store.Pair) []string {
	out := []string{}
	for _, p := range pairs {
		name := "="
		if p.CRM != nil {
			name = p.CRM.Ref.ID + name
		}
		if p.Mail != nil {
			name += p.Mail.Ref.ID
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (w *world) due(m model.Mailbox) store.Due {
	w.Helper()
	d, err := w.s.Due(w.ctx, m.ID, w.now)
	w.ok(err)
	return d
}

// plan saves and seals a plan in which decide answers every pending pair.
func (w *world) plan(m model.Mailbox, state store.PlanState, decide func(p store.Pair) plan.Plan) string {
	w.Helper()
	r := store.PlanRow{Mailbox: m.ID, Round: max(w.number, 1), State: store.PlanOpen, At: w.tick()}
	id, err := w.s.BeginPlan(w.ctx, r)
	w.ok(err)
	from := 0
	for _, p := range w.pairs(m) {
		if p.Entity == "" && p.CRM != nil {
			p.Entity = plan.CRMEntity(w.crm.ID, p.Kind, p.CRM.Ref.ID)
		} else if p.Entity == "" && p.Mail != nil {
			p.Entity = plan.MailEntity(m.ID, p.Kind, p.Mail.Ref.ID)
		}
		built := decide(p)
		w.ok(w.s.SaveChunk(w.ctx, m.ID, id, store.Chunk{Pairs: []store.Pair{p}, Plan: built, From: from, Commit: state != store.PlanShown, Now: w.tick()}))
		from += len(built.Writes)
	}
	r.ID, r.State, r.Hash = id, state, "hash"
	w.ok(w.s.SealPlan(w.ctx, r))
	return id
}

// agree answers a pair with "both sides agree" (or nothing to do).
func agree(p store.Pair) plan.Plan {
	c := plan.Change{Entity: p.Entity, Kind: p.Kind, State: plan.Linked}
	if p.CRM != nil {
		c.CRMKey = &p.CRM.Key
	}
	if p.Mail != nil {
		c.MailKey = &p.Mail.Key
	}
	if p.CRM == nil || p.Mail == nil {
		c.State = plan.Skipped
	}
	return plan.Plan{Changes: []plan.Change{c}}
}

// createMail answers a pair with a create in the mailbox.
func createMail(m model.Mailbox) func(store.Pair) plan.Plan {
	return func(p store.Pair) plan.Plan {
		return plan.Plan{Writes: []plan.Write{{
			Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Final: true, OtherKey: p.CRM.Key, Why: "new in the CRM",
			Op: model.Operation{
				Action: model.Create, Key: plan.MailKey(p.Entity, m.ID, 0), UID: p.CRM.UID, Content: p.CRM.Content,
				Ref: model.Ref{Side: model.Mail, Kind: p.Kind, Collection: people},
			},
		}}}
	}
}

// createCRM answers a pair with a create in the CRM.
func createCRM(m model.Mailbox) func(store.Pair) plan.Plan {
	return func(p store.Pair) plan.Plan {
		return plan.Plan{Writes: []plan.Write{{
			Entity: p.Entity, Kind: p.Kind, Side: model.CRM, Final: true, OtherKey: p.Mail.Key, Why: "new in the mailbox",
			Op: model.Operation{
				Action: model.Create, Key: plan.CRMKey(p.Entity, 0), UID: p.Mail.UID, Content: p.Mail.Content, Actor: m.CRMUser,
				Ref: model.Ref{Side: model.CRM, Kind: p.Kind, Collection: people},
			},
		}}}
	}
}

const token = "attempt-1"

// lease takes the mailbox's lease for a minute.
func (w *world) lease(m model.Mailbox) {
	w.Helper()
	_, err := w.s.Lease(w.ctx, m.ID, token, w.now, w.now.Add(time.Minute))
	w.ok(err)
}

// apply carries out a ready plan: answer says what the system replies.
func (w *world) apply(m model.Mailbox, planID string, answer func(store.Planned) store.Result) []model.MailboxID {
	w.Helper()
	w.lease(m)
	var woken []model.MailboxID
	for _, side := range []model.Side{model.CRM, model.Mail} {
		writes, err := w.s.Writes(w.ctx, planID, side, -1, 100)
		w.ok(err)
		var creates []store.Planned
		var results []store.Result
		for _, p := range writes {
			if p.Op.Action == model.Create {
				creates = append(creates, p)
			}
			r := answer(p)
			r.Planned = p
			results = append(results, r)
		}
		w.begin(m.ID, token, planID, creates, 1, w.tick())
		wake, err := w.s.Commit(w.ctx, m.ID, token, planID, results, w.tick())
		w.ok(err)
		woken = append(woken, wake...)
	}
	w.ok(w.s.FinishPlan(w.ctx, m.ID, token, planID, store.Round{Number: max(w.number, 1), Started: w.now, Ended: w.now, Done: 1}))
	w.ok(w.s.Release(w.ctx, m.ID, token))
	return woken
}

// done answers that a write was carried out; creates get an id from their key.
func done(p store.Planned) store.Result {
	ref := p.Op.Ref
	ref.Version = "after " + ref.Version
	if p.Op.Action == model.Create {
		ref.ID = "new-" + string(p.Op.Key)
		ref.Version = "created"
	}
	return store.Result{Receipt: model.Receipt{Outcome: model.Done, Ref: ref}}
}

// linked is a contact that both sides of a mailbox hold and agree on.
func (w *world) linked(m model.Mailbox, id string, users ...string) {
	w.Helper()
	w.arrive("", w.shared(contact(id, "Ann"), users...))
	w.arrive(m.ID, contact("m-"+id, "Ann"))
	w.ok(w.s.Join(w.ctx, m.ID, []plan.Join{{
		Entity: plan.CRMEntity(w.crm.ID, model.Contact, id), Kind: model.Contact, CRM: id, Mail: "m-" + id,
	}}))
	w.apply(m, w.plan(m, store.PlanReady, agree), done)
	same(w, "pending after agreeing", names(w.pairs(m)), []string{})
}
