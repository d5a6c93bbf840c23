package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// leftAlone is the state of an operation that is only listed.
const leftAlone model.Outcome = "left"

// SetUndo implements store.Planning.
func (s *Store) SetUndo(ctx context.Context, id model.MailboxID, request string) error {
	return s.alter(ctx, id, func(m *mailbox) error {
		m.Undoing = request
		return nil
	})
}

// undone reports whether a plan carried out the undo that is under way.
func (s *Store) undone(m mailbox, p planRow) bool {
	for _, o := range s.operationsOf(p.ID) {
		if o.state == planned || o.state == model.Unknown {
			return false
		}
	}
	return p.Request == m.Undoing
}

// Deeds implements store.Planning.
func (s *Store) Deeds(ctx context.Context, id model.MailboxID, round int64, after model.EntityID, limit int) ([]plan.Deed, error) {
	return within(ctx, s, func() ([]plan.Deed, error) {
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		plans := s.plansOf(id, round)
		if len(plans) == 0 {
			return nil, store.ErrNotFound
		}
		var rows []operation
		for _, p := range plans {
			for _, o := range s.operationsOf(p) {
				tried := o.state == model.Done || o.state == planned || o.state == model.Unknown
				if tried && o.Op.Action != model.Stamp && o.Entity > after {
					rows = append(rows, o)
				}
			}
		}
		slices.SortStableFunc(rows, func(a, b operation) int { return cmp.Compare(a.Entity, b.Entity) })
		var out []plan.Deed
		entities := 0
		for i, o := range rows {
			if i == 0 || rows[i-1].Entity != o.Entity {
				if entities++; entities > limit {
					break
				}
			}
			out = append(out, s.deed(m, o))
		}
		return out, nil
	})
}

// plansOf are the plans that a round carried out: its own, and those of attempts
// before it that were interrupted.
func (s *Store) plansOf(id model.MailboxID, round int64) []string {
	before, listed := int64(-1), false
	for k := range s.rounds.all() {
		if k.mailbox == id && k.number < round {
			before = max(before, k.number)
		}
		listed = listed || k.mailbox == id && k.number == round
	}
	var out []string
	own := false
	for _, p := range s.plans.all() {
		if p.Mailbox == id && p.ready && p.Round > before && p.Round <= round && (p.State == store.PlanDone || p.State == store.PlanDropped) {
			out = append(out, p.ID)
			own = own || p.Round == round
		}
	}
	if !listed || !own {
		return nil
	}
	return out
}

// deed is an operation with what is known of its item now.
func (s *Store) deed(m scope, o operation) plan.Deed {
	side := o.Side
	d := plan.Deed{
		Entity: o.Entity, Kind: o.Kind, Op: o.Op, Done: o.state == model.Done, Raw: o.Op.Raw,
		Before: plan.Base{Content: s.content(o.before), Key: o.before}, After: o.result,
	}
	d.Op.Ref.ID = or(o.item, o.Op.Ref.ID)
	l, _ := s.links.get(linkKey{m.ID, o.Entity})
	linked := *l.item(side)
	d.Now = s.seenAt(itemKey{m.place(side), o.Kind, d.Op.Ref.ID}, side)
	d.Linked = linked != "" && linked == d.Op.Ref.ID
	d.Base, d.Incarnation, d.Other = *l.base(side), l.incarnation, *l.item(side.Other()) != ""
	stands := s.seenAt(itemKey{m.place(side), o.Kind, linked}, side)
	d.Stands = linked != "" && !d.Linked && stands != nil && !stands.Gone
	d.Next = l.incarnation + 1
	for k, i := range s.intents.all() {
		if k.place == m.place(side) && i.entity == o.Entity {
			d.Next = max(d.Next, incarnation(i.Key)+1)
			if i.restores && i.open() {
				d.Open = i.Key
			}
		}
	}
	return d
}

func (s *Store) seenAt(k itemKey, side model.Side) *plan.Seen {
	o, ok := s.observations.get(k)
	if !ok || k.id == "" {
		return nil
	}
	return &plan.Seen{
		Ref: model.Ref{Side: side, Kind: k.kind, Collection: o.collection, ID: k.id, Version: o.version, Order: o.order},
		UID: o.uid, Key: o.content, Content: s.content(o.content), Gone: o.absent == gone, Left: o.absent == left,
	}
}

// restored takes a write of an undo into its link: this side's base is what it
// holds now. A pair that has both sides again is in step again; one that has
// only one rests. It reports whether the link is empty.
func (l *landing) restored(r store.Result, seen observation, v *link) (empty bool) {
	w := r.Planned
	if w.Op.Action != model.Delete {
		*v.item(w.Side), *v.base(w.Side) = itemOf(r), seen.content
	} else if *v.item(w.Side) == itemOf(r) {
		*v.item(w.Side), *v.base(w.Side) = "", ""
	}
	if w.Op.Action == model.Create {
		v.incarnation = max(v.incarnation, incarnation(w.Op.Key))
	}
	v.recheck = time.Time{}
	switch {
	case v.crm != "" && v.mail != "" && v.crmBase != "" && v.mailBase != "":
		v.state, v.reason, v.synced = plan.Linked, "", l.now
	case v.state != plan.Kept:
		v.state, v.reason = plan.Kept, plan.ReasonUndone
	}
	return v.crm == "" && v.mail == ""
}

// arrived notes at the creates of the plan that was interrupted that they did,
// so that its round can be undone.
func (l *landing) arrived(results []store.Result) {
	for i, r := range results {
		for k, o := range l.operationsOf(l.m.plan) {
			open := o.state == planned || o.state == model.Unknown
			if open && o.Side == r.Planned.Side && o.Entity == r.Planned.Entity && o.Op.Action == model.Create {
				o.state, o.item, o.result, o.done = model.Done, itemOf(r), l.seen[i].content, l.now
				l.operations.put(k, o)
			}
		}
	}
}

// arrivals notes at the writes of the plan that was interrupted that they had
// arrived, where the pair turns out to be settled, so that its round can be
// undone.
func (c *chunk) arrivals() {
	p, _ := c.plans.get(name(c.m.plan))
	if p.State != store.PlanDropped || !p.ready {
		return
	}
	for k, o := range c.operationsOf(p.ID) {
		v, ok := c.changes[o.Entity]
		if !ok || o.state != planned && o.state != model.Unknown {
			continue
		}
		key, dropped := v.CRMKey, v.DropCRM
		if o.Side == model.Mail {
			key, dropped = v.MailKey, v.DropMail
		}
		now, _ := c.observations.get(itemKey{c.m.place(o.Side), o.Kind, o.Op.Ref.ID})
		switch {
		case o.Op.Action == model.Update && key != nil && now.absent == present && now.content != "" && now.version != o.Op.Expect:
			o.state, o.result, o.done = model.Done, now.content, c.in.Now
		case o.Op.Action == model.Delete && (dropped || v.State == plan.Tombstone):
			o.state, o.done = model.Done, c.in.Now
		default:
			continue
		}
		c.operations.put(k, o)
	}
}
