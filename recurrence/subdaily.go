package recurrence

import (
	"slices"
	"time"
)

// maxSteps bounds the search of a rule that recurs within the day.
const maxSteps = 1_000_000

// subDaily iterates over hourly, minutely and secondly rules. rrule-go loops
// for ever on some of them (BYHOUR that INTERVAL never meets). Parts below the
// frequency add times (BYMINUTE of an hourly rule), parts above it take away.
func subDaily(r *Rule, start, limit time.Time) (func() (time.Time, error), error) {
	if len(r.Weeks) > 0 || len(r.Positions) > 0 {
		return nil, &UnsupportedError{"BYWEEKNO or BYSETPOS within a day"}
	}
	unit := map[Frequency]time.Duration{Hourly: time.Hour, Minutely: time.Minute, Secondly: time.Second}[r.Freq]
	step := unit * time.Duration(r.Interval)
	at := start.Truncate(unit)
	var pending []time.Time
	steps := 0
	return func() (time.Time, error) {
		for len(pending) == 0 {
			if at.After(limit) {
				return time.Time{}, nil
			}
			if steps++; steps > maxSteps {
				return time.Time{}, tooMany()
			}
			if r.keeps(at) {
				pending = r.within(at, start)
			}
			at = at.Add(step)
		}
		t := pending[0]
		pending = pending[1:]
		return t, nil
	}, nil
}

// keeps applies the parts that limit.
func (r *Rule) keeps(t time.Time) bool {
	last := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	yearDays := time.Date(t.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	return has(r.Months, int(t.Month())) &&
		(has(r.MonthDays, t.Day()) || slices.Contains(r.MonthDays, t.Day()-last-1)) &&
		(has(r.YearDays, t.YearDay()) || slices.Contains(r.YearDays, t.YearDay()-yearDays-1)) &&
		(len(r.Days) == 0 || slices.ContainsFunc(r.Days, func(d Day) bool { return d.Weekday == t.Weekday() })) &&
		has(r.Hours, t.Hour()) &&
		(r.Freq == Hourly || has(r.Minutes, t.Minute())) &&
		(r.Freq != Secondly || has(r.Seconds, t.Second()))
}

func has(list []int, n int) bool { return len(list) == 0 || slices.Contains(list, n) }

// within applies the parts that add times inside a step.
func (r *Rule) within(at, start time.Time) []time.Time {
	minutes, seconds := r.Minutes, r.Seconds
	if r.Freq != Hourly {
		minutes = []int{at.Minute()}
	} else if len(minutes) == 0 {
		minutes = []int{start.Minute()}
	}
	if r.Freq == Secondly {
		seconds = []int{at.Second()}
	} else if len(seconds) == 0 {
		seconds = []int{start.Second()}
	}
	var out []time.Time
	for _, m := range minutes {
		for _, sec := range seconds {
			t := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), m, sec, 0, time.UTC)
			if !t.Before(start) {
				out = append(out, t)
			}
		}
	}
	return out
}
