package vobject

import "strings"

// header finds the group, name, parameters and start of value of the logical
// line src[start:end]. It returns what is wrong if that is not possible.
func (p *parser) header(l *line, start, end int) string {
	s := p.doc.src[start:end]
	colon, ok := p.scan(l, start, s, true)
	if !ok && strings.Count(s, `"`)%2 == 1 {
		// A quotation mark that is never closed: read it as a plain character.
		p.doc.params = p.doc.params[:l.firstParam]
		if colon, ok = p.scan(l, start, s, false); ok {
			p.report(l.number, "a quotation mark in a parameter is not closed")
		}
	}
	if !ok {
		p.doc.params = p.doc.params[:l.firstParam]
		l.paramCount = 0
		return "no colon, so this is not a property"
	}
	l.valueStart = uint32(start + colon + 1)
	why := p.name(l)
	if why == "" && strings.IndexByte(p.doc.part(l, uint32(start), l.valueStart), '\r') >= 0 {
		why = "a carriage return before the colon"
	}
	if why != "" {
		p.doc.params = p.doc.params[:l.firstParam]
		l.paramCount = 0
		return why
	}
	return ""
}

// scan walks over name and parameters up to the colon. Fold sequences contain
// no delimiter, so the raw bytes can be walked.
func (p *parser) scan(l *line, start int, s string, quotes bool) (colon int, ok bool) {
	l.firstParam = uint32(len(p.doc.params))
	i := 0
	for i < len(s) && s[i] != ':' && s[i] != ';' {
		i++
	}
	l.nameStart, l.nameEnd = uint32(start), uint32(start+i)
	for i < len(s) && s[i] == ';' {
		var pa param
		pa, i = scanParam(s, i+1, quotes)
		pa.shift(uint32(start))
		p.doc.params = append(p.doc.params, pa)
	}
	n := len(p.doc.params) - int(l.firstParam)
	if i >= len(s) || n > 0xFFFF {
		return 0, false
	}
	l.paramCount = uint16(n)
	return i, true
}

// scanParam reads one parameter that starts at i and returns the position of
// the delimiter after it.
func scanParam(s string, i int, quotes bool) (param, int) {
	pa := param{nameStart: uint32(i), bare: true}
	quoted := false
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && quotes:
			quoted = !quoted
		case quoted:
		case c == '=' && pa.bare:
			pa.bare = false
			pa.nameEnd, pa.valueStart = uint32(i), uint32(i+1)
		case c == ';' || c == ':':
			pa.finish(i)
			return pa, i
		}
	}
	pa.finish(i)
	return pa, i
}

func (pa *param) finish(i int) {
	if pa.bare {
		pa.nameEnd, pa.valueStart = uint32(i), uint32(i)
	}
	pa.valueEnd = uint32(i)
}

func (pa *param) shift(by uint32) {
	pa.nameStart += by
	pa.nameEnd += by
	pa.valueStart += by
	pa.valueEnd += by
}

// name splits the group off and checks the property name.
func (p *parser) name(l *line) string {
	src := p.doc.src
	for l.nameStart < l.nameEnd && isBlank(src[l.nameStart]) {
		l.nameStart++
	}
	for l.nameEnd > l.nameStart && isBlank(src[l.nameEnd-1]) {
		l.nameEnd--
	}
	s := src[l.nameStart:l.nameEnd]
	if dot := strings.IndexByte(s, '.'); dot > 0 && dot <= 0xFFFF {
		l.groupLen = uint16(dot)
		l.nameStart += uint32(dot) + 1
		s = s[dot+1:]
	}
	if s == "" {
		return "no property name before the colon"
	}
	if l.folded {
		s = p.doc.unfold(s, false)
	}
	if !validName(s) {
		return "the text before the colon is not a property name"
	}
	return ""
}

// isNameByte accepts what RFC 5545 section 3.1 allows in a name and the
// underscore that some writers use in their X- names.
func isNameByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '_' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isBlank(c byte) bool  { return c == ' ' || c == '\t' }

type encoding uint8

const (
	encodingNone encoding = iota
	encodingQuotedPrintable
	encodingBase64
)

// encodingOf reads the ENCODING parameter, or its bare word in vCard 2.1.
func (d *Document) encodingOf(l *line) encoding {
	for _, pa := range d.paramsOf(l) {
		word, named := d.part(l, pa.valueStart, pa.valueEnd), !pa.bare
		if pa.bare {
			word = d.part(l, pa.nameStart, pa.nameEnd)
		} else if !strings.EqualFold(d.part(l, pa.nameStart, pa.nameEnd), "ENCODING") {
			continue
		}
		switch word = strings.Trim(word, `" `); {
		case strings.EqualFold(word, "QUOTED-PRINTABLE"), strings.EqualFold(word, "Q") && named:
			return encodingQuotedPrintable
		case strings.EqualFold(word, "BASE64"), strings.EqualFold(word, "B") && named:
			return encodingBase64
		}
	}
	return encodingNone
}

// runsOn reports whether a line says that its value goes on in the next one
// although nothing follows: quoted-printable text cut off behind a soft line
// break. Whatever was written behind it would become part of the value.
func (d *Document) runsOn(l *line) bool {
	return l.kind == kindProperty && l.paramCount > 0 && l.valueEnd > l.valueStart &&
		d.src[l.valueEnd-1] == '=' && d.encodingOf(l) == encodingQuotedPrintable
}

// part is a piece of a header without folding.
func (d *Document) part(l *line, from, to uint32) string {
	if l.folded {
		return d.unfold(d.src[from:to], false)
	}
	return d.src[from:to]
}

func (d *Document) paramsOf(l *line) []param {
	return d.params[l.firstParam : l.firstParam+uint32(l.paramCount)]
}

// named reports whether the line has that name, in any case.
func (d *Document) named(l *line, name string) bool {
	s := d.src[l.nameStart:l.nameEnd]
	if len(s) == len(name) {
		return strings.EqualFold(s, name)
	}
	return l.folded && len(s) > len(name) && strings.EqualFold(d.unfold(s, false), name)
}

// value is the raw value without folding.
func (d *Document) value(l *line) string {
	s := d.src[l.valueStart:l.valueEnd]
	if !l.folded {
		return s
	}
	if l.paramCount > 0 && d.encodingOf(l) == encodingQuotedPrintable {
		return d.unfoldQuoted(s)
	}
	return d.unfold(s, l.comp >= 0 && d.comps[l.comp].dialect.old())
}

// unfold removes line endings and, unless keepBlank is set, the one blank
// after each. vCard 2.1 keeps it: there a fold stands where a blank stood
// (vCard 2.1 section 2.1.3).
func (d *Document) unfold(s string, keepBlank bool) string {
	var b strings.Builder
	for {
		before, after, found := d.cutEOL(s)
		if b.Len() == 0 && !found {
			return s
		}
		b.Grow(len(s))
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if !keepBlank && after != "" && isBlank(after[0]) {
			after = after[1:]
		}
		s = after
	}
}

// unfoldQuoted also removes soft line breaks: an equals sign at the end of a
// line. What follows one belongs to the text, blanks included (RFC 2045
// section 6.7).
func (d *Document) unfoldQuoted(s string) string {
	var b strings.Builder
	for {
		before, after, found := d.cutEOL(s)
		if !found {
			b.WriteString(s)
			return b.String()
		}
		if soft, ok := strings.CutSuffix(before, "="); ok {
			before = soft
		} else if after != "" && isBlank(after[0]) {
			after = after[1:]
		}
		b.WriteString(before)
		s = after
	}
}

func (d *Document) cutEOL(s string) (before, after string, found bool) {
	if d.bareCR {
		return strings.Cut(s, "\r")
	}
	i := strings.IndexByte(s, '\n')
	if i < 0 {
		return s, "", false
	}
	return strings.TrimRight(s[:i], "\r"), s[i+1:], true
}
