// Package conformance checks on any vCard or iCalendar file that reading and
// editing it loses nothing: without an edit it stays the same byte for byte,
// an edit of one property changes that line alone, and the result reads as it
// was meant.
package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockstep.dev/vobject"
)

// Report is what was found in one file.
type Report struct {
	Name      string
	NotRead   string              // why there was nothing to check: no permission, a panic
	NotParsed *vobject.ParseError // there is no object in it; it is left alone
	Problems  int                 // odd lines, kept and reported
	Unchanged bool                // without an edit
	Edits     int                 // of mapped properties
	OnlyLine  int                 // edits that changed their line alone
	ReadBack  int                 // edits that read as they were written, and all else as before
	Moves     int                 // of mapped properties added or taken out
	OnlyMoved int                 // those after which every other line was as before
	Failures  []string            // what went wrong, without any content
}

// OK reports whether nothing went wrong. A file that cannot be parsed at all
// is no failure: it is reported with its line and not touched.
func (r Report) OK() bool { return len(r.Failures) == 0 && r.NotRead == "" }

// String is one line of the report. A part that does not apply is a hyphen.
func (r Report) String() string {
	if r.NotRead != "" {
		return fmt.Sprintf("%s: FAILED %s", r.Name, r.NotRead)
	}
	if r.NotParsed != nil {
		return fmt.Sprintf("%s: not parsed (line %d: %s), left untouched", r.Name, r.NotParsed.Line, r.NotParsed.Text)
	}
	out := fmt.Sprintf("%s: parsed, unchanged after no edit: %s, changed only in the intended line: %d of %d, re-parsed equal: %d of %d",
		r.Name, yes(r.Unchanged), r.OnlyLine, r.Edits, r.ReadBack, r.Edits)
	if r.Moves > 0 {
		out += fmt.Sprintf(", added and removed without touching another line: %d of %d", r.OnlyMoved, r.Moves)
	}
	if r.Problems > 0 {
		out += fmt.Sprintf(", odd lines kept: %d", r.Problems)
	}
	for _, f := range r.Failures {
		out += "\n  FAILED " + f
	}
	return out
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// budget is how many bytes the edits of one file may cost. Small files get one
// edit at a time; in large ones several properties are edited together, and
// each still has to change its own line alone.
const budget = 16 << 20

// Check examines one file.
func Check(name string, src []byte) Report {
	r := Report{Name: name}
	doc, err := vobject.Parse(src)
	if err != nil {
		if !errors.As(err, &r.NotParsed) {
			r.fail("parse: %v", err)
		}
		return r
	}
	r.Problems = len(doc.Problems()) + doc.UnlistedProblems()
	out, err := doc.Edit().Bytes()
	if r.Unchanged = err == nil && bytes.Equal(out, src); !r.Unchanged {
		r.fail("writing without an edit changed the bytes")
		return r
	}
	edits := mappedEdits(doc)
	r.Edits = len(edits)
	rounds := max(1, budget/max(1, len(src)))
	size := max(1, (len(edits)+rounds-1)/rounds)
	for some := range slices.Chunk(edits, size) {
		r.checkEdits(doc, some)
		r.checkRemoval(doc, some)
	}
	r.checkAddition(doc)
	return r
}

func (r *Report) fail(format string, args ...any) {
	r.Failures = append(r.Failures, fmt.Sprintf(format, args...))
}

// checkEdits applies edits together and compares line by line.
func (r *Report) checkEdits(doc *vobject.Document, edits []edit) {
	e := doc.Edit()
	intended := map[int]edit{}
	for _, ed := range edits {
		ed.apply(e)
		intended[ed.index] = ed
	}
	again, err := e.Document()
	if err != nil {
		r.fail("line %d: edit: %v", edits[0].p.LineNumber(), err)
		return
	}
	before, after := doc.Lines(), again.Lines()
	if len(before) != len(after) {
		r.fail("line %d: edit made %d lines of %d", edits[0].p.LineNumber(), len(after), len(before))
		return
	}
	if !bytes.Equal(joined(again, after), again.Bytes()) {
		r.fail("line %d: the lines do not add up to the file", edits[0].p.LineNumber())
		return
	}
	others := true
	for i := range before {
		ed, touched := intended[i]
		if !touched {
			if !bytes.Equal(before[i].Source(), after[i].Source()) {
				others = false
				r.fail("line %d: changed although it was not edited", before[i].LineNumber())
			}
			continue
		}
		if !ed.holds(after[i]) {
			r.fail("line %d: %s does not read as it was set", before[i].LineNumber(), ed.p.Name())
			continue
		}
		r.ReadBack++
	}
	if others {
		r.OnlyLine += len(edits)
	}
}

// checkRemoval takes properties out and looks at what remains.
func (r *Report) checkRemoval(doc *vobject.Document, edits []edit) {
	e := doc.Edit()
	gone := map[int]bool{}
	for _, ed := range edits {
		e.Remove(ed.p)
		gone[ed.index] = true
	}
	var want [][]byte
	for i, l := range doc.Lines() {
		if !gone[i] {
			want = append(want, l.Source())
		}
	}
	r.Moves += len(edits)
	if r.checkRest(e, want, nil, edits[0].p.LineNumber()) {
		r.OnlyMoved += len(edits)
	}
}

// added is a property that no file has.
const added = "X-LOCKSTEP-CHECK"

// checkAddition adds a property to every component.
func (r *Report) checkAddition(doc *vobject.Document) {
	e := doc.Edit()
	count := 0
	for _, l := range doc.Lines() {
		if strings.EqualFold(l.Name(), "BEGIN") && l.Component().Exists() {
			e.Append(l.Component(), vobject.Text(added, addition))
			count++
		}
	}
	var want [][]byte
	for _, l := range doc.Lines() {
		want = append(want, l.Source())
	}
	r.Moves += count
	in := map[vobject.Component]bool{}
	isNew := func(p vobject.Property) bool {
		ok := p.Is(added) && clean(p.Text()) == clean(addition)
		if ok {
			in[p.Component()] = true
		}
		return ok
	}
	switch {
	case !r.checkRest(e, want, isNew, 1):
	case len(in) != count:
		r.fail("line 1: properties added to %d components are in %d", count, len(in))
	default:
		r.OnlyMoved += count
	}
}

// checkRest compares the lines that were not touched by an addition or a
// removal. Runs of empty lines may have been joined, and the last line may have
// been given its ending.
func (r *Report) checkRest(e *vobject.Edit, want [][]byte, isNew func(vobject.Property) bool, line int) bool {
	again, err := e.Document()
	if err != nil {
		if isNew == nil && len(want) == 0 {
			return true // nothing is left
		}
		r.fail("line %d: add or remove: %v", line, err)
		return false
	}
	var got []byte
	for _, l := range again.Lines() {
		if isNew == nil || !isNew(l) {
			got = append(got, l.Source()...)
		}
	}
	if !bytes.Equal(bytes.TrimRight(got, "\r\n"), bytes.TrimRight(slices.Concat(want...), "\r\n")) {
		r.fail("line %d: adding or removing properties changed other lines", line)
		return false
	}
	return true
}

// joined puts the sources of all lines together, with the mark before the
// first one.
func joined(doc *vobject.Document, lines []vobject.Property) []byte {
	var b bytes.Buffer
	if bytes.HasPrefix(doc.Bytes(), []byte("\ufeff")) {
		b.WriteString("\ufeff")
	}
	for _, l := range lines {
		b.Write(l.Source())
	}
	return b.Bytes()
}

// edit is a change of one mapped property and how to see that it was made.
type edit struct {
	index int // in Document.Lines
	p     vobject.Property
	apply func(*vobject.Edit)
	holds func(vobject.Property) bool
}

// mappedEdits makes an edit for every property that Lockstep maps.
func mappedEdits(doc *vobject.Document) []edit {
	var out []edit
	for i, p := range doc.Lines() {
		if !p.IsProperty() || !p.Component().Exists() {
			continue
		}
		if ed, ok := editOf(p); ok {
			ed.index, ed.p = i, p
			out = append(out, ed)
		}
	}
	return out
}

// addition has everything that needs escaping, encoding or folding.
const addition = " – edited; by, the \"check\" \\ ü 生活 👩‍👩‍👧\nsecond line, long enough that it has to be folded in any case"

func editOf(p vobject.Property) (edit, bool) {
	switch p.Name() {
	case "FN", "NOTE", "TITLE", "ROLE", "LABEL", "SUMMARY", "DESCRIPTION", "LOCATION", "COMMENT", "X-ABLABEL":
		return textEdit(p), true
	case "N", "ADR", "ORG":
		return fieldEdit(p), true
	case "CATEGORIES", "NICKNAME":
		return listEdit(p), true
	case "TEL", "EMAIL", "URL", "IMPP", "ATTACH":
		return rawEdit(p, "https://example.org/edited"), true
	case "BDAY", "ANNIVERSARY":
		return rawEdit(p, "19850412"), true
	case "DTSTART", "DTEND", "DUE", "COMPLETED", "EXDATE", "RDATE":
		return rawEdit(p, "20300102T030405"), true
	case "DURATION", "TRIGGER":
		return rawEdit(p, "-PT17M"), true
	case "RRULE":
		return rawEdit(p, "FREQ=DAILY;COUNT=17"), true
	case "STATUS", "TRANSP", "CLASS", "PRIORITY", "PERCENT-COMPLETE", "SEQUENCE", "ACTION":
		return rawEdit(p, "X-EDITED"), true
	case "ATTENDEE", "ORGANIZER":
		return paramEdit(p), true
	case "PHOTO":
		return photoEdit(p), true
	}
	return edit{}, false
}

func textEdit(p vobject.Property) edit {
	want := p.Text() + addition
	return edit{apply: func(e *vobject.Edit) { e.SetText(p, want) },
		holds: func(q vobject.Property) bool { return clean(q.Text()) == clean(want) }}
}

// clean is the text without what no value can hold.
func clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if r == '\r' {
			return '\n'
		}
		if r < ' ' && r != '\t' && r != '\n' || r == 0x7F {
			return -1
		}
		return r
	}, s)
}

func fieldEdit(p vobject.Property) edit {
	const want = "Edited; by, the check \\ ü"
	rest := p.Structured()[1:]
	return edit{apply: func(e *vobject.Edit) { e.SetField(p, 0, want) },
		holds: func(q vobject.Property) bool {
			return q.Field(0, "|") == want && fmt.Sprint(q.Structured()[1:]) == fmt.Sprint(rest)
		}}
}

func listEdit(p vobject.Property) edit {
	want := append(p.List(), "edited, by; the check")
	return edit{apply: func(e *vobject.Edit) { e.SetList(p, want) },
		holds: func(q vobject.Property) bool {
			return len(q.List()) == len(want) && q.List()[len(want)-1] == want[len(want)-1]
		}}
}

func rawEdit(p vobject.Property, want string) edit {
	return edit{apply: func(e *vobject.Edit) { e.SetRaw(p, want) },
		holds: func(q vobject.Property) bool { return q.Raw() == want }}
}

func paramEdit(p vobject.Property) edit {
	const want = "Edited: \"by\", the; check ^ ü"
	holds := func(q vobject.Property) bool {
		got := q.Param("CN")
		if d := p.Component().Dialect(); d == vobject.VCalendar10 || d == vobject.VCard21 {
			return strings.HasPrefix(got, "Edited")
		}
		return got == want && q.Raw() == p.Raw()
	}
	return edit{apply: func(e *vobject.Edit) { e.SetParam(p, "CN", want) }, holds: holds}
}

func photoEdit(p vobject.Property) edit {
	want := bytes.Repeat([]byte("\x89PNG edited "), 20)
	return edit{apply: func(e *vobject.Edit) { e.SetBinary(p, "image/png", want) },
		holds: func(q vobject.Property) bool {
			got, mediaType, ok := q.Binary()
			return ok && bytes.Equal(got, want) && mediaType == "image/png"
		}}
}
