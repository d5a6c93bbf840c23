package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/recurrence"
	"lockstep.dev/vobject"
)

// Recurring items. Start, end, zone, rule and changed occurrences are one
// object: they are compared by what they mean and merged occurrence by
// occurrence (algorithm 1.5, requirement B14).

// timeFields are the fields of a kind that make a series, the start first.
func timeFields(k model.Kind) []string {
	switch k {
	case model.Event:
		return []string{"start", "end", "time_zone", "recurrence", "overrides"}
	case model.Task:
		return []string{"start", "due", "time_zone", "recurrence"}
	default:
		return nil
	}
}

// timed are the fields that are merged as one for these contents: all of a
// series; of a single event start and end, so that no merge ends before it
// starts; of a single task none.
func (b *builder) timed(k model.Kind, contents ...model.Content) []string {
	fields := timeFields(k)
	if !slices.ContainsFunc(contents, recurs) {
		fields = nil
		if k == model.Event {
			fields = []string{"start", "end"}
		}
	}
	return slices.DeleteFunc(fields, func(f string) bool { return !slices.Contains(b.in.Fields[k], f) })
}

func recurs(c model.Content) bool { return c.Text("recurrence") != "" || c.Text("overrides") != "" }

// Differing returns those of the given fields in which two contents of a kind
// say something else. A series that is only written otherwise does not differ.
func Differing(k model.Kind, fields []string, x, y model.Content) []string {
	b := builder{in: Input{Fields: map[model.Kind][]string{k: fields}}}
	var out []string
	for _, f := range fields {
		if !x[f].Equal(y[f]) && b.differ(k, x, y, f) {
			out = append(out, f)
		}
	}
	return out
}

// differ reports whether two contents of a kind say something else in some
// fields; none means all that may flow. Texts of a series are read only where
// they are not the same.
func (b *builder) differ(k model.Kind, x, y model.Content, fields ...string) bool {
	if len(fields) == 0 {
		fields = b.in.Fields[k]
	}
	series := false
	for _, f := range fields {
		switch {
		case x[f].Equal(y[f]):
		case slices.Contains(timeFields(k), f) && (recurs(x) || recurs(y)):
			series = true
		default:
			return true
		}
	}
	return series && !b.sameSeries(k, x, y)
}

// sameSeries reports whether two contents hold the same series, however it is
// written. What cannot be read is compared as text, which differs.
func (b *builder) sameSeries(k model.Kind, x, y model.Content) bool {
	fields := b.timed(k, x, y)
	left, errLeft := b.series(k, x.Only(fields))
	right, errRight := b.series(k, y.Only(fields))
	if errLeft != nil || errRight != nil {
		return false
	}
	same, err := recurrence.Equal(left.Series, right.Series)
	return err == nil && same
}

// series is what a side says of when an item is.
type series struct {
	recurrence.Series
	content model.Content
	texts   map[recurrence.Override]string // overrides as text, without what is personal
}

// series reads the time fields of a content. Contents without a start are an
// error: they are merged as texts.
func (b *builder) series(k model.Kind, c model.Content) (series, error) {
	out := series{content: c, texts: map[recurrence.Override]string{}}
	name, end := "VEVENT", "DTEND"
	if k == model.Task {
		name, end = "VTODO", "DUE"
	}
	lines := []string{"BEGIN:VCALENDAR", "BEGIN:" + name}
	for _, t := range [][2]string{{"DTSTART", c.Text("start")}, {end, c.Text("end") + c.Text("due")}} {
		line, err := b.timeLine(t[0], t[1], c.Text("time_zone"))
		if err != nil {
			return out, err
		}
		lines = append(lines, line...)
	}
	if rules := c.Text("recurrence"); rules != "" {
		lines = append(lines, strings.Split(rules, "\n")...)
	}
	lines = append(lines, "END:"+name)
	var texts []string
	for _, o := range components(c.Text("overrides")) {
		text := shared(o)
		texts = append(texts, text)
		lines = append(lines, strings.TrimSuffix(text, "\r\n"))
	}
	doc, err := vobject.Parse([]byte(strings.Join(append(lines, "END:VCALENDAR", ""), "\r\n")))
	if err != nil {
		return out, err
	}
	if len(doc.Problems()) > 0 {
		return out, fmt.Errorf("read series: %s", doc.Problems()[0].Text)
	}
	if out.Series, err = recurrence.Read(doc.First("VCALENDAR"), "", b.zone); err != nil {
		return out, err
	}
	if len(out.Overrides) != len(texts) {
		return out, fmt.Errorf("read series: a changed occurrence does not say which one it replaces")
	}
	for i, o := range out.Overrides {
		out.texts[o] = texts[i]
	}
	return out, nil
}

// timeLine writes a time of the model as a content line, an instant in its
// zone. Of an hour that comes twice the second can be told in UTC only.
func (b *builder) timeLine(name, text, zone string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	t, layout, err := parseTime(text)
	if err != nil {
		return nil, err
	}
	switch {
	case layout == dateLayout:
		return []string{name + ";VALUE=DATE:" + t.Format("20060102")}, nil
	case layout == floatingLayout:
		return []string{name + ":" + t.Format("20060102T150405")}, nil
	case zone == "":
		return []string{name + ":" + t.Format("20060102T150405Z")}, nil
	}
	loc := b.zone(zone)
	if loc == nil {
		return nil, fmt.Errorf("read series: there is no zone %q", zone)
	}
	l := t.In(loc)
	if !vobject.LocalTime(l.Year(), int(l.Month()), l.Day(), l.Hour(), l.Minute(), l.Second(), loc).Equal(t) {
		return []string{name + ":" + t.Format("20060102T150405Z")}, nil
	}
	return []string{name + ";TZID=" + zone + ":" + l.Format("20060102T150405")}, nil
}

// zone finds an IANA zone; nil for none. Zone data is a constant of the
// process, so the plan stays a function of its input.
func (b *builder) zone(name string) *time.Location {
	if name == "" {
		return nil
	}
	loc, known := b.zones[name]
	if !known {
		if b.zones == nil {
			b.zones = map[string]*time.Location{}
		}
		loc, _ = time.LoadLocation(name)
		b.zones[name] = loc
	}
	return loc
}

// components reads the VEVENTs of the field overrides.
func components(text string) []vobject.Component {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	doc, err := vobject.Parse([]byte("BEGIN:VCALENDAR\r\n" + strings.TrimRight(text, "\r\n") + "\r\nEND:VCALENDAR\r\n"))
	if err != nil {
		return nil
	}
	return doc.First("VCALENDAR").Components("VEVENT")
}

// shared is a changed occurrence as text without what is personal or mere
// bookkeeping: alarms, labels and busy/free stay in their mailbox (design
// decision 4). Its lines are sorted, so that equal ones have equal texts.
func shared(o vobject.Component) string {
	var lines []string
	for _, p := range o.Properties() {
		switch p.Name() {
		case "UID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE", "CATEGORIES", "TRANSP", "REQUEST-STATUS":
		default:
			if !strings.HasPrefix(p.Name(), "X-") {
				lines = append(lines, p.Unfolded())
			}
		}
	}
	slices.Sort(lines)
	return "BEGIN:VEVENT\r\n" + strings.Join(append(lines, "END:VEVENT"), "\r\n") + "\r\n"
}

// write gives a merged series back as content: what equals own is kept as own
// writes it, the rest comes from whom it was taken from.
func (s series) write(own, other series) model.Content {
	if same, err := recurrence.Equal(s.Series, own.Series); err == nil && same {
		return own.content
	}
	from := own
	if s.Start != own.Start || s.Zone != own.Zone {
		from = other
	}
	out := from.content.Clone()
	if s.Duration != from.Duration {
		s.stretch(out)
	}
	lines := slices.Clone(s.Lines)
	slices.Sort(lines)
	out.PutText("recurrence", strings.Join(slices.Compact(lines), "\n"))
	overrides := slices.Clone(s.Overrides)
	slices.SortStableFunc(overrides, func(x, y recurrence.Override) int { return s.Instant(x.ID).Compare(s.Instant(y.ID)) })
	var text strings.Builder
	for _, o := range overrides {
		t, ok := own.texts[o]
		if !ok {
			t = other.texts[o]
		}
		text.WriteString(t)
	}
	out.PutText("overrides", text.String())
	return out
}

// stretch gives a content the end that the merged duration asks for. A length
// in hours cannot be that of whole days, nor the other way round.
func (s series) stretch(c model.Content) {
	field := "end"
	if c.Text("due") != "" {
		field = "due"
	}
	t, layout, err := parseTime(c.Text("start"))
	hours := s.Duration.Hours != 0 || s.Duration.Minutes != 0 || s.Duration.Seconds != 0
	if err != nil || s.AllDay() && hours || !s.AllDay() && s.Duration.Days != 0 {
		return
	}
	c.PutText(field, s.Duration.AddTo(t).Format(layout))
}
