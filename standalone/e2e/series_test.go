package e2e

import (
	"slices"
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// A series of six weeks in Berlin time, over a change of clocks, with an
// occurrence of a longer title and a reminder of its own.
const richSeries = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Somebody//Else//EN
BEGIN:VEVENT
UID:series-1
DTSTAMP:20310101T000000Z
DTSTART;TZID=Europe/Berlin:20310317T090000
DTEND;TZID=Europe/Berlin:20310317T093000
RRULE:FREQ=WEEKLY;COUNT=6
SUMMARY:Round
LOCATION:Pier 3
X-OWN:kept
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT10M
DESCRIPTION:Round
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:series-1
DTSTAMP:20310101T000000Z
RECURRENCE-ID;TZID=Europe/Berlin:20310324T090000
DTSTART;TZID=Europe/Berlin:20310324T090000
DTEND;TZID=Europe/Berlin:20310324T093000
SUMMARY:Round with visitors
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT1H
DESCRIPTION:Fetch the visitors
END:VALARM
END:VEVENT
END:VCALENDAR
`

// while has both sides edited before anything is read.
func (h *house) while(edits func()) {
	h.t.Helper()
	m := h.mailboxes()[0]
	h.ask(m, activities.VerbPause, "")
	edits()
	h.eventually("the edit in the CRM was read", func() bool {
		kinds, err := h.store.Progress(h.t.Context(), m.ID)
		return err == nil && slices.ContainsFunc(kinds, func(p store.Progress) bool { return p.Pending > 0 })
	})
	h.ask(m, activities.VerbResume, "")
	h.settled()
}

// B14 between a calendar server and a database: changed occurrences are carried
// both ways; one moved in the mailbox and another cancelled in the CRM at once
// both come true on both sides, reminders of single occurrences stay where they
// are, and no other byte changes. B13: the loser of a conflict is taken after
// all, by the request that the command line makes.
func TestSeriesOnBothSides(t *testing.T) {
	h, _ := simulated(t, reference)
	file := calendar + "series.ics"
	want := strings.ReplaceAll(richSeries, "\n", "\r\n")
	h.stored(file, want)
	h.open()
	h.settled()
	if n := h.count(`SELECT COUNT(*) FROM appointment WHERE overrides LIKE '%SUMMARY:Round with visitors%' AND overrides NOT LIKE '%VALARM%'
		AND recurrence = 'RRULE:FREQ=WEEKLY;COUNT=6'`); n != 1 {
		t.Fatalf("the series is %d times in the CRM\n%s", n, h.report())
	}

	moved := strings.ReplaceAll("BEGIN:VEVENT\nUID:series-1\nDTSTAMP:20310101T000000Z\nRECURRENCE-ID;TZID=Europe/Berlin:20310331T090000\n"+
		"DTSTART;TZID=Europe/Berlin:20310401T140000\nDTEND;TZID=Europe/Berlin:20310401T143000\nSUMMARY:Round\nEND:VEVENT\n", "\n", "\r\n")
	want = strings.Replace(want, "END:VCALENDAR", moved+"END:VCALENDAR", 1)
	h.while(func() {
		h.stored(file, want)
		h.sql(`UPDATE appointment SET recurrence = 'EXDATE:20310407T070000Z' || char(10) || 'RRULE:FREQ=WEEKLY;COUNT=6'`)
	})
	if n := h.count(`SELECT COUNT(*) FROM appointment WHERE overrides LIKE '%20310401T140000%' AND overrides LIKE '%visitors%'
		AND recurrence LIKE 'EXDATE:20310407T070000Z%'`); n != 1 {
		t.Errorf("the CRM does not hold both edits\n%s", h.report())
	}
	want = strings.Replace(want, "X-OWN:kept\r\n", "X-OWN:kept\r\nEXDATE:20310407T070000Z\r\n", 1)
	if got := h.bytesOf(file); got != want {
		t.Errorf("the calendar holds\n%s\nwant\n%s", got, want)
	}

	// An occurrence renamed in the CRM reaches the calendar, and its reminder
	// stays.
	h.sql(`UPDATE appointment SET overrides = replace(overrides, 'Round with visitors', 'Round with guests')`)
	h.eventually("the new title is in the calendar", func() bool { return strings.Contains(h.bytesOf(file), "SUMMARY:Round with guests\r\n") })
	h.settled()
	if got := h.bytesOf(file); !strings.Contains(got, "TRIGGER:-PT1H\r\n") || strings.Contains(got, "with visitors") {
		t.Errorf("the calendar holds\n%s", got)
	}

	h.while(func() {
		h.stored(file, strings.Replace(h.bytesOf(file), "LOCATION:Pier 3", "LOCATION:Pier 4", 1))
		h.sql(`UPDATE appointment SET location = 'Pier 5'`)
	})
	m := h.mailboxes()[0]
	rows, err := h.store.Conflicts(t.Context(), m.ID)
	if err != nil || len(rows) != 1 || rows[0].Field != "location" || rows[0].Loser.Text("location") != "Pier 4" {
		t.Fatalf("conflicts %+v, %v", rows, err)
	}
	if r := h.ask(m, activities.VerbResolve, rows[0].ID+" "+plan.TakeLoser); r.Outcome != store.RequestDone {
		t.Errorf("resolving: %s %s", r.Outcome, r.Message)
	}
	h.settled()
	if n := h.count(`SELECT COUNT(*) FROM appointment WHERE location = 'Pier 4'`); n != 1 || !strings.Contains(h.bytesOf(file), "LOCATION:Pier 4\r\n") {
		t.Errorf("the loser was not taken\n%s", h.report())
	}
	if c, err := h.store.Conflict(t.Context(), rows[0].ID); err != nil || c.Resolution != plan.TakeLoser {
		t.Errorf("the conflict is %+v, %v", c, err)
	}
}
