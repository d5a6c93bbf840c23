package memory

import (
	"cmp"
	"context"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Links implements store.Inspecting.
func (s *Store) Links(ctx context.Context, id model.MailboxID, after model.EntityID, limit int) ([]store.LinkRow, error) {
	return within(ctx, s, func() ([]store.LinkRow, error) {
		var out []store.LinkRow
		for _, l := range s.linksOf(id) {
			if l.entity > after && len(out) < limit {
				out = append(out, store.LinkRow{Entity: l.entity, Kind: l.kind, CRM: l.crm, Mail: l.mail, State: l.state, Reason: l.reason, Synced: l.synced})
			}
		}
		return out, nil
	})
}

// Journal implements store.Inspecting.
func (s *Store) Journal(ctx context.Context, id model.MailboxID, after model.Key, limit int) ([]store.JournalRow, error) {
	return within(ctx, s, func() ([]store.JournalRow, error) {
		var out []store.JournalRow
		for _, i := range s.intents.all() {
			if i.mailbox == id && i.Key > after {
				out = append(out, store.JournalRow{Key: i.Key, Entity: i.entity, Side: i.side, Kind: i.kind, Outcome: i.outcome, Begun: i.begun})
			}
		}
		slices.SortFunc(out, func(a, b store.JournalRow) int { return cmp.Compare(a.Key, b.Key) })
		return out[:min(len(out), limit)], nil
	})
}

// Stock implements store.Inspecting.
func (s *Store) Stock(ctx context.Context, policy string) ([]store.Stock, error) {
	return within(ctx, s, func() ([]store.Stock, error) {
		var out []store.Stock
		for _, m := range s.mailboxes.all() {
			if m.Policy != policy {
				continue
			}
			n := store.Stock{Mailbox: m.ID}
			for _, l := range s.linksOf(m.ID) {
				if l.state == plan.Linked {
					n.Linked++
				} else {
					n.Others++
				}
			}
			for _, i := range s.intents.all() {
				switch {
				case i.mailbox != m.ID:
				case i.open():
					n.Unproven++
				default:
					n.Created++
				}
			}
			out = append(out, n)
		}
		return out, nil
	})
}
