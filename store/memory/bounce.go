package memory

import (
	"cmp"
	"context"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// Bounces implements store.Deciding.
func (s *Store) Bounces(ctx context.Context, id model.MailboxID, entities []model.EntityID, least int) ([]plan.Bounce, error) {
	return within(ctx, s, func() ([]plan.Bounce, error) {
		type update struct {
			key writeKey
			operation
		}
		byEntity := map[model.EntityID][]update{}
		for k, o := range s.operations.all() {
			p, _ := s.plans.get(name(k.plan))
			if o.mailbox == id && o.Op.Action == model.Update && o.state == model.Done && !o.forgiven && p.Request == "" && slices.Contains(entities, o.Entity) {
				byEntity[o.Entity] = append(byEntity[o.Entity], update{k, o})
			}
		}
		var out []plan.Bounce
		for _, e := range slices.Compact(slices.Sorted(slices.Values(entities))) {
			list := byEntity[e]
			if len(list) < least {
				continue
			}
			slices.SortFunc(list, func(a, b update) int {
				return cmp.Or(b.done.Compare(a.done), cmp.Compare(b.key.number, a.key.number))
			})
			for _, u := range list {
				p, _ := s.plans.get(name(u.key.plan))
				out = append(out, plan.Bounce{Entity: e, Side: u.Side, Round: p.Round, Changed: u.Op.Changed, Content: u.Op.Content})
			}
		}
		return out, nil
	})
}

// forgive leaves out of count what went to and fro so far.
func (s *Store) forgive(id model.MailboxID, e model.EntityID) {
	for k, o := range s.operations.all() {
		if o.mailbox == id && o.Entity == e && o.Op.Action == model.Update {
			o.forgiven = true
			s.operations.put(k, o)
		}
	}
}
