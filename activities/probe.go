package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// prober tries the workloads of a mailbox on both sides, step by step. What it
// writes it takes back; it never invites or reminds anybody.
type prober struct {
	a     *Activities
	m     mailbox
	key   model.Key // of what is written: a second attempt finds what the first left
	found []store.Probe
}

// steps are what is tried for a workload.
func steps(w model.Workload) []store.ProbeStep {
	switch w {
	case model.Incoming:
		return []store.ProbeStep{store.ProbeReach, store.ProbeSignIn, store.ProbeRead, store.ProbeDelegate}
	case model.Outgoing:
		return []store.ProbeStep{store.ProbeReach, store.ProbeSignIn, store.ProbeSend, store.ProbeDelegate}
	default:
		return []store.ProbeStep{store.ProbeReach, store.ProbeSignIn, store.ProbeRead, store.ProbeWrite, store.ProbeSend, store.ProbeDelegate}
	}
}

func (p *prober) all(ctx context.Context) error {
	for _, w := range workloads() {
		for _, s := range []model.Side{model.CRM, model.Mail} {
			if err := p.side(ctx, w, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// side tries one workload on one side. Only the end of the context is an error:
// everything else is a verdict.
func (p *prober) side(ctx context.Context, w model.Workload, on model.Side) error {
	s, err := p.open(ctx, on)
	if err == nil {
		defer s.Close()
		err = s.Test(ctx, w)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if fault.Is(err, fault.Unsupported) {
		for _, step := range steps(w) {
			p.note(w, on, step, store.ProbeNotOffered, "")
		}
		return nil
	}
	failed := failedAt(w, err)
	for _, step := range steps(w) {
		switch {
		case failed == "" && step == store.ProbeWrite:
			if failed, err = p.write(ctx, w, on, s); err != nil {
				return err
			}
		case failed == step:
			p.note(w, on, step, store.ProbeFails, message(err))
		case failed != "" && slices.Index(steps(w), step) > slices.Index(steps(w), failed):
			p.note(w, on, step, store.ProbeNotTried, "")
		case step == store.ProbeDelegate, step == store.ProbeSend && w == model.ACT:
			p.note(w, on, step, store.ProbeNotOffered, "")
		default:
			p.note(w, on, step, store.ProbeWorks, "")
		}
	}
	return nil
}

func (p *prober) open(ctx context.Context, on model.Side) (side, error) {
	if on == model.CRM {
		return p.a.openCRM(ctx, p.m.crm)
	}
	return p.a.openMail(ctx, p.m)
}

func (p *prober) note(w model.Workload, on model.Side, step store.ProbeStep, v store.ProbeVerdict, why string) {
	p.found = append(p.found, store.Probe{Workload: w, Side: on, Step: step, Verdict: v, Message: why})
}

// failedAt is the step at which trying a workload failed, "" if it did not.
func failedAt(w model.Workload, err error) store.ProbeStep {
	f := fault.Of(err)
	switch {
	case err == nil:
		return ""
	case f == nil, f.Class == fault.Transient, f.Class == fault.Throttled, f.Scope == fault.Server && f.Class != fault.Auth:
		return store.ProbeReach
	case f.Class == fault.Auth:
		return store.ProbeSignIn
	default:
		return steps(w)[2] // read, or send
	}
}

func message(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Error()
	}
	return err.Error()
}

// write tries to write each kind that the policy syncs and notes the verdict. It
// returns the step if it failed.
func (p *prober) write(ctx context.Context, w model.Workload, on model.Side, s side) (store.ProbeStep, error) {
	var notes []string
	tried := 0
	if on == model.Mail { // what an attempt before left that died
		var all []model.Key
		for _, k := range model.Kinds() {
			all = append(all, p.keys(k)...)
		}
		if err := p.sweep(ctx, s, all); err != nil {
			p.note(w, on, store.ProbeWrite, store.ProbeFails, message(err))
			return store.ProbeWrite, ctx.Err()
		}
	}
	for _, k := range model.Kinds() {
		if _, can := s.caps.Kinds[k]; !can || !p.synced(k, on) {
			continue
		}
		done, err := p.tryWrite(ctx, on, s, k)
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil {
			p.note(w, on, store.ProbeWrite, store.ProbeFails, fmt.Sprintf("%s: %s", k, message(err)))
			return store.ProbeWrite, nil
		}
		if done {
			tried++
		} else {
			notes = append(notes, string(k))
		}
	}
	switch {
	case tried > 0:
		p.note(w, on, store.ProbeWrite, store.ProbeWorks, "")
	case len(notes) > 0:
		p.note(w, on, store.ProbeWrite, store.ProbeNotTried, "this system has no way to take a trial back; its rights were asked for instead")
	default:
		p.note(w, on, store.ProbeWrite, store.ProbeNotTried, "the policy writes nothing on this side")
	}
	return "", nil
}

// synced reports whether the policy ever writes a kind on a side.
func (p *prober) synced(k model.Kind, on model.Side) bool {
	rule := p.m.policy.Kinds[k]
	if rule.FromMail == "none" && rule.FromCRM == "none" {
		return false
	}
	return on == model.CRM && rule.Direction != model.CRMToMail || on == model.Mail && rule.Direction != model.MailToCRM
}

// tryWrite writes a kind for real and takes it back; done is false where that
// cannot be tried.
func (p *prober) tryWrite(ctx context.Context, on model.Side, s side, k model.Kind) (done bool, err error) {
	if tester, ok := connector.As[connector.WriteTester](s.Session); ok {
		return true, tester.TestWrite(ctx, k)
	}
	if on == model.CRM {
		return false, nil // records leave traces there, and rules may act on them
	}
	home, err := p.home(ctx, s, k)
	if err != nil || home == "" {
		return false, err
	}
	keys := p.keys(k)
	var made model.Receipt
	for _, key := range keys {
		op := model.Operation{Action: model.Create, Key: key, Content: connector.Sample(k), Ref: model.Ref{Side: on, Kind: k, Collection: home}}
		made, err = first(s.Apply(ctx, []model.Operation{op}))
		if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
			break // otherwise the key was used up by an attempt before
		}
	}
	if err == nil {
		_, err = first(s.Apply(ctx, []model.Operation{{Action: model.Delete, Ref: made.Ref, Expect: made.Ref.Version}}))
		if err == nil {
			return true, nil
		}
	}
	return true, errors.Join(err, p.sweep(ctx, s, keys))
}

// keys are what a trial of a kind may create under, one after the other: some
// systems take a key only once, even if its item is deleted.
func (p *prober) keys(k model.Kind) []model.Key {
	var out []model.Key
	for n := range 5 {
		out = append(out, model.Key(fmt.Sprintf("%s-%s-%d", p.key, k, n)))
	}
	return out
}

// home is where new items of a kind are created in the mailbox, "" = nowhere.
func (p *prober) home(ctx context.Context, s side, k model.Kind) (string, error) {
	all, err := s.Collections(ctx)
	if err != nil {
		return "", err
	}
	home := ""
	for _, c := range all {
		if c.Kind == k && !c.ReadOnly && (c.Primary || home == "") {
			home = c.ID
		}
	}
	return home, nil
}

// first is the receipt of one operation, or why it was not carried out.
func first(receipts []model.Receipt, err error) (model.Receipt, error) {
	switch {
	case err != nil:
		return model.Receipt{}, err
	case receipts[0].Outcome != model.Done:
		return receipts[0], receipts[0].Err
	}
	return receipts[0], nil
}

// sweep takes back what a trial may have left whose answer was lost.
func (p *prober) sweep(ctx context.Context, s side, keys []model.Key) error {
	found, _, err := s.FindByKey(ctx, keys)
	if err != nil {
		return err
	}
	for _, it := range found {
		if _, err := first(s.Apply(ctx, []model.Operation{{Action: model.Delete, Ref: it.Ref, Expect: it.Ref.Version}})); err != nil {
			return err
		}
	}
	return nil
}

// verdict sums up: which workloads are to be on, what to tell, and whether all
// that was asked for works.
func (p *prober) verdict(e Enable) (on model.Workloads, text string, works bool) {
	on, works = p.m.Workloads, true
	var says []string
	some := false
	for _, w := range workloads() {
		asked := slices.Contains(e.Workloads, w)
		verdict, why := p.of(w)
		says = append(says, fmt.Sprintf("%s: %s%s", w, verdict, why))
		switch {
		case verdict == store.ProbeWorks && (asked || len(e.Workloads) == 0):
			on, some = on.With(w), true
		case asked, verdict == store.ProbeFails && len(e.Workloads) == 0:
			works = false
		case verdict == store.ProbeNotOffered:
			on = on.Without(w)
		}
	}
	return on, strings.Join(says, "; ") + ".", works && some
}

// of is the verdict on one workload and, where it does not work, why.
func (p *prober) of(w model.Workload) (store.ProbeVerdict, string) {
	verdict := store.ProbeWorks
	for _, f := range p.found {
		switch {
		case f.Workload != w:
		case f.Verdict == store.ProbeFails:
			return store.ProbeFails, fmt.Sprintf(" at %s: %s", f.Step, strings.TrimSuffix(f.Message, "."))
		case f.Step == store.ProbeReach && f.Verdict == store.ProbeNotOffered:
			verdict = store.ProbeNotOffered
		}
	}
	return verdict, ""
}
