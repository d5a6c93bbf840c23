package sqlstore

import (
	"context"
	"maps"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// chunk is a piece of a plan on its way into the database.
type chunk struct {
	tx    *tx
	scope scope
	plan  string
	store.Chunk
	stored *bodies
	keys   installation

	changes map[string]plan.Change // by entity
	writes  map[string]regard      // written or waiting, by entity
	owed    map[string]bool        // what a write withdraws, by entity
	links   map[string]linkRow
}

// SaveChunk appends a piece of a plan. A plan that was replaced meanwhile is
// ErrStale.
func (d *DB) SaveChunk(ctx context.Context, id model.MailboxID, planID string, c store.Chunk) error {
	keys, err := d.keys(ctx)
	if err != nil {
		return err
	}
	return d.update(ctx, "save plan of mailbox "+string(id), func(tx *tx) error {
		n, err := tx.count(`UPDATE plan SET state = state WHERE id = ? AND mailbox = ? AND state = ?`, planID, string(id), string(store.PlanOpen))
		if err := stale(n, err); err != nil {
			return err
		}
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		k := chunk{tx: tx, scope: s, plan: planID, Chunk: c, stored: keys.bodies(c.Now), keys: keys, changes: map[string]plan.Change{}, writes: map[string]regard{}, owed: map[string]bool{}}
		return k.save()
	})
}

func (c *chunk) save() error {
	for _, v := range c.Plan.Changes {
		c.changes[string(v.Entity)] = v
	}
	for _, w := range c.Plan.Writes {
		r := written
		if w.Held != "" {
			r = waiting
		}
		c.writes[string(w.Entity)] = max(c.writes[string(w.Entity)], r)
		if w.Withdraws {
			c.owed[string(w.Entity)] = true
		}
	}
	if c.Commit {
		r := retraction{tx: c.tx, s: c.scope, now: c.Now}
		r.add(c.Plan.Retracts, c.Plan.Writes)
		if err := r.run(c.stored); err != nil {
			return err
		}
	}
	if err := saveOperations(c.tx, c.scope, c.plan, c.Plan.Writes, c.From, c.stored); err != nil {
		return err
	}
	if !c.Commit {
		return nil
	}
	for _, step := range []func() error{c.arrivals, c.saveLinks, c.ask, c.saveConflicts, c.saveIssues, c.consume} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// saveLinks gives every pair its link, settles what needs no write and forgets
// what is gone on both sides.
func (c *chunk) saveLinks() error {
	var entities []string
	for _, p := range c.Pairs {
		if p.Entity != "" {
			entities = append(entities, string(p.Entity))
		}
	}
	var err error
	if c.links, err = links(c.tx, c.scope, entities); err != nil {
		return err
	}
	before := maps.Clone(c.links)
	kept, dropped := map[string]linkRow{}, map[string]bool{}
	forget := map[model.Side]map[string][]string{model.CRM: {}, model.Mail: {}}
	for _, p := range c.Pairs {
		if p.Entity == "" {
			continue
		}
		link, change := c.link(p)
		if err := c.change(&link, change, forget); err != nil {
			return err
		}
		dropped[link.Entity] = change.State == plan.Tombstone
		kept[link.Entity], c.links[link.Entity] = link, link
	}
	var gone []string
	for e, d := range dropped {
		if d {
			gone = append(gone, e)
			delete(kept, e)
		}
	}
	if err := dropLinks(c.tx, c.scope, gone); err != nil {
		return err
	}
	if err := remember(c.tx, c.scope, c.keys, c.Now, superseded(before, kept)); err != nil {
		return err
	}
	if _, err := placeLinks(c.tx, c.scope, valuesOf(kept), before); err != nil {
		return err
	}
	return c.forget(forget)
}

// link is a pair's link as it is or will be, and what changes about it.
func (c *chunk) link(p store.Pair) (linkRow, plan.Change) {
	link, ok := c.links[string(p.Entity)]
	if !ok {
		link = linkRow{Entity: string(p.Entity), Kind: string(p.Kind), State: string(p.State), Reason: p.Reason, Incarnation: p.Incarnation}
	}
	if p.CRM != nil {
		link.CRMItem = text(p.CRM.Ref.ID)
	}
	if p.Mail != nil {
		link.MailItem = text(p.Mail.Ref.ID)
	}
	change, ok := c.changes[string(p.Entity)]
	if c.owed[link.Entity] {
		// Whatever becomes of the write, from now on the withdrawal is owed.
		return link, plan.Change{State: plan.Withdrawn, Reason: plan.ReasonWithdrawn, Incarnation: link.Incarnation}
	}
	if !ok {
		change = plan.Change{State: plan.State(link.State), Reason: link.Reason, Incarnation: link.Incarnation}
	}
	return link, change
}

// change applies a change to a link and notes what goes with it.
func (c *chunk) change(link *linkRow, v plan.Change, forget map[model.Side]map[string][]string) error {
	link.State, link.Reason, link.Incarnation, link.Recheck = string(v.State), v.Reason, v.Incarnation, micros(v.Recheck)
	for _, b := range []struct {
		side model.Side
		key  *string
		drop bool
	}{{model.CRM, v.CRMKey, v.DropCRM}, {model.Mail, v.MailKey, v.DropMail}} {
		if b.key != nil {
			key, err := byteKey(*b.key)
			if err != nil {
				return err
			}
			*link.base(b.side) = key
		}
		if item := value(*link.item(b.side)); b.drop && item != "" {
			forget[b.side][link.Kind] = append(forget[b.side][link.Kind], item)
		}
	}
	if v.CRMKey != nil && v.MailKey != nil && v.State == plan.Linked {
		link.Synced, link.CRMDoubt, link.MailDoubt = micros(c.Now), 0, 0
	}
	return nil
}

// forget drops observations of items that are gone. A CRM record that other
// mailboxes link stays until they have dealt with its absence, too.
func (c *chunk) forget(items map[model.Side]map[string][]string) error {
	for side, p := range c.scope.places() {
		for _, kind := range sortedKeys(items[side]) {
			if _, err := execIn(c.tx, `DELETE FROM observation WHERE connection = ? AND mailbox = ? AND kind = ? AND absent <> 0 AND item IN (?*)
				AND `+no(`SELECT 1 FROM link l WHERE observation.mailbox = '' AND l.crm = observation.connection AND l.entity = observation.entity
					AND l.crm_item = observation.item AND l.mailbox <> ?`),
				[]any{string(p.connection), string(p.mailbox), kind}, items[side][kind], c.scope.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// saveIssues opens the plan's issues and closes those of pairs that have none
// any more. What a refused write left is closed by the receipt of the next one,
// unless no write is needed any more.
func (c *chunk) saveIssues() error {
	var opened [][]any
	has := map[model.EntityID]bool{}
	for _, i := range c.Plan.Issues {
		has[i.Entity] = true
		opened = append(opened, issueValues(c.scope, byPlan, i, store.IssueState(i.Needs), "", c.Now))
	}
	var mended, unwritten []string
	for _, p := range c.Pairs {
		if p.Entity == "" || has[p.Entity] {
			continue
		}
		mended = append(mended, string(p.Entity))
		if c.writes[string(p.Entity)] == fresh {
			unwritten = append(unwritten, string(p.Entity))
		}
	}
	if err := closeIssues(c.tx, c.scope, byPlan, mended, c.Now); err != nil {
		return err
	}
	if err := closeIssues(c.tx, c.scope, byWrite, unwritten, c.Now); err != nil {
		return err
	}
	return openIssues(c.tx, opened)
}

// consume notes at the pending rows what the plan decided about them. A row that
// changed since it was read, or that must be looked at again, stays fresh.
func (c *chunk) consume() error {
	regards := map[pendingRow]regard{}
	marks := map[pendingRow]int64{}
	for _, p := range c.Pairs {
		if c.changes[string(p.Entity)].Pending {
			continue
		}
		r := max(c.writes[string(p.Entity)], settled)
		if p.Entity == "" {
			r = settled
		}
		for _, m := range p.Marks {
			row := pendingRow{c.scope.ID, string(m.Side), string(m.Kind), m.Item}
			regards[row], marks[row] = r, m.At
		}
	}
	return regardRows(c.tx, c.plan, regards, marks)
}
