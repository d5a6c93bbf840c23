package sqlstore

import (
	"context"

	"lockstep.dev/model"
)

// SetFilter notes what the collections are selected by.
func (d *DB) SetFilter(ctx context.Context, c model.ConnectionID, m model.MailboxID, filter string) error {
	return d.update(ctx, "note the filter of collections", func(tx *tx) error {
		const other = ` WHERE connection = ? AND mailbox = ? AND filter <> ?`
		if err := tx.exec(`UPDATE collection SET refiltered = 1, position = '', listing = 0`+other+` AND filter <> '' AND listings > 0`,
			string(c), string(m), filter); err != nil {
			return err
		}
		return tx.exec(`UPDATE collection SET filter = ?`+other, filter, string(c), string(m), filter)
	})
}
