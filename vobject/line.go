package vobject

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Line is a property to be written. How its value is escaped and encoded
// depends on the object it goes into, so it is made by Raw, Text, Structured,
// List or Binary.
type Line struct {
	Group  string
	Name   string
	Params []Param

	form   form
	text   string     // raw, text; media type of binary
	fields [][]string // structured; list in fields[0]
	data   []byte     // binary
}

type form uint8

const (
	formRaw form = iota
	formText
	formStructured
	formList
	formBinary
)

// Raw is a property whose value is written as given: dates, rules, addresses.
// Line breaks in it are written as \n so that it stays one property.
func Raw(name, value string) Line { return Line{Name: name, form: formRaw, text: value} }

// Text is a property with one text value.
func Text(name, text string) Line { return Line{Name: name, form: formText, text: text} }

// Structured is a property of components, each a list: N, ADR, ORG.
func Structured(name string, fields ...[]string) Line {
	return Line{Name: name, form: formStructured, fields: fields}
}

// List is a property with a list of texts: CATEGORIES, NICKNAME.
func List(name string, values ...string) Line {
	return Line{Name: name, form: formList, fields: [][]string{values}}
}

// Binary is a property with inline content such as a photo, written as the
// dialect has it: a data: address in vCard 4.0 (RFC 6350 section 5.1), base64
// elsewhere.
func Binary(name, mediaType string, data []byte) Line {
	return Line{Name: name, form: formBinary, text: mediaType, data: data}
}

// With returns the line with a parameter added.
func (l Line) With(name string, values ...string) Line {
	l.Params = append(l.Params[:len(l.Params):len(l.Params)], Param{strings.ToUpper(name), values})
	return l
}

// In returns the line in a group.
func (l Line) In(group string) Line {
	l.Group = group
	return l
}

// value writes the value with its escapes, and the parameters its form needs.
func (l Line) value(d Dialect) (string, []Param) {
	switch l.form {
	case formText:
		return EscapeText(l.text, d), nil
	case formStructured:
		return JoinStructured(l.fields, d), nil
	case formList:
		return JoinList(l.fields[0], d), nil
	case formBinary:
		return binaryValue(l.text, l.data, d)
	}
	return l.text, nil
}

func binaryValue(mediaType string, data []byte, d Dialect) (string, []Param) {
	text := base64.StdEncoding.EncodeToString(data)
	_, subtype, _ := strings.Cut(mediaType, "/")
	var params []Param
	switch d {
	case VCard40:
		return "data:" + mediaType + ";base64," + text, nil
	case ICalendar, VCalendar10:
		if mediaType != "" {
			params = append(params, Param{"FMTTYPE", []string{mediaType}})
		}
		return text, append(params, Param{"ENCODING", []string{"BASE64"}}, Param{"VALUE", []string{"BINARY"}})
	case VCard21:
		params = append(params, Param{"ENCODING", []string{"BASE64"}})
	default:
		params = append(params, Param{"ENCODING", []string{"b"}})
	}
	if subtype != "" {
		params = append(params, Param{"TYPE", []string{strings.ToUpper(subtype)}})
	}
	return text, params
}

// write appends the content line with folding and line ending.
func (l Line) write(b *strings.Builder, d Dialect, eol string) error {
	if !validName(l.Name) || l.Group != "" && !validName(l.Group) {
		return fmt.Errorf("write property: %q is no property name", l.Group+"."+l.Name)
	}
	value, own := l.value(d)
	params := append(l.Params[:len(l.Params):len(l.Params)], own...)
	enc := paramEncoding(params)
	if enc == encodingNone && d.old() && needsQuoted(value) {
		params = append(params, Param{"CHARSET", []string{"UTF-8"}}, Param{"ENCODING", []string{"QUOTED-PRINTABLE"}})
		enc = encodingQuotedPrintable
	}
	if enc == encodingQuotedPrintable && (l.form != formRaw || needsQuoted(value)) {
		value = encodeQuoted(value)
	}
	var h strings.Builder
	if l.Group != "" {
		h.WriteString(l.Group + ".")
	}
	h.WriteString(l.Name)
	for _, q := range params {
		if !validName(q.Name) {
			return fmt.Errorf("write property %s: %q is no parameter name", l.Name, q.Name)
		}
		writeParam(&h, q, d)
	}
	h.WriteByte(':')
	writeFolded(b, h.String(), oneLine(value), d, enc, eol)
	b.WriteString(eol)
	if d.old() && enc == encodingBase64 {
		b.WriteString(eol) // vCard 2.1 section 2.1.3 ends base64 with an empty line
	}
	return nil
}

// writeFolded writes a whole unfolded line. vCard 2.1 folds only base64: its
// text may be broken at blanks only, and long lines are allowed there.
func writeFolded(b *strings.Builder, header, value string, d Dialect, enc encoding, eol string) {
	switch {
	case enc == encodingQuotedPrintable:
		b.WriteString(header)
		foldQuoted(b, value, len(header), eol)
	case d.old() && enc == encodingNone:
		b.WriteString(header)
		b.WriteString(value)
	default:
		fold(b, header+value, 0, eol)
	}
}

// oneLine keeps a raw value from ending its line.
func oneLine(s string) string {
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(s)
}

func paramEncoding(params []Param) encoding {
	for _, q := range params {
		if !strings.EqualFold(q.Name, "ENCODING") || len(q.Values) == 0 {
			continue
		}
		switch strings.ToUpper(q.Values[0]) {
		case "QUOTED-PRINTABLE", "Q":
			return encodingQuotedPrintable
		case "BASE64", "B":
			return encodingBase64
		}
	}
	return encodingNone
}

// Draft is a component to be written.
type Draft struct {
	Name   string
	Lines  []Line
	Drafts []Draft

	source string
}

// Source is a component given as text, such as a VTIMEZONE. It is taken over
// as it is, with the line endings of the document it goes into.
func Source(text []byte) (Draft, error) {
	doc, err := Parse(text)
	if err != nil {
		return Draft{}, err
	}
	if len(doc.roots) != 1 || len(doc.problems) > 0 {
		return Draft{}, fmt.Errorf("use component text: it must be one complete component")
	}
	return Draft{source: string(doc.First("").Bytes())}, nil
}

func (dr Draft) write(b *strings.Builder, d Dialect, eol string) error {
	if dr.source != "" {
		for text := range strings.Lines(dr.source) {
			b.WriteString(strings.TrimRight(text, "\r\n"))
			b.WriteString(eol)
		}
		return nil
	}
	if !validName(dr.Name) {
		return fmt.Errorf("write component: %q is no component name", dr.Name)
	}
	b.WriteString("BEGIN:" + dr.Name + eol)
	for _, l := range dr.Lines {
		if err := l.write(b, d, eol); err != nil {
			return err
		}
	}
	for _, child := range dr.Drafts {
		if err := child.write(b, d, eol); err != nil {
			return err
		}
	}
	b.WriteString("END:" + dr.Name + eol)
	return nil
}

// New begins an object from nothing: New("VCALENDAR", Raw("PRODID", "...")).
// A VERSION line is put first where none is given: 4.0 for VCARD, 2.0 for
// VCALENDAR. The result is edited like any parsed document.
func New(name string, lines ...Line) (*Document, error) {
	version := ""
	for _, l := range lines {
		if strings.EqualFold(l.Name, "VERSION") {
			version = l.text
		}
	}
	d := ICalendar
	switch {
	case strings.EqualFold(name, "VCARD") && version == "":
		d, lines = VCard40, append([]Line{Raw("VERSION", "4.0")}, lines...)
	case strings.EqualFold(name, "VCARD"):
		d = cardDialect(version)
	case strings.EqualFold(name, "VCALENDAR") && version == "":
		lines = append([]Line{Raw("VERSION", "2.0")}, lines...)
	case strings.EqualFold(name, "VCALENDAR") && version == "1.0":
		d = VCalendar10
	}
	var b strings.Builder
	if err := (Draft{Name: strings.ToUpper(name), Lines: lines}).write(&b, d, "\r\n"); err != nil {
		return nil, err
	}
	return Parse([]byte(b.String()))
}
