package memory

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// review is what a person must say about an item, or has said.
type review struct {
	question string // its items are decided together
	apart    bool   // it is none of the others
}

// asking is the outcome of a create that a person was asked about.
const (
	asking     model.Outcome = "held"
	tombstoned model.Outcome = "tombstoned"
)

// ask puts the pairs to a person that the plan has a question about; what was
// begun for them is not tried again before.
func (c *chunk) ask() {
	for _, p := range c.in.Pairs {
		v := c.changes[p.Entity]
		for _, i := range []*plan.Intent{p.CRMIntent, p.MailIntent} {
			switch {
			case i != nil && v.Question != "":
				c.conclude(*i, asking)
			case i != nil && i.Used && !v.Pending:
				c.conclude(*i, tombstoned) // another key takes its place, or none is wanted
			}
		}
		for _, seen := range []*plan.Seen{p.CRM, p.Mail} {
			if seen != nil && !seen.Gone && v.Question != "" {
				c.reviews.put(pendingKey{c.m.ID, seen.Ref.Side, p.Kind, seen.Ref.ID}, review{question: v.Question})
			}
		}
	}
}

// conclude ends a create of this mailbox.
func (c *chunk) conclude(v plan.Intent, outcome model.Outcome) {
	for k, i := range c.intents.all() {
		if i.mailbox == c.m.ID && k.key == v.Key {
			i.outcome = outcome
			c.intents.put(k, i)
		}
	}
}

// reviewsOf are the open questions of a mailbox, by item.
func (s *Store) reviewsOf(id model.MailboxID, of func(pendingKey, review) bool) []pendingKey {
	var out []pendingKey
	for k, r := range s.reviews.all() {
		if k.mailbox == id && !r.apart && of(k, r) {
			out = append(out, k)
		}
	}
	return out
}

// Reconsider implements store.Reviewing.
func (s *Store) Reconsider(ctx context.Context, id model.MailboxID) error {
	return alone(ctx, s, func() error {
		m, err := s.scope(id)
		if err != nil {
			return err
		}
		open := map[string]bool{}
		for k, i := range s.intents.all() {
			if i.mailbox != id || i.outcome != asking {
				continue
			}
			if l, ok := s.links.get(linkKey{id, i.entity}); ok && l.state == plan.Review {
				open[plan.QuestionOf(i.side, i.kind)] = true
				continue
			}
			i.outcome = model.Refused
			s.intents.put(k, i)
		}
		changed := map[string]bool{}
		for k, r := range s.reviews.all() {
			if p, ok := s.pending.get(k); ok && p.state == fresh && !r.apart && k.mailbox == id {
				changed[r.question] = true
			}
		}
		s.release(m, s.reviewsOf(id, func(_ pendingKey, r review) bool {
			if strings.HasPrefix(r.question, "made-") {
				return !open[r.question]
			}
			return changed[r.question]
		}))
		return nil
	})
}

// release gives items back that were put to a person: they are strangers again,
// or wait to be created.
func (s *Store) release(m scope, rows []pendingKey) {
	for _, k := range rows {
		s.reviews.drop(k)
		s.pend(k, s.newMark())
		l, ok := s.linkOf(m.ID, k.side, k.kind, k.item)
		switch {
		case !ok || l.state != plan.Review:
		case s.begun(m, l.entity):
			l.state, l.reason = plan.Unlinked, ""
			s.links.put(linkKey{m.ID, l.entity}, l)
		default:
			s.links.drop(linkKey{m.ID, l.entity})
			for i, e := range s.identities.all() {
				if i.place == m.place(model.Mail) && e == l.entity {
					s.identities.drop(i)
				}
			}
		}
	}
}

// begun reports whether a create of an entity was ever begun in a mailbox, so
// that its link is one of its own.
func (s *Store) begun(m scope, e model.EntityID) bool {
	for _, i := range s.intents.all() {
		if i.mailbox == m.ID && i.entity == e {
			return true
		}
	}
	return false
}

// held finds the create of the entity of an item that a person is asked about.
func (s *Store) held(m scope, k pendingKey) (intentKey, bool) {
	l, _ := s.linkOf(m.ID, k.side, k.kind, k.item)
	for ik, i := range s.intents.all() {
		if i.mailbox == m.ID && i.outcome == asking && i.entity == l.entity && i.side == k.side.Other() && l.state == plan.Review {
			return ik, true
		}
	}
	return intentKey{}, false
}

// Questions implements store.Reviewing.
func (s *Store) Questions(ctx context.Context, id model.MailboxID) ([]store.Question, error) {
	return within(ctx, s, func() ([]store.Question, error) {
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		var out []store.Question
		for _, k := range s.reviewsOf(id, func(pendingKey, review) bool { return true }) {
			r, _ := s.reviews.get(k)
			i := slices.IndexFunc(out, func(q store.Question) bool { return q.ID == r.question })
			if i < 0 {
				i, out = len(out), append(out, store.Question{ID: r.question, Kind: k.kind})
			}
			l, _ := s.linkOf(id, k.side, k.kind, k.item)
			o, _ := s.observations.get(itemKey{m.place(k.side), k.kind, k.item})
			_, create := s.held(m, k)
			out[i].Items = append(out[i].Items, store.QuestionItem{
				Side: k.side, Item: k.item, Title: title(s.content(o.content)), Reason: l.reason, Create: create,
			})
		}
		slices.SortFunc(out, func(a, b store.Question) int { return strings.Compare(a.ID, b.ID) })
		return out, nil
	})
}

// Resolve implements store.Reviewing.
func (s *Store) Resolve(ctx context.Context, id model.MailboxID, v store.Resolution, now time.Time) error {
	return alone(ctx, s, func() error {
		m, err := s.scope(id)
		if err != nil {
			return err
		}
		rows := s.reviewsOf(id, func(_ pendingKey, r review) bool { return r.question == v.Question })
		if len(rows) == 0 {
			return store.ErrNotFound
		}
		if v.CRM == "" && v.Mail == "" {
			s.apart(m, v.Question, rows, now)
			return nil
		}
		crm := slices.IndexFunc(rows, func(k pendingKey) bool { return k.side == model.CRM && k.item == v.CRM })
		mail := slices.IndexFunc(rows, func(k pendingKey) bool { return k.side == model.Mail && k.item == v.Mail })
		if crm < 0 || mail < 0 {
			return store.ErrNotFound
		}
		s.same(m, rows, rows[crm], rows[mail], now)
		return nil
	})
}

// apart: all items are different things, so what was not answered is created.
func (s *Store) apart(m scope, question string, rows []pendingKey, now time.Time) {
	for k, i := range s.intents.all() {
		if i.mailbox == m.ID && i.outcome == asking && plan.QuestionOf(i.side, i.kind) == question {
			i.outcome, i.Looked, i.begun = model.Unknown, math.MaxInt32, now
			s.intents.put(k, i)
		}
	}
	s.release(m, rows)
	for _, k := range rows {
		s.reviews.put(k, review{question: question, apart: true})
	}
}

// same: two of the items are one thing. The others are looked at again.
func (s *Store) same(m scope, rows []pendingKey, crm, mail pendingKey, now time.Time) {
	for _, k := range []pendingKey{crm, mail} {
		ik, ok := s.held(m, k)
		if !ok {
			continue
		}
		i, _ := s.intents.get(ik)
		i.outcome = model.Unknown
		s.intents.put(ik, i)
		s.release(m, []pendingKey{crm, mail})
		other := map[model.Side]pendingKey{model.CRM: mail, model.Mail: crm}[k.side]
		s.adopt(m, []store.Found{{Key: ik.key, Side: other.side, Item: s.item(m, other)}}, now)
		return
	}
	s.release(m, rows)
	o, _ := s.observations.get(itemKey{m.place(model.CRM), crm.kind, crm.item})
	e := or(o.entity, plan.CRMEntity(m.CRM, crm.kind, crm.item))
	s.placeLinks(m, map[model.EntityID]link{e: {entity: e, kind: crm.kind, crm: crm.item, mail: mail.item}})
}

// item is an item as it was last seen.
func (s *Store) item(m scope, k pendingKey) model.Item {
	o, _ := s.observations.get(itemKey{m.place(k.side), k.kind, k.item})
	raw, _ := s.bodies.get(name(o.raw))
	return model.Item{
		Ref: model.Ref{Side: k.side, Kind: k.kind, Collection: o.collection, ID: k.item, Version: o.version, Order: o.order},
		UID: o.uid, Stamp: o.stamp, Content: s.content(o.content), Raw: raw.raw, Modified: o.modified,
	}
}
