package dav

import (
	"slices"
	"strconv"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// calendarEdit writes changed fields into an event or a task; every other byte
// stays.
type calendarEdit struct {
	converter *converter
	env       environment
	cal       calendar          // VCALENDAR
	main      vobject.Component // VEVENT or VTODO
	edit      *vobject.Edit
	have      model.Content // of an existing object
	want      model.Content
	revised   bool            // attendees must hear of the change, and it is ours to tell
	defined   map[string]bool // VTIMEZONEs that this edit adds
}

func (w *calendarEdit) apply(kind model.Kind, changed []string) {
	has := func(fields ...string) bool {
		return slices.ContainsFunc(fields, func(f string) bool { return slices.Contains(changed, f) })
	}
	w.revised = kind == model.Event && !w.env.isNew && w.ours() && model.Significant(kind, w.have, w.want, changed)
	if kind == model.Event && has("start", "end", "time_zone") {
		w.times(has("time_zone"), "DTEND", "end")
	}
	if kind == model.Task && has("start", "due", "time_zone") {
		w.times(has("time_zone"), "DUE", "due")
	}
	for _, f := range changed {
		w.field(f)
	}
	if kind == model.Event && has("organizer", "attendees") {
		w.participants(has("organizer"), has("attendees"))
	}
	if w.revised && w.edit.Changed() {
		w.announce()
	}
}

// field writes a field that has a property of its own.
func (w *calendarEdit) field(field string) {
	text := w.want.Text(field)
	switch field {
	case "title":
		setText(w.main, w.edit, "SUMMARY", text)
	case "description":
		w.description(text)
	case "location":
		setText(w.main, w.edit, "LOCATION", text)
	case "url":
		w.raw("URL", text)
	case "status":
		w.status(text)
	case "class":
		w.word("CLASS", strings.ToUpper(text), "PUBLIC", readClass(w.main.First("CLASS")) == text)
	case "transparency":
		value := ""
		if text != "" {
			value = "TRANSPARENT"
		}
		w.raw("TRANSP", or(value, ifExists(w.main, "TRANSP", "OPAQUE")))
	case "categories":
		editCategories(w.main, w.edit, w.want.Set(field))
	case "attachments":
		w.attachments()
	case "alarms":
		w.alarms()
	case "recurrence":
		w.recurrence()
	case "overrides":
		w.overrides()
	case "completed":
		w.completed(text)
	case "percent":
		w.number("PERCENT-COMPLETE", text)
	case "priority":
		w.number("PRIORITY", text)
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// ifExists returns value where the component has the property.
func ifExists(c vobject.Component, property, value string) string {
	if c.First(property).Exists() {
		return value
	}
	return ""
}

// raw sets, adds or removes a property whose value is written as it is.
func (w *calendarEdit) raw(property, value string) { w.rawIn(w.main, property, value) }

func (w *calendarEdit) rawIn(c vobject.Component, property, value string) {
	p := c.First(property)
	switch {
	case value == "" && p.Exists():
		w.edit.Remove(p)
	case value == "":
	case p.Exists():
		w.edit.SetRaw(p, value)
	default:
		w.edit.Append(c, vobject.Raw(property, value))
	}
}

// word sets an upper-case word; none is written as the default word if the
// property is there.
func (w *calendarEdit) word(property, value, standard string, same bool) {
	if same {
		return
	}
	w.raw(property, or(value, ifExists(w.main, property, standard)))
}

// description takes the second version of the text along, which some programs
// show instead: as HTML in X-ALT-DESC (Outlook) or in ALTREP (RFC 5545 section
// 3.2.1).
func (w *calendarEdit) description(text string) {
	p := w.main.First("DESCRIPTION")
	if p.Exists() && p.Text() == text {
		return
	}
	setText(w.main, w.edit, "DESCRIPTION", text)
	if p.Exists() && text != "" && p.Param("ALTREP") != "" {
		w.edit.SetParam(p, "ALTREP")
	}
	for _, alt := range w.main.All("X-ALT-DESC") {
		w.edit.Remove(alt)
	}
}

func (w *calendarEdit) status(text string) {
	if w.main.Name() == "VTODO" {
		w.word("STATUS", strings.ToUpper(text), "NEEDS-ACTION", readTaskStatus(w.main) == text)
		return
	}
	w.word("STATUS", strings.ToUpper(text), "CONFIRMED", false)
}

// completed is always in UTC (RFC 5545 section 3.8.2.1).
func (w *calendarEdit) completed(text string) {
	t, layout, err := parseModelTime(text)
	if err != nil || layout == dayLayout {
		w.raw("COMPLETED", "")
		return
	}
	w.raw("COMPLETED", stampTime(t))
}

func (w *calendarEdit) number(property, text string) {
	if n, err := strconv.Atoi(text); err != nil || n <= 0 {
		text = ""
	}
	w.raw(property, text)
}

// times writes start and end (or due). A property that says already what is
// wanted keeps its bytes, unless the zone itself was changed.
func (w *calendarEdit) times(zoneChanged bool, endProperty, endField string) {
	start, end := w.main.First("DTSTART"), w.main.First(endProperty)
	if w.want.Text("start") == "" && w.main.Name() == "VEVENT" {
		return // an event has a start (RFC 5545 section 3.6.1)
	}
	zone := w.targetZone(start, end, zoneChanged)
	if !w.says(start, w.want.Text("start")) || zoneChanged && !w.inZone(start, zone) {
		w.time(start, "DTSTART", w.want.Text("start"), zone)
	}
	duration := w.main.First("DURATION")
	if !end.Exists() && w.endsByItself(duration, zone, endField) {
		return
	}
	if end.Exists() && w.says(end, w.want.Text(endField)) && !(zoneChanged && !w.inZone(end, zone)) {
		return
	}
	if duration.Exists() {
		w.edit.Remove(duration) // RFC 5545 section 3.6.1: one of the two
	}
	w.time(end, endProperty, w.want.Text(endField), zone)
}

// says reports whether a property has that time.
func (w *calendarEdit) says(p vobject.Property, text string) bool {
	if !p.Exists() {
		return text == ""
	}
	m, err := w.converter.moment(w.cal, p)
	return err == nil && m.text == text
}

// inZone reports whether an instant is written in a zone.
func (w *calendarEdit) inZone(p vobject.Property, z writeZone) bool {
	if !p.Exists() {
		return true
	}
	m, err := w.converter.moment(w.cal, p)
	if err != nil || m.day || !strings.HasSuffix(m.text, "Z") {
		return err == nil
	}
	if z.name != "" || m.zone != "" {
		return m.zone == z.name
	}
	return (m.loc == nil) == (z.loc == nil)
}

// targetZone is the zone to write times in. A zone that has no IANA name stays
// as it is until somebody chooses another.
func (w *calendarEdit) targetZone(start, end vobject.Property, zoneChanged bool) writeZone {
	year := w.env.now.Year()
	if t, _, err := parseModelTime(or(w.want.Text("start"), w.want.Text("due"))); err == nil {
		year = t.Year()
	}
	if z := w.zoneFor(w.want.Text("time_zone"), year); z.loc != nil || zoneChanged {
		return z
	}
	for _, p := range []vobject.Property{start, end} {
		if !p.Exists() {
			continue
		}
		if m, err := w.converter.moment(w.cal, p); err == nil && m.loc != nil && m.tzid != "" {
			return writeZone{m.zone, m.tzid, m.loc}
		}
	}
	return writeZone{}
}

// endsByItself reports whether the new start together with DURATION, or with
// the rule for an event that has no end, yields the wanted end.
func (w *calendarEdit) endsByItself(duration vobject.Property, zone writeZone, endField string) bool {
	start := moment{text: w.want.Text("start"), loc: zone.loc, day: len(w.want.Text("start")) == len(dayLayout)}
	want := w.want.Text(endField)
	if duration.Exists() {
		d, err := vobject.ParseDuration(duration.Raw())
		return err == nil && start.text != "" && start.after(d) == want
	}
	if endField == "due" {
		return want == ""
	}
	if w.env.isNew && start.day {
		return false // written out: not every program knows the rule
	}
	if start.day {
		return start.after(vobject.Duration{Days: 1}) == want
	}
	return start.text == want
}

// time writes one time, replacing the property or adding it.
func (w *calendarEdit) time(p vobject.Property, property, text string, zone writeZone) {
	line, ok := w.timeLine(property, text, zone)
	switch {
	case !ok && p.Exists():
		w.edit.Remove(p)
	case !ok:
	case p.Exists():
		w.replaceTime(p, line)
	default:
		w.edit.Append(w.main, line)
	}
}

// replaceTime keeps other parameters of the property.
func (w *calendarEdit) replaceTime(p vobject.Property, line vobject.Line) {
	for _, q := range p.Params() {
		if q.Name != "TZID" && q.Name != "VALUE" {
			line = line.With(q.Name, q.Values...)
		}
	}
	w.edit.Replace(p, line)
}

// ours reports whether the mailbox's own person organizes the meeting: nobody
// else counts its revisions.
func (w *calendarEdit) ours() bool {
	organizer := w.main.First("ORGANIZER")
	return organizer.Exists() && w.env.mine(addressOfPerson(organizer))
}

// announce counts a change that attendees must hear of, in a meeting of our
// own (RFC 5545 section 3.8.7.4, RFC 5546 section 2.1.4). Where mail may be
// sent, the server is told to send it.
func (w *calendarEdit) announce() {
	if !w.env.quiet {
		w.letServerInvite()
	}
	w.raw("SEQUENCE", strconv.Itoa(w.sequence()))
	w.raw("DTSTAMP", stampTime(w.env.now))
}

// sequence is the number of the revision that this edit makes of the meeting.
func (w *calendarEdit) sequence() int {
	n := sequenceOf(w.main)
	if w.revised {
		n++
	}
	return n
}

func sequenceOf(c vobject.Component) int {
	n, err := strconv.Atoi(strings.TrimSpace(c.First("SEQUENCE").Raw()))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
