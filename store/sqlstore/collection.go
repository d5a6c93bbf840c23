package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

type collectionRow struct {
	Kind         string `db:"kind"`
	ID           string `db:"id"`
	Name         string `db:"name"`
	ReadOnly     bool   `db:"read_only"`
	Primary      bool   `db:"is_primary"`
	Position     string `db:"position"`
	Listing      int64  `db:"listing"`
	Listings     int64  `db:"listings"`
	ListingBegun int64  `db:"listing_begun"`
	Complete     bool   `db:"complete"`
	Missing      bool   `db:"missing"`
	Seen         int64  `db:"seen"`
	Privacy      string `db:"privacy"`
	Filter       string `db:"filter"`
	Refiltered   bool   `db:"refiltered"`
	High         int64  `db:"high"`
	Epoch        string `db:"epoch"`
	Marked       int64  `db:"marked"`
	Restored     int64  `db:"restored"`
	Intact       int64  `db:"intact"`
}

const selectCollection = `SELECT kind, id, name, read_only, is_primary, position, listing, listings, listing_begun, complete, missing, seen, privacy, filter, refiltered,
	high, epoch, marked, restored, intact
	FROM collection WHERE connection = ? AND mailbox = ? `

func (r collectionRow) collection() store.Collection {
	return store.Collection{
		Collection: model.Collection{ID: r.ID, Kind: model.Kind(r.Kind), Name: r.Name, ReadOnly: r.ReadOnly, Primary: r.Primary},
		Cursor:     model.Cursor(r.Position), Listing: r.Listing != 0, Complete: r.Complete, Missing: r.Missing, SeenAt: instant(r.Seen), Privacy: r.Privacy, Filter: r.Filter,
		Mark: store.HighWater{High: r.High, Epoch: r.Epoch}, Restored: r.Restored != 0,
	}
}

// Collections lists the collections of a mailbox (or of the CRM) by kind and id.
func (d *DB) Collections(ctx context.Context, c model.ConnectionID, m model.MailboxID) ([]store.Collection, error) {
	var rows []collectionRow
	err := d.view(ctx, "list collections", func(tx *tx) error {
		return tx.list(&rows, selectCollection+`ORDER BY kind, id`, string(c), string(m))
	})
	var out []store.Collection
	for _, r := range rows {
		out = append(out, r.collection())
	}
	return out, err
}

// SaveCollections adds and updates what was discovered.
func (d *DB) SaveCollections(ctx context.Context, c model.ConnectionID, m model.MailboxID, found []model.Collection, now time.Time) error {
	var rows [][]any
	for _, f := range found {
		rows = append(rows, []any{string(c), string(m), string(f.Kind), f.ID, f.Name, flag(f.ReadOnly), flag(f.Primary), micros(now)})
	}
	return d.update(ctx, "save collections", func(tx *tx) error {
		if err := tx.exec(`UPDATE collection SET missing = 1 WHERE connection = ? AND mailbox = ?`, string(c), string(m)); err != nil {
			return err
		}
		return tx.insert(`INSERT INTO collection (connection, mailbox, kind, id, name, read_only, is_primary, seen)`, rows,
			`ON CONFLICT (connection, mailbox, kind, id) DO UPDATE SET name = excluded.name, read_only = excluded.read_only,
			is_primary = excluded.is_primary, seen = excluded.seen, missing = 0`)
	})
}

// ResetCursors makes collections list in full next time; none named means all.
func (d *DB) ResetCursors(ctx context.Context, c model.ConnectionID, m model.MailboxID, only ...model.Collection) error {
	return d.update(ctx, "reset cursors", func(tx *tx) error {
		const reset = `UPDATE collection SET position = '', listing = 0 WHERE connection = ? AND mailbox = ?`
		if len(only) == 0 {
			return tx.exec(reset, string(c), string(m))
		}
		for kind, ids := range idsByKind(only) {
			if _, err := execIn(tx, reset+` AND kind = ? AND id IN (?*)`, []any{string(c), string(m), string(kind)}, ids); err != nil {
				return err
			}
		}
		return nil
	})
}

// idsByKind groups collections.
func idsByKind(list []model.Collection) map[model.Kind][]string {
	out := map[model.Kind][]string{}
	for _, c := range list {
		out[c.Kind] = append(out[c.Kind], c.ID)
	}
	return out
}

// SetPrivacy notes what the mailbox's policy does with private items.
func (d *DB) SetPrivacy(ctx context.Context, id model.MailboxID, private string) (bool, error) {
	crm := false
	err := d.update(ctx, "note the privacy of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var read int
		const other = ` WHERE connection = ? AND mailbox = ? AND kind IN ('event', 'task') AND privacy <> ?`
		if err := tx.get(&read, `SELECT COUNT(*) FROM collection`+other+` AND listings > 0`, s.Mail, s.ID, private); err != nil {
			return err
		}
		if err := tx.exec(`UPDATE collection SET privacy = ?, position = '', listing = 0`+other, private, s.Mail, s.ID, private); err != nil {
			return err
		}
		// Of the CRM's records, what a mailbox that is new here can change is
		// only that more may be held of those that were reduced.
		n, err := tx.count(`UPDATE observation SET version = '' WHERE connection = ? AND mailbox = '' AND kind IN ('event', 'task')
			AND (reduced = 1 OR CAST(? AS BIGINT) = 1) AND version <> '' AND EXISTS (SELECT 1 FROM access a
				WHERE a.connection = observation.connection AND a.kind = observation.kind AND a.item = observation.item AND a.crm_user = ?)`,
			s.CRM, flag(read > 0), s.User)
		if crm = n > 0; err != nil || !crm {
			return err
		}
		return tx.exec(`UPDATE collection SET position = '', listing = 0 WHERE connection = ? AND mailbox = '' AND kind IN ('event', 'task')`, s.CRM)
	})
	return crm, err
}

// FinishFetch ends a mailbox's fetch.
func (d *DB) FinishFetch(ctx context.Context, id model.MailboxID, begun, now, next time.Time) (int64, error) {
	var row struct {
		Round  int64 `db:"round"`
		Failed bool  `db:"failed"`
	}
	err := d.update(ctx, "finish fetch of mailbox "+string(id), func(tx *tx) error {
		if err := tx.exec(`UPDATE intent SET looked = looked + 1 WHERE mailbox = ? AND outcome IN ('', 'unknown') AND side = 'mail' AND shows <= ?`,
			string(id), micros(begun)); err != nil {
			return err
		}
		err := tx.get(&row, `UPDATE mailbox SET round = round + 1, last_success = ?, next_at = ?, fetch_begun = ? WHERE id = ?
			RETURNING round, EXISTS (SELECT 1 FROM alert a WHERE a.mailbox = mailbox.id AND a.state = 'retrying') AS failed`,
			micros(now), micros(next), micros(begun), string(id))
		if err != nil || !row.Failed {
			return err
		}
		return tx.worked(id, model.Mail, store.PhaseFetch)
	})
	return row.Round, err
}

// FinishPass ends a feed pass. One that began before another that has ended
// proves nothing new and does not count.
func (d *DB) FinishPass(ctx context.Context, c model.ConnectionID, begun time.Time) (int64, bool, error) {
	var row struct {
		Pass   int64 `db:"pass"`
		Ageing bool  `db:"ageing"`
	}
	err := d.update(ctx, "finish feed pass", func(tx *tx) error {
		n, err := tx.count(`UPDATE connection SET pass = pass + 1, pass_begun = ?, audit_at = CASE WHEN audit_at = 0 THEN CAST(? AS BIGINT) ELSE audit_at END
			WHERE id = ? AND pass_begun <= ?`,
			micros(begun), micros(begun.Add(store.AuditEvery)), string(c), micros(begun))
		if err != nil {
			return err
		}
		if n > 0 {
			if err := tx.exec(`UPDATE intent SET looked = looked + 1 WHERE connection = ? AND scope = '' AND outcome IN ('', 'unknown') AND shows <= ?`,
				string(c), micros(begun)); err != nil {
				return err
			}
		}
		if err := tx.passed(c, begun); err != nil {
			return err
		}
		return tx.get(&row, `SELECT c.pass, EXISTS (
			SELECT 1 FROM observation o WHERE o.connection = c.id AND o.mailbox = '' AND o.absent = 1 AND o.absent_since > c.pass - (
				SELECT COALESCE(MAX(p.settle_rounds), 0) FROM policy p
				WHERE EXISTS (SELECT 1 FROM mailbox m WHERE m.policy = p.name AND m.crm = c.id AND m.state `+takingPart+`))
			AND `+some(`SELECT 1 FROM link l WHERE l.crm = c.id AND l.entity = o.entity`)+`)
			OR EXISTS (SELECT 1 FROM intent i WHERE i.connection = c.id AND i.scope = '' AND i.outcome IN ('', 'unknown')) AS ageing
			FROM connection c WHERE c.id = ?`, string(c))
	})
	return row.Pass, row.Ageing, err
}

// selectDue asks everything about one mailbox; each answer is in an index.
func selectDue() string {
	return `SELECT
		EXISTS (SELECT 1 FROM pending p WHERE p.mailbox = m.id AND p.state = 0) AS fresh,
		EXISTS (SELECT 1 FROM link l WHERE l.mailbox = m.id AND l.recheck > 0 AND l.recheck <= ?) AS recheck,
		EXISTS (SELECT 1 FROM observation o WHERE o.connection = m.mail AND o.mailbox = m.id AND o.absent = 1
			AND o.absent_since > m.round - y.settle_rounds
			AND ` + some(`SELECT 1 FROM link l WHERE l.mailbox = m.id AND l.kind = o.kind AND l.mail_item = o.item`) + `) AS mail_ageing,
		EXISTS (SELECT 1 FROM observation o WHERE o.connection = m.crm AND o.mailbox = '' AND o.absent = 1
			AND o.absent_since > c.pass - y.settle_rounds
			AND ` + some(`SELECT 1 FROM link l WHERE l.mailbox = m.id AND l.kind = o.kind AND l.crm_item = o.item`) + `) AS crm_ageing,
		EXISTS (SELECT 1 FROM plan n WHERE n.id = m.plan AND n.state = 'held')
			OR EXISTS (SELECT 1 FROM plan n JOIN operation w ON w.plan = n.id AND w.state = 'held'
				WHERE n.id = m.plan AND n.state IN ('ready', 'done')) AS held,
		EXISTS (SELECT 1 FROM plan n WHERE n.mailbox = m.id AND n.state IN ('open', 'ready'))
			OR EXISTS (SELECT 1 FROM intent i WHERE i.mailbox = m.id AND i.outcome IN ('', 'unknown')) AS unfinished,
		(SELECT COUNT(*) FROM issue s WHERE s.mailbox = m.id AND s.is_open = 1) AS issues,
		(SELECT COUNT(*) FROM mark k WHERE k.mailbox = m.id) AS marked
		FROM mailbox m JOIN policy y ON y.name = m.policy JOIN connection c ON c.id = m.crm WHERE m.id = ?`
}

// Due tells what a mailbox has to do. Links whose answer may have changed by
// itself become pending, which writes only if there are any.
func (d *DB) Due(ctx context.Context, id model.MailboxID, now time.Time) (store.Due, error) {
	var row struct {
		Fresh   bool `db:"fresh"`
		Recheck bool `db:"recheck"`
		Mail    bool `db:"mail_ageing"`
		CRM     bool `db:"crm_ageing"`
		Held    bool `db:"held"`
		Open    bool `db:"unfinished"`
		Issues  int  `db:"issues"`
		Marked  int  `db:"marked"`
	}
	err := d.view(ctx, "see what mailbox "+string(id)+" has to do", func(tx *tx) error {
		return tx.get(&row, selectDue(), micros(now), string(id))
	})
	if err != nil {
		return store.Due{}, err
	}
	if row.Recheck {
		err = d.update(ctx, "look again at what is due", func(tx *tx) error { return recheck(tx, id, now) })
	}
	return store.Due{Fresh: row.Fresh || row.Recheck, Ageing: row.Mail || row.CRM, Held: row.Held, Open: row.Open, Issues: row.Issues, Marked: row.Marked}, err
}

func recheck(tx *tx, id model.MailboxID, now time.Time) error {
	mark := newMark()
	for _, side := range []struct{ side, column string }{{"crm", "crm_item"}, {"mail", "mail_item"}} {
		if err := tx.exec(`INSERT INTO pending (mailbox, side, kind, item, mark)
			SELECT mailbox, CAST(? AS TEXT), kind, `+side.column+`, CAST(? AS BIGINT) FROM link
			WHERE mailbox = ? AND recheck > 0 AND recheck <= ? AND `+side.column+` IS NOT NULL`+bump,
			side.side, mark, string(id), micros(now)); err != nil {
			return err
		}
	}
	return tx.exec(`UPDATE link SET recheck = 0 WHERE mailbox = ? AND recheck > 0 AND recheck <= ?`, string(id), micros(now))
}
