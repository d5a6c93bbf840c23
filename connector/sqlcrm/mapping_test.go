package sqlcrm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Every mistake in a mapping file is one sentence that names file, line and
// key, before anything is read or written.
func TestMappingMistakes(t *testing.T) {
	for name, c := range map[string]struct{ old, with, want string }{
		"unknown key":         {"  id: person_id", "  identity: person_id", "crm.yaml, line 6: the key identity is unknown"},
		"unknown inner key":   {"kind: timestamp,", "sort: timestamp,", "crm.yaml, line 8: the key sort is unknown"},
		"unknown kind":        {"\ntask:", "\ntodo:", "the key todo is unknown"},
		"unknown field":       {"full_name: display_name", "whole_name: display_name", "contact has no field whole_name"},
		"personal field":      {"notes: remarks", "categories: remarks", "contact has no field categories"},
		"required field":      {"    full_name: display_name\n", "", "contact.fields needs full_name"},
		"no table":            {"  table: people\n", "", "contact needs the key table"},
		"unknown table":       {"table: people\n", "table: persons\n", "contact.table: there is no table persons"},
		"unknown column":      {"first_name", "firstname", "crm.yaml, line 13: contact.fields.given_name.column: the table people has no column firstname"},
		"unknown side table":  {"table: people_phone", "table: phones", "contact.fields.phones.rows.table: there is no table phones"},
		"unknown side column": {"label: caption", "label: legend", "the table people_phone has no column legend"},
		"version kind":        {"kind: timestamp", "kind: date", "contact.version.kind is \"date\"; it can be number, timestamp"},
		"form of a field":     {"{column: begins, as: timestamp}", "{column: begins, as: time}", "event.fields.start.as is \"time\""},
		"zone":                {"{column: begins, as: timestamp}", "{column: begins, as: timestamp, zone: Mars/Base}", "there is no time zone \"Mars/Base\""},
		"deleted value":       {", value: \"1\"}", "}", "contact.deleted.column needs the value"},
		"key without index":   {"  owner: keeper", "  key: company\n  owner: keeper", "contact.key: the column company has no unique index"},
		"transaction":         {"kind: number, overlap: 10m", "kind: number, transaction: xid", "exists on PostgreSQL only"},
		"no YAML":             {"users: {", "users: [{", "is not valid YAML"},
		"wrong shape":         {"    notes: remarks", "    notes: [remarks]", "crm.yaml: line 16"},
		"set needs a place":   {"    notes: remarks", "    notes: remarks\n    emails: {}", "contact.fields.emails needs columns, rows or both"},
	} {
		t.Run(name, func(t *testing.T) {
			p := onSQLite(t).foreign(t, "foreign_sqlite.sql")
			text, err := os.ReadFile(p.settings.Values["mapping"])
			must(t, err)
			if !strings.Contains(string(text), c.old) {
				t.Fatalf("the file does not have %q", c.old)
			}
			p.settings.Values["mapping"] = "crm.yaml"
			must(t, os.WriteFile(filepath.Join(p.settings.Folder, "crm.yaml"), []byte(strings.Replace(string(text), c.old, c.with, 1)), 0o600))
			got := tryTest(t, p)
			if fault.Of(got) == nil || !strings.Contains(got.Error(), c.want) {
				t.Errorf("error is %v, want %q", got, c.want)
			}
		})
	}
}

func tryTest(t testing.TB, p place) error {
	t.Helper()
	c, err := sqlcrm.New(p.settings)
	if err != nil {
		return err
	}
	s, err := c.Open(t.Context(), model.Account{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	return s.Test(t.Context(), model.ACT)
}

// Without a unique column creates are refused with a sentence, until schema
// install has added the side table.
func TestMappingWithoutKeys(t *testing.T) {
	p := onSQLite(t).foreign(t, "foreign_sqlite.sql")
	p.exec(t, "DROP TABLE lockstep_key")
	r := apply(t, p.session(t), creation(model.Contact, "c.0", texts("full_name", "Ada")))[0]
	if r.Outcome != model.Refused || !fault.Is(r.Err, fault.Unsupported) || !strings.Contains(r.Err.Error(), "schema install") {
		t.Errorf("create: %s %v", r.Outcome, r.Err)
	}
	if err := tryTest(t, p); !fault.Is(err, fault.Unsupported) {
		t.Errorf("test: %v", err)
	}
	must(t, sqlcrm.Install(t.Context(), p.settings))
	it := create(t, p.session(t), model.Contact, "c.0", texts("full_name", "Ada"))
	if it.Stamp != "c.0" {
		t.Errorf("stamp is %q", it.Stamp)
	}
	status, err := sqlcrm.Status(t.Context(), p.settings)
	if err != nil || !status.Mapped || !status.Installed || status.Kinds[0].Items != 1 || status.Kinds[1].Delta {
		t.Errorf("status: %+v, %v", status, err)
	}
}

// The CRM's own words for a value are translated both ways; a value that the
// mapping does not list is told, and the item set aside.
func TestMappingValues(t *testing.T) {
	p := onSQLite(t).foreign(t, "foreign_sqlite.sql")
	s := p.session(t)
	it := create(t, s, model.Event, "e.0", texts("title", "E", "start", "2031-03-04T09:00:00Z", "end", "2031-03-04T10:00:00Z", "status", "tentative"))
	if got := p.text(t, "SELECT state FROM meetings"); got != "pencilled" {
		t.Errorf("stored is %q", got)
	}
	p.exec(t, "UPDATE meetings SET state = 'fixed'")
	if got := fetch(t, s, it.Ref).Content.Text("status"); got != "" {
		t.Errorf("read is %q", got)
	}
	p.exec(t, "UPDATE meetings SET state = 'unheard of', begins = 'soon'")
	if got := fetch(t, s, it.Ref); !strings.Contains(got.Trouble, "begins") && !strings.Contains(got.Trouble, "state") {
		t.Errorf("trouble is %q", got.Trouble)
	}
}

// Times in timestamp columns: whole days beside instants, and no room for a
// wall-clock time.
func TestMappingTimes(t *testing.T) {
	p := onPostgres(t).foreign(t, "foreign_postgres.sql")
	s := p.session(t)
	create(t, s, model.Event, "day.0", texts("title", "D", "start", "2031-03-04", "end", "2031-03-05"))
	if got := p.text(t, "SELECT concat_ws(' ', whole_day, begins, finishes) FROM meetings"); got != "t 2031-03-04 00:00:00+00 2031-03-05 00:00:00" {
		t.Errorf("stored is %q", got)
	}
	r := apply(t, s, creation(model.Event, "float.0", texts("title", "F", "start", "2031-03-04T09:00:00", "end", "2031-03-04T10:00:00")))[0]
	if r.Outcome != model.Refused || !fault.Is(r.Err, fault.Invalid) || !strings.Contains(r.Err.Error(), "start") && !strings.Contains(r.Err.Error(), "end") {
		t.Errorf("floating: %s %v", r.Outcome, r.Err)
	}
}

// A text that is too long for its column is refused, not cut off.
func TestMappingTooLong(t *testing.T) {
	p := onPostgres(t).foreign(t, "foreign_postgres.sql")
	r := apply(t, p.session(t), creation(model.Contact, "c.0", texts("full_name", strings.Repeat("Ada ", 100))))[0]
	if r.Outcome != model.Refused || !fault.Is(r.Err, fault.TooLarge) {
		t.Errorf("create: %s %v", r.Outcome, r.Err)
	}
}
