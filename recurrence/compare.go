package recurrence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep.dev/vobject"
)

// Comparing rules by what they mean.

const (
	// manySlots is up to how many slots a rule that ends is compared slot by
	// slot.
	manySlots = 2000
	// lifetime is the years within which a rule that ends is thought to end.
	lifetime = 100
	// zoneYears is over how many years the clocks of two zones are compared.
	zoneYears = 6
)

// patternText says when a series recurs: of a rule that ends every slot, of one
// that does not its plain form and its first years, of one by the minute only
// the plain form. RDATEs are not part of it.
func (s Series) patternText(p parsed) string {
	if !s.Start.Complete() {
		return ""
	}
	head := fmt.Sprintf("%t %t %d", s.AllDay(), s.Start.Clock == vobject.Floating, s.Instant(s.Start).Unix())
	if len(p.rules) == 0 {
		return head
	}
	rules, endless, dense := make([]string, len(p.rules)), false, false
	for i, r := range p.rules {
		rules[i] = s.plain(r) + limit(r)
		endless = endless || r.Count == 0 && r.Until == nil
		dense = dense || r.Freq == Secondly || r.Freq == Minutely
	}
	slices.Sort(rules)
	reach := lifetime
	if endless {
		reach = zoneYears
	}
	asWritten := head + " " + s.zone(s.Start).String() + " " + strings.Join(rules, " ")
	if dense {
		return asWritten
	}
	p.dates = nil
	slots, err := s.slots(p, s.Instant(s.Start).AddDate(reach, 0, 0))
	switch {
	case err != nil || !endless && len(slots) > manySlots:
		return asWritten
	case endless:
		return head + " " + strings.Join(rules, " ") + " " + s.offsets(slots)
	}
	var b strings.Builder
	b.WriteString(head)
	for _, sl := range slots {
		fmt.Fprintf(&b, " %d", sl.id.Unix())
	}
	return b.String()
}

// offsets are the steps of the clock behind the slots: two zones with the same
// ones are the same to this series.
func (s Series) offsets(slots []slot) string {
	var b strings.Builder
	last := time.Duration(1)
	for _, sl := range slots {
		if by := sl.naive.Sub(sl.id); by != last {
			fmt.Fprintf(&b, " %d%+d", sl.id.Unix(), int(by.Seconds()))
			last = by
		}
	}
	return b.String()
}

// plain writes a rule in a form that two spellings of one rule share: as a
// pattern where it has one, else with what its start implies spelled out.
func (s Series) plain(r Rule) string {
	if s.checkPlain(&r) == nil {
		if p, ok := patternOf(&r, s.Start.Date); ok {
			if p.Interval == 1 {
				p.WeekStart = time.Monday // decides nothing
			}
			return fmt.Sprintf("%v", p)
		}
	}
	if r.Freq != Hourly && r.Freq != Minutely && r.Freq != Secondly {
		r.Hours, r.Minutes, r.Seconds = unless(r.Hours, s.Start.Hour), unless(r.Minutes, s.Start.Minute), unless(r.Seconds, s.Start.Second)
	}
	if len(r.Weeks) == 0 && (r.Freq != Weekly || r.Interval == 1) {
		r.WeekStart = time.Monday
	}
	if len(r.Positions)+len(r.YearDays)+len(r.Weeks)+len(r.Days)+len(r.MonthDays) == 0 && (r.Freq == Monthly || r.Freq == Yearly) {
		if r.Freq == Yearly && len(r.Months) == 0 {
			r.Months = []int{s.Start.Month}
		}
		r.MonthDays = []int{s.Start.Day}
	}
	return r.String()
}

// limit writes where a rule ends; nothing for an endless one.
func limit(r Rule) string {
	switch {
	case r.Count > 0:
		return fmt.Sprintf(" COUNT=%d", r.Count)
	case r.Until != nil:
		return " UNTIL=" + r.Until.String()
	}
	return ""
}

// unless leaves a list out that has only the start's own value.
func unless(list []int, own int) []int {
	if slices.Equal(list, []int{own}) {
		return nil
	}
	return list
}

// normal writes a duration in one way: weeks as days, seconds carried over.
// A day stays a day, which a change of clocks makes longer or shorter.
func normal(d vobject.Duration) vobject.Duration {
	seconds := (d.Hours*60+d.Minutes)*60 + d.Seconds
	return vobject.Duration{Negative: d.Negative, Days: d.Weeks*7 + d.Days, Hours: seconds / 3600, Minutes: seconds / 60 % 60, Seconds: seconds % 60}
}

// Without returns the series without some occurrences, each by its ID: as
// EXDATE in the clock of the start, and without their overrides.
func (s Series) Without(ids []time.Time) Series {
	s.Overrides = slices.DeleteFunc(slices.Clone(s.Overrides), func(o Override) bool { return slices.ContainsFunc(ids, s.Instant(o.ID).Equal) })
	s.Lines = slices.Clone(s.Lines)
	for _, id := range ids {
		at := s.localTime(id)
		name := "EXDATE:"
		switch at.Clock {
		case vobject.AllDay:
			name = "EXDATE;VALUE=DATE:"
		case vobject.Zoned:
			name = "EXDATE;TZID=" + at.TZID + ":"
		}
		s.Lines = append(s.Lines, name+at.String())
	}
	return s
}

// With returns the series with an occurrence as the override says, whatever it
// was before: excluded, another override, or as the rule has it.
func (s Series) With(o Override) (Series, error) {
	id := s.Instant(o.ID)
	out := s
	out.Overrides = append(slices.DeleteFunc(slices.Clone(s.Overrides), func(x Override) bool { return s.Instant(x.ID).Equal(id) }), o)
	out.Lines = nil
	for _, line := range s.Lines {
		p, err := property(line)
		if err != nil {
			return s, err
		}
		if p.Is("EXDATE") {
			if line, err = filterLine(line, p, func(t vobject.Time) bool { return !s.lineKey(t).Equal(id) }); err != nil {
				return s, err
			}
		}
		out.Lines = appendIf(out.Lines, line)
	}
	return out, nil
}
