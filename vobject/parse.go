package vobject

import (
	"slices"
	"strings"
)

const bom = "\ufeff"

// Parse reads a stream of vCard or iCalendar objects. Whatever is wrong inside
// an object is kept and listed in Problems; only input without any object in
// it, too large or too deeply nested is an error, always a *ParseError.
//
// Content lines and folding: RFC 5545 section 3.1, RFC 6350 section 3.2,
// RFC 2426 section 2.6, vCard 2.1 section 2.1.3.
func Parse(src []byte) (*Document, error) {
	if len(src) > MaxSize {
		return nil, &ParseError{1, "larger than 256 MB"}
	}
	if hasUTF16BOM(src) {
		return nil, &ParseError{1, "encoded in UTF-16; only UTF-8 and single-byte encodings are read"}
	}
	p := parser{doc: &Document{src: string(src)}}
	p.detectEOL()
	p.reserve()
	if err := p.run(); err != nil {
		return nil, err
	}
	return p.doc, nil
}

func hasUTF16BOM(src []byte) bool {
	return len(src) >= 2 && (src[0] == 0xFE && src[1] == 0xFF || src[0] == 0xFF && src[1] == 0xFE)
}

type parser struct {
	doc   *Document
	pos   int
	phys  int // number of the physical line at pos, from 1
	stack []int32
	old   bool // the object began with VERSION:2.1 or 1.0
}

// detectEOL finds the line ending to write with. A carriage return ends a line
// only where the stream has no line feed at all (old Macintosh files).
func (p *parser) detectEOL() {
	d := p.doc
	i := strings.IndexByte(d.src, '\n')
	switch {
	case i > 0 && d.src[i-1] == '\r':
		d.eol = "\r\n"
	case i >= 0:
		d.eol = "\n"
	case strings.IndexByte(d.src, '\r') >= 0:
		d.eol, d.bareCR = "\r", true
	default:
		d.eol = "\r\n"
	}
}

// reserve sizes the line table by the number of line endings, but never by
// more than an input of ordinary lines would need.
func (p *parser) reserve() {
	d := p.doc
	n := strings.Count(d.src, d.eol[len(d.eol)-1:]) + 1
	d.lines = make([]line, 0, min(n, len(d.src)/12+1))
	d.params = make([]param, 0, cap(d.lines)/2)
}

func (p *parser) run() error {
	p.phys = 1
	if strings.HasPrefix(p.doc.src, bom) {
		p.pos = len(bom)
	}
	for p.pos < len(p.doc.src) {
		if err := p.next(); err != nil {
			return err
		}
	}
	for len(p.stack) > 0 {
		p.closeTop(int32(len(p.doc.lines)-1), "has no END line")
	}
	if len(p.doc.roots) == 0 {
		return &ParseError{p.firstTextLine(), "no BEGIN line; this is neither a vCard nor an iCalendar object"}
	}
	p.setDialects()
	slices.SortStableFunc(p.doc.problems, func(a, b Problem) int { return a.Line - b.Line })
	return nil
}

func (p *parser) firstTextLine() int {
	for i := range p.doc.lines {
		if p.doc.lines[i].kind != kindBlank {
			return int(p.doc.lines[i].number)
		}
	}
	return 1
}

func (p *parser) report(number uint32, text string) {
	if len(p.doc.problems) >= MaxProblems {
		p.doc.unlisted++
		return
	}
	p.doc.problems = append(p.doc.problems, Problem{int(number), text})
}

// physical returns where the content of the physical line at pos ends and
// where the next line starts. Several carriage returns before a line feed are
// part of the ending (files converted twice).
func (p *parser) physical(pos int) (contentEnd, next int) {
	src := p.doc.src
	if p.doc.bareCR {
		if i := strings.IndexByte(src[pos:], '\r'); i >= 0 {
			return pos + i, pos + i + 1
		}
		return len(src), len(src)
	}
	i := strings.IndexByte(src[pos:], '\n')
	if i < 0 {
		contentEnd, next = len(src), len(src)
	} else {
		contentEnd, next = pos+i, pos+i+1
	}
	for contentEnd > pos && src[contentEnd-1] == '\r' {
		contentEnd--
	}
	return contentEnd, next
}

// next reads one logical line and adds it to the document.
func (p *parser) next() error {
	src, start := p.doc.src, p.pos
	if len(p.doc.lines) > 0 && strings.HasPrefix(src[start:], bom) {
		start += len(bom) // files put one behind the other, each with its mark
	}
	l := line{start: uint32(p.pos), number: uint32(p.phys), comp: p.top(), opens: -1}
	end, next := p.physical(start)
	p.phys++
	if end == start {
		p.blank(l, next)
		return nil
	}
	for next < len(src) && isBlank(src[next]) {
		end, next = p.physical(next)
		p.phys++
		l.folded = true
	}
	if why := p.header(&l, start, end); why != "" {
		// All of a malformed line is its value.
		l.kind, l.groupLen = kindMalformed, 0
		l.nameStart, l.nameEnd, l.valueStart = uint32(start), uint32(start), uint32(start)
		p.report(l.number, why)
	} else if l.paramCount > 0 {
		end, next = p.extend(&l, end, next)
	}
	l.valueEnd, l.end = uint32(end), uint32(next)
	p.pos = next
	return p.add(l)
}

// blank adds an empty line, or lengthens the run of empty lines before it.
func (p *parser) blank(l line, next int) {
	d := p.doc
	p.pos = next
	if n := len(d.lines); n > 0 && d.lines[n-1].kind == kindBlank {
		d.lines[n-1].end = uint32(next)
		return
	}
	l.kind, l.end = kindBlank, uint32(next)
	d.lines = append(d.lines, l)
}

// extend adds the lines that continue a value without folding: the soft line
// breaks of quoted-printable, and base64 that some old writers put on lines of
// its own without the leading blank.
func (p *parser) extend(l *line, end, next int) (int, int) {
	if p.doc.named(l, "BEGIN") || p.doc.named(l, "END") {
		return end, next
	}
	switch p.doc.encodingOf(l) {
	case encodingQuotedPrintable:
		return p.extendQuoted(l, end, next)
	case encodingBase64:
		return p.extendBase64(l, end, next)
	}
	return end, next
}

func (p *parser) extendQuoted(l *line, end, next int) (int, int) {
	src := p.doc.src
	for end > int(l.valueStart) && src[end-1] == '=' && next < len(src) {
		e, n := p.physical(next)
		if isMarker(src[next:e]) {
			p.report(l.number, "quoted-printable text ends in a soft line break")
			return end, next
		}
		for (e == next || src[e-1] != '=') && n < len(src) && isBlank(src[n]) {
			e, n = p.physical(n)
			p.phys++
		}
		end, next = e, n
		p.phys++
		l.folded = true
	}
	return end, next
}

// extendBase64 reads on only where the first line has no value yet or is too
// long to have been written by the rules, and nothing is folded.
func (p *parser) extendBase64(l *line, end, next int) (int, int) {
	src := p.doc.src
	bare := !l.folded && (end == int(l.valueStart) || end-int(l.start) > lineWidth)
	for bare && next < len(src) {
		e, n := p.physical(next)
		if e == next || !onlyBase64(src[next:e]) {
			break
		}
		for n < len(src) && isBlank(src[n]) {
			e, n = p.physical(n)
			p.phys++
		}
		end, next = e, n
		p.phys++
		l.folded = true
	}
	if p.old && next < len(src) {
		// The empty line that ends base64 in vCard 2.1 (section 2.1.3) belongs
		// to the property.
		if e, n := p.physical(next); e == next && (n == len(src) || !isBlank(src[n])) {
			p.phys++
			next = n
		}
	}
	return end, next
}

// isMarker reports whether a physical line is a BEGIN or END line, which a
// soft line break never runs into.
func isMarker(s string) bool {
	return len(s) >= 4 && strings.EqualFold(s[:4], "END:") || len(s) >= 6 && strings.EqualFold(s[:6], "BEGIN:")
}

func onlyBase64(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !isLetter(c) && !isDigit(c) && c != '+' && c != '/' && c != '=' {
			return false
		}
	}
	return true
}

func (p *parser) top() int32 {
	if len(p.stack) == 0 {
		return -1
	}
	return p.stack[len(p.stack)-1]
}

// add appends a line and keeps the tree of components.
func (p *parser) add(l line) error {
	d := p.doc
	if l.kind == kindProperty {
		switch {
		case d.named(&l, "BEGIN"):
			return p.begin(l)
		case d.named(&l, "END"):
			p.end(l)
			return nil
		case l.comp < 0:
			p.report(l.number, "outside any object")
		case d.named(&l, "VERSION"):
			switch d.comps[l.comp].name + strings.TrimSpace(d.value(&l)) {
			case "VCARD2.1", "VCALENDAR1.0":
				p.old = true
			}
		}
	}
	d.lines = append(d.lines, l)
	return nil
}

func (p *parser) begin(l line) error {
	d := p.doc
	name := strings.ToUpper(strings.TrimSpace(d.value(&l)))
	p.closeForgotten(name)
	if len(p.stack) >= MaxDepth {
		return &ParseError{int(l.number), "components are nested more than 32 deep"}
	}
	index, parent := int32(len(d.comps)), p.top()
	l.kind, l.comp, l.opens = kindBegin, index, index
	p.old = p.old && name != "VCARD" && name != "VCALENDAR"
	d.comps = append(d.comps, component{name: name, first: int32(len(d.lines)), parent: parent})
	d.lines = append(d.lines, l)
	if parent < 0 {
		d.roots = append(d.roots, index)
	} else {
		d.comps[parent].children = append(d.comps[parent].children, index)
	}
	p.stack = append(p.stack, index)
	return nil
}

// closeForgotten closes components whose END line is evidently missing: an
// object begins inside another one (vCard 2.1 allows that only after AGENT),
// or an event inside an event.
func (p *parser) closeForgotten(name string) {
	last := int32(len(p.doc.lines) - 1)
	switch name {
	case "VCARD":
		if p.afterAgent() {
			return
		}
		fallthrough
	case "VCALENDAR":
		for len(p.stack) > 0 {
			p.closeTop(last, "has no END line before the next object begins")
		}
	case "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VALARM":
		if t := p.top(); t >= 0 && p.doc.comps[t].name == name {
			p.closeTop(last, "has no END line before the next one begins")
		}
	}
}

// afterAgent reports whether the previous property is an empty AGENT, whose
// value is the card that follows (vCard 2.1 section 2.4.3).
func (p *parser) afterAgent() bool {
	d := p.doc
	for i := len(d.lines) - 1; i >= 0; i-- {
		if l := &d.lines[i]; l.kind != kindBlank {
			return l.kind == kindProperty && d.named(l, "AGENT") && strings.TrimSpace(d.value(l)) == ""
		}
	}
	return false
}

func (p *parser) closeTop(last int32, why string) {
	c := &p.doc.comps[p.top()]
	c.last = last
	p.report(p.doc.lines[c.first].number, c.name+" "+why)
	p.stack = p.stack[:len(p.stack)-1]
}

func (p *parser) end(l line) {
	d := p.doc
	name := strings.TrimSpace(d.value(&l))
	depth := len(p.stack) - 1
	for depth >= 0 && !strings.EqualFold(d.comps[p.stack[depth]].name, name) {
		depth--
	}
	if depth < 0 {
		l.kind = kindMalformed
		p.report(l.number, "END without its BEGIN")
		d.lines = append(d.lines, l)
		return
	}
	for len(p.stack)-1 > depth {
		p.closeTop(int32(len(d.lines)-1), "has no END line")
	}
	index := p.top()
	l.kind, l.comp = kindEnd, index
	d.comps[index].last, d.comps[index].closed = int32(len(d.lines)), true
	d.lines = append(d.lines, l)
	p.stack = p.stack[:len(p.stack)-1]
}

// setDialects gives every component the dialect of the object it is in.
func (p *parser) setDialects() {
	d := p.doc
	for i := range d.comps {
		c := &d.comps[i]
		switch {
		case c.name == "VCARD":
			c.dialect = cardDialect(Component{d, int32(i)}.First("VERSION").Raw())
		case c.parent >= 0:
			c.dialect = d.comps[c.parent].dialect
		case c.name == "VCALENDAR" && strings.TrimSpace(Component{d, int32(i)}.First("VERSION").Raw()) == "1.0":
			c.dialect = VCalendar10
		}
	}
}

func cardDialect(version string) Dialect {
	switch strings.TrimSpace(version) {
	case "2.1":
		return VCard21
	case "4.0":
		return VCard40
	}
	return VCard30
}
