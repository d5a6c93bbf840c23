package dav

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// testTime is a moment for tests; nothing depends on the clock.
func testTime() time.Time { return time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC) }

// fake opens a session on a server that is one function.
func fake(t testing.TB, handler http.HandlerFunc) *Session {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return openAt(t, server.URL, nil)
}

// openAt opens a session of alice@example.org at an address.
func openAt(t testing.TB, url string, values map[string]string) *Session {
	t.Helper()
	all := map[string]string{"url": url}
	for k, v := range values {
		all[k] = v
	}
	c, err := New(connector.Settings{Values: all, Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s, err := c.Open(t.Context(), model.Account{Mailbox: "mbx", Address: "alice@example.org", User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	return s.(*Session)
}

func mustURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
