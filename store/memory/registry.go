package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Installation implements store.Registry.
func (s *Store) Installation(context.Context) (string, error) { return "ins_memory", nil }

// Connections implements store.Registry.
func (s *Store) Connections(ctx context.Context) ([]model.Connection, error) {
	return within(ctx, s, func() ([]model.Connection, error) {
		var out []model.Connection
		for _, c := range s.connections.all() {
			out = append(out, c.Connection)
		}
		slices.SortFunc(out, func(a, b model.Connection) int { return cmp.Compare(a.Name, b.Name) })
		return out, nil
	})
}

// Connection implements store.Registry.
func (s *Store) Connection(ctx context.Context, id model.ConnectionID) (model.Connection, error) {
	return within(ctx, s, func() (model.Connection, error) {
		c, ok := s.connections.get(name(id))
		return c.Connection, found(ok)
	})
}

// ConnectionNamed implements store.Registry.
func (s *Store) ConnectionNamed(ctx context.Context, called string) (model.Connection, error) {
	return within(ctx, s, func() (model.Connection, error) {
		for _, c := range s.connections.all() {
			if c.Name == called {
				return c.Connection, nil
			}
		}
		return model.Connection{}, store.ErrNotFound
	})
}

// SaveConnection implements store.Registry.
func (s *Store) SaveConnection(ctx context.Context, c model.Connection) (model.Connection, error) {
	return within(ctx, s, func() (model.Connection, error) {
		for _, o := range s.connections.all() {
			if o.Name == c.Name && o.ID != c.ID {
				return c, store.ErrExists
			}
		}
		old, ok := s.connections.get(name(c.ID))
		if c.ID == "" {
			c.ID, ok = model.ConnectionID(s.newID("con")), true
		}
		c.AuditAt, c.Pass, c.PassBegun, c.Behind, c.Circuit = old.AuditAt, old.Pass, old.PassBegun, old.Behind, old.Circuit
		if c.Circuit.State == model.CircuitOpen { // something about it was changed: it is tried at once
			c.Circuit.Permanent, c.Circuit.Next = false, time.UnixMicro(1)
		}
		old.Connection = c
		if ok {
			s.connections.put(name(c.ID), old)
			s.note(store.LogEntry{What: store.LogSaved, Subject: store.LogConnection, Name: string(c.ID)})
		}
		return c, found(ok)
	})
}

// found says ErrNotFound unless something was found.
func found(ok bool) error {
	if !ok {
		return store.ErrNotFound
	}
	return nil
}

// Policies implements store.Registry.
func (s *Store) Policies(ctx context.Context) ([]model.Policy, error) {
	return within(ctx, s, func() ([]model.Policy, error) {
		var out []model.Policy
		for _, p := range s.policies.all() {
			out = append(out, p.complete)
		}
		return out, nil
	})
}

// Policy implements store.Registry.
func (s *Store) Policy(ctx context.Context, called string) (model.Policy, error) {
	return within(ctx, s, func() (model.Policy, error) {
		p, ok := s.policies.get(name(called))
		return p.complete, found(ok)
	})
}

func (s *Store) putPolicy(p model.Policy) {
	s.policies.put(name(p.Name), policy{written: p, complete: p.Complete()})
}

// SavePolicy implements store.Registry. What the old one skipped is looked at
// again.
func (s *Store) SavePolicy(ctx context.Context, p model.Policy) error {
	if err := p.Check(); err != nil {
		return err
	}
	return alone(ctx, s, func() error {
		if old, ok := s.policies.get(name(p.Name)); ok && reflect.DeepEqual(old.written, p) {
			return nil
		}
		s.putPolicy(p)
		s.revise(p)
		for _, m := range s.mailboxes.all() {
			if m.Policy == p.Name {
				s.reviewSkipped(m.ID)
			}
		}
		return nil
	})
}

// reviewSkipped has a mailbox look again at what its policy left out.
func (s *Store) reviewSkipped(id model.MailboxID) {
	for k, l := range s.linksOf(id) {
		if l.state == "skipped" {
			l.recheck = time.UnixMicro(1)
			s.links.put(k, l)
		}
	}
}

// Mailboxes implements store.Registry.
func (s *Store) Mailboxes(ctx context.Context, f store.MailboxFilter) ([]model.Mailbox, error) {
	return within(ctx, s, func() ([]model.Mailbox, error) {
		var out []model.Mailbox
		for _, m := range s.mailboxes.all() {
			if (f.State == "" || m.State == f.State) && (f.Policy == "" || m.Policy == f.Policy) &&
				(f.Connection == "" || m.CRM == f.Connection || m.Mail == f.Connection) {
				out = append(out, m.Mailbox)
			}
		}
		slices.SortStableFunc(out, func(a, b model.Mailbox) int {
			return cmp.Compare(model.FoldAddress(a.Address), model.FoldAddress(b.Address))
		})
		return out, nil
	})
}

// Mailbox implements store.Registry.
func (s *Store) Mailbox(ctx context.Context, id model.MailboxID) (model.Mailbox, error) {
	return within(ctx, s, func() (model.Mailbox, error) {
		m, ok := s.mailboxes.get(name(id))
		return m.Mailbox, found(ok)
	})
}

// MailboxNamed implements store.Registry: a live one before retired ones, of
// those the newest.
func (s *Store) MailboxNamed(ctx context.Context, called string) (model.Mailbox, error) {
	return within(ctx, s, func() (model.Mailbox, error) {
		var best model.Mailbox
		for _, m := range s.mailboxes.all() {
			if model.FoldAddress(m.Address) != model.FoldAddress(called) && string(m.ID) != called {
				continue
			}
			newer := !m.Created.Before(best.Created)
			if best.ID == "" || known(m.Mailbox) && !known(best) || known(m.Mailbox) == known(best) && newer {
				best = m.Mailbox
			}
		}
		return best, found(best.ID != "")
	})
}

// known reports whether a mailbox is there, taking part or not.
func known(m model.Mailbox) bool { return m.State != model.Retired }

func live(m model.Mailbox) bool { return m.State.TakesPart() }

// Register implements store.Registry.
func (s *Store) Register(ctx context.Context, m model.Mailbox) (model.Mailbox, error) {
	var conflict *store.Conflict
	out, err := within(ctx, s, func() (model.Mailbox, error) {
		id, ok := s.registrations.get(userKey{m.CRM, m.CRMUser})
		if !ok {
			return s.add(m)
		}
		old, _ := s.mailboxes.get(name(id))
		same := model.FoldAddress(old.Address) == model.FoldAddress(m.Address) || m.Identity != "" && m.Identity == old.Identity
		if !same || old.Mail != m.Mail {
			return s.setAside(old.Mailbox, m, &conflict)
		}
		return s.revive(old, m)
	})
	if err == nil && conflict != nil {
		return out, conflict // what was saved of it stays
	}
	return out, err
}

func (s *Store) add(m model.Mailbox) (model.Mailbox, error) {
	m.ID = or(m.ID, model.MailboxID(s.newID("mbx")))
	m.State, m.Policy, m.Workloads = or(m.State, model.Active), or(m.Policy, "default"), or(m.Workloads, model.Workloads(model.ACT))
	if m.Created.IsZero() {
		m.Created = time.Now().UTC().Truncate(time.Microsecond)
	}
	if err := s.saveMailbox(mailbox{Mailbox: m}); err != nil {
		return m, err
	}
	if m.State != model.Conflicted {
		s.registrations.put(userKey{m.CRM, m.CRMUser}, m.ID)
		s.rouse(m)
	}
	s.note(store.LogEntry{What: store.LogRegistered, Subject: store.LogMailbox, Name: string(m.ID), After: string(m.State)})
	return m, nil
}

// revive gives a known mailbox its new settings and, if it was retired, its
// work: links and cursors were kept (B6).
func (s *Store) revive(old mailbox, m model.Mailbox) (model.Mailbox, error) {
	was, before := old.State, old.Mailbox
	for _, r := range s.mailboxes.all() {
		if r.State == model.Conflicted && r.CRM == m.CRM && r.CRMUser == m.CRMUser && r.Mail == m.Mail && model.FoldAddress(r.Address) == model.FoldAddress(m.Address) {
			s.succeed(old.ID, r)
		}
	}
	s.remembered(old.Mailbox, m.Address)
	old.Address, old.User, old.Secret = m.Address, m.User, m.Secret
	old.Identity = or(m.Identity, old.Identity)
	if m.Policy != "" && m.Policy != old.Policy {
		old.Policy = m.Policy
		s.reviewSkipped(old.ID)
	}
	if was == model.Retired {
		s.endAll(old.ID)
		old.State, old.Reason, old.Failures, old.Owned = or(m.State, model.Active), m.Reason, 0, time.Time{}
		s.note(store.LogEntry{What: store.LogRegistered, Subject: store.LogMailbox, Name: string(old.ID), Before: string(was), After: string(old.State)})
	}
	if err := s.saveMailbox(old); err != nil {
		return m, err
	}
	s.settled(before, old.Mailbox)
	if was == model.Retired {
		s.rouse(old.Mailbox)
	}
	return old.Mailbox, nil
}

// saveMailbox stores a mailbox, unless its address or identity is another's.
func (s *Store) saveMailbox(m mailbox) error {
	if _, ok := s.policies.get(name(m.Policy)); !ok {
		return fmt.Errorf("save mailbox %s: there is no policy %q", m.ID, m.Policy)
	}
	folded := model.FoldAddress(m.Address)
	for _, o := range s.mailboxes.all() {
		same := model.FoldAddress(o.Address) == folded || m.Identity != "" && o.Identity == m.Identity
		if same && o.ID != m.ID && o.Mail == m.Mail && known(o.Mailbox) && known(m.Mailbox) {
			return store.ErrExists
		}
	}
	s.mailboxes.put(name(m.ID), m)
	return nil
}

// rouse makes pending what a mailbox that (again) takes part has to look at:
// what its CRM user has access to, and both items of every link. CRM items that
// nobody live could see until now have no content; the next pass lists in full
// and brings it.
func (s *Store) rouse(m model.Mailbox) {
	mark, bare := s.newMark(), false
	for k, access := range s.itemsAccess(m.CRM) {
		if takesPart(access, m.CRMUser) {
			s.pend(pendingKey{m.ID, model.CRM, k.kind, k.id}, mark)
			o, ok := s.observations.get(k)
			bare = bare || ok && !o.readable()
		}
	}
	for _, l := range s.linksOf(m.ID) {
		s.pendLink(m.ID, l, mark)
	}
	if bare {
		s.resetCursors(place{connection: m.CRM})
	}
}

// SaveMailbox implements store.Registry.
func (s *Store) SaveMailbox(ctx context.Context, m model.Mailbox) error {
	return s.alter(ctx, m.ID, func(old *mailbox) error {
		if old.Policy != m.Policy {
			s.reviewSkipped(m.ID)
		}
		s.settled(old.Mailbox, m)
		old.Address, old.Identity, old.User, old.Secret, old.Policy = m.Address, m.Identity, m.User, m.Secret, m.Policy
		return s.saveMailbox(*old)
	})
}

// alter changes the row of one mailbox.
func (s *Store) alter(ctx context.Context, id model.MailboxID, f func(*mailbox) error) error {
	return alone(ctx, s, func() error {
		m, ok := s.mailboxes.get(name(id))
		if !ok {
			return store.ErrNotFound
		}
		if err := f(&m); err != nil {
			return err
		}
		s.mailboxes.put(name(id), m)
		return nil
	})
}

// SetMailboxState implements store.Registry. Work that was planned for a retired
// mailbox is dropped.
func (s *Store) SetMailboxState(ctx context.Context, id model.MailboxID, state model.MailboxState, reason string) error {
	return s.alter(ctx, id, func(m *mailbox) error {
		if m.State == model.Disabled && state == model.Active && m.Initialized {
			m.AuditAt = time.UnixMicro(1) // what was overlooked meanwhile is found at once
		}
		s.moved(m.Mailbox, state, reason)
		m.State, m.Reason = state, reason
		switch state {
		case model.Active:
			s.enabled(id)
			m.Failures = 0
		case model.Retired:
			s.endAll(id)
			m.Failures = 0
			m.approved, m.leaseToken, m.leaseEnds = "", "", time.Time{}
			for k, p := range s.plans.all() {
				if p.Mailbox == id && p.State != store.PlanDone {
					p.State = store.PlanDropped
					s.plans.put(k, p)
				}
			}
			for k := range s.pendingOf(id) {
				s.pending.drop(k)
			}
		}
		return s.saveMailbox(*m)
	})
}

// errNotRetired protects a mailbox that still takes part.
var errNotRetired = errors.New("the mailbox still takes part; remove it first")

// Forget implements store.Registry.
func (s *Store) Forget(ctx context.Context, id model.MailboxID) error {
	return alone(ctx, s, func() error {
		m, ok := s.mailboxes.get(name(id))
		if !ok {
			return store.ErrNotFound
		}
		if known(m.Mailbox) {
			return errNotRetired
		}
		s.note(store.LogEntry{What: store.LogForgotten, Subject: store.LogMailbox, Name: string(id)})
		s.forgetUnseen(m.Mailbox)
		s.forgetRows(id)
		for k, c := range s.claims.all() {
			switch {
			case c.mailbox != id:
			case len(s.linked(m.CRM, c.entity)) == 0:
				s.claims.drop(k)
			default:
				s.claims.put(k, claim{entity: c.entity})
			}
		}
		s.mailboxes.drop(name(id))
		return nil
	})
}

// forgetUnseen empties CRM items that were of interest to this mailbox and to
// nobody else who is live.
func (s *Store) forgetUnseen(m model.Mailbox) {
	for k, o := range s.items(place{connection: m.CRM}, "") {
		access, _ := s.access.get(k)
		if takesPart(access, m.CRMUser) && !s.seenByAnybody(m.CRM, access) {
			o.content, o.raw, o.natural, o.title = "", "", "", ""
			s.observations.put(k, o)
		}
	}
}

// forgetRows drops the rows of one mailbox.
func (s *Store) forgetRows(id model.MailboxID) {
	dropWhere(&s.operations, func(_ writeKey, o operation) bool { return o.mailbox == id })
	dropWhere(&s.plans, func(_ name, p planRow) bool { return p.Mailbox == id })
	dropWhere(&s.pending, func(k pendingKey, _ pending) bool { return k.mailbox == id })
	dropWhere(&s.links, func(k linkKey, _ link) bool { return k.mailbox == id })
	dropWhere(&s.identities, func(k itemKey, _ model.EntityID) bool { return k.mailbox == id })
	dropWhere(&s.intents, func(_ intentKey, i intent) bool { return i.mailbox == id })
	dropWhere(&s.conflicts, func(k conflictKey, _ store.ConflictRow) bool { return k.mailbox == id })
	dropWhere(&s.issues, func(k issueKey, _ issue) bool { return k.mailbox == id })
	dropWhere(&s.marks, func(k pendingKey, _ store.ItemMark) bool { return k.mailbox == id })
	s.forgetNotices(id)
	dropWhere(&s.alerts, func(_ name, a store.Alert) bool { return a.Mailbox == id })
	dropWhere(&s.reviews, func(k pendingKey, _ review) bool { return k.mailbox == id })
	dropWhere(&s.snapshots, func(k name, _ snapshot) bool { return model.MailboxID(k) == id })
	dropWhere(&s.former, func(k pendingKey, _ struct{}) bool { return k.mailbox == id })
	dropWhere(&s.rounds, func(k roundKey, _ store.Round) bool { return k.mailbox == id })
	dropWhere(&s.history, func(k valueKey, _ struct{}) bool { return k.mailbox == id })
	dropWhere(&s.audits, func(_ name, a audit) bool { return a.Mailbox == id })
	dropWhere(&s.members, func(k memberKey, _ struct{}) bool { return k.mailbox == id })
	s.expiries.drop(place{"", id})
	dropWhere(&s.probes, func(k name, _ []store.Probe) bool { return k == name(id) })
	dropWhere(&s.requests, func(_ name, r store.Request) bool { return r.Mailbox == id })
	dropWhere(&s.observations, func(k itemKey, _ observation) bool { return k.mailbox == id })
	dropWhere(&s.verdicts, func(k itemKey, _ ruling) bool { return k.mailbox == id })
	dropWhere(&s.collections, func(k itemKey, _ collection) bool { return k.mailbox == id })
	dropWhere(&s.registrations, func(_ userKey, m model.MailboxID) bool { return m == id })
}

func dropWhere[K ordered[K], V any](t *table[K, V], which func(K, V) bool) {
	for k, v := range t.all() {
		if which(k, v) {
			t.drop(k)
		}
	}
}
