package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Content is the canonical content of an item: what it says, free of any
// system's way of writing it down. A field that is empty is absent.
type Content map[string]Value

// Value is one field's value: a text, or a set of elements.
type Value struct {
	Text string    `json:"t,omitempty"`
	Set  []Element `json:"s,omitempty"` // sorted by Key, keys unique
}

// Element is one member of a set, such as one e-mail address of a contact.
type Element struct {
	Key  string            `json:"k"`           // normalised form that identifies it
	Text string            `json:"v,omitempty"` // as the user wrote it
	Attr map[string]string `json:"a,omitempty"` // type, label, status...
}

// Empty reports whether v says nothing.
func (v Value) Empty() bool { return v.Text == "" && len(v.Set) == 0 }

// Equal reports whether two values say the same.
func (v Value) Equal(o Value) bool {
	return v.Text == o.Text && slices.EqualFunc(v.Set, o.Set, Element.Equal)
}

// Equal reports whether two elements say the same. The preferred mark counts,
// order does not.
func (e Element) Equal(o Element) bool {
	if e.Key != o.Key || e.Text != o.Text || len(e.Attr) != len(o.Attr) {
		return false
	}
	for k, v := range e.Attr {
		if w, ok := o.Attr[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// Text returns a field's text, or "".
func (c Content) Text(field string) string { return c[field].Text }

// Set returns a field's elements, or nil.
func (c Content) Set(field string) []Element { return c[field].Set }

// PutText sets a text field; an empty text removes it.
func (c Content) PutText(field, text string) { c.Put(field, Value{Text: text}) }

// PutSet sets a set field: elements are sorted by key, and of two with one key
// the first stays. An empty set removes the field.
func (c Content) PutSet(field string, set []Element) {
	c.Put(field, Value{Set: NormalSet(set)})
}

// Put sets a field; an empty value removes it.
func (c Content) Put(field string, v Value) {
	if v.Empty() {
		delete(c, field)
		return
	}
	c[field] = v
}

// Clone returns an independent copy. Values are shared: they are never changed
// in place.
func (c Content) Clone() Content {
	out := make(Content, len(c))
	for k, v := range c {
		out[k] = v
	}
	return out
}

// Only returns the part of c that lies in the given fields.
func (c Content) Only(fields []string) Content {
	out := make(Content, len(fields))
	for _, f := range fields {
		if v, ok := c[f]; ok {
			out[f] = v
		}
	}
	return out
}

// Fields returns the names of the fields that c has, sorted.
func (c Content) Fields() []string {
	out := make([]string, 0, len(c))
	for k := range c {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Differing returns the fields in which a and b differ, sorted.
func Differing(a, b Content) []string {
	var out []string
	for k, v := range a {
		if !v.Equal(b[k]) {
			out = append(out, k)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

// Encode returns the canonical bytes of c: equal contents have equal bytes.
func (c Content) Encode() []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// A map of strings and structs of strings cannot fail to encode.
	_ = enc.Encode(c)
	return bytes.TrimRight(buf.Bytes(), "\n")
}

// DecodeContent reads what Encode wrote.
func DecodeContent(b []byte) (Content, error) {
	c := Content{}
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("decode content: %w", err)
	}
	return c, nil
}

// NormalSet sorts elements by key and keeps the first of those that share one.
func NormalSet(set []Element) []Element {
	out := make([]Element, 0, len(set))
	for _, e := range set {
		if e.Key != "" {
			out = append(out, e)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return slices.CompactFunc(out, func(a, b Element) bool { return a.Key == b.Key })
}

// Keyed returns the elements of a set by their key.
func Keyed(set []Element) map[string]Element {
	out := make(map[string]Element, len(set))
	for _, e := range set {
		out[e.Key] = e
	}
	return out
}

// FoldText brings a text to the form in which two people's spellings of one
// name are compared: lower case, single spaces.
func FoldText(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

// FoldAddress brings an e-mail address to the form in which addresses are
// compared: without mailto:, lower case, trimmed.
func FoldAddress(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	return strings.TrimPrefix(s, "mailto:")
}
