package activities_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	davclient "lockstep.dev/connector/dav"
	"lockstep.dev/connector/memory"
	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
	"lockstep.dev/simulator/dav"
)

// post is a calendar server that tells attendees of meetings, and counts how
// often it did.
type post struct {
	url, calendar string // of ada; the path is her calendar's
	domain        string // of ada and of guest, who are both known there
	user          string // as which ada signs in
	settings      connector.Settings
	heard         func() int // by guest, so far
}

// B2, decision 14, where the server sends the mail: in the simulator, whose
// outbox is read, and in Cyrus, where a guest's inbox is.
func TestNobodyHearsOfWhatLockstepDoes(t *testing.T) {
	t.Run("simulator", func(t *testing.T) { quietly(t, simulatedPost(t)) })
	t.Run("cyrus", func(t *testing.T) { quietly(t, cyrusPost(t)) })
}

func simulatedPost(t *testing.T) post {
	t.Helper()
	ctx := t.Context()
	server, err := dav.Open(ctx, filepath.Join(t.TempDir(), "dav.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if err := server.AddUser(ctx, dav.User{Name: address("ada"), Password: "secret", Addresses: []string{address("ada")}}); err != nil {
		t.Fatal(err)
	}
	calendar, err := server.AddCollection(ctx, dav.Collection{User: address("ada"), Kind: dav.Calendar, Name: "events"})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	return post{
		url: web.URL, calendar: calendar, domain: "@example.com", user: address("ada"),
		settings: connector.Settings{Values: map[string]string{"url": web.URL + "/"}, Secret: "secret"},
		heard: func() int {
			all, err := server.Outbox(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		},
	}
}

func cyrusPost(t *testing.T) post {
	t.Helper()
	server := peer.Cyrus(t, "ada", "guest")
	server.MakeCalendar(t, "guest", "Default", "VEVENT") // where Cyrus puts invitations
	p := post{
		url: strings.TrimSuffix(server.URL, "/"), domain: "@localhost", user: "ada",
		settings: connector.Settings{Values: map[string]string{"url": server.URL, "user": "{user}", "kinds": "event"}, Secret: server.Password},
	}
	if at := strings.Index(server.URL, "//"); at > 0 {
		if end := strings.Index(server.URL[at+2:], "/"); end > 0 {
			p.url = server.URL[:at+2+end]
		}
	}
	p.calendar = strings.TrimPrefix(server.Calendar("ada"), p.url)
	inbox := strings.TrimPrefix(server.CalendarHome("guest"), p.url) + "Inbox/"
	p.heard = func() int {
		body := p.ask(t, "guest", "PROPFIND", inbox, "1", nil)
		return strings.Count(strings.ToLower(string(body)), ".ics<")
	}
	return p
}

// ask makes a request as a person's own program would.
func (p post) ask(t *testing.T, user, method, path, depth string, body []byte) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(user, p.settings.Secret)
	r.Header.Set("Content-Type", "text/calendar; charset=utf-8")
	if depth != "" {
		r.Header.Set("Depth", depth)
		r.Header.Set("Content-Type", "application/xml; charset=utf-8")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s %v", method, path, answer.Status, err)
	}
	return said
}

// own is a meeting that ada's program wrote: the server serves its guest.
func (p post) own(uid, title string) []byte {
	return []byte(strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//own program//EN", "BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:20310301T000000Z",
		"DTSTART:20310325T090000Z", "DTEND:20310325T100000Z", "SUMMARY:" + title, "ORGANIZER:mailto:ada" + p.domain,
		"ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada" + p.domain, "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:guest" + p.domain,
		"END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n"))
}

// invited is a meeting of ada and guest as the CRM says it.
func (p post) invited(title, day string) model.Content {
	c := meeting(title, "ada", "guest")
	c.PutText("start", day+"T09:00:00Z")
	c.PutText("end", day+"T10:00:00Z")
	c.PutText("organizer", "ada"+p.domain)
	c.PutSet("attendees", []model.Element{
		{Key: "ada" + p.domain, Text: "ada", Attr: map[string]string{"status": "accepted"}}, {Key: "guest" + p.domain, Text: "guest"},
	})
	return c
}

// household is a house whose mailbox is on that server.
func (p post) household(t *testing.T) *house {
	t.Helper()
	h := build(t, events("ada"))
	t.Cleanup(func() { h.close() })
	h.gate.quiet = true
	mail, err := davclient.New(p.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mail.Close() })
	h.acts.Systems = wired{model.CRM: memory.Faults(h.crm, h.gate.remote), model.Mail: mail}
	m, err := h.db.Mailbox(t.Context(), h.box("ada").id)
	h.must(err)
	m.Address = "ada" + p.domain
	h.must(h.db.SaveMailbox(t.Context(), m))
	return h
}

// allow lets organizers' changes be announced.
func (h *house) allow(invite string) {
	h.t.Helper()
	p, err := h.db.Policy(context.Background(), "all")
	h.must(err)
	p.Invite = invite
	h.must(h.db.SavePolicy(context.Background(), p))
}

// quietly tells one life of a mailbox; after each step guest has heard as often
// as is right.
func quietly(t *testing.T, p post) {
	h := p.household(t)
	p.ask(t, p.user, http.MethodPut, p.calendar+"own.ics", "", p.own("own-1", "Own"))
	if p.heard() == 0 {
		t.Fatal("the server tells nobody of anything, so this test proves nothing")
	}
	h.inCRM(model.Event, "ada", p.invited("Board", "2031-03-20"))
	h.inCRM(model.Event, "ada", p.invited("Past", "2031-02-20"))
	for _, step := range []struct {
		name  string
		do    func()
		heard int
	}{
		{"the first sync", func() {}, 0},
		{"the policy says never", func() { h.set("", "Board", "location", "Room 1") }, 0},
		{"what the server serves already", func() { h.set("", "Own", "location", "Room 1") }, 0},
		{"an undo of a change", func() { h.undo("ada") }, 0},
		{"a copy in the calendar is marked as one of its own", func() {
			h.inCRM(model.Event, "ada", p.invited("Original", "2031-03-21"))
			h.rest()
			raw := strings.ReplaceAll(string(p.raw(t, "Original")), "SUMMARY:Original", "SUMMARY:Copy")
			raw = strings.ReplaceAll(raw, "UID:uid-Original", "UID:uid-Copy")
			p.ask(t, p.user, http.MethodPut, p.calendar+"copy.ics", "", []byte(raw))
		}, 0},
		{"positions expire", func() {
			h.must(h.db.ResetCursors(t.Context(), h.mailID, h.box("ada").id))
			h.must(h.db.ResetCursors(t.Context(), h.crmID, ""))
		}, 0},
		{"an audit", func() { h.command("ada", activities.VerbAudit, "") }, 0},
		{"changes may be announced from now on", func() { h.allow("organizer-changes") }, 0},
		{"a past meeting changes", func() { h.set("", "Past", "location", "Room 2") }, 0},
		{"what guests need not know changes", func() { h.set("", "Board", "url", "https://example.org/") }, 0},
		{"a meeting to come is moved", func() { h.set("", "Board", "start", "2031-03-20T08:30:00Z") }, 1},
		{"that is undone", func() { h.undo("ada") }, 0},
		{"a meeting is deleted in the CRM", func() { h.remove("", "Original") }, 0},
		{"that is undone, too", func() { h.undo("ada") }, 0},
	} {
		before := p.heard()
		step.do()
		h.rest()
		if got := p.heard() - before; got != step.heard {
			t.Errorf("%s: guest heard %d times, want %d\n%s", step.name, got, step.heard, strings.Join(h.log, "\n"))
		}
	}
	for _, title := range []string{"Board", "Past", "Copy"} {
		if len(p.raw(t, title)) == 0 || len(h.all("", title)) != 1 {
			t.Errorf("%q is not on both sides, so this proves nothing", title)
		}
	}
}

// rest lets rounds run until nothing happens.
func (h *house) rest() {
	h.t.Helper()
	for range 12 {
		if !h.sweep() {
			return
		}
	}
	h.t.Errorf("not quiet after twelve rounds\n%s", strings.Join(h.log, "\n"))
}

// raw is a meeting as ada's calendar holds it, nothing if it does not.
func (p post) raw(t *testing.T, title string) []byte {
	t.Helper()
	const query = `<?xml version="1.0"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">` +
		`<D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`
	said := string(p.ask(t, p.user, "REPORT", p.calendar, "1", []byte(query)))
	for _, part := range strings.Split(said, "BEGIN:VCALENDAR")[1:] {
		body, _, _ := strings.Cut(part, "END:VCALENDAR")
		body = strings.NewReplacer("&#13;", "\r", "&#xD;", "\r", "&#10;", "\n", "&#xA;", "\n", "&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#34;", `"`).Replace(body)
		if strings.Contains(body, "SUMMARY:"+title+"\r\n") || strings.Contains(body, "SUMMARY:"+title+"\n") {
			body = "BEGIN:VCALENDAR" + body + "END:VCALENDAR\r\n"
			return []byte(strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\n", "\r\n"))
		}
	}
	return nil
}
