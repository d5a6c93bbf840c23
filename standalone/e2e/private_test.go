package e2e

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// marker is what a private appointment says and nobody but its owner may read.
const marker = "zanzibar-quartz"

// affair is an appointment that says the marker in its title, description,
// place, attendee, and in a property that nobody knows.
func affair(uid, class string, days int) string {
	start, _ := future(days, 9)
	end, _ := future(days, 10)
	return fmt.Sprintf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//test//EN\nBEGIN:VEVENT\nUID:%s\nDTSTAMP:20260101T000000Z\nDTSTART:%s\nDTEND:%s\n"+
		"SUMMARY:%[4]s title\nDESCRIPTION:%[4]s description\nLOCATION:%[4]s place\nX-AFFAIR:%[4]s\n"+
		"ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:ann@harbor.example\nATTENDEE;CN=%[4]s guest;SCHEDULE-AGENT=CLIENT:mailto:guest@example.net\n"+
		"CLASS:%[5]s\nEND:VEVENT\nEND:VCALENDAR", uid, start, end, marker, class)
}

// logbook is what the worker logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) says(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(text))
}

// whereIs lists the columns of a database in which a text stands.
func whereIs(t *testing.T, driver, dsn, text string) []string {
	t.Helper()
	db := sqlx.MustConnect(driver, dsn)
	defer db.Close()
	columns := `SELECT m.name AS "table", c.name AS "column", c.type AS "type" FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	if driver == "postgres" {
		columns = `SELECT table_name AS "table", column_name AS "column", data_type AS "type" FROM information_schema.columns WHERE table_schema = 'public'`
	}
	var all []struct{ Table, Column, Type string }
	if err := db.SelectContext(t.Context(), &all, columns); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range all {
		value := `CAST("` + c.Column + `" AS TEXT)`
		if c.Type == "bytea" {
			value = `encode("` + c.Column + `", 'escape')`
		}
		var n int
		if err := db.GetContext(t.Context(), &n, `SELECT COUNT(*) FROM "`+c.Table+`" WHERE `+value+` LIKE '%`+text+`%'`); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			out = append(out, c.Table+"."+c.Column)
		}
	}
	return out
}

// wantSecret wants the marker to be in ann's mailbox and nowhere else: not in
// the CRM, not in our database, not in the files of ours and of Temporal's, not
// in what was logged and not in what people are shown.
func (h *house) wantSecret(logs *logbook) {
	h.t.Helper()
	if n := h.count(`SELECT COUNT(*) FROM appointment WHERE title LIKE $1 OR description LIKE $1 OR location LIKE $1`, "%"+marker+"%"); n != 0 {
		h.t.Errorf("the CRM has %d records that say it", n)
	}
	if left := whereIs(h.t, h.base.Driver, h.base.DSN, marker); len(left) > 0 {
		h.t.Errorf("our database says it in %v", left)
	}
	files := []string{h.history, h.history + "-wal"}
	if h.base.Driver == "sqlite" {
		db := sqlx.MustConnect("sqlite", h.base.DSN)
		if _, err := db.ExecContext(h.t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
			h.t.Fatal(err)
		}
		db.Close()
		files = append(files, h.base.DSN, h.base.DSN+"-wal")
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			h.t.Fatal(err)
		}
		if bytes.Contains(b, []byte(marker)) {
			h.t.Errorf("%s says it", path)
		}
	}
	if logs.says(marker) {
		h.t.Error("it was logged")
	}
	h.wantShownNowhere()
}

// wantShownNowhere asks for everything that people can be shown of ann's
// mailbox.
func (h *house) wantShownNowhere() {
	h.t.Helper()
	m, err := h.store.MailboxNamed(h.t.Context(), "ann@harbor.example")
	if err != nil {
		h.t.Fatal(err)
	}
	var shown []any
	show := func(v any, err error) {
		if err != nil {
			h.t.Fatal(err)
		}
		shown = append(shown, v)
	}
	show(h.store.Issues(h.t.Context(), m.ID))
	show(h.store.Rounds(h.t.Context(), m.ID, 100))
	show(h.store.Progress(h.t.Context(), m.ID))
	p, err := h.store.Plan(h.t.Context(), m.ID)
	show(p, err)
	show(h.store.PlanWrites(h.t.Context(), p.ID, -1, 1000))
	found, err := h.store.Explain(h.t.Context(), m.ID, "uid-affair")
	show(found, err)
	if len(found) == 0 || !strings.HasPrefix(found[0].Reason, "private: ") {
		h.t.Errorf("it is explained as %+v", found)
	}
	if strings.Contains(fmt.Sprintf("%+v", shown), marker) {
		h.t.Errorf("people are shown it: %+v", shown)
	}
}

// B16: a private appointment, and one that turns private after it was synced,
// leaves nothing behind: the CRM has a block of time, or nothing.
func TestAPrivateAppointmentIsNowhereElse(t *testing.T) {
	for _, private := range []string{model.PrivateSkip, model.PrivateBusy} {
		t.Run(private, func(t *testing.T) {
			everywhere(t, func(t *testing.T, h *house) {
				logs := &logbook{}
				h.logs = logs
				h.policy.Private = private
				if err := h.store.SavePolicy(t.Context(), h.policy); err != nil {
					t.Fatal(err)
				}
				blocks := map[string]int{model.PrivateSkip: 0, model.PrivateBusy: 2}[private]
				calendar := h.mail.Calendar("ann")
				h.put("ann", calendar+"always.ics", affair("uid-always", "PRIVATE", 3))
				h.put("ann", calendar+"affair.ics", affair("uid-affair", "PUBLIC", 4))
				h.open()
				h.synced()
				if n := h.count(`SELECT COUNT(*) FROM appointment WHERE title = $1 AND location = $2`, marker+" title", marker+" place"); n != 1 {
					t.Fatalf("%d records of the appointment that is public so far", n)
				}
				h.put("ann", calendar+"affair.ics", affair("uid-affair", "CONFIDENTIAL", 4))
				h.eventually("what turned private is withdrawn", func() bool {
					return h.count(`SELECT COUNT(*) FROM appointment WHERE title = $1`, marker+" title") == 0 &&
						h.count(`SELECT COUNT(*) FROM appointment WHERE title = 'Busy'`) == blocks
				})
				h.quiet()
				if n := h.count(`SELECT COUNT(*) FROM appointment`); n != blocks {
					t.Errorf("the CRM has %d records, want %d", n, blocks)
				}
				if _, body := h.find("ann", calendar, "uid-affair"); !strings.Contains(body, "X-AFFAIR:"+marker) || !strings.Contains(body, "CLASS:CONFIDENTIAL") {
					t.Errorf("the appointment in the mailbox: %s", body)
				}
				h.show("ann")
				h.wantSecret(logs)
			})
		})
	}
}

// show has a dry run made, as `plan show` does.
func (h *house) show(user string) {
	h.t.Helper()
	m, err := h.store.MailboxNamed(h.t.Context(), user+"@harbor.example")
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := h.store.AddRequest(h.t.Context(), store.Request{Mailbox: m.ID, Verb: activities.VerbShow, By: "test", At: m.Created})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.waker.Request(h.t.Context(), r); err != nil {
		h.t.Fatal(err)
	}
	h.eventually("the dry run is done", func() bool {
		r, err = h.store.Request(h.t.Context(), r.ID)
		return err == nil && r.Outcome != store.RequestOpen
	})
}
