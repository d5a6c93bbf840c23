package sqlstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
	"lockstep.dev/store/sqlstore"
)

func storePlan(m model.Mailbox, at time.Time) store.PlanRow {
	return store.PlanRow{Mailbox: m.ID, State: store.PlanOpen, At: at}
}

func shown(m model.Mailbox, id string) store.PlanRow {
	return store.PlanRow{ID: id, Mailbox: m.ID, State: store.PlanShown}
}

// two opens a second handle on the same database, as the command line does
// beside the running program.
func two(t *testing.T, c sqlstore.Config) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, db) })
	return db
}

func TestTwoProgramsWriteToOneDatabase(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		w := newTown(t, db)
		m := w.mailbox("ann")
		var wg sync.WaitGroup
		const times = 25
		for _, s := range []*sqlstore.DB{db, two(t, c)} {
			for range 2 {
				wg.Go(func() {
					for range times {
						if _, err := s.Advance(t.Context(), m.ID, 0); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
		}
		wg.Wait()
		got, err := db.Mailbox(t.Context(), m.ID)
		w.ok(err)
		if got.Generation != 4*times {
			t.Errorf("generation is %d, want %d: a step was lost", got.Generation, 4*times)
		}
	})
}

// Decision 4: however many ask at once, one creates.
func TestOneOfManyClaims(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		w := newTown(t, db)
		const people, things = 6, 20
		answers := make([][]store.Claim, people)
		var boxes []model.Mailbox
		for i := range people {
			boxes = append(boxes, w.mailbox(fmt.Sprintf("p%d", i)))
			w.invited(boxes[i].ID, things)
		}
		var wg sync.WaitGroup
		for i, m := range boxes {
			wg.Go(func() {
				var ask []store.Claim
				for n := range things {
					ask = append(ask, store.Claim{Kind: model.Event, Global: fmt.Sprintf("uid:%d", n), Entity: plan.MailEntity(m.ID, model.Event, fmt.Sprint(n))})
				}
				var err error
				if answers[i], err = db.Claim(t.Context(), w.crm.ID, m.ID, ask); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for n := range things {
			for i := range answers {
				if answers[i] == nil || answers[i][n].Winner != answers[0][n].Winner || answers[i][n].Entity != answers[0][n].Entity {
					t.Fatalf("thing %d: %v and %v both win", n, answers[0][n], answers[i][n])
				}
			}
		}
	})
}

// A mailbox registered while the feed writes misses nothing: either the feed
// sees the mailbox or the mailbox sees what the feed wrote.
func TestRegisteringBesideTheFeedMissesNothing(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		w := newTown(t, db)
		const people = 8
		var boxes [people]model.Mailbox
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range people {
				m, err := db.Register(t.Context(), model.Mailbox{Address: fmt.Sprintf("p%d@ex.org", i), CRM: w.crm.ID, CRMUser: fmt.Sprintf("p%d", i), Mail: w.mail.ID})
				if err != nil {
					t.Error(err)
				}
				boxes[i] = m
			}
		})
		wg.Go(func() {
			for n := range 12 { // one item at a time, seen by all
				it := card(n, 1)
				it.Access = nil
				for i := range people {
					it.Access = append(it.Access, model.Access{User: fmt.Sprintf("p%d", i), Role: model.Participant})
				}
				if err := feed(t, w, it); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		// Content that nobody could see is brought by the full pass that Register asked for.
		for n := range 12 {
			it := card(n, 1)
			for i := range people {
				it.Access = append(it.Access[:min(i, len(it.Access))], model.Access{User: fmt.Sprintf("p%d", i), Role: model.Participant})
			}
			w.ok(feed(t, w, it))
		}
		for i, m := range boxes {
			pairs, err := db.Pairs(t.Context(), m.ID, "", 100)
			w.ok(err)
			if len(pairs) != 12 {
				t.Errorf("mailbox %d has %d of 12 items", i, len(pairs))
			}
		}
	})
}

// feed commits one CRM item, again if Register moved the cursor meanwhile.
func feed(t *testing.T, w *town, it model.Item) error {
	for {
		all, err := w.db.Collections(t.Context(), w.crm.ID, "")
		if err != nil {
			return err
		}
		at := time.Now()
		_, err = w.db.SavePage(t.Context(), store.PageIn{
			Connection: w.crm.ID, Collection: all[0], Items: []model.Item{it}, Cursor: model.Cursor(it.Ref.ID), ReadAt: at, Now: at, Last: true,
		})
		if !errors.Is(err, store.ErrStale) {
			return err
		}
	}
}

// Many mailboxes commit at once into one CRM; nobody's routing is lost.
func TestManyMailboxesCommitAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		w := newTown(t, db)
		const people = 6
		var boxes []model.Mailbox
		for i := range people {
			boxes = append(boxes, w.mailbox(fmt.Sprintf("p%d", i)))
		}
		var wg sync.WaitGroup
		for i, m := range boxes {
			wg.Go(func() {
				if err := publish(t, w, m, i, people); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i, m := range boxes {
			s, err := db.Strangers(t.Context(), m.ID, "", 100)
			w.ok(err)
			if len(s) != people-1 {
				t.Errorf("mailbox %d sees %d records of others, want %d", i, len(s), people-1)
			}
		}
	})
}

// publish creates one CRM record from a mailbox, shared with everybody.
func publish(t *testing.T, w *town, m model.Mailbox, i, people int) error {
	ctx := t.Context()
	now := time.Now()
	if _, err := w.db.Lease(ctx, m.ID, "t", now, now.Add(time.Minute)); err != nil {
		return err
	}
	e := plan.MailEntity(m.ID, model.Contact, "own")
	it := card(i, 1)
	op := plan.Write{Entity: e, Kind: model.Contact, Side: model.CRM, Final: true, Op: model.Operation{
		Action: model.Create, Key: plan.CRMKey(e, 0), Content: it.Content, Actor: m.CRMUser, Ref: model.Ref{Side: model.CRM, Kind: model.Contact},
	}}
	id, err := w.db.BeginPlan(ctx, storePlan(m, now))
	if err != nil {
		return err
	}
	if err := w.db.SaveChunk(ctx, m.ID, id, store.Chunk{Plan: plan.Plan{Writes: []plan.Write{op}}, Commit: true, Now: now}); err != nil {
		return err
	}
	if err := w.db.SealPlan(ctx, store.PlanRow{ID: id, Mailbox: m.ID, State: store.PlanReady}); err != nil {
		return err
	}
	writes, err := w.db.Writes(ctx, id, model.CRM, -1, 10)
	if err != nil {
		return err
	}
	if _, err := w.db.Begin(ctx, m.ID, "t", id, writes, 1, now); err != nil {
		return err
	}
	it.Access = nil
	for p := range people {
		it.Access = append(it.Access, model.Access{User: fmt.Sprintf("p%d", p), Role: model.Participant})
	}
	r := store.Result{Planned: writes[0], Receipt: model.Receipt{Outcome: model.Done, Ref: it.Ref, Item: &it}}
	woken, err := w.db.Commit(ctx, m.ID, "t", id, []store.Result{r}, now)
	if err == nil && len(woken) > people-1 {
		err = fmt.Errorf("%d mailboxes were woken by mailbox %d", len(woken), i)
	}
	return err
}
