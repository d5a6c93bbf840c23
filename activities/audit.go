package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// pageOfPairsAtRest is how many pairs an audit compares at a time.
const pageOfPairsAtRest = 500

// due reports whether a time was set and has come.
func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// audit compares complete listings of ids and versions with what is known
// (requirement B22, algorithm 1.9e). It runs right after the changes were read,
// and reads them once more before it calls anything drift, so what is merely
// new is none. What it finds is read, or proven gone, and becomes pending: the
// round that follows heals it. m is nil for a CRM connection, which is audited
// once for all its mailboxes.
func (r *reader) audit(ctx context.Context, m *mailbox) (store.Audit, error) {
	report, err := r.a.Store.BeginAudit(ctx, store.Audit{Connection: r.connection, Mailbox: r.mailbox, Why: "regular", Begun: r.a.Now()})
	if err != nil {
		return report, err
	}
	if !report.Confirmed {
		if err := r.compare(ctx, report.ID); err != nil {
			return report, err
		}
	}
	found, err := r.a.Store.ConfirmDrift(ctx, report.ID)
	if err != nil {
		return report, err
	}
	unproven, err := r.heal(ctx, found)
	if err != nil {
		return report, err
	}
	if m != nil {
		if err := r.between(ctx, *m, report.ID); err != nil {
			return report, err
		}
	}
	now := r.a.Now()
	report, err = r.a.Store.EndAudit(ctx, report.ID, unproven, now, now.Add(store.AuditEvery))
	if n, _ := report.Different(); n > 0 {
		r.a.Log.WarnContext(ctx, "an audit found items that are not as they should be", "mailbox", r.mailbox, "connection", r.connection, "different", n)
	}
	return report, err
}

// compare lists every collection in full and compares it with what is known;
// then the changes are read again.
func (r *reader) compare(ctx context.Context, audit string) error {
	collections, err := r.a.Store.Collections(ctx, r.connection, r.mailbox)
	if err != nil {
		return err
	}
	asOf := r.a.Now()
	var listed []model.Collection
	for _, c := range collections {
		if c.Missing || !c.Complete {
			continue
		}
		asOf = minTime(asOf, r.asOf(c.Kind))
		if err := r.sight(ctx, audit, c.Collection); apart(err) {
			continue // closed to us: it is neither changed nor gone
		} else if err != nil {
			return err
		}
		listed = append(listed, c.Collection)
	}
	if err := r.a.Store.Compare(ctx, audit, listed, asOf); err != nil {
		return err
	}
	for _, c := range listed {
		if err := r.again(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (r *reader) sight(ctx context.Context, audit string, c model.Collection) error {
	for page, err := range r.s.List(ctx, c, "") {
		if err != nil {
			return err
		}
		if err := r.a.Store.Sight(ctx, audit, page.Changed); err != nil {
			return err
		}
	}
	return nil
}

// heal reads what differs from the system itself: what is there is saved as it
// is now, what is proven gone is marked so. What turns out to be as we knew it
// is returned; it is no drift.
func (r *reader) heal(ctx context.Context, found []store.Drift) ([]store.Drift, error) {
	collections, err := r.a.Store.Collections(ctx, r.connection, r.mailbox)
	if err != nil {
		return nil, err
	}
	var unproven []store.Drift
	for _, c := range collections {
		var here []store.Drift
		for _, d := range found {
			if d.Collection == c.ID && d.Kind == c.Kind && d.What != store.Overlooked && d.What != store.Unlike {
				here = append(here, d)
			}
		}
		for batch := range slices.Chunk(here, max(r.s.caps.Kinds[c.Kind].FetchBatch, 1)) {
			part, err := r.healBatch(ctx, c, batch)
			if err != nil {
				return nil, err
			}
			unproven = append(unproven, part...)
		}
	}
	return unproven, nil
}

func (r *reader) healBatch(ctx context.Context, c store.Collection, batch []store.Drift) ([]store.Drift, error) {
	in := store.PageIn{Connection: r.connection, Mailbox: r.mailbox, Collection: c, Cursor: c.Cursor, ReadAt: r.asOf(c.Kind)}
	refs := make([]model.Ref, len(batch))
	for i, d := range batch {
		refs[i] = model.Ref{Side: d.Side, Kind: d.Kind, Collection: d.Collection, ID: d.Item, Version: d.Found}
	}
	items, err := r.s.Fetch(ctx, refs)
	if err != nil {
		return nil, err
	}
	there := map[string]model.Item{}
	for _, it := range items {
		there[it.Ref.ID] = it
	}
	var unproven []store.Drift
	for i, d := range batch {
		it, ok := there[d.Item]
		switch {
		case !ok && d.What == store.MissingThere:
			in.Gone = append(in.Gone, refs[i]) // absent from a complete listing, and when asked for
		case !ok, d.What == store.MissingThere, d.Held != "" && it.Ref.Version == d.Held:
			unproven = append(unproven, d)
		default:
			it.Ref.Collection = c.ID
			in.Items = append(in.Items, it)
		}
	}
	return unproven, r.save(ctx, &in)
}

// between compares the two sides of what rests: a change that was known and not
// acted on becomes pending; contents that differ although both sides rest are
// what both agreed on, and are told.
func (r *reader) between(ctx context.Context, m mailbox, audit string) error {
	crm, err := r.a.Systems.Connector(ctx, m.crm)
	if err != nil {
		return err
	}
	shared := map[model.Kind][]string{}
	for _, k := range model.Kinds() {
		shared[k] = fields(k, crm.Capabilities(), r.s.caps)
	}
	for after := model.EntityID(""); ; {
		page, err := r.a.Store.Rested(ctx, m.ID, after, pageOfPairsAtRest)
		if err != nil || len(page) == 0 {
			return err
		}
		var found []store.Drift
		for _, p := range page {
			found = append(found, unlike(p.Pair, shared[p.Kind])...)
		}
		if len(found) > 0 {
			if err := r.a.Store.NoteDrift(ctx, audit, found); err != nil {
				return err
			}
		}
		after = page[len(page)-1].Entity
	}
}

// unlike says what is wrong with a pair that rests. A participant's copy may
// differ from the shared record.
func unlike(p plan.Pair, shared []string) []store.Drift {
	if p.CRM == nil || p.Mail == nil || p.CRMBase == nil || p.MailBase == nil {
		return nil
	}
	var out []store.Drift
	for _, s := range []*plan.Seen{p.CRM, p.Mail} {
		if s.Gone || s.Left || s.Trouble != "" {
			return nil
		}
		base := p.CRMBase
		if s == p.Mail {
			base = p.MailBase
		}
		if s.Key != base.Key {
			out = append(out, driftOf(s, store.Overlooked))
		}
	}
	if len(out) > 0 || !p.Lead || p.CRM.Key == p.Mail.Key {
		return out
	}
	if differing := plan.Differing(p.Kind, shared, p.CRM.Content, p.Mail.Content); len(differing) > 0 {
		d := driftOf(p.Mail, store.Unlike)
		d.Fields = differing
		out = append(out, d)
	}
	return out
}

func driftOf(s *plan.Seen, what store.DriftKind) store.Drift {
	return store.Drift{Side: s.Ref.Side, Kind: s.Ref.Kind, Item: s.Ref.ID, Collection: s.Ref.Collection, What: what, Held: s.Ref.Version, Found: s.Ref.Version}
}

// summary is a report in one sentence.
func summary(a store.Audit) string {
	different, unlike := a.Different()
	text := fmt.Sprintf("%d items compared, %d different", a.Compared, different)
	if unlike > 0 {
		text += fmt.Sprintf(", %d held differently by the two sides", unlike)
	}
	return text + "."
}

// askAudit has the mailbox compared in the next round, and its CRM in the next
// feed pass.
func (a *Activities) askAudit(ctx context.Context, m model.Mailbox, out *ObeyOut) (store.RequestOutcome, string, error) {
	switch {
	case m.State != model.Active:
		return store.RequestRefused, fmt.Sprintf("The mailbox is %s: %s. Resume it first.", m.State, m.Reason), nil
	case !m.Initialized:
		return store.RequestRefused, "The first sync of this mailbox is not done yet: there is nothing to compare with.", nil
	}
	if err := a.Store.ScheduleAudit(ctx, m.CRM, "", a.Now()); err != nil {
		return "", "", err
	}
	if err := a.Store.ScheduleAudit(ctx, m.Mail, m.ID, a.Now()); err != nil {
		return "", "", err
	}
	out.Round = true
	return "", "", a.Waker.WakeConnection(ctx, m.CRM)
}
