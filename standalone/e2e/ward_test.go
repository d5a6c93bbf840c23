package e2e

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// strike says at which request the program dies.
type strike struct {
	write bool // count what changes something; otherwise every request
	nth   int  // from 1, since the program was started
	after bool // the server has carried it out, the answer is lost
}

// ward stands before the mail server and kills the program at a request.
type ward struct {
	t    *testing.T
	URL  string
	kill func()

	mu    sync.Mutex
	next  *strike
	seen  int
	dying bool // a request was struck, and the program is not dead yet
	dead  chan struct{}
}

// guard puts a ward before a server.
func guard(t *testing.T, server string) *ward {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	w := &ward{t: t}
	type late struct{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host})
			r.Out.Host = target.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Context().Value(late{}) == nil {
				return nil
			}
			w.strike()
			return errors.New("the answer is lost")
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		hit, dead := w.hit(r.Method)
		switch {
		case dead != nil: // of two requests at once, nothing comes after the struck one
			<-dead
			panic(http.ErrAbortHandler)
		case hit == nil:
		case hit.after:
			r = r.WithContext(context.WithValue(r.Context(), late{}, true))
		default:
			w.strike()
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(out, r)
	}))
	t.Cleanup(s.Close)
	w.URL = s.URL + target.Path
	return w
}

// arm says when the program dies next.
func (w *ward) arm(s strike) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next, w.seen, w.dead = &s, 0, make(chan struct{})
}

// hit counts a request and returns the strike that it meets, or, where the
// program is dying of another request, what tells of its death.
func (w *ward) hit(method string) (*strike, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dying {
		return nil, w.dead
	}
	s := w.next
	if s == nil || s.write && !slices.Contains([]string{http.MethodPut, http.MethodDelete, "MOVE", "PROPPATCH"}, method) {
		return nil, nil
	}
	if w.seen++; w.seen != s.nth {
		return nil, nil
	}
	w.next, w.dying = nil, true
	return s, nil
}

func (w *ward) strike() {
	w.kill()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dying = false
	close(w.dead)
}

// struck waits until the program has died.
func (w *ward) struck() bool {
	w.mu.Lock()
	dead := w.dead
	w.mu.Unlock()
	select {
	case <-dead:
		return true
	case <-time.After(90 * time.Second):
		return false
	}
}
