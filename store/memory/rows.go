package memory

import (
	"iter"
	"slices"

	"lockstep.dev/model"
)

// items are the observations of a place, of all kinds where none is given.
func (s *Store) items(p place, kind model.Kind) iter.Seq2[itemKey, observation] {
	return s.observations.starting(itemKey{place: p, kind: kind}, func(k itemKey) bool {
		return k.place == p && (kind == "" || k.kind == kind)
	})
}

func (s *Store) collectionsOf(p place) iter.Seq2[itemKey, collection] {
	return s.collections.starting(itemKey{place: p}, func(k itemKey) bool { return k.place == p })
}

// itemsAccess says who takes part in the items of a CRM.
func (s *Store) itemsAccess(crm model.ConnectionID) iter.Seq2[itemKey, []model.Access] {
	return s.access.starting(itemKey{place: place{connection: crm}}, func(k itemKey) bool { return k.connection == crm })
}

func (s *Store) pendingOf(id model.MailboxID) iter.Seq2[pendingKey, pending] {
	return s.pending.starting(pendingKey{mailbox: id}, func(k pendingKey) bool { return k.mailbox == id })
}

func (s *Store) linksOf(id model.MailboxID) iter.Seq2[linkKey, link] {
	return s.links.starting(linkKey{mailbox: id}, func(k linkKey) bool { return k.mailbox == id })
}

func (s *Store) operationsOf(plan string) iter.Seq2[writeKey, operation] {
	return s.operations.starting(writeKey{plan: plan}, func(k writeKey) bool { return k.plan == plan })
}

// linkOf is the link that holds an item in a mailbox.
func (s *Store) linkOf(id model.MailboxID, side model.Side, kind model.Kind, item string) (link, bool) {
	if item == "" {
		return link{}, false
	}
	for _, l := range s.linksOf(id) {
		if l.kind == kind && *l.item(side) == item {
			return l, true
		}
	}
	return link{}, false
}

// linked are the live mailboxes that link an entity of a CRM.
func (s *Store) linked(crm model.ConnectionID, e model.EntityID) []model.MailboxID {
	var out []model.MailboxID
	for _, m := range s.mailboxes.all() {
		if _, ok := s.links.get(linkKey{m.ID, e}); ok && m.CRM == crm && live(m.Mailbox) {
			out = append(out, m.ID)
		}
	}
	return out
}

// mailboxOf is the live mailbox of a CRM user, "" if there is none. One user has
// one registration, so one mailbox.
func (s *Store) mailboxOf(crm model.ConnectionID, user string) model.MailboxID {
	for _, m := range s.mailboxes.all() {
		if m.CRM == crm && m.CRMUser == user && live(m.Mailbox) {
			return m.ID
		}
	}
	return ""
}

func takesPart(access []model.Access, user string) bool {
	return slices.ContainsFunc(access, func(a model.Access) bool { return a.User == user })
}

// seenByAnybody reports whether a live mailbox takes part: only then is a CRM
// item's content kept.
func (s *Store) seenByAnybody(crm model.ConnectionID, access []model.Access) bool {
	return slices.ContainsFunc(access, func(a model.Access) bool { return s.mailboxOf(crm, a.User) != "" })
}

// routed is an item that changed.
type routed struct {
	kind   model.Kind
	item   string
	entity model.EntityID
	access []model.Access // who takes or took part, on the CRM side
}

// route makes changed CRM items pending in every live mailbox that has or had
// access or links their entity, less the one that made the change. It returns
// the mailboxes that had nothing new to look at before (design decision 3).
func (s *Store) route(crm model.ConnectionID, changed []routed, except model.MailboxID) []model.MailboxID {
	var rows []pendingKey
	for _, r := range changed {
		var to []model.MailboxID
		for _, a := range r.access {
			to = append(to, s.mailboxOf(crm, a.User))
		}
		if r.entity != "" {
			to = append(to, s.linked(crm, r.entity)...)
		}
		for _, m := range to {
			if m != "" && m != except {
				rows = append(rows, pendingKey{m, model.CRM, r.kind, r.item})
			}
		}
	}
	var woken []model.MailboxID
	for _, r := range rows {
		if !s.fresh(r.mailbox) {
			woken = append(woken, r.mailbox)
		}
	}
	s.pendAll(rows)
	slices.Sort(woken)
	return slices.Compact(woken)
}

// fresh reports whether a mailbox has something that no plan has looked at.
func (s *Store) fresh(id model.MailboxID) bool {
	for _, p := range s.pendingOf(id) {
		if p.state == fresh {
			return true
		}
	}
	return false
}

// pend makes a row pending, or fresh again.
func (s *Store) pend(k pendingKey, mark int64) { s.pending.put(k, pending{mark: mark}) }

func (s *Store) pendAll(rows []pendingKey) {
	mark := s.newMark()
	for _, k := range rows {
		s.pend(k, mark)
	}
}

// pendLink makes both items of a link pending.
func (s *Store) pendLink(id model.MailboxID, l link, mark int64) {
	for _, side := range sides() {
		if item := *l.item(side); item != "" {
			s.pend(pendingKey{id, side, l.kind, item}, mark)
		}
	}
}
