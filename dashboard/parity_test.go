package dashboard_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/dashboard"
	"lockstep.dev/starter/cli"
)

// B25: every command of the command line is offered by the API, or stands apart
// with a reason; and every action of a page is a command of the command line.
// Whoever adds a command is sent here.
func TestEveryCommandIsOffered(t *testing.T) {
	offered, apart := dashboard.Offered()
	commands := map[string]cli.Command{}
	for _, c := range cli.Commands() {
		commands[c.Name()] = c
		_, known := offered[c.Name()]
		if why := apart[c.Name()]; known == (why != "") {
			t.Errorf("%q is neither offered nor set apart: add a row to the table of actions in dashboard/action.go", c.Name())
		}
	}
	for name := range offered {
		if _, ok := commands[name]; !ok {
			t.Errorf("%q is offered, and there is no such command", name)
		}
	}
	for name := range apart {
		if _, ok := commands[name]; !ok {
			t.Errorf("%q is set apart, and there is no such command", name)
		}
	}
}

// Everything that a page lets people do is offered by the API with the same
// inputs, and everything that it takes is an argument or a flag of the command.
func TestPagesAndAPITakeWhatTheCommandTakes(t *testing.T) {
	h := newHouse(t)
	_, description := h.stranger().api(http.MethodGet, "/api/v1/openapi.json", nil)
	paths := description["paths"].(map[string]any)
	offered, _ := dashboard.Offered()
	for _, c := range cli.Commands() {
		reads, ok := offered[c.Name()]
		if !ok {
			continue
		}
		path, method := "/api/v1/"+strings.ReplaceAll(c.Name(), " ", "/"), "post"
		if reads {
			method = "get"
		}
		op, ok := paths[path].(map[string]any)[method].(map[string]any)
		if !ok {
			t.Errorf("the API has no %s %s", method, path)
			continue
		}
		text, _ := json.Marshal(op)
		for _, f := range c.Flags {
			if f.Name != "file" && f.Name != "csv" && f.Name != "output" && f.Name != "attach" && !strings.Contains(string(text), `"`+f.Name+`"`) {
				t.Errorf("%s %s takes no %s", method, path, f.Name)
			}
		}
	}
}

// The description says what is served, no more and no less, and a path that it
// names answers.
func TestTheDescriptionIsOfWhatIsServed(t *testing.T) {
	h := newHouse(t)
	v := h.as("ada")
	code, description := h.stranger().api(http.MethodGet, "/api/v1/openapi.json", nil)
	if code != http.StatusOK || description["openapi"] != "3.1.0" {
		t.Fatalf("%d %v", code, description["openapi"])
	}
	var described, served []string
	ids := map[string]bool{}
	for path, methods := range description["paths"].(map[string]any) {
		for method, op := range methods.(map[string]any) {
			o := op.(map[string]any)
			described = append(described, strings.ToUpper(method)+" "+path)
			id := o["operationId"].(string)
			if ids[id] || o["summary"] == "" || o["responses"] == nil {
				t.Errorf("%s %s: %v", method, path, o)
			}
			ids[id] = true
		}
	}
	for _, r := range h.page.Routes() {
		if strings.HasPrefix(r.Path, "/api/") {
			served = append(served, r.Method+" "+r.Path)
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described\n%v\nserved\n%v", described, served)
	}
	for _, path := range []string{"/api/v1/overview", "/api/v1/mailboxes", "/api/v1/issues", "/api/v1/rounds", "/api/v1/alerts", "/api/v1/mailbox/list", "/api/v1/errors?code=dav.401", "/api/v1/version"} {
		if code, body := v.get(path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// Errors are problem details with the catalogue's code (RFC 9457).
func TestErrorsAreProblems(t *testing.T) {
	h := newHouse(t)
	v := h.as("ada")
	for _, c := range []struct {
		method, path string
		in           any
		status       int
		code         string
	}{
		{http.MethodGet, "/api/v1/mailbox/show?mailbox=nobody", nil, 404, "not-found"},
		{http.MethodPost, "/api/v1/mailbox/pause", map[string]any{"mailbox": "ann@example.com", "colour": "red"}, 400, "usage"},
		{http.MethodPost, "/api/v1/mailbox/pause", map[string]any{}, 400, "usage"},
		{http.MethodPost, "/api/v1/plan/approve", map[string]any{"mailbox": "ann@example.com"}, 400, "usage"},
		{http.MethodPost, "/api/v1/plan/approve", map[string]any{"mailbox": "ann@example.com", "hash": map[string]any{"a": []string{"b", "c"}}}, 400, "usage"},
		{http.MethodGet, "/api/v1/mailboxes?sort=colour", nil, 400, "usage"},
		{http.MethodGet, "/api/v1/nothing", nil, 404, "not-found"},
		{http.MethodPost, "/api/v1/connection/test", map[string]any{"name": "nobody"}, 400, "usage"},
	} {
		code, p := v.api(c.method, c.path, c.in)
		if code != c.status || p["code"] != c.code || p["status"] != float64(c.status) || p["title"] == "" || p["type"] == "" {
			t.Errorf("%s %s: %d %v, want %d %s", c.method, c.path, code, p, c.status, c.code)
		}
	}
}
