package memory

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// BeginPlan implements store.Planning.
func (s *Store) BeginPlan(ctx context.Context, p store.PlanRow) (string, error) {
	return within(ctx, s, func() (string, error) {
		s.replace(p.Mailbox, store.PlanOpen, store.PlanShown, store.PlanHeld)
		p.ID, p.State = s.newID("pln"), store.PlanOpen
		s.plans.put(name(p.ID), planRow{PlanRow: p})
		return p.ID, nil
	})
}

// replace drops a mailbox's plans in some states and gives back what they looked
// at.
func (s *Store) replace(id model.MailboxID, states ...store.PlanState) {
	for k, p := range s.plans.all() {
		for _, state := range states {
			if p.Mailbox != id || p.State != state {
				continue
			}
			s.giveBack(p.ID)
			p.State = store.PlanDropped
			s.plans.put(k, p)
		}
	}
}

// giveBack makes fresh what a plan looked at.
func (s *Store) giveBack(planID string) {
	for k, v := range s.pending.all() {
		if v.plan == planID {
			s.pending.put(k, pending{mark: v.mark})
		}
	}
}

// consume drops the pending rows that a plan regards in one way.
func (s *Store) consume(planID string, as regard) {
	dropWhere(&s.pending, func(_ pendingKey, v pending) bool { return v.plan == planID && v.state == as })
}

// reopen makes the pairs of operations in some states pending again.
func (s *Store) reopen(planID string, states ...model.Outcome) {
	mark := s.newMark()
	for _, o := range s.operationsOf(planID) {
		for _, state := range states {
			if l, ok := s.links.get(linkKey{o.mailbox, o.Entity}); ok && o.state == state {
				s.pendLink(o.mailbox, l, mark)
			}
		}
	}
}

// DropPlan implements store.Planning.
func (s *Store) DropPlan(ctx context.Context, id model.MailboxID) error {
	return alone(ctx, s, func() error {
		for _, p := range s.plans.all() {
			if p.Mailbox == id && p.State == store.PlanReady {
				s.reopen(p.ID, planned, model.Unknown)
			}
		}
		s.replace(id, store.PlanOpen, store.PlanReady, store.PlanHeld, store.PlanShown)
		return nil
	})
}

// SealPlan implements store.Planning.
func (s *Store) SealPlan(ctx context.Context, p store.PlanRow) error {
	return alone(ctx, s, func() error {
		row, ok := s.plans.get(name(p.ID))
		if !ok || row.Mailbox != p.Mailbox || row.State != store.PlanOpen {
			return store.ErrStale
		}
		row.State, row.Hash, row.Why, row.Counts, row.ready = p.State, p.Hash, p.Why, p.Counts, p.State == store.PlanReady
		s.plans.put(name(p.ID), row)
		s.worked(p.Mailbox, "", store.PhaseDiff)
		if p.State == store.PlanShown {
			s.giveBack(p.ID) // only looked at: the next round finds everything as it was
			if m, _ := s.mailboxes.get(name(p.Mailbox)); m.Undoing == p.Request {
				m.Undoing = ""
				s.mailboxes.put(name(m.ID), m)
			}
			return nil
		}
		m, _ := s.mailboxes.get(name(p.Mailbox))
		m.plan = p.ID
		if !s.decided(p.ID) {
			m.approved = ""
		}
		s.mailboxes.put(name(m.ID), m)
		s.consume(p.ID, settled)
		if p.State != store.PlanHeld {
			s.consume(p.ID, written)
			return nil
		}
		for k, v := range s.pendingOf(p.Mailbox) {
			if v.plan == p.ID && v.state == written {
				v.state = waiting
				s.pending.put(k, v)
			}
		}
		return nil
	})
}

// chunk is a piece of a plan on its way into the store.
type chunk struct {
	*Store
	in      store.Chunk
	m       scope
	plan    string
	changes map[model.EntityID]plan.Change
	regards map[model.EntityID]regard // written or waiting
	owed    map[model.EntityID]bool   // what a write withdraws
}

// SaveChunk implements store.Planning.
func (s *Store) SaveChunk(ctx context.Context, id model.MailboxID, planID string, in store.Chunk) error {
	return alone(ctx, s, func() error {
		if p, ok := s.plans.get(name(planID)); !ok || p.Mailbox != id || p.State != store.PlanOpen {
			return store.ErrStale
		}
		m, err := s.scope(id)
		if err != nil {
			return err
		}
		c := chunk{Store: s, in: in, m: m, plan: planID, changes: map[model.EntityID]plan.Change{}, regards: map[model.EntityID]regard{}, owed: map[model.EntityID]bool{}}
		for _, v := range in.Plan.Changes {
			c.changes[v.Entity] = v
		}
		if in.Commit {
			s.retract(m, in.Plan.Retracts, in.Plan.Writes)
		}
		for i, w := range in.Plan.Writes {
			c.saveWrite(in.From+i, w)
		}
		if in.Commit {
			c.arrivals()
			c.saveLinks()
			c.ask()
			c.saveConflicts()
			c.saveIssues()
			c.regard()
		}
		return nil
	})
}

// saveWrite stores a write. The bytes an update edits are those last seen of its
// target in the expected version.
func (c *chunk) saveWrite(number int, w plan.Write) {
	o := operation{Planned: store.Planned{Write: w, Number: number}, mailbox: c.m.ID, state: planned}
	r := written
	if w.Held != "" {
		o.state, r = held, waiting
	}
	if w.Left {
		o.state = leftAlone
	}
	if w.Confirmed {
		o.Verdict = plan.Confirmed
	}
	c.regards[w.Entity] = max(c.regards[w.Entity], r)
	c.owed[w.Entity] = c.owed[w.Entity] || w.Withdraws
	if seen, ok := c.observations.get(itemKey{c.m.place(w.Side), w.Kind, w.Op.Ref.ID}); ok && seen.version == w.Op.Expect && w.Op.Action != model.Create {
		b, _ := c.bodies.get(name(seen.raw))
		o.before = seen.content
		if w.Op.Raw == nil {
			o.Op.Raw = b.raw
		}
	}
	c.operations.put(writeKey{c.plan, number}, o)
}

// saveLinks gives every pair its link, settles what needs no write and forgets
// what is gone on both sides.
func (c *chunk) saveLinks() {
	links := map[model.EntityID]link{}
	gone := map[model.EntityID]bool{}
	var forget []itemKey
	for _, p := range c.in.Pairs {
		if p.Entity == "" {
			continue
		}
		l, ok := links[p.Entity]
		if !ok {
			l, ok = c.links.get(linkKey{c.m.ID, p.Entity})
		}
		if !ok {
			l = link{entity: p.Entity, kind: p.Kind, state: p.State, reason: p.Reason, incarnation: p.Incarnation}
		}
		if p.CRM != nil {
			l.crm = p.CRM.Ref.ID
		}
		if p.Mail != nil {
			l.mail = p.Mail.Ref.ID
		}
		v, ok := c.changes[p.Entity]
		if !ok {
			v = plan.Change{State: l.state, Reason: l.reason, Incarnation: l.incarnation}
		}
		if c.owed[p.Entity] {
			// Whatever becomes of the write, from now on the withdrawal is owed.
			v = plan.Change{State: plan.Withdrawn, Reason: plan.ReasonWithdrawn, Incarnation: l.incarnation}
		}
		forget = append(forget, c.change(&l, v)...)
		links[p.Entity], gone[p.Entity] = l, v.State == plan.Tombstone
	}
	for e, is := range gone {
		if is {
			delete(links, e)
			c.links.drop(linkKey{c.m.ID, e})
		}
	}
	c.placeLinks(c.m, links)
	c.forget(forget)
}

// change applies a change to a link and names the items to be forgotten.
func (c *chunk) change(l *link, v plan.Change) (forget []itemKey) {
	l.state, l.reason, l.incarnation, l.recheck = v.State, v.Reason, v.Incarnation, v.Recheck
	if v.CRMKey != nil {
		l.crmBase = *v.CRMKey
	}
	if v.MailKey != nil {
		l.mailBase = *v.MailKey
	}
	if v.CRMKey != nil && v.MailKey != nil && v.State == plan.Linked {
		l.synced, l.crmDoubt, l.mailDoubt = c.in.Now, plan.Certain, plan.Certain
	}
	for side, drop := range map[model.Side]bool{model.CRM: v.DropCRM, model.Mail: v.DropMail} {
		if item := *l.item(side); drop && item != "" {
			forget = append(forget, itemKey{c.m.place(side), l.kind, item})
		}
	}
	return forget
}

// forget drops observations of items that are gone. A CRM record that other
// mailboxes link stays until they have dealt with its absence, too.
func (c *chunk) forget(items []itemKey) {
	for _, k := range items {
		o, ok := c.observations.get(k)
		if !ok || o.absent == present {
			continue
		}
		needed := false
		for _, m := range c.mailboxes.all() {
			l, linked := c.links.get(linkKey{m.ID, o.entity})
			needed = needed || k.crm() && linked && m.ID != c.m.ID && m.CRM == k.connection && l.crm == k.id
		}
		if !needed {
			c.observations.drop(k)
		}
	}
}

// saveIssues opens the plan's issues and closes those of pairs that have none
// any more. What a refused write left is closed by the receipt of the next one,
// unless no write is needed any more.
func (c *chunk) saveIssues() {
	has := map[model.EntityID]bool{}
	var opened []issue
	for _, i := range c.in.Plan.Issues {
		has[i.Entity] = true
		opened = append(opened, issue{IssueRow: store.IssueRow{Issue: i, State: store.IssueState(i.Needs)}, byPlan: true})
	}
	for _, p := range c.in.Pairs {
		if p.Entity == "" || has[p.Entity] {
			continue
		}
		c.closeIssues(c.m.ID, true, p.Entity, c.in.Now)
		if _, writes := c.regards[p.Entity]; !writes {
			c.closeIssues(c.m.ID, false, p.Entity, c.in.Now)
		}
	}
	c.openIssues(c.m.ID, opened, c.in.Now)
}

// regard notes at the pending rows what the plan decided about them. A row that
// changed since it was read, or that must be looked at again, stays fresh.
func (c *chunk) regard() {
	for _, p := range c.in.Pairs {
		if c.changes[p.Entity].Pending {
			continue
		}
		r := settled
		if p.Entity != "" {
			r = max(r, c.regards[p.Entity])
		}
		for _, m := range p.Marks {
			k := pendingKey{c.m.ID, m.Side, m.Kind, m.Item}
			if v, ok := c.pending.get(k); ok && v.mark == m.At {
				c.pending.put(k, pending{mark: v.mark, plan: c.plan, state: r})
			}
		}
	}
}
