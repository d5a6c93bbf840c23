package dav

import (
	"encoding/base64"
	"strconv"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// Contacts: vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350) to canonical fields.
// contactedit.go goes the other way.

// nameParts are the components of N in order (RFC 6350 section 6.2.2).
func nameParts() []string {
	return []string{"family_name", "given_name", "middle_name", "prefix", "suffix"}
}

// addressParts are the components of ADR in order (RFC 6350 section 6.3.1).
func addressParts() []string {
	return []string{"po_box", "extended", "street", "city", "region", "postal_code", "country"}
}

func readContact(card vobject.Component) model.Content {
	c := model.Content{}
	put := func(field, text string) {
		if strings.TrimSpace(text) != "" {
			c.PutText(field, withoutControls(text))
		}
	}
	by := byName(card)
	put("full_name", by.first("FN").Text())
	name := by.first("N").Structured()
	for i, field := range nameParts() {
		put(field, part(name, i, " "))
	}
	put("nickname", strings.Join(by.first("NICKNAME").List(), ", "))
	company := by.first("ORG").Structured()
	put("organization", part(company, 0, " "))
	put("department", department(company))
	put("job_title", by.first("TITLE").Text())
	put("birthday", birthday(by.first("BDAY")))
	put("notes", by.first("NOTE").Text())
	put("photo", photo(by.first("PHOTO")))
	labels := labelsOf(by["X-ABLABEL"])
	for _, m := range contactSets() {
		var set []model.Element
		all := distinct(by[m.property])
		best := preferredOf(all)
		for i, p := range all {
			set = append(set, m.element(p, labels, i == best))
		}
		c.PutSet(m.field, set)
	}
	c.PutSet("categories", categoriesOf(by["CATEGORIES"]))
	return c
}

// properties are a component's own, by name.
type properties map[string][]vobject.Property

func byName(c vobject.Component) properties {
	out := properties{}
	for _, p := range c.Properties() {
		n := p.Name()
		out[n] = append(out[n], p)
	}
	return out
}

func (ps properties) first(name string) vobject.Property {
	if all := ps[name]; len(all) > 0 {
		return all[0]
	}
	return vobject.Property{}
}

// part is one component of a structured value as one text.
func part(fields [][]string, i int, separator string) string {
	if i >= len(fields) {
		return ""
	}
	return strings.Join(fields[i], separator)
}

// department is the units below the organisation (RFC 6350 section 6.6.4).
func department(org [][]string) string {
	var units []string
	for i := 1; i < len(org); i++ {
		if unit := part(org, i, " "); unit != "" {
			units = append(units, unit)
		}
	}
	return strings.Join(units, ", ")
}

func birthday(p vobject.Property) string {
	if !p.Exists() {
		return ""
	}
	d, err := p.Date()
	switch {
	case err != nil || d.Month == 0 || d.Day == 0:
		return "" // a year alone or free text stays in the card, unmapped
	case d.Year == 0:
		return "--" + twoDigits(d.Month) + "-" + twoDigits(d.Day)
	}
	return isoDate(d)
}

func isoDate(d vobject.Date) string {
	year := strconv.Itoa(d.Year)
	return strings.Repeat("0", max(4-len(year), 0)) + year + "-" + twoDigits(d.Month) + "-" + twoDigits(d.Day)
}

func twoDigits(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// photo is a data: URI or a link.
func photo(p vobject.Property) string {
	if !p.Exists() {
		return ""
	}
	if data, mediaType, ok := p.Binary(); ok && len(data) > 0 {
		if mediaType == "" {
			mediaType = "image/jpeg"
		}
		return "data:" + strings.ToLower(mediaType) + ";base64," + base64.StdEncoding.EncodeToString(data)
	}
	return strings.TrimSpace(p.Raw())
}

func readCategories(c vobject.Component) []model.Element { return categoriesOf(c.All("CATEGORIES")) }

func categoriesOf(all []vobject.Property) []model.Element {
	var set []model.Element
	for _, p := range all {
		for _, text := range p.List() {
			text = withoutControls(text)
			set = append(set, model.Element{Key: model.FoldText(text), Text: text})
		}
	}
	return set
}

// contactSet maps one repeated property to a set field.
type contactSet struct {
	field, property string
	types           []string                                    // what the field's type may be, by rank
	key             func(p vobject.Property) (key, text string) // nil: structured
	structured      bool
}

func contactSets() []contactSet {
	return []contactSet{
		{field: "emails", property: "EMAIL", types: []string{"home", "work", "other"}, key: emailKey},
		{field: "phones", property: "TEL", types: []string{"fax", "cell", "home", "work", "other"}, key: phoneKey},
		{field: "addresses", property: "ADR", types: []string{"home", "work", "other"}, structured: true},
		{field: "urls", property: "URL", key: urlKey},
	}
}

func emailKey(p vobject.Property) (key, text string) {
	text = strings.TrimSpace(plainText(p))
	if len(text) > 7 && strings.EqualFold(text[:7], "mailto:") {
		text = text[7:]
	}
	return model.FoldAddress(text), text
}

// phoneKey also reads the tel: URIs of vCard 4.0 (RFC 6350 section 6.4.1).
func phoneKey(p vobject.Property) (key, text string) {
	text = strings.TrimSpace(plainText(p))
	if len(text) > 4 && strings.EqualFold(text[:4], "tel:") {
		text = text[4:]
	}
	return model.PhoneKey(text), text
}

func urlKey(p vobject.Property) (key, text string) {
	text = strings.TrimSpace(plainText(p))
	return text, text
}

func addressOf(p vobject.Property) map[string]string {
	out := map[string]string{}
	fields := p.Structured()
	for i, name := range addressParts() {
		if text := part(fields, i, "\n"); strings.TrimSpace(text) != "" {
			out[name] = withoutControls(text)
		}
	}
	return out
}

// element reads one property.
func (m contactSet) element(p vobject.Property, labels map[string]string, preferred bool) model.Element {
	e := model.Element{Attr: map[string]string{}}
	if m.structured {
		e.Attr = addressOf(p)
		e.Key = model.AddressKey(e.Attr)
	} else {
		e.Key, e.Text = m.key(p)
	}
	set := func(attr, value string) {
		if value != "" {
			e.Attr[attr] = value
		}
	}
	kind, label := m.typeOf(p, labels)
	if m.types != nil {
		set("type", kind)
		set("label", label)
		if preferred && !m.structured {
			set("preferred", "1")
		}
	}
	if len(e.Attr) == 0 {
		e.Attr = nil
	}
	return e
}

// typeOf reads the TYPE parameter and Apple's label (a property X-ABLabel in
// the same group, whose predefined values look like _$!<Home>!$_).
func (m contactSet) typeOf(p vobject.Property, labels map[string]string) (kind, label string) {
	written := p.Types()
	label = labels[strings.ToLower(p.Group())]
	if fixed, ok := strings.CutPrefix(label, "_$!<"); ok {
		label = strings.TrimSuffix(fixed, ">!$_")
		if word := plainType(strings.ToLower(label)); m.knows(word) {
			written, label = append(written, word), ""
		}
	}
	for _, t := range m.types {
		for _, w := range written {
			if plainType(w) == t {
				return t, label
			}
		}
	}
	return "", label
}

func (m contactSet) knows(word string) bool {
	for _, t := range m.types {
		if t == word {
			return true
		}
	}
	return false
}

func plainType(word string) string {
	switch word {
	case "mobile", "iphone":
		return "cell"
	}
	return word
}

// labelsOf finds the labels of groups.
func labelsOf(all []vobject.Property) map[string]string {
	out := map[string]string{}
	for _, p := range all {
		if g := strings.ToLower(p.Group()); g != "" {
			if _, ok := out[g]; !ok {
				out[g] = plainText(p)
			}
		}
	}
	return out
}

// distinct leaves out further representations of what is there already: the same
// address in another language, under the same ALTID (RFC 6350 section 5.4).
func distinct(all []vobject.Property) []vobject.Property {
	var out []vobject.Property
	seen := map[string]bool{}
	for _, p := range all {
		id := p.Param("ALTID")
		if id == "" || !seen[id] {
			out = append(out, p)
		}
		seen[id] = true
	}
	return out
}

// preferredOf returns the index of the preferred property, or -1: PREF with the
// lowest number in vCard 4.0 (RFC 6350 section 5.3), TYPE=pref before.
func preferredOf(all []vobject.Property) int {
	best, rank := -1, 101
	for i, p := range all {
		n := 101
		if v, err := strconv.Atoi(p.Param("PREF")); err == nil && v >= 1 {
			n = v
		} else if p.HasParam("TYPE", "pref") {
			n = 1
		}
		if n < rank {
			best, rank = i, n
		}
	}
	return best
}
