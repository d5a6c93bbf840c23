package dav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// answer is a whole response, built before a byte is sent, so that a fault can
// still lose or cut it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func newAnswer(status int) *answer { return &answer{status: status, header: http.Header{}} }

func (a *answer) set(key, value string) *answer {
	a.header.Set(key, value)
	return a
}

func (a *answer) withXML(body string) *answer {
	a.body = []byte(xml.Header + body)
	return a.set("Content-Type", "application/xml; charset=utf-8")
}

// send writes the answer. A truncated one promises its full length and ends
// the connection half-way.
func (a *answer) send(w http.ResponseWriter, head, truncate bool) {
	for key, values := range a.header {
		w.Header()[key] = values
	}
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if head {
		return
	}
	body := a.body
	if truncate {
		body = body[:len(body)/2]
	}
	_, _ = w.Write(body) // the client may be gone; nobody to tell
	if truncate {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// refusal is a request that is answered with an error status, possibly with a
// precondition (RFC 4918 16).
type refusal struct {
	status    int
	condition xml.Name // empty: none
	inner     string   // XML inside of the condition
	header    map[string]string
}

func (r *refusal) Error() string {
	if r.condition.Local != "" {
		return fmt.Sprintf("status %d: %s", r.status, r.condition.Local)
	}
	return fmt.Sprintf("status %d: %s", r.status, http.StatusText(r.status))
}

func refuse(status int) error { return &refusal{status: status} }

func refuseFor(status int, condition xml.Name, inner string) error {
	return &refusal{status: status, condition: condition, inner: inner}
}

// answerError turns an error into an answer.
func answerError(err error) *answer {
	if errors.Is(err, ErrNotFound) {
		return newAnswer(http.StatusNotFound)
	}
	var r *refusal
	if !errors.As(err, &r) {
		a := newAnswer(http.StatusInternalServerError).set("Content-Type", "text/plain; charset=utf-8")
		a.body = []byte("simulator: " + err.Error() + "\n")
		return a
	}
	a := newAnswer(r.status)
	for key, value := range r.header {
		a.set(key, value)
	}
	if r.condition.Local != "" {
		a.withXML(`<D:error xmlns:D="DAV:"` + namespaces + `>` + element(r.condition, r.inner) + `</D:error>`)
	}
	return a
}

// quoted reports whether one of the entity tags of a header is the given one.
func quoted(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || tag == etag {
			return true
		}
	}
	return false
}
