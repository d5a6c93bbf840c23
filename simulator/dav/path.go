package dav

import (
	"fmt"
	"net/url"
	"strings"
)

// place is the kind of resource a path leads to.
type place int

const (
	atRoot place = iota
	atPrincipals
	atPrincipal
	atHome
	atCollection
	atObject
)

// First parts of all paths.
const (
	principalsPart   = "principals"
	addressBooksPart = "addressbooks"
	calendarsPart    = "calendars"
)

// target is what a path names. Parts that the path does not have are empty.
type target struct {
	principals bool // /principals/...
	kind       Kind // empty outside of homes
	user       string
	collection string
	object     string
}

// parsePath reads an escaped path. A slash at the end makes no difference: some
// clients leave it out for collections.
func parsePath(escaped string) (target, error) {
	var parts []string
	for part := range strings.SplitSeq(strings.Trim(escaped, "/"), "/") {
		name, err := url.PathUnescape(part)
		if err != nil {
			return target{}, fmt.Errorf("read path %s: %w", escaped, ErrNotFound)
		}
		parts = append(parts, name)
	}
	var t target
	switch {
	case len(parts) == 1 && parts[0] == "":
		return t, nil
	case parts[0] == principalsPart && len(parts) <= 2:
		t.principals = true
	case parts[0] == addressBooksPart && len(parts) >= 2 && len(parts) <= 4:
		t.kind = AddressBook
	case parts[0] == calendarsPart && len(parts) >= 2 && len(parts) <= 4:
		t.kind = Calendar
	default:
		return t, fmt.Errorf("read path %s: %w", escaped, ErrNotFound)
	}
	for i, field := range []*string{&t.user, &t.collection, &t.object} {
		if i+1 < len(parts) {
			*field = parts[i+1]
		}
	}
	return t, nil
}

func (t target) place() place {
	switch {
	case t.object != "":
		return atObject
	case t.collection != "":
		return atCollection
	case t.kind != "":
		return atHome
	case t.user != "":
		return atPrincipal
	case t.principals:
		return atPrincipals
	default:
		return atRoot
	}
}

// href is the absolute, escaped path; collections end in a slash.
func (t target) href() string {
	parts := []string{""}
	switch {
	case t.kind == AddressBook:
		parts = append(parts, addressBooksPart)
	case t.kind == Calendar:
		parts = append(parts, calendarsPart)
	case t.principals:
		parts = append(parts, principalsPart)
	}
	for _, part := range []string{t.user, t.collection, t.object} {
		if part != "" {
			parts = append(parts, url.PathEscape(part))
		}
	}
	if t.object == "" {
		parts = append(parts, "")
	}
	return strings.Join(parts, "/")
}

// child is the resource of that name below the target.
func (t target) child(name string) target {
	if t.collection == "" {
		t.collection = name
	} else {
		t.object = name
	}
	return t
}

func principalOf(user string) target       { return target{principals: true, user: user} }
func homeOf(kind Kind, user string) target { return target{kind: kind, user: user} }

// parseHref reads the address in a request's body or Destination header: an
// absolute path or a whole URL.
func parseHref(href string) (target, error) {
	u, err := url.Parse(strings.TrimSpace(href))
	if err != nil {
		return target{}, fmt.Errorf("read address: %w", ErrNotFound)
	}
	return parsePath(u.EscapedPath())
}
