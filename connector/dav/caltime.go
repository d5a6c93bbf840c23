package dav

import (
	"fmt"
	"strings"
	"time"

	"lockstep.dev/timezone"
	"lockstep.dev/vobject"
)

// Times. The model writes an instant in UTC together with the zone in which it
// is meant, a floating time without "Z", and a whole day as a date (RFC 5545
// section 3.3.5 knows the same three and a local time with TZID).

const (
	instantLayout  = "2006-01-02T15:04:05Z"
	floatingLayout = "2006-01-02T15:04:05"
	dayLayout      = "2006-01-02"
)

// moment is a property's time as the model has it.
type moment struct {
	text string
	zone string         // IANA name; "" = UTC, floating, a day or a zone without a name
	loc  *time.Location // of a local time with TZID; nil otherwise
	tzid string         // as written
	day  bool
}

// moment reads a time property of a component within cal.
func (c *converter) moment(cal calendar, p vobject.Property) (moment, error) {
	t, err := p.Time()
	if err != nil {
		return moment{}, fmt.Errorf("%s", unreadableText(p.LineNumber(), "the time in "+p.Name()+" is not a time"))
	}
	switch t.Clock {
	case vobject.AllDay:
		if !t.Complete() {
			return moment{}, fmt.Errorf("%s", unreadableText(p.LineNumber(), "the date in "+p.Name()+" is not complete"))
		}
		return moment{text: isoDate(t.Date), day: true}, nil
	case vobject.Zoned:
		m := moment{tzid: t.TZID}
		m.zone, m.loc = c.zone(cal, t.TZID, t.Year)
		if m.loc == nil {
			m.text = t.In(time.UTC).Format(floatingLayout)
			return m, nil
		}
		m.text = t.In(m.loc).UTC().Format(instantLayout)
		return m, nil
	case vobject.Floating:
		return moment{text: t.In(time.UTC).Format(floatingLayout)}, nil
	}
	return moment{text: t.In(time.UTC).UTC().Format(instantLayout)}, nil
}

// calendar is a VCALENDAR that remembers what its zones are: an object may have
// many thousands of times.
type calendar struct {
	vobject.Component
	definitions map[string]vobject.Component // VTIMEZONEs by TZID
	meanings    map[zoneYear]meaning
}

// meaning is what a TZID stands for.
type meaning struct {
	name string // IANA name, "" for UTC and where there is none
	loc  *time.Location
}

func calendarOf(c vobject.Component) calendar {
	cal := calendar{Component: c, definitions: map[string]vobject.Component{}, meanings: map[zoneYear]meaning{}}
	for _, z := range c.Components("VTIMEZONE") {
		tzid := z.First("TZID").Text()
		if _, twice := cal.definitions[tzid]; !twice {
			cal.definitions[tzid] = z
		}
	}
	return cal
}

// zone resolves a TZID: to an IANA zone where it is one, else to the rules in
// the object's own VTIMEZONE (no name), else to nothing.
func (c *converter) zone(cal calendar, tzid string, year int) (name string, loc *time.Location) {
	key := zoneYear{tzid, year}
	m, known := cal.meanings[key]
	if !known {
		m = c.meaning(cal.definitions[tzid], tzid, year)
		if cal.meanings != nil {
			cal.meanings[key] = m
		}
	}
	return m.name, m.loc
}

func (c *converter) meaning(def vobject.Component, tzid string, year int) meaning {
	if z, ok := c.zones.Resolve(tzid, def, year); ok {
		if loc, err := c.zones.Location(z.Name); err == nil {
			if isUTC(z.Name) {
				return meaning{"", loc}
			}
			return meaning{z.Name, loc}
		}
	}
	if !def.Exists() {
		return meaning{}
	}
	loc, err := timezone.Custom(tzid, def)
	if err != nil {
		return meaning{}
	}
	return meaning{"", loc}
}

func isUTC(name string) bool {
	switch name {
	case "UTC", "Etc/UTC", "Etc/GMT", "GMT", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu":
		return true
	}
	return false
}

// after adds an RFC 5545 duration to a moment.
func (m moment) after(d vobject.Duration) string {
	loc := m.loc
	if loc == nil {
		loc = time.UTC
	}
	t, layout, err := parseModelTime(m.text)
	if err != nil {
		return ""
	}
	end := d.AddTo(t.In(loc))
	if layout == instantLayout {
		end = end.UTC()
	}
	return end.Format(layout)
}

// parseModelTime reads a time as the model writes it.
func parseModelTime(text string) (time.Time, string, error) {
	layout := floatingLayout
	switch {
	case len(text) == len(dayLayout):
		layout = dayLayout
	case strings.HasSuffix(text, "Z"):
		layout = instantLayout
	}
	t, err := time.Parse(layout, text)
	if err != nil {
		return time.Time{}, "", fmt.Errorf("read time: it is none of the model's forms")
	}
	return t, layout, nil
}

// timeLine writes a model's time as a property: an instant in its zone where it
// has one, under the TZID that the object uses for it.
func (w *calendarEdit) timeLine(property, text string, z writeZone) (vobject.Line, bool) {
	t, layout, err := parseModelTime(text)
	switch {
	case err != nil:
		return vobject.Line{}, false
	case layout == dayLayout:
		return vobject.Raw(property, t.Format("20060102")).With("VALUE", "DATE"), true
	case layout == floatingLayout:
		return vobject.Raw(property, t.Format("20060102T150405")), true
	case z.loc == nil:
		return vobject.Raw(property, t.Format("20060102T150405Z")), true
	}
	local := t.In(z.loc)
	// Of an hour that comes twice, the text means the first (RFC 5545 section
	// 3.3.5). The second can be told only in UTC.
	first := vobject.LocalTime(local.Year(), int(local.Month()), local.Day(), local.Hour(), local.Minute(), local.Second(), z.loc)
	if !first.Equal(t) {
		return vobject.Raw(property, t.Format("20060102T150405Z")), true
	}
	tzid, ok := w.tzidAt(z, t)
	if !ok {
		return vobject.Raw(property, t.Format("20060102T150405Z")), true
	}
	z.tzid = tzid
	w.needZone(z, t.Year())
	return vobject.Raw(property, local.Format("20060102T150405")).With("TZID", z.tzid), true
}

// tzidAt is the TZID under which an instant in a zone can be written. The
// object's own definition may have other rules for that year, old ones for
// example; then the zone is written under its own name, or not at all.
func (w *calendarEdit) tzidAt(z writeZone, t time.Time) (tzid string, ok bool) {
	if !w.cal.definitions[z.tzid].Exists() {
		return z.tzid, true
	}
	if _, loc := w.converter.zone(w.cal, z.tzid, t.Year()); loc != nil && sameOffset(t, loc, z.loc) {
		return z.tzid, true
	}
	return z.name, z.name != "" && z.name != z.tzid && !w.cal.definitions[z.name].Exists()
}

func sameOffset(t time.Time, a, b *time.Location) bool {
	_, x := t.In(a).Zone()
	_, y := t.In(b).Zone()
	return x == y
}

// writeZone is a zone that times are written in.
type writeZone struct {
	name string // IANA name; "" = UTC or a zone without a name
	tzid string
	loc  *time.Location // nil: UTC
}

// zoneFor finds the TZID to write for an IANA zone: the one that the object uses
// for it already, else its name.
func (w *calendarEdit) zoneFor(name string, year int) writeZone {
	if name == "" || isUTC(name) {
		return writeZone{}
	}
	loc, err := w.converter.zones.Location(name)
	if err != nil {
		return writeZone{}
	}
	for _, def := range w.cal.Components("VTIMEZONE") {
		tzid := def.First("TZID").Text()
		if z, ok := w.converter.zones.Resolve(tzid, def, year); ok && z.Name == name && tzid != "" {
			return writeZone{name, tzid, loc}
		}
	}
	return writeZone{name, name, loc}
}

// needZone adds the VTIMEZONE of a zone that the object does not define (RFC
// 5545 section 3.2.19 wants one for each TZID). The servers and programs of the
// field know IANA names without it, so where none can be written the name stays.
func (w *calendarEdit) needZone(z writeZone, year int) {
	if w.defined[z.tzid] || w.cal.definitions[z.tzid].Exists() {
		return
	}
	if w.defined == nil {
		w.defined = map[string]bool{}
	}
	w.defined[z.tzid] = true
	if draft, ok := w.converter.define(z.tzid, year); ok {
		w.edit.AppendComponent(w.cal.Component, draft)
	}
}
