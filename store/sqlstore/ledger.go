package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Invitations lists writes that could have sent mail to attendees.
func (d *DB) Invitations(ctx context.Context, id model.MailboxID, limit int) ([]store.Invitation, error) {
	var out []store.Invitation
	err := d.view(ctx, "list invitations of mailbox "+string(id), func(tx *tx) error {
		var rows []struct {
			Body  []byte `db:"body"`
			Done  int64  `db:"done"`
			Round int64  `db:"round"`
		}
		if err := tx.list(&rows, `SELECT w.body, w.done, n.round FROM operation w JOIN plan n ON n.id = w.plan
			WHERE w.mailbox = ? AND w.audience > 0 AND w.state = 'done' ORDER BY w.done DESC, w.number DESC LIMIT ?`, string(id), limit); err != nil {
			return err
		}
		for _, r := range rows {
			var w plan.Write
			if err := json.Unmarshal(r.Body, &w); err != nil {
				return fmt.Errorf("decode operation: %w", err)
			}
			v := store.Invitation{At: instant(r.Done), Round: r.Round, Action: w.Op.Action, Entity: w.Entity, Item: w.Op.Ref.ID, Notify: w.Op.Notify}
			if w.Audience != nil {
				v.Recipients, v.Why = w.Audience.Recipients, w.Audience.Why
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// audience is how many people a write could send mail to.
func audience(w plan.Write) int64 {
	if w.Audience == nil {
		return 0
	}
	return int64(w.Audience.Recipients)
}
