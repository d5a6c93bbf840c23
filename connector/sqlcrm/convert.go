package sqlcrm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// The three forms of a moment (model.Fields).
const (
	instantForm  = "2006-01-02T15:04:05Z"
	floatingForm = "2006-01-02T15:04:05"
	dayForm      = "2006-01-02"
)

// item converts a row. people maps folded addresses to CRM user ids.
func (t *table) item(r *row, people map[string]string) model.Item {
	it := model.Item{
		Ref:     model.Ref{Side: model.CRM, Kind: t.kind, Collection: string(t.kind), ID: r.text(t.ID)},
		UID:     r.text(t.UID),
		Stamp:   model.Key(r.stamp),
		Content: model.Content{},
	}
	if at, err := parseTime(r.text(t.Modified), time.UTC); err == nil {
		it.Modified = at
	}
	for _, name := range t.names {
		f := t.Fields[name]
		if t.Fields[name].set {
			it.Content.PutSet(name, f.elements(name, r))
			continue
		}
		text, err := t.readText(f, r)
		if err != nil && it.Trouble == "" {
			it.Trouble = fmt.Sprintf("The column %s of the CRM's table %s holds something that is %v. Correct it there.", f.Column, t.Table, err)
		}
		it.Content.PutText(name, text)
	}
	it.Access = t.access(r, it.Content, people)
	it.Ref.Version, it.Ref.Order = t.versionOf(r, it)
	return it
}

// versionOf returns the version and its order. A number that rises with every
// change is one; a time may be the same for two changes, so the content's hash
// joins it; without either it is the hash alone.
func (t *table) versionOf(r *row, it model.Item) (string, int64) {
	if t.Version == nil {
		return contentHash(it), 0
	}
	stored := r.text(t.Version.Column)
	if t.Version.Kind == "number" {
		order, _ := strconv.ParseInt(stored, 10, 64) // not a number: no order
		return stored, order
	}
	at, err := parseTime(stored, time.UTC)
	if err != nil {
		return stored + "~" + contentHash(it), 0
	}
	return stored + "~" + contentHash(it), at.UnixMicro()
}

// contentHash tells two states of one item apart.
func contentHash(it model.Item) string {
	access, _ := json.Marshal(it.Access) // structs of strings cannot fail
	sum := sha256.Sum256(slices.Concat(it.Content.Encode(), access, []byte(it.UID+it.Trouble)))
	return hex.EncodeToString(sum[:8])
}

// access tells who takes part: the owner, or for want of one the organizer,
// and the attendees.
func (t *table) access(r *row, c model.Content, people map[string]string) []model.Access {
	owner := r.text(t.Owner)
	if owner == "" {
		owner = people[c.Text("organizer")]
	}
	var out []model.Access
	if owner != "" {
		out = append(out, model.Access{User: owner, Role: model.Owner})
	}
	add := func(user string) {
		if user != "" && !slices.ContainsFunc(out, func(a model.Access) bool { return a.User == user }) {
			out = append(out, model.Access{User: user, Role: model.Participant})
		}
	}
	named := map[string]string{}
	for _, sr := range r.rows["attendees"] {
		named[model.FoldAddress(sr.column)] = sr.user
	}
	for _, e := range c.Set("attendees") {
		if user := named[e.Key]; user != "" {
			add(user)
			continue
		}
		add(people[e.Key])
	}
	return out
}

// unnamed lists the addresses that only the users' table can tell people by.
func (t *table) unnamed(r *row) []string {
	var out []string
	if f, ok := t.Fields["organizer"]; ok && r.text(t.Owner) == "" && r.text(f.Column) != "" {
		out = append(out, model.FoldAddress(r.text(f.Column)))
	}
	f, ok := t.Fields["attendees"]
	if !ok {
		return out
	}
	for _, s := range f.Columns {
		out = append(out, model.FoldAddress(r.text(s.Column)))
	}
	for _, sr := range r.rows["attendees"] {
		if sr.user == "" {
			out = append(out, model.FoldAddress(sr.column))
		}
	}
	return out
}

// readText converts a column to a canonical text. The error completes the
// sentence "it holds something that is ...".
func (t *table) readText(f field, r *row) (string, error) {
	stored := r.text(f.Column)
	if stored == "" && len(f.Values) == 0 {
		return "", nil
	}
	text, ok := f.Values.meaning(stored)
	if !ok {
		return "", fmt.Errorf("not among the values of the mapping")
	}
	if text == "" {
		return "", nil
	}
	switch f.As {
	case "moment":
		if !isMoment(text) {
			return "", fmt.Errorf("no moment such as 2031-03-04T09:00:00Z, 2031-03-04T09:00:00 or 2031-03-04")
		}
		return text, nil
	case "timestamp":
		return f.readTimestamp(text, truth(r.text(t.AllDay)))
	case "date":
		if len(text) < len(dayForm) || !isDay(text[:len(dayForm)]) {
			return "", fmt.Errorf("no date")
		}
		return text[:len(dayForm)], nil
	case "number":
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return "", fmt.Errorf("no whole number")
		}
		return text, nil
	default:
		if f.Column == t.organizerColumn() {
			return model.FoldAddress(text), nil
		}
		if f.Column == t.Fields["overrides"].Column {
			return text, nil // iCalendar text has line ends of its own (RFC 5545 3.1)
		}
		return strings.ReplaceAll(text, "\r\n", "\n"), nil
	}
}

func (t *table) organizerColumn() string { return t.Fields["organizer"].Column }

func (f field) readTimestamp(text string, allDay bool) (string, error) {
	at, err := parseTime(text, f.location())
	if err != nil {
		return "", fmt.Errorf("no time")
	}
	if allDay {
		return at.In(f.location()).Format(dayForm), nil
	}
	return at.UTC().Format(instantForm), nil
}

// location is the zone of times that name none.
func (f field) location() *time.Location {
	loc, err := time.LoadLocation(f.Zone)
	if err != nil {
		return time.UTC // checked when the mapping was read
	}
	return loc
}

// parseTime reads what PostgreSQL and SQLite write, with or without a zone and
// fractions of a second.
func parseTime(text string, loc *time.Location) (time.Time, error) {
	var err error
	for _, form := range []string{"2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z07:00", time.RFC3339, "2006-01-02 15:04:05", floatingForm, "2006-01-02 15:04", dayForm} {
		var at time.Time
		if at, err = time.ParseInLocation(form, text, loc); err == nil {
			return at, nil
		}
	}
	return time.Time{}, err
}

func isDay(text string) bool {
	_, err := time.Parse(dayForm, text)
	return err == nil
}

// isMoment reports whether a text has one of the three forms.
func isMoment(text string) bool {
	for _, form := range []string{instantForm, floatingForm, dayForm} {
		if _, err := time.Parse(form, text); err == nil && len(text) == len(form) {
			return true
		}
	}
	return false
}

// stored is a value on its way into a column; nil is NULL.
type stored = *string

// changes is what a content means for a row and its side rows.
type changes struct {
	columns map[string]stored
	rows    map[string][]model.Element // by field: what the side table is to hold
}

// convert converts the given fields of a content. Fields that are not mapped are
// left out. current is the row that is being changed, nil for a new one.
func (d *database) convert(t *table, c model.Content, fields []string, current *row) (changes, error) {
	out := changes{columns: map[string]stored{}, rows: map[string][]model.Element{}}
	for _, name := range fields {
		f, ok := t.Fields[name]
		if !ok {
			continue
		}
		if t.Fields[name].set {
			rest, err := f.place(name, c.Set(name), current, out.columns)
			if err != nil {
				return out, err
			}
			if f.Rows != nil {
				out.rows[name] = rest
			}
			continue
		}
		if err := d.writeText(t, f, name, c.Text(name), out.columns); err != nil {
			return out, err
		}
	}
	return out, nil
}

// writeText converts one text for its column, and the all-day mark beside it.
func (d *database) writeText(t *table, f field, name, text string, columns map[string]stored) error {
	value, ok := f.Values.stored(text)
	if !ok {
		return refused("the mapping has no value for this %s", name)
	}
	var err error
	switch {
	case value == "" && len(f.Values) == 0:
		columns[f.Column] = nil
		return nil
	case f.As == "moment" && !isMoment(value):
		return refused("%s is no moment", name)
	case f.As == "timestamp":
		value, err = d.writeTimestamp(t, f, name, value, columns)
	case f.As == "date" && !isDay(value):
		return refused("the CRM has room for a whole date only in %s", name)
	case f.As == "number":
		if _, bad := strconv.ParseInt(value, 10, 64); bad != nil {
			return refused("%s is no whole number", name)
		}
	}
	columns[f.Column] = &value
	return err
}

// writeTimestamp converts a moment for a timestamp column.
func (d *database) writeTimestamp(t *table, f field, name, text string, columns map[string]stored) (string, error) {
	day := isDay(text)
	if day && t.AllDay == "" {
		return "", refused("the CRM has no room for whole days in %s", name)
	}
	if t.AllDay != "" && (name == "start" || name == "due") {
		mark := "0"
		if day {
			mark = "1"
		}
		columns[t.AllDay] = &mark
	}
	zoned := strings.Contains(d.typeOf(t.Table, f.Column), "with time zone")
	if day {
		at, _ := time.ParseInLocation(dayForm, text, f.location()) // checked by isDay
		if zoned {
			return at.Format(time.RFC3339), nil
		}
		return at.Format(time.DateTime), nil
	}
	at, err := time.Parse(instantForm, text)
	if err != nil {
		return "", refused("the CRM has no room for a time without a zone in %s", name)
	}
	if zoned {
		return at.Format(time.RFC3339), nil
	}
	return at.In(f.location()).Format(time.DateTime), nil
}

// refused is the fault for a content that the CRM cannot hold.
func refused(format string, args ...any) error {
	return issue.Fault("sqlcrm.no-room", "problem", fmt.Sprintf(format, args...))
}
