package vobject_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/vobject"
)

// card puts lines into a vCard, calendar into an event.
func card(version string, lines ...string) string {
	return "BEGIN:VCARD\r\nVERSION:" + version + "\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCARD\r\n"
}

func calendar(lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func parse(t *testing.T, src string) *vobject.Document {
	t.Helper()
	doc, err := vobject.Parse([]byte(src))
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return doc
}

func edited(t *testing.T, e *vobject.Edit) string {
	t.Helper()
	out, err := e.Bytes()
	if err != nil {
		t.Fatalf("edit: %v", err)
	}
	return string(out)
}

// eventOf returns the first event of a calendar.
func eventOf(doc *vobject.Document) vobject.Component {
	return doc.First("VCALENDAR").Component("VEVENT")
}

// TestWhatLibrariesGetWrong goes through the cases that a plain decode and
// encode with the Go libraries corrupts or refuses. Here a neighbouring
// property is edited, and the case must be left as it stands; and the value
// must read as its author meant it.
func TestWhatLibrariesGetWrong(t *testing.T) {
	photo := "PHOTO:data:image/jpeg;base64,AAAA"
	long := "NOTE:" + strings.Repeat("a long line that is not folded ", 20)
	cases := []struct {
		name, src string
		check     func(t *testing.T, root vobject.Component)
	}{
		{"property order is kept", card("4.0", "TEL:1", "EMAIL:a@example.org", "ADR:;;;;;;", "FN:A"), nil},
		{"parameter order is kept", card("4.0", "FN:A", "TEL;X-Z=1;TYPE=work;PREF=1:1"), nil},
		{"group and X-ABLabel", card("3.0", "FN:A", "item1.EMAIL:a@example.org", "item1.X-ABLabel:_$!<Other>!$_"),
			func(t *testing.T, c vobject.Component) {
				g := c.Group("ITEM1")
				if len(g) != 2 || !g[1].Is("x-ablabel") || g[1].Text() != "_$!<Other>!$_" || g[0].Group() != "item1" {
					t.Errorf("group: %v", g)
				}
			}},
		{"list value", card("4.0", "FN:A", "CATEGORIES:a,b"), func(t *testing.T, c vobject.Component) {
			if got := c.First("CATEGORIES").List(); !slices.Equal(got, []string{"a", "b"}) {
				t.Errorf("categories %q", got)
			}
		}},
		{"photo as data address", card("4.0", "FN:A", photo), func(t *testing.T, c vobject.Component) {
			data, mediaType, ok := c.First("PHOTO").Binary()
			if !ok || mediaType != "image/jpeg" || !bytes.Equal(data, []byte{0, 0, 0}) {
				t.Errorf("photo %v %q %v", data, mediaType, ok)
			}
		}},
		{"escaped semicolon in a name", card("4.0", "FN:A", `N:O\;Brien;Ann`), func(t *testing.T, c vobject.Component) {
			if n := c.First("N"); n.Field(0, " ") != "O;Brien" || n.Field(1, " ") != "Ann" {
				t.Errorf("name %q", n.Structured())
			}
		}},
		{"two middle names", card("4.0", "FN:A", "N:Smith;Ann;Philip,Paul;;"), func(t *testing.T, c vobject.Component) {
			if got := c.First("N").Structured()[2]; !slices.Equal(got, []string{"Philip", "Paul"}) {
				t.Errorf("middle names %q", got)
			}
		}},
		{"quoted parameter", card("4.0", "FN:A", `ADR;LABEL="12 Rue X, Paris; FR":;;12 Rue X;Paris;;;FR`),
			func(t *testing.T, c vobject.Component) {
				if got := c.First("ADR").ParamValues("label"); !slices.Equal(got, []string{"12 Rue X, Paris; FR"}) {
					t.Errorf("label %q", got)
				}
			}},
		{"capital N newline", card("4.0", "FN:A", `NOTE:one\Ntwo\nthree`), func(t *testing.T, c vobject.Component) {
			if got := c.First("NOTE").Text(); got != "one\ntwo\nthree" {
				t.Errorf("note %q", got)
			}
		}},
		{"RFC 6868", calendar("SUMMARY:s", "ATTENDEE;CN=George ^'Babe^' Ruth^nx^^y:mailto:a@example.org"),
			func(t *testing.T, c vobject.Component) {
				if got := c.Component("VEVENT").First("ATTENDEE").Param("CN"); got != "George \"Babe\" Ruth\nx^y" {
					t.Errorf("cn %q", got)
				}
			}},
		{"malformed line", card("3.0", "FN:A", "this line has no separator", "NOTE:x"), func(t *testing.T, c vobject.Component) {
			if c.First("NOTE").Text() != "x" {
				t.Error("the line after it is lost")
			}
		}},
		{"long line", card("3.0", "FN:A", long), func(t *testing.T, c vobject.Component) {
			if c.First("NOTE").Raw() != long[5:] {
				t.Error("long value")
			}
		}},
		{"unknown components", calendar("SUMMARY:s", "BEGIN:PARTICIPANT", "UID:p", "END:PARTICIPANT", "BEGIN:X-COMP", "X-A:1", "END:X-COMP"),
			func(t *testing.T, c vobject.Component) {
				if c.Component("VEVENT").Component("x-comp").First("X-A").Text() != "1" {
					t.Error("X-COMP is not read")
				}
			}},
		{"no DTSTAMP, two SUMMARYs", calendar("SUMMARY:one", "SUMMARY:two"), func(t *testing.T, c vobject.Component) {
			if len(c.Component("VEVENT").All("SUMMARY")) != 2 {
				t.Error("second summary")
			}
		}},
		{"DTEND;TZID without colon", calendar("SUMMARY:s", "DTEND;TZID=Europe/Paris"), func(t *testing.T, c vobject.Component) {
			if c.Component("VEVENT").First("DTEND").Exists() {
				t.Error("a malformed line is no property")
			}
		}},
		{"byte order mark", "\ufeff" + card("3.0", "FN:A"), nil},
		{"lower-case BEGIN", strings.ToLower(calendar("SUMMARY:s")), func(t *testing.T, c vobject.Component) {
			if c.Component("VEVENT").First("SUMMARY").Text() != "s" {
				t.Error("lower case")
			}
		}},
		{"two calendars in a stream", calendar("SUMMARY:s") + calendar("SUMMARY:t"), nil},
		{"Windows zone and own VTIMEZONE", calendar("SUMMARY:s", `DTSTART;TZID="W. Europe Standard Time":20260105T090000`),
			func(t *testing.T, c vobject.Component) {
				at, err := c.Component("VEVENT").First("DTSTART").Time()
				if err != nil || at.TZID != "W. Europe Standard Time" || at.Hour != 9 {
					t.Errorf("start %+v %v", at, err)
				}
			}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			doc := parse(t, tc.src)
			if got := edited(t, doc.Edit()); got != tc.src {
				t.Fatalf("no edit changed the bytes:\n%q\n%q", tc.src, got)
			}
			root := doc.Components()[0]
			if tc.check != nil {
				tc.check(t, root)
			}
			target := root.First("FN")
			if !target.Exists() {
				target = root.Component("VEVENT").First("SUMMARY")
			}
			old := string(target.Source())
			e := doc.Edit()
			e.SetText(target, "Changed")
			i := strings.Index(tc.src, old)
			want := tc.src[:i] + old[:strings.Index(old, ":")+1] + "Changed\r\n" + tc.src[i+len(old):]
			if got := edited(t, e); got != want {
				t.Fatalf("edit changed more than its line:\n%q\n%q", got, want)
			}
		})
	}
}

func TestMalformedLineIsReportedWithItsNumber(t *testing.T) {
	doc := parse(t, card("3.0", "FN:A", "NOTE:folded\r\n here", "no separator", "TEL:1"))
	problems := doc.Problems()
	if len(problems) != 1 || problems[0].Line != 6 {
		t.Fatalf("problems %v", problems)
	}
}

func TestTwoObjectsInAStreamAreBothThere(t *testing.T) {
	doc := parse(t, calendar("SUMMARY:s")+"\r\n"+calendar("SUMMARY:t"))
	roots := doc.Components()
	if len(roots) != 2 || roots[1].Component("VEVENT").First("SUMMARY").Text() != "t" {
		t.Fatalf("roots %v", roots)
	}
}
