package recurrence_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/recurrence"
	"pgregory.net/rapid"
)

// B14: a this-and-following split leaves every occurrence where it was, in
// every kind of series and over changes of clocks.
func TestSplitKeepsEveryOccurrence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := randomSeries(t)
		all := window(t, s)
		if len(all) < 2 {
			return // nothing to split
		}
		at := all[rapid.IntRange(1, len(all)-1).Draw(t, "at")].ID
		if !s.Instant(s.Start).Before(at) {
			return // the first one was moved behind another
		}
		before, after, err := s.Split(at)
		if err != nil {
			t.Fatal(err)
		}
		var got []recurrence.Occurrence
		for _, o := range window(t, before) {
			if !o.ID.Before(at) {
				t.Fatalf("%v is in the part before %v: %v", o.ID, at, before.Lines)
			}
			got = append(got, o)
		}
		after.Start.Year = min(after.Start.Year, s.Start.Year+4)
		from := time.Date(s.Start.Year-1, 12, 1, 0, 0, 0, 0, time.UTC)
		rest, err := after.Expand(from, from.AddDate(5, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rest...)
		if !slices.Equal(times(got), times(all)) {
			t.Fatalf("split at %v:\nbefore %v\nafter %v %v\ngot  %v\nwant %v", at, before.Lines, after.Start, after.Lines, times(got), times(all))
		}
	})
}

// times are starts and ends in order.
func times(all []recurrence.Occurrence) []string {
	out := make([]string, len(all))
	for i, o := range all {
		out[i] = o.Start.Format(time.RFC3339) + "/" + o.End.Format(time.RFC3339)
	}
	slices.Sort(out)
	return out
}

func TestSplitEndsThePartBeforeInTheRightClock(t *testing.T) {
	for _, tc := range []struct{ start, zone, rule, before, after string }{
		{"20260105", "", "FREQ=DAILY", "RRULE:FREQ=DAILY;UNTIL=20260106", "RRULE:FREQ=DAILY"},
		{"20260105T090000Z", "", "FREQ=DAILY", "RRULE:FREQ=DAILY;UNTIL=20260107T085959Z", "RRULE:FREQ=DAILY"},
		{"20260105T090000", "Europe/Paris", "FREQ=DAILY;wkst=SU;UNTIL=20260301T000000Z", "RRULE:FREQ=DAILY;wkst=SU;UNTIL=20260107T075959Z", "RRULE:FREQ=DAILY;wkst=SU;UNTIL=20260301T000000Z"},
		{"20260105T090000", "Europe/Paris", "COUNT=10;FREQ=DAILY", "RRULE:FREQ=DAILY;COUNT=2", "RRULE:FREQ=DAILY;COUNT=8"},
	} {
		s := series(t, tc.start, tc.zone, "RRULE:"+tc.rule)
		all, err := s.Expand(day("20260101"), day("20260201"))
		if err != nil {
			t.Fatal(err)
		}
		before, after, err := s.Split(all[2].ID)
		if err != nil || strings.Join(before.Lines, " ") != tc.before || strings.Join(after.Lines, " ") != tc.after {
			t.Errorf("%s: %v %v %v", tc.rule, before.Lines, after.Lines, err)
		}
		if after.Start != all[2].Slot {
			t.Errorf("%s: starts %v", tc.rule, after.Start)
		}
	}
}

func TestSplitSharesDatesOut(t *testing.T) {
	s := series(t, "20260105T090000", "Europe/Paris", "RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Paris:20260112T090000,20260202T090000",
		"RDATE;TZID=Europe/Paris:20260114T090000,20260204T090000")
	all, err := s.Expand(day("20260119"), day("20260120"))
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := s.Split(all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(before.Lines[1:], " "); got != "EXDATE;TZID=Europe/Paris:20260112T090000 RDATE;TZID=Europe/Paris:20260114T090000" {
		t.Errorf("before %s", got)
	}
	if got := strings.Join(after.Lines[1:], " "); got != "EXDATE;TZID=Europe/Paris:20260202T090000 RDATE;TZID=Europe/Paris:20260204T090000" {
		t.Errorf("after %s", got)
	}
	if _, _, err := s.Split(s.Instant(s.Start)); err == nil {
		t.Error("a split at the first occurrence is accepted")
	}
	two := series(t, "20260105T090000", "Europe/Paris", "RRULE:FREQ=WEEKLY", "RRULE:FREQ=DAILY;INTERVAL=3")
	if _, _, err := two.Split(all[0].ID); err == nil {
		t.Error("a split of two rules is accepted")
	}
}
