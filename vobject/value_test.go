package vobject_test

import (
	"reflect"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"lockstep.dev/vobject"
	"pgregory.net/rapid"
)

var dialects = []vobject.Dialect{vobject.ICalendar, vobject.VCard21, vobject.VCard30, vobject.VCard40, vobject.VCalendar10}

// Whatever text is set is read back, in every dialect.
func TestTextComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom(dialects).Draw(t, "dialect")
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab;,\\:\"^n =\n\tü語"))).Draw(t, "text")
		if got := vobject.UnescapeText(vobject.EscapeText(text, d), d); got != text {
			t.Fatalf("%v: %q became %q", d, text, got)
		}
	})
}

func TestListsAndComponentsComeBack(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("ab;,\\n ü")), 1, 6, -1)
	modern := rapid.SampledFrom([]vobject.Dialect{vobject.ICalendar, vobject.VCard30, vobject.VCard40})
	rapid.Check(t, func(t *rapid.T) {
		d := modern.Draw(t, "dialect")
		list := rapid.SliceOfN(word, 1, 5).Draw(t, "list")
		if got := vobject.SplitList(vobject.JoinList(list, d), d); !slices.Equal(got, list) {
			t.Fatalf("%q became %q", list, got)
		}
		fields := rapid.SliceOfN(rapid.SliceOfN(word, 1, 3), 1, 7).Draw(t, "fields")
		if got := vobject.SplitStructured(vobject.JoinStructured(fields, d), d); !reflect.DeepEqual(got, fields) {
			t.Fatalf("%q became %q", fields, got)
		}
	})
}

func TestUnknownEscapesStay(t *testing.T) {
	for _, tc := range []struct {
		d         vobject.Dialect
		raw, text string
	}{
		{vobject.ICalendar, `C:\Temp\x`, `C:\Temp\x`},
		{vobject.ICalendar, `end\`, `end\`},
		{vobject.VCard30, `http\://x`, `http://x`},
		{vobject.VCard21, `\\server\new`, `\\server\new`},
		{vobject.VCard21, `a\;b`, `a;b`},
	} {
		if got := vobject.UnescapeText(tc.raw, tc.d); got != tc.text {
			t.Errorf("%q: got %q want %q", tc.raw, got, tc.text)
		}
	}
}

func TestTypesFromEverySpelling(t *testing.T) {
	for _, line := range []string{"TEL;TYPE=work,voice:1", "TEL;TYPE=WORK;TYPE=VOICE:1", `TEL;TYPE="work,voice":1`, "TEL;WORK;VOICE:1", "TEL;type=Work;VOICE:1"} {
		tel := parse(t, card("4.0", line)).First("VCARD").First("TEL")
		if !slices.Equal(tel.Types(), []string{"work", "voice"}) || !tel.HasParam("TYPE", "Voice") || tel.HasParam("TYPE", "home") {
			t.Errorf("%s: %q", line, tel.Types())
		}
	}
}

func TestTextInAnotherEncoding(t *testing.T) {
	for _, tc := range []struct {
		line, text string
		known      bool
	}{
		{"NOTE:Ren\xe9", "René", false},
		{"NOTE;CHARSET=windows-1251:\xc6\xe8\xe7\xed\xfc", "Жизнь", true},
		{"NOTE;CHARSET=ISO-8859-2;ENCODING=QUOTED-PRINTABLE:=A3=F3d=BC", "Łódź", true},
		{"NOTE;CHARSET=KOI8-R:\xf0\xd2\xc9\xd7\xc5\xd4", "Привет", true},
		{"NOTE;CHARSET=UTF-8:Ünï", "Ünï", true},
		{"NOTE;CHARSET=SHIFT_JIS:abc", "abc", false},
	} {
		p := parse(t, card("2.1", tc.line)).First("VCARD").First("NOTE")
		if p.Text() != tc.text || p.CharsetKnown() != tc.known {
			t.Errorf("%q: %q %v", tc.line, p.Text(), p.CharsetKnown())
		}
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]vobject.Date{
		"19850412": {Year: 1985, Month: 4, Day: 12}, "1985-04-12": {Year: 1985, Month: 4, Day: 12}, "1985-04": {Year: 1985, Month: 4},
		"1985": {Year: 1985}, "--0412": {Month: 4, Day: 12}, "--04-12": {Month: 4, Day: 12}, "--04": {Month: 4}, "---12": {Day: 12},
		"--0229": {Month: 2, Day: 29}, "1985-04-12T10:22:00Z": {Year: 1985, Month: 4, Day: 12}, " 20240229 ": {Year: 2024, Month: 2, Day: 29},
	} {
		got, err := vobject.ParseDate(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v %v", text, got, err)
		}
		if again, err := vobject.ParseDate(got.String()); err != nil || again != got {
			t.Errorf("%s is written as %s", text, got)
		}
	}
	for _, bad := range []string{"", "circa 1800", "20230229", "20231301", "--1340", "19850", "---", "--", "85-04-12", "99999999999"} {
		if got, err := vobject.ParseDate(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
	p := parse(t, card("3.0", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12")).First("VCARD").First("BDAY")
	if d, err := p.Date(); err != nil || d != (vobject.Date{Month: 4, Day: 12}) {
		t.Errorf("birthday without year: %+v %v", d, err)
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"20260105": "20260105", "20260105T090000": "20260105T090000", "20260105T090000Z": "20260105T090000Z",
		"2026-01-05T09:00:00.000Z": "20260105T090000Z", "2026-01-05T09:00:00+01:00": "20260105T090000+0100",
		"20260105T0900-05": "20260105T090000-0500", "20260105t09": "20260105T090000",
	} {
		got, err := vobject.ParseTime(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "20260105T", "20260105T250000", "20260105T09:00x", "2026", "T090000"} {
		if got, err := vobject.ParseTime(bad); err == nil && bad != "2026" {
			t.Errorf("%q is read as %s", bad, got)
		}
	}
}

// RFC 5545 section 3.3.5: a skipped time counts with the offset before the
// gap, of a repeated time the first is meant.
func TestLocalTimesAtTheChangeOfClocks(t *testing.T) {
	for _, tc := range []struct{ zone, local, instant string }{
		{"Europe/Paris", "20260329T023000", "2026-03-29T01:30:00Z"},
		{"Europe/Paris", "20261025T023000", "2026-10-25T00:30:00Z"},
		{"America/New_York", "20260308T023000", "2026-03-08T07:30:00Z"},
		{"America/New_York", "20261101T013000", "2026-11-01T05:30:00Z"},
		{"Australia/Lord_Howe", "20261004T021500", "2026-10-03T15:45:00Z"},
		{"Pacific/Apia", "20111230T120000", "2011-12-30T22:00:00Z"},
		{"Asia/Kolkata", "20260701T120000", "2026-07-01T06:30:00Z"},
	} {
		loc, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := vobject.ParseTime(tc.local)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.In(loc).UTC().Format(time.RFC3339); got != tc.instant {
			t.Errorf("%s in %s: got %s want %s", tc.local, tc.zone, got, tc.instant)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]string{
		"P1W": "P1W", "-PT15M": "-PT15M", "+P1DT2H": "P1DT2H", "PT0S": "PT0S", "P0D": "PT0S", "p2dt3h4m5s": "P2DT3H4M5S", "P1W2D": "P9D", "PT90M": "PT90M",
	} {
		d, err := vobject.ParseDuration(text)
		if err != nil || d.String() != want {
			t.Errorf("%s: %s %v", text, d, err)
		}
	}
	for _, bad := range []string{"", "P", "PT", "1D", "PT1D", "P1H", "P1D1W", "PT1M1H", "P1", "PTT1H", "P9999999999D"} {
		if d, err := vobject.ParseDuration(bad); err == nil {
			t.Errorf("%q is read as %s", bad, d)
		}
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	before := time.Date(2026, 3, 28, 12, 0, 0, 0, paris)
	day, _ := vobject.ParseDuration("P1D")
	hours, _ := vobject.ParseDuration("PT24H")
	if got := day.AddTo(before); got.Hour() != 12 {
		t.Errorf("a day later it is %s", got)
	}
	if got := hours.AddTo(before); got.Hour() != 13 {
		t.Errorf("24 hours later it is %s", got)
	}
	if got := vobject.DurationOf(-90 * time.Minute).String(); got != "-PT1H30M" {
		t.Errorf("got %s", got)
	}
}
