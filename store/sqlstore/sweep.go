package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/schema"
	"lockstep.dev/store"
)

// sweeping is one sort of rows that nobody needs any more.
type sweeping struct {
	query string
	args  []any
}

// sweepings are all of them, each limited, in an order in which what refers to
// something goes before it.
func sweepings(now time.Time, limit int) []sweeping {
	day, month := micros(now.Add(-24*time.Hour)), micros(now.Add(-30*24*time.Hour))
	quarter, closed := micros(now.Add(-store.KeepConflicts)), micros(now.Add(-store.KeepIssues))
	past := micros(now.Add(-90 * 24 * time.Hour))
	const over = `(n.ready = 0 AND n.state IN ('dropped', 'shown') AND n.created < ? OR n.state IN ('dropped', 'done') AND n.created < ?)
		AND NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.plan = n.id)`
	return []sweeping{
		{`DELETE FROM operation WHERE (plan, number) IN (
			SELECT w.plan, w.number FROM plan n JOIN operation w ON w.plan = n.id WHERE ` + over + ` LIMIT ?)`, []any{day, month, limit}},
		{`DELETE FROM plan WHERE id IN (SELECT n.id FROM plan n WHERE ` + over + `
			AND ` + no(`SELECT 1 FROM operation w WHERE w.plan = n.id`) + ` LIMIT ?)`, []any{day, month, limit}},
		{`DELETE FROM round WHERE (mailbox, number, started) IN (
			SELECT r.mailbox, r.number, r.started FROM round r WHERE r.ended < ?
			AND ` + some(`SELECT 1 FROM round n WHERE n.mailbox = r.mailbox AND n.number > r.number`) + ` LIMIT ?)`, []any{month, limit}},
		{`DELETE FROM request WHERE id IN (SELECT q.id FROM request q WHERE q.outcome <> '' AND q.created < ? LIMIT ?)`, []any{month, limit}},
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
		{`DELETE FROM issue WHERE id IN (SELECT i.id FROM issue i WHERE i.state = 'resolved' AND i.closed_at < ? LIMIT ?)`, []any{closed, limit}},
		{`DELETE FROM notice_alert WHERE (notice, alert, event) IN (SELECT e.notice, e.alert, e.event FROM notice_alert e JOIN alert a ON a.id = e.alert
			WHERE a.state = 'over' AND a.over_at < ? LIMIT ?)`, []any{closed, limit}},
		{`DELETE FROM notice WHERE id IN (SELECT n.id FROM notice n WHERE n.created < ?
			AND ` + no(`SELECT 1 FROM notice_alert e WHERE e.notice = n.id`) + ` LIMIT ?)`, []any{closed, limit}},
		{`DELETE FROM alert WHERE id IN (SELECT a.id FROM alert a WHERE a.state = 'over' AND a.over_at < ?
			AND ` + no(`SELECT 1 FROM notice_alert e WHERE e.alert = a.id`) + ` LIMIT ?)`, []any{closed, limit}},
		{`DELETE FROM value_history WHERE (crm, entity, field, value) IN (
			SELECT v.crm, v.entity, v.field, v.value FROM value_history v WHERE v.at < ? LIMIT ?)`, []any{past, limit}},
		{`DELETE FROM value_history WHERE (crm, entity, field, value) IN (
			SELECT r.crm, r.entity, r.field, r.value FROM (SELECT v.crm, v.entity, v.field, v.value,
				ROW_NUMBER() OVER (PARTITION BY v.crm, v.entity, v.field ORDER BY v.at DESC, v.value) AS n FROM value_history v) r
			WHERE r.n > 32 LIMIT ?)`, []any{limit}},
		{`DELETE FROM verdict WHERE (connection, mailbox, kind, item) IN (
			SELECT v.connection, v.mailbox, v.kind, v.item FROM verdict v WHERE v.at < ? LIMIT ?)`, []any{past, limit}},
		{`DELETE FROM content WHERE key IN (
			SELECT content.key FROM content WHERE content.seen < ? AND ` + unreferenced() + ` LIMIT ?)`, []any{day, limit}},
	}
}

// Sweep deletes what nobody needs any more.
func (d *DB) Sweep(ctx context.Context, now time.Time, limit int) (int64, error) {
	var total int64
	for _, s := range sweepings(now, limit) {
		var n int64
		err := d.update(ctx, "sweep", func(tx *tx) (err error) {
			n, err = tx.count(s.query, s.args...)
			return err
		})
		total += n
		if err != nil {
			return total, err
		}
	}
	if total == 0 {
		return 0, d.truncate(ctx)
	}
	return total, nil
}

// truncate empties SQLite's log, in which what was deleted stands until it is
// written over (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint). A
// reader that is busy postpones it to the next sweep.
func (d *DB) truncate(ctx context.Context) error {
	if d.dialect.name != schema.SQLite {
		return nil
	}
	if err := d.write.enter(ctx); err != nil {
		return err
	}
	defer d.write.leave()
	_, err := d.write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return wrap("empty the database's log", err)
}
