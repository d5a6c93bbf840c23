package memory

import (
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// SetWorkloads implements store.Enabling.
func (s *Store) SetWorkloads(ctx context.Context, id model.MailboxID, on model.Workloads) error {
	return s.alter(ctx, id, func(m *mailbox) error {
		if m.Workloads != on {
			s.note(store.LogEntry{What: store.LogWorkload, Subject: store.LogMailbox, Name: string(id), Before: string(m.Workloads), After: string(on)})
			m.Workloads = on
		}
		return nil
	})
}

// SaveProbes implements store.Enabling.
func (s *Store) SaveProbes(ctx context.Context, id model.MailboxID, found []store.Probe, now time.Time) error {
	return alone(ctx, s, func() error {
		if _, ok := s.mailboxes.get(name(id)); !ok {
			return store.ErrNotFound
		}
		found = slices.Clone(found)
		for i := range found {
			found[i].At = now.UTC().Truncate(time.Microsecond)
		}
		s.probes.put(name(id), found)
		return nil
	})
}

// Probes implements store.Enabling.
func (s *Store) Probes(ctx context.Context, id model.MailboxID) ([]store.Probe, error) {
	return within(ctx, s, func() ([]store.Probe, error) {
		list, _ := s.probes.get(name(id))
		return slices.Clone(list), nil
	})
}

// SetOwned implements store.Enabling.
func (s *Store) SetOwned(ctx context.Context, id model.MailboxID, at time.Time, taken string) error {
	return s.alter(ctx, id, func(m *mailbox) error {
		if m.Owned = at; taken != "" {
			s.note(store.LogEntry{What: store.LogTaken, Subject: store.LogMailbox, Name: string(id), Before: taken})
		}
		return nil
	})
}

// Acknowledge implements store.Enabling.
func (s *Store) Acknowledge(ctx context.Context, id model.MailboxID, software string) error {
	return s.alter(ctx, id, func(m *mailbox) error {
		if m.Acknowledged != software {
			s.note(store.LogEntry{What: store.LogAcked, Subject: store.LogMailbox, Name: string(id), Before: m.Acknowledged, After: software})
			m.Acknowledged = software
		}
		return nil
	})
}
