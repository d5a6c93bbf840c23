package activities

import (
	"context"
	"errors"
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Verbs of requests.
const (
	VerbPause   = "pause"
	VerbResume  = "resume"
	VerbSync    = "sync-now"
	VerbShow    = "show-plan"
	VerbApprove = "approve-plan"
	VerbReject  = "reject-plan"
	VerbUndo    = "undo"
	VerbRemove  = "remove"
	VerbResolve = "resolve-conflict"
	VerbAudit   = "audit"
	VerbRename  = "rename"
	VerbClear   = "clear-conflict"
	VerbRejoin  = "rejoin"
	VerbReinit  = "re-initialize"
	VerbAdmit   = "approve-address"
	VerbEnable  = "test-and-enable"
	VerbTurnOff = "turn-off"
)

// ObeyIn names an accepted request.
type ObeyIn struct{ Request string }

// ObeyOut says what it means for the workflow.
type ObeyOut struct {
	Verb  string
	State model.MailboxState
	// Round: the request is answered by the next round.
	Round bool
	// Move: the request is carried out, and answered, by the activity Move.
	Move bool
	// Begun: the request goes on for several rounds, and the last one answers it.
	Begun bool
}

// Obey begins to carry out a request. What changes only our own store is done
// and answered here; what needs a round is answered by Answer after it. Doing
// it twice is harmless.
func (a *Activities) Obey(ctx context.Context, in ObeyIn) (ObeyOut, error) {
	r, err := a.Store.Request(ctx, in.Request)
	if err != nil {
		return ObeyOut{}, err
	}
	m, err := a.Store.Mailbox(ctx, r.Mailbox)
	if err != nil {
		return ObeyOut{}, err
	}
	out := ObeyOut{Verb: r.Verb, State: m.State}
	if r.Outcome != store.RequestOpen {
		return out, nil
	}
	ctx = store.WithAuthor(ctx, store.Author{By: r.By, Why: "asked as " + r.ID})
	outcome, message, err := a.carryOut(ctx, m, r, &out)
	if err != nil || out.Round || out.Move || out.Begun {
		return out, err
	}
	return out, a.Store.FinishRequest(ctx, r.ID, outcome, message)
}

func (a *Activities) carryOut(ctx context.Context, m model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	switch r.Verb {
	case VerbPause:
		return a.move(ctx, m, out, model.Paused, "paused by "+r.By)
	case VerbResume:
		return a.resume(ctx, m, out)
	case VerbRenew:
		return a.renew(ctx, m, out)
	case VerbRevoke:
		return a.revoke(ctx, m, r, out)
	case VerbRemove:
		return a.remove(ctx, m, r, out)
	case VerbApprove:
		return a.decide(ctx, m, r, plan.Approved, out)
	case VerbReject:
		return a.decide(ctx, m, r, plan.Rejected, out)
	case VerbResolve:
		return a.resolve(ctx, m, r, out)
	case VerbUndo:
		return a.undo(ctx, m, r, out)
	case VerbShow:
		return a.show(ctx, m, out)
	case VerbSync:
		if m.State == model.Registered || m.State == model.Approved {
			return store.RequestRefused, notEnabled(m), nil
		}
		if m.State != model.Active {
			return store.RequestRefused, fmt.Sprintf("The mailbox is %s: %s. Resume it first.", m.State, m.Reason), nil
		}
		return a.anyRound(ctx, m, out)
	case VerbReview:
		return a.answerReview(ctx, m, r, out)
	case VerbRejoin:
		return a.rejoin(ctx, m, r, out)
	case VerbAdmit:
		return a.admit(ctx, m, r, out)
	case VerbEnable:
		return a.enable(ctx, m, r, out)
	case VerbTurnOff:
		return a.turnOff(ctx, m, r)
	case VerbAudit:
		return a.askAudit(ctx, m, out)
	case VerbReinit:
		return a.reinitialize(ctx, m, r, out)
	case VerbRename, VerbClear:
		out.Move = true
		return "", "", nil
	default:
		return store.RequestRefused, fmt.Sprintf("There is no command %q.", r.Verb), nil
	}
}

// show asks for a dry run, unless a plan waits that can be looked at as it is.
func (a *Activities) show(ctx context.Context, m model.Mailbox, out *ObeyOut) (store.RequestOutcome, string, error) {
	if m.State != model.Active && m.State != model.Paused {
		return store.RequestRefused, fmt.Sprintf("The mailbox is %s: %s.", m.State, m.Reason), nil
	}
	p, err := a.Store.Plan(ctx, m.ID)
	switch {
	case err == nil && (p.State == store.PlanHeld || p.Counts.Held > 0):
		return store.RequestDone, "A plan waits for approval.", nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return "", "", err
	}
	return a.anyRound(ctx, m, out)
}

// anyRound has the next round answer, if there can be one before somebody has
// acted.
func (a *Activities) anyRound(ctx context.Context, m model.Mailbox, out *ObeyOut) (store.RequestOutcome, string, error) {
	all, err := a.load(ctx, m.ID)
	if err != nil {
		return "", "", err
	}
	if _, by := m.Standing(all.crm, all.mail); by != nil {
		return store.RequestRefused, outageOf(*by).Text(), nil
	}
	out.Round = true
	return "", "", nil
}

// resume enables a mailbox again (D-33), unless it is disabled with its whole
// connection: that ends with a test of the connection.
func (a *Activities) resume(ctx context.Context, m model.Mailbox, out *ObeyOut) (store.RequestOutcome, string, error) {
	if gone, err := a.revoked(ctx, m); err != nil {
		return "", "", err
	} else if gone {
		return store.RequestRefused, "The access was revoked. Renew it: lockstep mailbox renew " + m.Address, nil
	}
	if m.State != model.Active {
		return a.move(ctx, m, out, model.Active, "")
	}
	all, err := a.load(ctx, m.ID)
	if err != nil {
		return "", "", err
	}
	if _, by := m.Standing(all.crm, all.mail); by != nil {
		return store.RequestRefused, outageOf(*by).Text(), nil
	}
	return a.move(ctx, m, out, model.Active, "")
}

func (a *Activities) move(ctx context.Context, m model.Mailbox, out *ObeyOut, s model.MailboxState, reason string) (store.RequestOutcome, string, error) {
	if m.State == model.Retired {
		return store.RequestRefused, "The mailbox was removed. Add it again to sync it.", nil
	}
	if m.State == model.Conflicted {
		return store.RequestRefused, inConflict(m), nil
	}
	if m.State == model.Registered || m.State == model.Approved {
		return store.RequestRefused, notEnabled(m), nil
	}
	if m.State == s {
		return store.RequestDone, fmt.Sprintf("The mailbox is %s already.", s), nil
	}
	if s == model.Active {
		if err := a.Store.EndAlerts(ctx, m.ID, "", "", a.Now()); err != nil {
			return "", "", err
		}
	}
	if err := a.Store.SetMailboxState(ctx, m.ID, s, reason); err != nil {
		return "", "", err
	}
	out.State = s
	return store.RequestDone, fmt.Sprintf("The mailbox is %s now.", s), nil
}

// remove takes our marks out of the mailbox and retires it. No item is deleted
// on either side; links stay until they are forgotten.
func (a *Activities) remove(ctx context.Context, m model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	if m.State == model.Retired && r.Argument != "forget" {
		return store.RequestDone, "The mailbox was removed before.", nil
	}
	note := a.unmark(ctx, m.ID)
	if err := a.Store.SetMailboxState(ctx, m.ID, model.Retired, "removed by "+r.By); err != nil {
		return "", "", err
	}
	out.State = model.Retired
	return store.RequestDone, "The mailbox is no longer synced. No item was deleted on either side" + note + ".", nil
}
