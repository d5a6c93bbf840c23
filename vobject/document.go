package vobject

import (
	"fmt"
	"strings"
)

// Limits that keep hostile input from costing more than it should.
const (
	// MaxDepth is how deep components may nest. Real files need three or four
	// levels (VCALENDAR, VEVENT, VALARM, VLOCATION).
	MaxDepth = 32
	// MaxSize is the largest input Parse accepts, in bytes. A document takes
	// at most about thirty times its size in memory.
	MaxSize = 256 << 20
	// MaxProblems is how many problems a document lists; further ones are
	// only counted.
	MaxProblems = 1000
)

// Dialect is the set of writing rules an object follows.
type Dialect uint8

// The dialects.
const (
	// ICalendar is RFC 5545 (VERSION:2.0 in a VCALENDAR).
	ICalendar Dialect = iota
	// VCard21 is the versit vCard 2.1 of 1996.
	VCard21
	// VCard30 is RFC 2426.
	VCard30
	// VCard40 is RFC 6350.
	VCard40
	// VCalendar10 is the versit vCalendar 1.0 of 1996, written like vCard 2.1.
	VCalendar10
)

// old reports whether the dialect is one of the two of 1996: quoted-printable,
// no quoted parameters, no folding inside words.
func (d Dialect) old() bool { return d == VCard21 || d == VCalendar10 }

// Document is a parsed stream of vCard or iCalendar objects. It is immutable:
// changes are recorded in an Edit and yield new bytes.
type Document struct {
	src      string
	eol      string
	bareCR   bool
	lines    []line
	params   []param
	comps    []component
	roots    []int32
	problems []Problem
	unlisted int
}

// line is one content line with the spans of its parts in the source. Offsets
// fit 32 bits because of MaxSize.
type line struct {
	start, end           uint32 // with the line ending(s)
	nameStart, nameEnd   uint32
	valueStart, valueEnd uint32
	firstParam           uint32
	number               uint32 // physical line, from 1
	comp                 int32  // component the line belongs to, -1 outside
	opens                int32  // component that this BEGIN line opens, or -1
	paramCount           uint16
	groupLen             uint16
	kind                 kind
	folded               bool
}

type kind uint8

const (
	kindProperty kind = iota
	kindBegin
	kindEnd
	kindBlank
	kindMalformed
)

// param is one parameter: name=value,value or a bare word (vCard 2.1).
type param struct {
	nameStart, nameEnd   uint32
	valueStart, valueEnd uint32 // with quotes; empty for a bare word
	bare                 bool
}

type component struct {
	name        string // upper case
	first, last int32  // lines: BEGIN to END, or to the last line if unterminated
	parent      int32
	children    []int32
	closed      bool
	dialect     Dialect
}

// Problem is something wrong in a document that could be parsed all the same.
// The bytes concerned are kept as they are.
type Problem struct {
	Line int // physical line, from 1
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Text) }

// ParseError says why an input is no vCard or iCalendar stream at all.
type ParseError struct {
	Line int // physical line, from 1
	Text string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("parse vCard or iCalendar: line %d: %s", e.Line, e.Text)
}

// Components returns the top-level objects in the order of the stream.
func (d *Document) Components() []Component {
	out := make([]Component, len(d.roots))
	for i, r := range d.roots {
		out[i] = Component{d, r}
	}
	return out
}

// First returns the first top-level object of that name (any if name is
// empty), or a Component for which Exists is false.
func (d *Document) First(name string) Component {
	for _, r := range d.roots {
		if name == "" || strings.EqualFold(d.comps[r].name, name) {
			return Component{d, r}
		}
	}
	return Component{}
}

// Problems lists what was found wrong, in the order of the lines. At most
// MaxProblems are listed.
func (d *Document) Problems() []Problem { return d.problems }

// UnlistedProblems is the number of problems beyond MaxProblems.
func (d *Document) UnlistedProblems() int { return d.unlisted }

// Bytes returns the source, unchanged.
func (d *Document) Bytes() []byte { return []byte(d.src) }

// LineEnding is the line ending of the document: that of its first line, CRLF
// where there is none.
func (d *Document) LineEnding() string { return d.eol }

// Lines returns every content line of the stream in order, with BEGIN and END,
// blank runs and malformed lines. It is meant for tools; mapping code uses
// Component.
func (d *Document) Lines() []Property {
	out := make([]Property, len(d.lines))
	for i := range d.lines {
		out[i] = Property{d, int32(i)}
	}
	return out
}

// Component is one BEGIN..END block. The zero Component does not exist; its
// methods return nothing.
type Component struct {
	doc   *Document
	index int32
}

// Exists reports whether there is such a component.
func (c Component) Exists() bool { return c.doc != nil }

func (c Component) rec() *component { return &c.doc.comps[c.index] }

// Name is the component's name in upper case, "VEVENT".
func (c Component) Name() string {
	if !c.Exists() {
		return ""
	}
	return c.rec().name
}

// Dialect is the set of rules its values follow.
func (c Component) Dialect() Dialect {
	if !c.Exists() {
		return ICalendar
	}
	return c.rec().dialect
}

// Terminated reports whether the component has its END line.
func (c Component) Terminated() bool { return c.Exists() && c.rec().closed }

// Parent is the enclosing component, if any.
func (c Component) Parent() Component {
	if !c.Exists() || c.rec().parent < 0 {
		return Component{}
	}
	return Component{c.doc, c.rec().parent}
}

// Bytes returns the component's source from BEGIN to END with its line
// endings.
func (c Component) Bytes() []byte {
	if !c.Exists() {
		return nil
	}
	from, to := c.span()
	return []byte(c.doc.src[from:to])
}

func (c Component) span() (from, to uint32) {
	r := c.rec()
	return c.doc.lines[r.first].start, c.doc.lines[r.last].end
}

// Components returns the direct children, those of the given names only if
// any are given.
func (c Component) Components(names ...string) []Component {
	if !c.Exists() {
		return nil
	}
	var out []Component
	for _, i := range c.rec().children {
		if matchesAny(c.doc.comps[i].name, names) {
			out = append(out, Component{c.doc, i})
		}
	}
	return out
}

// Component returns the first direct child of that name.
func (c Component) Component(name string) Component {
	if !c.Exists() {
		return Component{}
	}
	for _, i := range c.rec().children {
		if strings.EqualFold(c.doc.comps[i].name, name) {
			return Component{c.doc, i}
		}
	}
	return Component{}
}

func matchesAny(name string, names []string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return len(names) == 0
}

// each calls f for every property line of the component itself, not of its
// children, until f returns false.
func (c Component) each(f func(i int32, l *line) bool) {
	if !c.Exists() {
		return
	}
	r := c.rec()
	for i := r.first + 1; i <= r.last; i++ {
		l := &c.doc.lines[i]
		if l.kind == kindBegin {
			i = c.doc.comps[l.opens].last
			continue
		}
		if l.kind == kindProperty && l.comp == c.index && !f(i, l) {
			return
		}
	}
}

// Properties returns the component's own properties in order.
func (c Component) Properties() []Property {
	var out []Property
	c.each(func(i int32, _ *line) bool {
		out = append(out, Property{c.doc, i})
		return true
	})
	return out
}

// First returns the first property of that name, whatever its group or case.
func (c Component) First(name string) Property {
	found := Property{}
	c.each(func(i int32, l *line) bool {
		if c.doc.named(l, name) {
			found = Property{c.doc, i}
			return false
		}
		return true
	})
	return found
}

// All returns every property of that name in order.
func (c Component) All(name string) []Property {
	var out []Property
	c.each(func(i int32, l *line) bool {
		if c.doc.named(l, name) {
			out = append(out, Property{c.doc, i})
		}
		return true
	})
	return out
}

// Group returns the properties of a group in order: item1.EMAIL and
// item1.X-ABLABEL for "item1".
func (c Component) Group(group string) []Property {
	var out []Property
	c.each(func(i int32, l *line) bool {
		p := Property{c.doc, i}
		if l.groupLen > 0 && strings.EqualFold(p.Group(), group) {
			out = append(out, p)
		}
		return true
	})
	return out
}

// FreeGroup returns the first of prefix1, prefix2, ... that the component does
// not use.
func (c Component) FreeGroup(prefix string) string {
	used := map[string]bool{}
	c.each(func(i int32, l *line) bool {
		if l.groupLen > 0 {
			used[strings.ToLower(Property{c.doc, i}.Group())] = true
		}
		return true
	})
	for n := 1; ; n++ {
		if g := fmt.Sprintf("%s%d", prefix, n); !used[strings.ToLower(g)] {
			return g
		}
	}
}
