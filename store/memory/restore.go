package memory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// restored says why a collection is listed in full.
type restored int

const (
	systemRestored restored = 1
	weRestored     restored = 2
)

// Restored implements store.Restoring.
func (s *Store) Restored(ctx context.Context, c model.ConnectionID, m model.MailboxID) error {
	return alone(ctx, s, func() error {
		p := place{c, m}
		s.resetCursors(p)
		for k, v := range s.collectionsOf(p) {
			v.after, v.Restored, v.intact, v.Mark = systemRestored, true, 0, store.HighWater{}
			s.collections.put(k, v)
		}
		for k, o := range s.items(p, "") {
			o.version = ""
			s.observations.put(k, o)
		}
		return nil
	})
}

// DeclareRestored implements store.Restoring.
func (s *Store) DeclareRestored(ctx context.Context) error {
	return alone(ctx, s, func() error {
		s.declareRestored()
		return nil
	})
}

func (s *Store) declareRestored() {
	s.restores++
	s.log = append(s.log, func() { s.restores-- })
	for k, m := range s.mailboxes.all() {
		m.Behind = true
		s.mailboxes.put(k, m)
	}
	for k, c := range s.connections.all() {
		c.Behind = true
		s.connections.put(k, c)
	}
}

// forgotten declares this database restored where a result shows that it was, and
// says which results are no answer because of that.
func (s *Store) forgotten(results []store.Result) {
	before, declare := s.restores, false
	for i := range results {
		r := &results[i]
		r.Forgot = r.Forgot && (!r.Used || before == 0)
		r.Used = r.Used && !r.Forgot
		declare = declare || r.Forgot
	}
	if declare {
		s.declareRestored()
	}
}

// Reread implements store.Restoring.
func (s *Store) Reread(ctx context.Context, c model.ConnectionID, m model.MailboxID) error {
	return alone(ctx, s, func() error {
		p := place{c, m}
		s.resetCursors(p)
		s.told(p)
		for k, v := range s.collectionsOf(p) {
			if v.after != systemRestored { // which is the worse doubt
				v.after, v.Restored = weRestored, true
				s.collections.put(k, v)
			}
		}
		if box, ok := s.mailboxes.get(name(m)); ok {
			box.Behind = false
			s.mailboxes.put(name(m), box)
			return nil
		}
		row, ok := s.connections.get(name(c))
		row.Behind = false
		if ok && p.crm() {
			s.connections.put(name(c), row)
		}
		return found(ok && p.crm())
	})
}

// told puts in doubt what the changes told before it was known that this
// database was restored.
func (s *Store) told(p place) {
	side := model.Mail
	if p.crm() {
		side = model.CRM
	}
	for k, l := range s.links.all() {
		m, _ := s.mailboxes.get(name(k.mailbox))
		if p.crm() && m.CRM != p.connection || !p.crm() && k.mailbox != p.mailbox || *l.doubt(side) != plan.Certain {
			continue
		}
		o, ok := s.observations.get(itemKey{p, l.kind, *l.item(side)})
		if base := *l.base(side); ok && (o.absent == gone || base != "" && o.content != "" && o.content != base) {
			*l.doubt(side) = plan.Unwitnessed
			s.links.put(k, l)
		}
	}
}

// foreign reports whether the page names a new item that carries a key which
// only we give to items of this mailbox, while no intent knows it and no other
// item had it.
func (p *page) foreign() bool {
	if p.at.crm() || p.after != 0 {
		return false
	}
	for _, it := range p.in.Items {
		_, known := p.before[it.Ref.ID]
		_, before := p.identities.get(p.key(it.Ref.ID))
		_, ours := p.intents.get(intentKey{p.at, it.Stamp})
		if !known && !before && !ours && plan.GivenTo(it.Stamp, p.in.Mailbox) && !p.met(it.Stamp) {
			return true
		}
	}
	return false
}

// met reports whether an item with a key was read before: what our database
// forgot was met when everything was read again.
func (p *page) met(stamp model.Key) bool {
	for _, o := range p.items(p.at, p.kind) {
		if o.stamp == stamp {
			return true
		}
	}
	return false
}

// Newest implements store.Restoring.
func (s *Store) Newest(ctx context.Context, c model.ConnectionID, m model.MailboxID, of model.Collection, limit int) ([]model.Ref, error) {
	return within(ctx, s, func() ([]model.Ref, error) {
		var keys []itemKey
		for k, o := range s.items(place{c, m}, of.Kind) {
			if o.collection == of.ID && o.absent == present {
				keys = append(keys, k)
			}
		}
		slices.SortStableFunc(keys, func(a, b itemKey) int {
			x, _ := s.observations.get(a)
			y, _ := s.observations.get(b)
			return cmp.Or(y.observed.Compare(x.observed), cmp.Compare(y.order, x.order))
		})
		var out []model.Ref
		for _, k := range keys[:min(limit, len(keys))] {
			o, _ := s.observations.get(k)
			out = append(out, model.Ref{Kind: k.kind, Collection: o.collection, ID: k.id, Version: o.version, Order: o.order})
		}
		return out, nil
	})
}

// behind reports whether an item comes with an older revision than the one we
// hold, outside of a listing after a restore, where that is no news.
func (p *page) behind(old observation, it model.Item) bool {
	return p.after == 0 && old.absent == present && it.Ref.Order > 0 && it.Ref.Order < old.order
}

// compare holds an arrival of a listing after a restore against what was known:
// it is intact, in doubt, or came back from the dead.
func (p *page) compare(k itemKey, old observation, known, before bool, now *observation) {
	switch {
	case p.after == 0:
	case p.after == systemRestored && old.uid != "" && now.uid != "" && old.uid != now.uid:
		now.entity = ""
		p.detach(k)
	case !known || old.absent != present:
		now.returned = p.after == systemRestored && before
	case old.content != now.content:
		p.suspect(k, p.suspicion())
	case p.after == systemRestored && now.order == old.order && !old.observed.After(p.marked):
		p.row.intact = max(p.row.intact, now.order)
		p.collections.put(itemKey{p.at, p.kind, p.in.Collection.ID}, p.row)
	}
}

// detach takes an item out of its links whose id a restored system gave again,
// to another thing: what had the id before is lost.
func (p *page) detach(k itemKey) {
	p.identities.drop(k)
	for _, m := range p.mailboxes.all() {
		if p.at.crm() && m.CRM != p.at.connection || !p.at.crm() && m.ID != p.at.mailbox {
			continue
		}
		l, ok := p.linkOf(m.ID, p.side(), k.kind, k.id)
		if !ok {
			continue
		}
		*l.item(p.side()), *l.doubt(p.side()) = "", plan.Certain
		l.incarnation++
		if *l.item(p.side().Other()) == "" {
			p.links.drop(linkKey{m.ID, l.entity})
			continue
		}
		p.links.put(linkKey{m.ID, l.entity}, l)
		p.pendLink(m.ID, l, p.newMark())
	}
}

func (p *page) side() model.Side {
	if p.at.crm() {
		return model.CRM
	}
	return model.Mail
}

// suspicion is the doubt that goes with a restore.
func (p *page) suspicion() plan.Doubt {
	if p.after == weRestored {
		return plan.Unwitnessed
	}
	return plan.Restored
}

// missed notes an item that a listing after a restore did not name.
func (p *page) missed(k itemKey, o observation) {
	d := p.suspicion()
	switch {
	case p.after == 0:
		return
	case d == plan.Restored && o.order > 0 && o.order <= p.row.intact:
		d = plan.Predeceased
	}
	p.suspect(k, d)
}

// unsure has a collection listed once more if it was listed after its system was
// restored and something is missing that we wrote so short a time before that
// the listing may not show it yet: only another listing tells whether it is lost.
func (p *page) unsure() {
	if p.after != systemRestored {
		return
	}
	p.row.Cursor, p.row.after, p.row.Restored = "", p.after, true
	p.collections.put(itemKey{p.at, p.kind, p.in.Collection.ID}, p.row)
}

// suspect tells the links of what is in doubt.
func (p *page) suspect(k itemKey, d plan.Doubt) {
	side := p.side()
	for _, m := range p.mailboxes.all() {
		if p.at.crm() && m.CRM != p.at.connection || !p.at.crm() && m.ID != p.at.mailbox {
			continue
		}
		if l, ok := p.linkOf(m.ID, side, k.kind, k.id); ok {
			*l.doubt(side) = d
			p.links.put(linkKey{m.ID, l.entity}, l)
		}
	}
}

// doubt is what is in doubt about an item: as its link says, or because it came
// back with a backup and was joined since.
func (o observation) doubt(link plan.Doubt) plan.Doubt {
	if link == plan.Certain && o.returned && o.absent == present {
		return plan.Restored
	}
	return link
}

// valueKey names a value that a field of an entity had before.
type valueKey struct {
	crm     model.ConnectionID
	entity  model.EntityID
	field   string
	value   string
	mailbox model.MailboxID // that saw it
}

func (k valueKey) compare(o valueKey) int {
	return cmp.Or(cmp.Compare(k.crm, o.crm), cmp.Compare(k.entity, o.entity), cmp.Compare(k.field, o.field), cmp.Compare(k.value, o.value),
		cmp.Compare(k.mailbox, o.mailbox))
}

// remember keeps the values of a content that was replaced.
func (s *Store) remember(m scope, e model.EntityID, old, now string) {
	if old == "" || now == "" || old == now {
		return
	}
	was := s.content(old)
	for _, f := range model.Differing(was, s.content(now)) {
		k := valueKey{crm: m.CRM, entity: e, field: f, value: valueOf(f, was), mailbox: m.ID}
		s.history.put(k, struct{}{})
	}
}

// valueOf is a fingerprint of what a field says: history outlives what was said.
func valueOf(field string, c model.Content) string {
	sum := sha256.Sum256([]byte(field + "\x00" + string(c.Only([]string{field}).Encode())))
	return hex.EncodeToString(sum[:])
}

// past finds the fields in which items that are in doubt hold a value of the
// past.
func (s *Store) past(m scope, p *plan.Pair) {
	for _, v := range []*plan.Seen{p.CRM, p.Mail} {
		if v == nil || v.Doubt != plan.Restored {
			continue
		}
		for _, f := range model.Fields(p.Kind) {
			k := valueKey{crm: m.CRM, entity: p.Entity, field: f.Name, value: valueOf(f.Name, v.Content)}
			for range s.history.starting(k, func(o valueKey) bool { o.mailbox = ""; return o == k }) {
				v.Past = append(v.Past, f.Name)
				break
			}
		}
	}
}
