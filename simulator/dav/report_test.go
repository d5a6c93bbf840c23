package dav_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/simulator/dav"
)

func multiget(kind string, hrefs ...string) string {
	space, data := "urn:ietf:params:xml:ns:carddav", "address-data"
	if kind == "calendar" {
		space, data = "urn:ietf:params:xml:ns:caldav", "calendar-data"
	}
	body := `<X:` + kind + `-multiget xmlns="DAV:" xmlns:X="` + space + `"><prop><getetag/><X:` + data + `/></prop>`
	for _, h := range hrefs {
		body += "<href>" + h + "</href>"
	}
	return body + `</X:` + kind + `-multiget>`
}

// RFC 6352 8.7 and RFC 4791 7.9: many objects in one answer, 404 for the
// missing ones; addresses may be paths or whole URLs.
func TestMultiget(t *testing.T) {
	w := newWorld(t)
	ada, e := w.contacts+"ada%20l.vcf", w.calendar+"e.ics"
	etag := w.put(ada, card("ada", "Ada & <Lovelace>"))
	w.put(e, event("e", "20300101T100000Z"))
	got, _ := w.members(w.do(http.StatusMultiStatus, "REPORT", w.contacts, multiget("addressbook", w.url+ada, w.contacts+"none.vcf", e)))
	if one := got[ada].Propstat[0].Prop; one.Card != card("ada", "Ada & <Lovelace>") || one.ETag != etag {
		t.Errorf("card: %+v", one)
	}
	for _, missing := range []string{w.contacts + "none.vcf", e} {
		if !strings.Contains(got[missing].Status, "404") {
			t.Errorf("%s: %+v", missing, got[missing])
		}
	}
	got, _ = w.members(w.do(http.StatusMultiStatus, "REPORT", w.calendar, multiget("calendar", e)))
	if one := got[e].Propstat[0].Prop; one.Event != event("e", "20300101T100000Z") {
		t.Errorf("event: %+v", one)
	}
	w.refused(http.StatusForbidden, "supported-report", "REPORT", w.contacts, multiget("calendar", e))
	if n := w.srv.Counts(); n.ByReport["addressbook-multiget"] != 1 || n.Hrefs != 4 || n.ByMethod["PUT"] != 2 || n.Total != 5 {
		t.Errorf("counts: %+v", n)
	}
}

// An error for one member, and silence about missing ones, as in the field.
func TestMultigetQuirks(t *testing.T) {
	w := newWorld(t)
	w.put(w.contacts+"ada.vcf", card("ada", "Ada"))
	w.put(w.contacts+"bob.vcf", card("bob", "Bob"))
	w.srv.SetBehaviour(dav.Behaviour{MultigetSkipsMissing: true, BrokenObjects: []string{"bob.vcf"}})
	body := multiget("addressbook", w.contacts+"ada.vcf", w.contacts+"bob.vcf", w.contacts+"none.vcf")
	got, _ := w.members(w.do(http.StatusMultiStatus, "REPORT", w.contacts, body))
	if len(got) != 2 || !strings.Contains(got[w.contacts+"bob.vcf"].Status, "500") {
		t.Errorf("answer: %+v", got)
	}
}

// query asks with a filter and returns the names of the objects found.
func (w *world) query(collection, filter string) []string {
	w.t.Helper()
	kind, space := "calendar", "caldav"
	if collection == w.contacts {
		kind, space = "addressbook", "carddav"
	}
	body := `<X:` + kind + `-query xmlns="DAV:" xmlns:X="urn:ietf:params:xml:ns:` + space + `"><prop><getetag/></prop>` +
		`<X:filter>` + filter + `</X:filter></X:` + kind + `-query>`
	got, _ := w.members(w.do(http.StatusMultiStatus, "REPORT", collection, body, "Depth", "1"))
	var names []string
	for path := range maps.Keys(got) {
		names = append(names, strings.TrimPrefix(path, collection))
	}
	slices.Sort(names)
	return names
}

// RFC 4791 9.7 and 9.9: what the common programs ask: by component, by time,
// by property.
func TestCalendarQuery(t *testing.T) {
	w := newWorld(t)
	for name, content := range map[string]string{
		"past":    event("past", "20200101T100000Z", "DTEND:20200101T110000Z", "SUMMARY:Old"),
		"noon":    event("noon", "20300601T120000Z", "DURATION:PT1H", "SUMMARY:Lunch", "CATEGORIES:Lockstep,Work"),
		"berlin":  strings.Replace(event("berlin", "X"), "DTSTART:X", "DTSTART;TZID=Europe/Berlin:20300601T003000", 1), // 22:30 UTC the day before
		"allday":  strings.Replace(event("allday", "X"), "DTSTART:X", "DTSTART;VALUE=DATE:20300601", 1),
		"forever": event("forever", "20250101T100000Z", "DTEND:20250101T110000Z", "RRULE:FREQ=WEEKLY"),
		"ended":   event("ended", "20250101T100000Z", "DTEND:20250101T110000Z", "RRULE:FREQ=WEEKLY;UNTIL=20260101T000000Z"),
	} {
		w.put(w.calendar+name, content)
	}
	inside := func(filter string) string {
		return `<X:comp-filter name="VCALENDAR"><X:comp-filter name="VEVENT">` + filter + `</X:comp-filter></X:comp-filter>`
	}
	for _, c := range []struct {
		filter string
		want   string
	}{
		{inside(""), "allday berlin ended forever noon past"},
		{inside(`<X:time-range start="20300601T000000Z" end="20300602T000000Z"/>`), "allday forever noon"},
		{inside(`<X:time-range start="20300531T220000Z" end="20300531T230000Z"/>`), "berlin forever"},
		{inside(`<X:time-range start="20300601T130000Z"/>`), "allday forever"}, // noon ended at that moment
		{inside(`<X:time-range end="20210101T000000Z"/>`), "past"},
		{inside(`<X:prop-filter name="SUMMARY"><X:text-match>lun</X:text-match></X:prop-filter>`), "noon"},
		{inside(`<X:prop-filter name="SUMMARY"><X:is-not-defined/></X:prop-filter>`), "allday berlin ended forever"},
		{inside(`<X:prop-filter name="DTSTART"><X:param-filter name="TZID"/></X:prop-filter>`), "berlin"},
		{`<X:comp-filter name="VCALENDAR"><X:comp-filter name="VTODO"/></X:comp-filter>`, ""},
		{`<X:comp-filter name="VCALENDAR"><X:comp-filter name="VTODO"><X:is-not-defined/></X:comp-filter></X:comp-filter>`, "allday berlin ended forever noon past"},
	} {
		if got := strings.Join(w.query(w.calendar, c.filter), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.filter, got, c.want)
		}
	}
}

// RFC 4791 9.9: a task counts by its start and due dates, and always if it has
// none.
func TestTaskQuery(t *testing.T) {
	w := newWorld(t)
	w.put(w.tasks+"open", task("open"))
	w.put(w.tasks+"due", task("due", "DUE:20300601T120000Z"))
	w.put(w.tasks+"later", task("later", "DTSTART:20310101T000000Z", "DUE:20310201T000000Z"))
	got := w.query(w.tasks, `<X:comp-filter name="VCALENDAR"><X:comp-filter name="VTODO">`+
		`<X:time-range start="20300601T000000Z" end="20300602T000000Z"/></X:comp-filter></X:comp-filter>`)
	if !slices.Equal(got, []string{"due", "open"}) {
		t.Errorf("found %v", got)
	}
}

// RFC 6352 10.5: address books are searched by the text of properties.
func TestCardQuery(t *testing.T) {
	w := newWorld(t)
	w.put(w.contacts+"ada", strings.Replace(card("ada", "Ada Lovelace"), "END:", "item1.EMAIL;TYPE=work:ada@example.org\r\nEND:", 1))
	w.put(w.contacts+"bob", card("bob", "Bob Adams"))
	for _, c := range []struct {
		filter string
		want   string
	}{
		{"", "ada bob"},
		{`<X:prop-filter name="FN"><X:text-match>ada</X:text-match></X:prop-filter>`, "ada bob"},
		{`<X:prop-filter name="FN"><X:text-match match-type="starts-with">ada</X:text-match></X:prop-filter>`, "ada"},
		{`<X:prop-filter name="FN"><X:text-match match-type="equals">bob adams</X:text-match></X:prop-filter>`, "bob"},
		{`<X:prop-filter name="FN"><X:text-match match-type="ends-with">lace</X:text-match></X:prop-filter>`, "ada"},
		{`<X:prop-filter name="FN"><X:text-match negate-condition="yes">bob</X:text-match></X:prop-filter>`, "ada"},
		{`<X:prop-filter name="EMAIL"/>`, "ada"},
		{`<X:prop-filter name="EMAIL"><X:is-not-defined/></X:prop-filter>`, "bob"},
	} {
		if got := strings.Join(w.query(w.contacts, c.filter), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.filter, got, c.want)
		}
	}
}
