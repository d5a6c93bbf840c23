package memory

import (
	"context"
	"maps"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// setAside keeps the settings of a registration whose CRM user belongs to
// another mailbox, and nothing else.
func (s *Store) setAside(old, m model.Mailbox, conflict **store.Conflict) (model.Mailbox, error) {
	c := &store.Conflict{CRMUser: m.CRMUser, Mailbox: old.ID, Address: old.Address}
	m.ID, m.State, m.Reason = "", model.Conflicted, c.Error()
	for _, o := range s.mailboxes.all() {
		if o.State == model.Conflicted && o.CRM == m.CRM && o.CRMUser == m.CRMUser && o.Mail == m.Mail && model.FoldAddress(o.Address) == model.FoldAddress(m.Address) {
			known := o
			known.User, known.Secret, known.Identity, known.Policy = m.User, m.Secret, or(m.Identity, o.Identity), or(m.Policy, o.Policy)
			*conflict = c
			s.settled(o.Mailbox, known.Mailbox)
			return known.Mailbox, s.saveMailbox(known)
		}
	}
	m, err := s.add(m)
	if err != nil {
		return m, err
	}
	*conflict = c
	_, err = s.strike(store.Alert{Mailbox: m.ID, Workload: model.ACT, Side: model.CRM, Code: c.Fault().Code, Message: m.Reason}, store.AlertOpen, time.Now())
	return m, err
}

// succeed retires a registration in conflict with a pointer to the mailbox that
// goes on under its settings.
func (s *Store) succeed(heir model.MailboxID, m mailbox) {
	s.endAll(m.ID)
	reason := "the CRM-ID conflict was cleared; its settings are those of " + string(heir) + " now"
	s.moved(m.Mailbox, model.Retired, reason)
	m.State, m.Reason, m.Successor = model.Retired, reason, heir
	s.mailboxes.put(name(m.ID), m)
}

// remembered notes the address that a mailbox is about to lose.
func (s *Store) remembered(m model.Mailbox, to string) {
	now, next := model.FoldAddress(m.Address), model.FoldAddress(to)
	if now != next {
		s.former.drop(pendingKey{mailbox: m.ID, item: next})
		s.former.put(pendingKey{mailbox: m.ID, item: now}, struct{}{})
	}
}

// Former implements store.Moving.
func (s *Store) Former(ctx context.Context, id model.MailboxID) ([]string, error) {
	return within(ctx, s, func() ([]string, error) {
		var out []string
		for k := range s.former.all() {
			taken := false
			for _, m := range s.mailboxes.all() {
				taken = taken || live(m.Mailbox) && model.FoldAddress(m.Address) == k.item
			}
			if k.mailbox == id && !taken {
				out = append(out, k.item)
			}
		}
		return out, nil
	})
}

// Recognise implements store.Moving.
func (s *Store) Recognise(ctx context.Context, id model.MailboxID, items []model.Item) ([]model.EntityID, error) {
	return within(ctx, s, func() ([]model.EntityID, error) {
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		found := map[model.EntityID]bool{}
		for _, l := range s.linksOf(id) {
			if l.crm == "" || l.mail == "" {
				continue
			}
			o, ok := s.observations.get(itemKey{m.place(model.Mail), l.kind, l.mail})
			for _, it := range items {
				n := plan.NaturalKey(it.Ref.Kind, it.Content)
				shows := plan.KeyEntity(it.Stamp) == l.entity || ok && (it.UID != "" && it.UID == o.uid || n != "" && n == o.natural)
				if it.Ref.Kind == l.kind && shows {
					found[l.entity] = true
				}
			}
		}
		return slices.Sorted(maps.Keys(found)), nil
	})
}

// Move implements store.Moving.
func (s *Store) Move(ctx context.Context, moves []store.Move, request, message string, now time.Time) error {
	return alone(ctx, s, func() error {
		r, ok := s.requests.get(name(request))
		if !ok {
			return store.ErrNotFound
		}
		if r.Outcome != store.RequestOpen {
			return nil
		}
		was := map[model.MailboxID]mailbox{}
		for _, m := range moves { // two may change places, so no address is held meanwhile
			old, ok := s.mailboxes.get(name(m.Mailbox))
			if !ok {
				return store.ErrNotFound
			}
			was[m.Mailbox] = old
			free := old
			free.Address = "moving " + string(m.Mailbox)
			s.mailboxes.put(name(m.Mailbox), free)
		}
		for _, m := range moves {
			if err := s.move(was[m.Mailbox], m, now); err != nil {
				return err
			}
		}
		r.Outcome, r.Message = store.RequestDone, message
		s.requests.put(name(request), r)
		return nil
	})
}

func (s *Store) move(was mailbox, m store.Move, now time.Time) error {
	old := was
	old.Address, old.User, old.Identity = m.Address, m.User, or(m.Identity, old.Identity)
	if m.From != "" {
		from, ok := s.mailboxes.get(name(m.From))
		owner, _ := s.registrations.get(userKey{from.CRM, from.CRMUser})
		if !ok || from.State != model.Conflicted || owner != old.ID {
			return store.ErrStale
		}
		s.succeed(old.ID, from)
		s.endAll(old.ID)
		s.moved(old.Mailbox, model.Active, "CRM-ID conflict cleared")
		old.Mail, old.Secret, old.Policy, old.State, old.Reason, old.Failures = from.Mail, from.Secret, from.Policy, model.Active, "", 0
	} else if !live(old.Mailbox) {
		return store.ErrStale
	}
	if m.Rebuild {
		s.dropMailSide(was.Mailbox, now)
		old.Identity, old.approved, old.Undoing = m.Identity, "", ""
	}
	if was.Policy != old.Policy {
		s.reviewSkipped(old.ID)
	}
	s.remembered(was.Mailbox, old.Address)
	old.Hold = or(m.Hold, was.Hold)
	s.settled(was.Mailbox, old.Mailbox)
	if err := s.saveMailbox(old); err != nil {
		return err
	}
	if m.Rebuild || m.From != "" {
		s.rouse(old.Mailbox)
	}
	return nil
}

// dropMailSide forgets the items of the mailbox that a mailbox was before. Links
// keep their records in the CRM and are joined again by comparing.
func (s *Store) dropMailSide(m model.Mailbox, now time.Time) {
	for k, l := range s.linksOf(m.ID) {
		switch {
		case l.crm == "":
			s.links.drop(k)
		case l.mail != "":
			if l.state == plan.Linked {
				l.state = plan.Unlinked
			}
			l.mail, l.mailDoubt, l.recheck = "", plan.Certain, time.Time{}
			l.incarnation++
			s.links.put(k, l)
		}
	}
	at := place{connection: m.Mail, mailbox: m.ID}
	dropWhere(&s.identities, func(k itemKey, _ model.EntityID) bool { return k.place == at })
	dropWhere(&s.observations, func(k itemKey, _ observation) bool { return k.place == at })
	dropWhere(&s.collections, func(k itemKey, _ collection) bool { return k.place == at })
	dropWhere(&s.pending, func(k pendingKey, _ pending) bool { return k.mailbox == m.ID })
	dropWhere(&s.marks, func(k pendingKey, _ store.ItemMark) bool { return k.mailbox == m.ID })
	dropWhere(&s.reviews, func(k pendingKey, _ review) bool { return k.mailbox == m.ID })
	for k, i := range s.issues.all() {
		if k.mailbox == m.ID && k.side == model.Mail && i.Open {
			i.Open, i.State, i.Closed = false, store.IssueResolved, now
			s.issues.put(k, i)
		}
	}
	for k, p := range s.plans.all() {
		if p.Mailbox == m.ID && p.State != store.PlanDone {
			p.State = store.PlanDropped
			s.plans.put(k, p)
		}
	}
}
