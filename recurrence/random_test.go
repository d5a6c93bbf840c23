package recurrence_test

import (
	"fmt"
	"strings"
	"time"

	"lockstep.dev/recurrence"
	"lockstep.dev/vobject"
	"pgregory.net/rapid"
)

// Zones in which a change of clocks bites: in the night, in the evening, by
// half an hour, on other days, never, across the date line, with winter as the
// exception.
var biting = []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "Africa/Casablanca",
	"Africa/Cairo", "America/St_Johns", "Pacific/Apia", "Europe/Dublin", "Asia/Gaza", "Europe/Istanbul", "America/Sao_Paulo", "Etc/UTC"}

// randomStart draws a start: all-day, floating, UTC or zoned, often at a local
// time that a change of clocks skips or repeats.
func randomStart(t *rapid.T) recurrence.Series {
	year := rapid.SampledFrom([]int{2007, 2011, 2016, 2018, 2023, 2024, 2025, 2026}).Draw(t, "year")
	date := time.Date(year, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 31).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
	s := recurrence.Series{Start: vobject.Time{Date: vobject.Date{Year: date.Year(), Month: int(date.Month()), Day: date.Day()}}}
	s.Start.Clock = rapid.SampledFrom([]vobject.Clock{vobject.AllDay, vobject.Floating, vobject.UTC, vobject.Zoned, vobject.Zoned, vobject.Zoned}).Draw(t, "clock")
	if s.Start.Clock == vobject.AllDay {
		return s
	}
	s.Start.Hour = rapid.SampledFrom([]int{0, 1, 2, 3, 9, 22, 23}).Draw(t, "hour")
	s.Start.Minute = rapid.SampledFrom([]int{0, 15, 30}).Draw(t, "minute")
	s.Duration = vobject.Duration{Minutes: rapid.IntRange(0, 3000).Draw(t, "minutes")}
	if s.Start.Clock == vobject.UTC {
		return s
	}
	zone := rapid.SampledFrom(biting).Draw(t, "zone")
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	s.Zone = loc
	if s.Start.Clock == vobject.Zoned {
		s.Start.TZID = zone
	}
	return s
}

// randomRule draws a rule that has the start, in all the shapes people use.
func randomRule(t *rapid.T, s recurrence.Series) string {
	at := time.Date(s.Start.Year, time.Month(s.Start.Month), s.Start.Day, 0, 0, 0, 0, time.UTC)
	own := strings.ToUpper(at.Weekday().String()[:2])
	days := own
	for _, d := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}), 0, 4, rapid.ID[string]).Draw(t, "days") {
		if d != own {
			days += "," + d
		}
	}
	nth := (at.Day()-1)/7 + 1
	interval := rapid.IntRange(1, 4).Draw(t, "interval")
	rule := rapid.SampledFrom([]string{
		"FREQ=DAILY", "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=" + days, "FREQ=WEEKLY;WKST=SU;BYDAY=" + days, "FREQ=MONTHLY",
		fmt.Sprintf("FREQ=MONTHLY;BYMONTHDAY=%d", at.Day()), fmt.Sprintf("FREQ=MONTHLY;BYDAY=%d%s", nth, own),
		fmt.Sprintf("FREQ=MONTHLY;BYDAY=%s;BYSETPOS=%d", own, nth), "FREQ=YEARLY",
		fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=%d%s", at.Month(), nth, own),
		fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYMONTHDAY=%d", at.Month(), at.Day()),
		"FREQ=DAILY;BYDAY=" + days,
		"FREQ=MONTHLY;BYDAY=" + days,
	}).Draw(t, "rule")
	if at.AddDate(0, 0, 1).Day() == 1 && rapid.Bool().Draw(t, "last") {
		rule = rapid.SampledFrom([]string{"FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYDAY=-1" + own}).Draw(t, "last rule")
	}
	rule += fmt.Sprintf(";INTERVAL=%d", interval)
	switch rapid.IntRange(0, 3).Draw(t, "limit") {
	case 0:
		rule += fmt.Sprintf(";COUNT=%d", rapid.IntRange(1, 40).Draw(t, "count"))
	case 1:
		end := at.AddDate(0, 0, rapid.IntRange(0, 1500).Draw(t, "until")).Format("20060102")
		switch s.Start.Clock {
		case vobject.UTC, vobject.Zoned:
			end += rapid.SampledFrom([]string{"T000000Z", "T013000Z", "T235959Z"}).Draw(t, "until time")
		case vobject.Floating:
			end += "T120000"
		}
		rule += ";UNTIL=" + end
	}
	return rule
}

// randomSeries draws a series with rule, exceptions and overrides.
func randomSeries(t *rapid.T) recurrence.Series {
	s := randomStart(t)
	s.Lines = []string{"RRULE:" + randomRule(t, s)}
	all := window(t, s)
	for i := 1; i < len(all) && i < 12; i++ {
		switch rapid.IntRange(0, 5).Draw(t, "exception") {
		case 0:
			s.Lines = append(s.Lines, "EXDATE"+suffix(s)+all[i].Slot.String())
		case 1:
			o := recurrence.Override{ID: all[i].Slot, Content: fmt.Sprint(i)}
			if o.Start = all[i].Slot; s.Start.Clock != vobject.AllDay {
				o.Start.Hour = rapid.IntRange(0, 23).Draw(t, "moved to")
			}
			s.Overrides = append(s.Overrides, o)
		case 2:
			s.Overrides = append(s.Overrides, recurrence.Override{ID: all[i].Slot, Cancelled: true})
		}
	}
	return s
}

// suffix is what stands between the name of a date property and its value.
func suffix(s recurrence.Series) string {
	switch s.Start.Clock {
	case vobject.AllDay:
		return ";VALUE=DATE:"
	case vobject.Zoned:
		return ";TZID=" + s.Start.TZID + ":"
	}
	return ":"
}

// window expands over four years from the start on.
func window(t *rapid.T, s recurrence.Series) []recurrence.Occurrence {
	from := time.Date(s.Start.Year-1, 12, 1, 0, 0, 0, 0, time.UTC)
	all, err := s.Expand(from, from.AddDate(5, 0, 0))
	if err != nil {
		t.Fatalf("%v: %v", s.Lines, err)
	}
	return all
}
