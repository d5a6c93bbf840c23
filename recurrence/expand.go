package recurrence

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/teambition/rrule-go"

	"lockstep.dev/vobject"
)

// MaxSlots is how many slots a series may have up to the end of what is asked
// for. A rule such as every second is refused beyond that.
const MaxSlots = 200_000

// slot is one place of the recurrence set before overrides.
type slot struct {
	id    time.Time // instant
	naive time.Time // in the clock of Start
	extra *dated    // the RDATE it came from
}

// Expand lists the occurrences that touch the time from..to (to excluded), in
// order. For an all-day series both count as dates in UTC.
func (s Series) Expand(from, to time.Time) ([]Occurrence, error) {
	p, err := s.parse()
	if err != nil {
		return nil, err
	}
	overrides, reach := s.overrideIndex()
	slots, err := s.slots(p, to.Add(reach))
	if err != nil {
		return nil, err
	}
	var out []Occurrence
	following := -1
	for _, sl := range slots {
		i, own := overrides[sl.id]
		if own {
			delete(overrides, sl.id)
			if s.Overrides[i].Following {
				following = i
			}
		} else {
			i = -1
		}
		if s.dropped(p, sl) {
			continue
		}
		if o, there := s.occurrence(sl, i, following); there {
			out = append(out, o)
		}
	}
	out = append(out, s.orphans(p, overrides)...)
	out = slices.DeleteFunc(out, func(o Occurrence) bool { return !touches(o, from, to) })
	slices.SortStableFunc(out, func(a, b Occurrence) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return a.ID.Compare(b.ID)
	})
	return out, nil
}

func touches(o Occurrence, from, to time.Time) bool {
	if o.Start.Equal(o.End) {
		return !o.Start.Before(from) && o.Start.Before(to)
	}
	return o.End.After(from) && o.Start.Before(to)
}

func (s Series) dropped(p parsed, sl slot) bool {
	return p.excluded[sl.id] || p.days[vobject.Date{Year: sl.naive.Year(), Month: int(sl.naive.Month()), Day: sl.naive.Day()}]
}

// overrideIndex finds overrides by their slot, and how far back one moves its
// slot at most: slots that far after the end of the window matter too.
func (s Series) overrideIndex() (map[time.Time]int, time.Duration) {
	index := map[time.Time]int{}
	reach := 48 * time.Hour
	for i, o := range s.Overrides {
		id := s.Instant(o.ID)
		index[id] = i
		if o.Start.Complete() {
			reach = max(reach, id.Sub(s.Instant(o.Start))+48*time.Hour)
		}
	}
	return index, reach
}

// orphans are overrides of slots that the rules do not have (any more). They
// describe an event all the same, unless the slot is excluded.
func (s Series) orphans(p parsed, left map[time.Time]int) []Occurrence {
	var out []Occurrence
	for id, i := range left {
		sl := slot{id: id, naive: wall(s.localTime(id))}
		if o, there := s.occurrence(sl, i, -1); there && !s.dropped(p, sl) {
			out = append(out, o)
		}
	}
	return out
}

// occurrence applies an override to its slot, or a THISANDFUTURE one before it
// to the time alone.
func (s Series) occurrence(sl slot, own, following int) (Occurrence, bool) {
	o := Occurrence{ID: sl.id, Slot: s.slotTime(sl.naive), Start: sl.id, AllDay: s.AllDay(), Override: own}
	dur := s.Duration
	switch {
	case own >= 0:
		ov := s.Overrides[own]
		if ov.Cancelled {
			return o, false
		}
		if ov.Start.Complete() {
			o.Start = s.Instant(ov.Start)
			o.AllDay = ov.Start.Clock == vobject.AllDay
		}
		if ov.Duration != (vobject.Duration{}) {
			dur = ov.Duration
		}
	case following >= 0:
		ov := s.Overrides[following]
		if ov.Cancelled {
			return o, false
		}
		if ov.Start.Complete() {
			o.Start = s.shifted(sl, ov)
		}
		if ov.Duration != (vobject.Duration{}) {
			dur = ov.Duration
		}
	}
	if o.End = s.end(o, sl, dur); o.End.Before(o.Start) {
		o.End = o.Start
	}
	return o, true
}

// shifted moves a slot by as much local time as the override moved its own.
func (s Series) shifted(sl slot, ov Override) time.Time {
	by := wall(s.localTime(s.Instant(ov.Start))).Sub(wall(s.localTime(s.Instant(ov.ID))))
	return s.Instant(s.slotTime(sl.naive.Add(by)))
}

func (s Series) end(o Occurrence, sl slot, dur vobject.Duration) time.Time {
	if sl.extra != nil && o.Override < 0 {
		switch {
		case sl.extra.dur != nil:
			dur = *sl.extra.dur
		case sl.extra.end != nil:
			return s.Instant(*sl.extra.end)
		}
	}
	if o.AllDay {
		if dur == (vobject.Duration{}) {
			dur.Days = 1
		}
		return dur.AddTo(o.Start)
	}
	return dur.AddTo(o.Start.In(s.zone(s.Start))).UTC()
}

// slots lists the recurrence set until a moment: Start, the rules, the RDATEs;
// EXDATE is not applied yet. Start always is the first slot (RFC 5545
// section 3.8.5.3).
func (s Series) slots(p parsed, to time.Time) ([]slot, error) {
	first := slot{id: s.Instant(s.Start), naive: wall(s.Start)}
	var out []slot
	if first.id.Before(to) {
		out = append(out, first)
	}
	for i := range p.rules {
		times, err := s.ruleTimes(&p.rules[i], to)
		if err != nil {
			return nil, err
		}
		for _, n := range times {
			out = append(out, slot{id: s.Instant(s.slotTime(n)), naive: n})
		}
		if len(out) > MaxSlots {
			return nil, tooMany()
		}
	}
	for i := range p.dates {
		d := &p.dates[i]
		if id := s.Instant(d.at); id.Before(to) {
			out = append(out, slot{id, wall(s.localTime(id)), d})
		}
	}
	// Of two for one moment the one that says how long it lasts counts.
	slices.SortStableFunc(out, func(a, b slot) int { return cmp.Or(a.id.Compare(b.id), b.period()-a.period()) })
	return slices.CompactFunc(out, func(a, b slot) bool { return a.id.Equal(b.id) }), nil
}

// period is 1 for a slot with a length of its own (RDATE;VALUE=PERIOD).
func (sl slot) period() int {
	if sl.extra != nil && (sl.extra.dur != nil || sl.extra.end != nil) {
		return 1
	}
	return 0
}

func tooMany() error {
	return &UnsupportedError{fmt.Sprintf("a series of more than %d occurrences", MaxSlots)}
}

// ruleTimes expands one rule in local time until a moment.
func (s Series) ruleTimes(r *Rule, to time.Time) ([]time.Time, error) {
	limit := wall(s.localTime(to)).AddDate(0, 0, 2)
	if u := s.untilWall(r); !u.IsZero() && u.Before(limit) {
		limit = u
	}
	start := wall(s.Start)
	next, err := generator(r, start, limit)
	if err != nil {
		return nil, err
	}
	var out []time.Time
	left, fits := r.Count, false
	for {
		n, err := next()
		if err != nil {
			return nil, err
		}
		if n.IsZero() || n.After(limit) {
			return out, nil
		}
		if !fits && n.After(start) {
			left-- // Start does not fit its own rule; it counts all the same
		}
		fits = true
		if r.Count > 0 && left <= 0 {
			return out, nil
		}
		left--
		id := s.Instant(s.slotTime(n))
		if !id.Before(to) {
			return out, nil
		}
		if !s.afterUntil(r, n, id) {
			out = append(out, n)
		}
		if len(out) > MaxSlots {
			return nil, tooMany()
		}
	}
}

// untilWall is a local time surely behind UNTIL; zero for none.
func (s Series) untilWall(r *Rule) time.Time {
	if r.Until == nil {
		return time.Time{}
	}
	return naive(r.Until.Date, 23, 59, 59).AddDate(0, 0, 2)
}

// afterUntil decides whether a slot is past UNTIL. RFC 5545 section 3.3.10
// wants UNTIL in the form of DTSTART, and UTC if that is zoned; what real
// files have instead is read as it was meant: a date holds to the end of that
// day, a time without Z is in the clock of Start, of a time for a series of
// dates the date counts.
func (s Series) afterUntil(r *Rule, n, id time.Time) bool {
	if r.Until == nil {
		return false
	}
	u := *r.Until
	switch {
	case s.AllDay() || u.Clock == vobject.AllDay:
		return n.After(naive(u.Date, 23, 59, 59))
	case u.Clock == vobject.UTC:
		return id.After(wall(u))
	}
	return n.After(wall(u))
}

// cycle is the years after which the Gregorian calendar repeats, weekdays
// included.
const cycle = 400

// generator iterates over the local times of a rule from start on, to the zero
// time. rrule-go
// searches up to the year 9999 for a rule that never fits, so the search is
// moved that many whole cycles ahead that little is left of it.
func generator(r *Rule, start, limit time.Time) (func() (time.Time, error), error) {
	switch r.Freq {
	case Secondly, Minutely, Hourly:
		return subDaily(r, start, limit)
	}
	years := max(0, (rrule.MAXYEAR-limit.Year()-1)/cycle*cycle)
	option := rrule.ROption{
		Freq: frequency(r.Freq), Dtstart: start.AddDate(years, 0, 0), Interval: r.Interval, Wkst: day(Day{Weekday: r.WeekStart}),
		Until: limit.AddDate(years, 0, 0), Bymonth: r.Months, Bymonthday: r.MonthDays, Byyearday: r.YearDays, Byweekno: r.Weeks,
		Byhour: r.Hours, Byminute: r.Minutes, Bysecond: r.Seconds, Bysetpos: r.Positions,
	}
	for _, d := range r.Days {
		option.Byweekday = append(option.Byweekday, day(d))
	}
	rule, err := rrule.NewRRule(option)
	if err != nil {
		return nil, fmt.Errorf("expand rule: %w", err)
	}
	next := rule.Iterator()
	return func() (time.Time, error) {
		t, ok := next()
		if !ok {
			return time.Time{}, nil
		}
		return t.AddDate(-years, 0, 0), nil
	}, nil
}

func frequency(f Frequency) rrule.Frequency {
	switch f {
	case Yearly:
		return rrule.YEARLY
	case Monthly:
		return rrule.MONTHLY
	case Weekly:
		return rrule.WEEKLY
	}
	return rrule.DAILY
}

func day(d Day) rrule.Weekday {
	w := []rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}[d.Weekday]
	if d.N != 0 {
		return w.Nth(d.N)
	}
	return w
}
