package sqlcrm

import (
	"cmp"
	"slices"
	"strings"

	"lockstep.dev/model"
)

// elements reads a set: from the item's own row and from its side table.
func (f field) elements(name string, r *row) []model.Element {
	var out []model.Element
	for _, s := range f.Columns {
		if e, ok := s.element(name, r); ok {
			out = append(out, e)
		}
	}
	for _, sr := range r.rows[name] {
		attributes := map[string]string{}
		for a, v := range sr.attributes {
			v, _ = f.Rows.Values[a].meaning(v) // an unlisted value means nothing
			putAttribute(attributes, a, v)
		}
		out = append(out, element(name, sr.column, sr.text, attributes))
	}
	return out
}

// element reads what stands in a slot, if anything does.
func (s slot) element(name string, r *row) (model.Element, bool) {
	attributes := map[string]string{}
	for a, column := range s.Attributes {
		putAttribute(attributes, a, r.text(column))
	}
	filled := r.text(s.Column) != "" || s.Column == "" && slices.ContainsFunc(placeParts(), func(a string) bool { return attributes[a] != "" })
	if !filled {
		return model.Element{}, false
	}
	for a, v := range s.Fixed {
		attributes[a] = v
	}
	return element(name, r.text(s.Column), "", attributes), true
}

func putAttribute(to map[string]string, name, value string) {
	if name == "preferred" {
		if truth(value) {
			to[name] = "1"
		}
		return
	}
	if value != "" {
		to[name] = value
	}
}

// placeParts are the attributes that make a postal address one.
func placeParts() []string {
	return []string{"street", "city", "postal_code", "region", "country", "po_box", "extended"}
}

// element builds an element with the key that model.Fields declares for the
// field.
func element(name, value, text string, attributes map[string]string) model.Element {
	e := model.Element{Text: strings.TrimSpace(value)}
	switch name {
	case "emails":
		e.Key = model.FoldAddress(value)
	case "attendees":
		e.Key, e.Text = model.FoldAddress(value), text
	case "attachments":
		e.Key, e.Text = e.Text, text
	case "phones":
		e.Key = model.PhoneKey(value)
	case "addresses":
		e.Key, e.Text = model.AddressKey(attributes), ""
	default:
		e.Key = e.Text
	}
	if len(attributes) > 0 {
		e.Attr = attributes
	}
	return e
}

// value is what stands in an element's main column.
func value(name string, e model.Element) string {
	if name == "attendees" || name == "attachments" || e.Text == "" {
		return e.Key
	}
	return e.Text
}

// place puts the elements of a set into the slots of the item's own row and
// returns those for the side table. The preferred element comes first, then
// what stands there already, so that nothing moves without need.
func (f field) place(name string, set []model.Element, current *row, columns map[string]stored) ([]model.Element, error) {
	rest := slices.Clone(set)
	here := map[string]bool{}
	if current != nil {
		for _, s := range f.Columns {
			if e, ok := s.element(name, current); ok {
				here[e.Key] = true
			}
		}
	}
	rank := func(e model.Element) int {
		switch {
		case e.Attr["preferred"] != "":
			return 0
		case here[e.Key]:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(rest, func(a, b model.Element) int { return cmp.Compare(rank(a), rank(b)) })
	for _, s := range f.Columns {
		i := slices.IndexFunc(rest, func(e model.Element) bool { return s.fits(e, false) })
		if i < 0 && f.Rows == nil {
			i = slices.IndexFunc(rest, func(e model.Element) bool { return s.fits(e, true) })
		}
		if i < 0 {
			s.fill(name, nil, columns)
			continue
		}
		s.fill(name, &rest[i], columns)
		rest = slices.Delete(rest, i, i+1)
	}
	if len(rest) > 0 && f.Rows == nil {
		return nil, refused("it has %d entries in %s, and the CRM's columns have no room for %d of them", len(set), name, len(rest))
	}
	return rest, nil
}

// fits reports whether a slot has room for an element; loosely: although the
// slot cannot say all of its attributes.
func (s slot) fits(e model.Element, loosely bool) bool {
	for a, v := range s.Fixed {
		if e.Attr[a] != v && !(loosely && e.Attr[a] == "") {
			return false
		}
	}
	for a, v := range e.Attr {
		_, has := s.Attributes[a]
		if v != "" && !has && s.Fixed[a] != v && !loosely {
			return false
		}
	}
	return true
}

// fill writes an element, or nothing, into a slot's columns.
func (s slot) fill(name string, e *model.Element, columns map[string]stored) {
	if s.Column != "" {
		columns[s.Column] = nil
		if e != nil {
			v := value(name, *e)
			columns[s.Column] = &v
		}
	}
	for a, column := range s.Attributes {
		v := ""
		if e != nil {
			v = e.Attr[a]
		}
		columns[column] = attributeStored(a, v)
	}
}

// attributeStored is an attribute on its way into a column: a mark is a
// boolean, an empty text is NULL.
func attributeStored(name, v string) stored {
	if name == "preferred" {
		mark := "0"
		if v != "" {
			mark = "1"
		}
		return &mark
	}
	if v == "" {
		return nil
	}
	return &v
}
