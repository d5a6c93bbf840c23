package dav

import (
	"slices"
	"strconv"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// set brings a repeated property to the wanted elements: those that say the
// same keep their bytes, those that are gone go with their label, new ones are
// added at the end.
func (w *cardEdit) set(m contactSet) {
	want := model.Keyed(w.want.Set(m.field))
	labels := labelsOf(w.card.All("X-ABLABEL"))
	every := w.card.All(m.property)
	all := distinct(every)
	best := preferredOf(all)
	w.demote(m, all, best)
	done := map[string]bool{}
	gone := map[string]bool{} // ALTIDs
	for i, p := range all {
		had := m.element(p, labels, i == best)
		e, wanted := want[had.Key]
		switch {
		case had.Key == "":
			// Not mapped, so it stays.
		case !wanted:
			w.remove(p)
			gone[p.Param("ALTID")] = true
		case !done[had.Key]:
			done[had.Key] = true
			w.change(m, p, had, e)
		}
	}
	for _, p := range every {
		if id := p.Param("ALTID"); id != "" && gone[id] {
			w.remove(p)
		}
	}
	for _, e := range w.want.Set(m.field) {
		if !done[e.Key] {
			done[e.Key] = true
			w.add(m, e)
		}
	}
}

// demote takes the mark off those that would become the preferred one by
// themselves when another one ceases to be it.
func (w *cardEdit) demote(m contactSet, all []vobject.Property, best int) {
	at := slices.IndexFunc(w.want.Set(m.field), func(e model.Element) bool { return e.Attr["preferred"] != "" })
	if best < 0 || m.structured || at >= 0 && (w.card.Dialect() == vobject.VCard40 || w.want.Set(m.field)[at].Key == m.element(all[best], nil, true).Key) {
		return // a new PREF=1 comes before any other number
	}
	for _, p := range all {
		switch {
		case p.Param("PREF") != "":
			w.edit.SetParam(p, "PREF")
		case p.HasParam("TYPE", "pref"):
			w.edit.SetParam(p, "TYPE", slices.DeleteFunc(p.Types(), func(t string) bool { return t == "pref" })...)
		}
	}
}

// remove takes a property out together with its label, if the group holds
// nothing else.
func (w *cardEdit) remove(p vobject.Property) {
	w.edit.Remove(p)
	if p.Group() == "" {
		return
	}
	rest := w.group(p.Group())
	for _, o := range rest {
		if !o.Is(p.Name()) && !strings.HasPrefix(o.Name(), "X-AB") {
			return
		}
	}
	for _, o := range rest {
		if !o.Is(p.Name()) {
			w.edit.Remove(o)
		}
	}
}

// change brings one property from what it says to what it shall say.
func (w *cardEdit) change(m contactSet, p vobject.Property, had, want model.Element) {
	if had.Equal(want) {
		return
	}
	labelled := had.Attr["label"] != want.Attr["label"]
	if labelled && p.Group() == "" && want.Attr["label"] != "" {
		// A label needs a group, and that stands before the name.
		group := w.freeGroup()
		line := m.line(w.card.Dialect(), want)
		for _, q := range p.Params() {
			if q.Name != "TYPE" && q.Name != "PREF" && q.Name != "ENCODING" && q.Name != "CHARSET" && q.Name != "VALUE" {
				line = line.With(q.Name, q.Values...)
			}
		}
		w.edit.Replace(p, line.In(group))
		w.edit.InsertAfter(p, vobject.Text("X-ABLabel", want.Attr["label"]).In(group))
		return
	}
	if had.Text != want.Text {
		w.edit.SetText(p, want.Text)
	}
	if m.structured {
		w.edit.SetStructured(p, addressFields(p, want))
		if label := p.Param("LABEL"); label != "" {
			w.edit.SetParam(p, "LABEL", oneOrNone(deliveryLabel(label, had.Attr, want.Attr))...)
		}
	}
	if had.Attr["type"] != want.Attr["type"] || had.Attr["preferred"] != want.Attr["preferred"] {
		m.setType(w.edit, p, want)
		labelled = true // one of Apple's fixed labels may say the old type
	}
	if labelled {
		w.relabel(p, want)
	}
}

// addressFields are the seven components, those unchanged as the card has them.
func addressFields(p vobject.Property, want model.Element) [][]string {
	fields := p.Structured()
	for i, part := range addressParts() {
		for len(fields) <= i {
			fields = append(fields, nil)
		}
		if strings.Join(fields[i], "\n") != want.Attr[part] {
			fields[i] = oneOrNone(want.Attr[part])
		}
	}
	return fields
}

// deliveryLabel is the address as it stands on an envelope (RFC 6350 section
// 6.3.1) after its parts have changed. Some programs show it instead of the
// parts, so one that cannot follow them goes.
func deliveryLabel(label string, had, want map[string]string) string {
	for _, part := range addressParts() {
		switch old, now := had[part], want[part]; {
		case old == now:
		case old != "" && now != "" && strings.Contains(label, old):
			label = strings.Replace(label, old, now, 1)
		default:
			return ""
		}
	}
	return label
}

// setType replaces what TYPE and PREF say of our types; other words in TYPE
// (INTERNET, VOICE) stay.
func (m contactSet) setType(edit *vobject.Edit, p vobject.Property, want model.Element) {
	version4 := p.Component().Dialect() == vobject.VCard40
	var types []string
	for _, t := range p.Types() {
		if !m.knows(plainType(t)) && t != "pref" {
			types = append(types, t)
		}
	}
	if t := want.Attr["type"]; t != "" {
		types = append(types, t)
	}
	preferred := want.Attr["preferred"] != ""
	if preferred && !version4 {
		types = append(types, "pref")
	}
	edit.SetParam(p, "TYPE", types...)
	switch {
	case version4 && preferred:
		edit.SetParam(p, "PREF", "1")
	case p.Param("PREF") != "" && !preferred:
		edit.SetParam(p, "PREF")
	}
}

// relabel sets, adds or removes the label of a property in a group.
func (w *cardEdit) relabel(p vobject.Property, want model.Element) {
	label := want.Attr["label"]
	for _, o := range w.group(p.Group()) {
		if !o.Is("X-ABLABEL") {
			continue
		}
		if label == "" {
			w.edit.Remove(o)
		} else {
			w.edit.SetText(o, label)
		}
		return
	}
	if label != "" {
		w.edit.InsertAfter(p, vobject.Text("X-ABLabel", label).In(p.Group()))
	}
}

func (w *cardEdit) add(m contactSet, e model.Element) {
	line := m.line(w.card.Dialect(), e)
	if e.Attr["label"] == "" || m.types == nil {
		w.edit.Append(w.card, line)
		return
	}
	group := w.freeGroup()
	w.edit.Append(w.card, line.In(group), vobject.Text("X-ABLabel", e.Attr["label"]).In(group))
}

// line writes an element as a new property.
func (m contactSet) line(d vobject.Dialect, e model.Element) vobject.Line {
	line := vobject.Text(m.property, e.Text)
	switch {
	case m.structured:
		var fields [][]string
		for _, part := range addressParts() {
			fields = append(fields, oneOrNone(e.Attr[part]))
		}
		line = vobject.Structured(m.property, fields...)
	case m.field == "urls" && d == vobject.VCard40:
		// A URI is not escaped (RFC 6350 section 6.7.8). Of one in vCard 3.0,
		// Radicale 3.1 drops what follows a comma that is not.
		line = vobject.Raw(m.property, e.Text)
	}
	if m.types == nil {
		return line
	}
	var types []string
	if m.field == "emails" && d != vobject.VCard40 {
		types = append(types, "INTERNET") // RFC 2426 section 3.3.2
	}
	if t := e.Attr["type"]; t != "" {
		types = append(types, t)
	}
	preferred := e.Attr["preferred"] != "" && !m.structured
	if preferred && d != vobject.VCard40 {
		types = append(types, "pref")
	}
	if len(types) > 0 {
		line = line.With("TYPE", types...)
	}
	if preferred && d == vobject.VCard40 {
		line = line.With("PREF", "1")
	}
	return line
}

// group returns the properties of a group.
func (w *cardEdit) group(name string) []vobject.Property {
	w.findGroups()
	return w.groups[strings.ToLower(name)]
}

func (w *cardEdit) findGroups() {
	if w.groups != nil {
		return
	}
	w.groups = map[string][]vobject.Property{}
	for _, p := range w.card.Properties() {
		if g := p.Group(); g != "" {
			w.groups[strings.ToLower(g)] = append(w.groups[strings.ToLower(g)], p)
		}
	}
}

// freeGroup returns a group that neither the card nor this edit uses.
func (w *cardEdit) freeGroup() string {
	w.findGroups()
	for {
		w.lastGroup++
		name := "item" + strconv.Itoa(w.lastGroup)
		if _, used := w.groups[name]; !used {
			return name
		}
	}
}
