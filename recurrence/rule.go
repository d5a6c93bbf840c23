package recurrence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/vobject"
)

// Frequency is the FREQ of a rule.
type Frequency string

// The frequencies of RFC 5545 section 3.3.10.
const (
	Secondly Frequency = "SECONDLY"
	Minutely Frequency = "MINUTELY"
	Hourly   Frequency = "HOURLY"
	Daily    Frequency = "DAILY"
	Weekly   Frequency = "WEEKLY"
	Monthly  Frequency = "MONTHLY"
	Yearly   Frequency = "YEARLY"
)

// Day is one BYDAY value: the nth such weekday, or every one if N is 0.
type Day struct {
	N       int
	Weekday time.Weekday
}

// Rule is a parsed RRULE value.
type Rule struct {
	Freq      Frequency
	Interval  int           // 1 if the text has none
	Count     int           // 0: not limited by count
	Until     *vobject.Time // nil: not limited by date
	WeekStart time.Weekday  // Monday if the text has none

	Months, MonthDays, YearDays, Weeks []int
	Days                               []Day
	Hours, Minutes, Seconds, Positions []int
}

// UnsupportedError is a rule that is valid but cannot be computed here or
// cannot be said in another system's form. The series is kept as it is.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "recurrence: " + e.What + " is not supported" }

// maxInterval keeps the arithmetic of steps within bounds; it is 27 years of
// days.
const maxInterval = 10000

// ParseRule reads an RRULE value. RSCALE other than GREGORIAN and SKIP other
// than OMIT (RFC 7529) are an UnsupportedError.
func ParseRule(text string) (Rule, error) {
	r := Rule{Interval: 1, WeekStart: time.Monday}
	for part := range strings.SplitSeq(strings.TrimSpace(text), ";") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		if err := r.set(strings.ToUpper(strings.TrimSpace(key)), strings.ToUpper(strings.TrimSpace(value))); err != nil {
			return Rule{}, fmt.Errorf("parse RRULE: %w", err)
		}
	}
	if r.Freq == "" {
		return Rule{}, fmt.Errorf("parse RRULE: FREQ is missing")
	}
	return r, nil
}

func (r *Rule) set(key, value string) error {
	var err error
	switch key {
	case "FREQ":
		r.Freq = Frequency(value)
		if !slices.Contains([]Frequency{Secondly, Minutely, Hourly, Daily, Weekly, Monthly, Yearly}, r.Freq) {
			return fmt.Errorf("FREQ is none of the seven")
		}
	case "INTERVAL":
		r.Interval, err = number(value, 1, maxInterval)
	case "COUNT":
		r.Count, err = number(value, 1, 1<<30)
	case "UNTIL":
		at, untilErr := vobject.ParseTime(value)
		if untilErr != nil || !at.Complete() {
			return fmt.Errorf("UNTIL is no date")
		}
		r.Until = &at
	case "WKST":
		r.WeekStart, err = weekday(value)
	case "BYDAY":
		r.Days, err = days(value)
	case "RSCALE":
		if value != "GREGORIAN" {
			return &UnsupportedError{"a calendar other than the Gregorian"}
		}
	case "SKIP":
		if value != "OMIT" {
			return &UnsupportedError{"SKIP=" + value}
		}
	default:
		return r.setList(key, value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func (r *Rule) setList(key, value string) error {
	list, low, high := (*[]int)(nil), 1, 0
	switch key {
	case "BYMONTH":
		list, high = &r.Months, 12
	case "BYMONTHDAY":
		list, low, high = &r.MonthDays, -31, 31
	case "BYYEARDAY":
		list, low, high = &r.YearDays, -366, 366
	case "BYWEEKNO":
		list, low, high = &r.Weeks, -53, 53
	case "BYSETPOS":
		list, low, high = &r.Positions, -366, 366
	case "BYHOUR":
		list, low, high = &r.Hours, 0, 23
	case "BYMINUTE":
		list, low, high = &r.Minutes, 0, 59
	case "BYSECOND":
		list, low, high = &r.Seconds, 0, 59
	default:
		if strings.HasPrefix(key, "X-") {
			return nil
		}
		return &UnsupportedError{"the part " + clip(key)}
	}
	for v := range strings.SplitSeq(value, ",") {
		n, err := number(v, low, high)
		if err != nil || low < 0 && n == 0 {
			return fmt.Errorf("%s has a value out of bounds", key)
		}
		if !slices.Contains(*list, n) {
			*list = append(*list, n)
		}
	}
	slices.Sort(*list)
	return nil
}

func clip(s string) string { return s[:min(len(s), 20)] }

func number(s string, low, high int) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(s), "+"))
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("the value is not a number from %d to %d", low, high)
	}
	return n, nil
}

func weekday(s string) (time.Weekday, error) {
	i := slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, s)
	if i < 0 {
		return 0, fmt.Errorf("the value is no weekday")
	}
	return time.Weekday(i), nil
}

func days(value string) ([]Day, error) {
	var out []Day
	for v := range strings.SplitSeq(value, ",") {
		v = strings.TrimSpace(v)
		if len(v) < 2 {
			return nil, fmt.Errorf("the value is no weekday")
		}
		w, err := weekday(v[len(v)-2:])
		if err != nil {
			return nil, err
		}
		d := Day{Weekday: w}
		if n := v[:len(v)-2]; n != "" {
			if d.N, err = number(n, -53, 53); err != nil {
				return nil, err
			}
		}
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b Day) int { return (a.N-b.N)*7 + int(a.Weekday-b.Weekday) })
	return out, nil
}

func dayText(w time.Weekday) string { return strings.ToUpper(w.String()[:2]) }

// String writes the rule in a normal order. It is for rules that are new or
// compared; a rule that did not change keeps its own text.
func (r Rule) String() string {
	parts := []string{"FREQ=" + string(r.Freq)}
	add := func(key, value string) { parts = append(parts, key+"="+value) }
	if r.Interval > 1 {
		add("INTERVAL", strconv.Itoa(r.Interval))
	}
	for _, l := range []struct {
		key    string
		values []int
	}{{"BYMONTH", r.Months}, {"BYWEEKNO", r.Weeks}, {"BYYEARDAY", r.YearDays}, {"BYMONTHDAY", r.MonthDays}} {
		addList(add, l.key, l.values)
	}
	if len(r.Days) > 0 {
		var texts []string
		for _, d := range r.Days {
			if d.N != 0 {
				texts = append(texts, strconv.Itoa(d.N)+dayText(d.Weekday))
			} else {
				texts = append(texts, dayText(d.Weekday))
			}
		}
		add("BYDAY", strings.Join(texts, ","))
	}
	addList(add, "BYHOUR", r.Hours)
	addList(add, "BYMINUTE", r.Minutes)
	addList(add, "BYSECOND", r.Seconds)
	addList(add, "BYSETPOS", r.Positions)
	if r.WeekStart != time.Monday {
		add("WKST", dayText(r.WeekStart))
	}
	if r.Count > 0 {
		add("COUNT", strconv.Itoa(r.Count))
	}
	if r.Until != nil {
		add("UNTIL", r.Until.String())
	}
	return strings.Join(parts, ";")
}

func addList(add func(key, value string), key string, values []int) {
	if len(values) == 0 {
		return
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.Itoa(v)
	}
	add(key, strings.Join(texts, ","))
}

// withLimit replaces COUNT and UNTIL in a rule's own text by another limit, or
// none; every other part keeps its spelling and order.
func withLimit(text, limit string) string {
	var parts []string
	for part := range strings.SplitSeq(text, ";") {
		key, _, _ := strings.Cut(part, "=")
		if key = strings.ToUpper(strings.TrimSpace(key)); key != "COUNT" && key != "UNTIL" && part != "" {
			parts = append(parts, part)
		}
	}
	if limit != "" {
		parts = append(parts, limit)
	}
	return strings.Join(parts, ";")
}
