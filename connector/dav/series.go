package dav

import (
	"slices"
	"strconv"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// Series, changed occurrences and alarms travel as iCalendar text. Servers
// fold, sort and decorate what they store, so the text is brought to one form:
// properties sorted, unmapped bookkeeping left out, zones under their IANA
// names.

// readRecurrence returns the rule lines of a component, sorted.
func (c *converter) readRecurrence(cal calendar, main vobject.Component) string {
	var lines []string
	for _, p := range recurrenceLines(main) {
		lines = append(lines, c.plainLine(cal, p))
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

func recurrenceLines(main vobject.Component) []vobject.Property {
	var out []vobject.Property
	for _, n := range []string{"RRULE", "RDATE", "EXDATE"} {
		out = append(out, main.All(n)...)
	}
	return out
}

// plainLine is a property on one line, without folding, parameters sorted, the
// zone by its IANA name.
func (c *converter) plainLine(cal calendar, p vobject.Property) string {
	var b strings.Builder
	b.WriteString(p.Name())
	for _, q := range c.plainParams(cal, p) {
		b.WriteString(";" + q.Name + "=")
		for i, v := range q.Values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(plainValue(v))
		}
	}
	value := p.Raw()
	switch p.Name() {
	case "RRULE", "RDATE", "EXDATE":
		value = strings.TrimSpace(withoutControls(value)) // some programs write a blank behind it
	}
	b.WriteString(":" + value)
	return b.String()
}

// plainValue writes a parameter's value (RFC 5545 section 3.2, RFC 6868).
func plainValue(v string) string {
	if strings.ContainsAny(v, "^\n\"") {
		v = strings.NewReplacer("^", "^^", "\n", "^n", `"`, "^'").Replace(v)
	}
	if strings.ContainsAny(v, ":;,") {
		return `"` + v + `"`
	}
	return v
}

// plainParams leaves out what servers and programs add for themselves.
func (c *converter) plainParams(cal calendar, p vobject.Property) []vobject.Param {
	var out []vobject.Param
	for _, q := range p.Params() {
		switch {
		case strings.HasPrefix(q.Name, "SCHEDULE-"), strings.HasPrefix(q.Name, "X-"), q.Name == "RSVP":
			continue
		case q.Name == "TZID" && len(q.Values) == 1:
			year := 0
			if t, err := vobject.ParseTime(firstOf(p.Raw())); err == nil {
				year = t.Year
			}
			if name, _ := c.zone(cal, q.Values[0], year); name != "" {
				q.Values = []string{name}
			}
		}
		out = append(out, q)
	}
	slices.SortStableFunc(out, func(a, b vobject.Param) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return first
}

// private reports whether a property of a changed occurrence stays in its
// mailbox: bookkeeping, extensions, fields that are personal, and attachments
// that are no links.
func private(p vobject.Property) bool {
	switch name := p.Name(); name {
	case "UID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE", "REQUEST-STATUS":
		return true
	case "CATEGORIES":
		return personal("categories")
	case "TRANSP":
		return personal("transparency")
	case "ATTACH":
		return linkOf(p) == ""
	default:
		return strings.HasPrefix(name, "X-")
	}
}

// personal reports whether a field of events stays in its mailbox.
func personal(field string) bool {
	return !slices.Contains(model.SharedFields(model.Event), field)
}

// occurrences are the changed occurrences beside the main component.
func occurrences(cal calendar, main vobject.Component) []vobject.Component {
	var out []vobject.Component
	for _, c := range cal.Components(main.Name()) {
		if c != main && c.First("RECURRENCE-ID").Exists() {
			out = append(out, c)
		}
	}
	return out
}

// readOverrides writes each changed occurrence in one form, in the order of
// the moments they replace.
func (c *converter) readOverrides(cal calendar, main vobject.Component) string {
	texts := map[string]string{}
	for _, o := range occurrences(cal, main) {
		texts[c.occurrenceKey(cal, o)] = componentText("VEVENT", c.occurrenceLines(cal, o))
	}
	return joinSorted(texts)
}

func joinSorted(texts map[string]string) string {
	keys := make([]string, 0, len(texts))
	for k := range texts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(texts[k])
	}
	return b.String()
}

// occurrenceKey is the moment that an occurrence replaces, in UTC.
func (c *converter) occurrenceKey(cal calendar, o vobject.Component) string {
	p := o.First("RECURRENCE-ID")
	if m, err := c.moment(cal, p); err == nil {
		return m.text
	}
	return p.Raw()
}

// occurrenceLines are the shared properties of a changed occurrence, sorted.
func (c *converter) occurrenceLines(cal calendar, o vobject.Component) []string {
	var out []string
	for _, p := range o.Properties() {
		if !private(p) {
			out = append(out, c.plainLine(cal, p))
		}
	}
	slices.Sort(out)
	return out
}

// componentText writes a component as iCalendar text, without folding.
func componentText(name string, lines []string) string {
	var b strings.Builder
	b.WriteString("BEGIN:" + name + "\r\n")
	for _, l := range lines {
		b.WriteString(l + "\r\n")
	}
	b.WriteString("END:" + name + "\r\n")
	return b.String()
}

// Alarms.

// readAlarms writes the alarms of a component in one form, sorted.
func (c *converter) readAlarms(main vobject.Component) string {
	var texts []string
	for _, a := range main.Components("VALARM") {
		texts = append(texts, c.alarmText(a))
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "")
}

// alarmText leaves out what a program adds when it has rung.
func (c *converter) alarmText(a vobject.Component) string {
	var lines []string
	for _, p := range a.Properties() {
		if n := p.Name(); n != "UID" && n != "ACKNOWLEDGED" && n != "RELATED-TO" && !strings.HasPrefix(n, "X-") {
			lines = append(lines, c.plainLine(calendar{}, p))
		}
	}
	slices.Sort(lines)
	return componentText("VALARM", lines)
}

// parseComponents reads components written one after another, such as the
// overrides and alarms of the model.
func parseComponents(text, name string) []vobject.Component {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	doc, err := vobject.Parse([]byte("BEGIN:VCALENDAR\r\n" + strings.TrimRight(text, "\r\n") + "\r\nEND:VCALENDAR\r\n"))
	if err != nil {
		return nil
	}
	return doc.First("VCALENDAR").Components(name)
}

// alarms brings the alarms of a component to the wanted ones; those that stay
// keep their bytes.
func (w *calendarEdit) alarms() {
	missing := map[string]vobject.Component{}
	var order []string
	for _, a := range parseComponents(w.want.Text("alarms"), "VALARM") {
		text := w.converter.alarmText(a)
		if _, known := missing[text]; !known {
			order = append(order, text)
		}
		missing[text] = a
	}
	for _, a := range w.main.Components("VALARM") {
		text := w.converter.alarmText(a)
		if _, wanted := missing[text]; wanted {
			delete(missing, text)
			continue
		}
		w.edit.RemoveComponent(a)
	}
	for _, text := range order {
		a, add := missing[text]
		if !add {
			continue
		}
		draft := vobject.Draft{Name: "VALARM"}
		for _, p := range a.Properties() {
			l := vobject.Raw(p.Name(), p.Raw())
			l.Params = p.Params()
			draft.Lines = append(draft.Lines, l)
		}
		w.edit.AppendComponent(w.main, draft)
	}
}

// recurrence brings the rule lines to the wanted ones; those that stay keep
// their bytes.
func (w *calendarEdit) recurrence() {
	missing := map[string]bool{}
	var order []string
	for l := range strings.SplitSeq(w.want.Text("recurrence"), "\n") {
		if l = strings.TrimSpace(l); l != "" && !missing[l] {
			missing[l] = true
			order = append(order, l)
		}
	}
	for _, p := range recurrenceLines(w.main) {
		if text := w.converter.plainLine(w.cal, p); missing[text] {
			delete(missing, text)
			continue
		}
		w.edit.Remove(p)
	}
	for _, l := range order {
		if !missing[l] {
			continue
		}
		for _, c := range parseComponents("BEGIN:VEVENT\r\n"+l+"\r\nEND:VEVENT", "VEVENT") {
			for _, p := range recurrenceLines(c) {
				w.edit.Append(w.main, w.adopted(p))
			}
		}
	}
}

// adopted is a property from a model's text as this object writes it: a zone
// under the TZID it uses.
func (w *calendarEdit) adopted(p vobject.Property) vobject.Line {
	l := vobject.Raw(p.Name(), p.Raw())
	for _, q := range p.Params() {
		if q.Name == "TZID" && len(q.Values) == 1 {
			year := w.env.now.Year()
			if t, err := vobject.ParseTime(firstOf(p.Raw())); err == nil {
				year = t.Year
			}
			if z := w.zoneFor(q.Values[0], year); z.loc != nil {
				w.needZone(z, year)
				q.Values = []string{z.tzid}
			}
		}
		l.Params = append(l.Params, q)
	}
	if p.Is("ATTENDEE") || p.Is("ORGANIZER") && !w.env.mine(p.Raw()) {
		l = w.env.scheduleAgent(l)
	}
	return l
}

// overrides brings the changed occurrences to the wanted ones. In one that
// stays, only the properties that differ are touched; its alarms and private
// properties remain.
func (w *calendarEdit) overrides() {
	wanted := map[string]vobject.Component{}
	var order []string
	var said calendar // what the overrides are written in
	for _, o := range parseComponents(w.want.Text("overrides"), "VEVENT") {
		if !said.Exists() {
			said = calendarOf(o.Parent())
		}
		key := w.converter.occurrenceKey(said, o)
		if _, known := wanted[key]; !known {
			order = append(order, key)
		}
		wanted[key] = o
	}
	for _, have := range occurrences(w.cal, w.main) {
		key := w.converter.occurrenceKey(w.cal, have)
		want, ok := wanted[key]
		if !ok {
			w.edit.RemoveComponent(have)
			continue
		}
		delete(wanted, key)
		w.occurrence(have, want, said)
	}
	slices.Sort(order)
	for _, key := range order {
		if o, ok := wanted[key]; ok {
			w.newOccurrence(o)
		}
	}
}

// occurrence changes an existing one, property by property.
func (w *calendarEdit) occurrence(have, want vobject.Component, said calendar) {
	was, is := w.linesByName(w.cal, have), w.linesByName(said, want)
	differs := false
	for _, p := range have.Properties() {
		if n := p.Name(); !private(p) && !slices.Equal(was[n], is[n]) {
			w.edit.Remove(p)
			differs = true
		}
	}
	for _, p := range want.Properties() {
		if n := p.Name(); !private(p) && !slices.Equal(was[n], is[n]) {
			w.edit.Append(have, w.adopted(p))
			differs = true
		}
	}
	if differs && w.revised {
		w.rawIn(have, "SEQUENCE", strconv.Itoa(max(sequenceOf(have)+1, w.sequence())))
		w.rawIn(have, "DTSTAMP", stampTime(w.env.now))
	}
}

func (w *calendarEdit) linesByName(cal calendar, c vobject.Component) map[string][]string {
	out := map[string][]string{}
	for _, p := range c.Properties() {
		if !private(p) {
			out[p.Name()] = append(out[p.Name()], w.converter.plainLine(cal, p))
		}
	}
	for _, lines := range out {
		slices.Sort(lines)
	}
	return out
}

func (w *calendarEdit) newOccurrence(o vobject.Component) {
	lines := []vobject.Line{
		vobject.Text("UID", w.main.First("UID").Text()),
		vobject.Raw("DTSTAMP", stampTime(w.env.now)),
	}
	if n := w.sequence(); n > 0 { // not older than the series it belongs to
		lines = append(lines, vobject.Raw("SEQUENCE", strconv.Itoa(n)))
	}
	for _, p := range o.Properties() {
		if !private(p) {
			lines = append(lines, w.adopted(p))
		}
	}
	w.edit.AppendComponent(w.cal.Component, vobject.Draft{Name: "VEVENT", Lines: lines})
}
