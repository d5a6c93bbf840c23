package sqlstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
	"lockstep.dev/store/sqlstore"
)

// The targets of design part 6: 20,000 observations a second into PostgreSQL,
// 10,000 into SQLite, by page.

const benchPage = 500

func databases(b *testing.B, run func(*testing.B, *sqlstore.DB)) {
	b.Run("SQLite", func(b *testing.B) { run(b, openSQLite(b)) })
	b.Run("PostgreSQL", func(b *testing.B) { run(b, openPostgres(b)) })
}

// bench is a town with one mailbox.
type bench struct {
	*town
	*testing.B
	mailbox model.Mailbox
}

func newBench(b *testing.B, db *sqlstore.DB) *bench {
	b.Helper()
	b.Cleanup(func() { closeStore(b, db) })
	w := &bench{town: newTown(b, db), B: b}
	w.mailbox = w.town.mailbox("ann")
	return w
}

// card is a contact of about the size of a real one, unlike any other.
func card(n, version int) model.Item {
	name := fmt.Sprintf("Person %07d", n)
	c := model.Content{}
	c.PutText("full_name", name)
	c.PutText("family_name", fmt.Sprintf("Family %07d", n))
	c.PutText("organization", "Example Company Limited")
	c.PutText("notes", fmt.Sprintf("A note of some length about this person, in version %d, as people write them.", version))
	c.PutSet("emails", []model.Element{{Key: fmt.Sprintf("p%07d@ex.org", n), Text: fmt.Sprintf("P%07d@ex.org", n), Attr: map[string]string{"type": "work"}}})
	c.PutSet("phones", []model.Element{{Key: fmt.Sprintf("+4930%07d", n), Text: fmt.Sprintf("+49 30 %07d", n)}})
	raw := fmt.Sprintf("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:uid-%d\r\nFN:%s\r\nREV:%d\r\n%0512d\r\nEND:VCARD\r\n", n, name, version, n)
	return model.Item{
		Ref:     model.Ref{Kind: model.Contact, Collection: "people", ID: fmt.Sprintf("/dav/ann/people/%07d.vcf", n), Version: fmt.Sprintf("%d-%d", n, version)},
		Content: c, Raw: []byte(raw), UID: fmt.Sprintf("uid-%07d", n), Access: []model.Access{{User: "ann", Role: model.Owner}},
	}
}

func cards(from, n, version int) []model.Item {
	out := make([]model.Item, n)
	for i := range out {
		out[i] = card(from+i, version)
	}
	return out
}

// page commits items as the next page of a side.
func (w *bench) page(side model.Side, items []model.Item) {
	w.B.Helper()
	if side == model.CRM {
		w.arrive("", items...)
	} else {
		w.arrive(w.mailbox.ID, items...)
	}
}

// perSecond reports how many items went through in a second.
func (w *bench) perSecond(n int, what string) {
	w.ReportMetric(float64(n)/w.Elapsed().Seconds(), what+"/s")
}

func BenchmarkSavePage(b *testing.B) {
	for _, side := range []model.Side{model.Mail, model.CRM} {
		b.Run(string(side), func(b *testing.B) {
			databases(b, func(b *testing.B, db *sqlstore.DB) {
				w := newBench(b, db)
				items := cards(0, benchPage*b.N, 1)
				b.ResetTimer()
				for i := range b.N {
					w.page(side, items[i*benchPage:(i+1)*benchPage])
				}
				w.perSecond(benchPage*b.N, "observations")
			})
		})
	}
}

// BenchmarkSavePageTogether reads four mailboxes at once, as a worker does.
func BenchmarkSavePageTogether(b *testing.B) {
	databases(b, func(b *testing.B, db *sqlstore.DB) {
		w := newBench(b, db)
		const people = 4
		var boxes []model.MailboxID
		for i := range people {
			boxes = append(boxes, w.town.mailbox(fmt.Sprintf("p%d", i)).ID)
		}
		items := cards(0, benchPage*b.N, 1)
		b.ResetTimer()
		var wg sync.WaitGroup
		for _, m := range boxes {
			wg.Go(func() {
				own := *w.town
				for i := range b.N {
					own.arrive(m, items[i*benchPage:(i+1)*benchPage]...)
				}
			})
		}
		wg.Wait()
		w.perSecond(people*benchPage*b.N, "observations")
	})
}

// BenchmarkSavePageChanged replaces what is known by new versions.
func BenchmarkSavePageChanged(b *testing.B) {
	databases(b, func(b *testing.B, db *sqlstore.DB) {
		w := newBench(b, db)
		const known = 20
		for i := range known {
			w.page(model.Mail, cards(i*benchPage, benchPage, 0))
		}
		b.ResetTimer()
		for i := range b.N {
			b.StopTimer()
			items := cards((i%known)*benchPage, benchPage, i+1)
			b.StartTimer()
			w.page(model.Mail, items)
		}
		w.perSecond(benchPage*b.N, "observations")
	})
}

// BenchmarkPairs reads 10,000 matched pairs with all contents, by page.
func BenchmarkPairs(b *testing.B) {
	const known = 10000
	databases(b, func(b *testing.B, db *sqlstore.DB) {
		w := newBench(b, db)
		w.matched(known)
		b.ResetTimer()
		for range b.N {
			after, n := "", 0
			for {
				page, err := db.Pairs(b.Context(), w.mailbox.ID, after, 1000)
				w.ok(err)
				if len(page) == 0 {
					break
				}
				n, after = n+len(page), page[len(page)-1].Row
			}
			if n != known {
				b.Fatalf("%d pairs", n)
			}
		}
		w.perSecond(known*b.N, "pairs")
	})
}

// matched fills both sides with the same items and joins them.
func (w *bench) matched(n int) {
	w.B.Helper()
	for from := 0; from < n; from += benchPage {
		items := cards(from, benchPage, 1)
		w.page(model.Mail, items)
		w.page(model.CRM, items)
		joins := make([]plan.Join, benchPage)
		for i, it := range items {
			joins[i] = plan.Join{Entity: plan.CRMEntity(w.crm.ID, model.Contact, it.Ref.ID), Kind: model.Contact, CRM: it.Ref.ID, Mail: it.Ref.ID}
		}
		w.ok(w.db.Join(w.B.Context(), w.mailbox.ID, joins))
	}
}

// BenchmarkStrangers reads 10,000 unlinked items, by page, and their candidates.
func BenchmarkStrangers(b *testing.B) {
	const known = 10000
	databases(b, func(b *testing.B, db *sqlstore.DB) {
		w := newBench(b, db)
		for from := 0; from < known; from += benchPage {
			w.page(model.Mail, cards(from, benchPage, 1))
			w.page(model.CRM, cards(from, benchPage, 1))
		}
		b.ResetTimer()
		for range b.N {
			after, n := "", 0
			for {
				page, err := db.Strangers(b.Context(), w.mailbox.ID, after, 1000)
				w.ok(err)
				if len(page) == 0 {
					break
				}
				n, after = n+len(page), page[len(page)-1].Row
				keys := make([]string, len(page))
				for i, s := range page {
					keys[i] = s.UID
				}
				found, err := db.Candidates(b.Context(), w.mailbox.ID, plan.ByUID, keys)
				w.ok(err)
				if len(found) != 2*len(page) {
					b.Fatalf("%d candidates of %d strangers", len(found), len(page))
				}
			}
			if n != 2*known {
				b.Fatalf("%d strangers", n)
			}
		}
		w.perSecond(2*known*b.N, "strangers")
	})
}

// BenchmarkApply plans, journals and commits creates in batches of 100.
func BenchmarkApply(b *testing.B) {
	const batch, chunk = 100, 1000
	databases(b, func(b *testing.B, db *sqlstore.DB) {
		w := newBench(b, db)
		b.ResetTimer()
		for i := range b.N {
			b.StopTimer()
			for from := 0; from < chunk; from += benchPage {
				w.page(model.CRM, cards(i*chunk+from, benchPage, 1))
			}
			b.StartTimer()
			id := w.plan()
			for after := -1; ; {
				writes, err := db.Writes(b.Context(), id, model.Mail, after, batch)
				w.ok(err)
				if len(writes) == 0 {
					break
				}
				after = writes[len(writes)-1].Number
				w.commit(id, writes)
			}
			w.ok(db.FinishPlan(b.Context(), w.mailbox.ID, "t", id, store.Round{Number: int64(i)}))
		}
		w.perSecond(chunk*b.N, "writes")
	})
}

// plan plans a create in the mailbox for everything pending.
func (w *bench) plan() string {
	w.B.Helper()
	id, err := w.db.BeginPlan(w.B.Context(), store.PlanRow{Mailbox: w.mailbox.ID, At: w.now})
	w.ok(err)
	pairs, err := w.db.Pairs(w.B.Context(), w.mailbox.ID, "", 2000)
	w.ok(err)
	c := store.Chunk{Commit: true, Now: w.now}
	for _, p := range pairs {
		p.Entity = plan.CRMEntity(w.crm.ID, p.Kind, p.CRM.Ref.ID)
		c.Pairs = append(c.Pairs, p)
		c.Plan.Writes = append(c.Plan.Writes, plan.Write{
			Entity: p.Entity, Kind: p.Kind, Side: model.Mail, Final: true, OtherKey: p.CRM.Key,
			Op: model.Operation{
				Action: model.Create, Key: plan.MailKey(p.Entity, w.mailbox.ID, 0), UID: p.CRM.UID, Content: p.CRM.Content,
				Ref: model.Ref{Side: model.Mail, Kind: p.Kind, Collection: "people"},
			},
		})
	}
	w.ok(w.db.SaveChunk(w.B.Context(), w.mailbox.ID, id, c))
	w.ok(w.db.SealPlan(w.B.Context(), store.PlanRow{ID: id, Mailbox: w.mailbox.ID, State: store.PlanReady}))
	return id
}

func (w *bench) commit(id string, writes []store.Planned) {
	w.B.Helper()
	w.now = w.now.Add(time.Second)
	_, err := w.db.Lease(w.B.Context(), w.mailbox.ID, "t", w.now, w.now.Add(time.Minute))
	w.ok(err)
	_, err = w.db.Begin(w.B.Context(), w.mailbox.ID, "t", id, writes, 1, w.now)
	w.ok(err)
	results := make([]store.Result, len(writes))
	for i, p := range writes {
		it := model.Item{
			Ref:     model.Ref{Side: model.Mail, Kind: p.Kind, Collection: "people", ID: string(p.Op.Key) + ".vcf", Version: "1"},
			Content: p.Op.Content, Raw: []byte("BEGIN:VCARD " + p.Op.Key), UID: p.Op.UID, Stamp: p.Op.Key,
		}
		results[i] = store.Result{Planned: p, Receipt: model.Receipt{Outcome: model.Done, Ref: it.Ref, Item: &it}}
	}
	_, err = w.db.Commit(w.B.Context(), w.mailbox.ID, "t", id, results, w.now)
	w.ok(err)
}

// BenchmarkDue is the question of every round of every mailbox.
func BenchmarkDue(b *testing.B) {
	databases(b, func(b *testing.B, db *sqlstore.DB) {
		w := newBench(b, db)
		w.matched(10000)
		b.ResetTimer()
		for range b.N {
			_, err := db.Due(b.Context(), w.mailbox.ID, w.now)
			w.ok(err)
		}
	})
}
