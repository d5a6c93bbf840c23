package dav_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/internal/peer"
	"lockstep.dev/simulator/dav"
)

// The same requests get the same answers from the simulator and from Cyrus,
// the strictest of the real servers.
func TestAnswersLikeCyrus(t *testing.T) {
	simulated := newWorld(t)
	cyrus := newCyrusWorld(t)
	for name, story := range map[string]func(*world) []string{
		"conditions": conditionsStory, "sync": syncStory, "refusals": refusalsStory,
	} {
		if got, want := story(simulated), story(cyrus); !slices.Equal(got, want) {
			t.Errorf("%s:\nsimulator %q\nCyrus     %q", name, got, want)
		}
	}
}

// newCyrusWorld is a world on Cyrus; only its requests and paths are of use.
func newCyrusWorld(t *testing.T) *world {
	t.Helper()
	s := peer.Cyrus(t, "alice", "bob")
	path := func(url string) string { return strings.TrimPrefix(url, s.URL) }
	return &world{
		t: t, url: s.URL,
		contacts: path(s.AddressBook("alice")), calendar: path(s.Calendar("alice")), tasks: path(s.TaskList("alice")),
	}
}

// story notes the outcome of each request.
type story struct {
	w     *world
	lines []string
}

func (s *story) do(what, method, path, body string, header ...string) reply {
	s.w.t.Helper()
	if method == http.MethodPut {
		header = append(header, "Content-Type", map[bool]string{true: "text/vcard", false: "text/calendar"}[strings.HasPrefix(path, s.w.contacts)])
	}
	r, err := s.w.request(method, path, body, header...)
	must(s.w.t, err)
	s.lines = append(s.lines, fmt.Sprintf("%s: %d", what, r.status))
	return r
}

func conditionsStory(w *world) []string {
	s := &story{w: w}
	path := w.contacts + "ada.vcf"
	first := s.do("create", http.MethodPut, path, card("ada", "Ada"), "If-None-Match", "*").header.Get("ETag")
	s.do("create again", http.MethodPut, path, card("ada", "Ada"), "If-None-Match", "*")
	second := s.do("update", http.MethodPut, path, card("ada", "Ada L."), "If-Match", first).header.Get("ETag")
	s.do("late update", http.MethodPut, path, card("ada", "Late"), "If-Match", first)
	s.do("late delete", http.MethodDelete, path, "", "If-Match", first)
	s.do("update of nothing", http.MethodPut, w.contacts+"none.vcf", card("none", "None"), "If-Match", first)
	s.do("get", http.MethodGet, path, "")
	s.do("get unchanged", http.MethodGet, path, "", "If-None-Match", second)
	s.do("delete", http.MethodDelete, path, "", "If-Match", second)
	s.do("get deleted", http.MethodGet, path, "")
	s.do("delete deleted", http.MethodDelete, path, "")
	return s.lines
}

func syncStory(w *world) []string {
	var lines []string
	note := func(what string, changed map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(changed)) {
			lines = append(lines, what+": "+name+" "+changed[name])
		}
	}
	event := func(uid, summary string) string {
		return event(uid, "20300101T100000Z", "DTEND:20300101T110000Z", "SUMMARY:"+summary)
	}
	put := func(uid, summary string) {
		w.put(w.calendar+uid+".ics", event(uid, summary), "Content-Type", "text/calendar")
	}
	for _, uid := range []string{"a", "b", "c"} {
		put(uid, "First")
	}
	changed, token := w.sync(w.calendar, "")
	note("initial", changed)
	changed, token = w.sync(w.calendar, token)
	note("quiet", changed)
	put("a", "Second")
	put("d", "New")
	w.do(http.StatusNoContent, http.MethodDelete, w.calendar+"b.ics", "")
	changed, _ = w.sync(w.calendar, token)
	note("changes", changed)
	changed, next := w.sync(w.calendar, token, "<limit><nresults>2</nresults></limit>")
	lines = append(lines, fmt.Sprint("page of ", len(changed)-1, " with ", changed[""]))
	changed, _ = w.sync(w.calendar, next, "<limit><nresults>2</nresults></limit>")
	lines = append(lines, fmt.Sprint("page of ", len(changed)))
	return lines
}

func refusalsStory(w *world) []string {
	s := &story{w: w}
	s.do("sync with nonsense", "REPORT", w.contacts, syncBody("nonsense", ""), "Depth", "0")
	s.do("garbage card", http.MethodPut, w.contacts+"x.vcf", "garbage")
	s.do("garbage event", http.MethodPut, w.calendar+"x.ics", "garbage")
	s.do("task in calendar", http.MethodPut, w.calendar+"x.ics", task("t"))
	s.do("no collection", http.MethodGet, strings.TrimSuffix(w.calendar, "/")+"none/x.ics", "")
	s.do("wrong password", "PROPFIND", w.contacts, "", "Depth", "0", "Authorization", "Basic YWxpY2U6d3Jvbmc=")
	s.do("redirect", "PROPFIND", "/.well-known/carddav", "", "Depth", "0")
	return s.lines
}

// B2: what makes the simulator record mail makes Cyrus deliver a message, and
// what keeps the one silent keeps the other silent, too.
func TestSchedulesLikeCyrus(t *testing.T) {
	simulated := newWorld(t)
	cyrus := newCyrusWorld(t)
	bob := &world{t: t, url: cyrus.url}
	defaultCalendar := "/dav/calendars/user/bob/Default/" // Cyrus delivers to users who have one
	bob.do(http.StatusCreated, "MKCALENDAR", defaultCalendar, "", "Authorization", "Basic Ym9iOnNlY3JldA==")
	got := schedulingStory(simulated, func() []string { return simulated.mails() })
	want := schedulingStory(cyrus, func() []string { return bob.inbox() })
	if !slices.Equal(got, want) {
		t.Errorf("messages to bob:\nsimulator %q\nCyrus     %q", got, want)
	}
}

// inbox takes bob's messages out of Cyrus' scheduling inbox, in the form of
// mails.
func (w *world) inbox() []string {
	w.t.Helper()
	const asBob, inbox = "Basic Ym9iOnNlY3JldA==", "/dav/calendars/user/bob/Inbox/" // bob:secret
	list, _ := w.members(w.do(http.StatusMultiStatus, "PROPFIND", inbox,
		`<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>`, "Depth", "1", "Authorization", asBob))
	var mails []string
	for path := range list {
		if !strings.HasSuffix(path, ".ics") {
			continue
		}
		message := w.do(http.StatusOK, http.MethodGet, path, "", "Authorization", asBob).body
		_, rest, _ := strings.Cut(message, "METHOD:")
		method, _, _ := strings.Cut(rest, "\r\n")
		mails = append(mails, method+" bob@localhost")
		w.do(http.StatusNoContent, http.MethodDelete, path, "", "Authorization", asBob)
	}
	return mails
}

// schedulingStory is the life of some meetings of alice with bob.
func schedulingStory(w *world, mails func() []string) []string {
	var lines []string
	note := func(what string) { lines = append(lines, what+": "+strings.Join(mails(), " ")) }
	agentOf := func(agent string) string {
		return map[bool]string{true: "", false: ";SCHEDULE-AGENT=" + agent}[agent == ""]
	}
	number, sequence := 0, 0
	put := func(what, agent, start string) {
		sequence++ // without, Cyrus tells nobody of a change
		w.put(fmt.Sprintf("%smeeting%d.ics", w.calendar, number), event(fmt.Sprint("meeting", number), start, "DURATION:PT1H",
			fmt.Sprint("SEQUENCE:", sequence), "SUMMARY:Plan", "ORGANIZER:mailto:alice@localhost", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@localhost",
			"ATTENDEE;PARTSTAT=NEEDS-ACTION"+agentOf(agent)+":mailto:bob@localhost"), "Content-Type", "text/calendar", "Schedule-Reply", "F")
		note(what + " as " + agent)
	}
	remove := func(what string) {
		w.do(http.StatusNoContent, http.MethodDelete, fmt.Sprintf("%smeeting%d.ics", w.calendar, number), "", "Schedule-Reply", "F")
		note(what)
	}
	if w.srv != nil {
		must(w.t, w.srv.AddUser(w.t.Context(), dav.User{Name: "alice", Password: "secret", Addresses: []string{"alice@localhost"}}))
	}
	put("created", "", "20300101T100000Z")
	put("moved", "", "20300101T120000Z")
	put("silenced", "CLIENT", "20300101T120000Z")
	remove("silent one deleted")
	for _, agent := range []string{"CLIENT", "NONE", "X-OTHER"} {
		number++
		put("created", agent, "20300102T100000Z")
		put("moved", agent, "20300102T120000Z")
		remove("deleted as " + agent)
	}
	number++
	put("created", "", "20300103T100000Z")
	remove("served one deleted")
	return lines
}
