package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// overtaken reports whether we wrote an item after this page was read, so that
// the page may be older than what we know. If it names another version, it may
// also be newer, which only reading once more can tell. The very revision that
// we wrote is taken: it may say what the receipt did not, such as who takes part;
// but not that of what we deleted.
func (p *page) overtaken(old, n observation) bool {
	if old.Applied < micros(p.in.ReadAt) {
		p.settled = append(p.settled, n.Item)
		return false
	}
	if n.Order != 0 || old.Order != 0 {
		return n.Order < old.Order || n.Order == old.Order && old.Absent != present
	}
	if n.Version == old.Version {
		return old.Absent != present
	}
	p.doubted = append(p.doubted, n.Item)
	return true
}

// doubt notes which items are to be fetched once more, and which need not be.
func (p *page) doubt() error {
	at := []any{string(p.in.Connection), string(p.in.Mailbox), string(p.kind)}
	for value, items := range map[int64][]string{0: p.settled, 1: p.doubted} {
		if _, err := execIn(p.tx, `UPDATE observation SET doubted = ? WHERE connection = ? AND mailbox = ? AND kind = ? AND doubted <> ? AND item IN (?*)`,
			append(append([]any{value}, at...), value), items); err != nil {
			return err
		}
	}
	return nil
}

// Doubted lists items that a page, read too soon after our own write, showed
// otherwise than we wrote them.
func (d *DB) Doubted(ctx context.Context, c model.ConnectionID, m model.MailboxID, before time.Time) ([]model.Ref, error) {
	var rows []struct {
		Kind       string `db:"kind"`
		Collection string `db:"collection"`
		Item       string `db:"item"`
	}
	err := d.view(ctx, "list doubted items", func(tx *tx) error {
		return tx.list(&rows, `SELECT kind, collection, item FROM observation WHERE connection = ? AND mailbox = ? AND doubted = 1
			AND absent = 0 AND applied < ? ORDER BY kind, collection, item`, string(c), string(m), micros(before))
	})
	side := model.Mail
	if m == "" {
		side = model.CRM
	}
	var out []model.Ref
	for _, r := range rows {
		out = append(out, model.Ref{Side: side, Kind: model.Kind(r.Kind), Collection: r.Collection, ID: r.Item})
	}
	return out, err
}
