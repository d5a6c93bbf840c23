package vobject_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"lockstep.dev/vobject"
)

// I11: an edit of one property leaves every other byte as it is.
func TestEditOperations(t *testing.T) {
	src := card("3.0", "FN:Ann", "N:Smith;Ann;;;", "TEL;TYPE=HOME:1", "item1.URL:http://a", "CATEGORIES:a,B\\,c", "X-ODD;a=b;c:d")
	for name, tc := range map[string]struct {
		edit func(e *vobject.Edit, c vobject.Component)
		from string
		to   string
	}{
		"text":             {func(e *vobject.Edit, c vobject.Component) { e.SetText(c.First("FN"), "a;b,c\\\nd") }, "FN:Ann", `FN:a\;b\,c\\\nd`},
		"raw":              {func(e *vobject.Edit, c vobject.Component) { e.SetRaw(c.First("TEL"), "2") }, "HOME:1", "HOME:2"},
		"field":            {func(e *vobject.Edit, c vobject.Component) { e.SetField(c.First("N"), 2, "Q", "R") }, "Ann;;;", "Ann;Q,R;;"},
		"field beyond":     {func(e *vobject.Edit, c vobject.Component) { e.SetField(c.First("N"), 5, "x") }, "Ann;;;", "Ann;;;;x"},
		"structured":       {func(e *vobject.Edit, c vobject.Component) { e.SetStructured(c.First("N"), [][]string{{"Jones"}}) }, "N:Smith", "N:Jones"},
		"list":             {func(e *vobject.Edit, c vobject.Component) { e.SetList(c.First("CATEGORIES"), []string{"B,c", "d"}) }, "a,B\\,c", "B\\,c,d"},
		"parameter":        {func(e *vobject.Edit, c vobject.Component) { e.SetParam(c.First("TEL"), "type", "WORK", "FAX") }, "TYPE=HOME", "TYPE=WORK,FAX"},
		"new parameter":    {func(e *vobject.Edit, c vobject.Component) { e.SetParam(c.First("X-ODD"), "D", "x:y") }, "a=b;c:", `a=b;c;D="x:y":`},
		"no parameter":     {func(e *vobject.Edit, c vobject.Component) { e.SetParam(c.First("TEL"), "TYPE") }, "TEL;TYPE=HOME:", "TEL:"},
		"parameter, group": {func(e *vobject.Edit, c vobject.Component) { e.SetParam(c.First("URL"), "PREF", "1") }, "item1.URL:", "item1.URL;PREF=1:"},
		"remove":           {func(e *vobject.Edit, c vobject.Component) { e.Remove(c.First("TEL")) }, "TEL;TYPE=HOME:1\r\n", ""},
		"replace":          {func(e *vobject.Edit, c vobject.Component) { e.Replace(c.First("TEL"), vobject.Raw("TEL", "3")) }, "TEL;TYPE=HOME:1", "TEL:3"},
		"insert": {func(e *vobject.Edit, c vobject.Component) {
			e.InsertAfter(c.First("FN"), vobject.Text("X", "1"), vobject.Text("Y", "2"))
		}, "FN:Ann\r\n", "FN:Ann\r\nX:1\r\nY:2\r\n"},
		"append": {func(e *vobject.Edit, c vobject.Component) { e.Append(c, vobject.List("X", "1,2", "3").In("g")) }, "END:", "g.X:1\\,2,3\r\nEND:"},
		"last of two changes": {func(e *vobject.Edit, c vobject.Component) {
			e.Remove(c.First("FN"))
			e.SetText(c.First("FN"), "Bob")
		}, "FN:Ann", "FN:Bob"},
		"changed back": {func(e *vobject.Edit, c vobject.Component) {
			e.SetText(c.First("FN"), "Bob")
			e.SetText(c.First("FN"), "Ann")
		}, "", ""},
		"same values": {func(e *vobject.Edit, c vobject.Component) {
			e.SetText(c.First("FN"), "Ann")
			e.SetStructured(c.First("N"), [][]string{{"Smith"}, {"Ann"}, {""}, nil, nil, nil, nil})
			e.SetList(c.First("CATEGORIES"), []string{"a", "B,c"})
			e.SetParam(c.First("TEL"), "TYPE", "HOME")
			e.SetRaw(c.First("TEL"), "1")
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc := parse(t, src)
			e := doc.Edit()
			tc.edit(e, doc.First("VCARD"))
			if got, want := edited(t, e), strings.Replace(src, tc.from, tc.to, 1); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if e.Changed() != (tc.from != tc.to) {
				t.Errorf("changed: %v", e.Changed())
			}
		})
	}
}

func TestComponentsAreAddedReplacedRemoved(t *testing.T) {
	src := calendar("SUMMARY:s", "BEGIN:VALARM", "ACTION:DISPLAY", "END:VALARM")
	alarm := vobject.Draft{Name: "VALARM", Lines: []vobject.Line{vobject.Raw("ACTION", "AUDIO")}}
	text := "BEGIN:VALARM\r\nACTION:AUDIO\r\nEND:VALARM\r\n"
	old := "BEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM\r\n"
	for name, tc := range map[string]struct {
		edit     func(e *vobject.Edit, ev vobject.Component)
		from, to string
	}{
		"append":              {func(e *vobject.Edit, ev vobject.Component) { e.AppendComponent(ev, alarm) }, old, old + text},
		"replace":             {func(e *vobject.Edit, ev vobject.Component) { e.ReplaceComponent(ev.Component("VALARM"), alarm) }, old, text},
		"remove":              {func(e *vobject.Edit, ev vobject.Component) { e.RemoveComponent(ev.Component("VALARM")) }, old, ""},
		"property goes first": {func(e *vobject.Edit, ev vobject.Component) { e.Append(ev, vobject.Raw("X", "1")) }, old, "X:1\r\n" + old},
		"edits inside the removed are void": {func(e *vobject.Edit, ev vobject.Component) {
			al := ev.Component("VALARM")
			e.SetRaw(al.First("ACTION"), "EMAIL")
			e.Append(al, vobject.Raw("X", "1"))
			e.RemoveComponent(al)
		}, old, ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc := parse(t, src)
			e := doc.Edit()
			tc.edit(e, eventOf(doc))
			if got, want := edited(t, e), strings.Replace(src, tc.from, tc.to, 1); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestFileWithoutLastLineEnding(t *testing.T) {
	doc := parse(t, "BEGIN:VCARD\nFN:A\nEND:VCARD")
	e := doc.Edit()
	e.AppendObject(vobject.Draft{Name: "VCARD", Lines: []vobject.Line{vobject.Text("FN", "B")}})
	if got := edited(t, e); got != "BEGIN:VCARD\nFN:A\nEND:VCARD\nBEGIN:VCARD\nFN:B\nEND:VCARD" {
		t.Errorf("got %q", got)
	}
	doc = parse(t, "BEGIN:VCARD\nFN:A") // unterminated too
	e = doc.Edit()
	e.Append(doc.First("VCARD"), vobject.Text("NOTE", "x"))
	if got := edited(t, e); got != "BEGIN:VCARD\nFN:A\nNOTE:x" {
		t.Errorf("got %q", got)
	}
}

func TestFoldingIsAt75OctetsAndKeepsCharactersWhole(t *testing.T) {
	text := strings.Repeat("Grüße, жизнь; 生活 👩‍👩‍👧 ", 40)
	doc := parse(t, card("4.0", "FN:A"))
	e := doc.Edit()
	e.SetText(doc.First("VCARD").First("FN"), text)
	e.Append(doc.First("VCARD"), vobject.Text("NOTE", text))
	out := edited(t, e)
	for line := range strings.SplitSeq(out, "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Errorf("line of %d octets: %q", len(line), line)
		}
	}
	c := parse(t, out).First("VCARD")
	if c.First("FN").Text() != text || c.First("NOTE").Text() != text {
		t.Error("text changed")
	}
}

func TestVersion21TextBecomesQuotedPrintable(t *testing.T) {
	src := card("2.1", "FN:A", "N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg", "TITLE:x")
	texts := []string{"Zoë\nline two = 3", "plain; text, with \\ and \\; too", "ends in blank ", strings.Repeat("END: ü ", 60),
		strings.Repeat("  ", 80), strings.Repeat("abc ", 60)}
	for _, text := range texts {
		doc := parse(t, src)
		c := doc.First("VCARD")
		e := doc.Edit()
		e.SetText(c.First("FN"), text)
		e.SetField(c.First("N"), 1, "Jürgen")
		e.Append(c, vobject.Text("NOTE", text))
		out := edited(t, e)
		if !strings.Contains(out, "ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=FCrgen\r\n") {
			t.Errorf("the line's own encoding is not used: %q", out)
		}
		again := parse(t, out).First("VCARD")
		if again.First("FN").Text() != text || again.First("NOTE").Text() != text || again.First("N").Field(1, "") != "Jürgen" {
			t.Errorf("text changed: %q\n%q", text, out)
		}
	}
	doc := parse(t, src)
	e := doc.Edit()
	e.SetField(doc.First("VCARD").First("N"), 1, "Łukasz") // not in Latin-1
	if got := parse(t, edited(t, e)).First("VCARD").First("N"); got.Field(1, "") != "Łukasz" || got.Field(0, "") != "Müller" || got.Param("CHARSET") != "UTF-8" {
		t.Errorf("%q", got.Source())
	}
}

func TestPhotoIsSetInEveryDialect(t *testing.T) {
	data := []byte(strings.Repeat("\x00\xff photo", 100))
	for _, version := range []string{"2.1", "3.0", "4.0"} {
		doc := parse(t, card(version, "FN:A", "item1.PHOTO;X-KEEP=1;ENCODING=b:AAAA", "NOTE:n"))
		e := doc.Edit()
		e.SetBinary(doc.First("VCARD").First("PHOTO"), "image/png", data)
		e.Append(doc.First("VCARD"), vobject.Binary("LOGO", "image/png", data))
		again := parse(t, edited(t, e))
		for _, name := range []string{"PHOTO", "LOGO"} {
			got, mediaType, ok := again.First("VCARD").First(name).Binary()
			if !ok || string(got) != string(data) || mediaType != "image/png" {
				t.Errorf("%s %s: %d bytes, %q, %v", version, name, len(got), mediaType, ok)
			}
		}
		if p := again.First("VCARD").First("PHOTO"); p.Group() != "item1" || p.Param("X-KEEP") != "1" {
			t.Errorf("%s: group or parameter lost: %q", version, p.Source())
		}
		if again.First("VCARD").First("NOTE").Text() != "n" || len(again.Problems()) > 0 {
			t.Errorf("%s: %v", version, again.Problems())
		}
	}
}

func TestParametersThatNeedQuotingComeBack(t *testing.T) {
	values := []string{`plain`, `a,b;c:d`, `He said "hi"`, "two\nlines", "^caret^", "Ünï", "^n", "^'"}
	doc := parse(t, calendar("ATTENDEE:mailto:a@example.org"))
	e := doc.Edit()
	e.SetParam(eventOf(doc).First("ATTENDEE"), "CN", values...)
	got := eventOf(parse(t, edited(t, e))).First("ATTENDEE")
	if !slices.Equal(got.ParamValues("CN"), values) || got.Raw() != "mailto:a@example.org" {
		t.Errorf("%q", got.ParamValues("CN"))
	}
}

func TestNothingWrittenCanBreakOutOfItsLine(t *testing.T) {
	doc := parse(t, card("3.0", "FN:A", "TEL;TYPE=x:1"))
	c := doc.First("VCARD")
	e := doc.Edit()
	e.SetRaw(c.First("TEL"), "1\r\nEND:VCARD")
	e.SetParam(c.First("TEL"), "TYPE", "a\nEND:VCARD")
	e.SetText(c.First("FN"), "A\rEND:VCARD\x00")
	e.Append(c, vobject.Raw("X", "a\nBEGIN:VCARD"))
	again := parse(t, edited(t, e))
	if len(again.Components()) != 1 || len(again.Problems()) > 0 || len(again.First("").Properties()) != 4 {
		t.Errorf("%q", again.Bytes())
	}
	for _, bad := range []vobject.Line{vobject.Raw("A:B", ""), vobject.Raw("", ""), vobject.Raw("X", "").In("a b"), vobject.Raw("X", "").With("Y\n", "")} {
		e := doc.Edit()
		e.Append(c, bad)
		if _, err := e.Bytes(); err == nil {
			t.Errorf("accepted %+v", bad)
		}
	}
}

func TestEditOfAnotherDocumentIsRefused(t *testing.T) {
	a, b := parse(t, card("3.0", "FN:A")), parse(t, card("3.0", "FN:A"))
	for _, edit := range []func(e *vobject.Edit){
		func(e *vobject.Edit) { e.SetText(b.First("").First("FN"), "x") },
		func(e *vobject.Edit) { e.Remove(vobject.Property{}) },
		func(e *vobject.Edit) { e.RemoveComponent(b.First("")) },
		func(e *vobject.Edit) { e.Append(vobject.Component{}) },
		func(e *vobject.Edit) { e.Remove(a.Lines()[0]) },
	} {
		e := a.Edit()
		edit(e)
		if _, err := e.Bytes(); err == nil {
			t.Error("accepted")
		}
	}
}

func TestNewObjects(t *testing.T) {
	doc, err := vobject.New("VCALENDAR", vobject.Raw("PRODID", "-//x//EN"))
	if err != nil {
		t.Fatal(err)
	}
	zone, err := vobject.Source([]byte("BEGIN:VTIMEZONE\nTZID:X\nEND:VTIMEZONE\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := doc.Edit()
	e.AppendComponent(doc.First("VCALENDAR"), zone, vobject.Draft{Name: "VEVENT", Lines: []vobject.Line{
		vobject.Raw("DTSTART", "20260105T090000").With("TZID", "X"), vobject.Text("SUMMARY", "Lunch; coffee")}})
	want := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\nEND:VTIMEZONE\r\n" +
		"BEGIN:VEVENT\r\nDTSTART;TZID=X:20260105T090000\r\nSUMMARY:Lunch\\; coffee\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	if got := edited(t, e); got != want {
		t.Errorf("got %q", got)
	}
	if _, err := vobject.Source([]byte("BEGIN:VTIMEZONE\n")); err == nil {
		t.Error("an unterminated component is accepted")
	}
	for _, v := range []string{"2.1", "3.0", "4.0"} {
		if d, err := vobject.New("VCARD", vobject.Raw("VERSION", v)); err != nil || d.First("VCARD").First("VERSION").Raw() != v {
			t.Errorf("version %s: %v", v, err)
		}
	}
}

func ExampleDocument_Edit() {
	doc, err := vobject.Parse([]byte("begin:vcard\nVERSION:3.0\nN:O\\;Brien;Ann;;;\nX-Odd;q:kept\nEND:VCARD\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	card := doc.First("VCARD")
	e := doc.Edit()
	e.SetField(card.First("N"), 1, "Anna")
	e.Append(card, vobject.List("CATEGORIES", "Friends", "Lockstep"))
	out, err := e.Bytes()
	fmt.Print(string(out), err)
	// Output:
	// begin:vcard
	// VERSION:3.0
	// N:O\;Brien;Anna;;;
	// X-Odd;q:kept
	// CATEGORIES:Friends,Lockstep
	// END:VCARD
	// <nil>
}

// A value that was cut off behind a soft line break swallows no line that is
// written near it, wherever that is.
func TestNothingIsSwallowedByACutOffValue(t *testing.T) {
	for name, tc := range map[string]struct {
		src  string
		edit func(e *vobject.Edit, c vobject.Component)
	}{
		"append":            {"BEGIN:VCARD\r\nVERSION:2.1\r\nNOTE;QUOTED-PRINTABLE:cut off=\r\nEND:VCARD\r\n", appendName},
		"append, no END":    {"BEGIN:VCARD\r\nVERSION:2.1\r\nNOTE;QUOTED-PRINTABLE:cut off=", appendName},
		"append, LF":        {"BEGIN:VCARD\nVERSION:2.1\nNOTE;QUOTED-PRINTABLE:cut off=\nEND:VCARD\n", appendName},
		"before a child":    {"BEGIN:VCALENDAR\r\nVERSION:1.0\r\nNOTE;QUOTED-PRINTABLE:cut off=\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", appendName},
		"insert after":      {"BEGIN:VCARD\r\nVERSION:2.1\r\nNOTE;QUOTED-PRINTABLE:cut off=\r\nEND:VCARD\r\n", func(e *vobject.Edit, c vobject.Component) { e.InsertAfter(c.First("NOTE"), vobject.Text("FN", "Ann")) }},
		"remove component":  {"BEGIN:VCALENDAR\r\nVERSION:1.0\r\nNOTE;QUOTED-PRINTABLE:cut off=\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nFN:Ann\r\nEND:VCALENDAR\r\n", func(e *vobject.Edit, c vobject.Component) { e.RemoveComponent(c.Component("VEVENT")) }},
		"blank before END":  {"BEGIN:VCARD\r\nVERSION:2.1\r\nNOTE:cut off\r\n\r\n END:VCARD\r\n", appendName},
		"child without END": {"BEGIN:VCARD\r\nNOTE:cut off\r\nBEGIN:STANDARD\r\nEND:VCARD\r\n", appendName},
		"AGENT without END": {"BEGIN:VCARD\r\nNOTE:cut off\r\nAGENT:\r\nBEGIN:VCARD\r\nBEGIN:X\r\nEND:VCARD\r\n", appendName},
		"component":         {"BEGIN:VCARD\r\nFN:Ann\r\nNOTE:cut off\r\nBEGIN:A\r\nEND:VCARD\r\n", func(e *vobject.Edit, c vobject.Component) { e.AppendComponent(c, vobject.Draft{Name: "B"}) }},
		"both": {"BEGIN:VCARD\r\nVERSION:2.1\r\nNOTE;QUOTED-PRINTABLE:cut off=\r\nEND:VCARD\r\n", func(e *vobject.Edit, c vobject.Component) {
			appendName(e, c)
			e.Remove(c.First("NOTE"))
			e.Append(c, vobject.Text("NOTE", "cut off="))
		}},
	} {
		doc, err := vobject.Parse([]byte(tc.src))
		if err != nil {
			t.Fatal(err)
		}
		e := doc.Edit()
		tc.edit(e, doc.First(""))
		again, err := e.Document()
		if err != nil {
			t.Fatal(err)
		}
		c := again.First("")
		if name == "component" && !c.Component("B").Exists() {
			t.Errorf("the component is elsewhere: %q", again.Bytes())
		}
		if c.First("FN").Text() != "Ann" || !strings.HasPrefix(c.First("NOTE").Text(), "cut off") || strings.Contains(c.First("NOTE").Text(), "FN") {
			t.Errorf("%s: %q", name, again.Bytes())
		}
	}
}

func appendName(e *vobject.Edit, c vobject.Component) { e.Append(c, vobject.Text("FN", "Ann")) }
