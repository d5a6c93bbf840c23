package vobject

import "strings"

// splitParam splits a parameter's value at commas outside quotes and removes
// the quotes around each part.
func splitParam(s string) []string {
	if strings.IndexByte(s, ',') < 0 {
		return []string{unquote(s)}
	}
	var out []string
	start, quoted := 0, false
	balanced := strings.Count(s, `"`)%2 == 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"' && balanced:
			quoted = !quoted
		case s[i] == ',' && !quoted:
			out = append(out, unquote(s[start:i]))
			start = i + 1
		}
	}
	return append(out, unquote(s[start:]))
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// decodeCaret undoes RFC 6868 section 3.1. A caret before anything else stands
// for itself.
func decodeCaret(s string) string {
	if strings.IndexByte(s, '^') < 0 {
		return s
	}
	return strings.NewReplacer("^^", "^", "^n", "\n", "^'", `"`).Replace(s)
}

// encodeCaret does RFC 6868 section 3.1 and drops the control characters that
// no parameter can hold.
func encodeCaret(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '^' || r == 0x7F }) < 0 {
		return s
	}
	s = strings.NewReplacer("^", "^^", "\r\n", "^n", "\n", "^n", "\r", "^n", `"`, "^'").Replace(s)
	return dropControls(s)
}

func dropControls(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7F {
			return -1
		}
		return r
	}, s)
}

// writeParam writes ;NAME=value,value. Values with a colon, semicolon or comma
// are quoted (RFC 5545 section 3.2, RFC 6350 section 3.3). vCard 2.1 has no
// lists; there each value is a parameter of its own.
func writeParam(b *strings.Builder, q Param, d Dialect) {
	if d.old() && len(q.Values) > 1 {
		for _, v := range q.Values {
			writeParam(b, Param{q.Name, []string{v}}, d)
		}
		return
	}
	b.WriteByte(';')
	b.WriteString(q.Name)
	b.WriteByte('=')
	b.WriteString(paramText(q.Values, d))
}

func paramText(values []string, d Dialect) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		if d.old() {
			b.WriteString(oldParam(v))
			continue
		}
		v = encodeCaret(v)
		if quote := strings.ContainsAny(v, ":;,"); quote || v != strings.TrimSpace(v) {
			b.WriteString(`"` + v + `"`)
		} else {
			b.WriteString(v)
		}
	}
	return b.String()
}

// oldParam makes a value fit for vCard 2.1, which has no quoting: the
// delimiters become blanks.
func oldParam(v string) string {
	return dropControls(strings.Map(func(r rune) rune {
		if strings.ContainsRune(":;,\r\n\"", r) {
			return ' '
		}
		return r
	}, v))
}

// validName reports whether a name can be written before a colon or equals
// sign.
func validName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return s != ""
}
