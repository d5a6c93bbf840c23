package activities_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"lockstep.dev/activities"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
	"lockstep.dev/store/memory"
)

// office is a store with one mailbox that has worked before.
type office struct {
	*testing.T
	st   *memory.Store
	acts *activities.Activities
	anna model.MailboxID
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, st: memory.New()}
	o.acts = &activities.Activities{Store: o.st, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now}
	ctx := t.Context()
	crm, err := o.st.SaveConnection(ctx, model.Connection{Name: "crm", Side: model.CRM, Connector: "memory"})
	o.ok(err)
	mail, err := o.st.SaveConnection(ctx, model.Connection{Name: "mail", Side: model.Mail, Connector: "memory"})
	o.ok(err)
	m, err := o.st.Register(ctx, model.Mailbox{Address: "anna@example.com", CRM: crm.ID, CRMUser: "17", Mail: mail.ID, Secret: "old"})
	o.ok(err)
	_, err = o.st.FinishFetch(ctx, m.ID, time.Now(), time.Now(), time.Now().Add(time.Minute))
	o.ok(err)
	o.anna = m.ID
	return o
}

func (o *office) ok(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) mailbox() model.Mailbox {
	o.Helper()
	m, err := o.st.Mailbox(o.Context(), o.anna)
	o.ok(err)
	return m
}

func (o *office) ask(verb string) (activities.ObeyOut, store.Request) {
	o.Helper()
	r, err := o.st.AddRequest(o.Context(), store.Request{Mailbox: o.anna, Verb: verb, By: "root", At: time.Now()})
	o.ok(err)
	out, err := o.acts.Obey(o.Context(), activities.ObeyIn{Request: r.ID})
	o.ok(err)
	r, err = o.st.Request(o.Context(), r.ID)
	o.ok(err)
	return out, r
}

// refused is what becomes of a refused sign-in in a step that began at a time.
func (o *office) refused(begun time.Time) *temporal.ApplicationError {
	o.Helper()
	err := o.acts.TranslateSince(context.Background(), activities.FetchIn{Mailbox: o.anna}, begun, issue.Fault("dav.401"))
	var app *temporal.ApplicationError
	if !errors.As(err, &app) {
		o.Fatal(err)
	}
	return app
}

// B23: credentials are exchanged while a round is under way. That the step with
// the old ones is refused costs no round; one that began with the new ones and
// is refused stops the mailbox at once (D-31).
func TestCredentialsAreExchangedUnderWay(t *testing.T) {
	o := newOffice(t)
	begun := time.Now().Add(-time.Second)
	if !o.refused(time.Now()).NonRetryable() {
		t.Error("a refused sign-in is tried again")
	}
	m := o.mailbox()
	m.Secret = "new"
	o.ok(o.st.SaveMailbox(o.Context(), m))
	if app := o.refused(begun); app.NonRetryable() || app.NextRetryDelay() != time.Second {
		t.Errorf("it is not tried again with the new ones: %v", app)
	}
	if !o.refused(time.Now()).NonRetryable() {
		t.Error("the new ones are tried for ever")
	}
}

// L-08: what worked before and is refused now has changed.
func TestAccountCredentialsChanged(t *testing.T) {
	o := newOffice(t)
	o.refused(time.Now())
	o.ok(o.acts.Stop(o.Context(), activities.StopIn{Mailbox: o.anna, Side: model.Mail, Code: "dav.401", Message: "refused"}))
	list, err := o.st.Alerts(o.Context(), store.AlertFilter{Mailbox: o.anna})
	o.ok(err)
	open := 0
	for _, a := range list {
		if a.State == store.AlertOpen {
			open++
			if a.Code != "dav.401" || !strings.HasPrefix(a.Message, "Account credentials changed. The server did not accept") {
				t.Errorf("it says %+v", a)
			}
		}
	}
	if open != 1 || o.mailbox().State != model.Disabled {
		t.Errorf("%d alerts, the mailbox is %s", open, o.mailbox().State)
	}
	out, _ := o.ask(activities.VerbRenew)
	if !out.Round || out.State != model.Active || o.mailbox().State != model.Active {
		t.Errorf("after the renewal: %+v, %s", out, o.mailbox().State)
	}
	list, err = o.st.Alerts(o.Context(), store.AlertFilter{Mailbox: o.anna})
	o.ok(err)
	if len(list) > 0 {
		t.Errorf("alerts after the renewal: %+v", list)
	}
}

// L-10: a revoked access stops the mailbox, its secret is gone, and only a
// renewal starts it again.
func TestARevokedAccess(t *testing.T) {
	o := newOffice(t)
	out, r := o.ask(activities.VerbRevoke)
	m := o.mailbox()
	if out.State != model.Disabled || r.Outcome != store.RequestDone || m.State != model.Disabled || m.Secret != "" || m.Reason != "access revoked by root" {
		t.Errorf("%+v, %+v, %s %q: %s", out, r, m.State, m.Secret, m.Reason)
	}
	if _, r := o.ask(activities.VerbResume); r.Outcome != store.RequestRefused || !strings.Contains(r.Message, "lockstep mailbox renew anna@example.com") {
		t.Errorf("resumed: %+v", r)
	}
	if out, _ := o.ask(activities.VerbRenew); !out.Round || o.mailbox().State != model.Active {
		t.Errorf("renewed: %+v", out)
	}
	o.ok(o.st.SetMailboxState(o.Context(), o.anna, model.Paused, "holiday"))
	if out, r := o.ask(activities.VerbRenew); out.Round || r.Outcome != store.RequestDone || o.mailbox().State != model.Paused {
		t.Errorf("a paused one: %+v, %+v", out, r)
	}
}
