package sqlstore

import (
	"bytes"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// recent is how far back bodies are looked for that lost their last reference
// and were not swept yet: the sweep comes daily and takes what was not seen for
// a day.
const recent = 3 * 24 * time.Hour

// retraction takes out of the store what private items said (requirement B16).
type retraction struct {
	tx  *tx
	s   scope
	now time.Time

	marked   int64    // bodies that may have to go
	entities []string // as far as this mailbox is concerned
	records  []record // withdrawn for all mailboxes of the CRM
}

// record is a CRM record that is withdrawn as a whole.
type record struct {
	kind         model.Kind
	item, entity string
}

// retracting says for each table that holds what an item said how its rows of
// some entities give it up. A create whose answer is still to come is closed;
// a write that was planned cannot be carried out any more. Observations are not
// here: they are reduced when the item is read, the CRM's with its record. A
// test compares the tables with the schema.
func retracting() map[string]string {
	out := map[string]string{
		"link":      `UPDATE link SET recheck = recheck`,
		"intent":    `UPDATE intent SET outcome = CASE WHEN outcome IN ('', 'unknown') THEN 'retracted' ELSE outcome END`,
		"operation": `UPDATE operation SET state = CASE WHEN state IN ('planned', 'held', 'unknown') THEN 'retracted' ELSE state END`,
	}
	for _, r := range references() {
		if out[r.table] != "" {
			out[r.table] += `, ` + r.column + ` = NULL`
		}
	}
	out["conflict"], out["issue"] = `DELETE FROM conflict`, `DELETE FROM issue`
	return out
}

// add takes in what a plan retracts and what its writes withdraw.
func (r *retraction) add(retracts []model.EntityID, writes []plan.Write) {
	for _, e := range retracts {
		r.entities = append(r.entities, string(e))
	}
	for _, w := range writes {
		switch {
		case !w.Withdraws:
		case w.Op.Action == model.Delete:
			r.records = append(r.records, record{w.Kind, w.Op.Ref.ID, string(w.Entity)})
		default:
			r.entities = append(r.entities, string(w.Entity))
		}
	}
}

// run retracts. What other mailboxes linked to a withdrawn record stays with
// them as their own copy, which follows nothing any more.
func (r *retraction) run(stored *bodies) error {
	if len(r.entities)+len(r.records) == 0 {
		return nil
	}
	var withdrawn []string
	for _, w := range r.records {
		withdrawn = append(withdrawn, w.entity)
	}
	if err := r.clear(r.entities, false); err != nil {
		return err
	}
	if err := r.clear(withdrawn, true); err != nil {
		return err
	}
	if err := r.clearRecords(stored); err != nil {
		return err
	}
	if _, err := execIn(r.tx, `UPDATE link SET state = ?, reason = ? WHERE crm = ? AND mailbox <> ? AND state NOT IN (?, ?) AND entity IN (?*)`,
		[]any{string(plan.Kept), plan.ReasonCopyStays, r.s.CRM, r.s.ID, string(plan.Skipped), string(plan.Withdrawn)}, withdrawn); err != nil {
		return err
	}
	if r.marked == 0 {
		return nil
	}
	return emptyBodies(r.tx, r.now)
}

// clear has every table give up what this mailbox, or every mailbox of the CRM,
// holds of some entities. The bodies are marked: they may have to go.
func (r *retraction) clear(entities []string, all bool) error {
	if len(entities) == 0 {
		return nil
	}
	who := []any{r.s.CRM, r.s.ID, flag(all)}
	for _, table := range sortedKeys(retracting()) {
		rows := ` WHERE entity IN (?*) AND mailbox IN (SELECT m.id FROM mailbox m WHERE m.crm = ? AND (m.id = ? OR CAST(? AS BIGINT) = 1))`
		for _, c := range references() {
			if c.table != table {
				continue
			}
			n, err := execIn(r.tx, `UPDATE content SET seen = ? WHERE key IN (SELECT `+c.column+` FROM `+table+rows+` AND `+c.column+` IS NOT NULL)`,
				[]any{marked}, entities, who...)
			if err != nil {
				return err
			}
			r.marked += n
		}
		if _, err := execIn(r.tx, retracting()[table]+rows, nil, entities, who...); err != nil {
			return err
		}
	}
	return nil
}

// clearRecords empties what was observed of withdrawn records. They are still
// there in this version, so that nothing reads them again.
func (r *retraction) clearRecords(stored *bodies) error {
	if len(r.records) == 0 {
		return nil
	}
	nothing := stored.content(model.Content{})
	if err := stored.save(r.tx, map[string]bool{string(nothing): true}); err != nil {
		return err
	}
	items := map[string][]string{}
	for _, w := range r.records {
		items[string(w.kind)] = append(items[string(w.kind)], w.item)
	}
	for _, kind := range sortedKeys(items) {
		const rows = ` WHERE connection = ? AND mailbox = '' AND kind = ? AND item IN (?*)`
		for _, column := range []string{"content", "raw"} {
			n, err := execIn(r.tx, `UPDATE content SET seen = ? WHERE key <> ? AND key IN (SELECT `+column+` FROM observation`+rows+` AND `+column+` IS NOT NULL)`,
				[]any{marked, nothing, r.s.CRM, kind}, items[kind])
			if err != nil {
				return err
			}
			r.marked += n
		}
		if _, err := execIn(r.tx, `UPDATE observation SET content = CASE WHEN absent = 0 THEN `+r.tx.bytes()+` ELSE NULL END,
			raw = NULL, natural_key = NULL, title = NULL, trouble = ''`+rows,
			[]any{nothing, r.s.CRM, kind}, items[kind]); err != nil {
			return err
		}
	}
	return nil
}

// bytes is a parameter that is bytes, where the database cannot tell.
func (t *tx) bytes() string { return `CAST(? AS ` + t.dialect.blob + `)` }

// emptyBodies deletes the marked bodies that nothing else refers to, and those
// that lost their last reference lately: earlier versions of the same item.
func emptyBodies(tx *tx, now time.Time) error {
	if err := tx.exec(`DELETE FROM content WHERE (seen = ? OR seen >= ?) AND `+unreferenced(), marked, micros(now.Add(-recent))); err != nil {
		return err
	}
	return tx.exec(`UPDATE content SET seen = ? WHERE seen = ?`, micros(now), marked)
}

// replaced notes when bodies lost a reference, so that they are found until the
// sweep takes them; those of reduced items go at once.
func replaced(tx *tx, before map[string]observation, rows []observation, now int64) error {
	var keys, private [][]byte
	for _, n := range rows {
		o := before[n.Item]
		for _, k := range [][2][]byte{{o.Content, n.Content}, {o.Raw, n.Raw}} {
			switch {
			case k[0] == nil || bytes.Equal(k[0], k[1]):
			case n.Reduced:
				private = append(private, k[0])
			default:
				keys = append(keys, k[0])
			}
		}
	}
	if _, err := execIn(tx, `UPDATE content SET seen = ? WHERE seen < ? AND key IN (?*)`, []any{now, now - seenStep}, unique(append(keys, private...))); err != nil || len(private) == 0 {
		return err
	}
	return emptyBodies(tx, instant(now))
}

// withdrawn takes a withdrawal that was done into its link. The pair is looked
// at once more, at which time what came in between is retracted, too.
func (l *landing) withdrawn(r landed, link *linkRow) {
	l.again = append(l.again, link.Entity)
	link.CRMBase, link.MailBase, link.Recheck = nil, nil, 0
	if r.Planned.Op.Action != model.Delete {
		link.State, link.Reason = string(plan.Skipped), plan.ReasonPrivate
		return
	}
	link.State, link.Reason, link.CRMItem = string(plan.Withdrawn), plan.ReasonWithdrawn, nil
	link.Incarnation++
}

// retract gives up what is left of withdrawn items.
func (l *landing) retract(results []landed) error {
	r := retraction{tx: l.tx, s: l.scope, now: l.now}
	for _, v := range results {
		if v.done() {
			r.add(nil, []plan.Write{v.Planned.Write})
		}
	}
	return r.run(l.keys.bodies(l.now))
}
