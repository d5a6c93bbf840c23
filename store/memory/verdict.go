package memory

import (
	"context"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Judge implements store.Planning.
func (s *Store) Judge(ctx context.Context, id model.MailboxID, planID string, list []store.Judged) error {
	return alone(ctx, s, func() error {
		if p, ok := s.plans.get(name(planID)); !ok || p.Mailbox != id || p.State != store.PlanOpen {
			return store.ErrStale
		}
		for _, j := range list {
			k := writeKey{planID, j.Number}
			o, ok := s.operations.get(k)
			if !ok {
				continue
			}
			o.state, o.Held, o.Verdict = planned, j.Held, j.Verdict
			if j.Held != "" {
				o.state = held
				s.waitFor(planID, o)
			}
			s.operations.put(k, o)
		}
		return nil
	})
}

// waitFor keeps the pending rows behind a held write.
func (s *Store) waitFor(planID string, o operation) {
	l, _ := s.links.get(linkKey{o.mailbox, o.Entity})
	for _, side := range sides() {
		k := pendingKey{o.mailbox, side, l.kind, *l.item(side)}
		if v, ok := s.pending.get(k); ok && v.plan == planID && v.state == written {
			v.state = waiting
			s.pending.put(k, v)
		}
	}
}

// Decide implements store.Planning.
func (s *Store) Decide(ctx context.Context, id model.MailboxID, d store.Decision) error {
	return s.alter(ctx, id, func(m *mailbox) error {
		p, ok := s.plans.get(name(d.Plan))
		if !ok || m.plan != d.Plan || p.Hash != d.Hash {
			return store.ErrStale
		}
		m.approved = d.Hash
		for k, o := range s.operationsOf(d.Plan) {
			waits := o.state == held || o.state == planned && p.State == store.PlanHeld
			if waits && (d.Numbers == nil || slices.Contains(d.Numbers, k.number)) {
				o.Verdict = d.Verdict
				s.operations.put(k, o)
			}
		}
		return nil
	})
}

// Approved implements store.Planning.
func (s *Store) Approved(ctx context.Context, id model.MailboxID) (string, error) {
	return within(ctx, s, func() (string, error) {
		m, ok := s.mailboxes.get(name(id))
		return m.approved, found(ok)
	})
}

// decided reports whether a write of a plan waits for being carried out as a
// person decided.
func (s *Store) decided(planID string) bool {
	for _, o := range s.operationsOf(planID) {
		if o.Verdict != plan.Undecided && (o.state == planned || o.state == model.Unknown) {
			return true
		}
	}
	return false
}

// Waiting implements store.Planning.
func (s *Store) Waiting(ctx context.Context, id model.MailboxID, after, limit int) ([]store.Planned, error) {
	var newest string
	if _, err := within(ctx, s, func() (struct{}, error) {
		m, ok := s.mailboxes.get(name(id))
		newest = m.plan
		return struct{}{}, found(ok)
	}); err != nil {
		return nil, err
	}
	return s.list(ctx, newest, after, limit, func(o operation) bool { return o.state == held || o.Verdict != plan.Undecided })
}

// Echoes implements store.Planning.
func (s *Store) Echoes(ctx context.Context, id model.MailboxID, kind model.Kind, side model.Side, keys []string) ([]string, error) {
	return within(ctx, s, func() ([]string, error) {
		var out []string
		for _, l := range s.linksOf(id) {
			if base := *l.base(side); l.kind == kind && l.state == plan.Linked && base != "" && slices.Contains(keys, base) {
				out = append(out, base)
			}
		}
		for _, o := range s.operations.all() {
			if o.mailbox == id && o.Kind == kind && o.Op.Action == model.Delete && o.state == model.Done && o.before != "" && slices.Contains(keys, o.before) {
				out = append(out, o.before)
			}
		}
		slices.Sort(out)
		return slices.Compact(out), nil
	})
}
