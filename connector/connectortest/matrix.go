package connectortest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// Wrong is one thing that goes wrong with a system, for as long as a test runs.
type Wrong struct {
	Name string // as an administrator would say it
	// Happen makes it happen, after a session was opened and used. It may give
	// the fixture another connector or account; then all calls are made on a new
	// session.
	Happen func(t *testing.T, f *Fixture)
	// Within ends each call; 0 = they end by themselves.
	Within time.Duration
}

// Matrix lets every call of a connector meet each trouble (requirement B9): what
// is said has a code of the catalogue with its class and scope, names its side,
// keeps the raw evidence where the code alone explains nothing, and tells no
// secret and no content. The table of who says what is the golden file, which
// is written anew with LOCKSTEP_GOLDEN=write.
func Matrix(t *testing.T, golden string, kind model.Kind, fixture func(t *testing.T) Fixture, wrongs []Wrong) {
	t.Helper()
	var table strings.Builder
	table.WriteString("What each call of the connector says when something is wrong with the system.\nWritten by its fault matrix; LOCKSTEP_GOLDEN=write go test writes it anew.\n")
	for _, wrong := range wrongs {
		t.Run(wrong.Name, func(t *testing.T) {
			m := newMatrix(t, kind, fixture(t))
			wrong.Happen(t, &m.w.f)
			m.reopen(t)
			fmt.Fprintf(&table, "\n%s\n", wrong.Name)
			for _, line := range m.suffer(t, wrong) {
				fmt.Fprintf(&table, "    %s\n", line)
			}
		})
	}
	if t.Failed() {
		return
	}
	if os.Getenv("LOCKSTEP_GOLDEN") == "write" {
		if err := os.MkdirAll(filepath.Dir(golden), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if table.String() != string(want) {
		t.Errorf("calls say something else than %s has; now:\n%s", golden, table.String())
	}
}

// private is content that no text may tell.
const private = "Zanzibar-Quartz"

// matrix is a world with something in it for every call.
type matrix struct {
	w         *world
	connector connector.Connector
	account   model.Account
	items     []model.Item // one for each call that changes one
}

// kept is how many items a matrix needs.
const kept = 6

func newMatrix(t *testing.T, kind model.Kind, f Fixture) *matrix {
	t.Helper()
	m := &matrix{w: newWorld(t, f, kind), connector: f.Connector, account: f.Account}
	field := required(kind)[0]
	for i := range kept {
		m.items = append(m.items, m.w.create(t, minimal(kind, i).Only(m.w.caps.Fields)))
	}
	m.items[0] = m.w.fetch(t, m.w.done(t, update(m.items[0], content(field, private), field))[0].ID)
	m.w.poll(t)
	return m
}

// reopen gives the world the session that a new connector makes, if there is
// one.
func (m *matrix) reopen(t *testing.T) {
	t.Helper()
	if m.w.f.Connector == m.connector && m.w.f.Account == m.account {
		return
	}
	s, err := m.w.f.Connector.Open(m.w.ctx, m.w.f.Account)
	if err != nil {
		m.w.s = nil // open itself says it, and there is nothing more to ask
		return
	}
	t.Cleanup(func() { _ = s.Close() })
	m.w.s = s
}

// suffer makes every call and returns what they say, those that say the same in
// one line.
func (m *matrix) suffer(t *testing.T, wrong Wrong) []string {
	t.Helper()
	var order []string
	by := map[string][]string{}
	for _, c := range m.calls() {
		ctx, cancel := m.w.ctx, context.CancelFunc(func() {})
		if wrong.Within > 0 {
			ctx, cancel = context.WithTimeout(ctx, wrong.Within)
		}
		said := m.said(t, c.name, c.make(ctx))
		cancel()
		if by[said] == nil {
			order = append(order, said)
		}
		by[said] = append(by[said], c.name)
	}
	slices.SortStableFunc(order, func(a, b string) int { return len(by[b]) - len(by[a]) })
	lines := make([]string, 0, len(order))
	for _, said := range order {
		lines = append(lines, said+": "+strings.Join(by[said], ", "))
	}
	return lines
}

// answer is what became of one call.
type answer struct {
	err      error
	receipts []model.Receipt
	items    []model.Item
	nothing  bool // the call worked and found nothing
}

// said holds an answer against the catalogue and puts it into words.
func (m *matrix) said(t *testing.T, call string, a answer) string {
	t.Helper()
	if a.err != nil {
		return m.coded(t, call, a.err)
	}
	for _, r := range a.receipts {
		if r.Outcome != model.Done {
			if r.Err == nil {
				t.Errorf("%s: the receipt is %s and does not say why", call, r.Outcome)
				return string(r.Outcome)
			}
			return string(r.Outcome) + ", " + m.coded(t, call, r.Err)
		}
	}
	for _, it := range a.items {
		if it.Trouble != "" {
			m.quiet(t, call, it.Trouble)
			return "the item comes with its trouble"
		}
	}
	if a.nothing {
		return "nothing is there"
	}
	return "works"
}

// coded wants an error to be what the catalogue declares.
func (m *matrix) coded(t *testing.T, call string, err error) string {
	t.Helper()
	wantFault(t, m.w.side, err)
	f := fault.Of(err)
	if f == nil {
		return "no fault"
	}
	e, ok := issue.Lookup(f.Code)
	switch {
	case !ok:
		t.Errorf("%s: the code %s is not in the catalogue", call, f.Code)
	case f.Class != e.Class:
		t.Errorf("%s: %s is %s, and %s in the catalogue", call, f.Code, f.Class, e.Class)
	case f.Scope != e.Scope && f.Scope != fault.Item:
		t.Errorf("%s: %s concerns the %s, and in the catalogue the %s", call, f.Code, f.Scope, e.Scope)
	case e.Vague && f.Evidence == "":
		t.Errorf("%s: %s explains nothing, and there is no evidence", call, f.Code)
	}
	if f.Scope == fault.Item && slices.Contains([]string{"first test", "test", "identity", "collections", "probe", "first changes", "changes", "list"}, call) {
		t.Errorf("%s: %s blames an item, and none was asked for", call, f.Code)
	}
	if f.Scope == fault.Collection && slices.Contains([]string{"first test", "identity", "collections"}, call) {
		t.Errorf("%s: %s blames a collection, and none was asked for", call, f.Code)
	}
	if len(f.Evidence) > fault.MaxEvidence {
		t.Errorf("%s: %d bytes of evidence", call, len(f.Evidence))
	}
	wantSecretKept(t, err, private)
	m.quiet(t, call, err.Error()+f.Evidence)
	return fmt.Sprintf("%s (%s, %s)", f.Code, f.Class, f.Scope)
}

// quiet wants a text to tell neither what an item says nor a secret.
func (m *matrix) quiet(t *testing.T, call, text string) {
	t.Helper()
	for _, secret := range append([]string{private, "Ada Sample"}, m.w.f.Secrets...) {
		if strings.Contains(text, secret) {
			t.Errorf("%s: tells %q: %s", call, secret, text)
		}
	}
}

// attempt is one call that can be made.
type attempt struct {
	name string
	make func(ctx context.Context) answer
}

func failing(err error) answer { return answer{err: err} }

// calls are all that a session can be asked for, writes last.
func (m *matrix) calls() []attempt {
	w := m.w
	all := []attempt{{"open", func(ctx context.Context) answer {
		s, err := w.f.Connector.Open(ctx, w.f.Account)
		if err == nil {
			_ = s.Close() // what it says matters to nobody here
		}
		return failing(err)
	}}}
	if w.s == nil {
		return all
	}
	all = append(all,
		attempt{"first test", func(ctx context.Context) answer { return failing(m.fresh(ctx)) }},
		attempt{"test", func(ctx context.Context) answer { return failing(w.s.Test(ctx, model.ACT)) }},
		attempt{"identity", func(ctx context.Context) answer { _, err := w.s.Identity(ctx); return failing(err) }},
		attempt{"collections", func(ctx context.Context) answer { _, err := w.s.Collections(ctx); return failing(err) }},
		attempt{"probe", func(ctx context.Context) answer { _, err := w.s.Probe(ctx, w.coll); return failing(err) }},
		attempt{"first changes", func(ctx context.Context) answer { return failing(firstError(w.s.Changes(ctx, w.coll, ""))) }},
		attempt{"changes", func(ctx context.Context) answer { return failing(firstError(w.s.Changes(ctx, w.coll, w.cursor))) }},
		attempt{"list", func(ctx context.Context) answer { return failing(firstError(w.s.List(ctx, w.coll, ""))) }},
		attempt{"fetch", func(ctx context.Context) answer {
			items, err := w.s.Fetch(ctx, w.refs(m.items[0].Ref.ID, m.items[1].Ref.ID))
			return answer{err: err, items: items, nothing: len(items) == 0}
		}},
		attempt{"find by key", func(ctx context.Context) answer {
			_, _, err := w.s.FindByKey(ctx, []model.Key{model.Key(string(w.kind) + "-law-1.0"), "nothing.0"})
			return failing(err)
		}},
	)
	return slices.Concat(all, m.abilities(), m.writes())
}

// fresh tests a session that knows nothing yet.
func (m *matrix) fresh(ctx context.Context) error {
	s, err := m.w.f.Connector.Open(ctx, m.w.f.Account)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	return s.Test(ctx, model.ACT)
}

// writes are the calls that change an item each.
func (m *matrix) writes() []attempt {
	w, field := m.w, required(m.w.kind)[0]
	apply := func(op model.Operation) func(ctx context.Context) answer {
		return func(ctx context.Context) answer {
			rs, err := w.s.Apply(ctx, []model.Operation{op})
			return answer{err: err, receipts: rs}
		}
	}
	stamp := m.items[2]
	return []attempt{
		{"create", apply(w.creation(minimal(w.kind, kept+1).Only(w.caps.Fields)))},
		{"update", apply(update(m.items[0], content(field, private+" again"), field))},
		{"delete", apply(deletion(m.items[1].Ref))},
		{"stamp", apply(model.Operation{Action: model.Stamp, Ref: stamp.Ref, Expect: stamp.Ref.Version, Key: "stamp.0", Raw: stamp.Raw})},
	}
}

// abilities are the calls that not every connector has.
func (m *matrix) abilities() []attempt {
	var out []attempt
	if marker, ok := connector.As[connector.Marker](m.w.s); ok {
		out = append(out, attempt{"mark", func(ctx context.Context) answer {
			return failing(marker.Mark(ctx, []model.Ref{m.items[3].Ref}, []string{"Sync Error"}, nil))
		}})
	}
	if cleaner, ok := connector.As[connector.Cleaner](m.w.s); ok {
		out = append(out, attempt{"unstamp", func(ctx context.Context) answer {
			return failing(cleaner.Unstamp(ctx, []model.Ref{m.items[4].Ref}))
		}})
	}
	if directory, ok := connector.As[connector.Directory](m.w.s); ok {
		out = append(out, attempt{"users", func(ctx context.Context) answer { _, err := directory.Users(ctx); return failing(err) }})
		out = append(out, attempt{"group", func(ctx context.Context) answer { _, err := directory.Group(ctx, "sales"); return failing(err) }})
	}
	return out
}
