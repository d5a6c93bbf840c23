package recurrence

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"lockstep.dev/vobject"
)

// ErrNoMaster says that an object has only single occurrences of a series, as
// for somebody who is invited to these alone.
var ErrNoMaster = errors.New("read series: the object holds single occurrences only, not the series itself")

// Read puts the components of one UID in a VCALENDAR together as a series.
// zones finds the location of a TZID, and with an empty TZID that of floating
// times; nil means UTC. An event that does not recur is a series without
// lines.
func Read(cal vobject.Component, uid string, zones func(tzid string) *time.Location) (Series, error) {
	var master vobject.Component
	var others []vobject.Component
	for _, c := range cal.Components("VEVENT", "VTODO", "VJOURNAL") {
		switch {
		case c.First("UID").Text() != uid:
		case c.First("RECURRENCE-ID").Exists():
			others = append(others, c)
		case !master.Exists():
			master = c
		}
	}
	if !master.Exists() {
		return Series{}, ErrNoMaster
	}
	s := Series{Zones: zones}
	var err error
	if s.Start, err = startOf(master); err != nil {
		return Series{}, fmt.Errorf("read series: %w", err)
	}
	if zones != nil && s.Start.Clock != vobject.UTC && s.Start.Clock != vobject.AllDay {
		s.Zone = zones(s.Start.TZID)
	}
	if s.Duration, err = s.durationOf(master, s.Start); err != nil {
		return Series{}, fmt.Errorf("read series: %w", err)
	}
	for _, p := range master.Properties() {
		if p.Is("RRULE") || p.Is("RDATE") || p.Is("EXDATE") || p.Is("EXRULE") {
			s.Lines = append(s.Lines, p.Unfolded())
		}
	}
	for _, c := range others {
		o, err := s.override(c)
		if err != nil {
			return Series{}, fmt.Errorf("read series: %w", err)
		}
		s.Overrides = append(s.Overrides, o)
	}
	return s, nil
}

// startOf reads DTSTART, or DUE of a task without one.
func startOf(c vobject.Component) (vobject.Time, error) {
	p := c.First("DTSTART")
	if !p.Exists() && c.Name() == "VTODO" {
		p = c.First("DUE")
	}
	return p.Time()
}

// durationOf reads DURATION, or the span to DTEND or DUE. The latter is exact:
// it stays the same over a change of clocks (RFC 5545 section 3.8.5.3).
func (s Series) durationOf(c vobject.Component, start vobject.Time) (vobject.Duration, error) {
	if p := c.First("DURATION"); p.Exists() {
		return vobject.ParseDuration(p.Raw())
	}
	p := c.First("DTEND")
	if !p.Exists() && c.Name() == "VTODO" && c.First("DTSTART").Exists() {
		p = c.First("DUE")
	}
	if !p.Exists() {
		return vobject.Duration{}, nil
	}
	end, err := p.Time()
	if err != nil {
		return vobject.Duration{}, err
	}
	if start.Clock == vobject.AllDay && end.Clock == vobject.AllDay {
		days := wall(end).Sub(wall(start)).Hours() / 24
		return vobject.Duration{Days: max(0, int(days))}, nil
	}
	span := max(0, s.Instant(end).Sub(s.Instant(start)))
	return vobject.Duration{Hours: int(span / time.Hour), Minutes: int(span / time.Minute % 60), Seconds: int(span / time.Second % 60)}, nil
}

func (s Series) override(c vobject.Component) (Override, error) {
	id := c.First("RECURRENCE-ID")
	o := Override{Following: strings.EqualFold(id.Param("RANGE"), "THISANDFUTURE"), Cancelled: strings.EqualFold(c.First("STATUS").Raw(), "CANCELLED")}
	var err error
	if o.ID, err = id.Time(); err != nil {
		return o, err
	}
	if start := c.First("DTSTART"); start.Exists() {
		if o.Start, err = start.Time(); err != nil {
			return o, err
		}
	}
	from := o.Start
	if !from.Complete() {
		from = o.ID
	}
	if o.Duration, err = s.durationOf(c, from); err != nil {
		return o, err
	}
	o.Content = contentOf(c)
	return o, nil
}

// contentOf is what an override says beside its times: every line that a
// rewrite without a change would not touch.
func contentOf(c vobject.Component) string {
	var b strings.Builder
	for _, p := range c.Properties() {
		switch p.Name() {
		case "UID", "RECURRENCE-ID", "DTSTART", "DTEND", "DUE", "DURATION", "DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE":
		default:
			b.WriteString(p.Unfolded() + "\n")
		}
	}
	for _, child := range c.Components() {
		b.Write(child.Bytes())
	}
	return b.String()
}
