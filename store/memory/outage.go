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

// Suspect implements store.Outages.
func (s *Store) Suspect(ctx context.Context, f store.Alert, t store.Trial, now time.Time) (store.Suspicion, error) {
	return within(ctx, s, func() (store.Suspicion, error) {
		f.Scope = fault.Server
		if m, ok := s.mailboxes.get(name(f.Mailbox)); ok {
			f.Connection = m.Mail
			if f.Side == model.CRM {
				f.Connection = m.CRM
			}
		} else if f.Mailbox != "" {
			return store.Suspicion{}, store.ErrNotFound
		}
		row, ok := s.connections.get(name(f.Connection))
		out := store.Suspicion{Connection: f.Connection, Circuit: row.Circuit}
		if !ok || row.Circuit.Down() {
			return out, found(ok)
		}
		var err error
		if out.Times, err = s.strike(f, store.AlertRetrying, now); err != nil {
			return out, err
		}
		s.recount(f.Mailbox)
		enough := s.witnessed(&row, now)
		s.connections.put(name(row.ID), row)
		if t.Permanent || enough {
			out.Opened = true
			out.Circuit, err = s.openCircuit(row, f, t, now)
		}
		return out, err
	})
}

// witnessed counts a fault of a whole system, and reports whether that is enough
// since it worked last.
func (s *Store) witnessed(c *connection, now time.Time) bool {
	worked, active := later(c.Circuit.Closed, c.PassBegun), 0
	for _, m := range s.mailboxes.all() {
		if m.Mail == c.ID {
			worked = later(worked, m.LastSuccess)
		}
		if m.State == model.Active && (m.Mail == c.ID || m.CRM == c.ID) {
			active++
		}
	}
	if !c.suspectedAt.After(worked) {
		c.suspected = 0
	}
	c.suspected, c.suspectedAt = c.suspected+1, now
	return c.suspected >= store.Witnesses(active)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (s *Store) openCircuit(row connection, f store.Alert, t store.Trial, now time.Time) (model.Circuit, error) {
	k := &row.Circuit
	again := k.Opened > 0 && k.Closed.After(now.Add(-t.Relapse))
	k.State, k.Opened, k.Since, k.Code, k.Message, k.Permanent, k.Next = model.CircuitOpen, k.Opened+1, now, f.Code, f.Message, t.Permanent, due(t)
	if k.Probes++; !again {
		k.Probes = 0
	}
	s.connections.put(name(row.ID), row)
	s.relapsed(row.ID, now.Add(-t.Relapse))
	return *k, s.tell(row.ID, f, t, k.Probes, now)
}

// relapsed opens the alert of an outage that was over only for a while: who was
// told of it, and then that it is over, is told the same again.
func (s *Store) relapsed(c model.ConnectionID, since time.Time) {
	var last store.Alert
	for _, a := range s.alerts.all() {
		switch {
		case a.Mailbox != "" || a.Connection != c:
		case a.State != store.AlertOver:
			return
		case a.Over.After(since) && cmp.Or(a.Over.Compare(last.Over), cmp.Compare(a.ID, last.ID)) > 0:
			last = a
		}
	}
	if last.ID != "" {
		last.State, last.Over = store.AlertOpen, time.Time{}
		s.alerts.put(name(last.ID), last)
	}
}

// due is when a connection is probed next; never, where that would help nobody.
func due(t store.Trial) time.Time {
	if t.Permanent {
		return time.Time{}
	}
	return t.Next
}

// tell notes in the connection's own alert that it is down; from some failed
// probes on somebody has to know.
func (s *Store) tell(c model.ConnectionID, f store.Alert, t store.Trial, probes int, now time.Time) error {
	f.Mailbox, f.Connection, f.Phase = "", c, ""
	if t.Permanent || t.Patience > 0 && probes >= t.Patience {
		return s.outage(f, now)
	}
	_, err := s.strike(f, store.AlertRetrying, now)
	return err
}

// probed changes a circuit if it is as the prober knows it.
func (s *Store) probed(ctx context.Context, c model.ConnectionID, as func(model.Circuit) bool, f func(*connection) error) (model.Circuit, error) {
	return within(ctx, s, func() (model.Circuit, error) {
		row, ok := s.connections.get(name(c))
		if !ok || !row.Circuit.Down() || !as(row.Circuit) {
			return model.Circuit{}, store.ErrStale
		}
		if err := f(&row); err != nil {
			return model.Circuit{}, err
		}
		s.connections.put(name(c), row)
		return row.Circuit, nil
	})
}

// BeginProbe implements store.Outages.
func (s *Store) BeginProbe(ctx context.Context, c model.ConnectionID, now, ends time.Time) (model.Circuit, error) {
	return s.probed(ctx, c, func(k model.Circuit) bool { return !k.Permanent && !k.Next.After(now) }, func(row *connection) error {
		row.Circuit.State, row.Circuit.Next = model.CircuitProbing, ends
		return nil
	})
}

// FailProbe implements store.Outages.
func (s *Store) FailProbe(ctx context.Context, c model.ConnectionID, was model.Circuit, f store.Alert, t store.Trial, now time.Time) (model.Circuit, error) {
	return s.probed(ctx, c, func(k model.Circuit) bool {
		return k.State == model.CircuitProbing && k.Opened == was.Opened && k.Probes == was.Probes
	}, func(row *connection) error {
		k := &row.Circuit
		k.State, k.Probes, k.Code, k.Message, k.Permanent, k.Next = model.CircuitOpen, k.Probes+1, f.Code, f.Message, t.Permanent, due(t)
		return s.tell(c, f, t, k.Probes, now)
	})
}

// Recent implements store.Outages.
func (s *Store) Recent(ctx context.Context, c model.ConnectionID, limit int) ([]model.Mailbox, error) {
	return within(ctx, s, func() ([]model.Mailbox, error) {
		var out []model.Mailbox
		for _, m := range s.mailboxes.all() {
			if m.State == model.Active && (m.CRM == c || m.Mail == c) {
				out = append(out, m.Mailbox)
			}
		}
		slices.SortFunc(out, func(a, b model.Mailbox) int {
			return cmp.Or(b.LastSuccess.Compare(a.LastSuccess), cmp.Compare(a.ID, b.ID))
		})
		return out[:min(limit, len(out))], nil
	})
}

// Recover implements store.Outages.
func (s *Store) Recover(ctx context.Context, c model.ConnectionID, opened int64, now time.Time, gap time.Duration) (int, error) {
	waiting := 0
	_, err := s.probed(ctx, c, func(k model.Circuit) bool { return opened == 0 || k.Opened == opened }, func(row *connection) error {
		s.endOwn(c, now)
		var list []mailbox
		needs := map[model.MailboxID]bool{}
		for _, m := range s.mailboxes.all() {
			if m.State == model.Active && (m.CRM == c || m.Mail == c) {
				list = append(list, m)
			}
		}
		for k, p := range s.pending.all() {
			needs[k.mailbox] = needs[k.mailbox] || p.state == fresh
		}
		slices.SortFunc(list, func(a, b mailbox) int {
			return cmp.Or(compareBool(needs[b.ID], needs[a.ID]), a.LastSuccess.Compare(b.LastSuccess), cmp.Compare(a.ID, b.ID))
		})
		for i, m := range list {
			m.NextAt = now.Add(time.Duration(i) * gap)
			s.mailboxes.put(name(m.ID), m)
		}
		waiting = len(list)
		k := &row.Circuit
		k.State, k.Permanent, k.Next, k.Closed, k.Calm = model.CircuitClosed, false, time.Time{}, now, now.Add(time.Duration(waiting)*gap)
		return nil
	})
	return waiting, err
}

// Turns implements store.Outages.
func (s *Store) Turns(ctx context.Context, c model.ConnectionID, after store.Turn, until time.Time, limit int) ([]store.Turn, error) {
	return within(ctx, s, func() ([]store.Turn, error) {
		row, ok := s.connections.get(name(c))
		if !ok || row.Circuit.Down() {
			return nil, nil
		}
		var out []store.Turn
		for _, m := range s.mailboxes.all() {
			t := store.Turn{At: m.NextAt, Mailbox: m.ID}
			if (m.CRM == c || m.Mail == c) && m.State == model.Active && m.FetchBegun.Before(row.Circuit.Closed) &&
				!t.At.After(until) && !t.At.After(row.Circuit.Calm) && compareTurns(t, after) > 0 {
				out = append(out, t)
			}
		}
		slices.SortFunc(out, compareTurns)
		return out[:min(limit, len(out))], nil
	})
}

func compareTurns(a, b store.Turn) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Mailbox, b.Mailbox))
}
