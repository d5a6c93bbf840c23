package model

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are known where the machine has no database of them
)

// Schedule says when a mailbox is synced how often. The hours are those of a
// time zone, whatever the clock of the server says.
type Schedule struct {
	Zone string `json:"zone" yaml:"zone"` // IANA name such as Europe/Berlin; default UTC
	// Peak are the hours in which the policy's interval counts; none = always.
	Peak []Hours `json:"peak" yaml:"peak"`
	// OffPeak is the gap between rounds at all other hours; default 1h.
	OffPeak Duration `json:"off_peak" yaml:"off_peak"`
	// BlackOut are hours in which no round begins at all.
	BlackOut []Hours `json:"black_out" yaml:"black_out"`
}

// Hours are hours on some days of the week. If To is not after From they end on
// the next day; equal ones last a whole day.
type Hours struct {
	Days []string `json:"days,omitempty" yaml:"days,omitempty"` // mon, tue ... sun; none = every day
	From string   `json:"from" yaml:"from"`                     // 08:00
	To   string   `json:"to" yaml:"to"`                         // 18:00, exclusive
}

func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// Gap is the time from now to the next round: interval in peak hours or where
// there are none, the schedule's own gap otherwise, and in any case not before a
// black-out is over.
func (s Schedule) Gap(now time.Time, interval time.Duration) time.Duration {
	gap := interval
	if len(s.Peak) > 0 {
		if in, _ := s.during(s.Peak, now); !in {
			gap = max(interval, time.Duration(s.OffPeak))
			gap = min(gap, s.next(s.Peak, now).Sub(now)) // peak hours begin with a round
		}
	}
	return s.Allowed(now.Add(gap)).Sub(now)
}

// Allowed is the first moment from t on at which a round may begin.
func (s Schedule) Allowed(t time.Time) time.Time {
	for range 2 * len(s.BlackOut) * len(weekdays()) {
		in, end := s.during(s.BlackOut, t)
		if !in {
			break
		}
		t = end
	}
	return t
}

// during reports whether t lies in any of the hours, and when those end.
func (s Schedule) during(list []Hours, t time.Time) (in bool, end time.Time) {
	for _, h := range list {
		for back := range 2 { // hours of today, or of yesterday beyond midnight
			begins, ends, ok := s.on(h, t, -back)
			if ok && !t.Before(begins) && t.Before(ends) && (!in || ends.After(end)) {
				in, end = true, ends
			}
		}
	}
	return in, end
}

// next is when any of the hours begin after t; a week later if never.
func (s Schedule) next(list []Hours, t time.Time) time.Time {
	best := t.AddDate(0, 0, 8)
	for _, h := range list {
		for day := range 8 {
			if begins, _, ok := s.on(h, t, day); ok && begins.After(t) && begins.Before(best) {
				best = begins
			}
		}
	}
	return best
}

// on places hours on the day of t, moved by some days, if they are on that day.
func (s Schedule) on(h Hours, t time.Time, days int) (begins, ends time.Time, ok bool) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		zone = time.UTC // Check has refused it
	}
	day := t.In(zone).AddDate(0, 0, days)
	if len(h.Days) > 0 && !slices.Contains(h.Days, weekdays()[day.Weekday()]) {
		return time.Time{}, time.Time{}, false
	}
	from, to := minutes(h.From), minutes(h.To)
	next := 0
	if to <= from {
		next = 1
	}
	at := func(plus, m int) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day()+plus, m/60, m%60, 0, 0, zone)
	}
	return at(0, from), at(next, to), true
}

// minutes since midnight of a time such as 08:30; -1 = it is none.
func minutes(s string) int {
	t, err := time.Parse("15:04", s)
	if err != nil {
		if s == "24:00" {
			return 24 * 60
		}
		return -1
	}
	return t.Hour()*60 + t.Minute()
}

func (s Schedule) complete() Schedule {
	s.Zone = or(s.Zone, "UTC")
	s.OffPeak = Duration(orNumber(int64(s.OffPeak), int64(time.Hour)))
	if s.Peak == nil {
		s.Peak = []Hours{}
	}
	if s.BlackOut == nil {
		s.BlackOut = []Hours{}
	}
	return s
}

// check tells what is wrong with a schedule.
func (s Schedule) check(policy string) error {
	if zone, err := time.LoadLocation(s.Zone); err != nil || zone == time.Local {
		return fmt.Errorf("policy %s: schedule.zone: %q is not a time zone; use an IANA name such as Europe/Berlin", policy, s.Zone)
	}
	if s.OffPeak < 0 {
		return fmt.Errorf("policy %s: schedule.off_peak: a span of time cannot be negative", policy)
	}
	for _, list := range []struct {
		key   string
		hours []Hours
	}{{"peak", s.Peak}, {"black_out", s.BlackOut}} {
		for i, h := range list.hours {
			at := fmt.Sprintf("schedule.%s[%d]", list.key, i+1)
			for key, value := range map[string]string{"from": h.From, "to": h.To} {
				if minutes(value) < 0 {
					return fmt.Errorf("policy %s: %s.%s: %q is not a time of day; write it as 08:00", policy, at, key, value)
				}
			}
			for _, d := range h.Days {
				if !slices.Contains(weekdays(), d) {
					return fmt.Errorf("policy %s: %s.days: %q is not a day; use %s", policy, at, d, strings.Join(weekdays(), ", "))
				}
			}
		}
	}
	if s.always() {
		return fmt.Errorf("policy %s: schedule.black_out: no hour of the week is left; to stop syncing, pause the mailboxes", policy)
	}
	return nil
}

// always reports whether black-out hours leave no moment of a week.
func (s Schedule) always() bool {
	if len(s.BlackOut) == 0 {
		return false
	}
	begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return s.Allowed(begin).Sub(begin) >= 7*24*time.Hour
}
