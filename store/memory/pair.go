package memory

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Pairs implements store.Planning.
func (s *Store) Pairs(ctx context.Context, id model.MailboxID, last string, limit int) ([]store.Pair, error) {
	return within(ctx, s, func() ([]store.Pair, error) {
		from, err := after(id, last)
		if err != nil {
			return nil, err
		}
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		var out []store.Pair
		for k := range s.pendingOf(id) {
			if k.compare(from) <= 0 || len(out) == limit {
				continue
			}
			if l, ok := s.pairOf(m, k); ok {
				out = append(out, s.pair(m, k, l))
			}
		}
		return out, nil
	})
}

// pairOf is the link that a pending row stands for. A mail row whose CRM side is
// pending too is left out: the pair comes once. So is one whose CRM content was
// left out while nobody live took part, and is still to come.
func (s *Store) pairOf(m scope, k pendingKey) (link, bool) {
	l, ok := s.linkOf(m.ID, k.side, k.kind, k.item)
	if !ok {
		l = link{kind: k.kind}
		*l.item(k.side) = k.item
	}
	if l.crm == "" {
		return l, true
	}
	if _, twice := s.pending.get(pendingKey{m.ID, model.CRM, k.kind, l.crm}); twice && k.side == model.Mail {
		return l, false
	}
	o, known := s.observations.get(itemKey{m.place(model.CRM), k.kind, l.crm})
	return l, !known || o.readable() || !s.sees(m, k.kind, l.crm)
}

func (s *Store) pair(m scope, k pendingKey, l link) store.Pair {
	out := store.Pair{Row: row(k.side, k.kind, k.item)}
	out.Kind, out.Entity, out.State, out.Reason, out.Incarnation = k.kind, l.entity, l.state, l.reason, l.incarnation
	out.CRM, out.Mail = s.seen(m, model.CRM, k.kind, l), s.seen(m, model.Mail, k.kind, l)
	if o, ok := s.observations.get(itemKey{m.place(model.CRM), k.kind, l.crm}); ok && l.entity == "" && o.absent == present {
		out.Entity = o.entity // all mailboxes know a CRM record as one thing
	}
	for _, side := range sides() {
		if p, ok := s.pending.get(pendingKey{m.ID, side, k.kind, *l.item(side)}); ok {
			out.Marks = append(out.Marks, store.Mark{Side: side, Kind: k.kind, Item: *l.item(side), At: p.mark})
		}
	}
	access, _ := s.access.get(itemKey{m.place(model.CRM), k.kind, l.crm})
	for _, a := range access {
		out.Lead = out.Lead || a.User == m.CRMUser && a.Role == model.Owner
	}
	out.Sole = len(access) == 1 && access[0].User == m.CRMUser
	if out.CRM != nil && !out.CRM.Gone && !takesPart(access, m.CRMUser) {
		out.CRM.Left = true // the mailbox's user takes no part in it (any more)
	}
	if l.crmBase != "" {
		out.CRMBase = &plan.Base{Key: l.crmBase}
	}
	if l.mailBase != "" {
		out.MailBase = &plan.Base{Key: l.mailBase}
	}
	s.openConflicts(m, &out.Pair)
	s.load(&out.Pair)
	s.past(m, &out.Pair)
	s.openIntents(m, &out.Pair)
	return out
}

// seen is what is known of an item; nil = nothing.
func (s *Store) seen(m scope, side model.Side, kind model.Kind, l link) *plan.Seen {
	item := *l.item(side)
	o, ok := s.observations.get(itemKey{m.place(side), kind, item})
	if !ok || item == "" {
		return nil
	}
	now := m.Round
	if side == model.CRM {
		now = m.pass
	}
	c, _ := s.collections.get(itemKey{m.place(side), kind, o.collection})
	return &plan.Seen{
		Ref: model.Ref{Side: side, Kind: kind, Collection: o.collection, ID: item, Version: o.version, Order: o.order},
		UID: o.uid, Key: o.content, Raw: o.raw, Stamp: o.stamp,
		Gone: o.absent == gone, Settled: o.absent == gone && now-o.absentSince >= m.settle, Left: o.absent == left,
		Trouble: o.trouble, Reduced: o.reduced, ReadOnly: c.ReadOnly, Modified: o.modified, Since: o.seen, Doubt: o.doubt(*l.doubt(side)),
	}
}

// load loads contents, but where both sides are as they were when they agreed.
func (s *Store) load(p *plan.Pair) {
	same := func(s *plan.Seen, b *plan.Base) bool {
		return s != nil && b != nil && !s.Gone && !s.Left && s.Trouble == "" && s.Key == b.Key
	}
	if len(p.Conflicts) == 0 && same(p.CRM, p.CRMBase) && same(p.Mail, p.MailBase) {
		return
	}
	for _, v := range []*plan.Seen{p.CRM, p.Mail} {
		if v != nil {
			v.Content = s.content(v.Key)
		}
	}
	for _, b := range []*plan.Base{p.CRMBase, p.MailBase} {
		if b != nil {
			b.Content = s.content(b.Key)
		}
	}
}

// openIntents adds open intents to a pair: the mailbox's own, and in the CRM
// those of a mailbox that will not come back to them.
func (s *Store) openIntents(m scope, p *plan.Pair) {
	for _, i := range s.intents.all() {
		if i.entity != p.Entity || p.Entity == "" || i.crm != m.CRM || !i.open() {
			continue
		}
		owner, _ := s.mailboxes.get(name(i.mailbox))
		v := i.Intent
		switch {
		case i.side == model.CRM && (i.mailbox == m.ID || !live(owner.Mailbox)):
			p.CRMIntent = &v
		case i.side == model.Mail && i.mailbox == m.ID:
			p.MailIntent = &v
		}
	}
}

// Intents implements store.Planning.
func (s *Store) Intents(ctx context.Context, id model.MailboxID) ([]store.Intent, error) {
	return within(ctx, s, func() ([]store.Intent, error) {
		var out []store.Intent
		for _, side := range sides() {
			for _, i := range s.intents.all() {
				if i.mailbox == id && i.side == side && i.open() {
					out = append(out, store.Intent{Entity: i.entity, Created: plan.Created{
						Intent: i.Intent, Side: i.side, Kind: i.kind, Natural: plan.NaturalKey(i.kind, i.Content), Begun: i.begun,
					}})
				}
			}
		}
		return out, nil
	})
}
