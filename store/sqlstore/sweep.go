package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/store"
)

// Sweep deletes what nobody needs any more, at most limit rows of each sort,
// and returns how many it deleted: bodies that nothing refers to and that were
// not seen for a day, edit conflicts, issues and alerts that ended a quarter
// ago, plans that were only looked at or replaced a day ago, or carried out a
// month ago, items that are gone on a side and linked nowhere, and values of the
// past that are older than 90 days or not among the latest 32 of their field.
func (d *DB) Sweep(ctx context.Context, now time.Time, limit int) (int64, error) {
	var total int64
	quarter, over := micros(now.Add(-store.KeepConflicts)), micros(now.Add(-store.KeepIssues))
	day, month := micros(now.Add(-24*time.Hour)), micros(now.Add(-30*24*time.Hour))
	past := micros(now.Add(-90 * 24 * time.Hour))
	ids := `SELECT id FROM plan WHERE (ready = 0 AND state IN ('dropped', 'shown') AND created < ? OR state IN ('dropped', 'done') AND created < ?)
		AND NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.plan = plan.id) ORDER BY id LIMIT ?`
	for _, s := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM operation WHERE plan IN (` + ids + `)`, []any{day, month, limit}},
		{`DELETE FROM plan WHERE id IN (` + ids + `) AND NOT EXISTS (SELECT 1 FROM operation w WHERE w.plan = plan.id)`, []any{day, month, limit}},
		{`DELETE FROM observation WHERE (connection, mailbox, kind, item) IN (
			SELECT o.connection, o.mailbox, o.kind, o.item FROM observation o WHERE o.absent = 1 AND o.applied < ?
			AND ` + no(`SELECT 1 FROM link l WHERE o.mailbox = '' AND l.crm = o.connection AND l.entity = o.entity AND l.crm_item = o.item`) + `
			AND ` + no(`SELECT 1 FROM link l WHERE o.mailbox <> '' AND l.mailbox = o.mailbox AND l.kind = o.kind AND l.mail_item = o.item`) + `
			LIMIT ?)`, []any{day, limit}},
		{`DELETE FROM access WHERE (connection, kind, item, crm_user) IN (
			SELECT a.connection, a.kind, a.item, a.crm_user FROM access a
			WHERE ` + no(`SELECT 1 FROM observation o WHERE o.connection = a.connection AND o.mailbox = '' AND o.kind = a.kind AND o.item = a.item`) + `
			LIMIT ?)`, []any{limit}},
		{`DELETE FROM conflict WHERE id IN (SELECT c.id FROM conflict c WHERE c.resolution <> '' AND c.resolved < ? ORDER BY c.id LIMIT ?)`, []any{quarter, limit}},
		{`DELETE FROM issue WHERE id IN (SELECT i.id FROM issue i WHERE i.state = 'resolved' AND i.closed_at < ? LIMIT ?)`, []any{over, limit}},
		{`DELETE FROM alert WHERE id IN (SELECT a.id FROM alert a WHERE a.state = 'over' AND a.over_at < ? LIMIT ?)`, []any{over, limit}},
		{`DELETE FROM value_history WHERE (crm, entity, field, value) IN (
			SELECT v.crm, v.entity, v.field, v.value FROM value_history v WHERE v.at < ? LIMIT ?)`, []any{past, limit}},
		{`DELETE FROM value_history WHERE (crm, entity, field, value) IN (
			SELECT r.crm, r.entity, r.field, r.value FROM (SELECT v.crm, v.entity, v.field, v.value,
				ROW_NUMBER() OVER (PARTITION BY v.crm, v.entity, v.field ORDER BY v.at DESC, v.value) AS n FROM value_history v) r
			WHERE r.n > 32 LIMIT ?)`, []any{limit}},
		{`DELETE FROM content WHERE key IN (
			SELECT content.key FROM content WHERE content.seen < ? AND ` + unreferenced() + ` LIMIT ?)`, []any{day, limit}},
	} {
		err := d.update(ctx, "sweep", func(tx *tx) error {
			n, err := tx.count(s.query, s.args...)
			total += n
			return err
		})
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
