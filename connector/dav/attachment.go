package dav

import (
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// Attachments by link (RFC 5545 section 3.8.1.1). Inline ones and parts of a
// mail (cid:) are no links; they stay in the object, unmapped.

// linkOf is the address of a linked document, or "".
func linkOf(p vobject.Property) string {
	if p.Param("ENCODING") != "" || strings.EqualFold(p.Param("VALUE"), "BINARY") {
		return ""
	}
	link := strings.TrimSpace(p.Raw())
	scheme, rest, found := strings.Cut(link, ":")
	switch scheme = strings.ToLower(scheme); {
	case !found || rest == "" || strings.ContainsAny(scheme, "/?#"): // relative to a place that only its server knows
		return ""
	case scheme == "cid" || scheme == "data":
		return ""
	}
	return withoutControls(link)
}

// fileNames are the parameters that name an attachment: RFC 8607 section 4.2,
// and what programs wrote before it.
func fileNames() []string { return []string{"FILENAME", "X-FILENAME", "X-APPLE-FILENAME"} }

// fileName is an attachment's name and the parameter that has it.
func fileName(p vobject.Property) (name, param string) {
	for _, param := range fileNames() {
		if name := p.Param(param); name != "" {
			return withoutControls(name), param
		}
	}
	return "", fileNames()[0]
}

func attachment(p vobject.Property) model.Element {
	e := model.Element{Key: linkOf(p)}
	e.Text, _ = fileName(p)
	if t := p.Param("FMTTYPE"); t != "" {
		e.Attr = map[string]string{"type": t}
	}
	return e
}

func readAttachments(main vobject.Component) []model.Element {
	var set []model.Element
	for _, p := range main.All("ATTACH") {
		set = append(set, attachment(p))
	}
	return set
}

// attachments brings the links to the wanted ones; those that stay keep their
// bytes.
func (w *calendarEdit) attachments() {
	want := model.Keyed(w.want.Set("attachments"))
	done := map[string]bool{}
	for _, p := range w.main.All("ATTACH") {
		had := attachment(p)
		e, wanted := want[had.Key]
		switch {
		case had.Key == "":
			// Not a link, so it stays.
		case !wanted:
			w.edit.Remove(p)
		case !done[had.Key]:
			done[had.Key] = true
			if had.Text != e.Text {
				_, param := fileName(p)
				w.edit.SetParam(p, param, oneOrNone(e.Text)...)
			}
			if had.Attr["type"] != e.Attr["type"] {
				w.edit.SetParam(p, "FMTTYPE", oneOrNone(e.Attr["type"])...)
			}
		}
	}
	for _, e := range w.want.Set("attachments") {
		if !done[e.Key] {
			done[e.Key] = true
			w.edit.Append(w.main, attachLine(e))
		}
	}
}

func attachLine(e model.Element) vobject.Line {
	l := vobject.Raw("ATTACH", e.Key)
	if t := e.Attr["type"]; t != "" {
		l = l.With("FMTTYPE", t)
	}
	if e.Text != "" {
		l = l.With("FILENAME", e.Text)
	}
	return l
}
