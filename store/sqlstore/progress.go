package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Progress counts a mailbox's items and links per kind.
func (d *DB) Progress(ctx context.Context, id model.MailboxID) ([]store.Progress, error) {
	counts := map[string]map[string]int{} // what, kind
	err := d.view(ctx, "count progress of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []struct {
			What  string `db:"what"`
			Kind  string `db:"kind"`
			Count int    `db:"n"`
		}
		if err := tx.list(&rows, `SELECT 'mail' AS what, kind, COUNT(*) AS n FROM observation WHERE connection = ? AND mailbox = ? AND absent = 0 GROUP BY kind
			UNION ALL SELECT 'crm', a.kind, COUNT(*) FROM access a WHERE a.connection = ? AND a.crm_user = ? AND `+there()+` GROUP BY a.kind
			UNION ALL SELECT 'link ' || state, kind, COUNT(*) FROM link WHERE mailbox = ? GROUP BY state, kind
			UNION ALL SELECT 'pending', kind, COUNT(*) FROM pending WHERE mailbox = ? GROUP BY kind
			UNION ALL SELECT 'issue', kind, COUNT(*) FROM issue WHERE mailbox = ? AND is_open = 1 GROUP BY kind
			UNION ALL SELECT 'created ' || side, kind, COUNT(*) FROM intent WHERE mailbox = ? AND outcome = 'done' GROUP BY side, kind
			UNION ALL SELECT 'conflict', kind, COUNT(*) FROM conflict WHERE mailbox = ? AND resolution = '' GROUP BY kind
			UNION ALL SELECT 'operation', w.kind, COUNT(*) FROM operation w JOIN plan n ON n.id = w.plan AND n.state IN ('ready', 'held', 'done')
				WHERE w.mailbox = ? AND w.state IN ('planned', 'held', 'unknown') AND (n.state <> 'done' OR w.state = 'held' AND n.id = (SELECT m.plan FROM mailbox m WHERE m.id = w.mailbox))
				GROUP BY w.kind`,
			s.Mail, s.ID, s.CRM, s.User, s.ID, s.ID, s.ID, s.ID, s.ID, s.ID); err != nil {
			return err
		}
		for _, r := range rows {
			if counts[r.What] == nil {
				counts[r.What] = map[string]int{}
			}
			counts[r.What][r.Kind] += r.Count
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []store.Progress
	for _, kind := range model.Kinds() {
		of := func(what string) int { return counts[what][string(kind)] }
		out = append(out, store.Progress{
			Kind: kind, CRMItems: of("crm"), MailItems: of("mail"), Linked: of("link linked"),
			Skipped: of("link skipped") + of("link kept") + of("link review") + of("link returned") + of("link set aside"),
			Pending: of("pending"), OpenIssues: of("issue"), CreatedCRM: of("created crm"), CreatedMail: of("created mail"),
			OpenConflicts: of("conflict"), OperationsWaiting: of("operation"),
		})
	}
	return out, nil
}
