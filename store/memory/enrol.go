package memory

import (
	"cmp"
	"context"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// rollKey names a source of a policy's members; memberKey one who is in it.
type (
	rollKey   struct{ policy, source string }
	memberKey struct {
		rollKey
		mailbox model.MailboxID
	}
)

func (k rollKey) compare(o rollKey) int {
	return cmp.Or(cmp.Compare(k.policy, o.policy), cmp.Compare(k.source, o.source))
}

func (k memberKey) compare(o memberKey) int {
	return cmp.Or(k.rollKey.compare(o.rollKey), cmp.Compare(k.mailbox, o.mailbox))
}

// Members implements store.Enrolling.
func (s *Store) Members(ctx context.Context, policy, source string) ([]model.MailboxID, error) {
	return within(ctx, s, func() ([]model.MailboxID, error) {
		var out []model.MailboxID
		for k := range s.members.all() {
			if k.rollKey == (rollKey{policy, source}) {
				out = append(out, k.mailbox)
			}
		}
		return out, nil
	})
}

// Enrol implements store.Enrolling.
func (s *Store) Enrol(ctx context.Context, r store.Roll, joined, left []model.MailboxID) error {
	return alone(ctx, s, func() error {
		k := rollKey{r.Policy, r.Source}
		old, _ := s.rolls.get(k)
		if r.Word = old.Word; r.Trouble == "" {
			r.Word = ""
		}
		s.rolls.put(k, r)
		for _, id := range joined {
			s.members.put(memberKey{k, id}, struct{}{})
		}
		for _, id := range left {
			s.members.drop(memberKey{k, id})
		}
		if r.Held > 0 && old.Held == 0 {
			s.note(store.LogEntry{What: store.LogHeld, Subject: store.LogPolicy, Name: r.Policy, Why: r.Trouble})
		}
		return nil
	})
}

// Rolls implements store.Enrolling.
func (s *Store) Rolls(ctx context.Context, policy string) ([]store.Roll, error) {
	return within(ctx, s, func() ([]store.Roll, error) {
		var out []store.Roll
		for _, r := range s.rolls.all() {
			if policy == "" || r.Policy == policy {
				out = append(out, r)
			}
		}
		return out, nil
	})
}

// LetGo implements store.Enrolling.
func (s *Store) LetGo(ctx context.Context, policy string) error {
	return alone(ctx, s, func() error {
		held := false
		for k, r := range s.rolls.all() {
			if r.Policy == policy && r.Held > 0 {
				r.Word, held = s.author.By, true
				s.rolls.put(k, r)
			}
		}
		if held {
			s.note(store.LogEntry{What: store.LogLetGo, Subject: store.LogPolicy, Name: policy})
		}
		return found(held)
	})
}
