package setup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store/sqlstore"
)

// systems are two connectors that know one setting each.
func systems() setup.Systems {
	return setup.Systems{Names: []string{"dav", "sqlcrm"}, New: func(name string, s connector.Settings) (connector.Connector, error) {
		side, key := model.Mail, "url"
		if name == "sqlcrm" {
			side, key = model.CRM, "dsn"
		}
		if s.Values[key] == "" {
			return nil, &fault.Fault{Class: fault.Invalid, Side: side, Message: "Setting " + key + " is missing."}
		}
		return system{side: side}, nil
	}, Paths: func(name string) []string { return map[string][]string{"sqlcrm": {"dsn", "mapping"}}[name] }}
}

type system struct {
	connector.Connector
	side model.Side
}

func (s system) Capabilities() connector.Capabilities { return connector.Capabilities{Side: s.side} }

// world is what the real systems would say, and who was asked.
type world struct {
	asked []string
	down  map[string]error // by connection name, or mailbox address
	// identity is what every mailbox says is its immutable id.
	identity string
}

func (w *world) try(_ context.Context, c model.Connection, a model.Account) (setup.Answer, error) {
	what := c.Name
	if a.Address != "" {
		what = a.Address
	}
	w.asked = append(w.asked, what)
	if err := w.down[what]; err != nil {
		return setup.Answer{}, err
	}
	if c.Side == model.CRM {
		return setup.Answer{Users: []connector.User{{ID: "17"}, {ID: "18"}}}, nil
	}
	return setup.Answer{Identity: w.identity}, nil
}

const example = `connections:
  - name: sales
    side: crm
    connector: sqlcrm
    owner: it@example.com
    every: 30s
    settings:
      dsn: crm.db
    secret: env:SETUP_TEST_CRM
  - name: office
    side: mail
    connector: dav
    settings: {url: "https://dav.example.com/"}
policies:
  - name: sales
    past_days: 90
    kinds:
      contact: {from_mail: all}
mailboxes:
  - address: anna@example.com
    crm: sales
    crm_user: "17"
    mail: office
    secret: file:anna.password
    policy: sales
  - address: ben@example.com
    crm_user: "18"
    user: ben
    secret: literal
`

// write puts a file into a folder of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("SETUP_TEST_CRM", "crm-password")
	for name, content := range map[string]string{"lockstep.yaml": text, "anna.password": "anna-password\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "lockstep.yaml")
}

func read(t *testing.T, text string) setup.File {
	t.Helper()
	f, err := setup.Read(write(t, text), systems())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func openStore(t *testing.T) *sqlstore.DB {
	t.Helper()
	st, err := sqlstore.Open(t.Context(), sqlstore.Config{
		Driver: "sqlite", DSN: filepath.Join(t.TempDir(), "lockstep.db"), Key: []byte(strings.Repeat("k", 32)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return st
}

func signInFails() error {
	return &fault.Fault{Class: fault.Auth, Scope: fault.Mailbox, Side: model.Mail, Code: "dav.401", Message: "The server does not accept the password."}
}

func unreachable() error {
	return &fault.Fault{Class: fault.Transient, Scope: fault.Server, Side: model.Mail, Code: "dav.unreachable", Message: "The server dav.example.com cannot be reached.", Err: errors.New("dial")}
}
