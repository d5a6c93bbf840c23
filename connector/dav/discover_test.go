package dav

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	simulator "lockstep.dev/simulator/dav"
)

// Whatever address an administrator has at hand leads to the collections.
func TestDiscoveryFromAnyAddress(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"", "/", "/principals/alice/", "/principals/{user}/", "/calendars/alice/ /addressbooks/alice/"} {
		var urls []string
		for _, p := range strings.Fields(path + " ") {
			urls = append(urls, w.url+p)
		}
		if len(urls) == 0 {
			urls = []string{w.url}
		}
		s := openAt(t, strings.Join(urls, " "), nil)
		got := collectionsOf(t, s)
		want := []string{"/addressbooks/alice/contacts/ contact", "/calendars/alice/tasks/ task", "/calendars/alice/work/ event"}
		if !slices.Equal(got, want) {
			t.Errorf("from %q: %v", path, got)
		}
	}
}

func collectionsOf(t *testing.T, s *Session) []string {
	t.Helper()
	all, err := s.Collections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range all {
		out = append(out, c.ID+" "+string(c.Kind))
	}
	return out
}

func TestDiscoveryFromOneCollection(t *testing.T) {
	w := newWorld(t)
	if got := collectionsOf(t, openAt(t, w.url+"/calendars/alice/work/", nil)); !slices.Equal(got, []string{"/calendars/alice/work/ event"}) {
		t.Errorf("got %v", got)
	}
}

func TestSettingsChooseKindsAndCollections(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		values map[string]string
		want   []string
	}{
		{map[string]string{"kinds": "task, contact"}, []string{"/addressbooks/alice/contacts/ contact", "/calendars/alice/tasks/ task"}},
		{map[string]string{"collections": "Work"}, []string{"/calendars/alice/work/ event"}},
		{map[string]string{"collections": "/calendars/alice/tasks"}, []string{"/calendars/alice/tasks/ task"}},
	} {
		if got := collectionsOf(t, openAt(t, w.url, c.values)); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v", c.values, got)
		}
	}
	s := openAt(t, w.url, map[string]string{"collections": "Nothing of that name"})
	if _, err := s.Collections(t.Context()); !fault.Is(err, fault.NotFound) {
		t.Errorf("a name that nothing has: %v", err)
	}
	if err := openAt(t, w.url, map[string]string{"kinds": "event"}).Test(t.Context(), model.Incoming); !fault.Is(err, fault.Unsupported) {
		t.Errorf("e-mail: %v", err)
	}
}

// A calendar for events and tasks is two collections over one address, each of
// which tells of its own kind only.
func TestMixedCalendarIsTwoCollections(t *testing.T) {
	w := newWorld(t)
	path, err := w.server.AddCollection(t.Context(), simulator.Collection{User: "alice", Kind: simulator.Calendar, Name: "both", Components: []string{"VEVENT", "VTODO"}})
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, path+"e.ics", model.Event, stored("alice@example.org"))
	task := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTODO\r\nUID:t\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:x\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
	w.put(t, path+"t.ics", model.Task, []byte(task))
	s := w.open(t)
	all, err := s.Collections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[model.Kind]string{model.Event: path + "e.ics", model.Task: path + "t.ics"} {
		i := slices.IndexFunc(all, func(c model.Collection) bool { return c.ID == path+"#"+string(kind) })
		if i < 0 || all[i].Kind != kind || all[i].Primary {
			t.Fatalf("%s: %+v", kind, all)
		}
		for _, read := range []func() []model.Ref{
			func() []model.Ref { return refsOf(t, s, all[i], true) },
			func() []model.Ref { return refsOf(t, s, all[i], false) },
		} {
			if refs := read(); len(refs) != 1 || refs[0].ID != want || refs[0].Kind != kind {
				t.Errorf("%s: %+v", kind, refs)
			}
		}
		r := done(t, s, model.Operation{Action: model.Create, Ref: refOf(all[i], "", ""), Key: "new." + model.Key(kind), Content: meeting("alice@example.org").Only([]string{"title", "start", "end"})})
		if !strings.HasPrefix(r.Ref.ID, path+"lockstep-new.") {
			t.Errorf("created at %s", r.Ref.ID)
		}
	}
}

func refsOf(t *testing.T, s *Session, c model.Collection, list bool) []model.Ref {
	t.Helper()
	pages := s.Changes(t.Context(), c, "")
	if list {
		pages = s.List(t.Context(), c, "")
	}
	var out []model.Ref
	for p, err := range pages {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p.Changed...)
	}
	return out
}

// Where a server does not say in its content types what an object is, the
// objects themselves are asked.
func TestMixedCalendarWithoutContentTypes(t *testing.T) {
	w := newWorld(t)
	path, err := w.server.AddCollection(t.Context(), simulator.Collection{User: "alice", Kind: simulator.Calendar, Name: "both", Components: []string{"VEVENT", "VTODO"}})
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, path+"e.ics", model.Event, stored("alice@example.org"))
	s := w.open(t)
	c := model.Collection{ID: path + "#task", Kind: model.Task}
	r := s.report(t.Context(), c, func(connector.Page, error) bool { return true })
	if err := r.changed(member{}, path+"e.ics"); err != nil || len(r.unsure) != 1 {
		t.Fatalf("unsure %v, %v", r.unsure, err)
	}
	if err := r.settleUnsure(); err != nil || len(r.page.Items)+len(r.page.Changed) != 0 {
		t.Errorf("an event counts as a task: %+v, %v", r.page, err)
	}
}

// An identity is immutable or it is none: a principal named after the person
// would change when the person is renamed.
func TestIdentityIsNeverAName(t *testing.T) {
	for principal, want := range map[string]string{
		"/principals/users/alice/":             "",
		"/principals/alice%40example.org/":     "",
		"/dav/principal/":                      "",
		"/123456789/principal/":                "/123456789/principal/",
		"/principals/4f3a1c9e-0000-4e1b-9f6a/": "/principals/4f3a1c9e-0000-4e1b-9f6a/",
	} {
		s := fake(t, func(w http.ResponseWriter, r *http.Request) {
			multistatusAnswer(w, `<response><href>`+r.URL.Path+`</href><propstat><prop><current-user-principal><href>`+principal+
				`</href></current-user-principal><C:calendar-home-set><href>/home/</href></C:calendar-home-set></prop><status>HTTP/1.1 200 OK</status></propstat></response>`)
		})
		s.mu.Lock()
		s.place = &place{principal: principal, homes: []string{"/home/"}}
		s.mu.Unlock()
		if got, err := s.Identity(t.Context()); err != nil || got != want {
			t.Errorf("%s: %q, %v", principal, got, err)
		}
	}
}

// multistatusAnswer sends a 207 with the usual prefixes.
func multistatusAnswer(w http.ResponseWriter, responses string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusMultiStatus)
	_, _ = w.Write([]byte(`<?xml version="1.0"?><multistatus ` + prefixList + `>` + responses + `</multistatus>`))
}

// Only real calendars and address books are collections.
func TestWhatIsNoCalendar(t *testing.T) {
	for types, want := range map[string]int{
		`<collection/><C:calendar/>`:                                           2,
		`<collection/><C:calendar/><C:schedule-inbox/>`:                        0,
		`<collection/><C:calendar/><S:subscribed/>`:                            0,
		`<collection/><A:addressbook/>`:                                        1,
		`<collection/>`:                                                        0,
		`<collection/><x:calendar xmlns:x="urn:somebody:else"/>`:               0,
		`<C:calendar/><d xmlns="http://nextcloud.com/ns"/>`:                    2,
		`<C:calendar/><x:deleted-calendar xmlns:x="http://nextcloud.com/ns"/>`: 0,
	} {
		body := `<multistatus ` + prefixList + `><response><href>/c/</href><propstat><prop><resourcetype>` + types + `</resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`
		_, err := readMultistatus(strings.NewReader(body), func(m member) error {
			if got := len(kindsOf(m)); got != want {
				t.Errorf("%s: %d kinds, want %d", types, got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Read-only collections are shown as such and take no new items.
func TestPrivilegesDecideWhatIsWritable(t *testing.T) {
	for privileges, want := range map[string]bool{
		``: true,
		`<current-user-privilege-set><privilege><read/></privilege></current-user-privilege-set>`: false,
		`<current-user-privilege-set/>`: false,
		`<current-user-privilege-set><privilege><read/></privilege><privilege><write-content/></privilege></current-user-privilege-set>`: true,
		`<current-user-privilege-set><privilege><all/></privilege></current-user-privilege-set>`:                                         true,
	} {
		body := `<multistatus ` + prefixList + `><response><href>/c/</href><propstat><prop>` + privileges + `</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`
		_, err := readMultistatus(strings.NewReader(body), func(m member) error {
			if got := writable(m); got != want {
				t.Errorf("%s: %v", privileges, got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A quiet round costs one request for each collection (design decision 6).
func TestQuietRoundIsOneRequest(t *testing.T) {
	w := newWorld(t)
	w.putCards(t, 30)
	s := w.open(t)
	c := w.collection(t, s, model.Contact)
	first := w.changes(t, s, model.Contact, "")
	for name, behaviour := range map[string]simulator.Behaviour{"sync-collection": {}, "ctag": {NoSyncCollection: true}} {
		w.server.SetBehaviour(behaviour)
		since := first.cursor
		if name == "ctag" {
			since = w.changes(t, s, model.Contact, "").cursor
		}
		w.server.ResetCounts()
		for p, err := range s.Changes(t.Context(), c, since) {
			if err != nil || len(p.Changed) > 0 || !p.Last || p.Full || p.Cursor == "" {
				t.Errorf("%s: page %+v, %v", name, p, err)
			}
		}
		if n := w.server.Counts().Total; n != 1 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// k changes cost one report and one multiget for each hundred (algorithm 4).
func TestChangesCostOneReportAndOneMultigetPerBatch(t *testing.T) {
	w := newWorld(t)
	w.putCards(t, 250)
	s := w.open(t)
	c := w.collection(t, s, model.Contact)
	w.server.ResetCounts()
	refs := refsOf(t, s, c, false)
	for chunk := range slices.Chunk(refs, batchSize) {
		if items, err := s.Fetch(t.Context(), chunk); err != nil || len(items) != len(chunk) {
			t.Fatalf("%d items, %v", len(items), err)
		}
	}
	n := w.server.Counts()
	if n.ByReport["addressbook-multiget"] != 3 || n.ByReport["sync-collection"] != 1 || n.Total != 5 {
		t.Errorf("requests: %+v", n)
	}
}
