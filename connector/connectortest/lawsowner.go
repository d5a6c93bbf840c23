package connectortest

import (
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
)

func ownerLaws() []law {
	return []law{
		{"the note of who syncs a mailbox is kept, replaced and taken out", lawOwner},
		{"writing is tried without a trace", lawTrial},
	}
}

// D-19, D-37: what one session notes, any other reads; and no item changes.
func lawOwner(t testing.TB, w *world) {
	owner, ok := connector.As[connector.Owner](w.s)
	if !ok {
		return
	}
	w.poll(t)
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for _, want := range []connector.Ownership{
		{}, {Engine: "lockstep", Installation: "ins_one", Since: at}, {Engine: "lockstep", Installation: "ins_two", Since: at.Add(time.Hour)},
		{Engine: "other", Installation: "9f<&>3", Since: at}, {}, // it is text, whatever is in it
	} {
		if err := owner.Own(w.ctx, want); err != nil {
			wantFault(t, w.side, err, fault.Unsupported)
			return
		}
		again, err := w.f.Connector.Open(w.ctx, w.f.Account)
		if err != nil {
			t.Fatal(err)
		}
		reader, _ := connector.As[connector.Owner](again)
		if got, err := reader.Owner(w.ctx); err != nil || got != want {
			t.Errorf("reads %+v, %v; want %+v", got, err, want)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := w.poll(t); !n.none() {
		t.Errorf("a note about the mailbox is told as a change of items: %s", n)
	}
}

// D-36: what is written to try it leaves nothing behind, not even a deletion.
func lawTrial(t testing.TB, w *world) {
	tester, ok := connector.As[connector.WriteTester](w.s)
	if !ok {
		return
	}
	w.poll(t)
	for range 2 {
		if err := tester.TestWrite(w.ctx, w.kind); err != nil {
			t.Fatalf("try to write a %s: %v", w.kind, err)
		}
	}
	if n := w.poll(t); !n.none() || len(w.listing(t)) > 0 {
		t.Errorf("a trial is told as a change: %s", n)
	}
}
