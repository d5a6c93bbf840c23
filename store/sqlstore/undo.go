package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// leftAlone is the state of an operation that is only listed.
const leftAlone = "left"

// SetUndo begins or ends an undo.
func (d *DB) SetUndo(ctx context.Context, id model.MailboxID, request string) error {
	return d.update(ctx, "set undo of mailbox "+string(id), func(tx *tx) error {
		return one(tx.count(`UPDATE mailbox SET undoing = ? WHERE id = ?`, request, string(id)))
	})
}

// endUndo ends the undo that a plan carried out, unless an outcome is unknown.
func endUndo(tx *tx, id model.MailboxID, planID string) error {
	return tx.exec(`UPDATE mailbox SET undoing = '' WHERE id = ? AND undoing <> ''
		AND undoing = (SELECT n.request FROM plan n WHERE n.id = ?)
		AND `+no(`SELECT 1 FROM operation w WHERE w.plan = ? AND w.state IN ('planned', 'unknown')`), string(id), planID, planID)
}

type deedRow struct {
	operationRow
	Action string `db:"action"`
	Item   string `db:"item"`
	Before []byte `db:"before"`
	Result []byte `db:"result"`
}

// Deeds pages over what a round wrote.
func (d *DB) Deeds(ctx context.Context, id model.MailboxID, round int64, after model.EntityID, limit int) ([]plan.Deed, error) {
	var out []plan.Deed
	err := d.view(ctx, fmt.Sprintf("read round %d of mailbox %s", round, id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		r := deedReader{tx: tx, scope: s}
		if err := r.load(round, after, limit); err != nil {
			return err
		}
		out = r.deeds
		return r.facts()
	})
	return out, err
}

// deedReader loads a page of deeds.
type deedReader struct {
	tx    *tx
	scope scope
	deeds []plan.Deed
}

func (r *deedReader) load(round int64, after model.EntityID, limit int) error {
	// Attempts that were interrupted have no row of their own: what they wrote
	// belongs to the round that went to the end.
	var before int64
	if err := r.tx.get(&before, `SELECT COALESCE((SELECT MAX(p.number) FROM round p WHERE p.mailbox = w.mailbox AND p.number < w.number), -1)
		FROM round w WHERE w.mailbox = ? AND w.number = ?
		AND EXISTS (SELECT 1 FROM plan n WHERE n.mailbox = w.mailbox AND n.round = w.number AND n.ready = 1) LIMIT 1`, r.scope.ID, round); err != nil {
		return err
	}
	const wrote = `SELECT w.number, w.entity, w.body, w.content, w.raw, w.other_key, w.state, w.held, w.verdict, w.action, w.item, w.before, w.result
		FROM plan n JOIN operation w ON w.plan = n.id
		WHERE n.mailbox = ? AND n.ready = 1 AND n.round > ? AND n.round <= ? AND n.state IN ('done', 'dropped')
		AND w.state IN ('done', 'planned', 'unknown') AND w.action <> 'stamp' AND w.entity > ? AND w.entity <= ?
		ORDER BY w.entity, n.id, w.number`
	var last *string
	if err := r.tx.get(&last, `SELECT MAX(e.entity) FROM (SELECT DISTINCT w.entity FROM plan n JOIN operation w ON w.plan = n.id
		WHERE n.mailbox = ? AND n.ready = 1 AND n.round > ? AND n.round <= ? AND n.state IN ('done', 'dropped')
		AND w.state IN ('done', 'planned', 'unknown') AND w.entity > ? ORDER BY w.entity LIMIT ?) e`,
		r.scope.ID, before, round, string(after), limit); err != nil || last == nil {
		return err
	}
	var rows []deedRow
	if err := r.tx.list(&rows, wrote, r.scope.ID, before, round, string(after), *last); err != nil {
		return err
	}
	return r.read(rows)
}

func (r *deedReader) read(rows []deedRow) error {
	var contents, raws [][]byte
	for _, w := range rows {
		contents, raws = append(contents, w.Content, w.Before), append(raws, w.Raw)
	}
	found, err := loadContents(r.tx, contents)
	if err != nil {
		return err
	}
	bytes, err := loadBodies(r.tx, raws)
	if err != nil {
		return err
	}
	for _, w := range rows {
		var body plan.Write
		if err := json.Unmarshal(w.Body, &body); err != nil {
			return fmt.Errorf("decode operation %d: %w", w.Number, err)
		}
		d := plan.Deed{
			Entity: body.Entity, Kind: body.Kind, Op: body.Op, Done: w.State == string(model.Done), Raw: bytes[string(w.Raw)],
			Before: plan.Base{Content: found[hexKey(w.Before)], Key: hexKey(w.Before)}, After: hexKey(w.Result),
		}
		d.Op.Ref.ID, d.Op.Content = w.Item, found[hexKey(w.Content)]
		r.deeds = append(r.deeds, d)
	}
	return nil
}

// facts adds what is known of the items now.
func (r *deedReader) facts() error {
	if len(r.deeds) == 0 {
		return nil
	}
	var entities []string
	for _, d := range r.deeds {
		entities = append(entities, string(d.Entity))
	}
	known, err := links(r.tx, r.scope, entities)
	if err != nil {
		return err
	}
	now, err := r.now(known)
	if err != nil {
		return err
	}
	next, open, err := r.keys(entities)
	if err != nil {
		return err
	}
	for i := range r.deeds {
		d := &r.deeds[i]
		side := d.Op.Ref.Side
		l := known[string(d.Entity)]
		linked := value(*l.item(side))
		d.Now = now[side][string(d.Kind)+d.Op.Ref.ID]
		d.Linked = linked != "" && linked == d.Op.Ref.ID
		d.Base, d.Incarnation, d.Other = hexKey(*l.base(side)), l.Incarnation, value(*l.item(side.Other())) != ""
		stands := now[side][string(d.Kind)+linked]
		d.Stands = linked != "" && !d.Linked && stands != nil && !stands.Gone
		place := string(side) + string(d.Entity)
		d.Next, d.Open = max(next[place], l.Incarnation+1), open[place]
	}
	return nil
}

// now reads the items of the deeds and of their links.
func (r *deedReader) now(known map[string]linkRow) (map[model.Side]map[string]*plan.Seen, error) {
	wanted := map[model.Side]map[string][]string{model.CRM: {}, model.Mail: {}}
	for _, d := range r.deeds {
		l := known[string(d.Entity)]
		side := d.Op.Ref.Side
		wanted[side][string(d.Kind)] = append(wanted[side][string(d.Kind)], d.Op.Ref.ID, value(*l.item(side)))
	}
	out := map[model.Side]map[string]*plan.Seen{model.CRM: {}, model.Mail: {}}
	for side, p := range r.scope.places() {
		for kind, items := range wanted[side] {
			rows, err := observations(r.tx, p, model.Kind(kind), items)
			if err != nil {
				return nil, err
			}
			var keys [][]byte
			for _, o := range rows {
				keys = append(keys, o.Content)
			}
			found, err := loadContents(r.tx, keys)
			if err != nil {
				return nil, err
			}
			for item, o := range rows {
				out[side][kind+item] = &plan.Seen{
					Ref: model.Ref{Side: side, Kind: model.Kind(kind), Collection: o.Collection, ID: o.Item, Version: o.Version, Order: o.Order},
					UID: o.UID, Key: hexKey(o.Content), Content: found[hexKey(o.Content)], Gone: o.Absent == gone, Left: o.Absent == left,
				}
			}
		}
	}
	return out, nil
}

// keys reads which incarnations of entities were used up, and which creates of
// an undo are under way, by side and entity.
func (r *deedReader) keys(entities []string) (next map[string]int, open map[string]model.Key, err error) {
	rows, err := listIn[struct {
		Side     string `db:"side"`
		Entity   string `db:"entity"`
		Key      string `db:"op_key"`
		Outcome  string `db:"outcome"`
		Restores bool   `db:"restores"`
		Scope    string `db:"scope"`
	}](r.tx, `SELECT side, entity, op_key, outcome, restores, scope FROM intent WHERE crm = ? AND (scope = '' OR scope = ?) AND entity IN (?*) ORDER BY op_key`,
		[]any{r.scope.CRM, r.scope.ID}, entities)
	next, open = map[string]int{}, map[string]model.Key{}
	for _, i := range rows {
		place := i.Side + i.Entity
		next[place] = max(next[place], incarnation(model.Key(i.Key))+1)
		if i.Restores && (i.Outcome == "" || i.Outcome == string(model.Unknown)) {
			open[place] = model.Key(i.Key)
		}
	}
	return next, open, err
}

// restored takes a write of an undo into its link: this side's base is what it
// holds now. A pair that has both sides again is in step again; one that has
// only one rests.
func (l *landing) restored(r landed, link *linkRow) {
	w := r.Planned
	if w.Op.Action == model.Delete {
		if value(*link.item(w.Side)) == r.item() {
			*link.item(w.Side), *link.base(w.Side) = nil, nil
		}
	} else {
		*link.item(w.Side), *link.base(w.Side) = text(r.item()), r.row.Content
	}
	if w.Op.Action == model.Create {
		link.Incarnation = max(link.Incarnation, incarnation(w.Op.Key))
	}
	link.Recheck = 0
	switch {
	case link.CRMItem != nil && link.MailItem != nil && link.CRMBase != nil && link.MailBase != nil:
		link.State, link.Reason, link.Synced = string(plan.Linked), "", micros(l.now)
	case link.State != string(plan.Kept):
		link.State, link.Reason = string(plan.Kept), plan.ReasonUndone
	}
}

// adoptedWrites notes at the creates of the plan that was interrupted that they
// arrived, so that its round can be undone.
func (l *landing) adoptedWrites(results []landed) error {
	var rows [][]any
	for _, r := range results {
		if r.done() {
			rows = append(rows, []any{string(r.Planned.Side), string(r.Planned.Entity), r.item(), null(r.row.Content)})
		}
	}
	return l.tx.updateFrom(`UPDATE operation SET state = 'done', item = v.column3, result = v.column4, done = `+fmt.Sprint(micros(l.now))+` FROM`,
		[]string{"TEXT", "TEXT", "TEXT", l.tx.dialect.blob}, rows, `WHERE operation.plan = (SELECT m.plan FROM mailbox m WHERE m.id = ?)
		AND operation.side = v.column1 AND operation.entity = v.column2 AND operation.action = 'create' AND operation.state IN ('planned', 'unknown')`, l.scope.ID)
}

// arrivals notes at the writes of the plan that was interrupted that they had
// arrived, where the pair turns out to be settled, so that its round can be
// undone.
func (c *chunk) arrivals() error {
	var interrupted []string
	if err := c.tx.list(&interrupted, `SELECT n.id FROM plan n JOIN mailbox m ON m.plan = n.id
		WHERE m.id = ? AND n.state = 'dropped' AND n.ready = 1`, c.scope.ID); err != nil || len(interrupted) == 0 {
		return err
	}
	written, removed := map[model.Side][]string{}, map[model.Side][]string{}
	for _, v := range c.Plan.Changes {
		gone := v.State == plan.Tombstone
		for side, is := range map[model.Side][2]bool{
			model.CRM: {v.CRMKey != nil, v.DropCRM || gone}, model.Mail: {v.MailKey != nil, v.DropMail || gone},
		} {
			if is[0] {
				written[side] = append(written[side], string(v.Entity))
			}
			if is[1] {
				removed[side] = append(removed[side], string(v.Entity))
			}
		}
	}
	for side, p := range c.scope.places() {
		const open = ` WHERE plan = ? AND side = ? AND state IN ('planned', 'unknown') AND action = ? AND entity IN (?*)`
		const now = `(SELECT o.content FROM observation o WHERE o.connection = ? AND o.mailbox = ? AND o.kind = operation.kind AND o.item = operation.item
			AND o.absent = 0 AND o.version <> operation.expect)`
		at := []any{string(p.connection), string(p.mailbox)}
		if _, err := execIn(c.tx, `UPDATE operation SET state = 'done', done = ?, result = `+now+open+` AND `+now+` IS NOT NULL`,
			append(append([]any{micros(c.Now)}, at...), interrupted[0], string(side), string(model.Update)), written[side], at...); err != nil {
			return err
		}
		if _, err := execIn(c.tx, `UPDATE operation SET state = 'done', done = ?`+open,
			[]any{micros(c.Now), interrupted[0], string(side), string(model.Delete)}, removed[side]); err != nil {
			return err
		}
	}
	return nil
}
