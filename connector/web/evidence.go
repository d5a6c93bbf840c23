// Package web holds what connectors that speak HTTP have in common.
package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"lockstep.dev/fault"
)

// Exchange is an answer that has to be explained, and what must not be told of
// it.
type Exchange struct {
	Method   string
	Response *http.Response
	// Says is the beginning of the answer's body, as far as it was read.
	Says []byte
	// Sent is the body of our own request: servers repeat pieces of it.
	Sent []byte
	// Reads: the answer is the content of items, so nothing is quoted from it but
	// the names of its elements.
	Reads bool
}

// Evidence is what is kept of an answer for whoever has to find out what it
// means (requirement S-09): method, status, the values of a few harmless
// headers and the names of the others, and what the body says, reduced to words
// that are known to be harmless. It is at most fault.MaxEvidence bytes.
//
// Redaction goes by what is allowed, not by what is forbidden: names, addresses,
// titles, secrets and everything else that is not in the list of words is left
// out, so nothing depends on recognising it.
func Evidence(e Exchange) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: HTTP %d", e.Method, e.Response.StatusCode)
	var others []string
	for name := range e.Response.Header {
		if !slices.Contains(harmlessHeaders(), name) {
			others = append(others, clean(name, 40))
		}
	}
	for _, name := range harmlessHeaders() {
		if v := e.Response.Header.Get(name); v != "" {
			fmt.Fprintf(&b, "; %s: %s", name, clean(v, 60))
		}
	}
	slices.Sort(others)
	if len(others) > 0 {
		fmt.Fprintf(&b, "; headers: %s", clean(strings.Join(others, ", "), 200))
	}
	if said := Excerpt(e.Says, e.Sent, e.Reads); said != "" {
		fmt.Fprintf(&b, "; says: %s", said)
	}
	return limit(b.String(), fault.MaxEvidence)
}

// harmlessHeaders are those whose values name programs and formats only.
func harmlessHeaders() []string {
	return []string{"Server", "X-Powered-By", "Content-Type", "Content-Length", "Retry-After", "Dav", "Allow"}
}

// clean keeps printable ASCII and a length.
func clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return limit(text, most)
}

// limit cuts a text at a character.
func limit(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const more = "…"
	cut := most - len(more)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + more
}
