package recurrence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep.dev/vobject"
)

// Series is a recurring event or task as one object.
type Series struct {
	// Start is the DTSTART: a date for an all-day series, otherwise floating,
	// UTC or zoned.
	Start vobject.Time
	// Zone is where Start's clock stands; for a floating start where its
	// reader is. Nil is UTC. It means nothing for an all-day series.
	Zone *time.Location
	// Duration of an occurrence; none means a day if all-day, else no time.
	Duration vobject.Duration
	// Lines are the RRULE, RDATE and EXDATE lines, unfolded, as they stand:
	// "RRULE:FREQ=DAILY", "EXDATE;TZID=Europe/Paris:20260105T090000".
	Lines []string
	// Overrides are the occurrences that differ.
	Overrides []Override
	// Zones finds the location of a TZID other than Start's. Nil, or a nil
	// result, means Zone.
	Zones func(tzid string) *time.Location
}

// Override is what is different in one occurrence.
type Override struct {
	ID        vobject.Time // RECURRENCE-ID: the slot it replaces
	Following bool         // RANGE=THISANDFUTURE: later slots move along
	Cancelled bool
	Start     vobject.Time     // the zero Time: the slot
	Duration  vobject.Duration // none: that of the series
	Content   string           // everything else, compared but not read here
}

// Occurrence is one event of a series.
type Occurrence struct {
	ID         time.Time    // the slot as an instant in UTC; all-day: midnight UTC of its date
	Slot       vobject.Time // the slot in the clock of Start, for a RECURRENCE-ID
	Start, End time.Time    // all-day: midnights UTC
	AllDay     bool
	Override   int // index in Overrides, -1 for none
}

// AllDay reports whether the series consists of dates.
func (s Series) AllDay() bool { return s.Start.Clock == vobject.AllDay }

// zone is the location of a time in this series.
func (s Series) zone(t vobject.Time) *time.Location {
	if t.Clock == vobject.Zoned && t.TZID != s.Start.TZID && s.Zones != nil {
		if loc := s.Zones(t.TZID); loc != nil {
			return loc
		}
	}
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// Instant is the moment a time means; for a date of an all-day series midnight
// UTC.
func (s Series) Instant(t vobject.Time) time.Time {
	if s.AllDay() || t.Clock == vobject.AllDay {
		return naive(t.Date, 0, 0, 0)
	}
	return t.In(s.zone(t)).UTC()
}

// naive is a local time as a time.Time that is counted as if it were UTC.
func naive(d vobject.Date, hour, minute, second int) time.Time {
	return time.Date(d.Year, time.Month(d.Month), d.Day, hour, minute, second, 0, time.UTC)
}

func wall(t vobject.Time) time.Time { return naive(t.Date, t.Hour, t.Minute, t.Second) }

// slotTime writes a naive time in the clock of Start.
func (s Series) slotTime(n time.Time) vobject.Time {
	t := s.Start
	t.Date = vobject.Date{Year: n.Year(), Month: int(n.Month()), Day: n.Day()}
	t.Hour, t.Minute, t.Second = n.Hour(), n.Minute(), n.Second()
	return t
}

// localTime is a moment in the clock of Start: what an UNTIL, EXDATE or
// RECURRENCE-ID would say.
func (s Series) localTime(at time.Time) vobject.Time {
	if s.AllDay() || s.Start.Clock == vobject.UTC {
		return s.slotTime(at.UTC())
	}
	return s.slotTime(at.In(s.zone(s.Start)))
}

// parsed are the lines of a series, read.
type parsed struct {
	rules    []Rule
	texts    []string // of the rules
	dates    []dated
	excluded map[time.Time]bool
	days     map[vobject.Date]bool // excluded by date in a series with times
}

// dated is one RDATE.
type dated struct {
	at  vobject.Time
	end *vobject.Time     // of a period with an end
	dur *vobject.Duration // of a period with a duration
}

func (s Series) parse() (parsed, error) {
	out := parsed{excluded: map[time.Time]bool{}, days: map[vobject.Date]bool{}}
	for _, line := range s.Lines {
		p, err := property(line)
		if err != nil {
			return out, err
		}
		switch p.Name() {
		case "RRULE":
			r, err := ParseRule(p.Raw())
			if err != nil {
				return out, err
			}
			out.rules, out.texts = append(out.rules, r), append(out.texts, p.Raw())
		case "RDATE":
			for _, v := range values(p) {
				d, err := readDated(p, v)
				if err != nil {
					return out, err
				}
				out.dates = append(out.dates, d)
			}
		case "EXDATE":
			for _, v := range values(p) {
				if err := s.exclude(&out, p, v); err != nil {
					return out, err
				}
			}
		default:
			return out, &UnsupportedError{"the line " + clip(p.Name())}
		}
	}
	return out, nil
}

func (s Series) exclude(out *parsed, p vobject.Property, value string) error {
	at, err := readTime(p, value)
	if err != nil {
		return err
	}
	if at.Clock == vobject.AllDay && !s.AllDay() {
		out.days[at.Date] = true
		return nil
	}
	out.excluded[s.Instant(at)] = true
	return nil
}

// property reads one content line.
func property(line string) (vobject.Property, error) {
	doc, err := vobject.Parse([]byte("BEGIN:VEVENT\n" + line + "\nEND:VEVENT\n"))
	if err != nil {
		return vobject.Property{}, fmt.Errorf("read line of a series: %w", err)
	}
	all := doc.First("VEVENT").Properties()
	if len(all) != 1 || len(doc.Problems()) > 0 {
		return vobject.Property{}, fmt.Errorf("read line of a series: it is not one property")
	}
	return all[0], nil
}

func values(p vobject.Property) []string {
	return strings.FieldsFunc(p.Raw(), func(r rune) bool { return r == ',' })
}

func readTime(p vobject.Property, value string) (vobject.Time, error) {
	t, err := vobject.ParseTime(value)
	if err != nil || !t.Complete() {
		return t, fmt.Errorf("read %s: %q is no date or time", p.Name(), clip(value))
	}
	if tzid := p.Param("TZID"); t.Clock == vobject.Floating && tzid != "" {
		t.Clock, t.TZID = vobject.Zoned, tzid
	}
	return t, nil
}

// readDated reads an RDATE value, a period included (RFC 5545
// section 3.3.9).
func readDated(p vobject.Property, value string) (dated, error) {
	begin, rest, period := strings.Cut(value, "/")
	at, err := readTime(p, begin)
	if err != nil || !period {
		return dated{at: at}, err
	}
	if strings.Contains(strings.ToUpper(rest), "P") {
		dur, err := vobject.ParseDuration(rest)
		return dated{at: at, dur: &dur}, err
	}
	end, err := readTime(p, rest)
	return dated{at: at, end: &end}, err
}

// Ruled reports whether the series has a rule or dates at all.
func (s Series) Ruled() bool {
	return slices.ContainsFunc(s.Lines, func(l string) bool {
		name := strings.ToUpper(l[:strings.IndexAny(l+":", ";:")])
		return name == "RRULE" || name == "RDATE"
	})
}
