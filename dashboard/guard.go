package dashboard

import (
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// policyOfContent lets a page use what this program serves and nothing else:
// no inline script or style, no other host (W3C Content Security Policy 3).
const policyOfContent = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded wraps everything that is served.
func (d *Dashboard) guarded(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.refuse(w, r, http.StatusForbidden, "cross-site", "This came from another web site, so it was not done.")
	}))
	if d.URL != "" {
		if u, err := url.Parse(d.URL); err == nil {
			_ = crossOrigin.AddTrustedOrigin(u.Scheme + "://" + u.Host) // checked by New
		}
	}
	inner := crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policyOfContent)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !d.knownHost(r.Host) {
			http.Error(w, "Lockstep does not answer under this name; see LOCKSTEP_DASHBOARD_URL.", http.StatusMisdirectedRequest)
			return
		}
		defer d.recovered(w, r)
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		inner.ServeHTTP(w, r)
	})
}

// recovered answers a request whose handler broke. The panic's text may hold
// anything, so only its place is told.
func (d *Dashboard) recovered(w http.ResponseWriter, r *http.Request) {
	if v := recover(); v != nil {
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v)
		}
		d.Log.ErrorContext(r.Context(), "a page broke", slog.String("path", r.URL.Path))
		d.refuse(w, r, http.StatusInternalServerError, "internal", "Something broke in this page. Please report it.")
	}
}

// knownHost refuses names that are not ours: a web site whose name was made to
// point at this machine would otherwise speak with us (DNS rebinding).
func (d *Dashboard) knownHost(host string) bool {
	if u, err := url.Parse(d.URL); err == nil && u.Host != "" && strings.EqualFold(u.Host, host) {
		return true
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

// limiter slows down who guesses passwords: each failure for a name or from an
// address doubles the time until the next attempt, up to five minutes.
type limiter struct {
	mu   sync.Mutex
	hits map[string]hit
}

type hit struct {
	failures int
	last     time.Time
}

const (
	freeAttempts = 4
	longestWait  = 5 * time.Minute
	forgetAfter  = 30 * time.Minute
	mostTracked  = 20000
)

// wait tells how long a key has to wait before it may try again.
func (l *limiter) wait(now time.Time, keys ...string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var longest time.Duration
	for _, k := range keys {
		h := l.hits[k]
		if h.failures <= freeAttempts || now.Sub(h.last) > forgetAfter {
			continue
		}
		gap := min(longestWait, time.Duration(math.Pow(2, float64(min(h.failures-freeAttempts, 12))))*time.Second)
		longest = max(longest, gap-now.Sub(h.last))
	}
	return longest
}

// failed notes an attempt before it is tried, so that many at once do not slip
// through; passed takes it back.
func (l *limiter) failed(now time.Time, keys ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hits == nil || len(l.hits) > mostTracked {
		l.hits = map[string]hit{}
	}
	for _, k := range keys {
		h := l.hits[k]
		if now.Sub(h.last) > forgetAfter {
			h.failures = 0
		}
		l.hits[k] = hit{h.failures + 1, now}
	}
}

func (l *limiter) passed(keys ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		delete(l.hits, k)
	}
}

// remote is where a request comes from.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
