package connectortest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

func faultLaws() []law {
	return []law{
		{"a dead cursor is CursorExpired", lawDeadCursor},
		{"a cursor nobody issued is a fault", lawForeignCursor},
		{"an unknown collection is a fault, never an empty listing", lawUnknownCollection},
		{"a wrong secret is an Auth fault that does not tell the secret", lawDenied},
		{"every method returns when its context has ended", lawCancelled},
		{"an unknown action is refused", lawUnknownAction},
		{"refusals do not tell content", lawNoContentInErrors},
	}
}

// firstError drains a sequence of pages and returns its first error.
func firstError(pages iter.Seq2[connector.Page, error]) error {
	for _, err := range pages {
		if err != nil {
			return err
		}
	}
	return nil
}

func lawDeadCursor(t testing.TB, w *world) {
	if w.f.Expire == nil {
		return
	}
	w.outside(t, 1)
	w.poll(t)
	dead := w.f.Expire(t, w.coll, w.cursor)
	err := firstError(w.s.Changes(w.ctx, w.coll, dead))
	if err == nil {
		t.Fatal("a dead cursor is accepted")
	}
	wantFault(t, w.side, err, fault.CursorExpired)
	w.cursor = ""
	w.known = map[string]string{}
	if n := w.poll(t); len(n.changed) != 1 {
		t.Errorf("the full listing afterwards tells %v", n)
	}
}

func lawForeignCursor(t testing.TB, w *world) {
	if err := firstError(w.s.Changes(w.ctx, w.coll, "\x00 no cursor of ours")); err != nil {
		wantFault(t, w.side, err, fault.CursorExpired)
	}
}

func lawUnknownCollection(t testing.TB, w *world) {
	c := w.coll
	c.ID += "-does-not-exist"
	err := firstError(w.s.Changes(w.ctx, c, ""))
	if err == nil {
		t.Fatal("a collection that does not exist lists as empty: its items would count as deleted")
	}
	wantFault(t, w.side, err)
	if err := firstError(w.s.List(w.ctx, c, "")); err == nil {
		t.Error("List of a collection that does not exist is empty")
	}
}

func lawDenied(t testing.TB, w *world) {
	if w.f.Denied == nil {
		return
	}
	c, account, secret := w.f.Denied(t)
	if len(secret) < 6 {
		t.Fatalf("the wrong secret is too short to be looked for")
	}
	s, err := c.Open(w.ctx, account)
	if err == nil {
		defer func() { _ = s.Close() }()
		err = s.Test(w.ctx, model.ACT)
		if err == nil {
			t.Fatal("a wrong secret passes the test")
		}
		for _, other := range []error{firstError(s.Changes(w.ctx, w.coll, "")), firstError(s.List(w.ctx, w.coll, ""))} {
			if other == nil {
				t.Fatal("a wrong secret reads")
			}
			wantSecretKept(t, other, secret)
		}
	}
	wantFault(t, w.side, err, fault.Auth)
	wantSecretKept(t, err, secret)
}

// wantSecretKept looks for a secret in everything an error could tell.
func wantSecretKept(t testing.TB, err error, secret string) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		text := fmt.Sprintf("%v %+v %#v", e, e, e)
		if f := fault.Of(e); f != nil {
			text += f.Message + f.Evidence
		}
		if strings.Contains(text, secret) {
			t.Errorf("the secret stands in the text of %T", e)
		}
	}
}

func lawCancelled(t testing.TB, w *world) {
	it := w.create(t, minimal(w.kind, 1))
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	must := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: goes on although its context has ended", what)
			return
		}
		wantFault(t, w.side, err, fault.Transient)
	}
	must("changes", firstError(w.s.Changes(ctx, w.coll, "")))
	must("list", firstError(w.s.List(ctx, w.coll, "")))
	_, err := w.s.Fetch(ctx, []model.Ref{it.Ref})
	must("fetch", err)
	if rs, err := w.s.Apply(ctx, []model.Operation{deletion(it.Ref)}); err != nil {
		must("apply", err)
	} else if rs[0].Outcome == model.Done {
		t.Error("apply: goes on although its context has ended")
	}
	w.fetch(t, it.Ref.ID)
	for what, call := range map[string]func() error{
		"test":        func() error { return w.s.Test(ctx, model.ACT) },
		"collections": func() error { _, err := w.s.Collections(ctx); return err },
		"probe":       func() error { _, err := w.s.Probe(ctx, w.coll); return err },
		"find by key": func() error { _, _, err := w.s.FindByKey(ctx, []model.Key{"k.0"}); return err },
	} {
		// Some of these may know the answer without asking anybody.
		if err := call(); err != nil {
			must(what, err)
		}
	}
}

func lawUnknownAction(t testing.TB, w *world) {
	it := w.create(t, minimal(w.kind, 1))
	op := deletion(it.Ref)
	op.Action = "destroy"
	wantRefused(t, w.side, w.apply(t, op)[0], fault.Bug, fault.Unsupported)
	w.fetch(t, it.Ref.ID)
}

func lawNoContentInErrors(t testing.TB, w *world) {
	if !w.caps.Conditional {
		return
	}
	it := w.stale(t)
	field := required(w.kind)[0]
	r := w.apply(t, update(it, content(field, private), field))[0]
	wantRefused(t, w.side, r, fault.Conflict)
	wantSecretKept(t, r.Err, private)
}
