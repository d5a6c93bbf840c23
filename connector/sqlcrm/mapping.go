package sqlcrm

import (
	"crypto/sha256"
	_ "embed" // the reference mapping
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"lockstep.dev/model"
)

//go:embed reference/mapping.yaml
var referenceMapping []byte

// mapping says which tables and columns hold what: a mapping file, decoded.
type mapping struct {
	Users   *users `yaml:"users"`
	Contact *table `yaml:"contact"`
	Event   *table `yaml:"event"`
	Task    *table `yaml:"task"`

	sum       string    // of its text
	file      string    // for error texts
	root      yaml.Node // for the line of a key
	reference bool
	list      []*table
}

// users is the table of the people who use the CRM.
type users struct {
	Table  string `yaml:"table"`
	ID     string `yaml:"id"`
	Name   string `yaml:"name"`
	Email  string `yaml:"email"`
	Active string `yaml:"active"` // optional: a boolean column
}

// table is where the items of one kind are.
type table struct {
	Table    string            `yaml:"table"`
	ID       string            `yaml:"id"`
	NewID    string            `yaml:"new_id"`   // uuid (default) or database
	Version  *version          `yaml:"version"`  // absent: versions are hashes of the content
	Deleted  *deleted          `yaml:"deleted"`  // absent: deletions come from full listings
	Key      string            `yaml:"key"`      // unique column for our key; absent: the table lockstep_key
	UID      string            `yaml:"uid"`      // iCalendar or vCard UID
	Owner    string            `yaml:"owner"`    // CRM user id of organizer, owner or assignee
	Modified string            `yaml:"modified"` // time of the last change
	AllDay   string            `yaml:"all_day"`  // boolean column beside timestamps
	Fixed    map[string]string `yaml:"fixed"`    // columns with one value for all items of the kind
	Fields   map[string]field  `yaml:"fields"`

	kind  model.Kind
	names []string // of Fields, sorted
}

// version is the column that every change of an item changes.
type version struct {
	Column      string        `yaml:"column"`
	Kind        string        `yaml:"kind"`        // number (rises over the whole table) or timestamp
	Transaction string        `yaml:"transaction"` // PostgreSQL: xid8 column with the writing transaction
	Overlap     time.Duration `yaml:"overlap"`     // longest time between taking a number and its commit
	Set         string        `yaml:"set"`         // database (default) or lockstep: who changes it on our writes
}

// deleted is how a deletion stays visible: a column with a value, or a table.
type deleted struct {
	Column      string            `yaml:"column"`
	Value       string            `yaml:"value"`
	Table       string            `yaml:"table"`
	ID          string            `yaml:"id"`
	Version     string            `yaml:"version"`
	Transaction string            `yaml:"transaction"`
	Key         string            `yaml:"key"`
	Fixed       map[string]string `yaml:"fixed"`
}

// field is where one canonical field is.
type field struct {
	Column string   `yaml:"column"`
	As     string   `yaml:"as"`     // text (default), moment, timestamp, date, number
	Zone   string   `yaml:"zone"`   // IANA zone of timestamps that have none; default UTC
	Values valueMap `yaml:"values"` // the CRM's values and what they mean
	// Sets: columns in the item's own row are filled first, rows of a side table
	// take what remains.
	Columns []slot `yaml:"columns"`
	Rows    *side  `yaml:"rows"`

	set bool
}

// slot is room for one element of a set in the item's own row.
type slot struct {
	Column     string            `yaml:"column"`
	Attributes map[string]string `yaml:"attributes"` // attribute -> column
	Fixed      map[string]string `yaml:"fixed"`      // attribute -> value of whatever stands here
}

// side is a table with one row for each element of a set.
type side struct {
	Table      string              `yaml:"table"`
	Parent     string              `yaml:"parent"`
	Column     string              `yaml:"column"`
	Text       string              `yaml:"text"`
	User       string              `yaml:"user"` // attendees: CRM user id
	Attributes map[string]string   `yaml:"attributes"`
	Values     map[string]valueMap `yaml:"values"` // attribute -> the CRM's values and what they mean
}

// valueMap translates a column's values, in the order of the file: where two
// mean the same, the first is written.
type valueMap []pair

type pair struct{ stored, means string }

// UnmarshalYAML keeps the order of the file.
func (m *valueMap) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: values are written as {stored: meaning}", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		*m = append(*m, pair{n.Content[i].Value, n.Content[i+1].Value})
	}
	return nil
}

// meaning returns what a stored value means.
func (m valueMap) meaning(stored string) (string, bool) {
	if len(m) == 0 {
		return stored, true
	}
	i := slices.IndexFunc(m, func(p pair) bool { return p.stored == stored })
	if i < 0 {
		return "", stored == ""
	}
	return m[i].means, true
}

// stored returns the first value that means it.
func (m valueMap) stored(meaning string) (string, bool) {
	if len(m) == 0 {
		return meaning, true
	}
	i := slices.IndexFunc(m, func(p pair) bool { return p.means == meaning })
	if i < 0 {
		return "", meaning == ""
	}
	return m[i].stored, true
}

// mapReference returns the mapping of our own schema for a dialect.
func mapReference(d dialect) (*mapping, error) {
	m, err := parseMapping("the reference mapping", referenceMapping)
	if err != nil {
		return nil, err
	}
	m.reference = true
	for _, t := range m.tables() {
		if d.name == sqliteName {
			t.Version.Transaction, t.Deleted.Transaction = "", ""
		}
		// Numbers appear in order: by the transaction column on PostgreSQL, by
		// the single writer on SQLite.
		t.Version.Overlap = 0
	}
	return m, nil
}

// parseMapping decodes a mapping file and checks what can be checked without
// the database.
func parseMapping(file string, text []byte) (*mapping, error) {
	sum := sha256.Sum256(text)
	m := &mapping{file: file, sum: hex.EncodeToString(sum[:8])}
	if err := yaml.Unmarshal(text, &m.root); err != nil {
		return nil, badMapping("%s is not valid YAML: %s.", file, yamlText(err))
	}
	if len(m.root.Content) == 0 {
		return nil, badMapping("%s is empty. It needs at least one of the keys contact, event and task.", file)
	}
	top := m.root.Content[0]
	expandShorthand(top)
	if n := unknownKey(top, reflect.TypeFor[mapping]()); n != nil {
		return nil, badMapping("%s, line %d: the key %s is unknown.", file, n.Line, n.Value)
	}
	if err := top.Decode(m); err != nil {
		return nil, badMapping("%s: %s.", file, yamlText(err))
	}
	m.gather()
	if len(m.tables()) == 0 {
		return nil, badMapping("%s maps nothing. It needs at least one of the keys contact, event and task.", file)
	}
	for _, t := range m.tables() {
		if err := m.checkTable(t); err != nil {
			return nil, err
		}
	}
	return m, m.checkUsers()
}

// tables returns the mapped kinds in the order of model.Kinds.
func (m *mapping) tables() []*table { return m.list }

// gather lists the mapped kinds, once: sessions only read a mapping.
func (m *mapping) gather() {
	all := map[model.Kind]*table{model.Contact: m.Contact, model.Event: m.Event, model.Task: m.Task}
	for _, kind := range model.Kinds() {
		if t := all[kind]; t != nil {
			t.kind, t.names = kind, slices.Sorted(maps.Keys(t.Fields))
			for name, f := range t.Fields {
				f.set = model.IsSet(kind, name)
				t.Fields[name] = f
			}
			m.list = append(m.list, t)
		}
	}
}

// of returns the table of a kind, or nil.
func (m *mapping) of(kind model.Kind) *table {
	i := slices.IndexFunc(m.tables(), func(t *table) bool { return t.kind == kind })
	if i < 0 {
		return nil
	}
	return m.tables()[i]
}

// expandShorthand turns `field: column` and `- column` into their long form.
func expandShorthand(top *yaml.Node) {
	for _, kind := range model.Kinds() {
		fields := child(child(top, string(kind)), "fields")
		if fields == nil || fields.Kind != yaml.MappingNode {
			continue
		}
		for i := 1; i < len(fields.Content); i += 2 {
			longForm(fields.Content[i])
			if list := child(fields.Content[i], "columns"); list != nil {
				for _, n := range list.Content {
					longForm(n)
				}
			}
		}
	}
}

func longForm(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		return
	}
	value := *n
	key := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "column", Line: n.Line, Column: n.Column}
	*n = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column, Content: []*yaml.Node{&key, &value}}
}

// child returns the value of a key of a mapping node, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// node returns the value at a path, or nil.
func (m *mapping) node(path ...string) *yaml.Node {
	if len(m.root.Content) == 0 {
		return nil
	}
	n := m.root.Content[0]
	for _, key := range path {
		n = child(n, key)
	}
	return n
}

// line returns the line of the deepest key of a path that the file has.
func (m *mapping) line(path ...string) int {
	if len(m.root.Content) == 0 {
		return 0
	}
	n, line := m.root.Content[0], 1
	for _, key := range path {
		next := child(n, key)
		if next == nil {
			break
		}
		n, line = next, next.Line
	}
	return line
}

// unknownKey returns the first key of a node that the type does not have.
func unknownKey(n *yaml.Node, t reflect.Type) *yaml.Node {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[valueMap]() || t.Kind() == reflect.String:
		return nil
	case t.Kind() == reflect.Slice:
		for _, c := range n.Content {
			if bad := unknownKey(c, t.Elem()); bad != nil {
				return bad
			}
		}
	case n.Kind != yaml.MappingNode:
		return nil
	default:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if bad := unknownMember(n.Content[i], n.Content[i+1], t); bad != nil {
				return bad
			}
		}
	}
	return nil
}

func unknownMember(key, value *yaml.Node, t reflect.Type) *yaml.Node {
	if t.Kind() == reflect.Map {
		return unknownKey(value, t.Elem())
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Tag.Get("yaml") == key.Value {
			return unknownKey(value, f.Type)
		}
	}
	return key
}

// yamlText is what went wrong, on one line.
func yamlText(err error) string {
	var many *yaml.TypeError
	if errors.As(err, &many) {
		return strings.Join(many.Errors, "; ")
	}
	return strings.TrimPrefix(err.Error(), "yaml: ")
}
