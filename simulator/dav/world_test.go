package dav_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/simulator/dav"
)

// world is a served simulator with one user, alice, who has an address book, a
// calendar and a task list.
type world struct {
	t   testing.TB
	srv *dav.Server
	url string

	contacts, calendar, tasks string // paths
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, srv: openServer(t, filepath.Join(t.TempDir(), "dav.db"))}
	ctx := t.Context()
	must(t, w.srv.AddUser(ctx, dav.User{
		Name: "alice", Password: "secret", Token: "alice-token",
		DisplayName: "Alice Example", Addresses: []string{"alice@example.org", "a.example@example.org"},
	}))
	must(t, w.srv.AddUser(ctx, dav.User{Name: "bob", Password: "secret"}))
	w.contacts = w.collection(dav.Collection{User: "alice", Kind: dav.AddressBook, Name: "contacts", DisplayName: "People & <Friends>"})
	w.calendar = w.collection(dav.Collection{User: "alice", Kind: dav.Calendar, Name: "work"})
	w.tasks = w.collection(dav.Collection{User: "alice", Kind: dav.Calendar, Name: "tasks", Components: []string{"VTODO"}})
	server := httptest.NewServer(w.srv)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func openServer(t testing.TB, file string) *dav.Server {
	t.Helper()
	srv, err := dav.Open(t.Context(), file)
	must(t, err)
	t.Cleanup(func() { must(t, srv.Close()) })
	return srv
}

func (w *world) collection(c dav.Collection) string {
	w.t.Helper()
	path, err := w.srv.AddCollection(w.t.Context(), c)
	must(w.t, err)
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// request sends a request as it is; an error means that no whole answer came.
func (w *world) request(method, path, body string, header ...string) (reply, error) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	must(w.t, err)
	r.SetBasicAuth("alice", "secret")
	if strings.HasPrefix(body, "<") {
		r.Header.Set("Content-Type", "application/xml")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(answer)}, err
}

// do sends a request that has to be answered with the wanted status.
func (w *world) do(want int, method, path, body string, header ...string) reply {
	w.t.Helper()
	got, err := w.request(method, path, body, header...)
	must(w.t, err)
	if got.status != want {
		w.t.Fatalf("%s %s: status %d, want %d: %s", method, path, got.status, want, got.body)
	}
	return got
}

// refused sends a request that has to fail with a status and a precondition.
func (w *world) refused(status int, condition, method, path, body string, header ...string) reply {
	w.t.Helper()
	got := w.do(status, method, path, body, header...)
	if !strings.Contains(got.body, ":"+condition) {
		w.t.Fatalf("%s %s: no %s in %s", method, path, condition, got.body)
	}
	return got
}

func (w *world) put(path, content string, header ...string) string {
	w.t.Helper()
	got, err := w.request(http.MethodPut, path, content, header...)
	must(w.t, err)
	if got.status != http.StatusCreated && got.status != http.StatusNoContent {
		w.t.Fatalf("PUT %s: status %d: %s", path, got.status, got.body)
	}
	return got.header.Get("ETag")
}

// member is one response of a multistatus.
type member struct {
	Href     string `xml:"DAV: href"`
	Status   string `xml:"DAV: status"`
	Propstat []struct {
		Status string `xml:"DAV: status"`
		Prop   struct {
			Inner string `xml:",innerxml"`
			ETag  string `xml:"DAV: getetag"`
			Event string `xml:"urn:ietf:params:xml:ns:caldav calendar-data"`
			Card  string `xml:"urn:ietf:params:xml:ns:carddav address-data"`
		} `xml:"DAV: prop"`
	} `xml:"DAV: propstat"`
}

func (m member) status() string {
	if m.Status == "" && len(m.Propstat) > 0 {
		return m.Propstat[0].Status
	}
	return m.Status
}

// found is the XML of the properties with status 200.
func (m member) found() string {
	for _, p := range m.Propstat {
		if strings.Contains(p.Status, "200") {
			return p.Prop.Inner
		}
	}
	return ""
}

type multistatus struct {
	Members []member `xml:"DAV: response"`
	Token   string   `xml:"DAV: sync-token"`
}

// members maps the addresses to their responses; an address may come once only.
func (w *world) members(r reply) (map[string]member, string) {
	w.t.Helper()
	var m multistatus
	must(w.t, xml.Unmarshal([]byte(r.body), &m))
	all := map[string]member{}
	for _, one := range m.Members {
		if _, twice := all[one.Href]; twice {
			w.t.Fatalf("%s is listed twice: %s", one.Href, r.body)
		}
		all[one.Href] = one
	}
	return all, m.Token
}

func (w *world) propfind(path, depth, props string) map[string]member {
	w.t.Helper()
	body := `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="urn:ietf:params:xml:ns:carddav" ` +
		`xmlns:S="http://calendarserver.org/ns/"><prop>` + props + `</prop></propfind>`
	all, _ := w.members(w.do(http.StatusMultiStatus, "PROPFIND", path, body, "Depth", depth))
	return all
}

func card(uid, name string) string {
	return "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:" + uid + "\r\nFN:" + name + "\r\nN:;" + name + ";;;\r\nEND:VCARD\r\n"
}

// event is an event at a time (UTC), with more lines if wanted.
func event(uid, start string, lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//rehearsal//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid +
		"\r\nDTSTAMP:20300101T000000Z\r\nDTSTART:" + start + "\r\n" + joined(lines) + "END:VEVENT\r\nEND:VCALENDAR\r\n"
}

func task(uid string, lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//rehearsal//test//EN\r\nBEGIN:VTODO\r\nUID:" + uid +
		"\r\nDTSTAMP:20300101T000000Z\r\n" + joined(lines) + "END:VTODO\r\nEND:VCALENDAR\r\n"
}

func joined(lines []string) string {
	all := ""
	for _, l := range lines {
		all += l + "\r\n"
	}
	return all
}
