package timezone

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/vobject"
)

// definition is a VTIMEZONE that can be computed with (RFC 5545 section 3.6.5).
type definition struct {
	observances []observance
}

// observance is a STANDARD or DAYLIGHT part: from its onsets on, local time is
// `to` seconds east of UTC.
type observance struct {
	from, to int
	onsets   []int64 // seconds of local time, counted as if it were UTC
	rules    []yearRule
	daylight bool
	name     string
}

// yearRule is an onset that comes every year.
type yearRule struct {
	month     time.Month
	weekday   int // 0 Sunday, -1 any
	nth       int // 1..5, -1..-5, 0 every one
	monthDays []int
	first     int // year
	clock     time.Duration
	until     int64 // instant; 0 for ever
	count     int
}

// maxOnsets bounds what a hostile definition can cost. The longest real ones,
// with all changes since 1883, have less than 250.
const maxOnsets = 2000

func readDefinition(def vobject.Component) (definition, error) {
	var d definition
	onsets := 0
	for _, c := range def.Components("STANDARD", "DAYLIGHT") {
		o, err := readObservance(c)
		if err != nil {
			return definition{}, fmt.Errorf("read VTIMEZONE: %w", err)
		}
		d.observances = append(d.observances, o)
		if onsets += len(o.onsets) + 20*len(o.rules); onsets > maxOnsets {
			return definition{}, fmt.Errorf("read VTIMEZONE: it has more than %d changes of clocks", maxOnsets)
		}
	}
	if len(d.observances) == 0 {
		return definition{}, fmt.Errorf("read VTIMEZONE: it has neither STANDARD nor DAYLIGHT")
	}
	return d, nil
}

func readObservance(c vobject.Component) (observance, error) {
	o := observance{daylight: c.Name() == "DAYLIGHT", name: c.First("TZNAME").Text()}
	var err error
	if o.from, err = readOffset(c.First("TZOFFSETFROM").Raw()); err != nil {
		return o, err
	}
	if o.to, err = readOffset(c.First("TZOFFSETTO").Raw()); err != nil {
		return o, err
	}
	start, err := c.First("DTSTART").Time()
	if err != nil {
		return o, err
	}
	o.onsets = append(o.onsets, local(start).Unix())
	for _, p := range c.All("RDATE") {
		for _, v := range p.List() {
			at, err := vobject.ParseTime(v)
			if err != nil {
				return o, err
			}
			s := local(at).Unix()
			if at.Clock == vobject.UTC {
				s += int64(o.from)
			}
			o.onsets = append(o.onsets, s)
		}
	}
	for _, p := range c.All("RRULE") {
		r, err := readRule(p.Raw(), local(start))
		if err != nil {
			return o, err
		}
		o.rules = append(o.rules, r)
	}
	return o, nil
}

// local is a local time as seconds that are counted like UTC.
func local(t vobject.Time) time.Time {
	return time.Date(t.Year, time.Month(t.Month), t.Day, t.Hour, t.Minute, t.Second, 0, time.UTC)
}

// readOffset reads +0100 or -034536 (RFC 5545 section 3.3.14).
func readOffset(s string) (int, error) {
	s = strings.ReplaceAll(strings.TrimSpace(s), ":", "")
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return 0, fmt.Errorf("offset %q is not of the form +0100", s)
	}
	n, err := strconv.ParseUint(s[1:], 10, 32)
	if err != nil {
		return 0, fmt.Errorf("offset %q is not of the form +0100", s)
	}
	if len(s) == 5 {
		n *= 100
	}
	seconds := int(n/10000*3600 + n/100%100*60 + n%100)
	if s[0] == '-' {
		return -seconds, nil
	}
	return seconds, nil
}

// readRule reads the rules that definitions have: once a year, on a weekday of
// a month or on days of it.
func readRule(text string, start time.Time) (yearRule, error) {
	r := yearRule{month: start.Month(), weekday: -1, first: start.Year()}
	r.clock = start.Sub(time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, time.UTC))
	yearly := false
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(text)), ";") {
		key, value, _ := strings.Cut(part, "=")
		var err error
		switch key {
		case "FREQ":
			yearly = value == "YEARLY"
		case "BYMONTH":
			var m int
			m, err = number(value, 1, 12)
			r.month = time.Month(m)
		case "BYDAY":
			err = r.readDay(value)
		case "BYMONTHDAY":
			for v := range strings.SplitSeq(value, ",") {
				var n int
				if n, err = number(v, -31, 31); err != nil {
					break
				}
				r.monthDays = append(r.monthDays, n)
			}
		case "UNTIL":
			var at vobject.Time
			at, err = vobject.ParseTime(value)
			r.until = local(at).Unix()
		case "COUNT":
			r.count, err = number(value, 1, 1000)
		case "INTERVAL":
			_, err = number(value, 1, 1)
		case "", "WKST":
		default:
			err = fmt.Errorf("part %s is not usual in a zone", key)
		}
		if err != nil {
			return r, fmt.Errorf("rule of an observance: %w", err)
		}
	}
	if !yearly {
		return r, fmt.Errorf("rule of an observance: it is not yearly")
	}
	if r.weekday < 0 && len(r.monthDays) == 0 {
		r.monthDays = []int{start.Day()}
	}
	return r, nil
}

func number(s string, low, high int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is not a number from %d to %d", s, low, high)
	}
	return n, nil
}

func (r *yearRule) readDay(value string) error {
	if len(value) < 2 {
		return fmt.Errorf("%q is no weekday", value)
	}
	r.weekday = slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, value[len(value)-2:])
	if r.weekday < 0 {
		return fmt.Errorf("%q is no weekday", value)
	}
	if ordinal := value[:len(value)-2]; ordinal != "" {
		n, err := number(strings.TrimPrefix(ordinal, "+"), -5, 5)
		r.nth = n
		return err
	}
	return nil
}

// in returns the onset in a year as local seconds.
func (r *yearRule) in(year int) (int64, bool) {
	last := time.Date(year, r.month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	for day := 1; day <= last; day++ {
		at := time.Date(year, r.month, day, 0, 0, 0, 0, time.UTC)
		if r.weekday >= 0 && int(at.Weekday()) != r.weekday {
			continue
		}
		nth, fromEnd := (day-1)/7+1, -((last-day)/7 + 1)
		if r.nth != 0 && r.nth != nth && r.nth != fromEnd {
			continue
		}
		if len(r.monthDays) > 0 && !slices.Contains(r.monthDays, day) && !slices.Contains(r.monthDays, day-last-1) {
			continue
		}
		return at.Add(r.clock).Unix(), true
	}
	return 0, false
}

// step is an instant from which an offset holds.
type step struct {
	at     int64
	offset int
}

// steps lists the offset at the start of the first year and every change of it
// until the end of the last.
func (d definition) steps(first, last int) []step {
	begin := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	end := time.Date(last+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	var all []step
	earliest := step{at: 1 << 62}
	for _, o := range d.observances {
		for _, s := range o.between(first-1, last+1) {
			all = append(all, step{s - int64(o.from), o.to})
			if at := s - int64(o.from); at < earliest.at {
				earliest = step{at, o.from}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b step) int { return int(min(1, max(-1, a.at-b.at))) })
	// Before the first onset that is known, its TZOFFSETFROM holds.
	out := []step{{begin, earliest.offset}}
	for _, s := range all {
		switch {
		case s.at <= begin:
			out[0].offset = s.offset
		case s.at < end && s.offset != out[len(out)-1].offset:
			out = append(out, s)
		}
	}
	return out
}

// between lists the onsets that count for the years: all single ones and those
// of the rules.
func (o observance) between(first, last int) []int64 {
	out := slices.Clone(o.onsets)
	for i := range o.rules {
		r := &o.rules[i]
		from := max(first, r.first)
		if r.until != 0 { // a rule that ended long ago still says what held since
			from = max(r.first, min(from, time.Unix(r.until, 0).UTC().Year()-1))
		}
		if r.count > 0 {
			last = min(last, r.first+r.count-1)
			from = max(r.first, min(from, last-1))
		}
		for year := from; year <= last; year++ {
			s, ok := r.in(year)
			if !ok || s < o.onsets[0] || r.until != 0 && s-int64(o.from) > r.until {
				continue
			}
			out = append(out, s)
		}
	}
	return out
}

// locationSteps is steps for a location.
func locationSteps(loc *time.Location, first, last int) []step {
	begin := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC)
	end := time.Date(last+1, 1, 1, 0, 0, 0, 0, time.UTC)
	_, offset := begin.In(loc).Zone()
	out := []step{{begin.Unix(), offset}}
	for _, t := range transitions(loc, begin, end) {
		if t.after != out[len(out)-1].offset {
			out = append(out, step{t.at.Unix(), t.after})
		}
	}
	return out
}

// transition is a change of a location's clock.
type transition struct {
	at            time.Time
	before, after int
	daylight      bool
	name          string
}

// transitions lists those after begin and before end. Go ends the bounds of a
// zone with every year it computes by rule, and in leap years a day early, at
// an instant whose bounds end with itself; the day after is looked at then.
func transitions(loc *time.Location, begin, end time.Time) []transition {
	var out []transition
	for t := begin.In(loc); ; {
		_, next := t.ZoneBounds()
		if next.IsZero() || !next.Before(end) {
			return out
		}
		if !next.After(t) {
			t = t.AddDate(0, 0, 1)
			continue
		}
		_, before := next.Add(-time.Second).Zone()
		name, after := next.Zone()
		if before != after {
			out = append(out, transition{next, before, after, next.IsDST(), name})
		}
		t = next
	}
}
