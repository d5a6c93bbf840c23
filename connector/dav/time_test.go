package dav

import (
	"strings"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/timezone"
)

// B15: over all zones, a hundred trips from object to fields and back end where
// they began, winter and summer, and a whole day stays the day it is.
func TestNoDriftInAHundredTripsOverAllZones(t *testing.T) {
	names := timezone.Names()
	if len(names) < 400 {
		t.Fatalf("only %d zones", len(names))
	}
	c := newConverter()
	for _, zone := range names {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		winter, summer := time.Date(2026, 1, 15, 9, 30, 0, 0, loc), time.Date(2026, 7, 15, 9, 30, 0, 0, loc)
		first := model.Content{}
		first.PutText("start", winter.UTC().Format(instantLayout))
		first.PutText("end", summer.UTC().Format(instantLayout))
		first.PutText("time_zone", zone)
		if isUTC(zone) {
			first.PutText("time_zone", "")
		}
		raw := createBytes(t, c, model.Event, first)
		if zone != "UTC" && !isUTC(zone) && !strings.Contains(string(raw), "DTSTART;TZID="+zone+":20260115T093000") {
			t.Errorf("%s is written as\n%s", zone, raw)
		}
		now := first
		for range 100 {
			now = readContent(t, c, model.Event, createBytes(t, c, model.Event, now))
		}
		if d := model.Differing(first, now); len(d) > 0 {
			t.Errorf("%s drifts in %v: %s", zone, d, now.Encode())
		}
	}
	day := model.Content{}
	day.PutText("start", "2026-03-29")
	day.PutText("end", "2026-03-30")
	now := day
	for range 100 {
		now = readContent(t, c, model.Event, createBytes(t, c, model.Event, now))
	}
	if d := model.Differing(day, now); len(d) > 0 {
		t.Errorf("a day becomes %s", now.Encode())
	}
}

// B15: whatever zone an object names, known or not, an edit of another field
// leaves its times and its definition byte for byte, a hundred times over.
func TestTimesThatAreNotEditedKeepTheirBytes(t *testing.T) {
	c := newConverter()
	unknown := strings.ReplaceAll(`BEGIN:VTIMEZONE
TZID:Harbour Time
X-OURS:yes
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0017
TZOFFSETTO:+0017
END:STANDARD
END:VTIMEZONE
`, "\n", "\r\n")
	for _, times := range []string{
		"DTSTART;TZID=Harbour Time:20260105T090000\r\nDTEND;TZID=Harbour Time:20260105T100000",
		"DTSTART;TZID=W. Europe Standard Time:20260105T090000\r\nDURATION:PT90M",
		"DTSTART;TZID=Nowhere/Known:20260105T090000\r\nDTEND;TZID=Nowhere/Known:20260105T100000",
		"DTSTART;TZID=\"Europe/Paris\":20260329T023000\r\nDTEND;X-A=1;TZID=Europe/Paris:20260329T033000",
		"DTSTART:20261025T013000Z\r\nDTEND:20261025T023000Z", "DTSTART:20260105T090000\r\nDTEND:20260105T100000",
		"DTSTART;VALUE=DATE:20260329\r\nDTEND;VALUE=DATE:20260330", "DTSTART:20260329", "DTSTART;VALUE=DATE-TIME:20260105T090000Z",
	} {
		raw := []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + unknown + "BEGIN:VEVENT\r\nUID:u\r\nSUMMARY:0\r\n" + times + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
		first := raw
		want := readContent(t, c, model.Event, raw)
		for i := range 100 {
			next := want.Clone()
			next.PutText("title", strings.Repeat("x", i%7+1))
			out, fail := c.change(model.Operation{Ref: model.Ref{Kind: model.Event}, Content: next, Changed: next.Fields()}, raw, someEnvironment())
			if fail != nil {
				t.Fatal(fail.fault)
			}
			raw = out
		}
		if gone, came := changedLines(first, raw); len(gone) != 1 || len(came) != 1 || gone[0] != "SUMMARY:0\r\n" {
			t.Errorf("%q became %q", gone, came)
		}
	}
}
