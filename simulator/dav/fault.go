package dav

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Effect is what a fault does to a request.
type Effect int

const (
	// Refuse answers with the fault's Status; the work is not done.
	Refuse Effect = iota
	// DropBefore closes the connection without an answer; the work is not done.
	// Go's http.Client silently repeats a GET that is dropped on a connection
	// it had used before, so give such a fault a Count of at least 2.
	DropBefore
	// DropAfter closes the connection without an answer after the work was
	// done: done remotely, answer lost.
	DropAfter
	// Truncate does the work and sends half of the answer.
	Truncate
)

// Always as a Count makes a fault last until ClearFaults.
const Always = math.MaxInt

// Fault hits requests to come.
type Fault struct {
	// Method and PathPrefix say which requests; empty means any.
	Method     string
	PathPrefix string
	// Skip lets that many matching requests pass first.
	Skip int
	// Count is how many requests are hit; 0 means one.
	Count int

	Effect Effect
	// Status and RetryAfter (rounded up to seconds, left out if 0) are the
	// answer of Refuse.
	Status     int
	RetryAfter time.Duration
}

// faults are the injected faults that are not used up.
type faults struct {
	mu   sync.Mutex
	list []*Fault
}

// Inject adds a fault. Of several that match, the oldest is used up first.
func (s *Server) Inject(f Fault) {
	if f.Count == 0 {
		f.Count = 1
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = append(s.faults.list, &f)
}

// ClearFaults removes what Inject added.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = nil
}

// take uses up and returns the fault that hits a request, nil if none does.
func (fs *faults) take(r *http.Request) *Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, f := range fs.list {
		if (f.Method != "" && f.Method != r.Method) || !strings.HasPrefix(r.URL.Path, f.PathPrefix) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Count != Always {
			f.Count--
		}
		if f.Count <= 0 {
			fs.list = slices.Delete(fs.list, i, i+1)
		}
		hit := *f
		return &hit
	}
	return nil
}

func (f *Fault) answer() *answer {
	a := newAnswer(f.Status)
	if f.RetryAfter > 0 {
		seconds := int(math.Ceil(f.RetryAfter.Seconds()))
		a.set("Retry-After", strconv.Itoa(seconds))
	}
	if f.Status == http.StatusUnauthorized {
		a.set("WWW-Authenticate", challenge)
	}
	return a
}
