package temporal_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lockstep.dev/standalone/temporal"
)

func TestWebUIServesTheNamespace(t *testing.T) {
	t.Parallel()
	s := temporal.ForTest(t, func(c *temporal.Config) { c.Namespace = "lockstep" })
	runOnce(t, s)

	page := get(t, s.WebURL+"/namespaces/lockstep/workflows")
	if page.code != http.StatusOK || !strings.Contains(page.body, "__sveltekit") {
		t.Errorf("namespace page: %d %.200s", page.code, page.body)
	}
	script := regexp.MustCompile(`/_app/immutable/entry/start[^"]+\.js`).FindString(page.body)
	if got := get(t, s.WebURL+script); got.code != http.StatusOK || !strings.Contains(got.header.Get("Content-Type"), "javascript") {
		t.Errorf("script %s of the page: %d %s", script, got.code, got.header.Get("Content-Type"))
	}
	// What the page asks for: the namespace and its workflows.
	if got := get(t, s.WebURL+"/api/v1/namespaces/lockstep"); !strings.Contains(got.body, `"lockstep"`) {
		t.Errorf("namespace: %d %s", got.code, got.body)
	}
	if got := get(t, s.WebURL+"/api/v1/namespaces/lockstep/workflows/once"); !strings.Contains(got.body, "WORKFLOW_EXECUTION_STATUS_COMPLETED") {
		t.Errorf("workflow: %d %s", got.code, got.body)
	}
	if got := get(t, s.WebURL+"/healthz"); got.code != http.StatusOK {
		t.Errorf("health: %d", got.code)
	}
}

// The pages ask for nothing from other hosts, neither in the browser nor
// through the server.
func TestWebUIStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	s := temporal.ForTest(t)
	page := get(t, s.WebURL+"/")
	if outside := regexp.MustCompile(`(?:src|href)\s*=\s*["'](?:https?:)?//[^"']*`).FindAllString(page.body, -1); len(outside) > 0 {
		t.Errorf("the page loads %q", outside)
	}
	policies := strings.Join(page.header.Values("Content-Security-Policy"), "\n")
	for _, want := range []string{"connect-src 'self'", "img-src 'self'", "font-src 'self'", "frame-src 'self'"} {
		if !strings.Contains(policies, want) {
			t.Errorf("content policy lacks %q: %s", want, policies)
		}
	}
	var settings struct {
		DisableNewsFetch, NotifyOnNewVersion bool
		DefaultNamespace                     string
	}
	if err := json.Unmarshal([]byte(get(t, s.WebURL+"/api/v1/settings").body), &settings); err != nil {
		t.Fatal(err)
	}
	if !settings.DisableNewsFetch || settings.NotifyOnNewVersion || settings.DefaultNamespace != s.Namespace {
		t.Errorf("settings: %+v", settings)
	}
	if got := get(t, s.WebURL+"/api/v1/releases"); got.code != http.StatusOK || !strings.Contains(got.body, `"Releases":{}`) {
		t.Errorf("releases: %d %s", got.code, got.body)
	}
}

// A page of another host must not reach the server by its own name, nor change
// anything in the visitor's name.
func TestWebUIRefusesForeignPages(t *testing.T) {
	t.Parallel()
	s := temporal.ForTest(t)
	at, err := url.Parse(s.WebURL)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"localhost:" + at.Port(): http.StatusOK, "localhost": http.StatusOK, "127.0.0.1:9999": http.StatusOK, "[::1]:9999": http.StatusOK,
		"rebound.example:" + at.Port(): http.StatusMisdirectedRequest, "10.0.0.1": http.StatusMisdirectedRequest,
	} {
		r := request(t, http.MethodGet, s.WebURL+"/")
		r.Host = host
		if got := do(t, r); got.code != want {
			t.Errorf("Host %q: %d, want %d", host, got.code, want)
		}
	}
	r := request(t, http.MethodPost, s.WebURL+"/api/v1/namespaces/default/workflows/x/terminate")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Origin", "http://evil.example")
	if got := do(t, r); got.code != http.StatusForbidden {
		t.Errorf("write from another site: %d %s", got.code, got.body)
	}
	r = request(t, http.MethodPost, s.WebURL+"/api/v1/namespaces/default/workflows/x/terminate")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if got := do(t, r); got.code != http.StatusNotFound { // there is no workflow x
		t.Errorf("write from our own page: %d %s", got.code, got.body)
	}
}

type answer struct {
	code   int
	header http.Header
	body   string
}

func get(t *testing.T, address string) answer {
	t.Helper()
	return do(t, request(t, http.MethodGet, address))
}

func request(t *testing.T, method, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(body)}
}
