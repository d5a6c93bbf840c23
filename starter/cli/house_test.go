package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/history/v1"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/setup"
	"lockstep.dev/starter/cli"
	"lockstep.dev/store"
	"lockstep.dev/store/sqlstore"
)

// noon is the time in every test.
func noon() time.Time { return time.Date(2025, 3, 14, 12, 0, 0, 0, time.UTC) }

// house is a Lockstep for tests: a real store, simulated workflows and systems.
type house struct {
	t   *testing.T
	st  *readings
	now time.Time
	// act is what the workflow does with a request; nil leaves it open.
	act func(r store.Request) (store.RequestOutcome, string)
	// wake is what the workflow of a woken mailbox does; nil does nothing.
	wake func(m model.Mailbox)
	// unreachable: Temporal does not answer.
	unreachable bool
	asked       []store.Request
	woken       []string
	down        map[string]error // systems that do not work, by connection or address
	installed   []string
	terminal    bool
	input       string
	events      *history.History
}

// readings is a store whose answers to people can be given.
type readings struct {
	*sqlstore.DB
	plans       []store.PlanRow // the newest last
	writes      []store.Planned
	written     map[string][]store.Planned // of plans with writes of their own
	rounds      []store.Round
	issues      []store.IssueRow
	conflicts   []store.ConflictRow
	questions   []store.Question
	invitations []store.Invitation
	explain     []store.Explanation
	progress    []store.Progress
	gone        []store.Lost
	rulings     []store.Ruling
	resting     []store.Pair
}

func (r *readings) Resting(_ context.Context, _ model.MailboxID, after model.EntityID, _ int) ([]store.Pair, error) {
	if after != "" {
		return nil, nil
	}
	return r.resting, nil
}

func (r *readings) Lost(_ context.Context, _ model.Connection, after store.Lost, _ int) ([]store.Lost, error) {
	if after.Item != "" {
		return nil, nil
	}
	return r.gone, nil
}

func (r *readings) Rule(_ context.Context, _ model.Connection, v store.Ruling, _ time.Time) ([]model.MailboxID, error) {
	r.rulings = append(r.rulings, v)
	return nil, nil
}

func (r *readings) Plan(ctx context.Context, id model.MailboxID) (store.PlanRow, error) {
	if len(r.plans) == 0 {
		return r.DB.Plan(ctx, id)
	}
	return r.plans[len(r.plans)-1], nil
}

func (r *readings) PlanHashed(_ context.Context, _ model.MailboxID, hash string) (store.PlanRow, error) {
	for _, p := range r.plans {
		if p.Hash == hash {
			return p, nil
		}
	}
	return store.PlanRow{}, store.ErrNotFound
}

func (r *readings) PlanWrites(_ context.Context, id string, after, limit int) ([]store.Planned, error) {
	var out []store.Planned
	list := r.writes
	if r.written[id] != nil {
		list = r.written[id]
	}
	for _, w := range list {
		if w.Number > after && len(out) < limit {
			out = append(out, w)
		}
	}
	return out, nil
}

func (r *readings) Rounds(context.Context, model.MailboxID, int) ([]store.Round, error) {
	return r.rounds, nil
}
func (r *readings) Issues(context.Context, model.MailboxID) ([]store.IssueRow, error) {
	return r.issues, nil
}
func (r *readings) FindIssues(_ context.Context, f store.IssueFilter) ([]store.IssueRow, error) {
	var out []store.IssueRow
	for _, i := range r.issues {
		if (f.ID == "" || f.ID == i.ID) && (f.Closed || i.Open) {
			out = append(out, i)
		}
	}
	return out, nil
}
func (r *readings) Conflicts(context.Context, model.MailboxID) ([]store.ConflictRow, error) {
	return r.conflicts, nil
}
func (r *readings) Conflict(_ context.Context, id string) (store.ConflictRow, error) {
	for _, c := range r.conflicts {
		if c.ID == id {
			return c, nil
		}
	}
	return store.ConflictRow{}, store.ErrNotFound
}
func (r *readings) Explain(_ context.Context, _ model.MailboxID, query string) ([]store.Explanation, error) {
	if query == "unknown" {
		return nil, nil
	}
	return r.explain, nil
}
func (r *readings) Invitations(context.Context, model.MailboxID, int) ([]store.Invitation, error) {
	return r.invitations, nil
}

func (r *readings) Questions(context.Context, model.MailboxID) ([]store.Question, error) {
	return r.questions, nil
}

func (r *readings) Progress(context.Context, model.MailboxID) ([]store.Progress, error) {
	return r.progress, nil
}

// newHouse has a CRM, a mail server and two mailboxes.
func newHouse(t *testing.T) *house {
	t.Helper()
	h := bareHouse(t)
	for _, c := range []model.Connection{
		{Name: "sales", Side: model.CRM, Connector: "sqlcrm", Settings: map[string]string{"dsn": "postgres://sync:geheim@db/crm", "link": "https://crm.example.com/{kind}/{id}"}, Secret: "geheim", Owner: "it@example.com", Every: 30 * time.Second},
		{Name: "office", Side: model.Mail, Connector: "dav", Settings: map[string]string{"url": "https://dav.example.com/"}},
	} {
		if _, err := h.st.SaveConnection(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	h.register("anna@example.com", "17")
	h.register("ben@example.com", "18")
	return h
}

func bareHouse(t *testing.T) *house {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{
		Driver: "sqlite", DSN: filepath.Join(t.TempDir(), "lockstep.db"), Key: []byte(strings.Repeat("k", 32)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, st: &readings{DB: db}, now: noon()}
	h.act = func(store.Request) (store.RequestOutcome, string) { return store.RequestDone, "Done." }
	return h
}

func (h *house) register(address, user string) model.Mailbox {
	h.t.Helper()
	ctx := h.t.Context()
	crm, err := h.st.ConnectionNamed(ctx, "sales")
	if err != nil {
		h.t.Fatal(err)
	}
	mail, err := h.st.ConnectionNamed(ctx, "office")
	if err != nil {
		h.t.Fatal(err)
	}
	m, err := h.st.Register(ctx, model.Mailbox{
		Address: address, CRM: crm.ID, CRMUser: user, Mail: mail.ID, Policy: "default", Created: noon().Add(-time.Hour), Secret: "geheim",
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.st.FinishFetch(ctx, m.ID, noon().Add(-95*time.Second), noon().Add(-90*time.Second), noon().Add(200*time.Second)); err != nil {
		h.t.Fatal(err)
	}
	return m
}

// mailbox reads a mailbox as it is now.
func (h *house) mailbox(address string) model.Mailbox {
	h.t.Helper()
	m, err := h.st.MailboxNamed(h.t.Context(), address)
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

// run carries out a command.
func (h *house) run(args ...string) (code int, out, talk string) {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Run(h.t.Context(), args, cli.Parts{
		In: strings.NewReader(h.input), Out: &stdout, Err: &stderr, Terminal: h.terminal,
		Now: func() time.Time { return h.now },
		Pause: func(_ context.Context, d time.Duration) error {
			h.now = h.now.Add(d)
			return nil
		},
		AskSecret: func(string) (string, error) { return "typed unseen", nil },
		By:        "root", Version: "v1.2.3",
		Systems: setup.Systems{Names: []string{"dav", "sqlcrm"}, New: newSystem}, Try: h.try,
		Open: func(_ context.Context, folder string) (*cli.Home, error) {
			if folder == "nowhere" {
				return nil, errors.New("no Lockstep has its data in nowhere")
			}
			return &cli.Home{Store: h.st, Schema: h.st, Dial: h.dial, Close: func() error { return nil }}, nil
		},
		Install: func(_ context.Context, c model.Connection) error {
			h.installed = append(h.installed, c.Name)
			return nil
		},
		Inspect: func(context.Context, model.Connection) (cli.DatabaseReport, error) {
			return cli.DatabaseReport{Place: "PostgreSQL database crm at db", Installed: len(h.installed) > 0, Held: 4, Kinds: []cli.DatabaseKindReport{
				{Kind: model.Contact, Table: "contact", Items: 20, Delta: true, Creatable: true}, {Kind: model.Task, Table: "todo"}}}, nil
		},
	})
	out, talk = stable(stdout.String()), stable(stderr.String())
	if strings.Contains(out+talk, "geheim") {
		h.t.Errorf("a secret was shown:\n%s%s", out, talk)
	}
	return code, out, talk
}

// stable replaces ids, which are random.
func stable(text string) string {
	return regexp.MustCompile(`\b(mbx|req|con|pln|ins)_[0-9a-v]{10,}`).ReplaceAllString(text, "${1}_ID")
}

func (h *house) dial(context.Context) (cli.Engine, error) {
	if h.unreachable {
		return nil, errors.New("the Temporal server at 127.0.0.1:7233 cannot be reached")
	}
	return h, nil
}

// Request implements cli.Engine.
func (h *house) Request(ctx context.Context, r store.Request) error {
	h.asked = append(h.asked, r)
	if h.act == nil {
		return nil
	}
	outcome, message := h.act(r)
	return h.st.FinishRequest(ctx, r.ID, outcome, message)
}

// WakeMailboxes implements cli.Engine.
func (h *house) WakeMailboxes(ctx context.Context, ids []model.MailboxID) error {
	for _, id := range ids {
		m, err := h.st.Mailbox(ctx, id)
		if err != nil {
			return err
		}
		h.woken = append(h.woken, m.Address)
		if h.wake != nil {
			h.wake(m)
		}
	}
	return nil
}

// WakeConnection implements cli.Engine.
func (h *house) WakeConnection(ctx context.Context, id model.ConnectionID) error {
	c, err := h.st.Connection(ctx, id)
	h.woken = append(h.woken, c.Name)
	return err
}

// History implements cli.Engine.
func (h *house) History(_ context.Context, workflow, _ string) (*history.History, error) {
	if h.events == nil {
		return nil, errors.New("workflow not found: " + workflow)
	}
	return h.events, nil
}

func (h *house) try(_ context.Context, c model.Connection, a model.Account) (setup.Answer, error) {
	for _, what := range []string{c.Name, a.Address} {
		if err := h.down[what]; err != nil {
			return setup.Answer{}, err
		}
	}
	if c.Side == model.Mail {
		return setup.Answer{}, nil
	}
	return setup.Answer{Users: []connector.User{
		{ID: "17", Address: "anna@example.com"}, {ID: "18", Address: "ben@example.com"}, {ID: "19", Address: "cleo@example.com"},
	}}, nil
}

type system struct {
	connector.Connector
	side model.Side
}

func (s system) Capabilities() connector.Capabilities { return connector.Capabilities{Side: s.side} }

func newSystem(name string, s connector.Settings) (connector.Connector, error) {
	side, key := model.Mail, "url"
	if name == "sqlcrm" {
		side, key = model.CRM, "dsn"
	}
	if s.Values[key] == "" {
		return nil, &fault.Fault{Class: fault.Invalid, Side: side, Message: "Setting " + key + " is missing."}
	}
	return system{side: side}, nil
}

func signInFails() error {
	return &fault.Fault{Class: fault.Auth, Scope: fault.Mailbox, Side: model.Mail, Code: "dav.401", Message: "The server does not accept the password."}
}

func unreachable() error {
	return &fault.Fault{Class: fault.Transient, Scope: fault.Server, Side: model.CRM, Code: "sqlcrm.unreachable", Message: "The database cannot be reached."}
}

// heldPlan is a first sync that waits.
func (h *house) heldPlan(state store.PlanState) store.PlanRow {
	p := store.PlanRow{
		ID: "pln_1", State: state, Hash: "k3vq2a7r", Why: "the first sync waits for approval", Round: 1, At: noon().Add(-time.Minute),
		Counts: plan.Counts{Items: 40, Matched: 12, Skipped: 3, Conflicts: 1, Sides: map[model.Side]map[model.Kind]map[model.Action]int{
			model.CRM:  {model.Contact: {model.Create: 2}, model.Event: {model.Create: 1, model.Update: 1}},
			model.Mail: {model.Contact: {model.Create: 1, model.Delete: 1}},
		}},
	}
	h.st.plans = append(h.st.plans, p)
	write := func(n int, side model.Side, kind model.Kind, a model.Action, id, title, why string) {
		field := "title"
		if kind == model.Contact {
			field = "full_name"
		}
		h.st.writes = append(h.st.writes, store.Planned{Number: n, Write: plan.Write{
			Entity: model.EntityID("e" + string(rune('a'+n))), Kind: kind, Side: side, Why: why,
			Op: model.Operation{Action: a, Ref: model.Ref{Side: side, Kind: kind, ID: id}, Content: model.Content{field: {Text: title}}},
		}})
	}
	write(0, model.CRM, model.Contact, model.Create, "", "Dora Private", "new in the mailbox")
	write(1, model.CRM, model.Contact, model.Create, "", "Emil Private", "new in the mailbox")
	write(2, model.CRM, model.Event, model.Create, "", "Secret meeting", "new in the mailbox")
	write(3, model.CRM, model.Event, model.Update, "42", "Other meeting", "changed in the mailbox")
	write(4, model.Mail, model.Contact, model.Create, "", "Finn Private", "new in the CRM")
	write(5, model.Mail, model.Contact, model.Delete, "/b/x.vcf", "", "deleted in the CRM")
	return p
}

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; look at it and run the test with -update\ngot\n%s\nwant\n%s", path, got, want)
	}
}

func (h *house) find(address string) model.MailboxID {
	h.t.Helper()
	m, err := h.st.MailboxNamed(h.t.Context(), address)
	if err != nil {
		h.t.Fatal(err)
	}
	return m.ID
}
