//go:build unix

package peer_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/internal/peer"
)

const card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ada\r\nFN:Ada Example\r\nN:Example;Ada;;;\r\nEND:VCARD\r\n"

// Two databases of one server do not see each other.
func TestPostgreSQLGivesEachTestItsOwnDatabase(t *testing.T) {
	ctx := context.Background()
	first, second := open(t, peer.PostgreSQL(t)), open(t, peer.PostgreSQL(t))
	if _, err := first.ExecContext(ctx, "CREATE TABLE note (text TEXT)"); err != nil {
		t.Fatal(err)
	}
	var tables int
	row := second.QueryRowContext(ctx, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
	if err := row.Scan(&tables); err != nil || tables != 0 {
		t.Fatalf("tables in the second database: %d, %v; want none", tables, err)
	}
}

// A server of one's own can fail and come back with its data.
func TestPostgreSQLStopsAndStarts(t *testing.T) {
	ctx := context.Background()
	server := peer.PostgreSQLServer(t)
	db := open(t, server.Database(t))
	if _, err := db.ExecContext(ctx, "CREATE TABLE note AS SELECT 'kept' AS text"); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	if err := db.PingContext(ctx); err == nil {
		t.Fatal("a stopped server answered")
	}
	server.Start(t)
	var text string
	if err := db.QueryRowContext(ctx, "SELECT text FROM note").Scan(&text); err != nil || text != "kept" {
		t.Fatalf("after the restart: %q, %v", text, err)
	}
}

func TestCyrus(t *testing.T)    { davStory(t, peer.Cyrus(t, "alice", "bob")) }
func TestRadicale(t *testing.T) { davStory(t, peer.Radicale(t, "alice", "bob")) }

// davStory: every user has an address book, a calendar and a task list; what is
// put survives a restart on the same port; others may not read it.
func davStory(t *testing.T, s *peer.DAVServer) {
	event := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//peer//test//EN\r\nBEGIN:VEVENT\r\nUID:e\r\n" +
		"DTSTAMP:20250101T000000Z\r\nDTSTART:20250102T100000Z\r\nDTEND:20250102T110000Z\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	task := strings.NewReplacer("VEVENT", "VTODO", "UID:e", "UID:t", "DTEND", "DUE").Replace(event)
	for _, user := range s.Users {
		put(t, s, user, s.AddressBook(user)+"ada.vcf", "text/vcard", card)
		put(t, s, user, s.Calendar(user)+"e.ics", "text/calendar", event)
		put(t, s, user, s.TaskList(user)+"t.ics", "text/calendar", task)
	}
	put(t, s, "bob", s.MakeAddressBook(t, "bob", "more")+"ada2.vcf", "text/vcard", strings.ReplaceAll(card, "UID:ada", "UID:ada2"))
	put(t, s, "bob", s.MakeCalendar(t, "bob", "mixed", "VEVENT", "VTODO")+"t2.ics", "text/calendar", strings.ReplaceAll(task, "UID:t", "UID:t2"))

	address := s.AddressBook("alice") + "ada.vcf"
	s.Stop(t)
	if _, err := http.Get(s.URL); err == nil {
		t.Fatal("a stopped server answered")
	}
	s.Start(t)
	if status, body := ask(t, s, "alice", http.MethodGet, address, "", ""); status != http.StatusOK || !strings.Contains(body, "Ada Example") {
		t.Fatalf("after the restart: status %d, %q", status, body)
	}
	if status, _ := ask(t, s, "bob", http.MethodGet, address, "", ""); status < 400 {
		t.Fatalf("another user may read the card: status %d", status)
	}
}

// vdirsyncer copies a card out of Radicale into a folder.
func TestVdirsyncer(t *testing.T) {
	s := peer.Radicale(t, "alice")
	put(t, s, "alice", s.AddressBook("alice")+"ada.vcf", "text/vcard", card)
	dir := t.TempDir()
	config := fmt.Sprintf(`[general]
status_path = %q
[pair p]
a = "a"
b = "b"
collections = null
conflict_resolution = "a wins"
[storage a]
type = "carddav"
url = %q
username = %q
password = %q
[storage b]
type = "filesystem"
path = %q
fileext = ".vcf"
`, filepath.Join(dir, "status"), s.AddressBook("alice"), s.User, s.Password, filepath.Join(dir, "cards"))
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	program := peer.Vdirsyncer(t)
	for _, args := range [][]string{{"discover"}, {"sync"}} {
		cmd := exec.Command(program, append([]string{"-c", filepath.Join(dir, "config")}, args...)...)
		cmd.Stdin = strings.NewReader("y\ny\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("vdirsyncer %v: %v: %s", args, err, out)
		}
	}
	cards, err := filepath.Glob(filepath.Join(dir, "cards", "*.vcf"))
	if err != nil || len(cards) != 1 {
		t.Fatalf("cards in the folder: %v, %v; want one", cards, err)
	}
}

// A program that is no test ends its peers with Close.
func TestHostEndsPeers(t *testing.T) {
	peer.Program(t, "radicale", "radicale")
	var talk bytes.Buffer
	host := peer.NewHost(&talk)
	s := peer.Radicale(host, "alice")
	put(t, s, "alice", s.AddressBook("alice")+"ada.vcf", "text/vcard", card)
	host.Close()
	if _, err := http.Get(s.URL); err == nil {
		t.Fatal("the server still answers after Close")
	}
	if talk.Len() > 0 {
		t.Fatalf("unexpected talk: %s", talk.String())
	}
}

func open(t *testing.T, p *peer.Postgres) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", p.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func put(t *testing.T, s *peer.DAVServer, user, url, contentType, body string) {
	t.Helper()
	if status, answer := ask(t, s, user, http.MethodPut, url, contentType, body); status != http.StatusCreated {
		t.Fatalf("put %s as %s: status %d: %s", url, user, status, answer)
	}
}

func ask(t *testing.T, s *peer.DAVServer, user, method, url, contentType, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(user, s.Password)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}
