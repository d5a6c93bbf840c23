package memory

import (
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func rests(l link) bool {
	return l.state == plan.Kept && slices.Contains(plan.Rejoinable(), l.reason)
}

// Resting implements store.Reviewing.
func (s *Store) Resting(ctx context.Context, id model.MailboxID, after model.EntityID, limit int) ([]store.Pair, error) {
	return within(ctx, s, func() ([]store.Pair, error) {
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		var out []store.Pair
		for k, l := range s.linksOf(id) {
			if k.entity <= after || len(out) == limit || !rests(l) {
				continue
			}
			side := model.CRM
			if l.crm == "" {
				side = model.Mail
			}
			p := s.pair(m, pendingKey{id, side, l.kind, *l.item(side)}, l)
			for _, v := range []*plan.Seen{p.CRM, p.Mail} {
				if v != nil {
					v.Content = s.content(v.Key)
				}
			}
			out = append(out, p)
		}
		return out, nil
	})
}

// Rejoin implements store.Reviewing.
func (s *Store) Rejoin(ctx context.Context, id model.MailboxID, entities []model.EntityID) (int, error) {
	return within(ctx, s, func() (int, error) {
		m, err := s.scope(id)
		if err != nil {
			return 0, err
		}
		n := 0
		for _, e := range entities {
			l, ok := s.links.get(linkKey{id, e})
			if !ok || !rests(l) {
				continue
			}
			n++
			for _, side := range sides() {
				if o, ok := s.observations.get(itemKey{m.place(side), l.kind, *l.item(side)}); !ok || o.absent == gone {
					*l.item(side) = ""
				}
			}
			l.state, l.reason, l.recheck, l.crmBase, l.mailBase = plan.Unlinked, "", time.Time{}, "", ""
			l.incarnation, l.crmDoubt, l.mailDoubt = l.incarnation+1, plan.Certain, plan.Certain
			s.links.put(linkKey{id, e}, l)
			s.pendLink(id, l, s.newMark())
		}
		return n, nil
	})
}
