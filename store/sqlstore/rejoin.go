package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Resting pages over pairs that a person can have rejoined.
func (d *DB) Resting(ctx context.Context, id model.MailboxID, after model.EntityID, limit int) ([]store.Pair, error) {
	var out []store.Pair
	err := d.view(ctx, "list kept pairs of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		r := pairReader{tx: tx, scope: s}
		r.rows, err = listIn[pendingPair](tx, `SELECT CASE WHEN l.crm_item IS NULL THEN 'mail' ELSE 'crm' END AS side, l.kind,
				COALESCE(l.crm_item, l.mail_item, '') AS item, 0 AS mark, l.entity FROM link l
			WHERE l.mailbox = ? AND l.entity > ? AND l.state = 'kept' AND l.reason IN (?*) ORDER BY l.entity LIMIT ?`,
			[]any{s.ID, string(after)}, plan.Rejoinable(), limit)
		if err != nil || len(r.rows) == 0 {
			return err
		}
		if err := r.load(); err != nil {
			return err
		}
		out = r.pairs
		return r.contents(func(store.Pair) bool { return true })
	})
	return out, err
}

// Rejoin lets pairs be synced again as if they were new.
func (d *DB) Rejoin(ctx context.Context, id model.MailboxID, entities []model.EntityID) (int, error) {
	n := 0
	err := d.update(ctx, "rejoin pairs of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		names := make([]string, len(entities))
		for i, e := range entities {
			names[i] = string(e)
		}
		all, err := links(tx, s, names)
		if err != nil {
			return err
		}
		resting := map[string]linkRow{}
		for e, l := range all {
			if l.State == string(plan.Kept) && rejoinable(l.Reason) {
				resting[e] = l
			}
		}
		n = len(resting)
		if err := forgetGone(tx, s, sortedKeys(resting)); err != nil {
			return err
		}
		if _, err := execIn(tx, `UPDATE link SET state = '', reason = '', recheck = 0, incarnation = incarnation + 1, crm_base = NULL, mail_base = NULL,
			crm_doubt = 0, mail_doubt = 0 WHERE mailbox = ? AND entity IN (?*)`, []any{s.ID}, sortedKeys(resting)); err != nil {
			return err
		}
		if resting, err = links(tx, s, sortedKeys(resting)); err != nil {
			return err
		}
		var rows []pendingRow
		for _, e := range sortedKeys(resting) {
			rows = append(rows, (&landing{scope: s, links: resting}).rowsOf(e)...)
		}
		return pend(tx, rows)
	})
	return n, err
}

func rejoinable(reason string) bool {
	for _, r := range plan.Rejoinable() {
		if r == reason {
			return true
		}
	}
	return false
}

// forgetGone takes items out of links that are not there any more.
func forgetGone(tx *tx, s scope, entities []string) error {
	for side, p := range s.places() {
		item := string(side) + "_item"
		if _, err := execIn(tx, `UPDATE link SET `+item+` = NULL WHERE mailbox = ? AND `+no(`SELECT 1 FROM observation o
			WHERE o.connection = ? AND o.mailbox = ? AND o.kind = link.kind AND o.item = link.`+item+` AND o.absent <> 1`)+` AND entity IN (?*)`,
			[]any{s.ID, string(p.connection), string(p.mailbox)}, entities); err != nil {
			return err
		}
	}
	return nil
}
