package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

type markRow struct {
	Kind       string `db:"kind"`
	Item       string `db:"item"`
	Want       string `db:"want"`
	Code       string `db:"code"`
	State      string `db:"state"`
	Collection string `db:"collection"`
	Version    string `db:"version"`
}

// selectMarks puts what each item should carry beside what it carries. Items
// that are not there any more want nothing.
const selectMarks = `SELECT w.kind, w.item, w.want, w.code, w.state, COALESCE(o.collection, '') AS collection, COALESCE(o.version, '') AS version
	FROM (SELECT u.kind, u.item, MAX(u.want) AS want, MAX(u.code) AS code, MAX(u.state) AS state FROM (
			SELECT l.kind, l.mail_item AS item, MIN(i.code) AS want, '' AS code, '' AS state
			FROM issue i JOIN link l ON l.mailbox = i.mailbox AND l.entity = i.entity
			WHERE i.mailbox = ? AND i.is_open = 1 AND l.mail_item IS NOT NULL GROUP BY l.kind, l.mail_item
			UNION ALL SELECT k.kind, k.item, '', k.code, k.state FROM mark k WHERE k.mailbox = ?) u
		GROUP BY u.kind, u.item) w
	LEFT JOIN observation o ON o.connection = ? AND o.mailbox = ? AND o.kind = w.kind AND o.item = w.item AND o.absent = 0
	WHERE o.item IS NOT NULL OR w.code <> ''
	ORDER BY w.kind, w.item`

// Marks lists items whose mark is not as it should be.
func (d *DB) Marks(ctx context.Context, id model.MailboxID, all bool) ([]store.ItemMark, error) {
	var rows []markRow
	err := d.view(ctx, "list marks of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		return tx.list(&rows, selectMarks, s.ID, s.ID, s.Mail, s.ID)
	})
	var out []store.ItemMark
	for _, r := range rows {
		m := store.ItemMark{
			Ref:  model.Ref{Side: model.Mail, Kind: model.Kind(r.Kind), Collection: r.Collection, ID: r.Item, Version: r.Version},
			Want: r.Want, Code: r.Code, State: store.MarkState(r.State),
		}
		if r.Collection == "" {
			m.Want = "" // gone
		}
		if all || m.Due() {
			out = append(out, m)
		}
	}
	return out, err
}

// SaveMarks notes how items are marked.
func (d *DB) SaveMarks(ctx context.Context, id model.MailboxID, marks []store.ItemMark) error {
	kept, dropped := [][]any(nil), map[string][]string{}
	for _, m := range marks {
		if m.Code == "" {
			dropped[string(m.Ref.Kind)] = append(dropped[string(m.Ref.Kind)], m.Ref.ID)
			continue
		}
		kept = append(kept, []any{string(id), string(m.Ref.Kind), m.Ref.ID, m.Code, string(m.State)})
	}
	return d.update(ctx, "save marks of mailbox "+string(id), func(tx *tx) error {
		for _, kind := range sortedKeys(dropped) {
			if _, err := execIn(tx, `DELETE FROM mark WHERE mailbox = ? AND kind = ? AND item IN (?*)`, []any{string(id), kind}, dropped[kind]); err != nil {
				return err
			}
		}
		return tx.insert(`INSERT INTO mark (mailbox, kind, item, code, state)`, kept,
			`ON CONFLICT (mailbox, kind, item) DO UPDATE SET code = excluded.code, state = excluded.state`)
	})
}
