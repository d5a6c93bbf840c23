package memory_test

import (
	"context"
	"testing"
	"time"

	"lockstep.dev/connector/connectortest"
	"lockstep.dev/connector/memory"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// B9: the reference says what it means, too: its own trouble, and what a
// rehearsal lets happen on the way.
func TestFaultMatrix(t *testing.T) {
	strict := false
	spoilt := func(after bool) func(t *testing.T, f *connectortest.Fixture) {
		return func(_ *testing.T, f *connectortest.Fixture) {
			f.Connector = memory.Faults(f.Connector, func(_ context.Context, p memory.Point) error {
				if p.After != after || p.Call == "open" {
					return nil
				}
				e := issue.Fault("memory.lost")
				e.Side = p.Side
				return e
			})
		}
	}
	connectortest.Matrix(t, "testdata/faults.txt", model.Contact, func(t *testing.T) connectortest.Fixture {
		t.Helper()
		strict = false
		return fixture(memory.Config{Side: model.Mail, Refuse: func(model.Operation) bool { return strict }})
	}, []connectortest.Wrong{
		{Name: "the password is wrong", Happen: func(_ *testing.T, f *connectortest.Fixture) { f.Account.Secret = "another" }},
		{Name: "the mailbox does not exist", Happen: func(_ *testing.T, f *connectortest.Fixture) { f.Account.Address = "nobody@example.com" }},
		{Name: "the caller's time is up", Within: time.Nanosecond, Happen: func(*testing.T, *connectortest.Fixture) {}},
		{Name: "the connection breaks", Happen: spoilt(false)},
		{Name: "the answer is lost", Happen: spoilt(true)},
		{Name: "a rule refuses", Happen: func(*testing.T, *connectortest.Fixture) { strict = true }},
	})
}
