package vobject

import "strings"

// Decoded is the raw value with quoted-printable and CHARSET undone but
// escapes kept: what the split functions take.
func (p Property) Decoded() string {
	text, _ := p.decode()
	return text
}

// CharsetKnown reports whether the value's character encoding could be read
// for certain. Where it could not, Text is a best effort and the bytes should
// not be replaced by it.
func (p Property) CharsetKnown() bool {
	_, ok := p.decode()
	return ok
}

func (p Property) decode() (string, bool) {
	if !p.Exists() {
		return "", true
	}
	raw := p.Raw()
	charset := ""
	if l := p.rec(); l.paramCount > 0 {
		if p.doc.encodingOf(l) == encodingQuotedPrintable {
			raw = decodeQuoted(raw)
		}
		charset = p.Param("CHARSET")
	}
	return decodeCharset(raw, charset)
}

// Text is the value as one text: decoded and unescaped, line breaks as \n.
func (p Property) Text() string {
	return UnescapeText(lineFeeds(p.Decoded()), p.dialect())
}

// Structured is the value as components of lists: N, ADR, ORG, GENDER.
func (p Property) Structured() [][]string {
	if !p.Exists() {
		return nil
	}
	return SplitStructured(lineFeeds(p.Decoded()), p.dialect())
}

// Field is the component at index of a structured value as one text, its list
// joined by sep; empty where there is none.
func (p Property) Field(index int, sep string) string {
	if fields := p.Structured(); index >= 0 && index < len(fields) {
		return strings.Join(fields[index], sep)
	}
	return ""
}

// List is the value as a list by commas: CATEGORIES, NICKNAME, EXDATE.
func (p Property) List() []string {
	if !p.Exists() {
		return nil
	}
	return SplitList(lineFeeds(p.Decoded()), p.dialect())
}
