package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// notice is a notice with who sends it now.
type notice struct {
	store.Notice
	claim string
	ends  time.Time
}

// theDelivery is the one row of deliveries.
const theDelivery name = "delivery"

// Delivery implements store.Telling.
func (s *Store) Delivery(ctx context.Context) (model.Delivery, error) {
	return within(ctx, s, func() (model.Delivery, error) {
		d, _ := s.deliveries.get(theDelivery)
		return d, nil
	})
}

// SaveDelivery implements store.Telling.
func (s *Store) SaveDelivery(ctx context.Context, d model.Delivery) error {
	return alone(ctx, s, func() error {
		s.deliveries.put(theDelivery, d)
		return nil
	})
}

// toTell reports whether an event of an alert is to be told.
func toTell(a store.Alert, over bool) bool {
	if over {
		return a.State == store.AlertOver && !a.Told.IsZero() && a.ToldOver.IsZero()
	}
	return a.State == store.AlertOpen && a.Told.IsZero()
}

// Untold implements store.Telling.
func (s *Store) Untold(ctx context.Context, limit int) ([]store.Case, error) {
	return within(ctx, s, func() ([]store.Case, error) {
		out := s.cases(func(a store.Alert) bool { return toTell(a, false) || toTell(a, true) })
		return out[:min(limit, len(out))], nil
	})
}

// Cases implements store.Telling.
func (s *Store) Cases(ctx context.Context, ids []string) ([]store.Case, error) {
	return within(ctx, s, func() ([]store.Case, error) {
		return s.cases(func(a store.Alert) bool { return slices.Contains(ids, a.ID) }), nil
	})
}

func (s *Store) cases(which func(store.Alert) bool) []store.Case {
	var out []store.Case
	for _, a := range s.alerts.all() {
		if which(a) {
			m, _ := s.mailboxes.get(name(a.Mailbox))
			c, _ := s.connections.get(name(a.Connection))
			out = append(out, store.Case{Alert: a, Address: m.Address, Policy: m.Policy, System: c.Name, Owner: c.Owner})
		}
	}
	slices.SortStableFunc(out, func(a, b store.Case) int { return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Tell implements store.Telling.
func (s *Store) Tell(ctx context.Context, notices []store.Notice, unheard []store.Event, now time.Time) error {
	return alone(ctx, s, func() error {
		told := slices.Clone(unheard)
		for _, n := range notices {
			row := notice{Notice: n}
			if n.ID == "" {
				row.ID, row.State, row.Created = s.newID("ntc"), store.NoticeWaiting, now
			} else {
				row, _ = s.notices.get(name(n.ID))
				if row.State != store.NoticeWaiting || row.Attempts > 0 {
					return store.ErrStale
				}
				row.Events = slices.Concat(row.Events, n.Events)
			}
			row.Events = slices.Clone(row.Events)
			slices.SortFunc(row.Events, func(a, b store.Event) int {
				return cmp.Or(compareBool(a.Over, b.Over), cmp.Compare(a.Alert, b.Alert))
			})
			s.notices.put(name(row.ID), row)
			told = append(told, n.Events...)
		}
		return s.markTold(told, now)
	})
}

func (s *Store) markTold(events []store.Event, now time.Time) error {
	seen := map[store.Event]bool{}
	for _, e := range events {
		if seen[e] {
			continue
		}
		seen[e] = true
		a, ok := s.alerts.get(name(e.Alert))
		switch {
		case !ok, !e.Over && !a.Told.IsZero(), e.Over && !a.ToldOver.IsZero():
			return store.ErrStale
		case e.Over:
			a.ToldOver = now
		default:
			a.Told = now
		}
		s.alerts.put(name(e.Alert), a)
	}
	return nil
}

// ClaimNotice implements store.Telling.
func (s *Store) ClaimNotice(ctx context.Context, channel store.Channel, token string, perMinute int, now, ends time.Time) (store.Notice, error) {
	return within(ctx, s, func() (store.Notice, error) {
		var due *notice
		for _, n := range s.notices.all() {
			if n.Channel != channel {
				continue
			}
			if n.Tried.After(now.Add(-time.Minute)) {
				perMinute--
			}
			free := n.State == store.NoticeWaiting && !n.Due.After(now) && (n.claim == "" || !n.ends.After(now))
			if free && (due == nil || n.Due.Before(due.Due)) {
				due = &n
			}
		}
		if due == nil || perMinute <= 0 {
			return store.Notice{}, store.ErrNotFound
		}
		due.claim, due.ends, due.Attempts, due.Tried = token, ends, due.Attempts+1, now
		s.notices.put(name(due.ID), *due)
		return due.Notice, nil
	})
}

// FinishNotice implements store.Telling.
func (s *Store) FinishNotice(ctx context.Context, token string, in store.Notice) error {
	return alone(ctx, s, func() error {
		n, ok := s.notices.get(name(in.ID))
		if !ok || n.claim != token || n.State != store.NoticeWaiting {
			return store.ErrStale
		}
		n.State, n.Due, n.Problem, n.Ended, n.claim, n.ends = in.State, in.Due, in.Problem, in.Ended, "", time.Time{}
		s.notices.put(name(n.ID), n)
		return nil
	})
}

// Notices implements store.Telling.
func (s *Store) Notices(ctx context.Context, f store.NoticeFilter) ([]store.Notice, error) {
	return within(ctx, s, func() ([]store.Notice, error) {
		var out []store.Notice
		for _, n := range s.notices.all() {
			tells := f.Alerts == nil || slices.ContainsFunc(n.Events, func(e store.Event) bool { return slices.Contains(f.Alerts, e.Alert) })
			if tells && (f.State == "" || f.State == n.State) && !n.Created.Before(f.Since) {
				out = append(out, n.Notice)
			}
		}
		slices.SortStableFunc(out, func(a, b store.Notice) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID)) })
		if f.Limit > 0 {
			out = out[:min(f.Limit, len(out))]
		}
		return out, nil
	})
}

// dropEvents takes what notices tell of out of them.
func (s *Store) dropEvents(which func(e store.Event) bool) {
	for k, n := range s.notices.all() {
		kept := slices.DeleteFunc(slices.Clone(n.Events), which)
		if len(kept) < len(n.Events) {
			n.Events = kept
			s.notices.put(k, n)
		}
	}
}

// forgetNotices drops what was told about a mailbox, and to it.
func (s *Store) forgetNotices(id model.MailboxID) {
	m, _ := s.mailboxes.get(name(id))
	dropWhere(&s.notices, func(_ name, n notice) bool { return n.Recipient != "" && n.Recipient == model.FoldAddress(m.Address) })
	s.dropEvents(func(e store.Event) bool {
		a, ok := s.alerts.get(name(e.Alert))
		return ok && a.Mailbox == id
	})
}
