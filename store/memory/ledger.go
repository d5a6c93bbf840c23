package memory

import (
	"cmp"
	"context"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Invitations implements store.Ledger.
func (s *Store) Invitations(ctx context.Context, id model.MailboxID, limit int) ([]store.Invitation, error) {
	return within(ctx, s, func() ([]store.Invitation, error) {
		type numbered struct {
			store.Invitation
			number int
		}
		var found []numbered
		for k, o := range s.operations.all() {
			if o.mailbox != id || o.state != model.Done || o.Audience == nil {
				continue
			}
			p, _ := s.plans.get(name(k.plan))
			found = append(found, numbered{number: k.number, Invitation: store.Invitation{
				At: o.done, Round: p.Round, Action: o.Op.Action, Entity: o.Entity, Item: o.Op.Ref.ID,
				Notify: o.Op.Notify, Recipients: o.Audience.Recipients, Why: o.Audience.Why,
			}})
		}
		slices.SortFunc(found, func(a, b numbered) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.number, a.number)) })
		var out []store.Invitation
		for _, f := range found[:min(limit, len(found))] {
			out = append(out, f.Invitation)
		}
		return out, nil
	})
}
