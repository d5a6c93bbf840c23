package dav

import (
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// D-20: no credentials without TLS, in the words people search for; loopback
// and an explicit permission are the exceptions (design decision 17).
func TestCredentialsNeedASecureChannel(t *testing.T) {
	const text = "You can't set the user name and password in this email server profile and its associated mailboxes because the Microsoft Dynamics 365 server requires using a secure mode (TLS/SSL) to specify credentials."
	for url, allowed := range map[string]bool{
		"https://dav.example.com/":                     true,
		"http://127.0.0.1:5232/":                       true,
		"http://[::1]:5232/":                           true,
		"http://localhost/":                            true,
		"http://dav.example.com/":                      false,
		"http://localhost.example.com/":                false,
		"https://a.example.com/ http://b.example.com/": false,
	} {
		_, err := New(connector.Settings{Values: map[string]string{"url": url}, Secret: "s"})
		if allowed != (err == nil) || err != nil && !strings.HasPrefix(fault.Of(err).Message, text) {
			t.Errorf("%s: %v", url, err)
		}
		if _, err := New(connector.Settings{Values: map[string]string{"url": url, "allow_insecure": "true"}, Secret: "s"}); err != nil {
			t.Errorf("%s, allowed: %v", url, err)
		}
	}
}

func TestSettingsAreNamedWhenWrong(t *testing.T) {
	for key, values := range map[string]map[string]string{
		"url":            {},
		"auth":           {"url": "https://x.example/", "auth": "digest"},
		"kinds":          {"url": "https://x.example/", "kinds": "mail"},
		"allow_insecure": {"url": "https://x.example/", "allow_insecure": "maybe"},
		"server":         {"url": "https://x.example/", "server": "no such setting"},
	} {
		_, err := New(connector.Settings{Values: values})
		if f := fault.Of(err); f == nil || f.Class != fault.Invalid || !strings.Contains(f.Message, "Setting "+key+" ") {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, url := range []string{"dav.example.com", "ftp://dav.example.com", "https://user:pw@dav.example.com/", "::"} {
		if _, err := New(connector.Settings{Values: map[string]string{"url": url}}); err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", url, err)
		}
	}
	c, err := New(connector.Settings{Values: map[string]string{"url": "https://x.example/"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(t.Context(), model.Account{Address: "a@example.org"}); !fault.Is(err, fault.Auth) {
		t.Errorf("without a secret: %v", err)
	}
}

// The mailbox's own user and secret come before the connection's.
func TestWhoSignsIn(t *testing.T) {
	var got string
	handler := func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusNotFound)
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	defer server.Close()
	for _, c := range []struct {
		values  map[string]string
		account model.Account
		want    string
	}{
		{nil, model.Account{Address: "alice@example.org"}, "Basic YWxpY2VAZXhhbXBsZS5vcmc6Y29ubmVjdGlvbg=="},                    // alice@example.org:connection
		{map[string]string{"user": "{user}"}, model.Account{Address: "alice@example.org", Secret: "own"}, "Basic YWxpY2U6b3du"}, // alice:own
		{nil, model.Account{Address: "alice@example.org", User: "a", Secret: "b"}, "Basic YTpi"},                                // a:b
		{map[string]string{"auth": "bearer"}, model.Account{Address: "alice@example.org", Secret: "token"}, "Bearer token"},
	} {
		values := map[string]string{"url": server.URL}
		for k, v := range c.values {
			values[k] = v
		}
		conn, err := New(connector.Settings{Values: values, Secret: "connection"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := conn.Open(t.Context(), c.account)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Collections(t.Context())
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.account, got, c.want)
		}
	}
}

// Redirects are followed with the method kept, but credentials never go to
// another site.
func TestRedirects(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a stranger got %s with %q", r.Method, r.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	to := strings.Replace(stranger.URL, "127.0.0.1", "localhost", 1)
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/old/":
			http.Redirect(w, r, "/new/", http.StatusMovedPermanently)
		case "/new/":
			if r.Method != "PROPFIND" || r.Header.Get("Authorization") == "" || r.Header.Get("Depth") != "0" {
				t.Errorf("%s depth %q", r.Method, r.Header.Get("Depth"))
			}
			multistatusAnswer(w, `<response><href>/new/</href><propstat><prop><displayname>x</displayname></prop><status>HTTP/1.1 200 OK</status></propstat></response>`)
		case "/loop/":
			http.Redirect(w, r, "/loop/", http.StatusFound)
		case "/away/":
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	})
	if m, at, fail := s.link.properties(t.Context(), "/old/", "displayname"); fail != nil || m.text(davName("displayname")) != "x" || at.Path != "/new/" {
		t.Errorf("redirect: %+v %v %v", m, at, fail)
	}
	for path, code := range map[string]string{"/loop/": "dav.redirects", "/away/": "dav.redirect"} {
		if _, _, fail := s.link.properties(t.Context(), path, "displayname"); fail == nil || fail.fault.Code != code {
			t.Errorf("%s: %+v", path, fail)
		}
	}
	for pair, same := range map[string]bool{
		"caldav.icloud.com p34-caldav.icloud.com": true, "a.co.uk b.co.uk": false, "dav.example.com example.com": true,
		"10.0.0.1 10.0.0.2": false, "evil-icloud.com icloud.com": false, "Dav.Example.com dav.example.com": true,
	} {
		a, b, _ := strings.Cut(pair, " ")
		if sameSite(a, b) != same {
			t.Errorf("%s: %v", pair, !same)
		}
	}
}

// Answers may be compressed; ETags of single objects are asked for without.
func TestCompressedAnswers(t *testing.T) {
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if e := r.Header.Get("Accept-Encoding"); e != "identity" {
				t.Errorf("GET accepts %q", e)
			}
			w.Header().Set("ETag", `W/"1"`)
			return
		}
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip is not offered for a PROPFIND")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusMultiStatus)
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte(`<multistatus xmlns="DAV:"><response><href>/</href><propstat><prop><displayname>zipped</displayname></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`))
		_ = z.Close()
	})
	if m, _, fail := s.link.properties(t.Context(), "/", "displayname"); fail != nil || m.text(davName("displayname")) != "zipped" {
		t.Errorf("%+v %v", m, fail)
	}
	if _, version, fail := s.link.get(t.Context(), "/x"); fail != nil || version != `"1"` {
		t.Errorf("version %q, %v", version, fail)
	}
}

// D-30: what is wrong with the sign-in that all mailboxes share is wrong with the
// server, not with one of them.
func TestWhoseSignInIsWrong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	for _, c := range []struct {
		values  map[string]string
		account model.Account
		scope   fault.Scope
	}{
		{map[string]string{"user": "service"}, model.Account{Address: "alice@example.org"}, fault.Server},
		{map[string]string{"auth": "bearer"}, model.Account{Address: "alice@example.org"}, fault.Server},
		{map[string]string{"user": "service"}, model.Account{Address: "alice@example.org", User: "alice", Secret: "own"}, fault.Mailbox},
		{map[string]string{"user": "service"}, model.Account{Address: "alice@example.org", User: "alice"}, fault.Mailbox},
		{map[string]string{"user": "service"}, model.Account{Address: "alice@example.org", Secret: "own"}, fault.Mailbox},
		{nil, model.Account{Address: "alice@example.org"}, fault.Mailbox},
	} {
		values := map[string]string{"url": server.URL}
		for k, v := range c.values {
			values[k] = v
		}
		conn, err := New(connector.Settings{Values: values, Secret: "connection"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := conn.Open(t.Context(), c.account)
		if err != nil {
			t.Fatal(err)
		}
		if f := fault.Of(s.Test(t.Context(), model.ACT)); f == nil || f.Class != fault.Auth || f.Scope != c.scope {
			t.Errorf("%v %+v: %+v", c.values, c.account, f)
		}
	}
}

// Every status and precondition means something (style 3.5), and no text tells
// what the server sent.
func TestFaultsOfAnswers(t *testing.T) {
	const private = "Zanzibar-Quartz"
	for _, c := range []struct {
		status int
		body   string
		header string
		class  fault.Class
		scope  fault.Scope
		code   string
	}{
		{status: 401, class: fault.Auth, scope: fault.Mailbox, code: "dav.401"},
		{status: 403, class: fault.Denied, scope: fault.Collection, code: "dav.403"},
		{status: 403, body: "need-privileges", class: fault.Denied, scope: fault.Collection, code: "dav.need-privileges"},
		{status: 404, class: fault.NotFound, scope: fault.Item, code: "dav.404"},
		{status: 410, class: fault.NotFound, scope: fault.Item, code: "dav.410"},
		{status: 409, class: fault.NotFound, scope: fault.Collection, code: "dav.409"},
		{status: 409, body: "no-uid-conflict", class: fault.Conflict, scope: fault.Item, code: "dav.no-uid-conflict"},
		{status: 412, class: fault.Conflict, scope: fault.Item, code: "dav.412"},
		{status: 413, class: fault.TooLarge, scope: fault.Item, code: "dav.413"},
		{status: 403, body: "max-resource-size", class: fault.TooLarge, scope: fault.Item, code: "dav.max-resource-size"},
		{status: 415, class: fault.Invalid, scope: fault.Item, code: "dav.415"},
		{status: 403, body: "valid-calendar-data", class: fault.Invalid, scope: fault.Item, code: "dav.valid-calendar-data"},
		{status: 403, body: "valid-sync-token", class: fault.CursorExpired, scope: fault.Collection, code: "dav.valid-sync-token"},
		{status: 423, class: fault.Transient, scope: fault.Item, code: "dav.423"},
		{status: 429, header: "120", class: fault.Throttled, scope: fault.Mailbox, code: "dav.429"},
		{status: 503, class: fault.Transient, scope: fault.Server, code: "dav.503"},
		{status: 503, header: "120", class: fault.Throttled, scope: fault.Server, code: "dav.busy"},
		{status: 500, class: fault.Transient, scope: fault.Server, code: "dav.500"},
		{status: 507, class: fault.TooLarge, scope: fault.Mailbox, code: "dav.507"},
		{status: 507, body: "quota-not-exceeded", class: fault.TooLarge, scope: fault.Mailbox, code: "dav.quota-not-exceeded"},
		{status: 405, class: fault.Unsupported, scope: fault.Collection, code: "dav.405"},
		{status: 302, class: fault.Unsupported, scope: fault.Server, code: "dav.3xx"},
	} {
		s := fake(t, func(w http.ResponseWriter, _ *http.Request) {
			if c.header != "" {
				w.Header().Set("Retry-After", c.header)
			}
			w.WriteHeader(c.status)
			if c.body != "" {
				_, _ = w.Write([]byte(`<D:error xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><C:` + c.body + `>` + private + `</C:` + c.body + `></D:error>`))
			} else {
				_, _ = w.Write([]byte("<html>" + private + "</html>"))
			}
		})
		_, _, fail := s.link.get(t.Context(), "/x")
		f := fail.fault
		if f.Class != c.class || f.Scope != c.scope || f.Code != c.code || f.Side != model.Mail || f.Source != issue.DAV {
			t.Errorf("%d %s: %+v", c.status, c.body, f)
		}
		if c.class == fault.Throttled && f.After != 2*time.Minute {
			t.Errorf("%d: wait %v", c.status, f.After)
		}
		if strings.Contains(f.Error()+f.Evidence, private) || !strings.HasSuffix(f.Message, ".") {
			t.Errorf("%d: text %q, evidence %q", c.status, f.Message, f.Evidence)
		}
	}
}

// A second object of one UID, as Nextcloud says it.
func TestSabreSaysUIDConflictInWords(t *testing.T) {
	s := fake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`<?xml version="1.0" encoding="utf-8"?><d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>Sabre\DAV\Exception\BadRequest</s:exception><s:message>Calendar object with uid already exists in this calendar collection.</s:message></d:error>`))
	})
	c := model.Content{"title": {Text: "x"}}
	r := one(t, s, model.Operation{Action: model.Create, Ref: model.Ref{Kind: model.Task, Collection: "/c/"}, Key: "k.0", Content: c})
	if r.Outcome != model.Refused || !fault.Is(r.Err, fault.Conflict) {
		t.Errorf("%s %v", r.Outcome, r.Err)
	}
}

// A page instead of DAV, a server that is not there, a cut answer, no time left.
func TestFaultsWithoutAnAnswer(t *testing.T) {
	page := fake(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<!DOCTYPE html><html>Welcome</html>"))
	})
	if _, err := page.Collections(t.Context()); fault.Of(err).Code != "dav.not-dav" || !fault.Is(err, fault.Unsupported) {
		t.Errorf("a web page: %v", err)
	}
	html207 := fake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = w.Write([]byte("<html><body>Sign in</body></html>"))
	})
	if _, err := html207.Collections(t.Context()); fault.Of(err).Code != "dav.not-dav" {
		t.Errorf("a web page with status 207: %v", err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if _, err := openAt(t, gone.URL, nil).Collections(t.Context()); fault.Of(err).Code != "dav.refused" || fault.Of(err).Scope != fault.Server {
		t.Errorf("no server: %v", err)
	}
	cut := fake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = w.Write([]byte(`<multistatus xmlns="DAV:"><response><href>/`))
	})
	if _, _, fail := cut.link.properties(t.Context(), "/", "displayname"); fail == nil || fail.fault.Code != "dav.damaged" || !fault.Is(fail.fault, fault.Transient) {
		t.Errorf("cut answer: %+v", fail)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := page.Collections(ctx)
	if !fault.Is(err, fault.Transient) || !errors.Is(err, context.Canceled) || fault.Of(err).Scope == fault.Server {
		t.Errorf("cancelled: %v", err)
	}
	secure := httptest.NewTLSServer(nil)
	defer secure.Close()
	if _, err := openAt(t, secure.URL, nil).Collections(t.Context()); fault.Of(err).Code != "dav.tls" {
		t.Errorf("a certificate nobody vouches for: %v", err)
	}
}

// A wrong password is asked about once, not a hundred times: accounts get
// locked for that.
func TestBatchStopsAtTroubleThatConcernsAll(t *testing.T) {
	n := 0
	s := fake(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.WriteHeader(http.StatusUnauthorized)
	})
	var ops []model.Operation
	for range 100 {
		ops = append(ops, model.Operation{Action: model.Delete, Ref: model.Ref{Kind: model.Contact, ID: "/x"}, Expect: `"1"`})
	}
	_, err := s.Apply(t.Context(), ops)
	if !fault.Is(err, fault.Auth) || n > 2*writesAtOnce {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestRetryAfter(t *testing.T) {
	const now = "Mon, 05 Jan 2026 12:00:00 GMT"
	for value, want := range map[string]time.Duration{
		"5": 5 * time.Second, "-1": 0, "x": 0, "": 0, "9999999": 24 * time.Hour,
		"Mon, 05 Jan 2026 12:01:00 GMT": time.Minute, "Mon, 05 Jan 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func TestAddressesAreSpeltOneWay(t *testing.T) {
	base := mustURL(t, "https://dav.example.com/start/")
	for href, want := range map[string]string{
		"/a/b.ics":                            "/a/b.ics",
		"https://dav.example.com:443/a/b.ics": "/a/b.ics",
		"HTTPS://DAV.example.com/a/b.ics":     "/a/b.ics",
		"/a/alice%40example.org/":             "/a/alice@example.org/",
		"/a/alice@example.org/":               "/a/alice@example.org/",
		"/a/x%2Fy.ics":                        "/a/x%2Fy.ics",
		"/a/b c#d":                            "/a/b%20c",
		"rel.ics":                             "/start/rel.ics",
		"https://p34.example.com/a/":          "https://p34.example.com/a/",
		"/a/%E6%9D%8E.vcf":                    "/a/%E6%9D%8E.vcf",
	} {
		if got := normalHref(href, base, base); got != want {
			t.Errorf("%s: %s, want %s", href, got, want)
		}
	}
}

// B9: whatever a server answers has a declared code, and the class that the
// catalogue gives it.
func TestEveryAnswerHasADeclaredCode(t *testing.T) {
	for status := 300; status < 600; status++ {
		if e, ok := issue.Lookup(codeOf(status, "")); !ok || e.Source != issue.DAV {
			t.Errorf("status %d has the code %s, which is not declared", status, codeOf(status, ""))
		}
	}
	for _, status := range statuses() {
		if codeOf(status, "") != "dav."+strconv.Itoa(status) {
			t.Errorf("status %d has the code %s", status, codeOf(status, ""))
		}
	}
	if got := codeOf(http.StatusForbidden, "setting"); got != "dav.403" {
		t.Errorf("a server can make us say %s", got)
	}
}
