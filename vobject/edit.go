package vobject

import (
	"errors"
	"slices"
	"strings"
)

// Edit records changes to a document and writes the changed bytes. Everything
// that no change touches keeps its bytes, folding and line endings included.
// Setting what a property already holds is no change at all. Of two changes to
// the same thing the later one counts; changes inside a removed or replaced
// component are void.
//
// An Edit remembers its first error and returns it from Bytes.
type Edit struct {
	doc     *Document
	lines   map[int32]*lineEdit
	splices []splice // of components and insertions
	err     error
}

// lineEdit is what becomes of one line.
type lineEdit struct {
	removed bool
	line    *Line   // the whole line is replaced
	value   *string // the value as it will be written, unfolded
	params  []Param // set, or removed if without values
	coding  []Param // the same for CHARSET and ENCODING, which follow from value
}

// splice replaces src[from:to] by text. Insertions at one place go in the
// order of rank, then of being recorded.
type splice struct {
	from, to uint32
	rank     int8
	text     string
}

// Edit begins a set of changes.
func (d *Document) Edit() *Edit {
	return &Edit{doc: d, lines: map[int32]*lineEdit{}}
}

var (
	errForeign   = errors.New("edit object: the property or component belongs to another document")
	errNoLine    = errors.New("edit object: the property does not exist")
	errStructure = errors.New("edit object: a BEGIN, END or malformed line cannot be changed, only removed with its component")
)

// at returns the pending edit of a property, or nil after noting an error.
func (e *Edit) at(p Property) *lineEdit {
	switch {
	case !p.Exists():
		e.fail(errNoLine)
		return nil
	case p.doc != e.doc:
		e.fail(errForeign)
		return nil
	case p.rec().kind != kindProperty:
		e.fail(errStructure)
		return nil
	}
	le := e.lines[p.index]
	if le == nil {
		le = &lineEdit{}
		e.lines[p.index] = le
	}
	return le
}

func (e *Edit) fail(err error) {
	if e.err == nil {
		e.err = err // may be nil: then nothing failed
	}
}

// Remove takes the property out.
func (e *Edit) Remove(p Property) {
	if le := e.at(p); le != nil {
		*le = lineEdit{removed: true}
	}
}

// Replace puts another line in the property's place.
func (e *Edit) Replace(p Property, l Line) {
	if le := e.at(p); le != nil {
		*le = lineEdit{line: &l}
	}
}

// InsertAfter puts lines behind the property.
func (e *Edit) InsertAfter(p Property, lines ...Line) {
	if e.at(p) != nil {
		e.insert(p.rec(), p.dialect(), lines, nil)
	}
}

// Append adds properties at the end of the component's own, before its first
// child (RFC 5545 section 3.6.1 puts alarms last).
func (e *Edit) Append(c Component, lines ...Line) {
	if !e.owns(c) {
		return
	}
	r := c.rec()
	at := e.endOf(c)
	if len(r.children) > 0 && r.name != "VCARD" { // a vCard 2.1 AGENT stays with its card
		at = e.before(r.children[0])
	}
	e.insert(at, r.dialect, lines, nil)
}

// AppendComponent adds components as last children of parent.
func (e *Edit) AppendComponent(parent Component, drafts ...Draft) {
	if e.owns(parent) {
		e.insert(e.endOf(parent), parent.Dialect(), nil, drafts)
	}
}

// AppendObject adds an object at the end of the stream.
func (e *Edit) AppendObject(drafts ...Draft) {
	for _, dr := range drafts {
		e.insert(&e.doc.lines[len(e.doc.lines)-1], draftDialect(dr), nil, []Draft{dr})
	}
}

func draftDialect(dr Draft) Dialect {
	if !strings.EqualFold(dr.Name, "VCARD") {
		return ICalendar
	}
	for _, l := range dr.Lines {
		if strings.EqualFold(l.Name, "VERSION") {
			return cardDialect(l.text)
		}
	}
	return VCard30
}

// RemoveComponent takes a component out with everything in it. An empty line
// stays behind where it keeps a damaged value from running on into what follows.
func (e *Edit) RemoveComponent(c Component) {
	if !e.owns(c) {
		return
	}
	from, to := c.span()
	gone := splice{from: from, to: to, rank: 2}
	if first := c.rec().first; first > 0 && e.doc.runsOn(&e.doc.lines[first-1]) || e.blankAt(to) {
		gone.text = e.doc.eol
	}
	e.splices = append(e.splices, gone)
}

// ReplaceComponent puts another component in its place.
func (e *Edit) ReplaceComponent(c Component, dr Draft) {
	if !e.owns(c) {
		return
	}
	var b strings.Builder
	if err := dr.write(&b, c.Dialect(), e.doc.eol); err != nil {
		e.fail(err)
		return
	}
	from, to := c.span()
	e.splices = append(e.splices, splice{from, to, 2, b.String()})
}

func (e *Edit) owns(c Component) bool {
	switch {
	case !c.Exists():
		e.fail(errors.New("edit object: the component does not exist"))
		return false
	case c.doc != e.doc:
		e.fail(errForeign)
		return false
	}
	return true
}

// endOf is the line after which a component's content ends. A child without its
// END line would take in what is put behind it, so there the end is before it.
func (e *Edit) endOf(c Component) *line {
	r := c.rec()
	for _, child := range r.children {
		if !e.doc.comps[child].closed {
			return e.before(child)
		}
	}
	if r.closed {
		return &e.doc.lines[r.last-1]
	}
	return &e.doc.lines[r.last]
}

// before is the line before a component, or before the AGENT whose value it is.
func (e *Edit) before(comp int32) *line {
	i := e.doc.comps[comp].first - 1
	if l := &e.doc.lines[i]; l.kind == kindProperty && e.doc.named(l, "AGENT") {
		i--
	}
	return &e.doc.lines[i]
}

// insert writes lines and drafts behind a line. Where that line is the last
// one and has no ending, it gets one and the last new line has none. What would
// be swallowed behind it goes before it.
func (e *Edit) insert(after *line, d Dialect, lines []Line, drafts []Draft) {
	if len(lines)+len(drafts) == 0 {
		return
	}
	var b strings.Builder
	for _, l := range lines {
		e.fail(l.write(&b, d, e.doc.eol))
	}
	for _, dr := range drafts {
		e.fail(dr.write(&b, d, e.doc.eol))
	}
	text := b.String()
	if e.doc.runsOn(after) || e.blankAt(after.end) {
		e.splices = append(e.splices, splice{after.start, after.start, 0, text})
		return
	}
	if !e.terminated(after) {
		text = e.doc.eol + strings.TrimSuffix(text, e.doc.eol)
	}
	e.splices = append(e.splices, splice{after.end, after.end, 0, text})
}

// blankAt reports whether a line begins there with a blank. Only an empty line
// before it keeps it from being a continuation.
func (e *Edit) blankAt(at uint32) bool {
	return int(at) < len(e.doc.src) && isBlank(e.doc.src[at])
}

func (e *Edit) terminated(l *line) bool {
	return l.end > l.start && strings.HasSuffix(e.doc.src[l.start:l.end], e.doc.eol[len(e.doc.eol)-1:])
}

// Changed reports whether Bytes would differ from the source.
func (e *Edit) Changed() bool {
	if len(e.splices) > 0 {
		return true
	}
	for _, le := range e.lines {
		if le.changes() {
			return true
		}
	}
	return false
}

func (le *lineEdit) changes() bool {
	return le.removed || le.line != nil || le.value != nil || len(le.params) > 0 || len(le.coding) > 0
}

// Bytes writes the document with its changes. Without changes it is the
// source, byte for byte.
func (e *Edit) Bytes() ([]byte, error) {
	all := slices.Clone(e.splices)
	for i, le := range e.lines {
		if s, ok := e.lineSplice(i, le); ok {
			all = append(all, s)
		}
	}
	if e.err != nil {
		return nil, e.err
	}
	slices.SortStableFunc(all, func(a, b splice) int {
		if a.from != b.from {
			return int(int64(a.from) - int64(b.from))
		}
		return int(a.rank) - int(b.rank)
	})
	out := make([]byte, 0, len(e.doc.src)+growth(all))
	done := uint32(0)
	for _, s := range all {
		if s.from < done {
			continue // inside a component that is gone
		}
		out = append(out, e.doc.src[done:s.from]...)
		out = append(out, s.text...)
		done = s.to
	}
	return append(out, e.doc.src[done:]...), nil
}

func growth(all []splice) int {
	n := 0
	for _, s := range all {
		n += len(s.text)
	}
	return n
}

// Document parses the result, to go on from it.
func (e *Edit) Document() (*Document, error) {
	b, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// lineSplice renders the edit of one line.
func (e *Edit) lineSplice(i int32, le *lineEdit) (splice, bool) {
	l := &e.doc.lines[i]
	p := Property{e.doc, i}
	switch {
	case le.removed:
		return splice{l.start, l.end, 1, ""}, true
	case le.line != nil:
		var b strings.Builder
		e.fail(le.line.write(&b, p.dialect(), e.doc.eol))
		text := b.String()
		if !e.terminated(l) {
			text = strings.TrimSuffix(text, e.doc.eol)
		}
		return splice{l.start, l.end, 1, text}, true
	case len(le.params)+len(le.coding) > 0, le.value != nil && e.strayQuote(l):
		return e.headerSplice(p, l, le), true
	case le.value != nil:
		return e.valueSplice(p, l, *le.value), true
	}
	return splice{}, false
}

// strayQuote reports whether the header has a quotation mark that is not
// closed. How such a line is read depends on its value, so the mark cannot
// stay when the value changes.
func (e *Edit) strayQuote(l *line) bool {
	return l.paramCount > 0 && strings.Count(e.doc.src[l.nameStart:l.valueStart], `"`)%2 == 1
}

// valueSplice changes the value alone; the header keeps its bytes.
func (e *Edit) valueSplice(p Property, l *line, value string) splice {
	var b strings.Builder
	header := e.doc.src[l.start:l.valueStart]
	column := len(header) - 1 - max(strings.LastIndexByte(header, '\n'), strings.LastIndexByte(header, '\r'))
	enc := e.doc.encodingOf(l)
	switch {
	case enc == encodingQuotedPrintable:
		foldQuoted(&b, value, column, e.doc.eol)
	case p.dialect().old() && enc == encodingNone:
		b.WriteString(value)
	default:
		fold(&b, value, column, e.doc.eol)
	}
	return splice{l.valueStart, l.valueEnd, 1, b.String()}
}

// headerSplice writes the line up to its ending anew because a parameter
// changed. Parameters that did not change keep their text and order.
func (e *Edit) headerSplice(p Property, l *line, le *lineEdit) splice {
	var h strings.Builder
	nameStart := l.nameStart
	if l.groupLen > 0 {
		nameStart -= uint32(l.groupLen) + 1
	}
	h.WriteString(p.span(nameStart, l.nameEnd))
	params := slices.Concat(le.coding, le.params)
	written := map[string]bool{}
	for _, pa := range e.doc.paramsOf(l) {
		name := p.param(pa).Name
		q, edited := findParam(params, name)
		if text := p.span(pa.nameStart, pa.valueEnd); !edited && strings.Count(text, `"`)%2 == 0 {
			h.WriteString(";" + text)
		} else if !edited { // a stray quotation mark would swallow what follows it
			h.WriteString(";" + strings.ReplaceAll(text, `"`, "^'"))
		} else if !written[name] && len(q.Values) > 0 {
			writeParam(&h, q, p.dialect())
		}
		written[name] = true
	}
	for _, q := range params {
		if !written[q.Name] && len(q.Values) > 0 {
			writeParam(&h, q, p.dialect())
		}
		written[q.Name] = true
	}
	h.WriteByte(':')
	value := p.Raw()
	if le.value != nil {
		value = *le.value
	}
	enc := e.doc.encodingOf(l)
	if q, edited := findParam(params, "ENCODING"); edited {
		enc = paramEncoding([]Param{q})
	}
	var b strings.Builder
	writeFolded(&b, h.String(), value, p.dialect(), enc, e.doc.eol)
	to := l.valueEnd
	if was := e.doc.encodingOf(l); enc != was && e.terminated(l) && (enc == encodingBase64 || was == encodingBase64) {
		// The empty line that ends base64 in vCard 2.1 goes or comes with it.
		to = l.end
		b.WriteString(e.doc.eol)
		if enc == encodingBase64 && p.dialect().old() {
			b.WriteString(e.doc.eol)
		}
	}
	return splice{nameStart, to, 1, b.String()}
}

func findParam(params []Param, name string) (Param, bool) {
	for _, q := range params {
		if q.Name == name {
			return q, true
		}
	}
	return Param{}, false
}
