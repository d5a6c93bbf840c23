package sqlcrm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

const password = "geheim-4711"

// Every wrong setting gets one sentence that names it, and no password is told.
func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]string
		want   string
	}{
		"no dsn":         {map[string]string{}, "dsn"},
		"unknown key":    {map[string]string{"dns": "x"}, "dns"},
		"unknown scheme": {map[string]string{"dsn": "mysql://root:" + password + "@db/crm"}, "dsn"},
		"broken url":     {map[string]string{"dsn": "postgres://crm:" + password + "@db:54x32/crm"}, "dsn"},
		"bad parameter":  {map[string]string{"dsn": "postgres://crm:" + password + "@db/crm?sslmode=sometimes"}, "dsn"},
		"file schema":    {map[string]string{"dsn": "crm.db", "schema": "crm"}, "schema"},
		"in memory":      {map[string]string{"dsn": ":memory:"}, "dsn"},
		"no mapping":     {map[string]string{"dsn": "crm.db", "mapping": "none.yaml"}, "none.yaml"},
		"neither":        {map[string]string{"dsn": "crm.db", "allow_insecure": "perhaps"}, "allow_insecure"},
		"no TLS":         {map[string]string{"dsn": "postgres://crm:" + password + "@db.example.com/crm?sslmode=disable"}, "You can't set the user name and password in this email server profile"},
		"perhaps TLS":    {map[string]string{"dsn": "postgres://crm:" + password + "@db.example.com/crm?sslmode=prefer"}, "allow_insecure"},
		"second host":    {map[string]string{"dsn": "postgres://crm:" + password + "@localhost,db.example.com/crm?sslmode=disable"}, "allow_insecure"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sqlcrm.New(connector.Settings{Values: c.values, Secret: password, Folder: t.TempDir()})
			if err == nil || fault.Of(err) == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v, want one that names %s", err, c.want)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, password) {
				t.Error("the password stands in the text")
			}
		})
	}
}

// D-20: without TLS no password travels, unless that is allowed; loopback
// counts as secure.
func TestSettingsAllowed(t *testing.T) {
	for _, values := range []map[string]string{
		{"dsn": "postgres://crm@db.example.com/crm"},
		{"dsn": "postgres://crm@db.example.com/crm?sslmode=verify-full"},
		{"dsn": "postgres://crm@db.example.com/crm?sslmode=disable", "allow_insecure": "true"},
		{"dsn": "postgres://crm@127.0.0.1/crm?sslmode=disable"},
		{"dsn": "postgres://crm@[::1]:5433/crm"},
		{"dsn": "postgres:///crm?host=/run/postgresql"},
		{"dsn": "postgres://crm@localhost/crm", "schema": "sales"},
		{"dsn": "data/crm.db"},
	} {
		if _, err := sqlcrm.New(connector.Settings{Values: values, Secret: password}); err != nil {
			t.Errorf("%v: %v", values, err)
		}
	}
}

// A database that is not there, or has no tables, is told in a sentence.
func TestTestAccess(t *testing.T) {
	test := func(t *testing.T, values map[string]string, folder string) error {
		t.Helper()
		c, err := sqlcrm.New(connector.Settings{Values: values, Folder: folder, Secret: password})
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
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "text.db"), []byte(strings.Repeat("no database ", 100)), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "empty.db"), nil, 0o600))
	pg := onPostgres(t)
	for name, c := range map[string]struct {
		values map[string]string
		class  fault.Class
		want   string
	}{
		"no file":     {map[string]string{"dsn": "none.db"}, fault.Denied, "none.db"},
		"no database": {map[string]string{"dsn": "text.db"}, fault.Denied, "text.db"},
		"no tables":   {map[string]string{"dsn": "empty.db"}, fault.Unsupported, "schema install"},
		"no server":   {map[string]string{"dsn": "postgres://crm@127.0.0.1:1/crm"}, fault.Transient, "127.0.0.1:1"},
		"no tables either": {map[string]string{"dsn": pg.settings.Values["dsn"]},
			fault.Unsupported, "schema install"},
		"no such database": {map[string]string{"dsn": strings.Replace(pg.settings.Values["dsn"], "/test_", "/nosuch_", 1)},
			fault.Denied, "nosuch_"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test(t, c.values, folder)
			if !fault.Is(err, c.class) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), password) {
				t.Errorf("test says %v, want %s and %q", err, c.class, c.want)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(folder, "none.db")); err == nil {
		t.Error("a test created the file")
	}
}

// A user without rights gets told what to grant.
func TestTestAccessRights(t *testing.T) {
	p := onPostgres(t).reference(t)
	p.exec(t, "DROP ROLE IF EXISTS reader")
	p.exec(t, "CREATE ROLE reader LOGIN")
	p.exec(t, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
	t.Cleanup(func() { _, _ = p.db.Exec("DROP OWNED BY reader; DROP ROLE reader") })
	p.settings.Values["dsn"] = strings.Replace(p.settings.Values["dsn"], "lockstep@", "reader@", 1)
	s := p.session(t)
	if err := s.Test(t.Context(), model.ACT); !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "contact") {
		t.Errorf("test says %v", err)
	}
	_, err := s.Apply(t.Context(), []model.Operation{creation(model.Task, "t.0", texts("title", "T"))})
	if !fault.Is(err, fault.Denied) {
		t.Errorf("apply says %v", err)
	}
}

// Any client of the CRM may write and delete without rights on our own tables.
func TestPlainClient(t *testing.T) {
	p := onPostgres(t).reference(t)
	p.exec(t, "DROP ROLE IF EXISTS clerk")
	p.exec(t, "CREATE ROLE clerk LOGIN")
	p.exec(t, "GRANT SELECT, INSERT, UPDATE, DELETE ON contact, contact_phone TO clerk")
	t.Cleanup(func() { _, _ = p.db.Exec("DROP OWNED BY clerk; DROP ROLE clerk") })
	clerk := place{db: open(t, "postgres", strings.Replace(p.settings.Values["dsn"], "lockstep@", "clerk@", 1)), postgres: true}
	r := p.reader(t, model.Contact)
	r.poll(t)
	clerk.exec(t, "INSERT INTO contact (id, full_name) VALUES ('a', 'A'), ('b', 'B')")
	clerk.exec(t, "INSERT INTO contact_phone (contact_id, phone) VALUES ('a', '1')")
	clerk.exec(t, "DELETE FROM contact WHERE id = 'b'")
	equal(t, "delta", r.poll(t), []string{"a", "-b"})
}
