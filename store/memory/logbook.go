package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// note writes an entry into the logbook, in the name of the transaction's author.
func (s *Store) note(e store.LogEntry) {
	if e.Why == "" {
		e.Why = s.author.Why
	}
	e.ID, e.At, e.By = s.newID("log"), time.Now().UTC().Truncate(time.Microsecond), s.author.By
	s.logbook.put(name(e.ID), e)
}

// Log implements store.Logging.
func (s *Store) Log(ctx context.Context, f store.LogFilter) ([]store.LogEntry, error) {
	return within(ctx, s, func() ([]store.LogEntry, error) {
		if f.Limit <= 0 {
			f.Limit = 100
		}
		var out []store.LogEntry
		for _, e := range s.logbook.all() {
			if (f.Subject == "" || f.Subject == e.Subject) && (f.Name == "" || f.Name == e.Name) && (f.By == "" || f.By == e.By) &&
				(f.What == "" || f.What == e.What) && (f.Since.IsZero() || !e.At.Before(f.Since)) && (f.Until.IsZero() || e.At.Before(f.Until)) {
				out = append(out, e)
			}
		}
		slices.Reverse(out)
		return out[:min(len(out), f.Limit)], nil
	})
}

// PolicyRevision implements store.Logging.
func (s *Store) PolicyRevision(ctx context.Context, called string, n int) (model.Policy, error) {
	return within(ctx, s, func() (model.Policy, error) {
		p, ok := s.revisions.get(name(revision(called, n)))
		return p.Complete(), found(ok)
	})
}

func revision(policy string, n int) string { return fmt.Sprintf("%s@%d", policy, n) }

// revise keeps a policy as it is saved, and notes it.
func (s *Store) revise(p model.Policy) {
	n, before := 1, ""
	for ; ; n++ {
		if _, ok := s.revisions.get(name(revision(p.Name, n))); !ok {
			break
		}
		before = revision(p.Name, n)
	}
	s.revisions.put(name(revision(p.Name, n)), p)
	s.note(store.LogEntry{What: store.LogSaved, Subject: store.LogPolicy, Name: p.Name, Before: before, After: revision(p.Name, n)})
}

// moved notes that a mailbox goes from one state to another.
func (s *Store) moved(m model.Mailbox, to model.MailboxState, why string) {
	if m.State != to || m.Reason != why {
		s.note(store.LogEntry{What: store.LogState, Subject: store.LogMailbox, Name: string(m.ID), Before: string(m.State), After: string(to), Why: why})
	}
}

// settled notes what of a mailbox's settings changes.
func (s *Store) settled(old, m model.Mailbox) {
	if old.Policy != m.Policy {
		s.note(store.LogEntry{What: store.LogAssigned, Subject: store.LogMailbox, Name: string(m.ID), Before: old.Policy, After: m.Policy})
	}
	if changed := model.ChangedSettings(old, m); changed != "" {
		s.note(store.LogEntry{What: store.LogSettings, Subject: store.LogMailbox, Name: string(m.ID), After: changed})
	}
}

// AssignPolicy implements store.Registry.
func (s *Store) AssignPolicy(ctx context.Context, ids []model.MailboxID, policy string) error {
	return alone(ctx, s, func() error {
		if _, ok := s.policies.get(name(policy)); !ok {
			return store.ErrNotFound
		}
		for _, id := range ids {
			m, ok := s.mailboxes.get(name(id))
			if !ok {
				return store.ErrNotFound
			}
			if m.Policy == policy {
				continue
			}
			old := m.Mailbox
			m.Policy = policy
			s.settled(old, m.Mailbox)
			s.reviewSkipped(id)
			s.mailboxes.put(name(id), m)
		}
		return nil
	})
}
