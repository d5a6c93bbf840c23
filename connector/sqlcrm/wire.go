package sqlcrm

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// row is one item as the database holds it: every column as text.
type row struct {
	index  map[string]int
	values []sql.NullString
	rows   map[string][]sideRow // by field
	stamp  string               // our key, from its column or from lockstep_key
}

// text returns a column's value; NULL and an unmapped column are "".
func (r *row) text(column string) string {
	i, ok := r.index[column]
	if column == "" || !ok {
		return ""
	}
	return r.values[i].String
}

// sideRow is one row of a side table.
type sideRow struct {
	column, text, user string
	attributes         map[string]string // attribute -> stored value
}

// columnNames lists the columns that reading an item needs, each once.
func (t *table) columnNames() []string {
	out := []string{t.ID, t.UID, t.Key, t.Owner, t.Modified, t.AllDay}
	if t.Version != nil {
		out = append(out, t.Version.Column)
	}
	if t.Deleted != nil {
		out = append(out, t.Deleted.Column)
	}
	for _, f := range t.Fields {
		out = append(out, f.Column)
		for _, s := range f.Columns {
			out = append(append(out, s.Column), slices.Collect(maps.Values(s.Attributes))...)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(c string) bool { return c == "" })
}

// load reads the rows of a kind with their side rows: a fixed number of
// statements, however many rows. Rows marked as deleted are among them. lock
// keeps others from writing them until the transaction ends.
func (d *database) load(ctx context.Context, q querier, t *table, ids []string, lock bool) (map[string]*row, error) {
	out := make(map[string]*row, len(ids))
	ids = d.possible(t, ids)
	if len(ids) == 0 {
		return out, nil
	}
	columns := t.columnNames()
	index := make(map[string]int, len(columns))
	list := make([]string, len(columns))
	for i, c := range columns {
		index[c], list[i] = i, "CAST(t."+quote(c)+" AS TEXT)"
	}
	where, args := d.among("t."+quote(t.ID), d.typeOf(t.Table, t.ID), ids)
	only, more := d.fixed("t", t.Table, t.Fixed)
	query := "SELECT " + strings.Join(list, ", ") + " FROM " + quote(t.Table) + " t WHERE " + where + only
	if lock {
		query += d.dialect.lock
	}
	rows, err := d.texts(ctx, q, len(columns), query, append(args, more...)...)
	if err != nil {
		return nil, err
	}
	for _, values := range rows {
		r := &row{index: index, values: values, rows: map[string][]sideRow{}}
		r.stamp = r.text(t.Key)
		out[r.text(t.ID)] = r
	}
	return out, d.loadAround(ctx, q, t, slices.Sorted(maps.Keys(out)), out)
}

// loadAround adds side rows and keys to rows.
func (d *database) loadAround(ctx context.Context, q querier, t *table, ids []string, rows map[string]*row) error {
	if len(ids) == 0 {
		return nil
	}
	for _, name := range t.names {
		if s := t.Fields[name].Rows; s != nil {
			if err := d.loadSide(ctx, q, name, s, ids, rows); err != nil {
				return err
			}
		}
	}
	if t.Key != "" || !d.catalog.hasKey {
		return nil
	}
	where, args := d.among("id", "", ids)
	keys, err := d.texts(ctx, q, 2, "SELECT id, key FROM "+keyTable+" WHERE kind = ? AND "+where, append([]any{string(t.kind)}, args...)...)
	for _, k := range keys {
		rows[k[0].String].stamp = k[1].String
	}
	return err
}

func (d *database) loadSide(ctx context.Context, q querier, name string, s *side, ids []string, rows map[string]*row) error {
	attributes := slices.Sorted(maps.Keys(s.Attributes))
	list := []string{asText(s.Parent), asText(s.Column), asText(s.Text), asText(s.User)}
	for _, a := range attributes {
		list = append(list, asText(s.Attributes[a]))
	}
	where, args := d.among(quote(s.Parent), d.typeOf(s.Table, s.Parent), ids)
	query := "SELECT " + strings.Join(list, ", ") + " FROM " + quote(s.Table) + " WHERE " + where + " ORDER BY 1, 2"
	found, err := d.texts(ctx, q, len(list), query, args...)
	for _, v := range found {
		sr := sideRow{column: v[1].String, text: v[2].String, user: v[3].String, attributes: map[string]string{}}
		for i, a := range attributes {
			sr.attributes[a] = v[4+i].String
		}
		if r := rows[v[0].String]; r != nil {
			r.rows[name] = append(r.rows[name], sr)
		}
	}
	return err
}

func asText(column string) string {
	if column == "" {
		return "NULL"
	}
	return "CAST(" + quote(column) + " AS TEXT)"
}

// among is a condition that a column is one of a list.
func (d *database) among(column, sqlType string, list []string) (string, []any) {
	args := make([]any, len(list))
	for i, v := range list {
		args[i] = v
	}
	return column + " IN (" + d.dialect.params(sqlType, len(list)) + ")", args
}

// fixed is the condition that a row is of the kind, where one table holds
// several.
func (d *database) fixed(alias, tableName string, want map[string]string) (string, []any) {
	var out strings.Builder
	var args []any
	for _, c := range slices.Sorted(maps.Keys(want)) {
		out.WriteString(" AND " + alias + "." + quote(c) + " = " + d.dialect.param(d.typeOf(tableName, c)))
		args = append(args, want[c])
	}
	return out.String(), args
}

// possible leaves out ids that the id column cannot hold: asking for them
// would be an error instead of an empty answer.
func (d *database) possible(t *table, ids []string) []string {
	valid := func(string) bool { return true }
	switch d.typeOf(t.Table, t.ID) {
	case "bigint", "integer", "smallint":
		valid = func(id string) bool { _, err := strconv.ParseInt(id, 10, 64); return err == nil }
	case "uuid":
		valid = func(id string) bool { return uuid.Validate(id) == nil }
	}
	var out []string
	for _, id := range ids {
		if valid(id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// truth reads a boolean column, however the CRM writes it.
func truth(stored string) bool {
	return slices.Contains([]string{"1", "t", "true", "y", "yes"}, strings.ToLower(stored))
}
