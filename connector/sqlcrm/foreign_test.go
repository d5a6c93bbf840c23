package sqlcrm_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"lockstep.dev/connector/connectortest"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/model"
)

// The laws of the connector contract, on a database of somebody else's.
func TestConnectorForeignSQLite(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture { return foreignFixture(t, onSQLite(t), "foreign_sqlite.sql") })
}

func TestConnectorForeignPostgreSQL(t *testing.T) {
	p := onPostgres(t)
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture { return foreignFixture(t, p.apart(t), "foreign_postgres.sql") })
}

// foreign makes the tables of testdata and what a mapped database needs.
func (p place) foreign(t testing.TB, schema string) place {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", schema))
	if err != nil {
		t.Fatal(err)
	}
	p.exec(t, string(text))
	p.exec(t, "INSERT INTO staff (staff_no, label, mail) VALUES ('user-1', 'Uma User', 'uma@example.com')")
	mapping, err := filepath.Abs(filepath.Join("testdata", "foreign.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.settings.Values["mapping"] = mapping
	if err := sqlcrm.Install(t.Context(), p.settings); err != nil {
		t.Fatalf("install: %v", err)
	}
	return p
}

// later is a time that is not that of an insert a moment ago, whatever the
// resolution of the clock.
func (p place) later() string {
	if p.postgres {
		return "CURRENT_TIMESTAMP"
	}
	return "datetime('now', '+5 seconds')"
}

func foreignFixture(t *testing.T, p place, schema string) connectortest.Fixture {
	t.Helper()
	p = p.foreign(t, schema)
	people := 0
	f := p.fixture(t, map[model.Kind]home{
		model.Contact: {
			table: "people", id: "person_id", columns: map[string]string{"full_name": "display_name"},
			remove: "UPDATE people SET is_deleted = true, changed_at = CURRENT_TIMESTAMP WHERE person_id = ?",
			touch:  ", changed_at = " + p.later(),
			newID:  func() string { people++; return strconv.Itoa(people) },
		},
		model.Event: {table: "meetings", id: "meeting_id", columns: map[string]string{"title": "subject", "start": "begins", "end": "finishes"}},
		model.Task:  {table: "activities", id: "activity_id", columns: map[string]string{"title": "subject"}, more: map[string]string{"activity_type": "todo"}},
	})
	f.Actor = "user-1"
	f.Except = map[string]string{"floating": "a timestamp column holds instants only; the refusal is tested apart"}
	return f
}
