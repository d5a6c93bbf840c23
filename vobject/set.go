package vobject

import (
	"fmt"
	"slices"
	"strings"
)

// SetRaw sets the value as it is written, without folding: dates, rules,
// addresses. Line breaks in it are written as \n.
func (e *Edit) SetRaw(p Property, raw string) {
	le := e.at(p)
	if le == nil {
		return
	}
	e.keepLine(le)
	if raw == p.Raw() {
		le.value, le.coding = nil, nil
		return
	}
	raw = oneLine(raw)
	le.value, le.coding = &raw, nil
}

// keepLine makes a line that was to be removed or replaced stay after all.
func (e *Edit) keepLine(le *lineEdit) { le.removed, le.line = false, nil }

// SetText sets a text value, escaped and encoded as the line has it. In
// vCard 2.1 text that is not plain ASCII becomes quoted-printable in UTF-8.
func (e *Edit) SetText(p Property, text string) {
	if e.at(p) == nil {
		return
	}
	if p.Text() == lineFeeds(text) {
		e.forget(p)
		return
	}
	e.setDecoded(p, EscapeText(text, p.dialect()))
}

// SetStructured sets the components of a value. A component that is unchanged
// keeps its bytes, and so do components beyond those given: a reader that
// knows seven parts of an address does not remove an eighth.
func (e *Edit) SetStructured(p Property, fields [][]string) {
	if e.at(p) == nil {
		return
	}
	d := p.dialect()
	parts := splitEscaped(p.Decoded(), ';', d)
	had := len(parts)
	for i, values := range fields {
		switch {
		case i < had && slices.Equal(splitComponent(parts[i], d), withoutEmpty(values)):
		case i < len(parts):
			parts[i] = joinComponent(values, d)
		default:
			parts = append(parts, joinComponent(values, d))
		}
	}
	for len(parts) > had && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	e.setDecodedIfNew(p, joinParts(parts, ";", d))
}

// SetField sets one component of a structured value, counted from 0.
func (e *Edit) SetField(p Property, index int, values ...string) {
	if e.at(p) == nil {
		return
	}
	d := p.dialect()
	parts := splitEscaped(p.Decoded(), ';', d)
	if index < len(parts) && slices.Equal(splitComponent(parts[index], d), withoutEmpty(values)) {
		return
	}
	for len(parts) <= index {
		parts = append(parts, "")
	}
	parts[index] = joinComponent(values, d)
	e.setDecodedIfNew(p, joinParts(parts, ";", d))
}

// joinParts puts escaped parts together. One that ends in a lone backslash,
// which was harmless at the end of the value, must not escape the separator.
func joinParts(parts []string, sep string, d Dialect) string {
	for i, part := range parts[:max(0, len(parts)-1)] {
		backslashes := len(part) - len(strings.TrimRight(part, `\`))
		switch {
		case d.old() && backslashes > 0:
			parts[i] = part + " "
		case backslashes%2 == 1:
			parts[i] = part + `\`
		}
	}
	return strings.Join(parts, sep)
}

// withoutEmpty makes a list of one empty text the same as an empty list.
func withoutEmpty(values []string) []string {
	if len(values) == 1 && values[0] == "" {
		return nil
	}
	return values
}

// SetList sets a list by commas. Values that stay keep the way they were
// written.
func (e *Edit) SetList(p Property, values []string) {
	if e.at(p) == nil {
		return
	}
	d := p.dialect()
	written := map[string]string{}
	for _, part := range splitEscaped(p.Decoded(), ',', d) {
		written[UnescapeText(part, d)] = part
	}
	if slices.Equal(p.List(), values) {
		e.forget(p)
		return
	}
	parts := make([]string, len(values))
	for i, v := range values {
		old, ok := written[v]
		if !ok {
			old = JoinList([]string{v}, d)
		}
		parts[i] = old
	}
	e.setDecodedIfNew(p, joinParts(parts, ",", d))
}

func (e *Edit) setDecodedIfNew(p Property, decoded string) {
	if decoded == p.Decoded() {
		e.forget(p)
		return
	}
	e.setDecoded(p, decoded)
}

// forget drops a pending change of the value.
func (e *Edit) forget(p Property) {
	if le := e.at(p); le != nil {
		e.keepLine(le)
		le.value, le.coding = nil, nil
	}
}

// setDecoded encodes an escaped value the way the line says, changing CHARSET
// and ENCODING only where the value does not fit.
func (e *Edit) setDecoded(p Property, decoded string) {
	le := e.at(p)
	e.keepLine(le)
	le.coding = nil
	enc := e.doc.encodingOf(p.rec())
	if enc == encodingBase64 {
		le.setCoding("ENCODING")
		enc = encodingNone
	}
	if enc == encodingNone && p.dialect().old() && needsQuoted(decoded) {
		enc = encodingQuotedPrintable
		le.setCoding("ENCODING", "QUOTED-PRINTABLE")
		if p.Param("CHARSET") == "" {
			le.setCoding("CHARSET", "UTF-8")
		}
	}
	if charset := p.Param("CHARSET"); charset != "" {
		if encoded, ok := encodeCharset(decoded, charset); ok {
			decoded = encoded
		} else {
			le.setCoding("CHARSET", "UTF-8")
		}
	}
	if enc == encodingQuotedPrintable {
		decoded = encodeQuoted(decoded)
	}
	le.value = &decoded
}

// SetParam sets a parameter to these values, or removes it if there are none.
// It keeps its place; a new one comes last.
func (e *Edit) SetParam(p Property, name string, values ...string) {
	le := e.at(p)
	if le == nil {
		return
	}
	name = strings.ToUpper(name)
	if !validName(name) {
		e.fail(fmt.Errorf("edit property %s: %q is no parameter name", p.Name(), name))
		return
	}
	e.keepLine(le)
	le.params = slices.DeleteFunc(le.params, func(q Param) bool { return q.Name == name })
	if !slices.Equal(p.ParamValues(name), values) {
		le.params = append(le.params, Param{name, slices.Clone(values)})
	}
}

func (le *lineEdit) setCoding(name string, values ...string) {
	le.coding = slices.DeleteFunc(le.coding, func(q Param) bool { return q.Name == name })
	le.coding = append(le.coding, Param{name, values})
}

// SetBinary sets inline content, as Binary writes it. Group and other
// parameters stay. Equal content is no change.
func (e *Edit) SetBinary(p Property, mediaType string, data []byte) {
	le := e.at(p)
	if le == nil {
		return
	}
	if old, _, ok := p.Binary(); ok && string(old) == string(data) {
		e.forget(p)
		return
	}
	e.keepLine(le)
	value, own := binaryValue(mediaType, data, p.dialect())
	le.value, le.coding = &value, own
	for _, name := range []string{"ENCODING", "TYPE", "VALUE", "MEDIATYPE", "FMTTYPE"} {
		if _, set := findParam(own, name); !set && len(p.ParamValues(name)) > 0 {
			le.coding = append(le.coding, Param{Name: name})
		}
	}
}
