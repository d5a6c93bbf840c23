package model

import (
	"fmt"
	"slices"
	"strings"
)

// Filter is a condition on one field of an item. A new item is synced only if it
// passes every filter of its kind; what is linked stays linked (requirement B19).
// Texts are compared without regard to case and spacing; a set passes by any of
// its elements.
type Filter struct {
	Field       string   `json:"field" yaml:"field"`
	Is          []string `json:"is,omitempty" yaml:"is,omitempty"`                     // it says one of these
	IsNot       []string `json:"is_not,omitempty" yaml:"is_not,omitempty"`             // it says none of these
	Contains    []string `json:"contains,omitempty" yaml:"contains,omitempty"`         // one of these stands in it
	ContainsNot []string `json:"contains_not,omitempty" yaml:"contains_not,omitempty"` // none of these stands in it
}

// Passes reports whether content meets the condition.
func (f Filter) Passes(c Content) bool {
	says := []string{FoldText(c.Text(f.Field))}
	for _, e := range c.Set(f.Field) {
		says = append(says, FoldText(e.Text), FoldText(e.Key))
	}
	return some(says, f.Is, equal, true) && !some(says, f.IsNot, equal, false) &&
		some(says, f.Contains, strings.Contains, true) && !some(says, f.ContainsNot, strings.Contains, false)
}

func equal(a, b string) bool { return a == b }

// some reports whether any of the texts meets any of the wanted ones; where
// nothing is wanted, it is as empty says.
func some(says, wanted []string, meets func(a, b string) bool, empty bool) bool {
	if len(wanted) == 0 {
		return empty
	}
	return slices.ContainsFunc(wanted, func(w string) bool {
		return slices.ContainsFunc(says, func(s string) bool { return meets(s, FoldText(w)) })
	})
}

// checkFilters tells what is wrong with the filters of a kind.
func checkFilters(policy string, kind Kind, filters []Filter) error {
	for i, f := range filters {
		at := fmt.Sprintf("kinds.%s.filters[%d]", kind, i+1)
		switch {
		case !slices.ContainsFunc(Fields(kind), func(o Field) bool { return o.Name == f.Field }):
			return fmt.Errorf("policy %s: %s.field: a %s has no field %q", policy, at, kind, f.Field)
		case len(f.Is)+len(f.IsNot)+len(f.Contains)+len(f.ContainsNot) == 0:
			return fmt.Errorf("policy %s: %s: it says nothing about %s; give is, is_not, contains or contains_not", policy, at, f.Field)
		}
		for _, list := range [][]string{f.Is, f.IsNot, f.Contains, f.ContainsNot} {
			if slices.ContainsFunc(list, func(s string) bool { return FoldText(s) == "" }) {
				return fmt.Errorf("policy %s: %s: an empty text is in everything; leave it out", policy, at)
			}
		}
	}
	return nil
}
