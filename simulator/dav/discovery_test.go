package dav_test

import (
	"net/http"
	"strings"
	"testing"

	"lockstep.dev/simulator/dav"
)

// From nothing but the address of the server to every collection: RFC 6764 5,
// RFC 5397, RFC 4791 6.2.1, RFC 6352 7.1.1.
func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	for _, service := range []string{"caldav", "carddav"} {
		r := w.do(http.StatusMovedPermanently, "PROPFIND", "/.well-known/"+service, "")
		if to := r.header.Get("Location"); to != "/" {
			t.Errorf("%s leads to %q", service, to)
		}
	}
	root := w.propfind("/", "0", "<current-user-principal/>")["/"]
	if !strings.Contains(root.found(), "/principals/alice/") {
		t.Fatalf("no principal: %s", root.found())
	}
	me := w.propfind("/principals/alice/", "0", "<displayname/><C:calendar-home-set/><A:addressbook-home-set/>"+
		"<C:calendar-user-address-set/><resourcetype/>")["/principals/alice/"].found()
	for _, part := range []string{"Alice Example", "/calendars/alice/", "/addressbooks/alice/", "mailto:alice@example.org", "mailto:a.example@example.org", "principal"} {
		if !strings.Contains(me, part) {
			t.Errorf("principal without %s: %s", part, me)
		}
	}
}

// A home lists its collections with everything a client needs to choose.
func TestHomesListCollections(t *testing.T) {
	w := newWorld(t)
	props := "<resourcetype/><displayname/><C:supported-calendar-component-set/><supported-report-set/><sync-token/>" +
		"<S:getctag/><current-user-privilege-set/>"
	calendars := w.propfind("/calendars/alice", "1", props)
	if len(calendars) != 3 {
		t.Fatalf("the home and two calendars expected: %v", calendars)
	}
	for path, wanted := range map[string][]string{
		w.calendar: {"calendar", `"VEVENT"`, "sync-collection", "calendar-multiget", "calendar-query", "sync-token", "getctag", "write-content"},
		w.tasks:    {`"VTODO"`},
	} {
		for _, part := range wanted {
			if got := calendars[path].found(); !strings.Contains(got, part) {
				t.Errorf("%s without %s: %s", path, part, got)
			}
		}
	}
	books := w.propfind("/addressbooks/alice/", "1", props)
	if got := books[w.contacts].found(); !strings.Contains(got, "addressbook") || !strings.Contains(got, "People &amp; &lt;Friends&gt;") {
		t.Errorf("address book: %s", got)
	}
}

// Every answer says what the server can do (RFC 4791 5.1, RFC 6352 6.1), even
// to someone who is not signed in.
func TestOptions(t *testing.T) {
	w := newWorld(t)
	r := w.do(http.StatusOK, http.MethodOptions, "/", "", "Authorization", "")
	for _, feature := range []string{"calendar-access", "addressbook", "calendar-auto-schedule", "extended-mkcol"} {
		if !strings.Contains(r.header.Get("DAV"), feature) {
			t.Errorf("DAV header without %s", feature)
		}
	}
	if !strings.Contains(r.header.Get("Allow"), "REPORT") {
		t.Errorf("Allow: %s", r.header.Get("Allow"))
	}
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	const body = ""
	for authorization, want := range map[string]int{
		"Bearer alice-token":         http.StatusMultiStatus,
		"Bearer wrong":               http.StatusUnauthorized,
		"Bearer ":                    http.StatusUnauthorized, // bob has no token
		"Basic YWxpY2U6d3Jvbmc=":     http.StatusUnauthorized, // alice:wrong
		"Basic bm9ib2R5OnNlY3JldA==": http.StatusUnauthorized, // nobody:secret
		"":                           http.StatusUnauthorized,
	} {
		r := w.do(want, "PROPFIND", "/", body, "Depth", "0", "Authorization", authorization)
		if want == http.StatusUnauthorized && r.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: no challenge", authorization)
		}
	}
	// A changed password counts at once.
	must(t, w.srv.AddUser(t.Context(), dav.User{Name: "alice", Password: "changed"}))
	w.do(http.StatusUnauthorized, "PROPFIND", "/", body, "Depth", "0")
}

// Nobody sees another user's things.
func TestOthersAreForbidden(t *testing.T) {
	w := newWorld(t)
	w.refused(http.StatusForbidden, "need-privileges", "PROPFIND", "/calendars/bob/", "", "Depth", "1")
	w.refused(http.StatusForbidden, "need-privileges", http.MethodPut, "/addressbooks/bob/x/y.vcf", card("1", "Y"))
}

// RFC 4918 9.1: unknown properties are 404, allprop leaves the costly ones out,
// an infinite depth is refused.
func TestPropfindForms(t *testing.T) {
	w := newWorld(t)
	asked := w.propfind(w.contacts, "0", `<displayname/><x xmlns="urn:x"/>`)[w.contacts]
	if len(asked.Propstat) != 2 || !strings.Contains(asked.Propstat[1].Status, "404") {
		t.Errorf("an unknown property: %+v", asked.Propstat)
	}
	all := w.do(http.StatusMultiStatus, "PROPFIND", w.contacts, "", "Depth", "0").body
	if !strings.Contains(all, "resourcetype") || strings.Contains(all, "sync-token") {
		t.Errorf("allprop: %s", all)
	}
	names := w.do(http.StatusMultiStatus, "PROPFIND", w.contacts, `<propfind xmlns="DAV:"><propname/></propfind>`, "Depth", "0").body
	if !strings.Contains(names, "<D:sync-token/>") {
		t.Errorf("propname: %s", names)
	}
	w.refused(http.StatusForbidden, "propfind-finite-depth", "PROPFIND", w.contacts, "", "Depth", "infinity")
	w.do(http.StatusBadRequest, "PROPFIND", w.contacts, "<broken", "Depth", "0")
	w.do(http.StatusNotFound, "PROPFIND", "/calendars/alice/none/", "", "Depth", "0")
	w.do(http.StatusNotFound, "PROPFIND", "/elsewhere/", "", "Depth", "0")
	w.do(http.StatusMethodNotAllowed, "LOCK", w.contacts, "")
}

// RFC 5689 and RFC 4791 5.3.1: a client makes, names and removes collections.
func TestCollectionsAreMadeAndRemoved(t *testing.T) {
	w := newWorld(t)
	book := `<mkcol xmlns="DAV:" xmlns:A="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/><A:addressbook/>` +
		`</resourcetype><displayname>Second</displayname></prop></set></mkcol>`
	w.do(http.StatusCreated, "MKCOL", "/addressbooks/alice/second/", book)
	w.do(http.StatusMethodNotAllowed, "MKCOL", "/addressbooks/alice/second/", book)
	list := `<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop><displayname>Jobs</displayname>` +
		`<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>` +
		`<calendar-color xmlns="http://apple.com/ns/ical/">#ff0000</calendar-color></prop></set></C:mkcalendar>`
	w.do(http.StatusCreated, "MKCALENDAR", "/calendars/alice/jobs/", list)
	w.refused(http.StatusForbidden, "resource-must-be-null", "MKCALENDAR", "/calendars/alice/jobs/", list)
	w.refused(http.StatusForbidden, "valid-resourcetype", "MKCOL", "/addressbooks/alice/plain/", "")
	w.refused(http.StatusForbidden, "valid-resourcetype", "MKCALENDAR", "/addressbooks/alice/wrong/", "")

	patch := `<propertyupdate xmlns="DAV:"><set><prop><displayname>Chores</displayname></prop></set></propertyupdate>`
	w.do(http.StatusMultiStatus, "PROPPATCH", "/calendars/alice/jobs/", patch)
	got := w.propfind("/calendars/alice/jobs/", "0", `<displayname/><C:supported-calendar-component-set/><calendar-color xmlns="http://apple.com/ns/ical/"/>`)
	for _, part := range []string{"Chores", "VTODO", "#ff0000"} {
		if !strings.Contains(got["/calendars/alice/jobs/"].found(), part) {
			t.Errorf("the new list without %s: %+v", part, got)
		}
	}
	w.do(http.StatusMultiStatus, "PROPPATCH", "/calendars/alice/jobs/", `<propertyupdate xmlns="DAV:"><remove><prop>`+
		`<calendar-color xmlns="http://apple.com/ns/ical/"/></prop></remove></propertyupdate>`)
	if all := w.do(http.StatusMultiStatus, "PROPFIND", "/calendars/alice/jobs/", "", "Depth", "0").body; strings.Contains(all, "calendar-color") {
		t.Errorf("the colour is still there: %s", all)
	}
	w.put("/calendars/alice/jobs/1.ics", task("1"))
	if object := w.propfind("/calendars/alice/jobs/1.ics", "0", "<getlastmodified/><getcontenttype/><getcontentlength/>"); len(object["/calendars/alice/jobs/1.ics"].Propstat) != 1 {
		t.Errorf("properties of an object: %+v", object)
	}
	w.do(http.StatusNoContent, http.MethodDelete, "/calendars/alice/jobs/", "")
	w.do(http.StatusNotFound, http.MethodGet, "/calendars/alice/jobs/1.ics", "")
}

// RFC 4918 9.2: either all properties change or none.
func TestProppatchIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	r := w.do(http.StatusMultiStatus, "PROPPATCH", w.calendar,
		`<propertyupdate xmlns="DAV:"><set><prop><displayname>New</displayname><getetag>1</getetag></prop></set></propertyupdate>`)
	if !strings.Contains(r.body, "403") || !strings.Contains(r.body, "424") || !strings.Contains(r.body, "cannot-modify-protected-property") {
		t.Errorf("answer: %s", r.body)
	}
	if got := w.propfind(w.calendar, "0", "<displayname/>")[w.calendar].found(); !strings.Contains(got, "work") {
		t.Errorf("the name changed: %s", got)
	}
}
