package memory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// audit is a report with what its listings named while it is under way.
type audit struct {
	store.Audit
	sighted []model.Ref // each item once, as it was named last
}

func (a audit) at() place { return place{a.Connection, a.Mailbox} }

func (a audit) side() model.Side {
	if a.at().crm() {
		return model.CRM
	}
	return model.Mail
}

// sees finds what the listings named.
func (a audit) sees(kind model.Kind, item string) bool {
	for _, r := range a.sighted {
		if r.Kind == kind && r.ID == item {
			return true
		}
	}
	return false
}

// ScheduleAudit implements store.Auditing.
func (s *Store) ScheduleAudit(ctx context.Context, c model.ConnectionID, m model.MailboxID, at time.Time) error {
	return alone(ctx, s, func() error { return s.schedule(place{c, m}, at) })
}

func (s *Store) schedule(p place, at time.Time) error {
	if m, ok := s.mailboxes.get(name(p.mailbox)); ok {
		m.AuditAt = at
		s.mailboxes.put(name(p.mailbox), m)
		return nil
	}
	c, ok := s.connections.get(name(p.connection))
	if !ok || !p.crm() {
		return store.ErrNotFound
	}
	c.AuditAt = at
	s.connections.put(name(p.connection), c)
	return nil
}

// BeginAudit implements store.Auditing.
func (s *Store) BeginAudit(ctx context.Context, a store.Audit) (store.Audit, error) {
	return within(ctx, s, func() (store.Audit, error) {
		for k, old := range s.audits.all() {
			if old.at() != (place{a.Connection, a.Mailbox}) || !old.Ended.IsZero() {
				continue
			}
			if old.Confirmed {
				return old.Audit, nil
			}
			s.audits.drop(k)
		}
		a.ID = s.newID("aud")
		s.audits.put(name(a.ID), audit{Audit: a})
		return a, nil
	})
}

// openAudit changes an audit that is under way.
func (s *Store) openAudit(ctx context.Context, id string, f func(*audit) error) error {
	return alone(ctx, s, func() error {
		a, ok := s.audits.get(name(id))
		if !ok || !a.Ended.IsZero() {
			return store.ErrNotFound
		}
		if err := f(&a); err != nil {
			return err
		}
		s.audits.put(name(id), a)
		return nil
	})
}

// Sight implements store.Auditing.
func (s *Store) Sight(ctx context.Context, id string, refs []model.Ref) error {
	return s.openAudit(ctx, id, func(a *audit) error {
		for _, r := range refs {
			var rest []model.Ref
			for _, old := range a.sighted {
				if old.Kind != r.Kind || old.ID != r.ID {
					rest = append(rest, old)
				}
			}
			a.sighted = append(rest, r)
		}
		return nil
	})
}

// Compare implements store.Auditing.
func (s *Store) Compare(ctx context.Context, id string, listed []model.Collection, asOf time.Time) error {
	return s.openAudit(ctx, id, func(a *audit) error {
		var found []store.Drift
		for _, r := range a.sighted {
			o, ok := s.observations.get(itemKey{a.at(), r.Kind, r.ID})
			d := store.Drift{Side: a.side(), Kind: r.Kind, Item: r.ID, Collection: r.Collection, Found: r.Version}
			switch {
			case !ok, o.absent == gone && o.applied.Before(asOf):
				d.What = store.MissingHere
			case o.absent == present && r.Version != "" && o.version != r.Version && o.applied.Before(asOf):
				d.What, d.Held = store.OtherVersion, o.version
			default:
				continue
			}
			found = append(found, d)
		}
		a.Compared = len(a.sighted)
		for _, c := range listed {
			for k, o := range s.items(a.at(), c.Kind) {
				if o.collection == c.ID && o.absent == present && o.applied.Before(asOf) && !a.sees(k.kind, k.id) {
					a.Compared++
					found = append(found, store.Drift{Side: a.side(), Kind: k.kind, Item: k.id, Collection: o.collection, What: store.MissingThere, Held: o.version})
				}
			}
		}
		a.note(found)
		return nil
	})
}

// note adds drift, each item once, in order.
func (a *audit) note(found []store.Drift) {
	t := table[pendingKey, store.Drift]{rows: map[pendingKey]store.Drift{}, log: new([]func())}
	for _, list := range [][]store.Drift{found, a.Drift} {
		for _, d := range list {
			t.put(pendingKey{side: d.Side, kind: d.Kind, item: d.Item}, d)
		}
	}
	a.Drift = nil
	for _, d := range t.all() {
		a.Drift = append(a.Drift, d)
	}
}

// keep drops the drift for which keep says no.
func (a *audit) keep(keep func(store.Drift) bool) {
	var rest []store.Drift
	for _, d := range a.Drift {
		if keep(d) {
			rest = append(rest, d)
		}
	}
	a.Drift = rest
}

// ConfirmDrift implements store.Auditing.
func (s *Store) ConfirmDrift(ctx context.Context, id string) (out []store.Drift, err error) {
	err = s.openAudit(ctx, id, func(a *audit) error {
		if !a.Confirmed {
			a.keep(func(d store.Drift) bool {
				o, ok := s.observations.get(itemKey{a.at(), d.Kind, d.Item})
				if !ok || o.absent != present {
					o.version = ""
				}
				return o.version == d.Held
			})
		}
		a.Confirmed, a.sighted, out = true, nil, a.Drift
		return nil
	})
	return out, err
}

// Rested implements store.Auditing.
func (s *Store) Rested(ctx context.Context, id model.MailboxID, after model.EntityID, limit int) ([]store.Pair, error) {
	return within(ctx, s, func() ([]store.Pair, error) {
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		var out []store.Pair
		for k, l := range s.linksOf(id) {
			if k.entity <= after || len(out) == limit || l.state != plan.Linked || l.crm == "" || l.mail == "" || s.awaited(id, l) {
				continue
			}
			p := s.pair(m, pendingKey{id, model.CRM, l.kind, l.crm}, l)
			for _, v := range []*plan.Seen{p.CRM, p.Mail} {
				if v != nil {
					v.Content = s.content(v.Key)
				}
			}
			out = append(out, p)
		}
		return out, nil
	})
}

// awaited reports whether something is pending for a link.
func (s *Store) awaited(id model.MailboxID, l link) bool {
	for _, side := range sides() {
		if _, ok := s.pending.get(pendingKey{id, side, l.kind, *l.item(side)}); ok {
			return true
		}
	}
	return false
}

// NoteDrift implements store.Auditing.
func (s *Store) NoteDrift(ctx context.Context, id string, found []store.Drift) error {
	return s.openAudit(ctx, id, func(a *audit) error {
		a.note(found)
		var rows []pendingKey
		for _, d := range found {
			if d.What == store.Overlooked {
				rows = append(rows, pendingKey{a.Mailbox, d.Side, d.Kind, d.Item})
			}
		}
		s.pendAll(rows)
		return nil
	})
}

// EndAudit implements store.Auditing.
func (s *Store) EndAudit(ctx context.Context, id string, unproven []store.Drift, now, next time.Time) (out store.Audit, err error) {
	err = s.openAudit(ctx, id, func(a *audit) error {
		for _, u := range unproven {
			a.keep(func(d store.Drift) bool { return d.Kind != u.Kind || d.Item != u.Item })
		}
		a.sighted, a.Ended, a.Confirmed = nil, now, false
		a.Seal = sealed(a.Audit)
		out = a.Audit
		out.Genuine = true
		return s.schedule(a.at(), next)
	})
	return out, err
}

// sealed sums up a report. Nobody can change what lies in memory.
func sealed(a store.Audit) string {
	a.Seal = ""
	text, _ := json.Marshal(a) // strings, numbers and times cannot fail to encode
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// LastAudit implements store.Auditing.
func (s *Store) LastAudit(ctx context.Context, c model.ConnectionID, m model.MailboxID) (store.Audit, error) {
	return within(ctx, s, func() (out store.Audit, err error) {
		err = store.ErrNotFound
		for _, a := range s.audits.all() { // ids grow
			if a.at() == (place{c, m}) && !a.Ended.IsZero() {
				out, err = a.Audit, nil
				out.Genuine = a.Seal == sealed(a.Audit)
			}
		}
		return out, err
	})
}
