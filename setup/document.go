package setup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"lockstep.dev/model"
)

// Problem is one thing that is wrong with what was written down.
type Problem struct {
	File string // empty = not in a file
	Line int    // 0 = unknown
	Key  string // such as "connections[crm].settings.dsn"
	Err  error  // what is wrong, for people
}

// Error names the file, the line and the key.
func (p *Problem) Error() string {
	where := p.File
	if where != "" && p.Line > 0 {
		where += ":" + strconv.Itoa(p.Line)
	}
	for _, part := range []string{p.Key, p.Err.Error()} {
		if where != "" && part != "" {
			where += ": "
		}
		where += part
	}
	return where
}

// Unwrap returns what is wrong.
func (p *Problem) Unwrap() error { return p.Err }

// Problems are several of them, in the order of the file.
type Problems []*Problem

// Error is one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (p Problems) Unwrap() []error {
	out := make([]error, len(p))
	for i, one := range p {
		out[i] = one
	}
	return out
}

// orNil returns the problems as an error, nil if there are none.
func (p Problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// path leads to a value: keys and positions in lists.
type path []any

// document is a YAML text with the places of its values.
type document struct {
	file string
	root *yaml.Node
}

// parse reads a YAML text into out, a pointer to a struct with yaml tags. Keys
// that the struct does not know are refused.
func parse(file string, text []byte, out any) (*document, error) {
	d := &document{file: file}
	var tree yaml.Node
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return d, d.syntax(err)
	}
	if len(tree.Content) == 0 {
		return d, Problems{d.problem(nil, "is empty")}
	}
	d.root = tree.Content[0]
	var unknown Problems
	d.known(d.root, reflect.TypeOf(out).Elem(), nil, &unknown)
	if len(unknown) > 0 {
		return d, unknown
	}
	strict := yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	if err := strict.Decode(out); err != nil {
		return d, d.syntax(err)
	}
	if err := strict.Decode(&tree); !errors.Is(err, io.EOF) {
		return d, Problems{d.problem(nil, "holds more than one YAML document; write everything into one")}
	}
	return d, nil
}

// known finds keys that a type does not have, and spans of time that are none.
func (d *document) known(n *yaml.Node, t reflect.Type, at path, found *Problems) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case t == reflect.TypeFor[model.Duration]():
		var span model.Duration
		if n.Kind == yaml.ScalarNode && span.UnmarshalText([]byte(n.Value)) != nil {
			*found = append(*found, d.problem(at, "%q is not a span of time; write it as 90s, 5m or 24h", n.Value))
		}
	case t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			d.known(item, t.Elem(), child(at, i), found)
		}
	case t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			d.known(n.Content[i+1], t.Elem(), child(at, n.Content[i].Value), found)
		}
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		d.knownFields(n, t, at, found)
	}
}

func (d *document) knownFields(n *yaml.Node, t reflect.Type, at path, found *Problems) {
	fields := map[string]reflect.Type{}
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		fields[name] = t.Field(i).Type
		names = append(names, name)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == "!!merge" {
			continue
		}
		field, ok := fields[key.Value]
		if !ok {
			p := d.problem(child(at, key.Value), "there is no such key; use %s", strings.Join(names, ", "))
			p.Line = key.Line
			*found = append(*found, p)
			continue
		}
		d.known(n.Content[i+1], field, child(at, key.Value), found)
	}
}

func child(at path, step any) path { return append(slices.Clone(at), step) }

// problem describes what is wrong at a place.
func (d *document) problem(at path, format string, args ...any) *Problem {
	return d.wrap(at, fmt.Errorf(format, args...))
}

// wrap gives an error its place.
func (d *document) wrap(at path, err error) *Problem {
	if d == nil { // not from a file: no lines, and no place in a list
		p := &Problem{Err: err}
		if len(at) > 0 {
			p.Key, _ = at[len(at)-1].(string)
		}
		return p
	}
	return &Problem{File: d.file, Line: d.line(at), Key: d.label(at), Err: err}
}

// line finds the line of a value, or of the nearest thing around it.
func (d *document) line(at path) int {
	n := d.root
	if n == nil {
		return 0
	}
	line := n.Line
	for _, step := range at {
		if n = enter(n, step); n == nil {
			break
		}
		line = n.Line
	}
	return line
}

func enter(n *yaml.Node, step any) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch s := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && s < len(n.Content) {
			return n.Content[s]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == s {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// label writes a path as people read it. An entry of a list is called by its
// name or address, else by its number, counted from 1.
func (d *document) label(at path) string {
	var b strings.Builder
	n := d.root
	for _, step := range at {
		if n != nil {
			n = enter(n, step)
		}
		switch s := step.(type) {
		case int:
			b.WriteString("[" + nameOf(n, s) + "]")
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s)
		}
	}
	return b.String()
}

func nameOf(n *yaml.Node, position int) string {
	if n != nil {
		for _, key := range []string{"name", "address"} {
			if v := enter(n, key); v != nil && v.Value != "" {
				return v.Value
			}
		}
	}
	return strconv.Itoa(position + 1)
}

// syntax turns the YAML library's errors into problems.
func (d *document) syntax(err error) error {
	var types *yaml.TypeError
	lines := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	if errors.As(err, &types) {
		lines = types.Errors
	}
	var out Problems
	numbered := regexp.MustCompile(`(?s)^line (\d+): (.*)$`)
	for _, text := range lines {
		p := &Problem{File: d.file, Err: errors.New(inWords(text))}
		if m := numbered.FindStringSubmatch(text); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			p.Err = errors.New(inWords(m[2]))
			if types != nil {
				p.Key = d.label(d.pathAt(d.root, p.Line, nil))
			}
		}
		out = append(out, p)
	}
	return out
}

// inWords says in people's words what the library says in Go's.
func inWords(text string) string {
	m := regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `(.*)`)? into (.*)$").FindStringSubmatch(text)
	if m == nil {
		return text
	}
	want := "a text"
	switch {
	case strings.HasPrefix(m[3], "int"):
		want = "a whole number"
	case strings.HasPrefix(m[3], "[]"):
		want = "a list, each entry beginning with a dash"
	case strings.HasPrefix(m[3], "map["), strings.HasPrefix(m[3], "setup."), strings.HasPrefix(m[3], "model.") && m[1] != "map" && m[1] != "seq":
		want = "a list of keys and values"
	}
	return "this must be " + want
}

// pathAt finds the first key or entry that lies on a line.
func (d *document) pathAt(n *yaml.Node, line int, at path) path {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if found := d.pathAt(item, line, child(at, i)); found != nil {
				return found
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if found := d.pathAt(n.Content[i+1], line, child(at, n.Content[i].Value)); found != nil {
				return found
			}
		}
	}
	if n.Line == line && len(at) > 0 {
		return at
	}
	return nil
}
