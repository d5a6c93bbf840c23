package dav

import (
	"bytes"
	"errors"
	"slices"
	"strings"
)

// component is one BEGIN ... END block of an iCalendar object or a vCard
// (RFC 5545 3.4, RFC 6350 3.3).
type component struct {
	name       string // upper case
	lines      []line
	components []*component
}

// line is one unfolded content line (RFC 5545 3.1).
type line struct {
	name   string // upper case, without a vCard group
	params map[string]string
	value  string
	raw    string
}

// parseContent reads exactly one outermost component.
func parseContent(content []byte) (*component, error) {
	var open []*component
	var root *component
	for _, raw := range unfold(content) {
		l, ok := parseLine(raw)
		if !ok {
			return nil, errors.New("a line has no colon")
		}
		switch {
		case l.name == "BEGIN":
			c := &component{name: strings.ToUpper(l.value)}
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.components = append(parent.components, c)
			} else if root != nil {
				return nil, errors.New("more than one object")
			} else {
				root = c
			}
			open = append(open, c)
		case len(open) == 0:
			return nil, errors.New("a line outside of the object")
		case l.name == "END":
			if open[len(open)-1].name != strings.ToUpper(l.value) {
				return nil, errors.New("BEGIN and END do not match")
			}
			open = open[:len(open)-1]
		default:
			c := open[len(open)-1]
			c.lines = append(c.lines, l)
		}
	}
	if root == nil || len(open) > 0 {
		return nil, errors.New("not a complete object")
	}
	return root, nil
}

// unfold joins continuation lines and drops empty ones.
func unfold(content []byte) []string {
	var lines []string
	for raw := range bytes.SplitSeq(content, []byte("\n")) {
		text := string(bytes.TrimSuffix(raw, []byte("\r")))
		switch {
		case text == "":
		case (text[0] == ' ' || text[0] == '\t') && len(lines) > 0:
			lines[len(lines)-1] += text[1:]
		default:
			lines = append(lines, text)
		}
	}
	return lines
}

// parseLine splits name;param=value:value. Colons and semicolons may stand
// inside of quotes.
func parseLine(raw string) (line, bool) {
	l := line{raw: raw, params: map[string]string{}}
	var parts []string
	start, inQuotes, colon := 0, false, -1
	for i := 0; i < len(raw) && colon < 0; i++ {
		switch c := raw[i]; {
		case c == '"':
			inQuotes = !inQuotes
		case c == ';' && !inQuotes:
			parts = append(parts, raw[start:i])
			start = i + 1
		case c == ':' && !inQuotes:
			parts = append(parts, raw[start:i])
			colon = i
		}
	}
	if colon < 0 {
		return l, false
	}
	l.value = raw[colon+1:]
	l.name = strings.ToUpper(parts[0])
	if _, name, grouped := strings.Cut(l.name, "."); grouped {
		l.name = name
	}
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		l.params[strings.ToUpper(name)] = strings.Trim(value, `"`)
	}
	return l, l.name != ""
}

// all are the lines of that name.
func (c *component) all(name string) []line {
	return slices.DeleteFunc(slices.Clone(c.lines), func(l line) bool { return l.name != name })
}

// first is the first line of that name.
func (c *component) first(name string) (line, bool) {
	for _, l := range c.lines {
		if l.name == name {
			return l, true
		}
	}
	return line{}, false
}

func (c *component) value(name string) string {
	l, _ := c.first(name)
	return l.value
}

// named are the children of that name.
func (c *component) named(name string) []*component {
	return slices.DeleteFunc(slices.Clone(c.components), func(child *component) bool { return child.name != name })
}
