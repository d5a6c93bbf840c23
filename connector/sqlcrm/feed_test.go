package sqlcrm_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/fault"
	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
)

// reader reads one collection as the engine does: cursor by cursor.
type reader struct {
	session    connector.Session
	collection model.Collection
	cursor     model.Cursor
}

func (p place) reader(t testing.TB, kind model.Kind) *reader {
	t.Helper()
	return &reader{session: p.session(t), collection: model.Collection{ID: string(kind), Kind: kind}}
}

// poll returns the ids that the delta tells, in its order; gone ones with a
// minus sign.
func (r *reader) poll(t testing.TB) []string {
	t.Helper()
	out, err := r.read(t)
	if err != nil {
		t.Fatalf("changes: %v", err)
	}
	return out
}

func (r *reader) read(t testing.TB) ([]string, error) {
	t.Helper()
	var out []string
	for p, err := range r.session.Changes(t.Context(), r.collection, r.cursor) {
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			out = append(out, it.Ref.ID)
		}
		for _, ref := range p.Changed {
			out = append(out, ref.ID)
		}
		for _, ref := range p.Gone {
			out = append(out, "-"+ref.ID)
		}
		r.cursor = p.Cursor
	}
	return out, nil
}

func begin(t testing.TB, p place) *sql.Tx {
	t.Helper()
	tx, err := p.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %d ids %.200v, want %d ids %.200v", what, len(got), fmt.Sprint(got), len(want), fmt.Sprint(want))
	}
}

// Two people change the CRM at the same time; the one who began first commits
// last. Neither change is missed and none is told out of order.
func TestFeedCommitsInReverseOrder(t *testing.T) {
	p := onPostgres(t).reference(t)
	r := p.reader(t, model.Contact)
	r.poll(t)
	first, second := begin(t, p), begin(t, p)
	must(t, execTx(first, "INSERT INTO contact (id, full_name) VALUES ('first', 'F')"))
	must(t, execTx(second, "INSERT INTO contact (id, full_name) VALUES ('second', 'S')"))
	must(t, second.Commit())
	equal(t, "the older transaction is under way", r.poll(t), nil)
	must(t, first.Commit())
	equal(t, "both have ended", r.poll(t), []string{"first", "second"})
	equal(t, "nothing more", r.poll(t), nil)
}

// A transaction stays open across two polls, while others write, delete and
// write again. What is told later is all of it, in order.
func TestFeedHoldsBackBehindAnOpenTransaction(t *testing.T) {
	p := onPostgres(t).reference(t)
	p.exec(t, "INSERT INTO contact (id, full_name) VALUES ('old', 'O'), ('doomed', 'D')")
	r := p.reader(t, model.Contact)
	equal(t, "first listing", r.poll(t), []string{"doomed", "old"})
	r.poll(t)
	open := begin(t, p)
	must(t, execTx(open, "UPDATE contact SET phone = '1' WHERE id = 'old'"))
	p.exec(t, "INSERT INTO contact (id, full_name) VALUES ('a', 'A')")
	equal(t, "first poll", r.poll(t), nil)
	p.exec(t, "DELETE FROM contact WHERE id = 'doomed'")
	p.exec(t, "UPDATE contact SET phone = '2' WHERE id = 'a'")
	equal(t, "second poll", r.poll(t), nil)
	must(t, open.Commit())
	got := r.poll(t)
	slices.Sort(got)
	equal(t, "after the commit", got, []string{"-doomed", "a", "old"})
	equal(t, "nothing more", r.poll(t), nil)
}

// A listing that begins while a transaction is open does not lose it.
func TestFeedListingDuringOpenTransaction(t *testing.T) {
	p := onPostgres(t).reference(t)
	open := begin(t, p)
	must(t, execTx(open, "INSERT INTO contact (id, full_name) VALUES ('late', 'L')"))
	p.exec(t, "INSERT INTO contact (id, full_name) VALUES ('early', 'E')")
	r := p.reader(t, model.Contact)
	equal(t, "listing", r.poll(t), []string{"early"})
	must(t, open.Commit())
	if got := r.poll(t); !slices.Contains(got, "late") {
		t.Errorf("after the commit: %v, want late among them", got)
	}
}

// What was rolled back is never told.
func TestFeedForgetsRollbacks(t *testing.T) {
	p := onPostgres(t).reference(t)
	r := p.reader(t, model.Task)
	r.poll(t)
	open := begin(t, p)
	must(t, execTx(open, "INSERT INTO task (id, title) VALUES ('never', 'N')"))
	must(t, open.Rollback())
	p.exec(t, "INSERT INTO task (id, title) VALUES ('real', 'R')")
	equal(t, "delta", r.poll(t), []string{"real"})
}

// Somebody else's numbers come from a sequence, and commits may come late: an
// overlap is read again, and nothing is missed.
func TestFeedForeignNumbersOverlap(t *testing.T) {
	p := onPostgres(t).foreign(t, "foreign_postgres.sql")
	p.mapDeletions(t)
	r := p.reader(t, model.Event)
	r.poll(t)
	insert := `INSERT INTO meetings (meeting_id, subject, begins, finishes) VALUES ($1, 'M', '2031-03-04 09:00Z', '2031-03-04 10:00')`
	first, second := begin(t, p), begin(t, p)
	a, b := "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
	must(t, execTx(first, insert, a))
	must(t, execTx(second, insert, b))
	must(t, second.Commit())
	equal(t, "the later number", r.poll(t), []string{b})
	must(t, first.Commit())
	if got := r.poll(t); !slices.Contains(got, a) {
		t.Errorf("the earlier number, committed late, is missed: %v", got)
	}
}

// mapDeletions gives the foreign meetings a table of deletions and maps it.
func (p place) mapDeletions(t testing.TB) {
	t.Helper()
	p.exec(t, "CREATE TABLE meetings_gone (meeting_id uuid, rev bigint)")
	text, err := os.ReadFile(p.settings.Values["mapping"])
	must(t, err)
	changed := strings.Replace(string(text), "  key: ext_key\n  uid: ical_uid\n", "  key: ext_key\n  uid: ical_uid\n  deleted: {table: meetings_gone, id: meeting_id, version: rev}\n", 1)
	path := filepath.Join(t.TempDir(), "crm.yaml")
	must(t, os.WriteFile(path, []byte(changed), 0o600))
	p.settings.Values["mapping"] = path
}

// TRUNCATE leaves no tombstones; every reader starts again.
func TestFeedTruncateListsAgain(t *testing.T) {
	p := onPostgres(t).reference(t)
	p.exec(t, "INSERT INTO task (id, title) VALUES ('one', 'O')")
	r := p.reader(t, model.Task)
	r.poll(t)
	p.exec(t, "TRUNCATE task")
	if _, err := r.read(t); !fault.Is(err, fault.CursorExpired) {
		t.Errorf("after TRUNCATE: %v, want CursorExpired", err)
	}
}

// N-10: the CRM was rolled back to a backup. Its numbers begin again below our
// cursor, and what is written now would be overlooked.
func TestFeedNoticesRestoredFile(t *testing.T) {
	p := onSQLite(t).reference(t)
	p.exec(t, "INSERT INTO contact (id, full_name) VALUES ('kept', 'K')")
	backup := filepath.Join(t.TempDir(), "backup.db")
	p.exec(t, "VACUUM INTO ?", backup)
	p.exec(t, "INSERT INTO contact (id, full_name) VALUES ('lost', 'L')")
	r := p.reader(t, model.Contact)
	r.poll(t)

	restored := place{settings: connector.Settings{Values: map[string]string{"dsn": backup}}}
	after := restored.reader(t, model.Contact)
	after.cursor = r.cursor
	if _, err := after.read(t); !fault.Is(err, fault.CursorExpired) {
		t.Errorf("after the restore: %v, want CursorExpired", err)
	}
}

// A database that was copied to another server is another database.
func TestFeedCursorOfAnotherDatabase(t *testing.T) {
	for name, on := range map[string]func(testing.TB) place{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			one, two := on(t).reference(t).reader(t, model.Contact), on(t).reference(t).reader(t, model.Contact)
			one.poll(t)
			two.cursor = one.cursor
			if _, err := two.read(t); !fault.Is(err, fault.CursorExpired) {
				t.Errorf("another database's cursor: %v, want CursorExpired", err)
			}
		})
	}
}

// Pages of a long delta come in order and can be resumed at each cursor.
func TestFeedPages(t *testing.T) {
	for name, on := range map[string]func(testing.TB) place{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			p := on(t).reference(t)
			r := p.reader(t, model.Task)
			r.poll(t)
			const n = 1200
			var want []string
			tx := begin(t, p)
			for i := range n {
				id := fmt.Sprintf("t%05d", i)
				want = append(want, id)
				must(t, execTx(tx, fmt.Sprintf("INSERT INTO task (id, title) VALUES ('%s', 'T')", id)))
			}
			must(t, tx.Commit())
			since := r.cursor
			pages := 0
			for page, err := range r.session.Changes(t.Context(), r.collection, since) {
				must(t, err)
				rest := *r
				rest.cursor = page.Cursor
				pages++
				told := min(pages*500, n)
				equal(t, fmt.Sprintf("resumed after page %d", pages), rest.poll(t), want[told:])
			}
			if pages != 3 {
				t.Errorf("%d pages for %d changes", pages, n)
			}
		})
	}
}

func execTx(tx *sql.Tx, query string, args ...any) error {
	_, err := tx.Exec(query, args...)
	return err
}

// PostgreSQL wakes the feed; an SQLite file is watched.
func TestWatch(t *testing.T) {
	for name, on := range map[string]func(testing.TB) place{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			p := on(t).reference(t)
			s := p.session(t)
			w, ok := connector.As[connector.Watcher](s)
			if !ok {
				t.Fatal("the session does not watch")
			}
			stop := make(chan struct{})
			go func() {
				// Until it is noticed: the watcher has to be listening first.
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
						_, _ = p.db.Exec(fmt.Sprintf("INSERT INTO task (title) VALUES ('T%d')", i))
					}
				}
			}()
			err := w.Watch(t.Context())
			close(stop)
			must(t, err)
		})
	}
}

// N-05: the CRM is down for a while. That is a fault which passes, and the
// same session goes on afterwards where it was.
func TestServerComesBack(t *testing.T) {
	server := peer.PostgreSQLServer(t)
	dsn := server.Database(t).DSN
	p := place{settings: connector.Settings{Values: map[string]string{"dsn": dsn}}, db: open(t, "postgres", dsn), postgres: true}
	p.reference(t)
	r := p.reader(t, model.Contact)
	r.poll(t)
	p.exec(t, "INSERT INTO contact (id, full_name) VALUES ('while', 'W')")
	server.Stop(t)
	if _, err := r.read(t); !fault.Is(err, fault.Transient) {
		t.Errorf("while it is down: %v", err)
	}
	server.Start(t)
	equal(t, "afterwards", r.poll(t), []string{"while"})
}

func TestInstallTwice(t *testing.T) {
	for name, on := range map[string]func(testing.TB) place{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			p := on(t)
			before, err := sqlcrm.Status(t.Context(), p.settings)
			if err != nil || before.Installed {
				t.Fatalf("status before: %+v, %v", before, err)
			}
			p.reference(t)
			p.exec(t, "INSERT INTO contact (id, full_name) VALUES ('kept', 'K')")
			p.reference(t)
			after, err := sqlcrm.Status(t.Context(), p.settings)
			if err != nil || !after.Installed || len(after.Kinds) != 3 || after.Kinds[0].Items != 1 || !after.Kinds[0].Delta || !after.Kinds[0].Creatable {
				t.Errorf("status after: %+v, %v", after, err)
			}
		})
	}
}
