package vobject

import "strings"

// Property is one content line of a document. The zero Property does not
// exist; its methods return nothing, so that a missing property reads as an
// empty one: c.First("SUMMARY").Text().
type Property struct {
	doc   *Document
	index int32
}

// Exists reports whether there is such a property.
func (p Property) Exists() bool { return p.doc != nil }

func (p Property) rec() *line { return &p.doc.lines[p.index] }

// IsProperty reports whether the line is a well-formed property, as opposed to
// BEGIN, END, a run of empty lines or a malformed line. It is always true for
// what Component returns.
func (p Property) IsProperty() bool { return p.Exists() && p.rec().kind == kindProperty }

// Name is the property's name in upper case, without its group.
func (p Property) Name() string {
	if !p.Exists() {
		return ""
	}
	l := p.rec()
	return strings.ToUpper(p.span(l.nameStart, l.nameEnd))
}

// Is reports whether the property has that name, in any case.
func (p Property) Is(name string) bool { return p.Exists() && p.doc.named(p.rec(), name) }

// Group is the group before the name as it is written, "item1" of
// item1.X-ABLabel, or empty (RFC 6350 section 3.3).
func (p Property) Group() string {
	if !p.Exists() || p.rec().groupLen == 0 {
		return ""
	}
	l := p.rec()
	end := l.nameStart - 1
	return p.span(end-uint32(l.groupLen), end)
}

// LineNumber is the physical line the property begins on, from 1.
func (p Property) LineNumber() int {
	if !p.Exists() {
		return 0
	}
	return int(p.rec().number)
}

// Component is the component the line belongs to; it does not exist for lines
// outside any object.
func (p Property) Component() Component {
	if !p.Exists() || p.rec().comp < 0 {
		return Component{}
	}
	return Component{p.doc, p.rec().comp}
}

// Source is the line as it stands in the document, with folding and line
// ending.
func (p Property) Source() []byte {
	if !p.Exists() {
		return nil
	}
	l := p.rec()
	return []byte(p.doc.src[l.start:l.end])
}

// Unfolded is the whole content line without folding and line ending.
func (p Property) Unfolded() string {
	if !p.Exists() {
		return ""
	}
	l := p.rec()
	return p.span(l.start, l.valueStart) + p.Raw()
}

// Raw is the value as it is written, without folding and soft line breaks but
// with every escape and encoding.
func (p Property) Raw() string {
	if !p.Exists() {
		return ""
	}
	return p.doc.value(p.rec())
}

func (p Property) dialect() Dialect { return p.Component().Dialect() }

// span returns a part of the header without folding.
func (p Property) span(from, to uint32) string {
	return p.doc.part(p.rec(), from, to)
}

// Param is one parameter with its values decoded.
type Param struct {
	Name   string // upper case
	Values []string
}

// Params returns the parameters in order, quotes removed and RFC 6868 decoded.
// A bare word of vCard 2.1 appears as the value of the parameter it stands
// for: ENCODING, VALUE or TYPE (vCard 2.1 section 2.2).
func (p Property) Params() []Param {
	if !p.Exists() {
		return nil
	}
	var out []Param
	for _, pa := range p.doc.paramsOf(p.rec()) {
		out = append(out, p.param(pa))
	}
	return out
}

func (p Property) param(pa param) Param {
	name := strings.TrimSpace(p.span(pa.nameStart, pa.nameEnd))
	if pa.bare {
		return Param{bareParam(name), []string{name}}
	}
	values := splitParam(p.span(pa.valueStart, pa.valueEnd))
	if !p.dialect().old() {
		for i, v := range values {
			values[i] = decodeCaret(v)
		}
	}
	return Param{strings.ToUpper(name), values}
}

// bareParam names the parameter a bare word is a value of.
func bareParam(word string) string {
	switch strings.ToUpper(word) {
	case "QUOTED-PRINTABLE", "BASE64", "7BIT", "8BIT":
		return "ENCODING"
	case "INLINE", "URL", "CONTENT-ID", "CID":
		return "VALUE"
	}
	return "TYPE"
}

// paramNamed reports whether pa is written name=... (bare words are not).
func (p Property) paramNamed(pa param, name string) bool {
	return !pa.bare && strings.EqualFold(strings.TrimSpace(p.span(pa.nameStart, pa.nameEnd)), name)
}

// ParamValues returns every value of the parameter, over all its occurrences.
func (p Property) ParamValues(name string) []string {
	if !p.Exists() {
		return nil
	}
	var out []string
	for _, pa := range p.doc.paramsOf(p.rec()) {
		if pa.bare || p.paramNamed(pa, name) {
			if q := p.param(pa); strings.EqualFold(q.Name, name) {
				out = append(out, q.Values...)
			}
		}
	}
	return out
}

// Param returns the first value of the parameter, or an empty string.
func (p Property) Param(name string) string {
	if v := p.ParamValues(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// HasParam reports whether one of the parameter's values is value, in any
// case. A quoted list such as TYPE="work,voice" counts as several values, as
// in the examples of RFC 6350.
func (p Property) HasParam(name, value string) bool {
	for _, v := range p.ParamValues(name) {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), value) {
				return true
			}
		}
	}
	return false
}

// Types returns the TYPE values in lower case, whichever way they are written:
// TYPE=a,b, TYPE=a;TYPE=b, TYPE="a,b" or ;A;B in vCard 2.1.
func (p Property) Types() []string {
	var out []string
	for _, v := range p.ParamValues("TYPE") {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.ToLower(strings.TrimSpace(part)); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}
