package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

type codeCount struct {
	Code  string `db:"code"`
	Count int    `db:"number"`
}

// Standing implements store.Counting.
func (d *DB) Standing(ctx context.Context) (store.Standing, error) {
	var out store.Standing
	err := d.view(ctx, "count how everything stands", func(tx *tx) error {
		var mailboxes []struct {
			Connection string `db:"connection"`
			State      string `db:"state"`
			Number     int    `db:"number"`
		}
		if err := tx.list(&mailboxes, `SELECT c.name AS connection, m.state, COUNT(*) AS number FROM mailbox m JOIN connection c ON c.id = m.mail
			GROUP BY c.name, m.state ORDER BY 1, 2`); err != nil {
			return err
		}
		for _, m := range mailboxes {
			out.Mailboxes = append(out.Mailboxes, store.MailboxCount{Connection: m.Connection, State: model.MailboxState(m.State), Number: m.Number})
		}
		var behind []struct {
			Connection string `db:"connection"`
			Success    int64  `db:"success"`
			Waiting    int64  `db:"waiting"`
		}
		if err := tx.list(&behind, `SELECT c.name AS connection, MIN(m.at) AS success, COALESCE(MIN(CASE WHEN m.waits THEN m.at END), 0) AS waiting
			FROM (SELECT b.mail, CASE WHEN b.last_success > 0 THEN b.last_success ELSE b.created END AS at,
				EXISTS (SELECT 1 FROM pending p WHERE p.mailbox = b.id AND p.state = 0) AS waits FROM mailbox b WHERE b.state = 'active') m
			JOIN connection c ON c.id = m.mail GROUP BY c.name ORDER BY 1`); err != nil {
			return err
		}
		for _, b := range behind {
			out.Behind = append(out.Behind, store.Behind{Connection: b.Connection, Success: instant(b.Success), Waiting: instant(b.Waiting)})
		}
		var err error
		if out.Issues, err = codes(tx, `SELECT code, COUNT(*) AS number FROM issue WHERE is_open = 1 GROUP BY code ORDER BY 1`); err != nil {
			return err
		}
		out.Alerts, err = codes(tx, `SELECT code, COUNT(*) AS number FROM alert WHERE state = 'open' GROUP BY code ORDER BY 1`)
		return err
	})
	return out, err
}

func codes(tx *tx, query string) ([]store.CodeCount, error) {
	var rows []codeCount
	err := tx.list(&rows, query)
	var out []store.CodeCount
	for _, r := range rows {
		out = append(out, store.CodeCount(r))
	}
	return out, err
}
