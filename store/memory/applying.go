package memory

import (
	"context"
	"errors"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Lease implements store.Planning.
func (s *Store) Lease(ctx context.Context, id model.MailboxID, token string, now, ends time.Time) (until time.Time, err error) {
	err = s.alter(ctx, id, func(m *mailbox) error {
		if m.leaseToken != "" && m.leaseToken != token && m.leaseEnds.After(now) {
			until = m.leaseEnds
			return store.ErrStale
		}
		m.leaseToken, m.leaseEnds, until = token, ends, ends
		return nil
	})
	return until, err
}

// Release implements store.Planning.
func (s *Store) Release(ctx context.Context, id model.MailboxID, token string) error {
	return s.alter(ctx, id, func(m *mailbox) error {
		if m.leaseToken == token {
			m.leaseToken, m.leaseEnds = "", time.Time{}
		}
		return nil
	})
}

// DropLeases implements store.Planning.
func (s *Store) DropLeases(ctx context.Context) error {
	return alone(ctx, s, func() error {
		for k, m := range s.mailboxes.all() {
			m.leaseToken, m.leaseEnds = "", time.Time{}
			s.mailboxes.put(k, m)
		}
		return nil
	})
}

// Renew implements store.Applying.
func (s *Store) Renew(ctx context.Context, id model.MailboxID, token string, ends time.Time) error {
	return s.alter(ctx, id, func(m *mailbox) error {
		if m.leaseToken != token {
			return store.ErrStale
		}
		m.leaseEnds = ends
		return nil
	})
}

// Advance implements store.Planning.
func (s *Store) Advance(ctx context.Context, id model.MailboxID, atLeast int64) (g int64, err error) {
	err = s.alter(ctx, id, func(m *mailbox) error {
		m.Generation = max(m.Generation, atLeast) + 1
		g = m.Generation
		return nil
	})
	return g, err
}

// leased is the scope of a mailbox whose lease is the token's.
func (s *Store) leased(id model.MailboxID, token string) (scope, error) {
	m, err := s.scope(id)
	if err != nil || token == "" || m.leaseToken != token {
		return m, store.ErrStale
	}
	return m, nil
}

// Writes implements store.Applying.
func (s *Store) Writes(ctx context.Context, planID string, side model.Side, after, limit int) ([]store.Planned, error) {
	return s.list(ctx, planID, after, limit, func(o operation) bool {
		return o.Side == side && (o.state == planned || o.state == model.Unknown)
	})
}

// PlanWrites implements store.Reading.
func (s *Store) PlanWrites(ctx context.Context, planID string, after, limit int) ([]store.Planned, error) {
	return s.list(ctx, planID, after, limit, func(operation) bool { return true })
}

func (s *Store) list(ctx context.Context, planID string, after, limit int, which func(operation) bool) ([]store.Planned, error) {
	return within(ctx, s, func() ([]store.Planned, error) {
		var out []store.Planned
		for k, o := range s.operationsOf(planID) {
			if k.number > after && len(out) < limit && which(o) {
				o.Planned.State = string(o.state)
				out = append(out, o.Planned)
			}
		}
		return out, nil
	})
}

// holds reports whether a write of a plan waits for approval.
func (s *Store) holds(planID string) bool {
	for _, o := range s.operationsOf(planID) {
		if o.state == held {
			return true
		}
	}
	return false
}

// errOtherPayload is a bug of whoever planned the create: under one key only
// one thing may be sent (algorithm 1.6).
var errOtherPayload = errors.New("a create under this key was begun with other content and its outcome is not known; it must be sent unchanged")

// Begin implements store.Applying.
func (s *Store) Begin(ctx context.Context, id model.MailboxID, token, _ string, creates []store.Planned, _ int64, now time.Time) (first []model.Key, err error) {
	err = alone(ctx, s, func() error {
		m, err := s.leased(id, token)
		if err != nil {
			return err
		}
		for _, c := range creates {
			k := intentKey{m.place(c.Side), c.Op.Key}
			i, known := s.intents.get(k)
			payload := s.keep(c.Op.Content)
			if known && i.open() && i.ContentKey != payload {
				return errOtherPayload
			}
			if !known {
				i = intent{crm: m.CRM, entity: c.Entity, side: c.Side, kind: c.Kind, begun: now}
				first = append(first, c.Op.Key)
			}
			i.Intent = plan.Intent{Key: c.Op.Key, Collection: c.Op.Ref.Collection, UID: c.Op.UID, Content: c.Op.Content, ContentKey: payload}
			i.mailbox, i.outcome, i.shows, i.restores = id, "", c.Shows, c.Restores
			s.intents.put(k, i)
		}
		return nil
	})
	return first, err
}

// Adopt implements store.Planning: as if the create had been answered, but both
// sides agreed on what was sent, not on what they hold now (algorithm 1.6), so
// that a later edit is seen as one.
func (s *Store) Adopt(ctx context.Context, id model.MailboxID, found []store.Found, now time.Time) error {
	return alone(ctx, s, func() error {
		m, err := s.scope(id)
		if err != nil || len(found) == 0 {
			return err
		}
		s.adopt(m, found, now)
		return nil
	})
}

func (s *Store) adopt(m scope, found []store.Found, now time.Time) {
	var results []store.Result
	for _, f := range found {
		i, ok := s.intents.get(intentKey{m.place(f.Side), f.Key})
		if !ok || !i.open() {
			continue
		}
		w := plan.Write{
			Entity: i.entity, Kind: i.kind, Side: f.Side, Final: true, Restores: i.restores, OtherKey: i.ContentKey,
			Op: model.Operation{
				Action: model.Create, Key: f.Key, UID: i.UID, Content: i.Content,
				Ref: model.Ref{Side: f.Side, Kind: i.kind, Collection: i.Collection},
			},
		}
		results = append(results, store.Result{
			Planned: store.Planned{Write: w}, Receipt: model.Receipt{Outcome: model.Done, Ref: f.Item.Ref, Item: &f.Item},
		})
	}
	l := landing{Store: s, m: m, now: now}
	l.land(results)
	for _, r := range results {
		l.lookAgain(r.Planned.Entity)
	}
}

// Commit implements store.Applying.
func (s *Store) Commit(ctx context.Context, id model.MailboxID, token, planID string, results []store.Result, now time.Time) ([]model.MailboxID, error) {
	return within(ctx, s, func() ([]model.MailboxID, error) {
		m, err := s.leased(id, token)
		if err != nil {
			return nil, err
		}
		l := landing{Store: s, m: m, now: now, plan: planID}
		for _, r := range results {
			if r.Receipt.Outcome == model.Done {
				s.worked(id, r.Planned.Side, store.PhaseApply)
			}
		}
		return l.land(results), nil
	})
}

// FinishPlan implements store.Applying.
func (s *Store) FinishPlan(ctx context.Context, id model.MailboxID, token, planID string, r store.Round) error {
	return alone(ctx, s, func() error {
		m, err := s.leased(id, token)
		if err != nil {
			return err
		}
		s.reopen(planID, planned)
		p, ok := s.plans.get(name(planID))
		if !ok || p.Mailbox != id || p.State != store.PlanReady && p.State != store.PlanDone {
			return store.ErrStale
		}
		p.State = store.PlanDone
		s.plans.put(name(planID), p)
		if !s.decided(planID) {
			m.approved = ""
		}
		if s.undone(m.mailbox, p) {
			m.Undoing = ""
		}
		// A first sync, or another plan that waits as a whole, of which a part
		// still waits is not over.
		if !s.holds(planID) {
			m.Initialized, m.Hold = true, ""
		}
		if m.AuditAt.IsZero() {
			m.AuditAt = r.Ended.Add(store.AuditEvery)
		}
		s.mailboxes.put(name(id), m.mailbox)
		s.rounds.put(roundKey{id, r.Number, r.Started.UnixMicro()}, r)
		return nil
	})
}
