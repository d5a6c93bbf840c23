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
			c.PutText(field, text)
		}
	}
	put("full_name", card.First("FN").Text())
	n := card.First("N")
	for i, field := range nameParts() {
		put(field, n.Field(i, " "))
	}
	put("nickname", strings.Join(card.First("NICKNAME").List(), ", "))
	put("organization", card.First("ORG").Field(0, " "))
	put("department", department(card.First("ORG")))
	put("job_title", card.First("TITLE").Text())
	put("birthday", birthday(card.First("BDAY")))
	put("notes", card.First("NOTE").Text())
	put("photo", photo(card.First("PHOTO")))
	labels := labelsOf(card)
	for _, m := range contactSets() {
		var set []model.Element
		best := preferredOf(card.All(m.property))
		for i, p := range card.All(m.property) {
			set = append(set, m.element(p, labels, i == best))
		}
		c.PutSet(m.field, set)
	}
	c.PutSet("categories", readCategories(card))
	return c
}

// department is the units below the organisation (RFC 6350 section 6.6.4).
func department(org vobject.Property) string {
	var units []string
	fields := org.Structured()
	for i := 1; i < len(fields); i++ {
		if unit := strings.Join(fields[i], " "); unit != "" {
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

func readCategories(c vobject.Component) []model.Element {
	var set []model.Element
	for _, p := range c.All("CATEGORIES") {
		for _, text := range p.List() {
			set = append(set, model.Element{Key: model.FoldText(text), Text: text})
		}
	}
	return set
}

// contactSet maps one repeated property to a set field.
type contactSet struct {
	field, property string
	types           []string // what the field's type may be, by rank
	key             func(p vobject.Property) (key, text string)
	structured      bool
}

func contactSets() []contactSet {
	return []contactSet{
		{field: "emails", property: "EMAIL", types: []string{"home", "work", "other"}, key: emailKey},
		{field: "phones", property: "TEL", types: []string{"fax", "cell", "home", "work", "other"}, key: phoneKey},
		{field: "addresses", property: "ADR", types: []string{"home", "work", "other"}, key: addressKey, structured: true},
		{field: "urls", property: "URL", key: urlKey},
	}
}

func emailKey(p vobject.Property) (key, text string) {
	text = strings.TrimSpace(p.Text())
	if len(text) > 7 && strings.EqualFold(text[:7], "mailto:") {
		text = text[7:]
	}
	return model.FoldAddress(text), text
}

// phoneKey also reads the tel: URIs of vCard 4.0 (RFC 6350 section 6.4.1).
func phoneKey(p vobject.Property) (key, text string) {
	text = strings.TrimSpace(p.Text())
	if len(text) > 4 && strings.EqualFold(text[:4], "tel:") {
		text = text[4:]
	}
	return foldPhone(text), text
}

// foldPhone keeps the digits and a leading plus; a number in words is compared
// as a text.
func foldPhone(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= '0' && r <= '9' || r == '+' && b.Len() == 0 {
			b.WriteRune(r)
		}
	}
	if strings.Trim(b.String(), "+") == "" {
		return model.FoldText(text)
	}
	return b.String()
}

func urlKey(p vobject.Property) (key, text string) {
	text = strings.TrimSpace(p.Text())
	return text, text
}

func addressKey(p vobject.Property) (key, text string) {
	return foldPostal(addressOf(p)), ""
}

func foldPostal(attr map[string]string) string {
	if key := model.FoldText(attr["street"] + " " + attr["postal_code"] + " " + attr["city"]); key != "" {
		return key
	}
	return model.FoldText(attr["po_box"] + " " + attr["extended"] + " " + attr["region"] + " " + attr["country"])
}

func addressOf(p vobject.Property) map[string]string {
	out := map[string]string{}
	for i, part := range addressParts() {
		if text := p.Field(i, "\n"); strings.TrimSpace(text) != "" {
			out[part] = text
		}
	}
	return out
}

// element reads one property.
func (m contactSet) element(p vobject.Property, labels map[string]string, preferred bool) model.Element {
	e := model.Element{Attr: map[string]string{}}
	e.Key, e.Text = m.key(p)
	if m.structured {
		e.Attr = addressOf(p)
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
func labelsOf(card vobject.Component) map[string]string {
	out := map[string]string{}
	for _, p := range card.All("X-ABLABEL") {
		if g := strings.ToLower(p.Group()); g != "" {
			if _, ok := out[g]; !ok {
				out[g] = p.Text()
			}
		}
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
