package memory

import (
	"cmp"
	"context"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// AddRequest implements store.Requests.
func (s *Store) AddRequest(ctx context.Context, r store.Request) (store.Request, error) {
	return within(ctx, s, func() (store.Request, error) {
		r.ID = or(r.ID, s.newID("req"))
		if _, ok := s.requests.get(name(r.ID)); ok {
			return r, store.ErrExists
		}
		s.requests.put(name(r.ID), r)
		return r, nil
	})
}

// Request implements store.Requests.
func (s *Store) Request(ctx context.Context, id string) (store.Request, error) {
	return within(ctx, s, func() (store.Request, error) {
		r, ok := s.requests.get(name(id))
		return r, found(ok)
	})
}

// OpenRequests implements store.Requests.
func (s *Store) OpenRequests(ctx context.Context, m model.MailboxID) ([]store.Request, error) {
	return within(ctx, s, func() ([]store.Request, error) {
		var out []store.Request
		for _, r := range s.requests.all() {
			if r.Outcome == store.RequestOpen && (m == "" || r.Mailbox == m) {
				out = append(out, r)
			}
		}
		slices.SortStableFunc(out, func(a, b store.Request) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
		return out, nil
	})
}

// FinishRequest implements store.Requests.
func (s *Store) FinishRequest(ctx context.Context, id string, o store.RequestOutcome, message string) error {
	return alone(ctx, s, func() error {
		r, ok := s.requests.get(name(id))
		if !ok {
			return store.ErrNotFound
		}
		r.Outcome, r.Message = o, message
		s.requests.put(name(id), r)
		return nil
	})
}
