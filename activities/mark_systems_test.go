package activities_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/connector"
	davclient "lockstep.dev/connector/dav"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
	organisation "lockstep.dev/simulator/crm"
	"lockstep.dev/store"
)

// B10, L-12: on real servers, what the CRM refuses is marked in the mailbox for
// its owner to see, the marks are no edit, and they are gone in the round in
// which the item syncs.
func TestMarksOnRadicale(t *testing.T) { marksOn(t, peer.Radicale(t, "ada")) }

func TestMarksOnCyrus(t *testing.T) { marksOn(t, peer.Cyrus(t, "ada")) }

// desk is a person's address book on a real server, seen with another program.
type desk struct {
	t      *testing.T
	server *peer.DAVServer
	book   string
}

func (d desk) send(method, name string, body []byte) string {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.book+name, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.SetBasicAuth("ada", d.server.Password)
	r.Header.Set("Content-Type", "text/vcard")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		d.t.Fatalf("%s %s: %s %v", method, name, resp.Status, err)
	}
	return strings.ReplaceAll(string(text), "\r\n ", "")
}

// categories are what a person reads on a card.
func (d desk) categories(name string) []string {
	d.t.Helper()
	var out []string
	for line := range strings.Lines(d.send(http.MethodGet, name, nil)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "CATEGORIES:"); ok {
			out = append(out, strings.Split(rest, ",")...)
		}
	}
	slices.Sort(out)
	return out
}

func (d desk) want(when string, want ...string) {
	d.t.Helper()
	if got := d.categories("cher.vcf"); fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Errorf("%s the card carries %q, want %q", when, got, want)
	}
}

// strictCRM is a SQL CRM with one user, which refuses contacts without a last
// name.
func strictCRM(t *testing.T) connector.Connector {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crm.db")
	settings := connector.Settings{Values: map[string]string{"dsn": path}}
	org := organisation.Organisation{Users: []organisation.User{{ID: "u-ada", Name: "Ada", Address: address("ada")}}}
	if err := org.Fill(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	db, err := sqlx.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, on := range []string{"INSERT", "UPDATE"} {
		_, err := db.ExecContext(t.Context(), "CREATE TRIGGER wants_last_name_"+on+" BEFORE "+on+
			" ON contact WHEN COALESCE(NEW.family_name, '') = '' BEGIN SELECT RAISE(ABORT, 'a last name is wanted'); END")
		if err != nil {
			t.Fatal(err)
		}
	}
	crm, err := sqlcrm.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return crm
}

func marksOn(t *testing.T, server *peer.DAVServer) {
	mail, err := davclient.New(connector.Settings{
		Values: map[string]string{"url": server.URL + "/", "user": "ada", "kinds": "contact"}, Secret: server.Password,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mail.Close() })
	crm := strictCRM(t)
	h := build(t, contacts())
	defer func() { h.close() }()
	h.gate.quiet = true
	h.acts.Systems = wired{model.CRM: crm, model.Mail: mail}
	d := desk{t: t, server: server, book: server.AddressBook("ada")}
	card := func(n string) []byte {
		return []byte("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:cher\r\nFN:Cher\r\nN:" + n + "\r\nCATEGORIES:Friends\r\nEND:VCARD\r\n")
	}
	d.send(http.MethodPut, "cher.vcf", card(";Cher;;;"))
	for range 4 {
		h.sweep()
	}
	d.want("refused,", "Friends", "Sync Error", "Sync Error: sqlcrm.rule")
	if n := inCRM(t, crm); len(n) != 0 {
		t.Errorf("the CRM holds %v", n)
	}
	issues := h.issuesOf(t)
	if len(issues) != 1 || issues[0].Code != "sqlcrm.rule" {
		t.Fatalf("the issue is told as %+v", issues)
	}

	// The marks are no edit: nothing is tried for them, and the issue stays as it is.
	version := d.send(http.MethodGet, "cher.vcf", nil)
	for range 3 {
		h.sweep()
	}
	if again := d.send(http.MethodGet, "cher.vcf", nil); again != version {
		t.Errorf("the card is written again without reason:\n%s\n%s", version, again)
	}
	if now := h.issuesOf(t); len(now) != 1 || now[0].Count != issues[0].Count {
		t.Errorf("the marks made the item be tried again: %+v", now)
	}

	// Its owner fills in the last name; the categories stand as they read them.
	marked := d.send(http.MethodGet, "cher.vcf", nil)
	d.send(http.MethodPut, "cher.vcf", []byte(strings.Replace(marked, "N:;Cher;;;", "N:Sarkisian;Cher;;;", 1)))
	h.sweep()
	d.want("in the round in which it syncs,", "Friends")
	if left := h.issuesOf(t); len(left) != 0 {
		t.Errorf("it syncs, and there is still %+v", left)
	}
	for range 3 {
		h.sweep()
	}
	got := inCRM(t, crm)
	if len(got) != 1 || got[0].Content.Text("family_name") != "Sarkisian" {
		t.Fatalf("the CRM holds %+v", got)
	}
	for _, e := range got[0].Content.Set("categories") {
		if strings.HasPrefix(e.Text, "Sync Error") {
			t.Errorf("our category reached the CRM: %s", e.Text)
		}
	}
	all, err := h.db.FindIssues(t.Context(), store.IssueFilter{Closed: true})
	if err != nil || len(all) != 1 || all[0].State != store.IssueResolved {
		t.Errorf("in the end: %+v %v", all, err)
	}
}

// inCRM are the contacts that the CRM holds.
func inCRM(t *testing.T, crm connector.Connector) []model.Item {
	t.Helper()
	s, err := crm.Open(t.Context(), model.Account{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var out []model.Item
	for page, err := range s.Changes(t.Context(), model.Collection{ID: "contact", Kind: model.Contact}, "") {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, page.Items...)
	}
	return out
}
