package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// The life of a mailbox before it is active (requirements D-13 to D-16, D-33 to
// D-37, D-40): somebody who may approves its address, then every workload is
// tried on both sides, and those that work are turned on.

// notEnabled says what a mailbox waits for that was never active.
func notEnabled(m model.Mailbox) string {
	if m.State == model.Registered {
		return issue.Message("mailbox.several-not-approved")
	}
	return fmt.Sprintf("The mailbox was not tested yet. Test and enable it: lockstep mailbox test-and-enable %s", m.Address)
}

// admit approves the address of a mailbox.
func (a *Activities) admit(ctx context.Context, m model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	policy, err := a.Store.Policy(ctx, m.Policy)
	switch {
	case err != nil:
		return "", "", err
	case !policy.MayApprove(r.By):
		return store.RequestRefused, fmt.Sprintf("%s may not approve mailboxes of the policy %s; these may: %s.", r.By, policy.Name, strings.Join(policy.Approvers, ", ")), nil
	case m.State == model.Retired:
		return store.RequestRefused, "The mailbox was removed. Add it again to sync it.", nil
	case m.State != model.Registered:
		return store.RequestDone, "The address is approved already.", nil
	}
	if err := a.Store.SetMailboxState(ctx, m.ID, model.Approved, "approved by "+r.By+"; waits for its test"); err != nil {
		return "", "", err
	}
	out.State = model.Approved
	return store.RequestDone, "The address is approved. Test and enable it: lockstep mailbox test-and-enable " + m.Address, nil
}

// Enable is the argument of VerbEnable.
type Enable struct {
	Workloads []model.Workload `json:"workloads,omitempty"` // none = all that are offered
	TestOnly  bool             `json:"test_only,omitempty"`
	// Overwrite: this organisation becomes the primary one, whoever was before
	// (requirement D-19).
	Overwrite bool `json:"overwrite,omitempty"`
	// Acknowledge: a person knows of the other software that is declared to sync
	// the mailbox (requirements L-15, D-40).
	Acknowledge bool `json:"acknowledge,omitempty"`
}

// Argument is the wish as the argument of a request.
func (e Enable) Argument() string {
	text, _ := json.Marshal(e) // texts and flags cannot fail to encode
	return string(text)
}

// workloads are all that there are.
func workloads() []model.Workload {
	return []model.Workload{model.Incoming, model.Outgoing, model.ACT}
}

// enable tries a mailbox and turns on what works. A refusal changes nothing but
// what is known of the trial.
func (a *Activities) enable(ctx context.Context, box model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	var e Enable
	if r.Argument != "" && json.Unmarshal([]byte(r.Argument), &e) != nil {
		return store.RequestRefused, "The command is not understood.", nil //nolint:nilerr // the person hears of it as the outcome
	}
	m, err := a.load(ctx, box.ID)
	if err != nil {
		return "", "", err
	}
	if why := untestable(m, e); why != "" {
		return store.RequestRefused, why, nil
	}
	p := prober{a: a, m: m, key: model.Key("try-" + strings.ToLower(strings.ReplaceAll(r.ID, "_", "-")))}
	if err := p.all(ctx); err != nil {
		return "", "", err
	}
	if err := a.Store.SaveProbes(ctx, m.ID, p.found, a.Now()); err != nil {
		return "", "", err
	}
	on, verdict, works := p.verdict(e)
	if e.TestOnly || !works {
		return outcomeOf(works), verdict, nil
	}
	if on.Has(model.ACT) {
		if why, err := a.claimMailbox(ctx, m, e); err != nil || why != "" {
			return store.RequestRefused, why, err
		}
	}
	return a.turnOn(ctx, m, e, on, verdict, out)
}

func outcomeOf(works bool) store.RequestOutcome {
	if works {
		return store.RequestDone
	}
	return store.RequestRefused
}

// untestable is why a mailbox is not even tried, "" if it is.
func untestable(m mailbox, e Enable) string {
	impossible, _ := connector.Combine(m.crm, m.mail)
	declared := strings.Join(m.policy.AlsoSynced, ", ")
	switch {
	case m.State == model.Retired:
		return "The mailbox was removed. Add it again to sync it."
	case m.State == model.Conflicted:
		return inConflict(m.Mailbox)
	case m.State == model.Registered:
		return issue.Message("mailbox.several-not-approved")
	case impossible != "":
		return "These systems cannot work together: " + impossible + "."
	case e.TestOnly || declared == "" || declared == m.Acknowledged || e.Acknowledge:
		return ""
	default:
		return fmt.Sprintf("%s is declared to move data between this mailbox and the CRM, too. Both together cause edit conflicts and duplicates, and changes may not reach all attendees. "+
			"Switch it off for this mailbox; or say that you know: lockstep mailbox test-and-enable %s --acknowledge", declared, m.Address)
	}
}

// claimMailbox makes this organisation the mailbox's primary one; why says that
// another one is.
func (a *Activities) claimMailbox(ctx context.Context, m mailbox, e Enable) (why string, err error) {
	s, err := a.openMail(ctx, m)
	if err != nil {
		return "", err
	}
	defer s.Close()
	owner, ok := connector.As[connector.Owner](s.Session)
	if !ok {
		return "", nil
	}
	found, _, err := ownerOf(ctx, s.Session)
	if err != nil {
		return "", err
	}
	our, err := a.ours(ctx)
	switch {
	case err != nil:
		return "", err
	case found.Engine == "" || same(found, our):
		return "", a.takeOver(ctx, m, owner, "")
	case !e.Overwrite:
		return otherOrganisation(m.Mailbox).Message, nil
	default:
		return "", a.takeOver(ctx, m, owner, strings.TrimSpace(found.Engine+" "+found.Installation))
	}
}

// turnOn makes a mailbox active with the workloads that work.
func (a *Activities) turnOn(ctx context.Context, m mailbox, e Enable, on model.Workloads, verdict string, out *ObeyOut) (store.RequestOutcome, string, error) {
	if declared := strings.Join(m.policy.AlsoSynced, ", "); e.Acknowledge && declared != "" {
		if err := a.Store.Acknowledge(ctx, m.ID, declared); err != nil {
			return "", "", err
		}
	}
	if err := a.Store.SetWorkloads(ctx, m.ID, on); err != nil {
		return "", "", err
	}
	if m.State != model.Active {
		if err := a.Store.SetMailboxState(ctx, m.ID, model.Active, ""); err != nil {
			return "", "", err
		}
	}
	out.State = model.Active
	return store.RequestDone, verdict, nil
}

// turnOff turns one workload off and leaves the others as they are.
func (a *Activities) turnOff(ctx context.Context, m model.Mailbox, r store.Request) (store.RequestOutcome, string, error) {
	w := model.Workload(r.Argument)
	switch {
	case m.State == model.Retired:
		return store.RequestRefused, "The mailbox was removed. Add it again to sync it.", nil
	case w != model.Incoming && w != model.Outgoing && w != model.ACT:
		return store.RequestRefused, fmt.Sprintf("There is no workload %q.", r.Argument), nil
	case !m.Workloads.Has(w):
		return store.RequestDone, fmt.Sprintf("%s is off already.", w), nil
	}
	if err := a.Store.SetWorkloads(ctx, m.ID, m.Workloads.Without(w)); err != nil {
		return "", "", err
	}
	return store.RequestDone, fmt.Sprintf("%s is off now. No item was changed on either side.", w), nil
}
