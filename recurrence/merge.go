package recurrence

import (
	"maps"
	"slices"
	"time"

	"lockstep.dev/vobject"
)

// Side is one of the two edited series.
type Side uint8

// The sides.
const (
	Left Side = iota
	Right
)

// Part is what of a series a conflict is about.
type Part uint8

// The parts.
const (
	Whole     Part = iota // start and rules
	Length                // the duration
	Date                  // an added date (RDATE)
	Exception             // one occurrence
)

// Conflict is something both sides changed in different ways.
type Conflict struct {
	Part Part
	// Key is the occurrence, by its RECURRENCE-ID in UTC; the zero time means
	// the series as a whole.
	Key  time.Time
	Lost Side // the side whose change was not taken
	Text string
}

// Equal reports whether two series mean the same: the same occurrences, dates,
// durations and overrides, however they are written. A COUNT and an UNTIL that
// end a rule at the same occurrence are the same, so are parts of a rule that
// its start implies, and zones that keep the same time.
func Equal(a, b Series) (bool, error) {
	x, err := a.view()
	if err != nil {
		return false, err
	}
	y, err := b.view()
	if err != nil {
		return false, err
	}
	return x.pattern == y.pattern && x.duration == y.duration && maps.Equal(x.dates, y.dates) && maps.Equal(x.states, y.states), nil
}

// view is a series in a form that can be compared.
type view struct {
	pattern  string // start and rules; see patternText
	duration vobject.Duration
	dates    map[time.Time]string // RDATE: end or duration
	states   map[time.Time]state  // what is special about a slot
}

// state is what is special about one slot. An EXDATE and a cancelled override
// are the same.
type state struct {
	cancelled bool
	following bool
	start     time.Time
	duration  vobject.Duration
	content   string
}

func (s Series) view() (view, error) {
	p, err := s.parse()
	if err != nil {
		return view{}, err
	}
	v := view{pattern: s.patternText(p), duration: normal(s.Duration), dates: map[time.Time]string{}, states: map[time.Time]state{}}
	for _, d := range p.dates {
		v.dates[s.Instant(d.at)] = periodText(d)
	}
	for id := range p.excluded {
		v.states[id] = state{cancelled: true}
	}
	for date := range p.days {
		at := s.Start
		at.Date = date
		v.states[s.Instant(at)] = state{cancelled: true}
	}
	for _, o := range s.Overrides {
		v.addOverride(s, o)
	}
	return v, nil
}

func (v view) addOverride(s Series, o Override) {
	id := s.Instant(o.ID)
	switch {
	case v.states[id].cancelled: // an EXDATE counts more than an override
	case o.Cancelled:
		v.states[id] = state{cancelled: true, following: o.Following}
	default:
		st := state{following: o.Following, start: id, duration: normal(o.Duration), content: o.Content}
		if o.Start.Complete() {
			st.start = s.Instant(o.Start)
		}
		v.states[id] = st
	}
}

func periodText(d dated) string {
	switch {
	case d.end != nil:
		return d.end.String()
	case d.dur != nil:
		return d.dur.String()
	}
	return ""
}

// Merge joins two edits of one series. Changes to different occurrences are
// both kept, keyed by RECURRENCE-ID in UTC. If both sides changed start or
// rules, that is one conflict over the whole series and the preferred side is
// taken as it is. Of two changes to one occurrence the preferred side's is
// taken, and it is a conflict. An occurrence that one side removed is not
// brought back by the other side not knowing it.
func Merge(base, left, right Series, prefer Side) (Series, []Conflict, error) {
	out, conflicts, err := Reconcile([2]Series{base, base}, [2]Series{left, right}, prefer)
	return out[prefer], conflicts, err
}

// Reconcile is Merge for two systems that each keep the series in a way of
// their own: a side's edit is its difference from its own base, and what
// neither side edited stays on each side as it is there. It returns what each
// side should hold. Zero bases unite two series that never agreed.
func Reconcile(bases, sides [2]Series, prefer Side) (out [2]Series, conflicts []Conflict, err error) {
	m := merger{sides: sides, prefer: prefer}
	for i := range sides {
		if m.bases[i], err = bases[i].view(); err != nil {
			return out, nil, err
		}
		if m.views[i], err = sides[i].view(); err != nil {
			return out, nil, err
		}
	}
	changedLeft, changedRight := m.views[Left].pattern != m.bases[Left].pattern, m.views[Right].pattern != m.bases[Right].pattern
	if changedLeft && changedRight && m.views[Left].pattern != m.views[Right].pattern {
		out[Left], out[Right] = sides[prefer], sides[prefer]
		return out, []Conflict{{Lost: 1 - prefer, Text: "both sides changed the start or the rule of the series"}}, nil
	}
	for _, keep := range []Side{Left, Right} {
		m.owner, m.keep, m.conflicts = keep, keep, nil
		switch {
		case changedLeft && !changedRight:
			m.owner = Left
		case changedRight && !changedLeft:
			m.owner = Right
		}
		if out[keep], conflicts, err = m.merge(); err != nil {
			return out, nil, err
		}
	}
	return out, conflicts, nil
}

// merger makes what one side should hold.
type merger struct {
	bases     [2]view
	sides     [2]Series
	views     [2]view
	prefer    Side
	keep      Side // whose result it is; what nobody changed is taken from it
	owner     Side // whose start and rules the result has
	conflicts []Conflict

	// The merged dates and slots, and the side each comes from.
	dates                 map[time.Time]string
	states                map[time.Time]state
	datesFrom, statesFrom map[time.Time]Side
}

func (m *merger) merge() (Series, []Conflict, error) {
	out := m.sides[m.owner]
	out.Duration = m.duration()
	m.dates, m.datesFrom = pick(m, func(v view) map[time.Time]string { return v.dates }, Conflict{Part: Date, Text: "both sides changed an added date"})
	m.states, m.statesFrom = pick(m, func(v view) map[time.Time]state { return v.states }, Conflict{Part: Exception, Text: "both sides changed this occurrence"})
	if err := m.dropHomeless(); err != nil {
		return Series{}, nil, err
	}
	out.Overrides = m.overrides()
	var err error
	if out.Lines, err = m.lines(); err != nil {
		return Series{}, nil, err
	}
	slices.SortFunc(m.conflicts, func(a, b Conflict) int { return a.Key.Compare(b.Key) })
	return out, m.conflicts, nil
}

func (m *merger) duration() vobject.Duration {
	l, r := m.views[Left].duration, m.views[Right].duration
	side, clash := m.choose(l == r, l != m.bases[Left].duration, r != m.bases[Right].duration)
	if clash {
		m.conflicts = append(m.conflicts, Conflict{Part: Length, Lost: 1 - m.prefer, Text: "both sides changed the duration"})
	}
	return m.views[side].duration
}

// choose says from which side a part of the series is taken.
func (m *merger) choose(equal, changedLeft, changedRight bool) (from Side, clash bool) {
	switch {
	case equal, !changedLeft && !changedRight:
		return m.keep, false
	case !changedRight:
		return Left, false
	case !changedLeft:
		return Right, false
	}
	return m.prefer, true
}

// pick merges a map of the two sides by key: equal, one changed, or a conflict.
// It also says which side each value comes from.
func pick[V comparable](m *merger, of func(view) map[time.Time]V, conflict Conflict) (map[time.Time]V, map[time.Time]Side) {
	left, right, baseLeft, baseRight := of(m.views[Left]), of(m.views[Right]), of(m.bases[Left]), of(m.bases[Right])
	keys := maps.Clone(baseLeft)
	for _, more := range []map[time.Time]V{baseRight, left, right} {
		maps.Copy(keys, more)
	}
	out, from := map[time.Time]V{}, map[time.Time]Side{}
	for key := range keys {
		side, clash := m.choose(same(left, right, key), !same(left, baseLeft, key), !same(right, baseRight, key))
		if clash {
			conflict.Key, conflict.Lost = key, 1-m.prefer
			m.conflicts = append(m.conflicts, conflict)
		}
		if v, there := of(m.views[side])[key]; there {
			out[key], from[key] = v, side
		}
	}
	return out, from
}

// same reports whether two maps agree about a key.
func same[V comparable](a, b map[time.Time]V, key time.Time) bool {
	x, inA := a[key]
	y, inB := b[key]
	return inA == inB && x == y
}

// dropHomeless removes what belongs to slots that the new rules do not have.
// An edit of such an occurrence is lost, so it is a conflict; a cancellation
// is fulfilled anyway.
func (m *merger) dropHomeless() error {
	if m.views[Left].pattern == m.views[Right].pattern {
		return nil
	}
	for _, key := range slices.SortedFunc(maps.Keys(m.states), time.Time.Compare) {
		_, added := m.dates[key]
		if added || m.statesFrom[key] == m.owner {
			continue
		}
		has, err := m.sides[m.owner].hasSlot(key)
		if err != nil {
			return err
		}
		if has {
			continue
		}
		if !m.states[key].cancelled {
			m.conflicts = append(m.conflicts, Conflict{
				Part: Exception, Key: key, Lost: m.statesFrom[key], Text: "one side edited an occurrence that the other side's new rule does not have",
			})
		}
		delete(m.states, key)
	}
	return nil
}

// hasSlot reports whether the rules have a slot, cancelled or not.
func (s Series) hasSlot(id time.Time) (bool, error) {
	p, err := s.parse()
	if err != nil {
		return false, err
	}
	slots, err := s.slots(p, id.Add(time.Second))
	return slices.ContainsFunc(slots, func(sl slot) bool { return sl.id.Equal(id) }), err
}

// overrides takes each surviving override from the side it comes from, those
// of the owner in their order first.
func (m *merger) overrides() []Override {
	var out []Override
	for _, side := range []Side{m.owner, 1 - m.owner} {
		s := m.sides[side]
		for _, o := range s.Overrides {
			id := s.Instant(o.ID)
			if _, there := m.states[id]; there && m.statesFrom[id] == side {
				out = append(out, o)
			}
		}
	}
	return out
}

// lines are the owner's lines without the dates that the merge took out, and
// behind them those that only the other side has, each in its own text.
func (m *merger) lines() ([]string, error) {
	var out []string
	has := map[string]map[time.Time]bool{"RDATE": {}, "EXDATE": {}}
	for _, side := range []Side{m.owner, 1 - m.owner} {
		s := m.sides[side]
		for _, line := range s.Lines {
			p, err := property(line)
			if err != nil {
				return nil, err
			}
			if p.Is("RRULE") {
				if side == m.owner {
					out = append(out, line)
				}
				continue
			}
			kept, err := filterLine(line, p, func(t vobject.Time) bool {
				return m.wants(p.Name(), s.lineKey(t), side, has[p.Name()])
			})
			if err != nil {
				return nil, err
			}
			out = appendIf(out, kept)
		}
	}
	return out, nil
}

// wants decides about one date of an RDATE or EXDATE line. A cancellation that
// both sides have in different forms is kept in the owner's.
func (m *merger) wants(name string, key time.Time, side Side, has map[time.Time]bool) bool {
	_, wanted := m.dates[key]
	from := m.datesFrom[key]
	if name == "EXDATE" {
		wanted, from = m.states[key].cancelled, m.statesFrom[key]
	}
	if !wanted || from != side || has[key] {
		return false
	}
	has[key] = true
	return true
}

// lineKey is the key of a date in an RDATE or EXDATE line; a bare date in a
// series with times stands for that day's slot.
func (s Series) lineKey(t vobject.Time) time.Time {
	if t.Clock == vobject.AllDay && !s.AllDay() {
		at := s.Start
		at.Date = t.Date
		return s.Instant(at)
	}
	return s.Instant(t)
}
