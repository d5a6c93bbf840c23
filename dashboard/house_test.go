package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/history/v1"

	"lockstep.dev/connector"
	"lockstep.dev/dashboard"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
	"lockstep.dev/store/memory"
)

const password = "correct horse battery"

// house is a dashboard over a store in memory, with one account of each role.
type house struct {
	t      *testing.T
	store  *memory.Store
	page   *dashboard.Dashboard
	server *httptest.Server
	now    time.Time
	engine *engine
	boxes  map[string]model.Mailbox
	crm    model.Connection
	mail   model.Connection
}

// engine stands for the workflows: it carries requests out at once.
type engine struct {
	store *memory.Store
	asked []store.Request
}

func (e *engine) Request(ctx context.Context, r store.Request) error {
	e.asked = append(e.asked, r)
	return e.store.FinishRequest(ctx, r.ID, store.RequestDone, "It is done.")
}
func (e *engine) WakeMailboxes(context.Context, []model.MailboxID) error   { return nil }
func (e *engine) WakeConnection(context.Context, model.ConnectionID) error { return nil }
func (e *engine) History(context.Context, string, string) (*history.History, error) {
	return nil, errors.New("nobody remembers")
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, store: memory.New(), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), boxes: map[string]model.Mailbox{}}
	h.engine = &engine{store: h.store}
	h.people()
	hash, err := dashboard.HashPassword(password)
	h.ok(err)
	accounts := dashboard.Accounts{
		{Name: "vera", Role: dashboard.Viewer, Password: hash}, {Name: "otto", Role: dashboard.Operator, Password: hash},
		{Name: "ada", Role: dashboard.Admin, Password: hash, Content: true},
		{Name: "ann", Role: dashboard.User, Password: hash, Mailbox: h.boxes["ann"].ID},
	}
	h.page, err = dashboard.New(dashboard.Config{
		Store: h.store, Engine: h.engine, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Key: []byte("0123456789abcdef0123456789abcdef"),
		Accounts: accounts, Temporal: "http://127.0.0.1:8233", Namespace: "default", Support: "help@example.com",
		Systems: setup.Systems{Names: []string{"dav"}, New: func(string, connector.Settings) (connector.Connector, error) {
			return nil, errors.New("it is not there")
		}},
		Now: func() time.Time { return h.now },
	})
	h.ok(err)
	h.server = httptest.NewServer(h.page)
	t.Cleanup(h.server.Close)
	return h
}

// people fills the store: two systems and three mailboxes.
func (h *house) people() {
	h.t.Helper()
	ctx := h.t.Context()
	var err error
	h.crm, err = h.store.SaveConnection(ctx, model.Connection{Name: "sales", Side: model.CRM, Connector: "sqlcrm", Settings: map[string]string{"dsn": "postgres://sync:geheim@db/crm"}, Secret: "geheim", Every: time.Minute})
	h.ok(err)
	h.mail, err = h.store.SaveConnection(ctx, model.Connection{Name: "office", Side: model.Mail, Connector: "dav", Settings: map[string]string{"url": "https://dav.example.com/"}})
	h.ok(err)
	for _, name := range []string{"ann", "ben", "cleo"} {
		m, err := h.store.Register(ctx, model.Mailbox{Address: name + "@example.com", CRM: h.crm.ID, CRMUser: "u-" + name, Mail: h.mail.ID, Identity: "id-" + name, Policy: "default", Secret: "geheim", Created: h.now})
		h.ok(err)
		h.boxes[name] = m
	}
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("unexpected error: %v", err)
	}
}

// visitor is somebody with a browser of their own.
type visitor struct {
	*house
	client *http.Client
}

func (h *house) stranger() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{h, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as signs somebody in.
func (h *house) as(name string) *visitor {
	h.t.Helper()
	v := h.stranger()
	if code, body := v.form("/sign-in", "name", name, "password", password); code != http.StatusSeeOther {
		h.t.Fatalf("%s cannot sign in: %d %s", name, code, body)
	}
	return v
}

func (v *visitor) do(method, path, body string, header ...string) (int, string, http.Header) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.server.URL+path, strings.NewReader(body))
	v.ok(err)
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	res, err := v.client.Do(r)
	v.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	v.ok(err)
	if text := string(b); strings.Contains(text, "geheim") {
		v.t.Errorf("%s %s shows a secret", method, path)
	}
	return res.StatusCode, string(b), res.Header
}

func (v *visitor) get(path string) (int, string) {
	v.t.Helper()
	code, body, _ := v.do(http.MethodGet, path, "")
	return code, body
}

func (v *visitor) form(path string, pairs ...string) (int, string) {
	v.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	code, body, _ := v.do(http.MethodPost, path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	return code, body
}

// api sends JSON and reads the answer.
func (v *visitor) api(method, path string, in any) (int, map[string]any) {
	v.t.Helper()
	text := ""
	if in != nil {
		b, err := json.Marshal(in)
		v.ok(err)
		text = string(b)
	}
	code, body, _ := v.do(method, path, text, "Content-Type", "application/json")
	out := map[string]any{}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		v.t.Fatalf("%s %s answers no JSON object: %s", method, path, body)
	}
	return code, out
}

func (v *visitor) says(path string, want ...string) string {
	v.t.Helper()
	code, body := v.get(path)
	if code != http.StatusOK {
		v.t.Fatalf("%s: %d\n%s", path, code, body)
	}
	for _, text := range want {
		if !strings.Contains(body, text) {
			v.t.Errorf("%s does not say %q:\n%s", path, text, body)
		}
	}
	return body
}
