package dav

import (
	"encoding/xml"
	"slices"
	"strings"
	"time"
)

// filter decides whether an object belongs into the answer of a query.
type filter func(*component) bool

func everything(*component) bool { return true }

// calendarFilter reads a CALDAV:filter (RFC 4791 9.7). Its one comp-filter is
// about the VCALENDAR itself.
func calendarFilter(n *node) filter {
	if n == nil || len(n.Nodes) == 0 {
		return everything
	}
	root := &n.Nodes[0]
	return func(c *component) bool {
		return strings.EqualFold(root.attr("name"), c.name) && componentMatches(root, c)
	}
}

// componentMatches applies a comp-filter to a component that has its name
// (RFC 4791 9.7.1).
func componentMatches(n *node, c *component) bool {
	for i := range n.Nodes {
		inner := &n.Nodes[i]
		switch inner.XMLName {
		case caldav("time-range"):
			if !inRange(inner, c) {
				return false
			}
		case caldav("prop-filter"):
			if !propertyMatches(inner, c.all(strings.ToUpper(inner.attr("name"))), nsCalDAV) {
				return false
			}
		case caldav("comp-filter"):
			if !childMatches(inner, c) {
				return false
			}
		}
	}
	return true
}

func childMatches(n *node, parent *component) bool {
	children := parent.named(strings.ToUpper(n.attr("name")))
	if n.child(caldav("is-not-defined")) != nil {
		return len(children) == 0
	}
	return slices.ContainsFunc(children, func(c *component) bool { return componentMatches(n, c) })
}

// propertyMatches applies a prop-filter (RFC 4791 9.7.2) or a param-filter's
// like to the lines of that name.
func propertyMatches(n *node, lines []line, space string) bool {
	name := func(local string) xml.Name { return xml.Name{Space: space, Local: local} }
	if n.child(name("is-not-defined")) != nil {
		return len(lines) == 0
	}
	return slices.ContainsFunc(lines, func(l line) bool {
		var results []bool
		for i := range n.Nodes {
			switch test := &n.Nodes[i]; test.XMLName {
			case name("text-match"):
				results = append(results, textMatches(test, l.value))
			case name("param-filter"):
				results = append(results, parameterMatches(test, l, name))
			case name("time-range"):
				start, zoneKnown := parseTime(l)
				results = append(results, zoneKnown && overlaps(test, start, start))
			}
		}
		return combined(n, results)
	})
}

// combined joins the tests of one filter: all have to hold, except that an
// address book's filter is satisfied by any of them unless it says otherwise
// (RFC 6352 10.5.1).
func combined(n *node, results []bool) bool {
	if len(results) == 0 {
		return true
	}
	if n.XMLName.Space == nsCardDAV && n.attr("test") != "allof" {
		return slices.Contains(results, true)
	}
	return !slices.Contains(results, false)
}

func parameterMatches(n *node, l line, name func(string) xml.Name) bool {
	value, defined := l.params[strings.ToUpper(n.attr("name"))]
	if n.child(name("is-not-defined")) != nil {
		return !defined
	}
	test := n.child(name("text-match"))
	return defined && (test == nil || textMatches(test, value))
}

// textMatches ignores case, as both default collations do closely enough (RFC
// 4790 9.2). RFC 6352 10.5.4 adds match-type.
func textMatches(n *node, value string) bool {
	text, value := strings.ToLower(n.Text), strings.ToLower(value)
	var found bool
	switch n.attr("match-type") {
	case "equals":
		found = value == text
	case "starts-with":
		found = strings.HasPrefix(value, text)
	case "ends-with":
		found = strings.HasSuffix(value, text)
	default:
		found = strings.Contains(value, text)
	}
	return found != (n.attr("negate-condition") == "yes")
}

// cardFilter reads a CARDDAV:filter (RFC 6352 10.5).
func cardFilter(n *node) filter {
	if n == nil || len(n.Nodes) == 0 {
		return everything
	}
	return func(c *component) bool {
		var results []bool
		for i := range n.Nodes {
			test := &n.Nodes[i]
			results = append(results, propertyMatches(test, c.all(strings.ToUpper(test.attr("name"))), nsCardDAV))
		}
		return combined(n, results)
	}
}

// inRange applies a time-range to a component (RFC 4791 9.9), where a series
// counts as one stretch from its first start to its end, or for ever.
func inRange(n *node, c *component) bool {
	start, end, known := stretch(c)
	return !known || overlaps(n, start, end)
}

// overlaps compares with the start and end of a time-range element; a stretch
// without length counts as a moment.
func overlaps(n *node, start, end time.Time) bool {
	const form = "20060102T150405Z"
	if from, err := time.Parse(form, n.attr("start")); err == nil {
		if end.Before(from) || (end.Equal(from) && start.Before(end)) {
			return false
		}
	}
	if to, err := time.Parse(form, n.attr("end")); err == nil && !start.Before(to) {
		return false
	}
	return true
}
