package sqlcrm

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// emails is a set of addresses of the given types; * marks the preferred one.
func emails(types ...string) []model.Element {
	var out []model.Element
	for i, t := range types {
		e := model.Element{Key: fmt.Sprintf("%d@example.com", i), Text: fmt.Sprintf("%d@example.com", i), Attr: map[string]string{}}
		if t != "" && t[0] == '*' {
			e.Attr["preferred"], t = "1", t[1:]
		}
		if t != "" {
			e.Attr["type"] = t
		}
		out = append(out, e)
	}
	return out
}

// Columns with a fixed type take what fits; what has no room is refused, so
// that it is not lost on one side and then taken from the other.
func TestPlaceInTypedColumns(t *testing.T) {
	f := field{Columns: []slot{{Column: "mail_work", Fixed: map[string]string{"type": "work"}}, {Column: "mail_home", Fixed: map[string]string{"type": "home"}}}}
	for _, c := range []struct {
		set        []model.Element
		work, home string
		refused    bool
	}{
		{set: emails("home", "work"), work: "1@example.com", home: "0@example.com"},
		{set: emails("", "work"), work: "1@example.com", home: "0@example.com"},
		{set: emails("*work"), work: "0@example.com"},
		{set: nil},
		{set: emails("work", "work"), refused: true},
		{set: emails("other"), refused: true},
	} {
		columns := map[string]stored{}
		_, err := f.place("emails", c.set, nil, columns)
		if (err != nil) != c.refused {
			t.Errorf("%v: %v", c.set, err)
		}
		if err == nil && (deref(columns["mail_work"]) != c.work || deref(columns["mail_home"]) != c.home) {
			t.Errorf("%v: work %q, home %q", c.set, deref(columns["mail_work"]), deref(columns["mail_home"]))
		}
	}
}

func deref(s stored) string {
	if s == nil {
		return ""
	}
	return *s
}

// What stands in the main column stays there when another element comes.
func TestPlaceKeepsMainColumn(t *testing.T) {
	m, err := mapReference(sqliteDialect())
	if err != nil {
		t.Fatal(err)
	}
	f := m.Contact.Fields["phones"]
	current := &row{index: map[string]int{"phone": 0}, values: []sql.NullString{{String: "200", Valid: true}}}
	set := model.NormalSet([]model.Element{{Key: "100", Text: "100"}, {Key: "200", Text: "200"}})
	columns := map[string]stored{}
	rest, err := f.place("phones", set, current, columns)
	if err != nil || deref(columns["phone"]) != "200" || len(rest) != 1 || rest[0].Key != "100" {
		t.Errorf("column %q, rest %v, %v", deref(columns["phone"]), rest, err)
	}
}

func TestKeysOfElements(t *testing.T) {
	for _, c := range []struct {
		field, value string
		attributes   map[string]string
		want         string
	}{
		{"emails", " Ada@Example.COM ", nil, "ada@example.com"},
		{"phones", "+44 (0)20 7946-0101", nil, "+4402079460101"},
		{"phones", "020/7946", nil, "0207946"},
		{"phones", "Reception", nil, "reception"},
		{"urls", "https://www.example.com/A", nil, "https://www.example.com/A"},
		{"addresses", "", map[string]string{"street": "1  Sample Road", "city": "Exampleton", "postal_code": "EX1 2AM"}, "1 sample road ex1 2am exampleton"},
		{"addresses", "", map[string]string{"country": "Germany"}, "germany"},
		{"attendees", "MAILTO:Bob@example.com", nil, "bob@example.com"},
	} {
		if got := element(c.field, c.value, "", c.attributes).Key; got != c.want {
			t.Errorf("%s %q: key %q, want %q", c.field, c.value, got, c.want)
		}
	}
}

// The overlap: what was seen becomes final when the longest transaction that
// was under way then has ended.
func TestCursorAdvances(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(int64(60*minute), 0) }
	c := cursor{}.advance("7", at(0), 10*time.Minute)
	if c.Low != "" || len(c.Trail) != 1 {
		t.Fatalf("at once: %+v", c)
	}
	c = c.advance("9", at(5), 10*time.Minute)
	again := c.advance("9", at(6), 10*time.Minute)
	if len(again.Trail) != 2 || string(again.encode()) != string(c.encode()) {
		t.Errorf("a quiet poll changed the cursor: %+v, %+v", c, again)
	}
	c = again.advance("9", at(11), 10*time.Minute)
	if c.Low != "7" || len(c.Trail) != 1 {
		t.Errorf("after eleven minutes: %+v", c)
	}
	c = c.advance("", at(60), 10*time.Minute)
	if c.Low != "9" || len(c.Trail) != 0 {
		t.Errorf("after an hour: %+v", c)
	}
	for i := range 200 {
		c = c.advance(fmt.Sprint(100+i), at(60), 10*time.Minute)
	}
	if len(c.Trail) > maxTrail || c.Trail[len(c.Trail)-1].High != "299" {
		t.Errorf("the trail has %d entries", len(c.Trail))
	}
	c = cursor{}.advance("7", at(0), 0)
	if c.Low != "7" || len(c.Trail) != 0 {
		t.Errorf("without an overlap: %+v", c)
	}
}

// FuzzMoment: what is read as a moment is written as the same one.
func FuzzMoment(f *testing.F) {
	for _, s := range []string{"2031-03-04T09:00:00Z", "2031-03-04T09:00:00", "2031-03-04", "2031-02-30", "", "2031-03-04 09:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if isMoment(text) != (isDay(text) && len(text) == 10 || isTime(text)) {
			t.Errorf("%q", text)
		}
	})
}

func isTime(text string) bool {
	if len(text) == len(instantForm) && text[len(text)-1] == 'Z' {
		text = text[:len(text)-1]
	}
	at, err := time.Parse(floatingForm, text)
	return err == nil && at.Format(floatingForm) == text
}

// FuzzMapping: no file makes the parser panic.
func FuzzMapping(f *testing.F) {
	f.Add(referenceMapping)
	f.Add([]byte("contact: {table: a, id: b, fields: {full_name: [c]}}"))
	f.Add([]byte("contact:\n  fields: {emails: {columns: [a, {column: b}], rows: {}}}"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		if m, err := parseMapping("crm.yaml", text); err == nil {
			m.uses()
		}
	})
}

// FuzzCursor: no cursor makes the decoder panic, and ours go through.
func FuzzCursor(f *testing.F) {
	f.Add(string(cursor{Epoch: "e", Layout: "l", Mode: delta, Low: "7"}.encode()))
	f.Add("{}")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := decodeCursor(model.Cursor(text), "e", "l")
		if err != nil {
			return
		}
		if again, err := decodeCursor(c.encode(), "e", "l"); err != nil || string(again.encode()) != string(c.encode()) {
			t.Errorf("%q: %+v, %v", text, again, err)
		}
	})
}

// counted counts statements.
type counted struct {
	querier
	n int
}

func (c *counted) QueryxContext(ctx context.Context, query string, args ...any) (*sqlx.Rows, error) {
	c.n++
	return c.querier.QueryxContext(ctx, query, args...)
}

func (c *counted) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.n++
	return c.querier.ExecContext(ctx, query, args...)
}

// A batch costs the same number of statements, however many items it has
// (design decision 16: never a statement per item).
func TestStatementsPerBatch(t *testing.T) {
	settings := connector.Settings{Values: map[string]string{"dsn": filepath.Join(t.TempDir(), "crm.db")}}
	if err := Install(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	c, err := configure(settings)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.open(model.Account{}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	few, many := statements(t, s, "few", 3), statements(t, s, "many", writeBatch)
	if few != many {
		t.Errorf("%v statements for 3 items, %v for %d (create, update, delete)", few, many, writeBatch)
	}
	t.Logf("statements for a batch of creates, updates, deletes: %v", many)
}

func statements(t *testing.T, s *session, name string, n int) [3]int {
	t.Helper()
	if err := s.ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	var creates, updates, deletes []model.Operation
	for i := range n {
		content := model.Content{}
		content.PutText("full_name", fmt.Sprint("Ada ", i))
		content.PutSet("emails", emails("work", "*home", "other"))
		creates = append(creates, model.Operation{Action: model.Create, Ref: model.Ref{Kind: model.Contact}, Key: model.Key(fmt.Sprint(name, i)), Content: content})
	}
	var out [3]int
	var receipts []model.Receipt
	out[0], receipts = count(t, s, creates)
	for i, r := range receipts {
		content := creates[i].Content.Clone()
		content.PutText("notes", "n")
		content.PutSet("emails", emails("home", "", "*work", "work"))
		updates = append(updates, model.Operation{Action: model.Update, Ref: r.Ref, Expect: r.Ref.Version, Content: content, Changed: []string{"emails", "notes"}})
	}
	out[1], receipts = count(t, s, updates)
	for _, r := range receipts {
		deletes = append(deletes, model.Operation{Action: model.Delete, Ref: r.Ref, Expect: r.Ref.Version})
	}
	out[2], _ = count(t, s, deletes)
	return out
}

// count carries a batch out as Apply does and counts its statements.
func count(t *testing.T, s *session, ops []model.Operation) (int, []model.Receipt) {
	t.Helper()
	b := &batch{session: s, table: s.mapping.Contact, receipts: make([]model.Receipt, len(ops))}
	for i, op := range ops {
		b.ops = append(b.ops, operation{Operation: op, at: i})
	}
	c := &counted{}
	err := s.write(t.Context(), func(tx *sqlx.Tx) error {
		c.querier = tx
		for _, step := range []func(context.Context, querier) error{b.change, b.create, b.answer} {
			if err := step(t.Context(), c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range b.receipts {
		if r.Outcome != model.Done {
			t.Fatalf("%s: %v", r.Outcome, r.Err)
		}
	}
	return c.n, b.receipts
}
