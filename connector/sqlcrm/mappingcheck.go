package sqlcrm

import (
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
)

// defaultOverlap is how long we expect a foreign transaction to last between
// taking its time or number and its commit.
const defaultOverlap = 10 * time.Minute

// checkTable wants what a kind cannot be without, and nothing that its fields
// cannot be.
func (m *mapping) checkTable(t *table) error {
	kind := string(t.kind)
	for _, need := range []struct{ key, value string }{{"table", t.Table}, {"id", t.ID}} {
		if need.value == "" {
			return badMapping("%s, line %d: %s needs the key %s.", m.file, m.line(kind), kind, need.key)
		}
	}
	if err := m.oneOf(t.NewID, []string{"", "uuid", "database"}, kind, "new_id"); err != nil {
		return err
	}
	if err := m.checkVersion(t); err != nil {
		return err
	}
	if err := m.checkDeleted(t); err != nil {
		return err
	}
	for _, name := range t.names {
		if err := m.checkField(t, name); err != nil {
			return err
		}
	}
	for _, name := range requiredFields(t.kind) {
		if _, ok := t.Fields[name]; !ok {
			return badMapping("%s, line %d: %s.fields needs %s, without which no item can be stored.", m.file, m.line(kind, "fields"), kind, name)
		}
	}
	return nil
}

// requiredFields lists what an item cannot be without.
func requiredFields(kind model.Kind) []string {
	switch kind {
	case model.Contact:
		return []string{"full_name"}
	case model.Event:
		return []string{"title", "start", "end"}
	default:
		return []string{"title"}
	}
}

// oneOf wants a value of a list.
func (m *mapping) oneOf(value string, list []string, path ...string) error {
	if slices.Contains(list, value) {
		return nil
	}
	known := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
	return badMapping("%s, line %d: %s is %q; it can be %s.", m.file, m.line(path...), strings.Join(path, "."), value, strings.Join(known, ", "))
}

func (m *mapping) checkVersion(t *table) error {
	v, kind := t.Version, string(t.kind)
	if v == nil {
		return nil
	}
	if v.Column == "" {
		return badMapping("%s, line %d: %s.version needs the key column.", m.file, m.line(kind, "version"), kind)
	}
	if err := m.oneOf(v.Kind, []string{"number", "timestamp"}, kind, "version", "kind"); err != nil {
		return err
	}
	if err := m.oneOf(v.Set, []string{"", "database", "lockstep"}, kind, "version", "set"); err != nil {
		return err
	}
	if v.Kind == "number" && v.Set == "lockstep" {
		return badMapping("%s, line %d: %s.version.set can be lockstep for a timestamp only; a number has to be raised by the database.", m.file, m.line(kind, "version", "set"), kind)
	}
	if child(m.node(kind, "version"), "overlap") == nil {
		v.Overlap = defaultOverlap
	}
	return nil
}

func (m *mapping) checkDeleted(t *table) error {
	d, kind := t.Deleted, string(t.kind)
	if d == nil {
		return nil
	}
	line := m.line(kind, "deleted")
	switch {
	case (d.Column == "") == (d.Table == ""):
		return badMapping("%s, line %d: %s.deleted needs either column and value, or table, id and version.", m.file, line, kind)
	case d.Column != "" && d.Value == "":
		return badMapping("%s, line %d: %s.deleted.column needs the value that marks an item as deleted.", m.file, line, kind)
	case d.Table != "" && (d.ID == "" || d.Version == ""):
		return badMapping("%s, line %d: %s.deleted.table needs id and version.", m.file, line, kind)
	case t.Version == nil:
		return badMapping("%s, line %d: %s.deleted needs %s.version too: without it no deletion is new.", m.file, line, kind, kind)
	case d.Table != "" && t.Version.Transaction != "" && d.Transaction == "":
		return badMapping("%s, line %d: %s.deleted needs transaction, because version has it.", m.file, line, kind)
	}
	return nil
}

func (m *mapping) checkField(t *table, name string) error {
	f, kind := t.Fields[name], string(t.kind)
	line := m.line(kind, "fields", name)
	if !slices.Contains(model.SharedFields(t.kind), name) {
		return badMapping("%s, line %d: %s has no field %s that can be in a CRM. It has %s.", m.file, line, kind, name, strings.Join(model.SharedFields(t.kind), ", "))
	}
	if !t.Fields[name].set {
		return m.checkText(f, line, kind, name)
	}
	if f.Column != "" && len(f.Columns) == 0 {
		f.Columns, f.Column = []slot{{Column: f.Column}}, ""
		t.Fields[name] = f
	}
	if len(f.Columns) == 0 && f.Rows == nil {
		return badMapping("%s, line %d: %s.fields.%s needs columns, rows or both.", m.file, line, kind, name)
	}
	if r := f.Rows; r != nil && (r.Table == "" || r.Parent == "" || (r.Column == "" && name != "addresses")) {
		return badMapping("%s, line %d: %s.fields.%s.rows needs table, parent and column.", m.file, line, kind, name)
	}
	for _, s := range f.Columns {
		if s.Column == "" && len(s.Attributes) == 0 {
			return badMapping("%s, line %d: every entry of %s.fields.%s.columns needs a column.", m.file, line, kind, name)
		}
	}
	return nil
}

func (m *mapping) checkText(f field, line int, kind, name string) error {
	if f.Column == "" {
		return badMapping("%s, line %d: %s.fields.%s needs a column.", m.file, line, kind, name)
	}
	if len(f.Columns) > 0 || f.Rows != nil {
		return badMapping("%s, line %d: %s.fields.%s is one text: it has no columns and no rows.", m.file, line, kind, name)
	}
	if err := m.oneOf(f.As, []string{"", "text", "moment", "timestamp", "date", "number"}, kind, "fields", name, "as"); err != nil {
		return err
	}
	if _, err := time.LoadLocation(f.Zone); err != nil {
		return badMapping("%s, line %d: %s.fields.%s.zone: there is no time zone %q.", m.file, line, kind, name, f.Zone)
	}
	return nil
}

func (m *mapping) checkUsers() error {
	u := m.Users
	if u == nil {
		return nil
	}
	if u.Table == "" || u.ID == "" || u.Name == "" || u.Email == "" {
		return badMapping("%s, line %d: users needs table, id, name and email.", m.file, m.line("users"))
	}
	return nil
}
