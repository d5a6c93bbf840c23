package vobject

import (
	"fmt"
	"strings"
	"time"
)

// Date is a calendar date of which parts may be missing: Year, Month or Day is
// 0 then (RFC 6350 section 4.3.1: --0412 is a birthday without its year).
type Date struct {
	Year, Month, Day int
}

// Complete reports whether no part is missing.
func (d Date) Complete() bool { return d.Year > 0 && d.Month > 0 && d.Day > 0 }

// String is the date as vCard 4.0 writes it: 19850412, --0412, ---12, 1985-04,
// 1985, --04. It is also the iCalendar form of a complete date.
func (d Date) String() string {
	switch {
	case d.Complete():
		return fmt.Sprintf("%04d%02d%02d", d.Year, d.Month, d.Day)
	case d.Year > 0 && d.Month > 0:
		return fmt.Sprintf("%04d-%02d", d.Year, d.Month)
	case d.Year > 0:
		return fmt.Sprintf("%04d", d.Year)
	case d.Month > 0 && d.Day > 0:
		return fmt.Sprintf("--%02d%02d", d.Month, d.Day)
	case d.Month > 0:
		return fmt.Sprintf("--%02d", d.Month)
	case d.Day > 0:
		return fmt.Sprintf("---%02d", d.Day)
	}
	return ""
}

// ParseDate reads a date in the forms of iCalendar and of all vCard versions:
// 19850412, 1985-04-12, 1985-04, 1985, --0412, --04-12, --04, ---12. A time
// behind it is left out.
func ParseDate(s string) (Date, error) {
	text := strings.TrimSpace(s)
	if i := strings.IndexAny(text, "Tt "); i >= 0 {
		text = text[:i]
	}
	d, ok := dateParts(text)
	if !ok || !d.possible() {
		return Date{}, fmt.Errorf("parse date: %q is no date", clip(s))
	}
	return d, nil
}

func dateParts(s string) (Date, bool) {
	if rest, ok := strings.CutPrefix(s, "---"); ok {
		day, ok := digits(rest, 2)
		return Date{Day: day}, ok
	}
	if rest, ok := strings.CutPrefix(s, "--"); ok {
		md, ok := digits(strings.ReplaceAll(rest, "-", ""), len(strings.ReplaceAll(rest, "-", "")))
		switch len(strings.ReplaceAll(rest, "-", "")) {
		case 2:
			return Date{Month: md}, ok
		case 4:
			return Date{Month: md / 100, Day: md % 100}, ok
		}
		return Date{}, false
	}
	compact := strings.ReplaceAll(s, "-", "")
	n, ok := digits(compact, len(compact))
	switch {
	case len(compact) == 8:
		return Date{n / 10000, n / 100 % 100, n % 100}, ok
	case len(compact) == 6 && len(s) == 7:
		return Date{Year: n / 100, Month: n % 100}, ok
	case len(compact) == 4 && len(s) == 4:
		return Date{Year: n}, ok
	}
	return Date{}, false
}

// possible rejects months and days that no calendar has. Without a year the
// 29th of February is possible.
func (d Date) possible() bool {
	if d.Month > 12 || d.Day > 31 || d == (Date{}) {
		return false
	}
	if d.Month == 0 || d.Day == 0 {
		return true
	}
	year := d.Year
	if year == 0 {
		year = 2000
	}
	return time.Date(year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC).Day() == d.Day
}

// digits reads exactly n decimal digits.
func digits(s string, n int) (int, bool) {
	if len(s) != n || n == 0 || n > 9 {
		return 0, false
	}
	v := 0
	for i := 0; i < n; i++ {
		if !isDigit(s[i]) {
			return 0, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return v, true
}

// clip keeps a wrong value short in an error text.
func clip(s string) string {
	if len(s) > 20 {
		return s[:runeCut(s, 20)] + "..."
	}
	return s
}

// Date reads a date property, a birthday for example. Apple writes a birthday
// without year as one in the year that X-APPLE-OMIT-YEAR names.
func (p Property) Date() (Date, error) {
	d, err := ParseDate(p.Raw())
	if err != nil {
		return Date{}, fmt.Errorf("read %s: %w", p.Name(), err)
	}
	if omit := p.Param("X-APPLE-OMIT-YEAR"); omit != "" && omit == fmt.Sprintf("%04d", d.Year) {
		d.Year = 0
	}
	return d, nil
}

// Clock says what the hours of a Time count from.
type Clock uint8

// The clocks.
const (
	AllDay   Clock = iota // a date only
	Floating              // local wherever one is (RFC 5545 section 3.3.5 form 1)
	UTC                   // form 2, ending in Z
	Zoned                 // form 3, local in the zone that TZID names
	Offset                // vCard only: a fixed distance from UTC
)

// Time is a date or a date with time as the text has it, not yet an instant:
// that needs the zone.
type Time struct {
	Date
	Hour, Minute, Second int
	Clock                Clock
	TZID                 string // with Zoned
	Offset               int    // seconds east of UTC, with Offset
}

// String is the iCalendar value; TZID goes into a parameter.
func (t Time) String() string {
	if t.Clock == AllDay {
		return t.Date.String()
	}
	s := fmt.Sprintf("%sT%02d%02d%02d", t.Date, t.Hour, t.Minute, t.Second)
	switch t.Clock {
	case UTC:
		return s + "Z"
	case Offset:
		sign := '+'
		if t.Offset < 0 {
			sign = '-'
		}
		return fmt.Sprintf("%s%c%02d%02d", s, sign, abs(t.Offset)/3600, abs(t.Offset)/60%60)
	}
	return s
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// In is the time as an instant, with loc for the clocks that leave the zone
// open. A local time that a change of clocks skips moves forward by the size
// of the gap; of one that happens twice it is the first (RFC 5545
// section 3.3.5).
func (t Time) In(loc *time.Location) time.Time {
	switch t.Clock {
	case UTC:
		loc = time.UTC
	case Offset:
		loc = time.FixedZone("", t.Offset)
	}
	return LocalTime(t.Year, t.Month, t.Day, t.Hour, t.Minute, t.Second, loc)
}

// LocalTime is the instant of a local time by the rule of RFC 5545
// section 3.3.5: a skipped time counts with the offset before the gap, the
// first of two equal times is meant.
func LocalTime(year, month, day, hour, minute, second int, loc *time.Location) time.Time {
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, loc)
	before := t.Add(-36 * time.Hour)
	_, offBefore := before.Zone()
	naive := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	// The offset in force before the nearest change of clocks is tried first.
	if early := naive.Add(-time.Duration(offBefore) * time.Second).In(loc); sameWall(early, naive) {
		return early
	}
	if sameWall(t, naive) {
		return t
	}
	return naive.Add(-time.Duration(offBefore) * time.Second).In(loc)
}

func sameWall(t, naive time.Time) bool {
	_, off := t.Zone()
	return t.Add(time.Duration(off) * time.Second).Equal(naive)
}

// ParseTime reads a date or date-time: 20260105, 20260105T090000,
// 20260105T090000Z, and the ISO forms with hyphens, colons and offset that
// vCards have. Seconds may be missing and a fraction is dropped.
func ParseTime(s string) (Time, error) {
	text := strings.TrimSpace(s)
	date, clock, hasTime := strings.Cut(strings.ToUpper(text), "T")
	d, err := ParseDate(date)
	if err != nil || !hasTime {
		return Time{Date: d}, err
	}
	t := Time{Date: d, Clock: Floating}
	if !t.parseClock(clock) {
		return Time{}, fmt.Errorf("parse time: %q is no date with time", clip(s))
	}
	return t, nil
}

func (t *Time) parseClock(s string) bool {
	if rest, ok := strings.CutSuffix(s, "Z"); ok {
		s, t.Clock = rest, UTC
	} else if i := strings.LastIndexAny(s, "+-"); i > 0 {
		zone := strings.ReplaceAll(s[i+1:], ":", "")
		if len(zone) == 2 {
			zone += "00"
		}
		n, ok := digits(zone, 4)
		if !ok {
			return false
		}
		t.Clock, t.Offset = Offset, (n/100)*3600+(n%100)*60
		if s[i] == '-' {
			t.Offset = -t.Offset
		}
		s = s[:i]
	}
	s, _, _ = strings.Cut(s, ".")
	s = strings.ReplaceAll(s, ":", "")
	if len(s) == 2 || len(s) == 4 {
		s += "000000"[len(s):]
	}
	n, ok := digits(s, 6)
	t.Hour, t.Minute, t.Second = n/10000, n/100%100, n%100
	return ok && t.Hour < 24 && t.Minute < 60 && t.Second <= 60
}

// Time reads a date or date-time property with its TZID.
func (p Property) Time() (Time, error) {
	t, err := ParseTime(p.Raw())
	if err != nil {
		return Time{}, fmt.Errorf("read %s: %w", p.Name(), err)
	}
	if t.Clock == Floating {
		if t.TZID = p.Param("TZID"); t.TZID != "" {
			t.Clock = Zoned
		}
	}
	return t, nil
}
