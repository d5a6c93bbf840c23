package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Verbs of requests about credentials (requirements L-10, L-17, L-18).
const (
	VerbRenew  = "renew"
	VerbRevoke = "revoke"
)

// renew lets a mailbox go on with credentials that were tried and saved before
// the request. One that was disabled is enabled; the round that follows answers.
func (a *Activities) renew(ctx context.Context, m model.Mailbox, out *ObeyOut) (store.RequestOutcome, string, error) {
	switch m.State {
	case model.Disabled:
		outcome, message, err := a.move(ctx, m, out, model.Active, "")
		if err != nil || outcome != store.RequestDone {
			return outcome, message, err
		}
		m.State = model.Active
	case model.Active:
	default:
		return store.RequestDone, fmt.Sprintf("The access is renewed. The mailbox is %s, and stays so.", m.State), nil
	}
	return a.anyRound(ctx, m, out)
}

// revoke forgets the credentials of a mailbox and stops it, until they are
// renewed. What it holds and what is linked stays.
func (a *Activities) revoke(ctx context.Context, m model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	if m.State == model.Retired {
		return store.RequestRefused, "The mailbox was removed.", nil
	}
	m.Secret = ""
	if err := a.Store.SaveMailbox(ctx, m); err != nil {
		return "", "", err
	}
	if err := a.Store.SetExpiry(ctx, m.ID, "", time.Time{}); err != nil {
		return "", "", err
	}
	f := issue.Fault(codeRevoked)
	alert := store.Alert{Mailbox: m.ID, Workload: model.ACT, Side: model.Mail, Code: f.Code, Message: f.Message}
	if err := a.Store.RaiseAlert(ctx, alert, "access revoked by "+r.By, a.Now()); err != nil {
		return "", "", err
	}
	out.State = model.Disabled
	return store.RequestDone, "The access is revoked and its secret forgotten. Renew it with: lockstep mailbox renew " + m.Address, nil
}

const codeRevoked = "credentials.revoked"

// revoked reports whether somebody took a mailbox's access away.
func (a *Activities) revoked(ctx context.Context, m model.Mailbox) (bool, error) {
	alerts, err := a.Store.Alerts(ctx, store.AlertFilter{Mailbox: m.ID})
	return slices.ContainsFunc(alerts, func(f store.Alert) bool { return f.Code == codeRevoked }), err
}

// changed tells of a refused sign-in what it means where it was accepted before:
// the credentials were changed (requirement L-08). The code stays that of what
// the system said.
func (a *Activities) changed(ctx context.Context, f store.Alert) (store.Alert, error) {
	e, ok := issue.Lookup(f.Code)
	if !ok || e.Class != fault.Auth || strings.HasPrefix(f.Code, "credentials.") {
		return f, nil
	}
	m, err := a.Store.Mailbox(ctx, f.Mailbox)
	if err != nil || m.LastSuccess.IsZero() {
		return f, err
	}
	f.Message = issue.Message("credentials.changed") + ". " + f.Message
	return f, nil
}

// renewed reports whether the credentials of a mailbox, or of a connection that
// it uses, were replaced since a step began: then a refused sign-in says only
// that the step still had the old ones, and it is tried again with the new. So
// credentials can be exchanged while a round is under way (requirement B23).
func (i *inbound) renewed(ctx context.Context, args []any, begun time.Time) bool {
	mailbox, connection, _ := subject(args)
	subjects := []store.LogFilter{{Subject: store.LogConnection, Name: string(connection)}}
	if mailbox != "" {
		m, err := i.store.Mailbox(ctx, mailbox)
		if err != nil {
			return false
		}
		subjects = []store.LogFilter{
			{Subject: store.LogMailbox, Name: string(m.ID), What: store.LogSettings},
			{Subject: store.LogConnection, Name: string(m.Mail)}, {Subject: store.LogConnection, Name: string(m.CRM)},
		}
	}
	for _, f := range subjects {
		if f.Name == "" {
			continue
		}
		if f.Since = begun; f.Subject == store.LogConnection {
			f.What = store.LogSaved
		}
		if list, err := i.store.Log(ctx, f); err == nil && len(list) > 0 {
			return true
		}
	}
	return false
}
