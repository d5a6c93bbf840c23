package vobject

import (
	"fmt"
	"strings"
	"time"
)

// Duration is an RFC 5545 section 3.3.6 duration. Days and weeks are those of
// the calendar, which a change of clocks makes longer or shorter than 24
// hours.
type Duration struct {
	Negative                             bool
	Weeks, Days, Hours, Minutes, Seconds int
}

// ParseDuration reads P1W, -PT15M, P1DT2H30M and the like.
func ParseDuration(s string) (Duration, error) {
	bad := fmt.Errorf("parse duration: %q is no duration", clip(s))
	text := strings.ToUpper(strings.TrimSpace(s))
	d := Duration{Negative: strings.HasPrefix(text, "-")}
	text, ok := strings.CutPrefix(strings.TrimLeft(text, "+-"), "P")
	if !ok || text == "" {
		return Duration{}, bad
	}
	inTime, order := false, 0
	for text != "" {
		if text[0] == 'T' && !inTime {
			inTime, text = true, text[1:]
			continue
		}
		i := 0
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		n, ok := digits(text[:i], i)
		if !ok || i == len(text) {
			return Duration{}, bad
		}
		rank := d.put(text[i], n, inTime)
		if rank <= order {
			return Duration{}, bad
		}
		order, text = rank, text[i+1:]
	}
	if order == 0 {
		return Duration{}, bad
	}
	return d, nil
}

// put stores a number by its unit and returns the unit's place in the order,
// 0 for none.
func (d *Duration) put(unit byte, n int, inTime bool) int {
	switch {
	case unit == 'W' && !inTime:
		d.Weeks = n
		return 1
	case unit == 'D' && !inTime:
		d.Days = n
		return 2
	case unit == 'H' && inTime:
		d.Hours = n
		return 3
	case unit == 'M' && inTime:
		d.Minutes = n
		return 4
	case unit == 'S' && inTime:
		d.Seconds = n
		return 5
	}
	return 0
}

// String writes the duration; PT0S for none.
func (d Duration) String() string {
	var b strings.Builder
	if d.Negative {
		b.WriteByte('-')
	}
	b.WriteByte('P')
	part := func(n int, unit string) {
		if n != 0 {
			fmt.Fprintf(&b, "%d%s", n, unit)
		}
	}
	// Weeks stand alone by RFC 5545; together with other parts they are days.
	if d.Weeks != 0 && d.Days == 0 && d.Hours == 0 && d.Minutes == 0 && d.Seconds == 0 {
		part(d.Weeks, "W")
		return b.String()
	}
	part(d.Weeks*7+d.Days, "D")
	if d.Hours != 0 || d.Minutes != 0 || d.Seconds != 0 {
		b.WriteByte('T')
		part(d.Hours, "H")
		part(d.Minutes, "M")
		part(d.Seconds, "S")
	} else if d.Days == 0 && d.Weeks == 0 {
		return "PT0S"
	}
	return b.String()
}

// AddTo adds the duration: first the days by the calendar, then the time
// exactly.
func (d Duration) AddTo(t time.Time) time.Time {
	sign := 1
	if d.Negative {
		sign = -1
	}
	if days := d.Weeks*7 + d.Days; days != 0 {
		t = LocalTime(t.Year(), int(t.Month()), t.Day()+sign*days, t.Hour(), t.Minute(), t.Second(), t.Location())
	}
	exact := time.Duration(d.Hours)*time.Hour + time.Duration(d.Minutes)*time.Minute + time.Duration(d.Seconds)*time.Second
	return t.Add(time.Duration(sign) * exact)
}

// DurationOf writes an exact time span, days counting as 24 hours.
func DurationOf(t time.Duration) Duration {
	d := Duration{Negative: t < 0}
	s := int(t.Abs() / time.Second)
	d.Days, d.Hours, d.Minutes, d.Seconds = s/86400, s/3600%24, s/60%60, s%60
	return d
}
