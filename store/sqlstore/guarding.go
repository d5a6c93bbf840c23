package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// lost reads items of a connection that are gone, linked still and undecided.
// Its parameters are the connection and the time before which absences are our
// own making.
func lost(side model.Side) string {
	item := string(side) + "_item"
	where := `l.crm = o.connection`
	moved := ``
	if side == model.Mail {
		// Only the lead's deletion reaches the CRM, and a moved item is not gone.
		where = `l.mailbox = o.mailbox AND EXISTS (SELECT 1 FROM access a
			WHERE a.connection = l.crm AND a.kind = l.kind AND a.item = l.crm_item AND a.crm_user = m.crm_user AND a.role = 'owner')`
		moved = ` AND ` + no(`SELECT 1 FROM observation x WHERE x.uid = o.uid AND x.uid <> '' AND x.connection = o.connection
			AND x.mailbox = o.mailbox AND x.kind = o.kind AND x.absent = 0`)
	}
	return ` FROM observation o WHERE o.connection = ? AND o.absent = 1 AND o.absent_since > ?
		AND ` + some(linking(item, string(side)+"_doubt", where)) + moved + `
		AND ` + no(`SELECT 1 FROM verdict v WHERE v.connection = o.connection AND v.mailbox = o.mailbox AND v.kind = o.kind
			AND v.item = o.item AND v.absent_since = o.absent_since`)
}

// linking finds the links of active mailboxes that hold an absent item. What a
// restore may have taken is brought back, not deleted.
func linking(item, doubt, where string) string {
	return `SELECT l.entity FROM link l JOIN mailbox m ON m.id = l.mailbox AND m.state = 'active'
		WHERE l.` + item + ` = o.item AND l.kind = o.kind AND l.state = 'linked' AND l.` + doubt + ` IN (0, 2) AND ` + where
}

// entityOf finds what an absent item stands for.
func entityOf(side model.Side) string {
	if side == model.CRM {
		return `(SELECT MIN(l.entity) FROM link l WHERE l.crm_item = o.item AND l.kind = o.kind AND l.crm = o.connection)`
	}
	return `(SELECT MIN(l.entity) FROM link l WHERE l.mail_item = o.item AND l.kind = o.kind AND l.mailbox = o.mailbox)`
}

// Losses counts what the connection's brake looks at.
func (d *DB) Losses(ctx context.Context, c model.Connection, since time.Time) (plan.Losses, error) {
	var out plan.Losses
	err := d.view(ctx, "count losses of connection "+string(c.ID), func(tx *tx) error {
		things := map[string]bool{}
		for _, q := range []struct {
			query string
			args  []any
		}{
			{`SELECT ` + entityOf(c.Side) + lost(c.Side), []any{string(c.ID), proven}},
			{`SELECT DISTINCT w.entity FROM operation w JOIN mailbox m ON m.id = w.mailbox JOIN plan n ON n.id = w.plan
				WHERE w.action = 'delete' AND w.state = 'done' AND w.done >= ? AND w.side = ? AND w.verdict = '' AND n.request = ''
				AND m.` + string(c.Side) + ` = ?`, []any{micros(since), string(c.Side.Other()), string(c.ID)}},
		} {
			var entities []string
			if err := tx.list(&entities, q.query+` LIMIT ?`, append(q.args, int64(plan.MostWide+1))...); err != nil {
				return err
			}
			for _, e := range entities {
				things[e] = true
			}
		}
		out.Gone = min(len(things), plan.MostWide+1)
		if out.Gone <= plan.LeastWide || out.Gone > plan.MostWide {
			return nil
		}
		const enough = plan.MostWide * 100 / plan.WideShare
		linked := `SELECT DISTINCT l.entity FROM link l WHERE l.crm = ? AND l.state = 'linked' LIMIT ?`
		if c.Side == model.Mail {
			linked = `SELECT l.entity FROM mailbox m JOIN link l ON l.mailbox = m.id WHERE m.mail = ? AND l.state = 'linked' LIMIT ?`
		}
		return tx.get(&out.Linked, `SELECT COUNT(*) FROM (`+linked+`) n`, string(c.ID), int64(enough))
	})
	return out, err
}

// Lost pages over what is gone and undecided.
func (d *DB) Lost(ctx context.Context, c model.Connection, after store.Lost, limit int) ([]store.Lost, error) {
	holder := `l.crm_item = o.item AND l.kind = o.kind AND l.crm = o.connection`
	base := "crm_base"
	if c.Side == model.Mail {
		holder, base = `l.mail_item = o.item AND l.kind = o.kind AND l.mailbox = o.mailbox`, "mail_base"
	}
	var rows []struct {
		Mailbox string `db:"mailbox"`
		Kind    string `db:"kind"`
		Item    string `db:"item"`
		Since   int64  `db:"absent_since"`
		Entity  string `db:"entity"`
		Count   int    `db:"n"`
		Base    []byte `db:"base"`
		Reduced bool   `db:"reduced"`
	}
	var out []store.Lost
	err := d.view(ctx, "list losses of connection "+string(c.ID), func(tx *tx) error {
		err := tx.list(&rows, `SELECT o.mailbox, o.kind, o.item, o.absent_since, o.reduced, `+entityOf(c.Side)+` AS entity,
				(SELECT COUNT(*) FROM link l JOIN mailbox m ON m.id = l.mailbox AND m.state = 'active' WHERE `+holder+`) AS n,
				(SELECT l.`+base+` FROM link l WHERE `+holder+` AND l.`+base+` IS NOT NULL ORDER BY l.mailbox LIMIT 1) AS base`+
			lost(c.Side)+` AND (o.mailbox, o.kind, o.item) > (?, ?, ?) ORDER BY o.mailbox, o.kind, o.item LIMIT ?`,
			string(c.ID), proven, string(after.Mailbox), string(after.Kind), after.Item, int64(limit))
		if err != nil {
			return err
		}
		var keys [][]byte
		for _, r := range rows {
			keys = append(keys, r.Base)
		}
		found, err := loadContents(tx, keys)
		if err != nil {
			return err
		}
		for _, r := range rows {
			v := store.Lost{Mailbox: model.MailboxID(r.Mailbox), Kind: model.Kind(r.Kind), Item: r.Item, Since: r.Since, Entity: model.EntityID(r.Entity), Mailboxes: r.Count}
			said := found[hexKey(r.Base)]
			if v.Private = r.Reduced || model.Private(said); !v.Private {
				v.Title = title(said)
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// Rule records a person's word on absences.
func (d *DB) Rule(ctx context.Context, c model.Connection, r store.Ruling, now time.Time) ([]model.MailboxID, error) {
	var rows [][]any
	items := map[string][]string{}
	for _, v := range r.Items {
		rows = append(rows, []any{string(c.ID), string(v.Mailbox), string(v.Kind), v.Item, v.Since, string(r.Verdict), r.By, micros(now)})
		items[string(v.Kind)] = append(items[string(v.Kind)], v.Item)
	}
	woken := map[string]bool{}
	err := d.update(ctx, "rule on connection "+string(c.ID), func(tx *tx) error {
		if err := tx.insert(`INSERT INTO verdict (connection, mailbox, kind, item, absent_since, verdict, by_whom, at)`, rows,
			`ON CONFLICT (connection, mailbox, kind, item) DO UPDATE SET absent_since = excluded.absent_since, verdict = excluded.verdict,
			by_whom = excluded.by_whom, at = excluded.at`); err != nil {
			return err
		}
		entry := store.LogEntry{What: store.LogRuled, Subject: store.LogConnection, Name: string(c.ID), Why: r.Why(), After: string(r.Verdict)}
		if err := tx.note(entry); err != nil {
			return err
		}
		side := string(c.Side)
		for _, kind := range sortedKeys(items) {
			mailboxes, err := listIn[string](tx, `UPDATE pending SET state = 0, plan = '' WHERE state = ? AND (mailbox, side, kind, item) IN (
				SELECT l.mailbox, CAST(? AS TEXT), l.kind, l.`+side+`_item FROM link l JOIN mailbox m ON m.id = l.mailbox
				WHERE m.`+side+` = ? AND l.kind = ? AND l.`+side+`_item IN (?*)) RETURNING mailbox`,
				[]any{int64(waiting), side, string(c.ID), kind}, items[kind])
			if err != nil {
				return err
			}
			for _, m := range mailboxes {
				woken[m] = true
			}
		}
		return relieve(tx, c, now)
	})
	var out []model.MailboxID
	for _, m := range sortedKeys(woken) {
		out = append(out, model.MailboxID(m))
	}
	return out, err
}

// Ruled returns the absent items on which a person decided.
func (d *DB) Ruled(ctx context.Context, c model.ConnectionID, m model.MailboxID, refs []model.Ref) ([]store.Ruled, error) {
	items := map[string][]string{}
	for _, r := range refs {
		items[string(r.Kind)] = append(items[string(r.Kind)], r.ID)
	}
	var out []store.Ruled
	err := d.view(ctx, "read verdicts of connection "+string(c), func(tx *tx) error {
		for _, kind := range sortedKeys(items) {
			rows, err := listIn[struct {
				Item    string `db:"item"`
				Verdict string `db:"verdict"`
			}](tx, `SELECT v.item, v.verdict FROM verdict v JOIN observation o ON o.connection = v.connection AND o.mailbox = v.mailbox
				AND o.kind = v.kind AND o.item = v.item AND o.absent = 1 AND o.absent_since = v.absent_since
				WHERE v.connection = ? AND v.mailbox = ? AND v.kind = ? AND v.item IN (?*) ORDER BY v.item`, []any{string(c), string(m), kind}, items[kind])
			if err != nil {
				return err
			}
			for _, r := range rows {
				out = append(out, store.Ruled{Kind: model.Kind(kind), Item: r.Item, Verdict: plan.Verdict(r.Verdict)})
			}
		}
		return nil
	})
	return out, err
}

// Relieve ends the alert of the connection's brake if nothing is undecided.
func (d *DB) Relieve(ctx context.Context, c model.Connection, now time.Time) error {
	return d.update(ctx, "relieve connection "+string(c.ID), func(tx *tx) error { return relieve(tx, c, now) })
}

func relieve(tx *tx, c model.Connection, now time.Time) error {
	return tx.exec(`UPDATE alert SET state = 'over', over_at = ? WHERE mailbox = '' AND connection = ? AND code = ? AND state = 'open'
		AND `+no(`SELECT 1`+lost(c.Side)), micros(now), string(c.ID), store.WideBrake, string(c.ID), proven)
}
