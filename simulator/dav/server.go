package dav

import (
	"context"
	"crypto/subtle"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	challenge = `Basic realm="Rehearsal", charset="UTF-8"`
	// compliance is the DAV header (RFC 4791 5.1, RFC 5689 3.1, RFC 6352 6.1),
	// scheduling what it says besides (RFC 6638 2).
	compliance = "1, 3, access-control, extended-mkcol, calendar-access, addressbook"
	scheduling = ", calendar-auto-schedule"
	// maxRequest bounds a request's body, which is read as a whole.
	maxRequest = 64 << 20
)

// Server is the simulated server. It is an http.Handler and safe for use by
// many goroutines.
//
// A fault that drops a connection panics with http.ErrAbortHandler, which
// net/http servers understand: serve it with net/http or httptest.Server.
type Server struct {
	store      *store
	properties map[xml.Name]property
	behaviour  atomic.Pointer[Behaviour]
	faults     faults
	counter    counter
	watch      atomic.Pointer[func(method, path string)]
}

// Open opens the server on a database file, which is created if missing.
func Open(ctx context.Context, file string) (*Server, error) {
	st, err := openStore(ctx, file)
	if err != nil {
		return nil, err
	}
	s := &Server{store: st, properties: liveProperties()}
	s.SetBehaviour(Behaviour{})
	return s, nil
}

// Close closes the database. No request may be under way.
func (s *Server) Close() error {
	if err := s.store.close(); err != nil {
		return fmt.Errorf("close simulator database: %w", err)
	}
	return nil
}

// Watch has f called at the start of every request, before anything is done,
// so that a test can change something at that very moment. Nil ends it.
func (s *Server) Watch(f func(method, path string)) { s.watch.Store(&f) }

// request is a signed-in user's request.
type request struct {
	*http.Request
	user      *userRow
	target    target
	behaviour Behaviour
	body      []byte
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := s.watch.Load(); f != nil && *f != nil {
		(*f)(r.Method, r.URL.Path)
	}
	s.counter.request(r.Method)
	pause(r.Context(), s.Behaviour().Latency)
	fault := s.faults.take(r)
	if fault == nil {
		s.handle(r).send(w, r.Method == http.MethodHead, false)
		return
	}
	switch fault.Effect {
	case Refuse:
		fault.answer().send(w, r.Method == http.MethodHead, false)
	case DropBefore:
		panic(http.ErrAbortHandler)
	case DropAfter:
		s.handle(r)
		panic(http.ErrAbortHandler)
	case Truncate:
		s.handle(r).send(w, false, true)
	}
}

// pause waits, at most as long as the client does.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (s *Server) handle(r *http.Request) *answer {
	a, err := s.route(r)
	if err != nil {
		a = answerError(err)
	}
	if s.Behaviour().ScheduleReplyCoversOrganizer {
		a.set("X-Sabre-Version", "4.6.0")
	}
	return a
}

func (s *Server) route(r *http.Request) (*answer, error) {
	if strings.HasPrefix(r.URL.Path, "/.well-known/") {
		return wellKnown(r.URL.Path)
	}
	if r.Method == http.MethodOptions {
		return options(s.Behaviour()), nil
	}
	user, err := s.signIn(r)
	if err != nil {
		return nil, err
	}
	t, err := parsePath(r.URL.EscapedPath())
	if err != nil {
		return nil, err
	}
	if t.user != "" && t.user != user.Name {
		return nil, refuseFor(http.StatusForbidden, dav("need-privileges"), "")
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequest))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, refuse(http.StatusRequestEntityTooLarge)
		}
		return nil, refuse(http.StatusBadRequest)
	}
	return s.dispatch(&request{Request: r, user: user, target: t, behaviour: s.Behaviour(), body: body})
}

// options says what the server can do, to anybody.
func options(b Behaviour) *answer {
	features := compliance + scheduling
	if b.NoScheduling {
		features = compliance
	}
	return newAnswer(http.StatusOK).set("DAV", features).set("Allow", allowed)
}

const allowed = "OPTIONS, GET, HEAD, PUT, DELETE, MOVE, MKCOL, MKCALENDAR, PROPFIND, PROPPATCH, REPORT"

func (s *Server) dispatch(r *request) (*answer, error) {
	switch r.Method {
	case "PROPFIND":
		return s.propfind(r)
	case "REPORT":
		return s.report(r)
	case http.MethodGet, http.MethodHead:
		return s.get(r)
	case http.MethodPut:
		return s.put(r)
	case http.MethodDelete:
		return s.remove(r)
	case "MOVE":
		return s.move(r)
	case "MKCOL", "MKCALENDAR":
		return s.makeCollection(r)
	case "PROPPATCH":
		return s.proppatch(r)
	default:
		return nil, &refusal{status: http.StatusMethodNotAllowed, header: map[string]string{"Allow": allowed}}
	}
}

// wellKnown leads a client to the start of discovery (RFC 6764 5).
func wellKnown(path string) (*answer, error) {
	switch strings.TrimSuffix(path, "/") {
	case "/.well-known/caldav", "/.well-known/carddav":
		return newAnswer(http.StatusMovedPermanently).set("Location", "/"), nil
	default:
		return nil, refuse(http.StatusNotFound)
	}
}

func (s *Server) signIn(r *http.Request) (*userRow, error) {
	denied := &refusal{status: http.StatusUnauthorized, header: map[string]string{"WWW-Authenticate": challenge}}
	if name, password, ok := r.BasicAuth(); ok {
		u, err := s.store.user(r.Context(), name)
		if err != nil {
			return nil, err
		}
		if u == nil || subtle.ConstantTimeCompare([]byte(u.Password), []byte(password)) != 1 {
			return nil, denied
		}
		return u, nil
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		u, err := s.store.userByToken(r.Context(), token)
		if err != nil {
			return nil, err
		}
		if u != nil {
			return u, nil
		}
	}
	return nil, denied
}
