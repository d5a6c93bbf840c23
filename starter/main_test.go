package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/setup"
	"lockstep.dev/simulator/dav"
	"lockstep.dev/starter/cli"
)

// town is a simulated mail server and a SQL CRM, reached by the real
// connectors, and a Lockstep whose Temporal server nobody runs.
type town struct {
	t    *testing.T
	url  string
	file string // configuration file
}

func newTown(t *testing.T) *town {
	t.Helper()
	dir := t.TempDir()
	server, err := dav.Open(t.Context(), filepath.Join(dir, "dav.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if err := server.AddUser(t.Context(), dav.User{Name: "anna@example.com", Password: "right"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []dav.Collection{
		{User: "anna@example.com", Kind: dav.AddressBook, Name: "contacts"},
		{User: "anna@example.com", Kind: dav.Calendar, Name: "calendar"},
	} {
		if _, err := server.AddCollection(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	http := httptest.NewServer(server)
	t.Cleanup(http.Close)
	for name, value := range map[string]string{
		"LOCKSTEP_DATABASE_URL": "sqlite:" + filepath.Join(dir, "lockstep.db"), "LOCKSTEP_KEY": strings.Repeat("k", 32),
		// Port 1 (tcpmux) needs a privilege and is long dead.
		"LOCKSTEP_TEMPORAL_HOST": "127.0.0.1:1", "PWD": dir, "ANNA": "right", "WRONG": "geheim",
	} {
		t.Setenv(name, value)
	}
	tn := &town{t: t, url: http.URL + "/", file: filepath.Join(dir, "lockstep.yaml")}
	text := "connections:\n  - {name: sales, side: crm, connector: sqlcrm, settings: {dsn: crm.db}}\n"
	if err := os.WriteFile(tn.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return tn
}

func (tn *town) run(args ...string) (code int, out, talk string) {
	tn.t.Helper()
	var stdout, stderr bytes.Buffer
	p := parts()
	p.In, p.Out, p.Err, p.Terminal = strings.NewReader(""), &stdout, &stderr, false
	code = cli.Run(tn.t.Context(), args, p)
	if strings.Contains(stdout.String()+stderr.String(), "geheim") {
		tn.t.Errorf("a secret was shown:\n%s%s", stdout.String(), stderr.String())
	}
	return code, stdout.String(), stderr.String()
}

// must runs a command that has to work.
func (tn *town) must(args ...string) string {
	tn.t.Helper()
	code, out, talk := tn.run(args...)
	if code != 0 {
		tn.t.Fatalf("lockstep %s: exit code %d\n%s", strings.Join(args, " "), code, talk)
	}
	return out
}

// The way of an administrator, with the real connectors: what does not work is
// said with its side, in one sentence, and nothing is saved.
func TestSettingUpARealSystem(t *testing.T) {
	tn := newTown(t)
	tn.must("schema", "migrate")
	code, _, talk := tn.run("connection", "add", "--file", tn.file)
	if code != 1 || !strings.Contains(talk, "connection sales does not work: crm side: ") || !strings.Contains(talk, "schema install") || strings.Count(talk, "\n") != 1 {
		t.Errorf("a CRM without tables: exit code %d, says %s", code, talk)
	}
	tn.must("schema", "install", "sales", "--file", tn.file, "-y")
	tn.must("connection", "add", "--file", tn.file)
	if out := tn.must("schema", "status", "sales"); !strings.Contains(out, "Installed:  yes\n") {
		t.Errorf("status:\n%s", out)
	}
	tn.must("connection", "add", "office", "--side", "mail", "--connector", "dav", "--set", "url="+tn.url)

	// The reference schema lists its users, and there is none yet.
	code, _, talk = tn.run("mailbox", "add", "anna@example.com", "--crm-user", "17", "--secret", "env:ANNA")
	if code != 1 || talk != "lockstep: crm_user: crm side: the CRM knows no user \"17\"\n" {
		t.Errorf("an unknown user: exit code %d, says %s", code, talk)
	}
	if out := tn.must("mailbox", "list", "--json"); out != "[]\n" {
		t.Errorf("saved: %s", out)
	}
}

func TestAMailServerThatRefuses(t *testing.T) {
	tn := newTown(t)
	tn.must("schema", "migrate")
	tn.must("schema", "install", "sales", "--file", tn.file, "-y")
	for name, c := range map[string]struct {
		settings, mailbox string
		want              string
	}{
		"password":    {"url: " + tn.url, "secret: env:WRONG", "mailbox anna@example.com does not work: mail side: "},
		"unreachable": {"url: http://127.0.0.1:1/", "secret: env:ANNA", "mailbox anna@example.com does not work: mail side: "},
		"no password": {"url: " + tn.url, "user: anna@example.com", "mailbox anna@example.com does not work: mail side: There is no password or token"},
		"not TLS":     {"url: http://dav.example.com/", "secret: env:ANNA", "connections[office].settings: mail side: You can't set the user name and password"}, // D-20
	} {
		t.Run(name, func(t *testing.T) {
			text := "connections:\n  - {name: sales, side: crm, connector: sqlcrm, settings: {dsn: crm.db}}\n" +
				"  - {name: office, side: mail, connector: dav, settings: {" + c.settings + "}}\n" +
				"mailboxes:\n  - {address: anna@example.com, crm_user: '17', " + c.mailbox + "}\n"
			if err := os.WriteFile(tn.file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			p := parts()
			f, err := setup.Read(tn.file, p.Systems)
			if err == nil {
				var home *cli.Home
				if home, err = open(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				_, err = setup.Apply(t.Context(), home.Store, f, p.Try)
				if closed := home.Close(); closed != nil {
					t.Error(closed)
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("says %v, want %s", err, c.want)
			}
			if out := tn.must("connection", "list", "--json"); out != "[]\n" {
				t.Errorf("saved: %s", out)
			}
		})
	}
}

func TestALockstepIsFoundByItsFolder(t *testing.T) {
	tn := newTown(t)
	tn.must("schema", "migrate")
	dir := filepath.Dir(tn.file)
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	in := setup.Instance{PID: os.Getpid(), Frontend: "127.0.0.1:1", Namespace: "default", Store: "lockstep.db", Key: "key"}
	if err := in.Write(dir); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LOCKSTEP_DATABASE_URL", "")
	t.Setenv("LOCKSTEP_KEY", "")
	if out := tn.must("-data", dir, "mailbox", "list", "--json"); out != "[]\n" {
		t.Errorf("with --data: %s", out)
	}
	// Without any hint, ./data is looked at.
	if err := os.Rename(dir, dir+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".moved", filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	if out := tn.must("mailbox", "list", "--json"); out != "[]\n" {
		t.Errorf("in ./data: %s", out)
	}
	t.Setenv("PWD", t.TempDir())
	code, _, talk := tn.run("mailbox", "list")
	if code != 1 || !strings.HasPrefix(talk, "lockstep: LOCKSTEP_DATABASE_URL is not set") || !strings.Contains(talk, "--data") {
		t.Errorf("nowhere: exit code %d, says %s", code, talk)
	}
}
