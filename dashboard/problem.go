package dashboard

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"lockstep.dev/issue"
	"lockstep.dev/store"
)

// problem is an error as RFC 9457 writes it, with the catalogue's code where it
// has one.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Code     string `json:"code"`
	Cause    string `json:"cause,omitempty"`
	Solution string `json:"solution,omitempty"`
	Acts     string `json:"acts,omitempty"`
}

func problemOf(f *failure) problem {
	p := problem{Type: "about:blank", Title: http.StatusText(f.status), Status: f.status, Detail: f.text, Code: f.code}
	if e, ok := issue.Lookup(f.code); ok {
		p.Type, p.Title = "/errors/"+e.Code, e.Message
		p.Cause, p.Solution, p.Acts = e.Cause, e.Solution, issue.People(e.Who())
	}
	return p
}

// failureOf makes an error fit to be shown. What is none of ours may hold
// anything, so it is only logged.
func (d *Dashboard) failureOf(r *http.Request, err error) *failure {
	var f *failure
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &big):
		return &failure{http.StatusRequestEntityTooLarge, "too-large", "That is more than can be taken at once."}
	case errors.Is(err, store.ErrNotFound):
		return &failure{http.StatusNotFound, "not-found", "There is no such thing, or not any more."}
	case r.Context().Err() != nil:
		return &failure{http.StatusServiceUnavailable, "stopped", "The request was given up."}
	default:
		d.Log.ErrorContext(r.Context(), "a request failed", "path", r.URL.Path, "error", err)
		return &failure{http.StatusInternalServerError, "engine.store", "Lockstep's own database did not answer. It is worth trying again in a moment."}
	}
}

// refuse answers with a failure, as a page or as a problem.
func (d *Dashboard) refuse(w http.ResponseWriter, r *http.Request, status int, code, text string) {
	d.fail(w, r, &failure{status, code, text})
}

func (d *Dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := d.failureOf(r, err)
	if strings.HasPrefix(r.URL.Path, "/api/") {
		writeJSON(w, f.status, "application/problem+json", problemOf(f))
		return
	}
	who, _ := d.visitor(r)
	d.show(w, r, f.status, "problem", page{Title: "This did not work", Who: who, Body: problemOf(f)})
}

func writeJSON(w http.ResponseWriter, status int, kind string, v any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client may have gone
}
