package recurrence_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/recurrence"
	"lockstep.dev/vobject"
)

func calendar(t *testing.T, text string) vobject.Component {
	t.Helper()
	doc, err := vobject.Parse([]byte("BEGIN:VCALENDAR\nVERSION:2.0\n" + text + "END:VCALENDAR\n"))
	if err != nil {
		t.Fatal(err)
	}
	return doc.First("VCALENDAR")
}

func TestReadASeriesWithItsOverrides(t *testing.T) {
	cal := calendar(t, `BEGIN:VEVENT
UID:other
DTSTART:20200101T000000Z
END:VEVENT
BEGIN:VEVENT
UID:a
RECURRENCE-ID;TZID=Europe/Paris:20260112T090000
DTSTART;TZID=America/New_York:20260112T090000
DTEND;TZID=America/New_York:20260112T100000
SUMMARY:moved
BEGIN:VALARM
ACTION:DISPLAY
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:a
DTSTART;TZID=Europe/Paris:20260105T090000
DTEND;TZID=Europe/Paris:20260105T103000
RRULE:FREQ=WEEKLY;
 COUNT=4
EXDATE;TZID=Europe/Paris:20260119T090000
SUMMARY:weekly
END:VEVENT
BEGIN:VEVENT
UID:a
RECURRENCE-ID:20260126T080000Z
STATUS:CANCELLED
END:VEVENT
`)
	s, err := recurrence.Read(cal, "a", func(tzid string) *time.Location { return load(t, tzid) })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Lines, []string{"RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Europe/Paris:20260119T090000"}) {
		t.Errorf("lines %q", s.Lines)
	}
	if got := starts(t, s, "20260101", "20260301"); !slices.Equal(got, []string{"20260105T0900", "20260112T1500"}) {
		t.Errorf("got %v", got)
	}
	all, err := s.Expand(day("20260101"), day("20260301"))
	if err != nil || all[0].End.Sub(all[0].Start) != 90*time.Minute || all[1].End.Sub(all[1].Start) != time.Hour {
		t.Errorf("durations %v %v", all, err)
	}
	if o := s.Overrides[0]; !strings.Contains(o.Content, "SUMMARY:moved") || !strings.Contains(o.Content, "VALARM") || strings.Contains(o.Content, "DTSTART") {
		t.Errorf("content %q", o.Content)
	}
	if !s.Ruled() {
		t.Error("it has a rule")
	}
}

func TestReadTasksAllDayAndSingleOccurrences(t *testing.T) {
	cal := calendar(t, `BEGIN:VTODO
UID:task
DUE;VALUE=DATE:20260105
RRULE:FREQ=DAILY;COUNT=2
END:VTODO
BEGIN:VEVENT
UID:days
DTSTART;VALUE=DATE:20260105
DTEND;VALUE=DATE:20260108
END:VEVENT
BEGIN:VEVENT
UID:alone
RECURRENCE-ID:20260105T090000Z
DTSTART:20260105T090000Z
END:VEVENT
BEGIN:VEVENT
UID:broken
DTSTART:soon
END:VEVENT
`)
	task, err := recurrence.Read(cal, "task", nil)
	if err != nil || !slices.Equal(starts(t, task, "20260101", "20260201"), []string{"20260105", "20260106"}) {
		t.Errorf("task %+v %v", task, err)
	}
	days, err := recurrence.Read(cal, "days", nil)
	if err != nil || days.Ruled() {
		t.Fatalf("days %+v %v", days, err)
	}
	all, err := days.Expand(day("20260107"), day("20260108"))
	if err != nil || len(all) != 1 || !all[0].End.Equal(day("20260108")) {
		t.Errorf("days %v %v", all, err)
	}
	if _, err := recurrence.Read(cal, "alone", nil); !errors.Is(err, recurrence.ErrNoMaster) {
		t.Errorf("alone: %v", err)
	}
	if _, err := recurrence.Read(cal, "broken", nil); err == nil {
		t.Error("broken start is read")
	}
}

// B14: whatever a rule is, it says what it says after it was read and written
// in normal form.
func TestRuleTextsMeanTheSame(t *testing.T) {
	for text, want := range map[string]string{
		"interval=2;FREQ=weekly;byday=we,mo":                "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE",
		"FREQ=MONTHLY;BYDAY=+1MO,-1FR;BYSETPOS=1":           "FREQ=MONTHLY;BYDAY=-1FR,1MO;BYSETPOS=1",
		"FREQ=YEARLY;BYMONTH=12,1;BYMONTHDAY=1;WKST=SU":     "FREQ=YEARLY;BYMONTH=1,12;BYMONTHDAY=1;WKST=SU",
		"FREQ=DAILY;X-ODD=1;UNTIL=20260101T000000Z;":        "FREQ=DAILY;UNTIL=20260101T000000Z",
		"FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0;COUNT=2": "FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0;COUNT=2",
	} {
		r, err := recurrence.ParseRule(text)
		if err != nil || r.String() != want {
			t.Errorf("%s: %s %v", text, r, err)
		}
		if again, err := recurrence.ParseRule(r.String()); err != nil || again.String() != r.String() {
			t.Errorf("%s: second time %s %v", text, again, err)
		}
	}
}
