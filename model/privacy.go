package model

import "strings"

// What a policy does with private items (requirement B16).
const (
	PrivateSkip = "skip" // they stay in the mailbox; the default
	PrivateBusy = "busy" // the CRM gets a block of time that says nothing else
	PrivateFull = "full" // as every other item
)

// Private reports whether content is marked private or confidential. A class
// that nobody knows counts as private (RFC 5545 section 3.8.1.3), and a series
// of which one changed occurrence is private is private as a whole: it is
// synced as a whole.
func Private(c Content) bool {
	if notPublic(c.Text("class")) {
		return true
	}
	for line := range strings.Lines(c.Text("overrides")) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		name, _, _ = strings.Cut(name, ";")
		if strings.EqualFold(name, "CLASS") && notPublic(value) {
			return true
		}
	}
	return false
}

func notPublic(class string) bool {
	class = strings.TrimSpace(class)
	return class != "" && !strings.EqualFold(class, "public")
}
