package vobject

import "strings"

// EscapeText writes one text value: backslash, comma and line breaks are
// escaped, and the semicolon where the value has components or the dialect
// asks for it (RFC 5545 section 3.3.11, RFC 2426 section 4, RFC 6350
// section 3.4). Line breaks of any kind become \n; other control characters
// but the tab are dropped because no value can hold them.
//
// vCard 2.1 knows one escape only, \; in a value with components; its line
// breaks need quoted-printable, which Edit takes care of.
func EscapeText(s string, d Dialect) string {
	if d.old() {
		return escapeOld(s, "")
	}
	return escape(s, d != VCard40)
}

func escape(s string, semicolon bool) string {
	if !needsEscape(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n':
		case c == '\n' || c == '\r':
			b.WriteString(`\n`)
		case c == '\\' || c == ',' || c == ';' && semicolon:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' && c != '\t' || c == 0x7F:
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func needsEscape(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '\\' || c == ',' || c == ';' || c == 0x7F {
			return true
		}
	}
	return false
}

// escapeOld escapes for vCard 2.1: the delimiters always, and what would read
// as an escape after a backslash. A part before a delimiter cannot end in a
// backslash; a blank is put behind it.
func escapeOld(s, delimiters string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		afterBackslash := i > 0 && s[i-1] == '\\' && (s[i] == ';' || s[i] == ',')
		if afterBackslash || strings.IndexByte(delimiters, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	if delimiters != "" && strings.HasSuffix(s, `\`) {
		b.WriteByte(' ')
	}
	return b.String()
}

// UnescapeText reads one text value. An escape that the dialect does not know
// is left as it is written.
func UnescapeText(s string, d Dialect) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	if d.old() {
		return strings.NewReplacer(`\;`, ";", `\,`, ",").Replace(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n', 'N':
			b.WriteByte('\n')
		case '\\', ',', ';', ':', '"':
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

// splitEscaped splits at every separator that is not escaped, keeping the
// escapes. Outside vCard 2.1 a backslash escapes whatever follows it.
func splitEscaped(s string, sep byte, d Dialect) []string {
	if strings.IndexByte(s, sep) < 0 {
		return []string{s}
	}
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (!d.old() || s[i+1] == ';' || s[i+1] == ','):
			i++
		case s[i] == sep:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// SplitStructured reads a value with components: parts by semicolon, each a
// list by comma, all unescaped (RFC 6350 section 3.3, "component"). An empty
// component is an empty list. In vCard 2.1 a comma is text.
func SplitStructured(raw string, d Dialect) [][]string {
	parts := splitEscaped(raw, ';', d)
	out := make([][]string, len(parts))
	for i, part := range parts {
		out[i] = splitComponent(part, d)
	}
	return out
}

func splitComponent(part string, d Dialect) []string {
	if part == "" {
		return nil
	}
	if d.old() {
		return []string{UnescapeText(part, d)}
	}
	return SplitList(part, d)
}

// JoinStructured writes a value with components.
func JoinStructured(fields [][]string, d Dialect) string {
	parts := make([]string, len(fields))
	for i, values := range fields {
		parts[i] = joinComponent(values, d)
	}
	return strings.Join(parts, ";")
}

func joinComponent(values []string, d Dialect) string {
	parts := make([]string, len(values))
	for i, v := range values {
		if d.old() {
			parts[i] = escapeOld(v, ";")
		} else {
			parts[i] = escape(v, true)
		}
	}
	if d.old() {
		return strings.Join(parts, ", ")
	}
	return strings.Join(parts, ",")
}

// SplitList reads a list by commas, each value unescaped, as CATEGORIES has it
// (RFC 5545 section 3.8.1.2). An empty value is an empty list.
func SplitList(raw string, d Dialect) []string {
	if raw == "" {
		return nil
	}
	parts := splitEscaped(raw, ',', d)
	for i, part := range parts {
		parts[i] = UnescapeText(part, d)
	}
	return parts
}

// JoinList writes a list by commas.
func JoinList(values []string, d Dialect) string {
	parts := make([]string, len(values))
	for i, v := range values {
		if d.old() {
			parts[i] = escapeOld(v, ",")
		} else {
			parts[i] = EscapeText(v, d)
		}
	}
	return strings.Join(parts, ",")
}
