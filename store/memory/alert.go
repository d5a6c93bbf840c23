package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// strike notes a failure; one that is open counts up.
func (s *Store) strike(f store.Alert, state store.AlertState, now time.Time) (int, error) {
	if f.Mailbox != "" {
		m, ok := s.mailboxes.get(name(f.Mailbox))
		if !ok {
			return 0, store.ErrNotFound
		}
		f.Connection = m.Mail
		if f.Side == model.CRM {
			f.Connection = m.CRM
		}
	} else if _, ok := s.connections.get(name(f.Connection)); !ok {
		return 0, store.ErrNotFound
	}
	f.Scope = or(f.Scope, fault.Mailbox)
	if f.Mailbox == "" {
		f.Scope = fault.Server
	}
	for k, a := range s.alerts.all() {
		if a.State != store.AlertOver && a.Mailbox == f.Mailbox && a.Connection == f.Connection && a.Workload == f.Workload && a.Side == f.Side && a.Phase == f.Phase {
			if f.Evidence == "" && f.Code == a.Code {
				f.Evidence = a.Evidence
			}
			a.Scope, a.Code, a.Message, a.Evidence, a.Last = f.Scope, f.Code, f.Message, f.Evidence, now
			if state == store.AlertOpen {
				a.State = state
			} else {
				a.Times++
			}
			s.alerts.put(k, a)
			return a.Times, nil
		}
	}
	f.ID, f.State, f.Times, f.First, f.Last, f.Over = s.newID("alt"), state, 1, now, now, time.Time{}
	s.alerts.put(name(f.ID), f)
	return 1, nil
}

// CountFailure implements store.Alerting.
func (s *Store) CountFailure(ctx context.Context, f store.Alert, now time.Time) (int, error) {
	return within(ctx, s, func() (int, error) {
		n, err := s.strike(f, store.AlertRetrying, now)
		s.recount(f.Mailbox)
		return n, err
	})
}

// RaiseAlert implements store.Alerting.
func (s *Store) RaiseAlert(ctx context.Context, f store.Alert, reason string, now time.Time) error {
	return alone(ctx, s, func() error {
		if f.Mailbox == "" {
			return s.outage(f, now)
		}
		if _, err := s.strike(f, store.AlertOpen, now); err != nil {
			return err
		}
		s.recount(f.Mailbox)
		m, _ := s.mailboxes.get(name(f.Mailbox))
		s.moved(m.Mailbox, model.Disabled, reason)
		m.State, m.Reason = model.Disabled, reason
		s.mailboxes.put(name(f.Mailbox), m)
		return nil
	})
}

// outage opens the alert of a connection through which nothing works.
func (s *Store) outage(f store.Alert, now time.Time) error {
	before := s.outages()
	if _, err := s.strike(f, store.AlertOpen, now); err != nil {
		return err
	}
	if f.Code != store.WideBrake && !before[f.Connection] {
		s.note(store.LogEntry{What: store.LogOutage, Subject: store.LogConnection, Name: string(f.Connection), Why: f.Message, After: f.Code})
	}
	return nil
}

// EndAlerts implements store.Alerting.
func (s *Store) EndAlerts(ctx context.Context, id model.MailboxID, c model.ConnectionID, side model.Side, now time.Time) error {
	return alone(ctx, s, func() error {
		s.endAlerts(func(a store.Alert) bool {
			return a.Mailbox == id && (id != "" || a.Connection == c) && a.Stops() && (side == "" || a.Side == side)
		}, func(store.Alert) time.Time { return now })
		s.recount(id)
		if m, ok := s.mailboxes.get(name(id)); ok && side == "" && m.NextAt.Before(now) {
			m.NextAt = now // from now on it is expected to show that it works
			s.mailboxes.put(name(id), m)
		}
		return nil
	})
}

// outages are the connections through which nothing works.
func (s *Store) outages() map[model.ConnectionID]bool {
	out := map[model.ConnectionID]bool{}
	for _, a := range s.alerts.all() {
		if a.Mailbox == "" && a.State == store.AlertOpen && a.Stops() {
			out[a.Connection] = true
		}
	}
	return out
}

// endOwn ends what was counted and raised against a connection itself.
func (s *Store) endOwn(c model.ConnectionID, now time.Time) {
	s.endAlerts(func(a store.Alert) bool { return a.Mailbox == "" && a.Connection == c && a.Stops() }, func(store.Alert) time.Time { return now })
}

func (s *Store) endAlerts(which func(store.Alert) bool, when func(store.Alert) time.Time) {
	over := map[model.ConnectionID]bool{}
	defer func() {
		for _, c := range slices.Sorted(maps.Keys(over)) {
			s.note(store.LogEntry{What: store.LogOutageOver, Subject: store.LogConnection, Name: string(c)})
		}
	}()
	for k, a := range s.alerts.all() {
		switch {
		case a.State == store.AlertOver || !which(a):
		case a.State == store.AlertRetrying:
			s.alerts.drop(k)
		default:
			if a.Mailbox == "" && a.Stops() {
				over[a.Connection] = true
			}
			a.State, a.Over = store.AlertOver, when(a)
			s.alerts.put(k, a)
		}
	}
}

// enabled ends what stopped a mailbox that is enabled; warnings stand.
func (s *Store) enabled(id model.MailboxID) {
	s.endAlerts(func(a store.Alert) bool { return a.Mailbox == id && a.Stops() }, func(a store.Alert) time.Time { return a.Last })
}

// endAll ends everything against a mailbox whose life ends or begins anew. That
// it is over is nobody's news: nothing was mended.
func (s *Store) endAll(id model.MailboxID) {
	for k, a := range s.alerts.all() {
		if a.Mailbox == id && a.State == store.AlertOpen {
			a.ToldOver = a.Last
			s.alerts.put(k, a)
		}
	}
	s.endAlerts(func(a store.Alert) bool { return a.Mailbox == id }, func(a store.Alert) time.Time { return a.Last })
}

// worked clears what was only counted against a mailbox on a side that has shown
// that it works in that phase; an empty side is both.
func (s *Store) worked(id model.MailboxID, side model.Side, phase store.Phase) {
	for k, a := range s.alerts.all() {
		if a.State == store.AlertRetrying && a.Mailbox == id && (side == "" || a.Side == side) && (a.Phase == phase || a.Phase == "") {
			s.alerts.drop(k)
			s.recount(id)
		}
	}
}

// recount renews the most failures in a row that a mailbox has on any side.
func (s *Store) recount(id model.MailboxID) {
	m, ok := s.mailboxes.get(name(id))
	if !ok {
		return
	}
	m.Failures = 0
	for _, a := range s.alerts.all() {
		if a.Mailbox == id && a.State == store.AlertRetrying {
			m.Failures = max(m.Failures, a.Times)
		}
	}
	s.mailboxes.put(name(id), m)
}

// Alerts implements store.Alerting.
func (s *Store) Alerts(ctx context.Context, f store.AlertFilter) ([]store.Alert, error) {
	return within(ctx, s, func() ([]store.Alert, error) {
		var out []store.Alert
		for _, a := range s.alerts.all() {
			if (f.Mailbox == "" || a.Mailbox == f.Mailbox) && (f.Connection == "" || a.Mailbox == "" && a.Connection == f.Connection) &&
				(f.Over || a.State != store.AlertOver) {
				out = append(out, a)
			}
		}
		slices.SortStableFunc(out, func(a, b store.Alert) int {
			return cmp.Or(compareBool(a.State == store.AlertOver, b.State == store.AlertOver), b.Last.Compare(a.Last),
				cmp.Compare(a.Mailbox, b.Mailbox), cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Workload, b.Workload),
				cmp.Compare(a.Side, b.Side), cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.ID, b.ID))
		})
		return out, nil
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
