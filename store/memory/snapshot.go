package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// snapshot is a full pass with what it has still to look at.
type snapshot struct {
	store.Snapshot
	todo []todo // in the order in which it is wanted; never changed in place
}

type todo struct {
	pendingKey
	place int64
}

// StartSnapshot implements store.Snapshotting.
func (s *Store) StartSnapshot(ctx context.Context, in store.Snapshot) error {
	return alone(ctx, s, func() error {
		m, ok := s.mailboxes.get(name(in.Mailbox))
		switch {
		case !ok:
			return store.ErrNotFound
		case m.Snapshot == in.Request:
			return nil // begun before
		case m.Snapshot != "":
			return store.ErrExists
		}
		m.Snapshot, m.Hold = in.Request, or(m.Hold, in.Hold)
		s.mailboxes.put(name(in.Mailbox), m)
		s.snapshots.put(name(in.Mailbox), snapshot{Snapshot: in})
		for k, c := range s.collectionsOf(place{connection: m.Mail, mailbox: m.ID}) {
			if in.Reread && wants(in.Kinds, k.kind) {
				c.Cursor, c.Listing, c.listing = "", false, 0
				s.collections.put(k, c)
			}
		}
		return nil
	})
}

func wants(kinds []model.Kind, k model.Kind) bool {
	return len(kinds) == 0 || slices.Contains(kinds, k)
}

// Snapshot implements store.Snapshotting.
func (s *Store) Snapshot(ctx context.Context, id model.MailboxID) (store.Snapshot, error) {
	return within(ctx, s, func() (store.Snapshot, error) {
		n, ok := s.snapshots.get(name(id))
		n.Left = len(n.todo)
		return n.Snapshot, found(ok)
	})
}

// FillSnapshot implements store.Snapshotting; a page is everything.
func (s *Store) FillSnapshot(ctx context.Context, id model.MailboxID, now time.Time, _ int) (bool, error) {
	return within(ctx, s, func() (bool, error) {
		m, err := s.scope(id)
		n, ok := s.snapshots.get(name(id))
		if err != nil || !ok {
			return false, cmp.Or(err, store.ErrNotFound)
		}
		if n.Filled || !n.Ended.IsZero() {
			return true, nil
		}
		for _, side := range sides() {
			for k, o := range s.items(m.place(side), "") {
				access, _ := s.access.get(k)
				at, wanted := plan.SnapshotPlace(k.kind, s.content(o.content), o.modified, n.Since, now)
				if wanted && wants(n.Kinds, k.kind) && (side == model.Mail || takesPart(access, m.CRMUser)) {
					n.todo = append(n.todo, todo{pendingKey{id, side, k.kind, k.id}, at})
				}
			}
		}
		slices.SortFunc(n.todo, func(a, b todo) int { return cmp.Or(cmp.Compare(a.place, b.place), a.compare(b.pendingKey)) })
		n.Filled, n.Total = true, len(n.todo)
		s.snapshots.put(name(id), n)
		return true, nil
	})
}

// StageSnapshot implements store.Snapshotting.
func (s *Store) StageSnapshot(ctx context.Context, id model.MailboxID, limit int) (int, error) {
	return within(ctx, s, func() (int, error) {
		n, ok := s.snapshots.get(name(id))
		if !ok || len(n.todo) == 0 {
			return 0, nil
		}
		if limit <= 0 || limit > len(n.todo) {
			limit = len(n.todo)
		}
		mark := s.newMark()
		for _, t := range n.todo[:limit] {
			s.pend(t.pendingKey, mark)
		}
		n.todo, n.Stages = n.todo[limit:], n.Stages+1
		s.snapshots.put(name(id), n)
		return limit, nil
	})
}

// EndSnapshot implements store.Snapshotting.
func (s *Store) EndSnapshot(ctx context.Context, id model.MailboxID, o store.RequestOutcome, message string, now time.Time) error {
	return alone(ctx, s, func() error {
		n, ok := s.snapshots.get(name(id))
		m, _ := s.mailboxes.get(name(id))
		switch {
		case !ok:
			return store.ErrNotFound
		case !n.Ended.IsZero():
			return nil
		}
		n.todo, n.Ended, m.Snapshot = nil, now, ""
		s.snapshots.put(name(id), n)
		if o == store.RequestRefused && n.Hold != "" && m.Hold == n.Hold {
			m.Hold = ""
			s.letGo(id)
		}
		s.mailboxes.put(name(id), m)
		for k, l := range s.linksOf(id) {
			if l.recheck.Equal(plan.AfterSnapshot()) {
				l.recheck = time.UnixMicro(1)
				s.links.put(k, l)
			}
		}
		if r, ok := s.requests.get(name(n.Request)); ok && r.Outcome == store.RequestOpen {
			r.Outcome, r.Message = o, message
			s.requests.put(name(n.Request), r)
		}
		return nil
	})
}

// letGo drops the plan that waits because of a pass.
func (s *Store) letGo(id model.MailboxID) {
	for k, p := range s.plans.all() {
		if p.Mailbox == id && p.State == store.PlanHeld {
			p.State = store.PlanDropped
			s.plans.put(k, p)
		}
	}
	for k, p := range s.pendingOf(id) {
		p.state, p.plan = fresh, ""
		s.pending.put(k, p)
	}
}

// Analyze implements store.Snapshotting; there are no statistics.
func (s *Store) Analyze(ctx context.Context) error { return ctx.Err() }
