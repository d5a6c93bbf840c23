package memory

import (
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
		v := store.Judge(w, lives, pulses, open, now)
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
