package vobject_test

import (
	"errors"
	"strings"
	"testing"

	"lockstep.dev/vobject"
)

func TestInputWithoutAnyObjectIsOneErrorWithTheLine(t *testing.T) {
	for name, tc := range map[string]struct {
		src  string
		line int
	}{
		"empty":    {"", 1},
		"html":     {"\n\n<html>\n<body>\n", 3},
		"UTF-16":   {"\xff\xfeB\x00E\x00", 1},
		"no BEGIN": {"FN:Ann\r\nEND:VCARD\r\n", 1},
		"too deep": {strings.Repeat("BEGIN:X\n", vobject.MaxDepth+1), vobject.MaxDepth + 1},
		"only END": {"END:VCARD", 1},
	} {
		_, err := vobject.Parse([]byte(tc.src))
		var pe *vobject.ParseError
		if !errors.As(err, &pe) || pe.Line != tc.line {
			t.Errorf("%s: got %v, want line %d", name, err, tc.line)
		}
	}
}

func TestEveryLineEndingIsKept(t *testing.T) {
	for name, eol := range map[string]string{"CRLF": "\r\n", "LF": "\n", "CR": "\r"} {
		src := strings.ReplaceAll(card("3.0", "FN:Ann", "NOTE:one\r\n two", "TEL:1"), "\r\n", eol)
		doc := parse(t, src)
		c := doc.First("VCARD")
		if got := c.First("NOTE").Text(); got != "onetwo" {
			t.Errorf("%s: note %q", name, got)
		}
		e := doc.Edit()
		e.SetText(c.First("FN"), "Bob")
		e.Append(c, vobject.Text("ORG", "X"))
		want := strings.Replace(src, "FN:Ann", "FN:Bob", 1)
		want = strings.Replace(want, "END:VCARD", "ORG:X"+eol+"END:VCARD", 1)
		if got := edited(t, e); got != want {
			t.Errorf("%s: got %q want %q", name, got, want)
		}
	}
}

func TestLineEndingsConvertedTwiceAndMixed(t *testing.T) {
	doc := parse(t, "BEGIN:VCARD\r\r\nVERSION:3.0\r\r\nFN:Ann\nTEL:1\r\r\nEND:VCARD\r\r\n")
	c := doc.First("VCARD")
	if c.First("VERSION").Raw() != "3.0" || c.First("FN").Raw() != "Ann" || len(doc.Problems()) > 0 {
		t.Errorf("%q %v", c.First("FN").Raw(), doc.Problems())
	}
}

func TestUnterminatedAndCrossedComponents(t *testing.T) {
	for name, tc := range map[string]struct {
		src      string
		roots    int
		problems int
	}{
		"end of file":             {"BEGIN:VCARD\r\nFN:A", 1, 1},
		"next card begins":        {"BEGIN:VCARD\r\nFN:A\r\nBEGIN:VCARD\r\nFN:B\r\nEND:VCARD\r\n", 2, 1},
		"event in event":          {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nBEGIN:VEVENT\nUID:2\nEND:VEVENT\nEND:VCALENDAR\n", 1, 1},
		"END of the outer":        {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VCALENDAR\n", 1, 1},
		"END without BEGIN":       {"BEGIN:VCARD\nEND:VALARM\nFN:A\nEND:VCARD\n", 1, 1},
		"card in AGENT is normal": {"BEGIN:VCARD\nVERSION:2.1\nAGENT:\nBEGIN:VCARD\nFN:B\nEND:VCARD\nEND:VCARD\n", 1, 0},
	} {
		doc := parse(t, tc.src)
		if len(doc.Components()) != tc.roots || len(doc.Problems()) != tc.problems {
			t.Errorf("%s: %d objects, problems %v", name, len(doc.Components()), doc.Problems())
		}
		if edited(t, doc.Edit()) != tc.src {
			t.Errorf("%s: bytes changed", name)
		}
	}
}

func TestHeaderFoldedInsideNameAndParameter(t *testing.T) {
	doc := parse(t, "BEGIN:VCARD\r\nVERSION:4.0\r\nF\r\n N;LANG\r\n UAGE=e\r\n n:An\r\n n\r\nEND:VCARD\r\n")
	fn := doc.First("VCARD").First("fn")
	if fn.Name() != "FN" || fn.Text() != "Ann" || fn.Param("language") != "en" {
		t.Errorf("%q %q %q", fn.Name(), fn.Text(), fn.Param("language"))
	}
	e := doc.Edit()
	e.SetText(fn, "Bob")
	if got := edited(t, e); !strings.Contains(got, "F\r\n N;LANG\r\n UAGE=e\r\n n:Bob\r\nEND") {
		t.Errorf("header changed: %q", got)
	}
}

func TestFoldInsideACharacter(t *testing.T) {
	doc := parse(t, "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ren\xc3\r\n \xa9\r\nEND:VCARD\r\n")
	if got := doc.First("VCARD").First("FN").Text(); got != "René" {
		t.Errorf("got %q", got)
	}
}

func TestVersion21(t *testing.T) {
	src := "BEGIN:VCARD\r\nVERSION:2.1\r\n" +
		"N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg\r\n" +
		"TEL;HOME;VOICE:1\r\n" +
		"NOTE;QUOTED-PRINTABLE:first=0D=0A=\r\nsecond = =3D=\r\n third\r\n" +
		"ADR;WORK:;;a, b\\; c;Town\r\n" +
		"PHOTO;JPEG;BASE64:\r\n AAAA\r\n BBBB\r\n\r\n" +
		"LOGO;GIF;ENCODING=BASE64:\r\nAAAA\r\nBBBB\r\n\r\n" +
		"TITLE:words may\r\n be folded\r\nEND:VCARD\r\n"
	doc := parse(t, src)
	c := doc.First("VCARD")
	for name, tc := range map[string]struct{ got, want string }{
		"family in Latin-1":    {c.First("N").Field(0, ""), "Müller"},
		"given":                {c.First("N").Field(1, ""), "Jörg"},
		"soft line breaks":     {c.First("NOTE").Text(), "first\nsecond = = third"},
		"comma is text":        {c.First("ADR").Field(2, "|"), "a, b; c"},
		"blank at fold kept":   {c.First("TITLE").Text(), "words may be folded"},
		"bare words are types": {strings.Join(c.First("TEL").Types(), " "), "home voice"},
		"bare encoding":        {c.First("NOTE").Param("ENCODING"), "QUOTED-PRINTABLE"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %q want %q", name, tc.got, tc.want)
		}
	}
	for _, name := range []string{"PHOTO", "LOGO"} {
		if data, _, ok := c.First(name).Binary(); !ok || len(data) != 6 {
			t.Errorf("%s: %v %v", name, data, ok)
		}
	}
	if len(doc.Problems()) > 0 || edited(t, doc.Edit()) != src {
		t.Errorf("problems %v", doc.Problems())
	}
}

func TestUnclosedQuoteIsReadAndReported(t *testing.T) {
	doc := parse(t, calendar(`ATTENDEE;CN="Doe;ROLE=CHAIR:mailto:a@example.org`))
	a := eventOf(doc).First("ATTENDEE")
	if a.Raw() != "mailto:a@example.org" || a.Param("ROLE") != "CHAIR" || len(doc.Problems()) != 1 {
		t.Errorf("%q %q %v", a.Raw(), a.Param("ROLE"), doc.Problems())
	}
}

func TestQuotedPrintableNeverRunsIntoTheEnd(t *testing.T) {
	doc := parse(t, "BEGIN:VCARD\r\nVERSION:2.1\r\nNOTE;QUOTED-PRINTABLE:x=\r\nEND:VCARD\r\n")
	if !doc.First("VCARD").Terminated() || len(doc.Problems()) != 1 {
		t.Errorf("problems %v", doc.Problems())
	}
}

func TestLookupsOnWhatIsMissingReadEmpty(t *testing.T) {
	var c vobject.Component
	p := c.First("FN")
	if p.Exists() || c.Exists() || p.Text() != "" || p.Raw() != "" || p.Types() != nil || p.Structured() != nil ||
		p.List() != nil || p.Name() != "" || p.Group() != "" || p.Component().Exists() || c.Name() != "" ||
		c.Components() != nil || c.Parent().Exists() || c.Bytes() != nil || p.Source() != nil || p.Field(0, "") != "" {
		t.Error("something is there")
	}
	if _, _, ok := p.Binary(); ok {
		t.Error("binary")
	}
	if _, err := p.Time(); err == nil {
		t.Error("time of a missing property")
	}
}
