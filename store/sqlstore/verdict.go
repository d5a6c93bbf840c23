package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Judge notes at writes of an open plan whether they are held, and the verdict
// they carry on.
func (d *DB) Judge(ctx context.Context, id model.MailboxID, planID string, list []store.Judged) error {
	return d.update(ctx, "hold writes of mailbox "+string(id), func(tx *tx) error {
		n, err := tx.count(`UPDATE plan SET state = state WHERE id = ? AND mailbox = ? AND state = ?`, planID, string(id), string(store.PlanOpen))
		if err := stale(n, err); err != nil {
			return err
		}
		var rows [][]any
		var waits []int
		for _, j := range list {
			state := planned
			if j.Held != "" {
				state = held
				waits = append(waits, j.Number)
			}
			rows = append(rows, []any{int64(j.Number), state, j.Held, string(j.Verdict)})
		}
		if err := tx.updateFrom(`UPDATE operation SET state = v.column2, held = v.column3, verdict = v.column4 FROM`,
			[]string{"BIGINT", "TEXT", "TEXT", "TEXT"}, rows, `WHERE operation.plan = ? AND operation.number = v.column1`, planID); err != nil {
			return err
		}
		return waitFor(tx, id, planID, waits)
	})
}

// waitFor keeps the pending rows behind held writes.
func waitFor(tx *tx, id model.MailboxID, planID string, numbers []int) error {
	rows, err := listIn[struct {
		Kind     string  `db:"kind"`
		CRMItem  *string `db:"crm_item"`
		MailItem *string `db:"mail_item"`
	}](tx, `SELECT l.kind, l.crm_item, l.mail_item FROM operation w JOIN link l ON l.mailbox = w.mailbox AND l.entity = w.entity
		WHERE w.plan = ? AND w.number IN (?*)`, []any{planID}, numbers)
	if err != nil {
		return err
	}
	items := map[[2]string][]string{} // by side and kind
	for _, r := range rows {
		for side, item := range map[model.Side]string{model.CRM: value(r.CRMItem), model.Mail: value(r.MailItem)} {
			if item != "" {
				key := [2]string{string(side), r.Kind}
				items[key] = append(items[key], item)
			}
		}
	}
	for key, list := range items {
		if _, err := execIn(tx, `UPDATE pending SET state = ? WHERE plan = ? AND state = ? AND mailbox = ? AND side = ? AND kind = ? AND item IN (?*)`,
			[]any{int64(waiting), planID, int64(written), string(id), key[0], key[1]}, list); err != nil {
			return err
		}
	}
	return nil
}

// Decide records a person's verdict on writes that wait.
func (d *DB) Decide(ctx context.Context, id model.MailboxID, v store.Decision) error {
	return d.update(ctx, "decide on plan of mailbox "+string(id), func(tx *tx) error {
		n, err := tx.count(`UPDATE mailbox SET approved = CAST(? AS TEXT), approved_by = ? WHERE id = ? AND plan = ?
			AND EXISTS (SELECT 1 FROM plan n WHERE n.id = mailbox.plan AND n.hash = CAST(? AS TEXT))`, v.Hash, v.By, string(id), v.Plan, v.Hash)
		if err := stale(n, err); err != nil {
			return err
		}
		const waits = `UPDATE operation SET verdict = ? WHERE plan = ? AND (state = 'held'
			OR state = 'planned' AND EXISTS (SELECT 1 FROM plan n WHERE n.id = operation.plan AND n.state = 'held'))`
		if v.Numbers == nil {
			return tx.exec(waits, string(v.Verdict), v.Plan)
		}
		_, err = execIn(tx, waits+` AND number IN (?*)`, []any{string(v.Verdict), v.Plan}, v.Numbers)
		return err
	})
}

// Waiting pages over writes that are held or decided on.
func (d *DB) Waiting(ctx context.Context, id model.MailboxID, after, limit int) ([]store.Planned, error) {
	return d.operations(ctx, `WHERE plan = (SELECT m.plan FROM mailbox m WHERE m.id = ?) AND (verdict <> '' OR state = 'held')
		AND number > ? ORDER BY number LIMIT ?`, string(id), after, limit)
}

// settleApproval forgets that a person decided once no write of a plan waits
// for being carried out as decided.
func settleApproval(tx *tx, id model.MailboxID, planID string) error {
	return tx.exec(`UPDATE mailbox SET approved = '', approved_by = '' WHERE id = ? AND approved <> ''
		AND `+no(`SELECT 1 FROM operation w WHERE w.plan = ? AND w.verdict <> '' AND w.state IN ('planned', 'unknown')`), string(id), planID)
}

// Echoes returns the keys that a linked item's base or a deleted item had.
func (d *DB) Echoes(ctx context.Context, id model.MailboxID, kind model.Kind, side model.Side, keys []string) ([]string, error) {
	var wanted [][]byte
	for _, k := range keys {
		key, err := byteKey(k)
		if err != nil {
			return nil, err
		}
		if key != nil {
			wanted = append(wanted, key)
		}
	}
	found := map[string]bool{}
	err := d.view(ctx, "look for echoes in mailbox "+string(id), func(tx *tx) error {
		base := string(side) + "_base"
		for _, query := range []string{
			`SELECT DISTINCT ` + base + ` FROM link WHERE mailbox = ? AND kind = ? AND state = 'linked' AND ` + base + ` IN (?*)`,
			`SELECT DISTINCT before FROM operation WHERE mailbox = ? AND kind = ? AND action = 'delete' AND state = 'done' AND before IN (?*)`,
		} {
			rows, err := listIn[[]byte](tx, query, []any{string(id), string(kind)}, unique(wanted))
			if err != nil {
				return err
			}
			for _, r := range rows {
				found[hexKey(r)] = true
			}
		}
		return nil
	})
	return sortedKeys(found), err
}
