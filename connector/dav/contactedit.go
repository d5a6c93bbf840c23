package dav

import (
	"encoding/base64"
	"slices"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// cardEdit writes changed fields into a card; every other byte stays.
type cardEdit struct {
	card      vobject.Component
	edit      *vobject.Edit
	want      model.Content
	groups    map[string][]vobject.Property // by name in lower case; nil before they are asked for
	lastGroup int                           // number of the last one this edit took
}

func editContact(card vobject.Component, edit *vobject.Edit, want model.Content, changed []string) {
	w := &cardEdit{card: card, edit: edit, want: want}
	if slices.ContainsFunc(changed, func(f string) bool { return f == "full_name" || slices.Contains(nameParts(), f) }) {
		w.name(changed)
	}
	if slices.Contains(changed, "organization") || slices.Contains(changed, "department") {
		w.organization(changed)
	}
	for _, field := range changed {
		switch field {
		case "nickname":
			w.nickname()
		case "job_title":
			w.text("TITLE", want.Text(field))
		case "notes":
			w.text("NOTE", want.Text(field))
		case "birthday":
			w.birthday()
		case "photo":
			w.photo()
		case "categories":
			editCategories(card, edit, want.Set(field))
		}
	}
	for _, m := range contactSets() {
		if slices.Contains(changed, m.field) {
			w.set(m)
		}
	}
}

// text sets, adds or removes a property with one text.
func (w *cardEdit) text(property, text string) { setText(w.card, w.edit, property, text) }

// setText changes the first of several properties of one name (translations
// under one ALTID, for example), which is the one that is read; removing takes
// all, or another would appear in its place.

func setText(c vobject.Component, edit *vobject.Edit, property, text string) {
	p := c.First(property)
	switch {
	case text == "":
		removeEvery(c, edit, property)
	case p.Exists():
		edit.SetText(p, text)
	default:
		edit.Append(c, vobject.Text(property, text))
	}
}

func removeEvery(c vobject.Component, edit *vobject.Edit, property string) {
	for _, p := range c.All(property) {
		edit.Remove(p)
	}
}

// name writes FN and N. Both are mandatory in vCard 3.0 (RFC 2426 section 3.1),
// so a name that is taken away leaves FN with what else names the person.
func (w *cardEdit) name(changed []string) {
	if slices.Contains(changed, "full_name") {
		w.text("FN", displayName(w.want))
	}
	n := w.card.First("N")
	if !n.Exists() {
		if hasName(w.want) {
			fields := make([][]string, 0, len(nameParts()))
			for _, part := range nameParts() {
				fields = append(fields, oneOrNone(w.want.Text(part)))
			}
			w.edit.Append(w.card, vobject.Structured("N", fields...))
		}
		return
	}
	fields := n.Structured()
	for i, part := range nameParts() {
		for len(fields) <= i {
			fields = append(fields, nil)
		}
		if slices.Contains(changed, part) && strings.Join(fields[i], " ") != w.want.Text(part) {
			fields[i] = oneOrNone(w.want.Text(part))
		}
	}
	w.edit.SetStructured(n, fields)
}

func hasName(c model.Content) bool {
	return slices.ContainsFunc(nameParts(), func(f string) bool { return c.Text(f) != "" })
}

// displayName is what to show for a person.
func displayName(c model.Content) string {
	if t := c.Text("full_name"); t != "" {
		return t
	}
	var parts []string
	for _, f := range []string{"prefix", "given_name", "middle_name", "family_name", "suffix"} {
		if t := c.Text(f); t != "" {
			parts = append(parts, t)
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, " ")
	}
	for _, f := range []string{"organization", "nickname"} {
		if t := c.Text(f); t != "" {
			return t
		}
	}
	if emails := c.Set("emails"); len(emails) > 0 {
		return emails[0].Text
	}
	return "-"
}

func oneOrNone(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func (w *cardEdit) nickname() {
	p := w.card.First("NICKNAME")
	want := w.want.Text("nickname")
	switch {
	case want == "":
		removeEvery(w.card, w.edit, "NICKNAME")
	case p.Exists():
		if strings.Join(p.List(), ", ") != want {
			w.edit.SetList(p, []string{want})
		}
	default:
		w.edit.Append(w.card, vobject.List("NICKNAME", want))
	}
}

func (w *cardEdit) organization(changed []string) {
	p := w.card.First("ORG")
	company, unit := w.want.Text("organization"), w.want.Text("department")
	if !p.Exists() {
		if company != "" || unit != "" {
			w.edit.Append(w.card, orgLine(company, unit))
		}
		return
	}
	fields := p.Structured()
	if len(fields) == 0 {
		fields = [][]string{nil}
	}
	if slices.Contains(changed, "organization") && strings.Join(fields[0], " ") != company {
		fields[0] = oneOrNone(company)
	}
	if slices.Contains(changed, "department") && department(p.Structured()) != unit {
		for i := 1; i < len(fields); i++ {
			fields[i] = nil
		}
		if len(fields) < 2 {
			fields = append(fields, nil)
		}
		fields[1] = oneOrNone(unit)
	}
	if !slices.ContainsFunc(fields, func(f []string) bool { return len(f) > 0 }) {
		removeEvery(w.card, w.edit, "ORG")
		return
	}
	w.edit.SetStructured(p, fields)
}

func orgLine(company, unit string) vobject.Line {
	if unit == "" {
		return vobject.Structured("ORG", oneOrNone(company))
	}
	return vobject.Structured("ORG", oneOrNone(company), oneOrNone(unit))
}

// birthday without a year is written the way each version has it: --0412 in
// vCard 4.0 (RFC 6350 section 6.2.5), in 3.0 as Apple does.
func (w *cardEdit) birthday() {
	p := w.card.First("BDAY")
	if p.Exists() && birthday(p) == w.want.Text("birthday") {
		return
	}
	d, err := vobject.ParseDate(w.want.Text("birthday"))
	if err != nil || d.Month == 0 || d.Day == 0 {
		removeEvery(w.card, w.edit, "BDAY")
		return
	}
	line := vobject.Raw("BDAY", isoDate(d))
	switch {
	case w.card.Dialect() == vobject.VCard40:
		line = vobject.Raw("BDAY", d.String())
	case d.Year == 0:
		d.Year = appleNoYear
		line = vobject.Raw("BDAY", isoDate(d)).With("X-APPLE-OMIT-YEAR", "1604")
	}
	if p.Exists() {
		w.edit.Replace(p, line.In(p.Group()))
		return
	}
	w.edit.Append(w.card, line)
}

// appleNoYear is the year that Apple's programs write when they mean none; it
// is a leap year.
const appleNoYear = 1604

func (w *cardEdit) photo() {
	p, want := w.card.First("PHOTO"), w.want.Text("photo")
	if photo(p) == want {
		return
	}
	if want == "" {
		removeEvery(w.card, w.edit, "PHOTO")
		return
	}
	line := vobject.Raw("PHOTO", want).With("VALUE", "uri")
	mediaType, data, isData := dataURI(want)
	if isData {
		line = vobject.Binary("PHOTO", mediaType, data)
	}
	switch {
	case !p.Exists():
		w.edit.Append(w.card, line)
	default:
		w.edit.Replace(p, line.In(p.Group()))
	}
}

// dataURI reads data:image/png;base64,... (RFC 2397).
func dataURI(text string) (mediaType string, data []byte, ok bool) {
	rest, found := strings.CutPrefix(text, "data:")
	head, body, comma := strings.Cut(rest, ",")
	mediaType, isBase64 := strings.CutSuffix(head, ";base64")
	if !found || !comma || !isBase64 {
		return "", nil, false
	}
	data, err := base64.StdEncoding.DecodeString(body)
	return mediaType, data, err == nil && len(data) > 0
}

// editCategories changes the labels of a card, event or task. Existing lists
// keep what stays; new ones go into the first.
func editCategories(c vobject.Component, edit *vobject.Edit, want []model.Element) {
	missing := model.Keyed(want)
	var first vobject.Property
	var firstList []string
	for _, p := range c.All("CATEGORIES") {
		var keep []string
		for _, text := range p.List() {
			key := model.FoldText(text)
			if e, wanted := missing[key]; wanted { // and not named before
				delete(missing, key)
				keep = append(keep, e.Text)
			}
		}
		switch {
		case !first.Exists():
			first, firstList = p, keep
		case len(keep) == 0:
			edit.Remove(p)
		default:
			edit.SetList(p, keep)
		}
	}
	for _, e := range want {
		if _, still := missing[e.Key]; still {
			firstList = append(firstList, e.Text)
		}
	}
	switch {
	case len(firstList) == 0 && first.Exists():
		edit.Remove(first)
	case len(firstList) == 0:
	case first.Exists():
		edit.SetList(first, firstList)
	default:
		edit.Append(c, vobject.List("CATEGORIES", firstList...))
	}
}
