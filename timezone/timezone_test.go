package timezone_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"lockstep.dev/timezone"
	"lockstep.dev/vobject"
)

// definition parses a VTIMEZONE in a calendar.
func definition(t *testing.T, text string) vobject.Component {
	t.Helper()
	doc, err := vobject.Parse([]byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + text + "END:VCALENDAR\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return doc.First("VCALENDAR").Component("VTIMEZONE")
}

func load(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestEveryWindowsZoneHasAnIANAZoneAndBack(t *testing.T) {
	names := timezone.WindowsNames()
	if len(names) < 139 {
		t.Errorf("only %d Windows zones", len(names))
	}
	for _, windows := range names {
		iana, ok := timezone.FromWindows(windows)
		if !ok {
			t.Fatalf("%s has no zone", windows)
		}
		load(t, iana)
		if back, ok := timezone.ToWindows(iana); !ok || back != windows {
			t.Errorf("%s is %s is %s", windows, iana, back)
		}
		if z, ok := timezone.Resolve(windows, vobject.Component{}, 2026); windows != "UTC" && (!ok || z.Name != iana) {
			t.Errorf("%s resolves to %v", windows, z)
		}
	}
}

// B15: over 400 and more zones, a hundred round trips through the Windows name
// end where the first did, and at the same offset now.
func TestNoDriftInAHundredRoundTripsOverAllZones(t *testing.T) {
	names := timezone.Names()
	if len(names) < 400 {
		t.Fatalf("only %d zones", len(names))
	}
	unmapped := 0
	for _, name := range names {
		windows, ok := timezone.ToWindows(name)
		if !ok {
			unmapped++
			continue
		}
		first, _ := timezone.FromWindows(windows)
		at := first
		for range 100 {
			w, _ := timezone.ToWindows(at)
			at, _ = timezone.FromWindows(w)
		}
		if at != first {
			t.Errorf("%s drifts from %s to %s", name, first, at)
		}
	}
	if unmapped > 1 { // Antarctica/Troll is in no Windows zone
		t.Errorf("%d zones have no Windows zone", unmapped)
	}
}

// B15: a time sent under the Windows name of its zone is the same instant,
// winter and summer, and after a hundred times to and fro.
func TestWindowsZoneHasTheOffsetsOfEveryZoneInIt(t *testing.T) {
	for _, name := range timezone.Names() {
		windows, ok := timezone.ToWindows(name)
		if !ok {
			continue
		}
		iana, _ := timezone.FromWindows(windows)
		here, there := load(t, name), load(t, iana)
		if at, same := firstDifference(here, there, 2026, 2030); !same {
			t.Errorf("%s differs from %s (%s) at %s", name, windows, iana, at)
			continue
		}
		for _, month := range []time.Month{1, 4, 7, 10} {
			start := time.Date(2026, month, 15, 12, 30, 0, 0, here)
			at := vobject.Time{Date: vobject.Date{Year: 2026, Month: int(month), Day: 15}, Hour: 12, Minute: 30, Clock: vobject.Zoned}
			for range 100 {
				instant := at.In(there).In(here)
				at.Day, at.Hour, at.Minute = instant.Day(), instant.Hour(), instant.Minute()
			}
			if got := at.In(here); !got.Equal(start) {
				t.Errorf("%s drifts from %s to %s", name, start, got)
			}
		}
	}
}

func TestNamesThatCalendarsReallyUse(t *testing.T) {
	for tzid, want := range map[string]timezone.Zone{
		"Europe/Berlin":             {Name: "Europe/Berlin", How: timezone.ByName},
		"europe/berlin":             {Name: "Europe/Berlin", How: timezone.ByName},
		"America/New York":          {Name: "America/New_York", How: timezone.ByName},
		"US/Eastern":                {Name: "US/Eastern", How: timezone.ByName},
		"US-Eastern":                {Name: "US/Eastern", How: timezone.ByName},
		"Asia/Calcutta":             {Name: "Asia/Calcutta", How: timezone.ByName},
		"Z":                         {Name: "Etc/UTC", How: timezone.ByName},
		"W. Europe Standard Time":   {Name: "Europe/Berlin", How: timezone.ByWindows},
		"\"Romance Standard Time\"": {Name: "Europe/Paris", How: timezone.ByWindows},
		"(UTC+01:00) Brussels, Copenhagen, Madrid, Paris":                   {Name: "Europe/Paris", How: timezone.ByWindows},
		"(GMT+01.00) Sarajevo / Skopje / Warsaw / Zagreb":                   {Name: "Europe/Warsaw", How: timezone.ByWindows},
		"Mid-Atlantic Standard Time":                                        {Name: "Etc/GMT+2", How: timezone.ByWindows},
		"/mozilla.org/20050126_1/Europe/Berlin":                             {Name: "Europe/Berlin", How: timezone.ByPrefix},
		"/freeassociation.sourceforge.net/Tzfile/America/Argentina/Salta":   {Name: "America/Argentina/Salta", How: timezone.ByPrefix},
		"/softwarestudio.org/Olson_20011030_5/America/Indiana/Indianapolis": {Name: "America/Indiana/Indianapolis", How: timezone.ByPrefix},
		"/citadel.org/20210210_1/Asia/Tokyo":                                {Name: "Asia/Tokyo", How: timezone.ByPrefix},
		"tzone://Microsoft/Utc":                                             {Name: "UTC", How: timezone.ByPrefix},
		"UTC+01:00":                                                         {Name: "Etc/GMT-1", How: timezone.ByOffset},
		"GMT-0500":                                                          {Name: "Etc/GMT+5", How: timezone.ByOffset},
		"GMT+00:00":                                                         {Name: "Etc/UTC", How: timezone.ByOffset},
	} {
		got, ok := timezone.Resolve(tzid, vobject.Component{}, 2026)
		if !ok || got != want {
			t.Errorf("%s: got %v %v want %v", tzid, got, ok, want)
		}
	}
	for _, tzid := range []string{"", "Customized Time Zone", "tzone://Microsoft/Custom", "/x/y", "UTC+05:30", "Middle Earth", "(UTC+01:00) Minas Tirith"} {
		if got, ok := timezone.Resolve(tzid, vobject.Component{}, 2026); ok {
			t.Errorf("%q is taken for %v", tzid, got)
		}
	}
}

// What Outlook writes for a custom or localised name: rules from 1601 on.
const outlookBerlin = "BEGIN:VTIMEZONE\r\nTZID:(UTC+01:00) Amsterdam\\, Berlin\\, Rom\r\n" +
	"BEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\n" +
	"BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

func TestUnknownNameIsMatchedByTheRulesInTheFile(t *testing.T) {
	def := definition(t, outlookBerlin)
	if z, ok := timezone.Resolve("Meine Zeitzone", def, 2026); !ok || z != (timezone.Zone{Name: "Europe/Berlin", How: timezone.ByRules}) {
		t.Errorf("got %v %v", z, ok)
	}
	paris := definition(t, strings.Replace(outlookBerlin, "BEGIN:STANDARD", "X-LIC-LOCATION:Europe/Paris\r\nBEGIN:STANDARD", 1))
	if z, ok := timezone.Resolve("x", paris, 2026); !ok || z.Name != "Europe/Paris" {
		t.Errorf("X-LIC-LOCATION: %v %v", z, ok)
	}
	r := timezone.NewResolver()
	for range 2 {
		if z, ok := r.Resolve("x", def, 2026); !ok || z.Name != "Europe/Berlin" {
			t.Errorf("resolver: %v %v", z, ok)
		}
	}
}

func TestZoneOfNoCountryStaysUnknownButCanBeComputedWith(t *testing.T) {
	odd := strings.ReplaceAll(strings.ReplaceAll(outlookBerlin, "+0100", "+0117"), "BYMONTH=3", "BYMONTH=5")
	def := definition(t, odd)
	if z, ok := timezone.Resolve("Customized Time Zone", def, 2026); ok {
		t.Errorf("taken for %v", z)
	}
	loc, err := timezone.Custom("Customized Time Zone", def)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]int{"2026-02-01T00:00:00Z": 4620, "2026-07-01T00:00:00Z": 7200, "2060-07-01T00:00:00Z": 7200, "1960-01-01T00:00:00Z": 4620} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := instant.In(loc).Zone(); got != want {
			t.Errorf("%s: offset %d want %d", at, got, want)
		}
	}
}

func TestDefinitionsThatCannotBeRead(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        "BEGIN:VTIMEZONE\r\nTZID:x\r\nEND:VTIMEZONE\r\n",
		"no offset":    "BEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n",
		"no start":     "BEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n",
		"weekly rule":  strings.Replace(outlookBerlin, "FREQ=YEARLY", "FREQ=WEEKLY", 1),
		"no weekday":   strings.Replace(outlookBerlin, "-1SU", "-1XX", 1),
		"unknown part": strings.Replace(outlookBerlin, "INTERVAL=1", "BYHOUR=1", 1),
	} {
		def := definition(t, text)
		if z, ok := timezone.Resolve("x", def, 2026); ok {
			t.Errorf("%s: taken for %v", name, z)
		}
		if _, err := timezone.Custom("x", def); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// B15: a VTIMEZONE that we write has the zone's offsets at every change of its
// clocks, is found again by its rules, and writing what was found a hundred
// times over changes nothing.
func TestWrittenDefinitionsHaveTheOffsetsOfTheirZone(t *testing.T) {
	checked := 0
	for _, name := range timezone.Names() {
		for _, year := range []int{1990, 2007, 2026} {
			text, err := timezone.Define(name, year)
			if err != nil {
				t.Fatal(err)
			}
			def := definition(t, string(text))
			custom, err := timezone.Custom(name, def)
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, text)
			}
			if at, ok := firstDifference(load(t, name), custom, year, year+15); !ok {
				t.Errorf("%s of %d differs at %s\n%s", name, year, at, text)
			}
			checked++
		}
	}
	if checked < 1200 {
		t.Errorf("only %d definitions checked", checked)
	}
}

// firstDifference compares two locations around every change of either.
func firstDifference(a, b *time.Location, from, to int) (time.Time, bool) {
	end := time.Date(to, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, loc := range []*time.Location{a, b} {
		for t := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC); t.Before(end); {
			for _, at := range []time.Time{t.Add(-time.Second), t} {
				_, x := at.In(a).Zone()
				_, y := at.In(b).Zone()
				if x != y && at.Year() >= from {
					return at, false
				}
			}
			_, next := t.In(loc).ZoneBounds()
			if next.IsZero() {
				break
			}
			if !next.After(t) { // the last day of a leap year, see transitions
				next = t.AddDate(0, 0, 1)
			}
			t = next
		}
	}
	return time.Time{}, true
}

func TestWrittenDefinitionIsFoundAgainByItsRules(t *testing.T) {
	for _, windows := range timezone.WindowsNames() {
		name, _ := timezone.FromWindows(windows)
		text, err := timezone.Define(name, 2026)
		if err != nil {
			t.Fatal(err)
		}
		z, ok := timezone.Resolve("unknown", definition(t, string(text)), 2026)
		if !ok {
			t.Errorf("%s is not found by its rules\n%s", name, text)
			continue
		}
		if at, same := firstDifference(load(t, name), load(t, z.Name), 2026, 2029); !same {
			t.Errorf("%s is taken for %s, which differs at %s", name, z.Name, at)
		}
		again, err := timezone.Define(name, 2026)
		if err != nil || string(again) != string(text) {
			t.Errorf("%s: written differently the second time", name)
		}
	}
}

func TestDefinitionReadsWell(t *testing.T) {
	text, err := timezone.Define("Europe/Paris", 2026)
	if err != nil {
		t.Fatal(err)
	}
	want := "BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\n" +
		"BEGIN:STANDARD\r\nDTSTART:20250101T010000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nEND:STANDARD\r\n" +
		"BEGIN:DAYLIGHT\r\nDTSTART:20250330T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\n" +
		"BEGIN:STANDARD\r\nDTSTART:20251026T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
	if string(text) != want {
		t.Errorf("got\n%s", text)
	}
	if _, err := timezone.Define("Middle/Earth", 2026); err == nil {
		t.Error("an unknown zone is defined")
	}
}

func BenchmarkResolveByRules(b *testing.B) {
	doc, err := vobject.Parse([]byte(outlookBerlin))
	if err != nil {
		b.Fatal(err)
	}
	def := doc.First("VTIMEZONE")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := timezone.Resolve("x", def, 2026); !ok {
			b.Fatal("not found")
		}
	}
}
