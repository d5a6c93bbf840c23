package memory

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// SetPrivacy implements store.Fetching.
func (s *Store) SetPrivacy(ctx context.Context, id model.MailboxID, private string) (bool, error) {
	return within(ctx, s, func() (bool, error) {
		m, err := s.scope(id)
		if err != nil {
			return false, err
		}
		read := false
		for k, c := range s.collectionsOf(m.place(model.Mail)) {
			if dated(k.kind) && c.Privacy != private {
				read = read || c.listings > 0
				c.Privacy, c.Cursor, c.listing, c.Listing = private, "", 0, false
				s.collections.put(k, c)
			}
		}
		// Of the CRM's records, what a mailbox that is new here can change is
		// only that more may be held of those that were reduced.
		crm := false
		for k, o := range s.items(m.place(model.CRM), "") {
			if dated(k.kind) && (o.reduced || read) && o.version != "" && s.sees(m, k.kind, k.id) {
				o.version, crm = "", true
				s.observations.put(k, o)
			}
		}
		for k, c := range s.collectionsOf(m.place(model.CRM)) {
			if crm && dated(k.kind) {
				c.Cursor, c.listing, c.Listing = "", 0, false
				s.collections.put(k, c)
			}
		}
		return crm, nil
	})
}

// dated kinds have a class.
func dated(k model.Kind) bool { return k == model.Event || k == model.Task }

// retract gives up what is held of the entities that a plan retracts and of
// those that its writes withdraw.
func (s *Store) retract(m scope, entities []model.EntityID, writes []plan.Write) {
	for _, e := range entities {
		s.clear(e, func(id model.MailboxID) bool { return id == m.ID })
	}
	for _, w := range writes {
		switch {
		case !w.Withdraws:
			continue
		case w.Op.Action != model.Delete:
			s.clear(w.Entity, func(id model.MailboxID) bool { return id == m.ID })
		default:
			s.clear(w.Entity, func(id model.MailboxID) bool {
				o, ok := s.mailboxes.get(name(id))
				return ok && o.CRM == m.CRM
			})
			s.withdrawRecord(m, w)
		}
		entities = append(entities, w.Entity)
	}
	if len(entities) > 0 {
		s.dropBodies()
	}
}

// clear takes out what some mailboxes hold of an entity. A create whose answer
// is still to come is closed; a write that was planned cannot be carried out.
func (s *Store) clear(e model.EntityID, whose func(model.MailboxID) bool) {
	for k, l := range s.links.all() {
		if l.entity == e && whose(k.mailbox) {
			l.crmBase, l.mailBase = "", ""
			s.links.put(k, l)
		}
	}
	for k, i := range s.intents.all() {
		if i.entity == e && whose(i.mailbox) {
			if i.open() {
				i.outcome = "retracted"
			}
			i.Content, i.ContentKey = nil, ""
			s.intents.put(k, i)
		}
	}
	for k, o := range s.operations.all() {
		if o.Entity == e && whose(o.mailbox) {
			if o.state == planned || o.state == held || o.state == model.Unknown {
				o.state = "retracted"
			}
			o.Op.Content, o.Op.Raw, o.OtherKey, o.result, o.before = nil, nil, "", "", ""
			s.operations.put(k, o)
		}
	}
	dropWhere(&s.conflicts, func(k conflictKey, _ store.ConflictRow) bool { return k.entity == e && whose(k.mailbox) })
	dropWhere(&s.issues, func(k issueKey, i issue) bool { return i.Entity == e && whose(k.mailbox) })
}

// withdrawRecord empties what was observed of a CRM record and keeps the copies
// that other mailboxes linked to it.
func (s *Store) withdrawRecord(m scope, w plan.Write) {
	k := itemKey{m.place(model.CRM), w.Kind, w.Op.Ref.ID}
	if o, ok := s.observations.get(k); ok {
		o.content, o.raw, o.natural, o.title, o.trouble = "", "", "", "", ""
		if o.absent == present {
			o.content = s.keep(model.Content{}) // in this version, so that nothing reads it again
		}
		s.observations.put(k, o)
	}
	for k, l := range s.links.all() {
		o, _ := s.mailboxes.get(name(k.mailbox))
		if l.entity == w.Entity && k.mailbox != m.ID && o.CRM == m.CRM && l.state != plan.Skipped && l.state != plan.Withdrawn {
			l.state, l.reason = plan.Kept, plan.ReasonCopyStays
			s.links.put(k, l)
		}
	}
}

// dropBodies drops what nothing refers to.
func (s *Store) dropBodies() {
	needed := map[string]bool{}
	for _, o := range s.observations.all() {
		needed[o.content], needed[o.raw] = true, true
	}
	for _, l := range s.links.all() {
		needed[l.crmBase], needed[l.mailBase] = true, true
	}
	for _, i := range s.intents.all() {
		needed[i.ContentKey] = true
	}
	for _, o := range s.operations.all() {
		needed[o.OtherKey], needed[o.result], needed[o.before] = true, true, true
	}
	dropWhere(&s.bodies, func(k name, _ body) bool { return !needed[string(k)] })
}
