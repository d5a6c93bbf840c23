package sqlcrm

import (
	"fmt"
	"maps"
	"slices"
)

// use is one column that a mapping names, and where.
type use struct {
	table, column string
	path          []string
}

// place names the file and line of a key.
func (m *mapping) place(path []string) string {
	return fmt.Sprintf("%s, line %d", m.file, m.line(path...))
}

// uses lists every column that the mapping names, in a stable order.
func (m *mapping) uses() []use {
	var out []use
	add := func(table, column string, path ...string) {
		if column != "" {
			out = append(out, use{table, column, path})
		}
	}
	if u := m.Users; u != nil {
		add(u.Table, u.ID, "users", "id")
		add(u.Table, u.Name, "users", "name")
		add(u.Table, u.Email, "users", "email")
		add(u.Table, u.Active, "users", "active")
	}
	for _, t := range m.tables() {
		kind := string(t.kind)
		add(t.Table, t.ID, kind, "id")
		add(t.Table, t.Key, kind, "key")
		add(t.Table, t.UID, kind, "uid")
		add(t.Table, t.Owner, kind, "owner")
		add(t.Table, t.Modified, kind, "modified")
		add(t.Table, t.AllDay, kind, "all_day")
		for _, c := range slices.Sorted(maps.Keys(t.Fixed)) {
			add(t.Table, c, kind, "fixed", c)
		}
		if v := t.Version; v != nil {
			add(t.Table, v.Column, kind, "version", "column")
			add(t.Table, v.Transaction, kind, "version", "transaction")
		}
		if d := t.Deleted; d != nil {
			add(t.Table, d.Column, kind, "deleted", "column")
			d.uses(kind, add)
		}
		for _, name := range t.names {
			f := t.Fields[name]
			f.uses(t.Table, add, kind, "fields", name)
		}
	}
	return out
}

func (d *deleted) uses(kind string, add func(table, column string, path ...string)) {
	if d.Table == "" {
		return
	}
	add(d.Table, d.ID, kind, "deleted", "id")
	add(d.Table, d.Version, kind, "deleted", "version")
	add(d.Table, d.Transaction, kind, "deleted", "transaction")
	add(d.Table, d.Key, kind, "deleted", "key")
	for _, c := range slices.Sorted(maps.Keys(d.Fixed)) {
		add(d.Table, c, kind, "deleted", "fixed", c)
	}
}

func (f field) uses(table string, add func(table, column string, path ...string), path ...string) {
	add(table, f.Column, append(slices.Clone(path), "column")...)
	for _, s := range f.Columns {
		at := append(slices.Clone(path), "columns")
		add(table, s.Column, at...)
		for _, name := range slices.Sorted(maps.Keys(s.Attributes)) {
			add(table, s.Attributes[name], at...)
		}
	}
	if r := f.Rows; r != nil {
		at := append(slices.Clone(path), "rows")
		add(r.Table, r.Parent, append(slices.Clone(at), "parent")...)
		add(r.Table, r.Column, append(slices.Clone(at), "column")...)
		add(r.Table, r.Text, append(slices.Clone(at), "text")...)
		add(r.Table, r.User, append(slices.Clone(at), "user")...)
		for _, name := range slices.Sorted(maps.Keys(r.Attributes)) {
			add(r.Table, r.Attributes[name], append(slices.Clone(at), "attributes", name)...)
		}
	}
}
