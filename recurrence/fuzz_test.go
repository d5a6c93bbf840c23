package recurrence_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/recurrence"
	"lockstep.dev/vobject"
)

// FuzzReadSplitRead: a series is read from an object, cut in two, written,
// read again and has the occurrences that it had.
func FuzzReadSplitRead(f *testing.F) {
	for _, lines := range []string{
		"RRULE:FREQ=DAILY;COUNT=9", "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20270101T000000Z\r\nEXDATE:20260112T090000",
		"RRULE:FREQ=MONTHLY;BYDAY=-1FR\r\nRDATE:20260301T120000,20260302T120000", "RDATE;VALUE=PERIOD:20260301T120000/PT1H",
		"RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "RRULE:FREQ=DAILY \r\nEXDATE;VALUE=DATE:20260107",
	} {
		f.Add("20260105T090000", lines, uint8(1))
		f.Add("20260105", strings.ReplaceAll(lines, "T090000", ""), uint8(3))
	}
	f.Fuzz(func(t *testing.T, start, lines string, pick uint8) {
		s, ok := readSeries(start, lines)
		if !ok {
			return
		}
		all, err := s.Expand(day("20260101"), day("20280101"))
		if err != nil || len(all) < 2 || s.Start.Year < 2025 {
			return
		}
		at := all[1+int(pick)%(len(all)-1)].ID
		before, after, err := s.Split(at)
		if err != nil {
			return
		}
		var got []recurrence.Occurrence
		for _, part := range []recurrence.Series{before, after} {
			again, ok := readSeries(part.Start.String(), strings.Join(part.Lines, "\r\n"))
			if !ok {
				t.Fatalf("a part cannot be read: %v %q", part.Start, part.Lines)
			}
			some, err := again.Expand(day("20260101"), day("20280101"))
			if err != nil {
				t.Fatalf("a part cannot be expanded: %v %q: %v", part.Start, part.Lines, err)
			}
			got = append(got, some...)
		}
		if !slices.Equal(times(got), times(all)) {
			t.Fatalf("split at %v:\nbefore %v %q\nafter %v %q\ngot  %v\nwant %v", at, before.Start, before.Lines, after.Start, after.Lines, times(got), times(all))
		}
	})
}

func readSeries(start, lines string) (recurrence.Series, bool) {
	doc, err := vobject.Parse([]byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART:" + start + "\r\n" + lines + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"))
	if err != nil {
		return recurrence.Series{}, false
	}
	s, err := recurrence.Read(doc.First("VCALENDAR"), "u", func(string) *time.Location { return time.FixedZone("x", 3600) })
	return s, err == nil
}
