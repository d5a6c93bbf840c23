// Package connectortest holds the laws of the connector contract as one suite,
// which every connector passes against its simulator and, where one exists,
// against a real server. A connector's own test makes a Fixture and calls Run.
package connectortest

import (
	"slices"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Fixture is one system that nobody else uses, empty of items, with a connector
// that reaches it and a way to change things behind the connector's back.
type Fixture struct {
	Connector connector.Connector
	Account   model.Account
	// Collections names the collection to work in for a kind; without one it is
	// the primary one that the session discovers. Skip leaves kinds out, with
	// the reason, for people who read the test.
	Collections map[model.Kind]string
	Skip        map[model.Kind]string
	// Except leaves out a law or a shape of an item (such as "floating"), by its
	// name, with the reason why this system cannot have it.
	Except map[string]string
	// Actor is a CRM user on whose behalf items are created; CRM side only.
	Actor string

	// Create, Edit and Delete change the system as a person would, without the
	// connector. Create gets a whole content and returns the new item's id; Edit
	// sets the given fields and leaves the others.
	Create func(t testing.TB, c model.Collection, content model.Content) (id string)
	Edit   func(t testing.TB, ref model.Ref, changed model.Content)
	Delete func(t testing.TB, ref model.Ref)

	// The rest is optional: a law that needs what is nil is not part of the run.

	// Settle waits, in the simulator's time, until every write is visible.
	Settle func(t testing.TB)
	// Foreign puts data into an item that no canonical field covers and returns
	// a function that tells whether it is still there unharmed.
	Foreign func(t testing.TB, ref model.Ref) (intact func(t testing.TB) bool)
	// Expire makes a cursor dead, or returns a dead one.
	Expire func(t testing.TB, c model.Collection, live model.Cursor) model.Cursor
	// LoseAnswer lets the next Apply be carried out while its answer is lost.
	LoseAnswer func(t testing.TB)
	// Denied returns the same system with a wrong secret, which is then looked
	// for in every text.
	Denied func(t testing.TB) (c connector.Connector, a model.Account, secret string)
	// Secrets are looked for in every text that the matrix of faults meets.
	Secrets []string
	// Same decides whether a stored field means what was written; nil, or false
	// from it, falls back to equality (overrides and alarms: apart from line
	// ends).
	Same func(kind model.Kind, field string, wrote, read model.Value) bool
}

// law is one promise of the contract.
type law struct {
	name  string
	check func(t testing.TB, w *world)
}

// laws lists them in the order in which a newcomer should make them pass.
func laws() []law {
	return slices.Concat(readLaws(), writeLaws(), fieldLaws(), ownerLaws(), faultLaws())
}

// Run checks every law for every kind, each on a fixture of its own.
func Run(t *testing.T, fixture func(t *testing.T) Fixture) {
	t.Helper()
	probe := fixture(t)
	t.Run("capabilities", func(t *testing.T) { checkCapabilities(t, probe.Connector) })
	for _, kind := range kindsOf(probe) {
		t.Run(string(kind), func(t *testing.T) {
			for _, l := range laws() {
				if probe.Except[l.name] != "" {
					continue
				}
				t.Run(l.name, func(t *testing.T) {
					l.check(t, newWorld(t, fixture(t), kind))
				})
			}
		})
	}
}

// kindsOf returns the kinds to test, in the order of model.Kinds.
func kindsOf(f Fixture) []model.Kind {
	caps := f.Connector.Capabilities()
	var out []model.Kind
	for _, k := range model.Kinds() {
		if _, ok := caps.Kinds[k]; ok && f.Skip[k] == "" {
			out = append(out, k)
		}
	}
	return out
}

// checkCapabilities holds what is declared against the model.
func checkCapabilities(t testing.TB, c connector.Connector) {
	t.Helper()
	if c.Name() == "" {
		t.Error("the connector has no name")
	}
	caps := c.Capabilities()
	if caps.Side != model.CRM && caps.Side != model.Mail {
		t.Errorf("side %q is neither crm nor mail", caps.Side)
	}
	if len(caps.Kinds) == 0 {
		t.Error("the connector declares no kind")
	}
	for kind, k := range caps.Kinds {
		if k.WriteBatch < 1 || k.FetchBatch < 1 || k.Parallel < 1 {
			t.Errorf("%s: WriteBatch %d, FetchBatch %d, Parallel %d: each is at least 1", kind, k.WriteBatch, k.FetchBatch, k.Parallel)
		}
		if !slices.IsSorted(k.Fields) {
			t.Errorf("%s: fields are not sorted: %v", kind, k.Fields)
		}
		checkDeclared(t, kind, k.Fields)
	}
}

// checkDeclared wants every declared field to exist, and on no side an unknown
// one.
func checkDeclared(t testing.TB, kind model.Kind, fields []string) {
	t.Helper()
	for _, name := range fields {
		known := slices.ContainsFunc(model.Fields(kind), func(f model.Field) bool { return f.Name == name })
		if !known {
			t.Errorf("%s: declares a field %q that the model does not have", kind, name)
		}
	}
	for _, name := range required(kind) {
		if !slices.Contains(fields, name) {
			t.Errorf("%s: does not declare %q, without which nothing can be stored", kind, name)
		}
	}
}

// newWorld opens a session on the fixture and finds the collection to work in.
func newWorld(t testing.TB, f Fixture, kind model.Kind) *world {
	t.Helper()
	ctx := t.Context()
	s, err := f.Connector.Open(ctx, f.Account)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	// A failing close says nothing about the law that was checked.
	t.Cleanup(func() { _ = s.Close() })
	caps := f.Connector.Capabilities()
	w := &world{ctx: ctx, f: f, s: s, kind: kind, side: caps.Side, caps: caps.Kinds[kind], known: map[string]string{}}
	w.coll = w.collection(t)
	return w
}

// collection returns the one that the fixture names or the primary one.
func (w *world) collection(t testing.TB) model.Collection {
	t.Helper()
	all, err := w.s.Collections(w.ctx)
	if err != nil {
		t.Fatalf("collections: %v", err)
	}
	named := w.f.Collections[w.kind]
	for _, c := range all {
		if c.Kind != w.kind || c.ReadOnly {
			continue
		}
		if c.ID == named || (named == "" && c.Primary) {
			return c
		}
	}
	t.Fatalf("no writable collection of kind %s found (asked for %q) among %d", w.kind, named, len(all))
	return model.Collection{}
}
