package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/store"
)

// clocks are the lines and columns that say when something was written; stamps
// is our own key, which an item that comes back carries anew.
var (
	clocks = regexp.MustCompile(`(?m)^(REV|DTSTAMP|LAST-MODIFIED|CREATED)[:;].*\n`)
	stamps = regexp.MustCompile(`(?m)^X-LOCKSTEP-KEY[:;].*\n( .*\n)*`)
)

// objects are what the mailbox holds, by content: an address may change.
func (h *house) objects() []string {
	h.t.Helper()
	var out []string
	for _, path := range []string{book, calendar, tasks} {
		for _, address := range h.list("ann", h.mail.URL+path) {
			_, body := h.do("ann", "GET", h.absolute(address), "")
			body = strings.ReplaceAll(body, "\r\n", "\n")
			out = append(out, stamps.ReplaceAllString(clocks.ReplaceAllString(body, ""), ""))
		}
	}
	slices.Sort(out)
	return out
}

// rows are what the CRM holds, less versions and times, and less the id and the
// key, which a record that comes back has anew.
func (h *house) rows() []string {
	h.t.Helper()
	var out []string
	for _, table := range []string{"contact", "appointment", "task"} {
		rows, err := h.crm.QueryxContext(h.t.Context(), `SELECT * FROM `+table+` ORDER BY id`)
		if err != nil {
			h.t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			row := map[string]any{}
			if err := rows.MapScan(row); err != nil {
				h.t.Fatal(err)
			}
			for _, column := range []string{"version", "updated_at", "modified_at", "created_at", "changed_at", "id", "lockstep_key"} {
				delete(row, column)
			}
			out = append(out, fmt.Sprintln(table, row)) // maps print in the order of their keys
		}
	}
	slices.Sort(out)
	return out
}

// wrote is the number of the last round that wrote something.
func (h *house) wrote() int64 {
	h.t.Helper()
	rounds, err := h.store.Rounds(h.t.Context(), h.mailboxes()[0].ID, 50)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range rounds {
		if r.Done > 0 {
			return r.Number
		}
	}
	h.t.Fatal("no round wrote anything")
	return 0
}

// B4: a run, its undo, and both sides are byte-equal to what they were before,
// except for timestamps; a second undo of the same round does nothing, and an
// undo can be undone.
func TestUndoIsByteEqual(t *testing.T) {
	h, _ := simulated(t, func(t *testing.T, db *sqlx.DB, values map[string]string) {
		if err := sqlcrm.Install(t.Context(), connector.Settings{Values: values}); err != nil {
			t.Fatal(err)
		}
		db.MustExec(`INSERT INTO crm_user (id, name, email) VALUES ('u-ann', 'ann', 'ann@harbor.example')`)
	})
	h.stored(book+"bob.vcf", card("uid-bob", "Bob Stone", "bob@example.com", "ITEM1.X-ABLABEL:odd\nNOTE:old words\n"))
	h.stored(book+"cora.vcf", card("uid-cora", "Cora Reed", "cora@example.com", ""))
	h.stored(calendar+"visit.ics", meeting("uid-visit", "Visit", "", 5))
	h.open()
	h.settled()
	m := h.mailboxes()[0]
	for _, act := range []struct {
		name string
		do   func()
	}{
		{"updates in the mailbox", func() {
			h.sql(`UPDATE contact SET job_title = 'Captain', notes = 'new words' WHERE full_name = 'Bob Stone'`)
			h.sql(`UPDATE appointment SET location = 'Quay 4'`)
		}},
		{"an update in the CRM", func() {
			h.stored(book+"bob.vcf", strings.Replace(h.bytesOf(book+"bob.vcf"), "EMAIL;", "TITLE:Skipper\nEMAIL;", 1))
		}},
		{"a create in the mailbox", func() {
			h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ('c9', 'u-ann', 'Dora New', 'New', 'dora@example.com')`)
		}},
		{"a create in the CRM", func() { h.stored(book+"emil.vcf", card("uid-emil", "Emil Fresh", "emil@example.com", "")) }},
		{"a deletion in the mailbox", func() { h.sql(`DELETE FROM contact WHERE full_name = 'Cora Reed'`) }},
		{"a deletion in the CRM", func() { h.do("ann", "DELETE", h.mail.URL+calendar+"visit.ics", "") }},
	} {
		last := h.wrote()
		if r := h.ask(m, activities.VerbPause, ""); r.Outcome != store.RequestDone {
			t.Fatal(r)
		}
		act.do()
		objects, rows := h.objects(), h.rows()
		h.ask(m, activities.VerbResume, "")
		h.eventually(act.name+": a round wrote it", func() bool { return h.wrote() > last })
		h.settled()
		wrote := h.wrote()
		later, laterRows := h.objects(), h.rows()
		undo := activities.UndoOf{Round: wrote}
		if r := h.ask(m, activities.VerbUndo, undo.Argument()); r.Outcome != store.RequestDone || !strings.HasPrefix(r.Message, fmt.Sprintf("undo of round %d:", wrote)) {
			t.Errorf("%s: %+v", act.name, r)
		}
		h.settled()
		equalLines(t, act.name+", undone, in the mailbox", h.objects(), objects)
		equalLines(t, act.name+", undone, in the CRM", h.rows(), rows)
		if r := h.ask(m, activities.VerbUndo, activities.UndoOf{Round: h.wrote()}.Argument()); r.Outcome != store.RequestDone {
			t.Errorf("%s: %+v", act.name, r)
		}
		h.settled()
		equalLines(t, act.name+", the undo undone, in the mailbox", h.objects(), later)
		equalLines(t, act.name+", the undo undone, in the CRM", h.rows(), laterRows)
	}
	h.record()
}

func equalLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
