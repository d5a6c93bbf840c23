package recurrence_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/recurrence"
	"lockstep.dev/vobject"
	"pgregory.net/rapid"
)

// B14: through the pattern and range form and back, every occurrence stays
// where it is; and the rule found first is found again.
func TestPatternKeepsEveryOccurrence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := randomSeries(t)
		pattern, rng, err := s.Pattern()
		var unsupported *recurrence.UnsupportedError
		if errors.As(err, &unsupported) {
			return // it has no pattern, which is said
		}
		if err != nil {
			t.Fatal(err)
		}
		rule, err := pattern.Rule(rng, s)
		if err != nil {
			t.Fatal(err)
		}
		again := s
		again.Lines = append([]string{"RRULE:" + rule}, s.Lines[1:]...)
		if got, want := times(window(t, again)), times(window(t, s)); !slices.Equal(got, want) {
			t.Fatalf("%s became %s\ngot  %v\nwant %v", s.Lines[0], rule, got, want)
		}
		p2, r2, err := again.Pattern()
		if err != nil || !reflect.DeepEqual(p2, pattern) || r2 != rng {
			t.Fatalf("%+v %+v became %+v %+v %v", pattern, rng, p2, r2, err)
		}
	})
}

// randomPattern draws a pattern and a start that it has.
func randomPattern(t *rapid.T) (recurrence.Pattern, recurrence.Range, recurrence.Series) {
	p := recurrence.Pattern{
		Kind: rapid.SampledFrom([]recurrence.PatternKind{recurrence.PatternDaily, recurrence.PatternWeekly, recurrence.PatternAbsoluteMonthly,
			recurrence.PatternRelativeMonthly, recurrence.PatternAbsoluteYearly, recurrence.PatternRelativeYearly}).Draw(t, "kind"),
		Interval: rapid.IntRange(1, 3).Draw(t, "interval"),
	}
	weekdays := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 1, 7, rapid.ID[int]).Draw(t, "weekdays")
	slices.Sort(weekdays)
	switch p.Kind {
	case recurrence.PatternWeekly, recurrence.PatternRelativeMonthly, recurrence.PatternRelativeYearly:
		for _, w := range weekdays {
			p.Weekdays = append(p.Weekdays, time.Weekday(w))
		}
	case recurrence.PatternAbsoluteMonthly, recurrence.PatternAbsoluteYearly:
		p.DayOfMonth = rapid.IntRange(1, 31).Draw(t, "day of month")
	}
	if p.Kind == recurrence.PatternWeekly {
		p.WeekStart = time.Weekday(rapid.IntRange(0, 6).Draw(t, "week start"))
	}
	if p.Kind == recurrence.PatternRelativeMonthly || p.Kind == recurrence.PatternRelativeYearly {
		p.Index = rapid.SampledFrom([]int{1, 2, 3, 4, -1}).Draw(t, "index")
	}
	s := randomStart(t)
	d := time.Date(s.Start.Year, time.Month(s.Start.Month), s.Start.Day, 0, 0, 0, 0, time.UTC)
	if p.Kind == recurrence.PatternAbsoluteYearly || p.Kind == recurrence.PatternRelativeYearly {
		p.Month = d.Month()
		d = time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	for !matches(p, d, d) {
		d = d.AddDate(0, 0, 1)
	}
	s.Start.Date = vobject.Date{Year: d.Year(), Month: int(d.Month()), Day: d.Day()}
	rng := recurrence.Range{Kind: rapid.SampledFrom([]recurrence.RangeKind{recurrence.RangeNoEnd, recurrence.RangeEndDate, recurrence.RangeNumbered}).Draw(t, "range"), Start: s.Start.Date}
	switch rng.Kind {
	case recurrence.RangeNumbered:
		rng.Count = rapid.IntRange(1, 30).Draw(t, "count")
	case recurrence.RangeEndDate:
		e := d.AddDate(0, 0, rapid.IntRange(0, 900).Draw(t, "end"))
		rng.End = vobject.Date{Year: e.Year(), Month: int(e.Month()), Day: e.Day()}
	}
	return p, rng, s
}

// matches is the definition of the patterns, day by day, told apart from the
// code under test: does the pattern of a series that starts at start have d?
func matches(p recurrence.Pattern, start, d time.Time) bool {
	months := (d.Year()-start.Year())*12 + int(d.Month()-start.Month())
	switch p.Kind {
	case recurrence.PatternDaily:
		return int(d.Sub(start).Hours()/24)%p.Interval == 0
	case recurrence.PatternWeekly:
		week := func(t time.Time) time.Time { return t.AddDate(0, 0, -(int(t.Weekday()-p.WeekStart)+7)%7) }
		return slices.Contains(p.Weekdays, d.Weekday()) && int(week(d).Sub(week(start)).Hours()/24/7)%p.Interval == 0
	case recurrence.PatternAbsoluteMonthly:
		return months%p.Interval == 0 && d.Day() == min(p.DayOfMonth, monthLength(d))
	case recurrence.PatternAbsoluteYearly:
		return (d.Year()-start.Year())%p.Interval == 0 && d.Month() == p.Month && d.Day() == min(p.DayOfMonth, monthLength(d))
	case recurrence.PatternRelativeMonthly:
		return months%p.Interval == 0 && isIndexed(p, d)
	}
	return (d.Year()-start.Year())%p.Interval == 0 && d.Month() == p.Month && isIndexed(p, d)
}

func monthLength(d time.Time) int {
	return time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func isIndexed(p recurrence.Pattern, d time.Time) bool {
	var days []int
	for n := 1; n <= monthLength(d); n++ {
		if slices.Contains(p.Weekdays, time.Date(d.Year(), d.Month(), n, 0, 0, 0, 0, time.UTC).Weekday()) {
			days = append(days, n)
		}
	}
	if p.Index < 0 {
		return days[len(days)-1] == d.Day()
	}
	return days[p.Index-1] == d.Day()
}

// The rule written for a pattern has exactly the days the pattern means, at
// the local time of the start.
func TestRuleOfAPatternMeansThePattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, rng, s := randomPattern(t)
		rule, err := p.Rule(rng, s)
		if err != nil {
			t.Fatal(err)
		}
		s.Lines = []string{"RRULE:" + rule}
		start := time.Date(s.Start.Year, time.Month(s.Start.Month), s.Start.Day, 0, 0, 0, 0, time.UTC)
		var want []string
		for d := start; d.Before(start.AddDate(3, 0, 0)) && (rng.Kind != recurrence.RangeNumbered || len(want) < rng.Count); d = d.AddDate(0, 0, 1) {
			date := vobject.Date{Year: d.Year(), Month: int(d.Month()), Day: d.Day()}
			if rng.Kind == recurrence.RangeEndDate && d.After(time.Date(rng.End.Year, time.Month(rng.End.Month), rng.End.Day, 0, 0, 0, 0, time.UTC)) {
				break
			}
			if matches(p, start, d) {
				want = append(want, date.String())
			}
		}
		all, err := s.Expand(start.AddDate(0, 0, -3), start.AddDate(3, 0, 3))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range all {
			if o.Slot.Hour != s.Start.Hour || o.Slot.Minute != s.Start.Minute {
				t.Fatalf("%s: at %v", rule, o.Slot)
			}
			if d := o.Slot.Date.String(); d < start.AddDate(3, 0, 0).Format("20060102") {
				got = append(got, d)
			}
		}
		if s.Zone != nil && s.Zone.String() == "Pacific/Apia" {
			// Samoa had no 30 December 2011: that day and the next are one instant.
			lost := func(d string) bool { return d == "20111230" || d == "20111231" }
			got, want = slices.DeleteFunc(got, lost), slices.DeleteFunc(want, lost)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v %+v is %s\ngot  %v\nwant %v", p, rng, rule, got, want)
		}
	})
}

func TestPatternsAsGraphWritesThem(t *testing.T) {
	for _, tc := range []struct {
		start, rule string
		want        recurrence.Pattern
		rng         recurrence.Range
	}{
		{"20260105T090000", "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", recurrence.Pattern{Kind: "weekly", Interval: 1, WeekStart: time.Monday,
			Weekdays: []time.Weekday{1, 2, 3, 4, 5}}, recurrence.Range{Kind: "noEnd"}},
		{"20260131T090000", "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", recurrence.Pattern{Kind: "absoluteMonthly", Interval: 1, DayOfMonth: 31}, recurrence.Range{Kind: "numbered", Count: 3}},
		{"20260130T090000", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", recurrence.Pattern{Kind: "absoluteMonthly", Interval: 1, DayOfMonth: 30}, recurrence.Range{Kind: "noEnd"}},
		{"20260112T090000", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=2;INTERVAL=2", recurrence.Pattern{Kind: "relativeMonthly", Interval: 2, Weekdays: []time.Weekday{1}, Index: 2}, recurrence.Range{Kind: "noEnd"}},
		{"20260531T233000", "FREQ=YEARLY;BYMONTH=5;BYDAY=-1SU;UNTIL=20280601T000000Z", recurrence.Pattern{Kind: "relativeYearly", Interval: 1, Month: 5, Weekdays: []time.Weekday{0}, Index: -1},
			recurrence.Range{Kind: "endDate", End: vobject.Date{Year: 2028, Month: 5, Day: 31}}},
		{"20260531T233000", "FREQ=YEARLY", recurrence.Pattern{Kind: "absoluteYearly", Interval: 1, Month: 5, DayOfMonth: 31}, recurrence.Range{Kind: "noEnd"}},
	} {
		s := series(t, tc.start, "Europe/Paris", "RRULE:"+tc.rule)
		got, rng, err := s.Pattern()
		tc.rng.Start = s.Start.Date
		if err != nil || !reflect.DeepEqual(got, tc.want) || rng != tc.rng {
			t.Errorf("%s: %+v %+v %v", tc.rule, got, rng, err)
		}
	}
	for start, rules := range map[string]string{
		"20260131T090000": "FREQ=MONTHLY FREQ=MONTHLY;BYMONTHDAY=31 FREQ=MONTHLY;BYMONTHDAY=15,31 FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=31 FREQ=DAILY;BYHOUR=9,17 FREQ=HOURLY FREQ=YEARLY;BYYEARDAY=31 FREQ=DAILY;BYMONTH=1 FREQ=MONTHLY;BYDAY=5SA FREQ=WEEKLY;BYDAY=MO FREQ=YEARLY;BYDAY=5SA FREQ=MONTHLY;BYDAY=SA;INTERVAL=2",
		"20240229T090000": "FREQ=YEARLY FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
	} {
		for rule := range strings.FieldsSeq(rules) {
			var unsupported *recurrence.UnsupportedError
			if p, _, err := series(t, start, "Europe/Paris", "RRULE:"+rule).Pattern(); !errors.As(err, &unsupported) {
				t.Errorf("%s from %s: %+v %v", rule, start, p, err)
			}
		}
	}
	for _, p := range []recurrence.Pattern{{Kind: "hourly"}, {Kind: "weekly"}, {Kind: "relativeMonthly", Index: 5, Weekdays: []time.Weekday{1}}, {Kind: "absoluteYearly", DayOfMonth: 3}} {
		if rule, err := p.Rule(recurrence.Range{Kind: "noEnd"}, series(t, "20260105", "")); err == nil {
			t.Errorf("%+v is written %s", p, rule)
		}
	}
}
