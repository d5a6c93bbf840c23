package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
	"lockstep.dev/store/sqlstore"
)

// configs are a fresh database of each sort.
func configs(t *testing.T) map[string]sqlstore.Config {
	t.Helper()
	return map[string]sqlstore.Config{
		"SQLite":     {Driver: "sqlite", DSN: filepath.Join(t.TempDir(), "store.db"), Key: key()},
		"PostgreSQL": {Driver: "postgres", DSN: peer.PostgreSQL(t).DSN, Key: key()},
	}
}

// each runs a test on a fresh store of each sort.
func each(t *testing.T, f func(t *testing.T, db *sqlstore.DB, c sqlstore.Config)) {
	t.Helper()
	for name, c := range configs(t) {
		t.Run(name, func(t *testing.T) {
			db := openStore(t, c)
			defer closeStore(t, db)
			f(t, db, c)
		})
	}
}

func closeStore(t testing.TB, db *sqlstore.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// town is a CRM, a mail server and the mailboxes of its people.
type town struct {
	testing.TB
	db        *sqlstore.DB
	crm, mail model.Connection
	now       time.Time
	cursors   int
}

func newTown(t testing.TB, db *sqlstore.DB) *town {
	t.Helper()
	w := &town{TB: t, db: db, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	var err error
	w.crm, err = db.SaveConnection(t.Context(), model.Connection{Name: "crm", Side: model.CRM, Secret: "connection-secret"})
	w.ok(err)
	w.mail, err = db.SaveConnection(t.Context(), model.Connection{Name: "mail", Side: model.Mail})
	w.ok(err)
	w.ok(db.SaveCollections(t.Context(), w.crm.ID, "", []model.Collection{{ID: "people", Kind: model.Contact, Name: "People"}}, w.now))
	return w
}

func (w *town) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *town) mailbox(name string) model.Mailbox {
	w.Helper()
	m, err := w.db.Register(w.Context(), model.Mailbox{Address: name + "@ex.org", CRM: w.crm.ID, CRMUser: name, Mail: w.mail.ID, Secret: "mailbox-secret"})
	w.ok(err)
	w.ok(w.db.SaveCollections(w.Context(), w.mail.ID, m.ID, []model.Collection{{ID: "people", Kind: model.Contact, Name: "People"}}, w.now))
	return m
}

// invited gives a mailbox copies of so many meetings, whose UIDs are numbers.
func (w *town) invited(m model.MailboxID, things int) {
	w.Helper()
	diary := model.Collection{ID: "diary", Kind: model.Event, Name: "Diary"}
	w.ok(w.db.SaveCollections(w.Context(), w.mail.ID, m, []model.Collection{diary}, w.now))
	all, err := w.db.Collections(w.Context(), w.mail.ID, m)
	w.ok(err)
	in := store.PageIn{Connection: w.mail.ID, Mailbox: m, Cursor: "1", ReadAt: w.now, Now: w.now, Last: true}
	for _, c := range all {
		if c.Kind == model.Event {
			in.Collection = c
		}
	}
	for n := range things {
		it := card(n, 1)
		it.Ref.Kind, it.Ref.Collection, it.UID = model.Event, diary.ID, fmt.Sprint(n)
		in.Items = append(in.Items, it)
	}
	_, err = w.db.SavePage(w.Context(), in)
	w.ok(err)
}

// arrive commits items as the next page of a mailbox, or of the CRM ("").
func (w *town) arrive(m model.MailboxID, items ...model.Item) {
	w.Helper()
	in := store.PageIn{Connection: w.mail.ID, Mailbox: m, Items: items, Last: true}
	if m == "" {
		in.Connection = w.crm.ID
	}
	all, err := w.db.Collections(w.Context(), in.Connection, m)
	w.ok(err)
	w.cursors++
	w.now = w.now.Add(time.Second)
	in.Collection, in.Cursor, in.ReadAt, in.Now = all[0], model.Cursor(fmt.Sprint(w.cursors)), w.now, w.now
	_, err = w.db.SavePage(w.Context(), in)
	w.ok(err)
}

// live syncs one CRM record into a mailbox, with everything that leaves traces:
// a pair that agreed, a create that was done and one whose outcome is unknown,
// an edit conflict, issues, a held delete and a request.
func (w *town) live(m model.Mailbox) {
	w.Helper()
	own := func(n int) model.Item {
		it := card(n, 1)
		it.Access = []model.Access{{User: m.CRMUser, Role: model.Owner}}
		return it
	}
	both := own(1)
	w.arrive("", both, own(2), own(3), own(4))
	w.arrive(m.ID, both, card(5, 1))
	w.ok(w.db.Join(w.Context(), m.ID, []plan.Join{{
		Entity: plan.CRMEntity(w.crm.ID, model.Contact, both.Ref.ID), Kind: model.Contact, CRM: both.Ref.ID, Mail: both.Ref.ID,
	}}))
	w.ok(w.db.Join(w.Context(), m.ID, []plan.Join{{
		Entity: "review-1", Kind: model.Contact, Mail: card(5, 1).Ref.ID, State: plan.Review, Question: "same-1",
	}}))
	_, err := w.db.Claim(w.Context(), w.crm.ID, m.ID, []store.Claim{{Kind: model.Contact, Global: "uid:1", Entity: "e1"}})
	w.ok(err)
	_, err = w.db.AddRequest(w.Context(), store.Request{Mailbox: m.ID, Verb: "pause", By: "root", At: w.now})
	w.ok(err)
	w.ok(w.db.SetExpiry(w.Context(), m.ID, "", w.now.Add(time.Hour)))
	w.ok(w.db.SaveProbes(w.Context(), m.ID, []store.Probe{{Workload: model.ACT, Side: model.Mail, Step: store.ProbeReach, Verdict: store.ProbeWorks}}, w.now))
	w.ok(w.db.Enrol(w.Context(), store.Roll{Policy: "default", Source: "crm/sales/North", Tried: w.now}, []model.MailboxID{m.ID}, nil))
	report, err := w.db.BeginAudit(w.Context(), store.Audit{Connection: w.mail.ID, Mailbox: m.ID, Begun: w.now})
	w.ok(err)
	w.ok(w.db.Sight(w.Context(), report.ID, []model.Ref{both.Ref}))
	w.ok(w.db.NoteDrift(w.Context(), report.ID, []store.Drift{{Side: model.Mail, Kind: model.Contact, Item: "x", What: store.Unlike}}))
	id := w.decide(m)
	_, err = w.db.Lease(w.Context(), m.ID, "t", w.now, w.now.Add(time.Minute))
	w.ok(err)
	writes, err := w.db.Writes(w.Context(), id, model.Mail, -1, 10)
	w.ok(err)
	_, err = w.db.Begin(w.Context(), m.ID, "t", id, writes, 1, w.now)
	w.ok(err)
	var results []store.Result
	for i, p := range writes {
		r := store.Result{Planned: p, Receipt: model.Receipt{Outcome: model.Done, Ref: model.Ref{ID: string(p.Op.Key), Version: "1"}}}
		switch i {
		case 1:
			r = store.Result{Planned: p, Receipt: model.Receipt{Outcome: model.Unknown}, Again: true}
		case 2:
			r = store.Result{Planned: p, Receipt: model.Receipt{Outcome: model.Refused}, Code: "dav.403", Message: "refused"}
		}
		results = append(results, r)
	}
	_, err = w.db.Commit(w.Context(), m.ID, "t", id, results, w.now)
	w.ok(err)
	w.ok(w.db.FinishPlan(w.Context(), m.ID, "t", id, store.Round{Number: 1, Started: w.now, Ended: w.now}))
	w.ok(w.db.Release(w.Context(), m.ID, "t"))
	_, err = w.db.CountFailure(w.Context(), store.Alert{Mailbox: m.ID, Workload: model.ACT, Side: model.CRM, Phase: store.PhaseSettle, Code: "sqlcrm.busy", Message: "busy"}, w.now)
	w.ok(err)
	w.ok(w.db.SaveMarks(w.Context(), m.ID, []store.ItemMark{{Ref: model.Ref{Kind: model.Contact, ID: "m1"}, Code: "dav.403", State: store.MarkPlaced}}))
	_, err = w.db.Rule(w.Context(), w.mail, store.Ruling{Verdict: plan.Rejected, By: "root", Items: []store.Lost{{Mailbox: m.ID, Kind: model.Contact, Item: "m2"}}}, w.now)
	w.ok(err)
	r, err := w.db.AddRequest(w.Context(), store.Request{Mailbox: m.ID, Verb: "rename", By: "root", At: w.now})
	w.ok(err)
	w.ok(w.db.Move(w.Context(), []store.Move{{Mailbox: m.ID, Address: "new." + m.Address}}, r.ID, "renamed", w.now))
	w.ok(w.db.StartSnapshot(w.Context(), store.Snapshot{Mailbox: m.ID, Request: r.ID, Begun: w.now}))
	for done := false; !done; {
		done, err = w.db.FillSnapshot(w.Context(), m.ID, w.now, 2)
		w.ok(err)
	}
	// Both sides agree anew, so that there are values of the past.
	w.arrive(m.ID, card(1, 2))
	w.decide(m)
	w.arrive(m.ID, card(1, 3))
}

// decide plans creates in the mailbox for what only the CRM has.
func (w *town) decide(m model.Mailbox) string {
	w.Helper()
	id, err := w.db.BeginPlan(w.Context(), store.PlanRow{Mailbox: m.ID, At: w.now})
	w.ok(err)
	pairs, err := w.db.Pairs(w.Context(), m.ID, "", 100)
	w.ok(err)
	c := store.Chunk{Commit: true, Now: w.now}
	for _, p := range pairs {
		if p.Entity == "" && p.CRM != nil {
			p.Entity = plan.CRMEntity(w.crm.ID, p.Kind, p.CRM.Ref.ID)
		} else if p.Entity == "" {
			p.Entity = plan.MailEntity(m.ID, p.Kind, p.Mail.Ref.ID)
		}
		c.Pairs = append(c.Pairs, p)
		switch {
		case p.CRM != nil && p.Mail != nil:
			c.Plan.Changes = append(c.Plan.Changes, plan.Change{Entity: p.Entity, Kind: p.Kind, State: plan.Linked, CRMKey: &p.CRM.Key, MailKey: &p.Mail.Key})
			c.Plan.Conflicts = append(c.Plan.Conflicts, plan.EditConflict{Entity: p.Entity, Kind: p.Kind, Field: "notes", Winner: model.CRM, Loser: model.Content{"notes": {Text: "lost"}}})
		case p.Mail == nil:
			c.Plan.Writes = append(c.Plan.Writes, plan.Write{
				Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Final: true, OtherKey: p.CRM.Key,
				Op: model.Operation{
					Action: model.Create, Key: plan.MailKey(p.Entity, m.ID, 0), UID: p.CRM.UID, Content: p.CRM.Content,
					Ref: model.Ref{Side: model.Mail, Kind: p.Kind, Collection: "people"},
				},
			})
		default:
			c.Plan.Issues = append(c.Plan.Issues, plan.Issue{Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Item: p.Mail.Ref.ID, Code: "x", Message: "y"})
		}
	}
	w.ok(w.db.SaveChunk(w.Context(), m.ID, id, c))
	w.ok(w.db.SealPlan(w.Context(), store.PlanRow{ID: id, Mailbox: m.ID, State: store.PlanReady}))
	return id
}
