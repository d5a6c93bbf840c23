package dashboard_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep.dev/dashboard"
)

// Every address refuses everybody who may not go there, and nobody gets in
// without signing in.
func TestEveryRouteRefusesWhomItShould(t *testing.T) {
	h := newHouse(t)
	people := map[dashboard.Role]*visitor{dashboard.Viewer: h.as("vera"), dashboard.Operator: h.as("otto"), dashboard.Admin: h.as("ada"), dashboard.User: h.as("ann")}
	ladder := map[dashboard.Role]int{dashboard.Viewer: 1, dashboard.Operator: 2, dashboard.Admin: 3}
	path := strings.NewReplacer("{$}", "", "{mailbox}", "x", "{issue}", "x", "{policy}", "x", "{request}", "x", "{code}", "x", "{file}", "x")
	open := map[string]bool{"GET /static/{file}": true, "GET /sign-in": true, "POST /sign-in": true, "GET /sign-in/link": true, "POST /sign-out": true, "GET /healthz": true, "POST /api/v1/session": true, "GET /api/v1/openapi.json": true}
	routes := 0
	for _, r := range h.page.Routes() {
		name, at := r.Method+" "+r.Path, path.Replace(r.Path)
		if r.Role == "" {
			if !open[name] {
				t.Errorf("%s is open to everybody", name)
			}
			continue
		}
		routes++
		code, _, header := h.stranger().do(r.Method, at, "", "Content-Type", "application/json")
		away := code == http.StatusUnauthorized || code == http.StatusSeeOther && strings.HasPrefix(header.Get("Location"), "/sign-in")
		if !away {
			t.Errorf("%s lets a stranger in: %d", name, code)
		}
		for role, v := range people {
			may := ladder[role] >= ladder[r.Role] && role != dashboard.User || role == dashboard.User && r.User
			kind := "application/json"
			if !strings.HasPrefix(at, "/api/") {
				kind = "application/x-www-form-urlencoded"
			}
			if !may {
				if code, _, _ := v.do(r.Method, at, "", "Content-Type", kind); code != http.StatusForbidden {
					t.Errorf("%s answers %s with %d", name, role, code)
				}
			}
		}
	}
	if routes < 50 {
		t.Errorf("only %d routes were tried", routes)
	}
}

// A form may name any command: the command's own role counts, not the form's.
func TestAFormCannotDoMoreThanTheRole(t *testing.T) {
	h := newHouse(t)
	id := string(h.boxes["ann"].ID)
	for _, c := range []struct{ who, command string }{{"otto", "mailbox remove"}, {"otto", "connection add"}, {"otto", "store restored"}, {"ann", "undo"}, {"ann", "mailbox remove"}, {"ann", "policy apply"}} {
		v := h.as(c.who)
		if code, _ := v.form("/do", "do", c.command, "mailbox", id, "round", "1", "name", "x", "text", "x"); code != http.StatusForbidden {
			t.Errorf("%s may %s: %d", c.who, c.command, code)
		}
		if code, _ := v.get("/confirm?do=" + strings.ReplaceAll(c.command, " ", "+")); code != http.StatusForbidden {
			t.Errorf("%s is asked to confirm %s: %d", c.who, c.command, code)
		}
	}
	if len(h.engine.asked) != 0 {
		t.Errorf("asked: %v", h.engine.asked)
	}
}

// Another web site cannot act in a visitor's name, nor be served under its own.
func TestOtherSitesAreRefused(t *testing.T) {
	h := newHouse(t)
	v := h.as("otto")
	body := "do=mailbox+pause&mailbox=" + string(h.boxes["ann"].ID)
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		code, _, _ := v.do(http.MethodPost, "/do", body, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
		if code != http.StatusForbidden {
			t.Errorf("%v: %d", header, code)
		}
	}
	if code, _, _ := v.do(http.MethodPost, "/api/v1/mailbox/pause", `{"mailbox":"ann@example.com"}`, "Content-Type", "text/plain"); code != http.StatusUnsupportedMediaType {
		t.Errorf("a form that looks like JSON: %d", code)
	}
	if code, _, _ := v.do(http.MethodGet, "/", "", "Host", "rebound.evil.example"); code != http.StatusMisdirectedRequest {
		t.Errorf("another name: %d", code)
	}
	if len(h.engine.asked) != 0 {
		t.Errorf("asked: %v", h.engine.asked)
	}
	_, _, header := v.do(http.MethodGet, "/", "")
	policy := header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, part) || strings.Contains(policy, "unsafe") {
			t.Errorf("policy: %s", policy)
		}
	}
}

// The cookie is out of scripts' reach, ends with the account's password or role,
// and cannot be made by hand.
func TestSessions(t *testing.T) {
	h := newHouse(t)
	_, _, header := h.stranger().do(http.MethodPost, "/sign-in", "name=ada&password="+strings.ReplaceAll(password, " ", "+"), "Content-Type", "application/x-www-form-urlencoded")
	cookie := header.Get("Set-Cookie")
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Errorf("cookie: %s", cookie)
	}
	value := strings.TrimPrefix(strings.SplitN(cookie, ";", 2)[0], "lockstep_session=")
	try := func(token string) int {
		code, _, _ := h.stranger().do(http.MethodGet, "/api/v1/overview", "", "Authorization", "Bearer "+token)
		return code
	}
	if code := try(value); code != http.StatusOK {
		t.Errorf("the session itself: %d", code)
	}
	text, sum, _ := strings.Cut(value, ".")
	for _, forged := range []string{"", text, text + ".", text + "." + sum[:len(sum)-1], text[:len(text)-1] + "x." + sum, sum + "." + text} {
		if code := try(forged); code != http.StatusUnauthorized {
			t.Errorf("forged %q: %d", forged, code)
		}
	}
	h.now = h.now.Add(13 * time.Hour)
	if code := try(value); code != http.StatusUnauthorized {
		t.Errorf("the next day: %d", code)
	}
}

// Whoever guesses has to wait longer and longer, and does not learn who exists.
func TestGuessingIsSlow(t *testing.T) {
	h := newHouse(t)
	v := h.stranger()
	said := map[string]string{}
	for _, name := range []string{"ada", "nobody"} {
		_, said[name] = v.form("/sign-in", "name", name, "password", "wrong")
		said[name] = strings.ReplaceAll(said[name], `value="`+name+`"`, "")
	}
	if said["ada"] != said["nobody"] {
		t.Error("the answer tells who exists")
	}
	code := 0
	for range 10 {
		if code, _ = v.form("/sign-in", "name", "ada", "password", "wrong"); code == http.StatusTooManyRequests {
			break
		}
	}
	if code != http.StatusTooManyRequests {
		t.Fatalf("ten wrong passwords: %d", code)
	}
	if code, _ := v.form("/sign-in", "name", "ada", "password", password); code != http.StatusTooManyRequests {
		t.Errorf("the right one right after: %d", code)
	}
	h.now = h.now.Add(10 * time.Minute)
	if code, _ := v.form("/sign-in", "name", "ada", "password", password); code != http.StatusSeeOther {
		t.Errorf("the right one later: %d", code)
	}
}

// A one-time link opens once.
func TestAOneTimeLink(t *testing.T) {
	h := newHouse(t)
	link := strings.TrimPrefix(h.page.Link(h.server.URL, "ada"), h.server.URL)
	v := h.stranger()
	if code, _ := v.get(link); code != http.StatusSeeOther {
		t.Fatalf("the link: %d", code)
	}
	v.says("/", "Overview")
	if code, _ := h.stranger().get(link); code != http.StatusForbidden {
		t.Errorf("again: %d", code)
	}
	late := strings.TrimPrefix(h.page.Link(h.server.URL, "ada"), h.server.URL)
	h.now = h.now.Add(25 * time.Hour)
	if code, _ := h.stranger().get(late); code != http.StatusForbidden {
		t.Errorf("a day later: %d", code)
	}
}

// What is wrong with the accounts file is said by name, and a user is bound to an
// id.
func TestAccounts(t *testing.T) {
	hash, err := dashboard.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	for text, want := range map[string]string{
		"accounts:\n- {name: a, role: admin, password: '" + hash + "'}":                                                      "",
		"accounts:\n- {name: a, role: king, password: '" + hash + "'}":                                                       `"king" is not a role`,
		"accounts:\n- {name: a, role: user, password: '" + hash + "', mailbox: ann@example.com}":                             "not its address",
		"accounts:\n- {name: a, role: admin, password: secret}":                                                              "not an argon2id hash",
		"accounts:\n- {name: a, role: admin}":                                                                                "give a password hash",
		"accounts:\n- {name: a, role: admin, colour: red}":                                                                   "line 2",
		"accounts:\n- {name: a, role: admin, password: '" + hash + "'}\n- {name: a, role: viewer, password: '" + hash + "'}": "there twice",
		"accounts:\n- {name: a, role: admin, password: '$argon2id$v=19$m=4000000000,t=1,p=1$c2FsdHNhbHQ$eA'}":                "not an argon2id hash",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := dashboard.ReadAccounts(file)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := dashboard.HashPassword("short"); err == nil {
		t.Error("a short password is taken")
	}
}
