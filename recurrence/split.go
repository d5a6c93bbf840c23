package recurrence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep.dev/vobject"
)

// Split cuts a series before the occurrence with that ID: "this and
// following". Together the two parts have exactly the occurrences of the
// whole. The part before ends by COUNT if the series did, otherwise by UNTIL
// in the form RFC 5545 section 3.3.10 wants: a date for all-day series, local
// time for floating ones, else UTC. The part after begins at the first slot
// that its rule has from there on.
//
// Splitting at or before the first occurrence, or a series of several rules,
// is an error.
func (s Series) Split(id time.Time) (before, after Series, err error) {
	p, err := s.parse()
	if err != nil {
		return before, after, err
	}
	if len(p.rules) > 1 {
		return before, after, &UnsupportedError{"splitting a series of several rules"}
	}
	if !s.Instant(s.Start).Before(id) {
		return before, after, fmt.Errorf("split series: the occurrence is its first, so nothing would be before it")
	}
	before, after = s, s
	before.Lines, after.Lines = nil, nil
	for _, line := range s.Lines {
		b, a, err := s.splitLine(line, id)
		if err != nil {
			return before, after, err
		}
		before.Lines, after.Lines = appendIf(before.Lines, b), appendIf(after.Lines, a)
	}
	before.Overrides, after.Overrides = nil, nil
	for _, o := range s.Overrides {
		if s.Instant(o.ID).Before(id) {
			before.Overrides = append(before.Overrides, o)
		} else {
			after.Overrides = append(after.Overrides, o)
		}
	}
	if len(p.rules) == 0 {
		after.Start = s.localTime(id)
		return before, after, nil
	}
	return s.splitRule(p, id, before, after)
}

func appendIf(lines []string, line string) []string {
	if line == "" {
		return lines
	}
	return append(lines, line)
}

// splitLine shares the values of an RDATE or EXDATE line out. A rule goes to
// neither part.
func (s Series) splitLine(line string, id time.Time) (before, after string, err error) {
	p, err := property(line)
	if err != nil || p.Is("RRULE") {
		return "", "", err
	}
	keep := func(early bool) func(vobject.Time) bool {
		return func(t vobject.Time) bool { return s.beforeSplit(t, id) == early }
	}
	if before, err = filterLine(line, p, keep(true)); err != nil {
		return "", "", err
	}
	after, err = filterLine(line, p, keep(false))
	return before, after, err
}

// beforeSplit puts a date in a series with times before the split if its whole
// day is.
func (s Series) beforeSplit(t vobject.Time, id time.Time) bool {
	if t.Clock == vobject.AllDay && !s.AllDay() {
		return wall(t).Before(naive(s.localTime(id).Date, 0, 0, 0))
	}
	return s.Instant(t).Before(id)
}

// filterLine keeps the values of a line of dates that pass, with their own
// text; empty if none does.
func filterLine(line string, p vobject.Property, keep func(vobject.Time) bool) (string, error) {
	all := values(p)
	var kept []string
	for _, v := range all {
		begin, _, _ := strings.Cut(v, "/")
		t, err := readTime(p, begin)
		if err != nil {
			return "", err
		}
		if keep(t) {
			kept = append(kept, v)
		}
	}
	switch len(kept) {
	case 0:
		return "", nil
	case len(all):
		return line, nil
	}
	return strings.TrimSuffix(line, p.Raw()) + strings.Join(kept, ","), nil
}

// splitRule gives each part its rule, and the part after its start.
func (s Series) splitRule(p parsed, id time.Time, before, after Series) (Series, Series, error) {
	r := p.rules[0]
	early, err := s.ruleTimes(&r, id)
	if err != nil {
		return before, after, err
	}
	counted := len(early)
	if start := wall(s.Start); counted == 0 || early[0].After(start) {
		counted++ // Start counts even where its rule does not have it
	}
	text := p.texts[0]
	next, found, err := s.nextOfRule(&r, id)
	if err != nil {
		return before, after, err
	}
	if r.Count > 0 {
		before.Lines = slices.Insert(before.Lines, 0, "RRULE:"+withLimit(text, fmt.Sprintf("COUNT=%d", counted)))
	} else {
		before.Lines = slices.Insert(before.Lines, 0, "RRULE:"+withLimit(text, "UNTIL="+s.until(id.Add(-time.Second)).String()))
	}
	if !found { // only single dates are left
		after.Start = s.localTime(id)
		return before, after, nil
	}
	after.Start = s.slotTime(next)
	if r.Count > 0 {
		text = withLimit(text, fmt.Sprintf("COUNT=%d", r.Count-counted))
	}
	after.Lines = slices.Insert(after.Lines, 0, "RRULE:"+text)
	return before, after, nil
}

// nextOfRule is the first slot of the rule at or after a moment, as local
// time.
func (s Series) nextOfRule(r *Rule, id time.Time) (time.Time, bool, error) {
	for _, reach := range []int{1, 10, 100} {
		times, err := s.ruleTimes(r, id.AddDate(reach, 0, 0))
		if err != nil {
			return time.Time{}, false, err
		}
		for _, n := range times {
			if !s.Instant(s.slotTime(n)).Before(id) {
				return n, true, nil
			}
		}
	}
	return time.Time{}, false, nil
}

// until is a moment in the form UNTIL has for this series.
func (s Series) until(at time.Time) vobject.Time {
	switch s.Start.Clock {
	case vobject.AllDay:
		return s.localTime(at)
	case vobject.Floating:
		return s.localTime(at)
	}
	at = at.UTC()
	return vobject.Time{Date: vobject.Date{Year: at.Year(), Month: int(at.Month()), Day: at.Day()},
		Hour: at.Hour(), Minute: at.Minute(), Second: at.Second(), Clock: vobject.UTC}
}
