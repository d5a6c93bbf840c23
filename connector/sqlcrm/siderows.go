package sqlcrm

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lockstep.dev/model"
)

func number(i int) string { return strconv.Itoa(i) }

// sideChange is what becomes of the side rows of a batch. Each entry begins
// with the parent's id.
type sideChange struct {
	remove, add [][]stored // identity; identity and the rest
	alter       [][]stored // old identity, then new values
}

// writeSides brings side tables to what they are to hold, with three statements
// at most for each table. Rows that stay as they are are not touched, and rows
// that change keep the columns we do not know.
func (b *batch) writeSides(ctx context.Context, q querier, all []writing) error {
	for _, name := range b.table.names {
		s := b.table.Fields[name].Rows
		if s == nil {
			continue
		}
		var c sideChange
		for _, w := range all {
			want, ok := w.changes.rows[name]
			if !ok {
				continue
			}
			if err := s.compare(name, w, want, &c); err != nil {
				return err
			}
		}
		if err := b.writeSide(ctx, q, s, c); err != nil {
			return err
		}
	}
	return nil
}

// compare finds out what changes in one item's side rows.
func (s *side) compare(name string, w writing, want []model.Element, c *sideChange) error {
	var have []sideRow
	if w.current != nil {
		have = w.current.rows[name]
	}
	left := slices.Clone(want)
	for _, sr := range have {
		attributes := map[string]string{}
		for a, v := range sr.attributes {
			v, _ = s.Values[a].meaning(v)
			putAttribute(attributes, a, v)
		}
		e := element(name, sr.column, sr.text, attributes)
		i := slices.IndexFunc(left, func(o model.Element) bool { return o.Key == e.Key })
		if i < 0 {
			c.remove = append(c.remove, s.identity(w.id, sr))
			continue
		}
		if !s.same(e, left[i]) {
			values, err := s.values(name, left[i])
			if err != nil {
				return err
			}
			c.alter = append(c.alter, append(s.identity(w.id, sr), values...))
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, e := range left {
		values, err := s.values(name, e)
		if err != nil {
			return err
		}
		c.add = append(c.add, append([]stored{&w.id}, values...))
	}
	return nil
}

// same compares elements as far as the side table can hold them.
func (s *side) same(a, b model.Element) bool {
	if a.Key != b.Key || a.Text != b.Text && (s.Text != "" || s.Column != "") {
		return false
	}
	for name := range s.Attributes {
		if a.Attr[name] != b.Attr[name] {
			return false
		}
	}
	return true
}

// columns lists the columns that hold an element, in the order of values.
func (s *side) columns() []string {
	var out []string
	for _, c := range []string{s.Column, s.Text} {
		if c != "" {
			out = append(out, c)
		}
	}
	for _, a := range slices.Sorted(maps.Keys(s.Attributes)) {
		out = append(out, s.Attributes[a])
	}
	return out
}

// values are an element's values for columns.
func (s *side) values(name string, e model.Element) ([]stored, error) {
	var out []stored
	if s.Column != "" {
		v := value(name, e)
		out = append(out, &v)
	}
	if s.Text != "" {
		out = append(out, attributeStored("text", e.Text))
	}
	for _, a := range slices.Sorted(maps.Keys(s.Attributes)) {
		v, ok := s.Values[a].stored(e.Attr[a])
		if !ok {
			return nil, refused("the mapping has no value for this %s of an entry in %s", a, name)
		}
		out = append(out, attributeStored(a, v))
	}
	return out, nil
}

// keys lists the columns that tell an item's side rows apart.
func (s *side) keys() []string {
	if s.Column != "" {
		return []string{s.Parent, s.Column}
	}
	return append([]string{s.Parent}, s.columns()...)
}

// identity are the stored values of keys.
func (s *side) identity(parent string, sr sideRow) []stored {
	out := []stored{&parent}
	if s.Column != "" {
		return append(out, &sr.column)
	}
	for _, a := range slices.Sorted(maps.Keys(s.Attributes)) {
		out = append(out, attributeRaw(sr.attributes[a]))
	}
	return out
}

func attributeRaw(v string) stored {
	if v == "" {
		return nil
	}
	return &v
}

func (b *batch) writeSide(ctx context.Context, q querier, s *side, c sideChange) error {
	keys, columns := s.keys(), s.columns()
	var same, sets []string
	for i, k := range keys {
		same = append(same, "s."+quote(k)+" IS NOT DISTINCT FROM v.column"+number(i+1))
	}
	for i, k := range columns {
		sets = append(sets, quote(k)+" = v.column"+number(len(keys)+i+1))
	}
	name := quote(s.Table)
	// Removals come first: a new row may take the place of an old one.
	err := b.writeRows(ctx, q, s, keys, c.remove, func(values string) string {
		return "DELETE FROM " + name + " AS s WHERE EXISTS (SELECT 1 FROM (VALUES " + values + ") AS v WHERE " + strings.Join(same, " AND ") + ")"
	})
	if err != nil {
		return err
	}
	err = b.writeRows(ctx, q, s, slices.Concat(keys, columns), c.alter, func(values string) string {
		return "UPDATE " + name + " AS s SET " + strings.Join(sets, ", ") + " FROM (VALUES " + values + ") AS v WHERE " + strings.Join(same, " AND ")
	})
	if err != nil {
		return err
	}
	list := append([]string{s.Parent}, columns...)
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = quote(c)
	}
	return b.writeRows(ctx, q, s, list, c.add, func(values string) string {
		return "INSERT INTO " + name + " (" + strings.Join(names, ", ") + ") VALUES " + values
	})
}

// writeRows runs a statement over rows of values, in as few pieces as the
// drivers allow.
func (b *batch) writeRows(ctx context.Context, q querier, s *side, columns []string, rows [][]stored, statement func(values string) string) error {
	params := make([]string, len(columns))
	for i, c := range columns {
		params[i] = b.dialect.param(b.typeOf(s.Table, c))
	}
	row := "(" + strings.Join(params, ", ") + ")"
	for chunk := range slices.Chunk(rows, maxParams/len(columns)) {
		var args []any
		for _, r := range chunk {
			for _, v := range r {
				args = append(args, v)
			}
		}
		values := strings.TrimSuffix(strings.Repeat(row+",", len(chunk)), ",")
		if _, err := b.exec(ctx, q, statement(values), args...); err != nil {
			return err
		}
	}
	return nil
}
