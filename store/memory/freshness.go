package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// CheckFreshness implements store.Proving.
func (s *Store) CheckFreshness(ctx context.Context, w store.Watch, now time.Time) (raised, ended int, err error) {
	err = alone(ctx, s, func() error {
		var lives []store.Life
		for _, m := range s.mailboxes.all() {
			if m.State != model.Active {
				continue
			}
			due := m.Created
			for _, t := range []time.Time{m.NextAt, m.LastSuccess} {
				if t.After(due) {
					due = t
				}
			}
			lives = append(lives, store.Life{Mailbox: m.ID, Mail: m.Mail, CRM: m.CRM, Policy: m.Policy, Proven: m.LastSuccess, Due: due})
		}
		var pulses []store.Pulse
		for _, c := range s.connections.all() {
			if c.Side == model.CRM {
				pulses = append(pulses, store.Pulse{Connection: c.ID, Every: c.Every, Begun: c.PassBegun})
			}
		}
		var open []store.Alert
		for _, a := range s.alerts.all() {
			if a.State == store.AlertOpen {
				open = append(open, a)
			}
		}
		v := store.Judge(w, lives, pulses, s.terms(), open, now)
		for _, a := range v.Raise {
			a.ID, a.State, a.Times, a.Last, a.Scope = s.newID("alt"), store.AlertOpen, 1, now, fault.Mailbox
			if a.Mailbox == "" {
				a.Scope = fault.Server
			}
			s.alerts.put(name(a.ID), a)
		}
		for _, id := range v.Still {
			a, _ := s.alerts.get(name(id))
			a.Last = now
			s.alerts.put(name(id), a)
		}
		for _, id := range v.End {
			a, _ := s.alerts.get(name(id))
			a.State, a.Over = store.AlertOver, now
			if slices.Contains(v.Silent, id) {
				a.ToldOver = now
			}
			s.alerts.put(name(id), a)
		}
		raised, ended = len(v.Raise), len(v.End)
		return nil
	})
	return raised, ended, err
}

// SetExpiry implements store.Proving.
func (s *Store) SetExpiry(ctx context.Context, m model.MailboxID, c model.ConnectionID, at time.Time) error {
	if m != "" {
		c = ""
	}
	return alone(ctx, s, func() error {
		if at.IsZero() {
			s.expiries.drop(place{c, m})
		} else {
			s.expiries.put(place{c, m}, at)
		}
		return nil
	})
}

// Expiries implements store.Proving.
func (s *Store) Expiries(ctx context.Context) ([]store.Term, error) {
	return within(ctx, s, func() ([]store.Term, error) { return s.terms(), nil })
}

func (s *Store) terms() []store.Term {
	var out []store.Term
	for k, at := range s.expiries.all() {
		t := store.Term{Mailbox: k.mailbox, Connection: k.connection, Side: model.Mail, Expires: at}
		if m, ok := s.mailboxes.get(name(k.mailbox)); ok && m.State != model.Retired {
			t.Connection = m.Mail
		} else if c, ok := s.connections.get(name(k.connection)); ok && k.mailbox == "" {
			t.Side = c.Side
		} else {
			continue
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b store.Term) int {
		return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.Mailbox, b.Mailbox), cmp.Compare(a.Connection, b.Connection))
	})
	return out
}
