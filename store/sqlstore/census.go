package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// Owners resolves addresses to the CRM users of mailboxes on a connection.
func (d *DB) Owners(ctx context.Context, c model.ConnectionID, addresses []string) (map[string]string, error) {
	asked := map[string][]string{}
	for _, a := range addresses {
		asked[model.FoldAddress(a)] = append(asked[model.FoldAddress(a)], a)
	}
	out := map[string]string{}
	err := d.view(ctx, "resolve owners", func(tx *tx) error {
		// An address that somebody has now is no longer whose it was.
		for _, query := range []string{
			`SELECT f.folded, m.crm_user FROM former_address f JOIN mailbox m ON m.id = f.mailbox
				WHERE m.crm = ? AND m.state ` + takingPart + ` AND f.folded IN (?*) ORDER BY m.id`,
			`SELECT folded, crm_user FROM mailbox WHERE crm = ? AND state ` + takingPart + ` AND folded IN (?*)`,
		} {
			rows, err := listIn[struct {
				Folded string `db:"folded"`
				User   string `db:"crm_user"`
			}](tx, query, []any{string(c)}, sortedKeys(asked))
			if err != nil {
				return err
			}
			for _, r := range rows {
				for _, a := range asked[r.Folded] {
					out[a] = r.User
				}
			}
		}
		return nil
	})
	return out, err
}

// there is the condition that the item of an access row is present.
func there() string {
	return some(`SELECT 1 FROM observation o
		WHERE o.connection = a.connection AND o.mailbox = '' AND o.kind = a.kind AND o.item = a.item AND o.absent = 0`)
}

// Census counts what the brakes look at.
func (d *DB) Census(ctx context.Context, id model.MailboxID, since time.Time) (plan.Census, error) {
	out := plan.Census{
		Linked:  map[model.Kind]int{},
		Present: map[model.Side]map[model.Kind]int{model.CRM: {}, model.Mail: {}},
		Deleted: map[model.Side]map[model.Kind]int{model.CRM: {}, model.Mail: {}},
	}
	type counted struct {
		Side  string `db:"side"`
		Kind  string `db:"kind"`
		Count int    `db:"n"`
	}
	err := d.view(ctx, "count items of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []counted
		if err := tx.list(&rows, `SELECT 'linked' AS side, kind, COUNT(*) AS n FROM link WHERE mailbox = ? AND state = 'linked' GROUP BY kind`, s.ID); err != nil {
			return err
		}
		for _, r := range rows {
			out.Linked[model.Kind(r.Kind)] = r.Count
		}
		rows = nil
		if err := tx.list(&rows, `SELECT 'mail' AS side, kind, COUNT(*) AS n FROM observation
				WHERE connection = ? AND mailbox = ? AND absent = 0 GROUP BY kind
			UNION ALL SELECT 'crm' AS side, a.kind, COUNT(*) AS n FROM access a
				WHERE a.connection = ? AND a.crm_user = ? AND `+there()+` GROUP BY a.kind`, s.Mail, s.ID, s.CRM, s.User); err != nil {
			return err
		}
		for _, r := range rows {
			out.Present[model.Side(r.Side)][model.Kind(r.Kind)] = r.Count
		}
		rows = nil
		if err := tx.list(&rows, `SELECT side, kind, COUNT(*) AS n FROM operation
			WHERE mailbox = ? AND action = 'delete' AND state = 'done' AND verdict = '' AND done >= ? GROUP BY side, kind`, s.ID, micros(since)); err != nil {
			return err
		}
		for _, r := range rows {
			out.Deleted[model.Side(r.Side)][model.Kind(r.Kind)] = r.Count
		}
		return nil
	})
	return out, err
}
