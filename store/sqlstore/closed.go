package sqlstore

import (
	"context"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// NoteCollections implements store.Issuing. An issue of a collection is one that
// a refusal opened and that no entity has.
func (d *DB) NoteCollections(ctx context.Context, id model.MailboxID, in store.CollectionNews) error {
	const ofCollections = ` FROM issue WHERE mailbox = ? AND is_open = 1 AND by_plan = 0 AND entity = '' AND side = 'mail'`
	var open []struct {
		Kind string `db:"kind"`
		Item string `db:"item"`
		Code string `db:"code"`
	}
	what := "note closed collections of mailbox " + string(id)
	err := d.view(ctx, what, func(tx *tx) error {
		return tx.list(&open, `SELECT kind, item, code`+ofCollections, string(id))
	})
	if err != nil || len(open)+len(in.Closed) == 0 {
		return err
	}
	over := map[string][]string{} // items by kind and code
	for _, i := range open {
		if in.Over(model.Kind(i.Kind), i.Item, i.Code) {
			key := i.Kind + "\x1f" + i.Code
			over[key] = append(over[key], i.Item)
		}
	}
	if len(over)+len(in.Closed) == 0 {
		return nil
	}
	return d.update(ctx, what, func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows [][]any
		for _, c := range in.Closed {
			met := plan.Issue{Side: model.Mail, Kind: c.Kind, Item: c.ID, Code: c.Code, Message: c.Message}
			rows = append(rows, issueValues(s, byWrite, met, c.State, c.Evidence, in.Now))
		}
		for _, key := range sortedKeys(over) {
			kind, code, _ := strings.Cut(key, "\x1f")
			if _, err := execIn(tx, `UPDATE issue SET is_open = 0, state = 'resolved', closed_at = ? WHERE mailbox = ? AND side = 'mail' AND kind = ? AND code = ?
				AND is_open = 1 AND by_plan = 0 AND entity = '' AND item IN (?*)`, []any{micros(in.Now), string(id), kind, code}, over[key]); err != nil {
				return err
			}
		}
		return openIssues(tx, rows)
	})
}
