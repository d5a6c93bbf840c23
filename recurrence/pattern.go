package recurrence

import (
	"slices"
	"time"

	"lockstep.dev/vobject"
)

// PatternKind names a pattern as Microsoft Graph does; EWS and Salesforce have
// the same six.
type PatternKind string

// The patterns (Microsoft Graph, resource type recurrencePattern).
const (
	PatternDaily           PatternKind = "daily"
	PatternWeekly          PatternKind = "weekly"
	PatternAbsoluteMonthly PatternKind = "absoluteMonthly"
	PatternRelativeMonthly PatternKind = "relativeMonthly"
	PatternAbsoluteYearly  PatternKind = "absoluteYearly"
	PatternRelativeYearly  PatternKind = "relativeYearly"
)

// Pattern is when a series recurs. A DayOfMonth that a month does not have
// means its last day: that is how these systems compute it, and where they
// differ from BYMONTHDAY (Exchange, RecurrencePattern.DayOfMonth).
type Pattern struct {
	Kind       PatternKind
	Interval   int
	Weekdays   []time.Weekday // weekly and relative
	DayOfMonth int            // absolute; 1..31
	Month      time.Month     // yearly
	Index      int            // relative: 1 to 4, or -1 for the last
	WeekStart  time.Weekday   // weekly
}

// RangeKind says how a range ends.
type RangeKind string

// The ranges (Microsoft Graph, resource type recurrenceRange).
const (
	RangeNoEnd    RangeKind = "noEnd"
	RangeEndDate  RangeKind = "endDate"
	RangeNumbered RangeKind = "numbered"
)

// Range is how long a series recurs.
type Range struct {
	Kind  RangeKind
	Start vobject.Date
	End   vobject.Date // with RangeEndDate: the last day, itself included
	Count int          // with RangeNumbered
}

// Pattern says the series' rule as pattern and range. A rule that they cannot
// hold exactly is an UnsupportedError; nothing is approximated. EXDATEs and
// overrides are exceptions of their own in those systems and are not looked
// at.
func (s Series) Pattern() (Pattern, Range, error) {
	p, err := s.parse()
	if err != nil {
		return Pattern{}, Range{}, err
	}
	if len(p.rules) != 1 || len(p.dates) > 0 {
		return Pattern{}, Range{}, &UnsupportedError{"a series of several rules or single dates as a pattern"}
	}
	r := p.rules[0]
	if err := s.checkPlain(&r); err != nil {
		return Pattern{}, Range{}, err
	}
	pat, ok := patternOf(&r, s.Start.Date)
	if !ok {
		return Pattern{}, Range{}, &UnsupportedError{"the rule " + r.String() + " as a pattern"}
	}
	return pat, s.rangeOf(&r), nil
}

// checkPlain rejects rules whose start or time of day a pattern cannot say.
func (s Series) checkPlain(r *Rule) error {
	at := s.Start
	for _, part := range []struct {
		list []int
		own  int
	}{{r.Hours, at.Hour}, {r.Minutes, at.Minute}, {r.Seconds, at.Second}} {
		if len(part.list) > 0 && !slices.Equal(part.list, []int{part.own}) {
			return &UnsupportedError{"several times a day as a pattern"}
		}
	}
	if len(r.YearDays) > 0 || len(r.Weeks) > 0 {
		return &UnsupportedError{"days or weeks of the year as a pattern"}
	}
	if r.Freq == Hourly || r.Freq == Minutely || r.Freq == Secondly {
		return &UnsupportedError{"recurring within a day as a pattern"}
	}
	next, err := generator(r, wall(at), wall(at))
	if err != nil {
		return err
	}
	if first, err := next(); err != nil || !first.Equal(wall(at)) {
		return &UnsupportedError{"a start that its own rule does not have as a pattern"}
	}
	return nil
}

func patternOf(r *Rule, start vobject.Date) (Pattern, bool) {
	p := Pattern{Interval: r.Interval}
	weekdays, plain := plainDays(r.Days)
	everyWeek := r.Interval == 1 && plain && len(weekdays) > 0 && len(r.Positions) == 0 && len(r.MonthDays) == 0 && len(r.Months) == 0
	switch {
	case r.Freq == Weekly:
		p.Kind, p.Weekdays, p.WeekStart = PatternWeekly, weekdays, r.WeekStart
		if len(r.Days) == 0 {
			p.Weekdays = []time.Weekday{naive(start, 0, 0, 0).Weekday()}
		}
		return p, plain && len(r.Positions) == 0 && len(r.MonthDays) == 0 && len(r.Months) == 0
	case everyWeek: // daily, monthly or yearly on weekdays is weekly
		p.Kind, p.Weekdays, p.WeekStart = PatternWeekly, weekdays, r.WeekStart
		return p, true
	case r.Freq == Daily:
		p.Kind = PatternDaily
		return p, len(r.Days) == 0 && len(r.MonthDays) == 0 && len(r.Months) == 0 && len(r.Positions) == 0
	case r.Freq == Monthly && len(r.Months) > 0:
		return p, false
	}
	if r.Freq == Yearly && !p.setMonth(r, start) {
		return p, false
	}
	if len(r.Days) > 0 {
		return p, p.setRelative(r, weekdays, plain)
	}
	return p, p.setAbsolute(r, start)
}

// plainDays are the weekdays without ordinals, sorted.
func plainDays(days []Day) ([]time.Weekday, bool) {
	var out []time.Weekday
	for _, d := range days {
		if d.N != 0 {
			return nil, false
		}
		out = append(out, d.Weekday)
	}
	slices.Sort(out)
	return out, true
}

// setMonth finds the one month of a yearly rule. With weekdays the rule has to
// name it: without, they would be those of the whole year.
func (p *Pattern) setMonth(r *Rule, start vobject.Date) bool {
	switch {
	case len(r.Months) == 1:
		p.Month = time.Month(r.Months[0])
	case len(r.Months) == 0 && len(r.Days) == 0 && len(r.MonthDays) == 0:
		p.Month = time.Month(start.Month)
	default:
		return false
	}
	return true
}

func (p *Pattern) setRelative(r *Rule, weekdays []time.Weekday, plain bool) bool {
	p.Kind = PatternRelativeMonthly
	if r.Freq == Yearly {
		p.Kind = PatternRelativeYearly
	}
	switch {
	case len(r.MonthDays) > 0:
		return false
	case len(r.Days) == 1 && !plain && len(r.Positions) == 0:
		p.Weekdays, p.Index = []time.Weekday{r.Days[0].Weekday}, r.Days[0].N
	case plain && len(r.Positions) == 1:
		p.Weekdays, p.Index = weekdays, r.Positions[0]
	default:
		return false
	}
	return p.Index == -1 || p.Index >= 1 && p.Index <= 4
}

// setAbsolute finds the day of the month. BYMONTHDAY leaves out months that
// have no such day, the pattern takes their last: so only days that every
// month in question has are the same in both, and the forms of
// monthDayRule.
func (p *Pattern) setAbsolute(r *Rule, start vobject.Date) bool {
	p.Kind = PatternAbsoluteMonthly
	shortest := 28
	if r.Freq == Yearly {
		p.Kind = PatternAbsoluteYearly
		shortest = daysIn(p.Month, 2023)
	}
	longest := 31
	if r.Freq == Yearly {
		longest = daysIn(p.Month, 2024)
	}
	days := r.MonthDays
	if len(days) == 0 {
		days = []int{start.Day}
	}
	last := days[len(days)-1]
	switch {
	case len(days) == 1 && len(r.Positions) == 0 && last >= 1 && last <= shortest:
		p.DayOfMonth = last
	case len(days) == 1 && len(r.Positions) == 0 && last == -1:
		p.DayOfMonth = longest
	case len(days) > 1 && slices.Equal(r.Positions, []int{-1}) && slices.Equal(days, daysUpTo(last)) && last <= longest:
		p.DayOfMonth = last
	default:
		return false
	}
	return true
}

func daysIn(m time.Month, year int) int { return time.Date(year, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// daysUpTo lists the days from the 28th to d: the last of them that a month
// has is the day d as a pattern means it.
func daysUpTo(d int) []int {
	var out []int
	for n := 28; n <= d; n++ {
		out = append(out, n)
	}
	return out
}

// rangeOf turns COUNT or UNTIL into a range. The last day is the last one
// whose time of day is not past UNTIL.
func (s Series) rangeOf(r *Rule) Range {
	out := Range{Kind: RangeNoEnd, Start: s.Start.Date}
	switch {
	case r.Count > 0:
		out.Kind, out.Count = RangeNumbered, r.Count
	case r.Until != nil:
		day := naive(r.Until.Date, s.Start.Hour, s.Start.Minute, s.Start.Second).AddDate(0, 0, 1)
		for range 3 {
			if s.afterUntil(r, day, s.Instant(s.slotTime(day))) {
				day = day.AddDate(0, 0, -1)
			}
		}
		if day.Before(wall(s.Start)) { // nothing but the start itself
			out.Kind, out.Count = RangeNumbered, 1
			return out
		}
		out.Kind, out.End = RangeEndDate, s.slotTime(day).Date
	}
	return out
}

// Rule writes pattern and range as an RRULE value for a series with this start
// (its Start and Zone are used).
func (p Pattern) Rule(rng Range, s Series) (string, error) {
	r := Rule{Interval: max(1, p.Interval), WeekStart: time.Monday}
	switch p.Kind {
	case PatternDaily:
		r.Freq = Daily
	case PatternWeekly:
		r.Freq, r.WeekStart = Weekly, p.WeekStart
		r.Days = everyDay(p.Weekdays)
	case PatternAbsoluteMonthly:
		r.Freq = Monthly
		r.MonthDays, r.Positions = monthDayRule(p.DayOfMonth, 28, 31)
	case PatternAbsoluteYearly:
		r.Freq, r.Months = Yearly, []int{int(p.Month)}
		r.MonthDays, r.Positions = monthDayRule(p.DayOfMonth, daysIn(p.Month, 2023), daysIn(p.Month, 2024))
	case PatternRelativeMonthly, PatternRelativeYearly:
		r.Freq = Monthly
		if p.Kind == PatternRelativeYearly {
			r.Freq, r.Months = Yearly, []int{int(p.Month)}
		}
		if len(p.Weekdays) == 1 {
			r.Days = []Day{{p.Index, p.Weekdays[0]}}
		} else {
			r.Days, r.Positions = everyDay(p.Weekdays), []int{p.Index}
		}
	default:
		return "", &UnsupportedError{"the pattern " + clip(string(p.Kind))}
	}
	if !p.complete() {
		return "", &UnsupportedError{"a pattern without its days"}
	}
	switch rng.Kind {
	case RangeNumbered:
		r.Count = rng.Count
	case RangeEndDate:
		last := s.Start
		last.Date = rng.End
		until := s.until(s.Instant(last))
		r.Until = &until
	}
	return r.String(), nil
}

func (p Pattern) complete() bool {
	switch p.Kind {
	case PatternWeekly:
		return len(p.Weekdays) > 0
	case PatternAbsoluteMonthly:
		return p.DayOfMonth >= 1 && p.DayOfMonth <= 31
	case PatternAbsoluteYearly:
		return p.DayOfMonth >= 1 && p.DayOfMonth <= 31 && p.Month >= 1 && p.Month <= 12
	case PatternRelativeMonthly, PatternRelativeYearly:
		index := p.Index == -1 || p.Index >= 1 && p.Index <= 4
		return index && len(p.Weekdays) > 0 && (p.Kind == PatternRelativeMonthly || p.Month >= 1 && p.Month <= 12)
	}
	return true
}

func everyDay(weekdays []time.Weekday) []Day {
	var out []Day
	for _, w := range weekdays {
		out = append(out, Day{Weekday: w})
	}
	return out
}

// monthDayRule says "day d, or the last of the month": the day itself where
// every month has it, -1 where none has more, else the last of 28 to d.
func monthDayRule(d, shortest, longest int) (monthDays, positions []int) {
	switch {
	case d <= shortest:
		return []int{d}, nil
	case d >= longest:
		return []int{-1}, nil
	}
	return daysUpTo(d), []int{-1}
}
