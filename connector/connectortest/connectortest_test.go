package connectortest

import (
	"context"
	"runtime"
	"slices"
	"testing"

	"lockstep.dev/model"
)

// The smallest correct system passes, so the laws do not contradict each other.
func TestLawsHold(t *testing.T) {
	Run(t, func(*testing.T) Fixture { return newMemory("").fixture() })
}

// Each flaw is noticed by the law that forbids it.
func TestLawsBite(t *testing.T) {
	for flaw, name := range map[string]string{
		"forgets deletions":   "an external delete is seen exactly once",
		"loses cursor":        "a full listing names everything, then the delta is quiet",
		"creates twice":       "a create by one key creates once",
		"overwrites":          "an update on a stale version is a conflict and changes nothing",
		"writes everything":   "an update changes the named fields only",
		"harms foreign data":  "data that no field covers survives an update",
		"tells wrong version": "our own write is no news",
		"shuffles receipts":   "receipts come in the order of the operations",
		"tells secret":        "a wrong secret is an Auth fault that does not tell the secret",
		"ignores context":     "every method returns when its context has ended",
	} {
		t.Run(flaw, func(t *testing.T) {
			i := slices.IndexFunc(laws(), func(l law) bool { return l.name == name })
			if i < 0 {
				t.Fatalf("there is no law %q", name)
			}
			if !fails(t, func(r *recorder) { laws()[i].check(r, newWorld(r, newMemory(flaw).fixture(), model.Event)) }) {
				t.Errorf("a system that %s passes %q", flaw, name)
			}
		})
	}
}

// recorder is a test that only notes whether it failed.
type recorder struct {
	testing.TB
	ctx    context.Context
	failed bool
}

func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Helper()                  {}
func (r *recorder) Cleanup(func())           {}
func (r *recorder) Error(...any)             { r.failed = true }
func (r *recorder) Errorf(string, ...any)    { r.failed = true }
func (r *recorder) Fatal(...any)             { r.failed = true; runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any)    { r.failed = true; runtime.Goexit() }

// fails runs check as a test would and tells whether it failed.
func fails(t *testing.T, check func(*recorder)) bool {
	t.Helper()
	r := &recorder{TB: t, ctx: t.Context()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(r)
	}()
	<-done
	return r.failed
}
