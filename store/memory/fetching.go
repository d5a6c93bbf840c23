package memory

import (
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Due implements store.Fetching. Links whose answer may have changed by itself
// become pending.
func (s *Store) Due(ctx context.Context, id model.MailboxID, now time.Time) (store.Due, error) {
	return within(ctx, s, func() (store.Due, error) {
		m, err := s.scope(id)
		if err != nil {
			return store.Due{}, err
		}
		mark := s.newMark()
		for k, l := range s.linksOf(id) {
			if l.due(now) {
				s.pendLink(id, l, mark)
				l.recheck = time.Time{}
				s.links.put(k, l)
			}
		}
		due := store.Due{Fresh: s.fresh(id), Ageing: s.ageing(m), Held: s.holding(m), Open: s.unfinished(id)}
		for k, i := range s.issues.all() {
			due.Issues += one(k.mailbox == id && i.Open)
		}
		for k := range s.marks.all() {
			due.Marked += one(k.mailbox == id)
		}
		return due, nil
	})
}

// ageing reports whether the absence of an item that a mailbox links is not
// proven yet.
func (s *Store) ageing(m scope) bool {
	for _, l := range s.linksOf(m.ID) {
		for side, now := range map[model.Side]int64{model.Mail: m.Round, model.CRM: m.pass} {
			o, ok := s.observations.get(itemKey{m.place(side), l.kind, *l.item(side)})
			if ok && o.absent == gone && o.absentSince > now-m.settle {
				return true
			}
		}
	}
	return false
}

// holding reports whether a plan, or a part of one, waits for approval.
func (s *Store) holding(m scope) bool {
	p, _ := s.plans.get(name(m.plan))
	return p.State == store.PlanHeld || (p.State == store.PlanReady || p.State == store.PlanDone) && s.holds(p.ID)
}

// unfinished reports whether a plan was not carried out to its end, or a
// create's outcome is unknown.
func (s *Store) unfinished(id model.MailboxID) bool {
	for _, p := range s.plans.all() {
		if p.Mailbox == id && (p.State == store.PlanOpen || p.State == store.PlanReady) {
			return true
		}
	}
	for _, i := range s.intents.all() {
		if i.mailbox == id && i.open() {
			return true
		}
	}
	return false
}

// Collections implements store.Fetching.
func (s *Store) Collections(ctx context.Context, c model.ConnectionID, m model.MailboxID) ([]store.Collection, error) {
	return within(ctx, s, func() ([]store.Collection, error) {
		var out []store.Collection
		for _, v := range s.collectionsOf(place{c, m}) {
			out = append(out, v.Collection)
		}
		return out, nil
	})
}

// SaveCollections implements store.Fetching.
func (s *Store) SaveCollections(ctx context.Context, c model.ConnectionID, m model.MailboxID, found []model.Collection, now time.Time) error {
	return alone(ctx, s, func() error {
		p := place{c, m}
		for k, v := range s.collectionsOf(p) {
			v.Missing = true
			s.collections.put(k, v)
		}
		for _, f := range found {
			k := itemKey{p, f.Kind, f.ID}
			v, _ := s.collections.get(k)
			v.Collection.Collection, v.SeenAt, v.Missing = f, now, false
			s.collections.put(k, v)
		}
		return nil
	})
}

// Unknown implements store.Fetching. A CRM item whose content was left out while
// nobody live took part counts as unknown once somebody does; an item that was
// read under another privacy counts as unknown.
func (s *Store) Unknown(ctx context.Context, c model.ConnectionID, m model.MailboxID, refs []model.Ref) ([]model.Ref, error) {
	return within(ctx, s, func() ([]model.Ref, error) {
		var out []model.Ref
		for _, r := range refs {
			k := itemKey{place{c, m}, r.Kind, r.ID}
			o, ok := s.observations.get(k)
			access, _ := s.access.get(k)
			said := o.content != "" || o.trouble != "" || !s.seenByAnybody(c, access)
			col, known := s.collections.get(itemKey{k.place, r.Kind, o.collection})
			if !ok || o.version == "" || o.version != r.Version || !said || known && col.Privacy != o.privacy {
				out = append(out, r)
			}
		}
		return out, nil
	})
}

// ResetCursors implements store.Fetching.
func (s *Store) ResetCursors(ctx context.Context, c model.ConnectionID, m model.MailboxID, only ...model.Collection) error {
	return alone(ctx, s, func() error {
		s.resetCursors(place{c, m}, only...)
		return nil
	})
}

func (s *Store) resetCursors(p place, only ...model.Collection) {
	for k, v := range s.collectionsOf(p) {
		if len(only) > 0 && !slices.ContainsFunc(only, func(c model.Collection) bool { return c.ID == v.ID && c.Kind == v.Kind }) {
			continue
		}
		v.Cursor, v.listing, v.Listing = "", 0, false
		s.collections.put(k, v)
	}
}

// FinishFetch implements store.Fetching.
func (s *Store) FinishFetch(ctx context.Context, id model.MailboxID, begun, now, next time.Time) (round int64, err error) {
	err = s.alter(ctx, id, func(m *mailbox) error {
		if m.Failures > 0 {
			s.worked(id, model.Mail, store.PhaseFetch)
			*m, _ = s.mailboxes.get(name(id))
		}
		m.Round, m.LastSuccess, m.NextAt, m.FetchBegun = m.Round+1, now, next, begun
		s.looked(place{m.Mail, id}, begun)
		round = m.Round
		return nil
	})
	return round, err
}

// FinishPass implements store.Fetching. A pass that began before another that
// has ended proves nothing new and does not count.
func (s *Store) FinishPass(ctx context.Context, c model.ConnectionID, begun time.Time) (pass int64, ageing bool, err error) {
	err = alone(ctx, s, func() error {
		row, ok := s.connections.get(name(c))
		if !ok {
			return store.ErrNotFound
		}
		if !row.PassBegun.After(begun) {
			row.Pass, row.PassBegun = row.Pass+1, begun
			if row.AuditAt.IsZero() {
				row.AuditAt = begun.Add(store.AuditEvery)
			}
			s.connections.put(name(c), row)
			s.looked(place{connection: c}, begun)
		}
		if !row.Circuit.Down() { // a pass that was under way when it opened proves nothing
			s.endOwn(c, begun)
		}
		pass = row.Pass
		settle := int64(0)
		for _, m := range s.mailboxes.all() {
			if m.CRM == c && live(m.Mailbox) {
				sc, err := s.scope(m.ID)
				if err != nil {
					return err
				}
				settle = max(settle, sc.settle)
			}
		}
		for _, o := range s.items(place{connection: c}, "") {
			ageing = ageing || o.absent == gone && o.absentSince > pass-settle && s.anyLink(c, o.entity)
		}
		ageing = ageing || s.unanswered(place{connection: c})
		return nil
	})
	return pass, ageing, err
}

// anyLink reports whether any mailbox of a CRM, live or not, links an entity.
func (s *Store) anyLink(crm model.ConnectionID, e model.EntityID) bool {
	for _, m := range s.mailboxes.all() {
		if _, ok := s.links.get(linkKey{m.ID, e}); ok && m.CRM == crm {
			return true
		}
	}
	return false
}
