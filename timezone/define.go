package timezone

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// patternYears is a full cycle of weekdays over dates; a rule that holds for
// that long is the law of the zone.
const patternYears = 28

// irregularYears is how far changes of clocks are listed one by one where they
// follow no rule, as in Morocco.
const irregularYears = 20

// Define writes the VTIMEZONE of an IANA zone for a new object whose first
// event is in that year (RFC 5545 section 3.6.5). Lines end in CRLF. Changes
// that come every year are rules, others are listed for twenty years.
func Define(name string, year int) ([]byte, error) {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("define zone: %w", err)
	}
	begin := time.Date(year-1, 1, 1, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("BEGIN:VTIMEZONE")
	line("TZID:%s", name)
	for _, part := range parts(loc, begin) {
		part.write(line)
	}
	line("END:VTIMEZONE")
	return []byte(b.String()), nil
}

// part is one observance to be written.
type part struct {
	first  transition
	rule   string
	others []transition
}

func (p part) write(line func(string, ...any)) {
	kind := "STANDARD"
	if p.first.daylight {
		kind = "DAYLIGHT"
	}
	line("BEGIN:%s", kind)
	line("DTSTART:%s", p.first.wall().Format("20060102T150405"))
	line("TZOFFSETFROM:%s", offsetText(p.first.before))
	line("TZOFFSETTO:%s", offsetText(p.first.after))
	if p.first.name != "" {
		line("TZNAME:%s", p.first.name)
	}
	if p.rule != "" {
		line("RRULE:FREQ=YEARLY;%s", p.rule)
	}
	for _, t := range p.others {
		line("RDATE:%s", t.wall().Format("20060102T150405"))
	}
	line("END:%s", kind)
}

func offsetText(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	if seconds%60 != 0 {
		return fmt.Sprintf("%c%02d%02d%02d", sign, seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
}

// wall is the local time of the change by the clock before it, which is what
// DTSTART counts in.
func (t transition) wall() time.Time {
	return t.at.UTC().Add(time.Duration(t.before) * time.Second)
}

// parts turns a location's changes since begin into observances: the state at
// begin, the changes that follow a rule for ever, and single ones.
func parts(loc *time.Location, begin time.Time) []part {
	horizon := time.Date(max(begin.Year(), 2040)+patternYears, 1, 1, 0, 0, 0, 0, time.UTC)
	name, offset := begin.In(loc).Zone()
	out := []part{{first: transition{begin, offset, offset, begin.In(loc).IsDST(), name}}}
	all := transitions(loc, begin, horizon)
	rules := lasting(all, horizon.Year())
	if rules == nil {
		end := begin.AddDate(irregularYears+1, 0, 0)
		all = slices.DeleteFunc(all, func(t transition) bool { return !t.at.Before(end) })
	}
	single := all
	for _, r := range rules {
		since := r.since(single)
		out = append(out, part{first: since[0], rule: r.text()})
		single = slices.DeleteFunc(slices.Clone(single), func(t transition) bool {
			return slices.ContainsFunc(since, func(s transition) bool { return s.at.Equal(t.at) })
		})
	}
	return append(out, singles(single)...)
}

// singles groups changes that differ in nothing but their date.
func singles(all []transition) []part {
	var out []part
	for _, t := range all {
		i := slices.IndexFunc(out, func(p part) bool {
			f := p.first
			return f.before == t.before && f.after == t.after && f.daylight == t.daylight && f.name == t.name
		})
		if i < 0 {
			out = append(out, part{first: t})
		} else {
			out[i].others = append(out[i].others, t)
		}
	}
	return out
}

// law is a change that comes every year on a weekday.
type law struct {
	sample   transition
	month    time.Month
	weekday  time.Weekday
	clock    time.Duration
	low      int // earliest day of the month
	fromLast bool
}

// lasting finds the laws of the last years before the horizon: an empty list
// where the clock does not change any more, nil where it changes without a
// rule.
func lasting(all []transition, horizon int) []law {
	tail := slices.DeleteFunc(slices.Clone(all), func(t transition) bool { return t.wall().Year() < horizon-patternYears })
	if len(tail) == 0 {
		return []law{}
	}
	perYear := len(tail) / patternYears
	if len(tail)%patternYears != 0 || perYear > 2 {
		return nil
	}
	var out []law
	for slot := range perYear {
		l, ok := lawOf(tail, slot, perYear)
		if !ok {
			return nil
		}
		out = append(out, l)
	}
	return out
}

func lawOf(tail []transition, slot, perYear int) (law, bool) {
	first := tail[slot]
	w := first.wall()
	l := law{sample: first, month: w.Month(), weekday: w.Weekday(), clock: clockOf(w), low: 31, fromLast: true}
	for i := slot; i < len(tail); i += perYear {
		w := tail[i].wall()
		l.low = min(l.low, w.Day())
		l.fromLast = l.fromLast && w.AddDate(0, 0, 7).Month() != w.Month()
	}
	for i := slot; i < len(tail); i += perYear {
		if !l.fits(tail[i]) {
			return law{}, false
		}
	}
	return l, true
}

func clockOf(w time.Time) time.Duration {
	return time.Duration(w.Hour())*time.Hour + time.Duration(w.Minute())*time.Minute + time.Duration(w.Second())*time.Second
}

func (l law) fits(t transition) bool {
	w := t.wall()
	inWeek := w.Day() >= l.low && w.Day() < l.low+7
	if l.fromLast {
		inWeek = w.AddDate(0, 0, 7).Month() != w.Month()
	}
	return inWeek && w.Month() == l.month && w.Weekday() == l.weekday && clockOf(w) == l.clock &&
		t.before == l.sample.before && t.after == l.sample.after && t.daylight == l.sample.daylight && t.name == l.sample.name
}

// since returns the changes by this law from the year on after which it was
// never broken.
func (l law) since(all []transition) []transition {
	var out []transition
	for _, t := range slices.Backward(all) {
		if !l.fits(t) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].wall().Year() != t.wall().Year()+1 {
			break
		}
		out = append(out, t)
	}
	slices.Reverse(out)
	return out
}

func (l law) text() string {
	day := strings.ToUpper(l.weekday.String()[:2])
	switch {
	case l.fromLast:
		return fmt.Sprintf("BYMONTH=%d;BYDAY=-1%s", l.month, day)
	case l.low%7 == 1 && l.low < 29:
		return fmt.Sprintf("BYMONTH=%d;BYDAY=%d%s", l.month, l.low/7+1, day)
	}
	var days []string
	for d := l.low; d < l.low+7; d++ {
		days = append(days, fmt.Sprint(d))
	}
	return fmt.Sprintf("BYMONTH=%d;BYMONTHDAY=%s;BYDAY=%s", l.month, strings.Join(days, ","), day)
}
