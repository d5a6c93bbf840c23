package dav

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/connector/connectortest"
	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
	simulator "lockstep.dev/simulator/dav"
)

func TestTheLawsAgainstTheSimulator(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		w := newWorld(t)
		f := w.fixture(t)
		f.Expire = func(_ testing.TB, _ model.Collection, live model.Cursor) model.Cursor { return live + "-expired" }
		return f
	})
}

func TestTheLawsAgainstCyrus(t *testing.T) {
	server := peer.Cyrus(t, "alice", "bob")
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture { return peerWorld(t, server) })
}

func TestTheLawsAgainstRadicale(t *testing.T) {
	server := peer.Radicale(t, "alice", "bob")
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture { return peerWorld(t, server) })
}

// peerWorld is the fixture for a real server: fresh collections for each law.
func peerWorld(t *testing.T, server *peer.DAVServer) connectortest.Fixture {
	t.Helper()
	name := strings.ToLower(fmt.Sprintf("law-%x", hashOf(t.Name())))
	r := &remote{
		url: server.URL, user: server.User, password: server.Password,
		collections: map[model.Kind]string{
			model.Contact: pathOf(server, server.MakeAddressBook(t, server.User, name+"-c")),
			model.Event:   pathOf(server, server.MakeCalendar(t, server.User, name+"-e", "VEVENT")),
			model.Task:    pathOf(server, server.MakeCalendar(t, server.User, name+"-t", "VTODO")),
		},
	}
	t.Cleanup(func() {
		for _, c := range r.collections {
			r.send(t, http.MethodDelete, c, nil, "", "")
		}
	})
	f := r.fixture(t)
	if server.Program == "cyrus" {
		f.Connector = fixedOrganizer{f.Connector}
	}
	return f
}

// fixedOrganizer declares what Cyrus leaves of the fields: it refuses to change
// the organizer of a meeting (RFC 6638 section 3.2.4.4).
type fixedOrganizer struct{ connector.Connector }

func (f fixedOrganizer) Capabilities() connector.Capabilities {
	caps := f.Connector.Capabilities()
	event := caps.Kinds[model.Event]
	event.Fields = slices.DeleteFunc(event.Fields, func(f string) bool { return f == "organizer" })
	caps.Kinds[model.Event] = event
	return caps
}

func hashOf(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

func pathOf(server *peer.DAVServer, url string) string { return strings.TrimPrefix(url, server.URL) }

// world is a simulated server with one person, alice.
type world struct {
	server *simulator.Server
	remote
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := t.Context()
	s, err := simulator.Open(ctx, filepath.Join(t.TempDir(), "dav.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	err = s.AddUser(ctx, simulator.User{
		Name: "alice", Password: "secret", Token: "alice-token", DisplayName: "Alice",
		Addresses: []string{"alice@example.org", "a.example@example.org"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{server: s, remote: remote{user: "alice", password: "secret", collections: map[model.Kind]string{}}}
	for kind, c := range map[model.Kind]simulator.Collection{
		model.Contact: {User: "alice", Kind: simulator.AddressBook, Name: "contacts"},
		model.Event:   {User: "alice", Kind: simulator.Calendar, Name: "work", Components: []string{"VEVENT"}},
		model.Task:    {User: "alice", Kind: simulator.Calendar, Name: "tasks", Components: []string{"VTODO"}},
	} {
		if w.collections[kind], err = s.AddCollection(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) fixture(t testing.TB) connectortest.Fixture {
	f := w.remote.fixture(t)
	f.LoseAnswer = func(testing.TB) {
		w.server.Inject(simulator.Fault{Method: http.MethodPut, Effect: simulator.DropAfter})
	}
	return f
}

// remote is a DAV server as a person with another program sees it: it is
// written to by plain HTTP.
type remote struct {
	url, user, password string
	kinds               string // setting kinds
	collections         map[model.Kind]string
	made                int
}

func (r *remote) settings() connector.Settings {
	values := map[string]string{"url": r.url, "user": "{user}", "kinds": r.kinds}
	return connector.Settings{Values: values, Secret: r.password}
}

func (r *remote) account() model.Account {
	return model.Account{Connection: "dav", Mailbox: "mbx", Address: r.user + "@example.org"}
}

// connector is a new one, whose connections end with the test.
func (r *remote) connector(t testing.TB) *Connector {
	t.Helper()
	c, err := New(r.settings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (r *remote) open(t testing.TB) *Session {
	t.Helper()
	s, err := r.connector(t).Open(t.Context(), r.account())
	if err != nil {
		t.Fatal(err)
	}
	return s.(*Session)
}

func (r *remote) fixture(t testing.TB) connectortest.Fixture {
	t.Helper()
	c := r.connector(t)
	return connectortest.Fixture{
		Connector: c, Account: r.account(), Collections: r.collections,
		Create: r.create, Edit: r.edit, Delete: func(t testing.TB, ref model.Ref) { r.delete(t, ref.ID) },
		Foreign: r.foreign,
		Denied: func(t testing.TB) (connector.Connector, model.Account, string) {
			t.Helper()
			bad := r.settings()
			bad.Secret = "wrong-secret-in-no-text"
			c, err := New(bad)
			if err != nil {
				t.Fatal(err)
			}
			return c, r.account(), bad.Secret
		},
		Same: sameMeaning,
	}
}

// sameMeaning compares changed occurrences and alarms in the one form that the
// connector reads them in.
func sameMeaning(_ model.Kind, field string, wrote, read model.Value) bool {
	c := newConverter()
	switch field {
	case "overrides":
		doc := parseComponents(wrote.Text, "VEVENT")
		if len(doc) == 0 {
			return read.Text == ""
		}
		texts := map[string]string{}
		for _, o := range doc {
			texts[c.occurrenceKey(calendarOf(o.Parent()), o)] = componentText("VEVENT", c.occurrenceLines(calendarOf(o.Parent()), o))
		}
		return joinSorted(texts) == read.Text
	case "alarms":
		for _, a := range parseComponents(wrote.Text, "VALARM") {
			return c.alarmText(a) == read.Text
		}
	}
	return false
}

// send makes one request as the person.
func (r *remote) send(t testing.TB, method, path string, body []byte, header, value string) (int, []byte, string) {
	t.Helper()
	url := path
	if !strings.HasPrefix(path, "http") {
		url = r.url + path
	}
	req, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(r.user, r.password)
	if header != "" {
		req.Header.Set(header, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer, resp.Header.Get("ETag")
}

func (r *remote) put(t testing.TB, path string, kind model.Kind, raw []byte) {
	t.Helper()
	if status, answer, _ := r.send(t, http.MethodPut, path, raw, "Content-Type", contentType(kind)); status/100 != 2 {
		t.Fatalf("PUT %s: %d %s", path, status, answer)
	}
}

func (r *remote) get(t testing.TB, path string) []byte {
	t.Helper()
	status, answer, _ := r.send(t, http.MethodGet, path, nil, "", "")
	if status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, status, answer)
	}
	return answer
}

func (r *remote) delete(t testing.TB, path string) {
	t.Helper()
	if status, answer, _ := r.send(t, http.MethodDelete, path, nil, "", ""); status/100 != 2 {
		t.Fatalf("DELETE %s: %d %s", path, status, answer)
	}
}

func (r *remote) create(t testing.TB, c model.Collection, content model.Content) string {
	t.Helper()
	r.made++
	op := model.Operation{Ref: refOf(c, "", ""), UID: fmt.Sprintf("outside-%d", r.made), Content: content}
	raw, fail := newConverter().create(op, someEnvironment())
	if fail != nil {
		t.Fatal(fail.fault)
	}
	raw, fail = newConverter().stamp(raw, c.Kind, "")
	if fail != nil {
		t.Fatal(fail.fault)
	}
	href, _ := collectionHref(c.ID)
	path := fmt.Sprintf("%soutside-%d%s", href, r.made, map[bool]string{true: ".vcf", false: ".ics"}[c.Kind == model.Contact])
	r.put(t, path, c.Kind, raw)
	return path
}

func (r *remote) edit(t testing.TB, ref model.Ref, changed model.Content) {
	t.Helper()
	raw := r.get(t, ref.ID)
	it, _ := newConverter().item(ref, raw)
	want := it.Content.Clone()
	for f, v := range changed {
		want.Put(f, v)
	}
	op := model.Operation{Ref: ref, Content: want, Changed: changed.Fields()}
	edited, fail := newConverter().change(op, raw, someEnvironment())
	if fail != nil {
		t.Fatal(fail.fault)
	}
	r.put(t, ref.ID, ref.Kind, edited)
}

// foreign puts properties into an object that no field covers.
func (r *remote) foreign(t testing.TB, ref model.Ref) func(testing.TB) bool {
	t.Helper()
	raw := string(r.get(t, ref.ID))
	line := "X-SOMETHING-ELSE;X-PARAM=\"a;b\":kept as it was\r\n"
	end := map[model.Kind]string{model.Contact: "END:VCARD", model.Event: "END:VEVENT", model.Task: "END:VTODO"}[ref.Kind]
	r.put(t, ref.ID, ref.Kind, []byte(strings.Replace(raw, end, line+end, 1)))
	return func(t testing.TB) bool {
		t.Helper()
		return strings.Contains(string(r.get(t, ref.ID)), "kept as it was")
	}
}

func someEnvironment() environment {
	return environment{now: testTime(), mine: func(string) bool { return false }}
}
