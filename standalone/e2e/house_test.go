// Package e2e runs the whole job: real Temporal server, real databases, real
// CalDAV/CardDAV servers, and a bare HTTP client that plays the people.
package e2e

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	"lockstep.dev/connector/all"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/engine"
	"lockstep.dev/internal/peer"
	"lockstep.dev/metrics"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/standalone/temporal"
	"lockstep.dev/store"
	"lockstep.dev/store/sqlstore"
	"lockstep.dev/workflows"
)

// house is a running Lockstep between a mail server and a SQL CRM.
type house struct {
	t      *testing.T
	mail   *peer.DAVServer
	crm    *sqlx.DB
	store  *sqlstore.DB
	client client.Client
	engine *engine.Engine
	waker  engine.Waker
	policy model.Policy
	users  []string
	logs   io.Writer
	// metrics measures what goes on; nil measures nothing.
	metrics *metrics.Metrics
	// base is our own database, history the file of Temporal's.
	base    sqlstore.Config
	history string
}

// backend is one combination of real systems.
type backend struct {
	name string
	mail func(t peer.TB, users ...string) *peer.DAVServer
	// crm and store return the driver and the address of a fresh database.
	crm, store func(t *testing.T) (driver, dsn string)
}

func backends() []backend {
	postgres := func(t *testing.T) (string, string) { t.Helper(); return "postgres", peer.PostgreSQL(t).DSN }
	sqlite := func(t *testing.T) (string, string) {
		t.Helper()
		return "sqlite", filepath.Join(t.TempDir(), "base.db")
	}
	return []backend{
		{"Radicale, SQLite", peer.Radicale, sqlite, sqlite},
		{"Cyrus, PostgreSQL", peer.Cyrus, postgres, postgres},
	}
}

// everywhere runs a story against every backend.
func everywhere(t *testing.T, story func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	for _, b := range backends() {
		t.Run(b.name, func(t *testing.T) { story(t, build(t, b, "ann", "ben", "cleo")) })
	}
}

// build makes the systems; nothing is synced before open. Every story has its
// own, so stories run beside each other.
func build(t *testing.T, b backend, users ...string) *house {
	t.Helper()
	t.Parallel()
	h := &house{t: t, mail: b.mail(t, users...), users: users, logs: io.Discard}
	driver, dsn := b.crm(t)
	if err := sqlcrm.Install(t.Context(), connector.Settings{Values: map[string]string{"dsn": dsn}}); err != nil {
		t.Fatal(err)
	}
	h.crm = sqlx.MustConnect(driver, dsn)
	t.Cleanup(func() { h.crm.Close() })
	for _, u := range users {
		h.sql(`INSERT INTO crm_user (id, name, email) VALUES ($1, $2, $3)`, "u-"+u, u, u+"@harbor.example")
	}
	all := model.KindPolicy{FromMail: "all", FromCRM: "all"}
	h.policy = model.Policy{
		Name: "everything", Approval: "never", Interval: model.Duration(time.Second), SettleGap: model.Duration(time.Second),
		RetryGap: model.Duration(time.Second), Kinds: map[model.Kind]model.KindPolicy{model.Contact: all, model.Event: all, model.Task: all},
	}
	h.openStore(b)
	h.file(dsn)
	return h
}

func (h *house) openStore(b backend) {
	h.t.Helper()
	driver, dsn := b.store(h.t)
	var err error
	h.base = sqlstore.Config{Driver: driver, DSN: dsn, Key: []byte("0123456789abcdef0123456789abcdef")}
	if h.store, err = sqlstore.Open(h.t.Context(), h.base); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { h.store.Close() })
	if err := h.store.Migrate(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// file brings the store to what is synced.
func (h *house) file(crm string) {
	h.t.Helper()
	f := setup.File{
		Connections: []model.Connection{
			{Name: "crm", Side: model.CRM, Connector: "sqlcrm", Settings: map[string]string{"dsn": crm}, Every: time.Second},
			{Name: "mail", Side: model.Mail, Connector: "dav", Settings: map[string]string{"url": h.mail.URL}},
		},
		Policies: []model.Policy{h.policy},
	}
	for _, u := range h.users {
		f.Mailboxes = append(f.Mailboxes, setup.Mailbox{
			Address: u + "@harbor.example", CRM: "crm", CRMUser: "u-" + u, Mail: "mail", User: u, Secret: h.mail.Password, Policy: h.policy.Name,
		})
	}
	systems := setup.Systems{Names: all.Names(), New: all.New, Paths: all.Paths}
	if _, err := setup.Apply(h.t.Context(), h.store, f, systems.Try); err != nil {
		h.t.Fatal(err)
	}
}

// open starts Temporal and the engine.
func (h *house) open() {
	h.t.Helper()
	server := temporal.ForTest(h.t, func(c *temporal.Config) {
		c.SearchAttributes = workflows.SearchAttributes()
		h.history = c.File
	})
	var err error
	o := client.Options{HostPort: server.Address, Namespace: server.Namespace, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))}
	if h.metrics != nil {
		o.MetricsHandler = h.metrics.Temporal()
	}
	h.client, err = client.Dial(o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.client.Close)
	h.waker = engine.NewWaker(h.client)
	h.t.Cleanup(h.record)
	h.start()
}

func (h *house) start() {
	h.t.Helper()
	var err error
	h.engine, err = engine.Start(context.Background(), engine.Config{Store: h.store, Client: h.client, Log: slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), Sole: true, Metrics: h.metrics})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.engine.Stop)
}

func (h *house) sql(text string, args ...any) {
	h.t.Helper()
	if _, err := h.crm.ExecContext(h.t.Context(), text, args...); err != nil {
		h.t.Fatalf("%s: %v", text, err)
	}
}

// count returns a number from the CRM.
func (h *house) count(text string, args ...any) int {
	h.t.Helper()
	var n int
	if err := h.crm.GetContext(h.t.Context(), &n, text, args...); err != nil {
		h.t.Fatalf("%s: %v", text, err)
	}
	return n
}

// eventually waits until what a story expects is there.
func (h *house) eventually(what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if ok() {
			return
		}
	}
	h.t.Fatalf("it never came to this: %s\n%s", what, h.report())
}

func (h *house) mailboxes() []model.Mailbox {
	h.t.Helper()
	list, err := h.store.Mailboxes(h.t.Context(), store.MailboxFilter{})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// report tells what Lockstep thinks, for a story that failed.
func (h *house) report() string {
	var b strings.Builder
	for _, m := range h.mailboxes() {
		fmt.Fprintf(&b, "%s %s %q round %d initialized %t\n", m.Address, m.State, m.Reason, m.Round, m.Initialized)
		progress, _ := h.store.Progress(h.t.Context(), m.ID)
		for _, p := range progress {
			fmt.Fprintf(&b, "  %+v\n", p)
		}
		issues, _ := h.store.Issues(h.t.Context(), m.ID)
		for _, i := range issues {
			fmt.Fprintf(&b, "  issue %s %s: %s\n", i.Side, i.Code, i.Message)
		}
	}
	return b.String()
}

// synced waits for every mailbox's first sync.
func (h *house) synced() {
	h.t.Helper()
	h.eventually("every mailbox has done its first sync", func() bool {
		return !slices.ContainsFunc(h.mailboxes(), func(m model.Mailbox) bool { return !m.Initialized })
	})
	h.quiet()
}

// syncNow runs a round of every mailbox and returns the answers.
func (h *house) syncNow() []string {
	h.t.Helper()
	var out []string
	for _, m := range h.mailboxes() {
		r, err := h.store.AddRequest(h.t.Context(), store.Request{Mailbox: m.ID, Verb: activities.VerbSync, By: "test", At: time.Now()})
		if err != nil {
			h.t.Fatal(err)
		}
		if err := h.waker.Request(h.t.Context(), r); err != nil {
			h.t.Fatal(err)
		}
		h.eventually("the request is answered", func() bool {
			r, err = h.store.Request(h.t.Context(), r.ID)
			return err == nil && r.Outcome != store.RequestOpen
		})
		out = append(out, r.Message)
	}
	return out
}

// quiet waits until rounds find nothing to do, and then shows that further
// rounds write to neither system (invariant I2).
func (h *house) quiet() {
	h.t.Helper()
	h.eventually("three rounds in a row find nothing to do", func() bool {
		for range 3 {
			for _, answer := range h.syncNow() {
				if answer != "Nothing to do: both sides agree." {
					return false
				}
			}
		}
		return true
	})
	before := h.versions()
	h.syncNow()
	h.syncNow()
	if after := h.versions(); after != before {
		h.t.Fatalf("a quiet round wrote something:\n%s\nbefore:\n%s", after, before)
	}
}

// versions are the versions of everything on both sides.
func (h *house) versions() string {
	h.t.Helper()
	var b strings.Builder
	for _, table := range []string{"contact", "appointment", "task"} {
		var rows []string
		if err := h.crm.SelectContext(h.t.Context(), &rows, `SELECT id || ' ' || CAST(version AS TEXT) FROM `+table+` ORDER BY id`); err != nil {
			h.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %v\n", table, rows)
	}
	for _, u := range h.users {
		for _, c := range h.collections(u) {
			fmt.Fprintf(&b, "%s %v\n", c, h.list(u, c))
		}
	}
	return b.String()
}

func (h *house) collections(user string) []string {
	return []string{h.mail.AddressBook(user), h.mail.Calendar(user), h.mail.TaskList(user)}
}

// do sends one request as a user.
func (h *house) do(user, method, url, body string, header ...string) (int, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.SetBasicAuth(user, h.mail.Password)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// put stores an object.
func (h *house) put(user, url, body string) {
	h.t.Helper()
	kind := "text/calendar; charset=utf-8"
	if strings.HasSuffix(url, ".vcf") {
		kind = "text/vcard; charset=utf-8"
	}
	body = strings.ReplaceAll(strings.TrimSpace(body), "\n", "\r\n") + "\r\n"
	if code, answer := h.do(user, http.MethodPut, url, body, "Content-Type", kind); code/100 != 2 {
		h.t.Fatalf("PUT %s: %d %s", url, code, answer)
	}
}

var (
	response = regexp.MustCompile(`(?s)<[^<>]*response>(.*?)</[^<>]*response>`)
	href     = regexp.MustCompile(`<[^<>]*href>([^<]*)</`)
	etag     = regexp.MustCompile(`<[^<>]*getetag>([^<]*)</`)
)

// list returns the members of a collection, "href etag", sorted.
func (h *house) list(user, url string) []string {
	h.t.Helper()
	_, body := h.do(user, "PROPFIND", url, `<?xml version="1.0"?><propfind xmlns="DAV:"><prop><getetag/></prop></propfind>`,
		"Depth", "1", "Content-Type", "application/xml")
	var out []string
	for _, r := range response.FindAllStringSubmatch(body, -1) {
		at, tag := href.FindStringSubmatch(r[1]), etag.FindStringSubmatch(r[1])
		if at != nil && tag != nil && !strings.HasSuffix(at[1], "/") {
			out = append(out, at[1]+" "+tag[1])
		}
	}
	slices.Sort(out)
	return out
}

// find returns the address and the text of the one member that holds a text.
func (h *house) find(user, url, text string) (address, object string) {
	h.t.Helper()
	for _, m := range h.list(user, url) {
		at := h.absolute(strings.Fields(m)[0])
		if _, body := h.do(user, http.MethodGet, at, ""); strings.Contains(body, text) {
			if object != "" {
				h.t.Fatalf("%q is twice in %s's mailbox", text, user)
			}
			address, object = at, body
		}
	}
	return address, object
}

func (h *house) absolute(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	host := regexp.MustCompile(`^https?://[^/]+`).FindString(h.mail.URL)
	return host + path
}
