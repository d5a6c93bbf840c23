package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// counts is the condition that an operation is an update of a round that counts.
const counts = `w.mailbox = ? AND w.action = 'update' AND w.state = 'done' AND w.forgiven = 0`

// Bounces returns the updates of those entities that had at least so many.
func (d *DB) Bounces(ctx context.Context, id model.MailboxID, entities []model.EntityID, least int) ([]plan.Bounce, error) {
	names := make([]string, len(entities))
	for i, e := range entities {
		names[i] = string(e)
	}
	var out []plan.Bounce
	err := d.view(ctx, "read updates of mailbox "+string(id), func(tx *tx) error {
		often, err := listIn[string](tx, `SELECT w.entity FROM operation w WHERE `+counts+` AND w.entity IN (?*) GROUP BY w.entity HAVING COUNT(*) >= ?`,
			[]any{string(id)}, names, least)
		if err != nil || len(often) == 0 {
			return err
		}
		rows, err := listIn[struct {
			Side    string `db:"side"`
			Round   int64  `db:"round"`
			Body    []byte `db:"body"`
			Content []byte `db:"content"`
		}](tx, `SELECT w.side, n.round, w.body, w.content FROM operation w JOIN plan n ON n.id = w.plan AND n.request = ''
			WHERE `+counts+` AND w.entity IN (?*) ORDER BY w.entity, w.done DESC, w.number DESC`, []any{string(id)}, often)
		if err != nil {
			return err
		}
		var keys [][]byte
		for _, r := range rows {
			keys = append(keys, r.Content)
		}
		found, err := loadContents(tx, keys)
		if err != nil {
			return err
		}
		for _, r := range rows {
			var w plan.Write
			if err := json.Unmarshal(r.Body, &w); err != nil {
				return fmt.Errorf("decode operation: %w", err)
			}
			out = append(out, plan.Bounce{
				Entity: w.Entity, Side: model.Side(r.Side), Round: r.Round, Changed: w.Op.Changed, Content: found[hexKey(r.Content)],
			})
		}
		return nil
	})
	return out, err
}
