package dav

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/connector/connectortest"
	"lockstep.dev/model"
)

// sick is a server that is well until it gets a sickness.
type sick struct {
	*world
	sickness atomic.Pointer[http.HandlerFunc]
}

func newSick(t *testing.T) *sick {
	t.Helper()
	s := &sick{world: newWorld(t)}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ill := s.sickness.Load(); ill != nil {
			(*ill)(w, r)
			return
		}
		s.server.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	s.url, s.kinds = front.URL, "contact"
	return s
}

// sickens lets every request, or only those that read several objects, be
// answered by a sickness.
func (s *sick) sickens(ill http.HandlerFunc, reports bool) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reports && r.Method != "PROPFIND" && r.Method != "REPORT" {
			s.server.ServeHTTP(w, r)
			return
		}
		ill(w, r)
	})
	s.sickness.Store(&answer)
}

func (s *sick) fixture(t *testing.T) connectortest.Fixture {
	f := s.world.fixture(t)
	f.Secrets = []string{"bearer-4711", "YWxpY2U6c2VjcmV0", "session-4711", "hidden-userinfo"}
	return f
}

// answering is a sickness: every request is answered so. What a server should
// not repeat stands in the answer all the same.
func answering(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session=session-4711")
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.Header().Set("Server", "Kerio Connect 9.0.3")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

// davError is a body of DAV:error.
func davError(element string) string {
	return `<?xml version="1.0"?><d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><` + element + `/></d:error>`
}

// illnesses are what servers suffer from, and what the connector meets before any
// server.
func illnesses() []illness {
	out := []illness{}
	for _, status := range []int{
		301, 304, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 418, 421, 422, 423, 424, 425, 429, 451,
		500, 501, 502, 503, 504, 505, 507, 508, 599,
	} {
		out = append(out, illness{name: fmt.Sprintf("HTTP %d", status), ill: answering(status, "<html><body>Ada Sample 3 Zanzibar-Quartz bearer-4711</body></html>")})
	}
	return append(out,
		illness{name: "HTTP 302 to another site", ill: answering(302, "", "Location", "https://hidden-userinfo:bearer-4711@elsewhere.example/login?token=session-4711")},
		illness{name: "HTTP 302 in a circle", ill: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }},
		illness{name: "HTTP 429 with Retry-After", ill: answering(429, "", "Retry-After", "17")},
		illness{name: "HTTP 503 with Retry-After", ill: answering(503, "", "Retry-After", "17")},
		illness{name: "HTTP 403, need-privileges", ill: answering(403, davError("d:need-privileges"))},
		illness{name: "HTTP 403, valid-sync-token", ill: answering(403, davError("d:valid-sync-token"))},
		illness{name: "HTTP 403, no-uid-conflict", ill: answering(403, davError("c:no-uid-conflict"))},
		illness{name: "HTTP 403, max-resource-size", ill: answering(403, davError("c:max-resource-size"))},
		illness{name: "HTTP 403, valid-address-data", ill: answering(403, davError("c:valid-address-data"))},
		illness{name: "HTTP 507, quota-not-exceeded", ill: answering(507, davError("d:quota-not-exceeded"))},
		illness{name: "HTTP 423, lock-token-submitted", ill: answering(423, davError("d:lock-token-submitted"))},
		illness{name: "HTTP 200 with a page that is no DAV", ill: answering(200, "<html><head><title>Sign in</title></head><body>Ada Sample 3</body></html>")},
		illness{reports: true, name: "HTTP 207 with garbage", ill: answering(207, "<<<< Ada Sample Zanzibar-Quartz >>>> & bearer-4711", "Content-Type", "application/xml")},
		illness{reports: true, name: "HTTP 207 with nothing in it", ill: answering(207, `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"></d:multistatus>`, "Content-Type", "application/xml")},
		illness{reports: true, name: "HTTP 207 with a body that is none", ill: answering(207, "", "Content-Type", "application/xml")},
		illness{reports: true, name: "the answer ends in the middle", ill: cutShort},
		illness{name: "the connection is closed without an answer", ill: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		illness{name: "the server never answers", ill: hang, client: func(t *http.Transport) { t.ResponseHeaderTimeout = 50 * time.Millisecond }},
		illness{name: "the caller's time is up", ill: hang, within: 50 * time.Millisecond},
		illness{name: "the password is wrong", settings: func(_ *testing.T, s *connector.Settings) { s.Secret = "wrong-secret-in-no-text" }},
		illness{name: "there is no password", settings: func(_ *testing.T, s *connector.Settings) { s.Secret = "" }},
		illness{name: "the port is closed", settings: func(t *testing.T, s *connector.Settings) { s.Values["url"] = closedPort(t) }},
		illness{name: "the name is unknown", client: func(t *http.Transport) {
			t.DisableKeepAlives, t.DialContext = true, func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.DNSError{Err: "no such host", Name: "hidden-userinfo.example", IsNotFound: true}
			}
		}},
		illness{name: "the server speaks no TLS", settings: func(_ *testing.T, s *connector.Settings) {
			s.Values["url"] = strings.Replace(s.Values["url"], "http://", "https://", 1)
		}},
		illness{name: "the certificate is not trusted", settings: func(t *testing.T, s *connector.Settings) { s.Values["url"] = stranger(t) }},
	)
}

// illness is a sickness of the server or settings that lead nowhere.
type illness struct {
	name     string
	ill      http.HandlerFunc
	reports  bool // only PROPFIND and REPORT are answered so
	within   time.Duration
	client   func(t *http.Transport)
	settings func(t *testing.T, s *connector.Settings)
}

// cutShort promises more than it sends.
func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", "5000")
	w.WriteHeader(http.StatusMultiStatus)
	_, _ = fmt.Fprint(w, `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>/Ada Sample 3`)
}

// hang answers when the client has left, which a server notices only once it
// has read the whole request.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String() + "/"
}

func stranger(t *testing.T) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell that nobody trusts it
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// B9, S-08, S-09: whatever a server does at whatever call is coded, and what the
// code does not explain is kept as evidence without secrets and content.
func TestFaultMatrix(t *testing.T) {
	var current *sick
	var wrongs []connectortest.Wrong
	for _, tr := range illnesses() {
		wrongs = append(wrongs, connectortest.Wrong{Name: tr.name, Within: tr.within, Happen: func(t *testing.T, f *connectortest.Fixture) {
			c := f.Connector.(*Connector)
			c.client.http.CloseIdleConnections()
			if tr.client != nil {
				tr.client(c.client.http.Transport.(*http.Transport))
			}
			if tr.ill != nil {
				current.sickens(tr.ill, tr.reports)
			}
			if tr.settings == nil {
				return
			}
			settings := current.settings()
			tr.settings(t, &settings)
			another, err := New(settings)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = another.Close() })
			f.Connector = another
		}})
	}
	connectortest.Matrix(t, "testdata/faults.txt", model.Contact, func(t *testing.T) connectortest.Fixture {
		current = newSick(t)
		return current.fixture(t)
	}, wrongs)
}
