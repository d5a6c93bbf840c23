package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

type conflictRow struct {
	ID         string `db:"id"`
	Mailbox    string `db:"mailbox"`
	Entity     string `db:"entity"`
	Kind       string `db:"kind"`
	Field      string `db:"field"`
	Winner     string `db:"winner"`
	Chosen     string `db:"chosen"`
	Resolution string `db:"resolution"`
	Body       []byte `db:"body"`
	Created    int64  `db:"created"`
	Resolved   int64  `db:"resolved"`
}

const selectConflict = `SELECT c.id, c.mailbox, c.entity, c.kind, c.field, c.winner, c.chosen, c.resolution, b.body, c.created, c.resolved
	FROM conflict c JOIN content b ON b.key = c.loser `

func (r conflictRow) conflict() (store.ConflictRow, error) {
	loser, err := model.DecodeContent(r.Body)
	return store.ConflictRow{
		EditConflict: plan.EditConflict{
			Entity: model.EntityID(r.Entity), Kind: model.Kind(r.Kind), Field: r.Field, Winner: model.Side(r.Winner), Loser: loser, Resolution: r.Resolution,
		},
		ID: r.ID, Mailbox: model.MailboxID(r.Mailbox), Chosen: r.Chosen, At: instant(r.Created), Resolved: instant(r.Resolved),
	}, err
}

// Conflicts lists a mailbox's edit conflicts, newest first.
func (d *DB) Conflicts(ctx context.Context, id model.MailboxID) ([]store.ConflictRow, error) {
	var out []store.ConflictRow
	err := d.view(ctx, "list edit conflicts of mailbox "+string(id), func(tx *tx) error {
		var rows []conflictRow
		if err := tx.list(&rows, selectConflict+`WHERE c.mailbox = ? ORDER BY c.created DESC, c.id DESC`, string(id)); err != nil {
			return err
		}
		for _, r := range rows {
			c, err := r.conflict()
			if err != nil {
				return err
			}
			out = append(out, c)
		}
		return nil
	})
	return out, err
}

// Conflict returns one edit conflict.
func (d *DB) Conflict(ctx context.Context, id string) (store.ConflictRow, error) {
	var out store.ConflictRow
	err := d.view(ctx, "read edit conflict "+id, func(tx *tx) error {
		var r conflictRow
		if err := tx.get(&r, selectConflict+`WHERE c.id = ?`, id); err != nil {
			return err
		}
		var err error
		out, err = r.conflict()
		return err
	})
	return out, err
}

// Choose records what a person chose and has the pair looked at again.
func (d *DB) Choose(ctx context.Context, id, take string) error {
	return d.update(ctx, "choose in edit conflict "+id, func(tx *tx) error {
		var c struct {
			Mailbox string `db:"mailbox"`
			Entity  string `db:"entity"`
		}
		if err := tx.get(&c, `SELECT mailbox, entity FROM conflict WHERE id = ?`, id); err != nil {
			return err
		}
		s, err := scopeOf(tx, model.MailboxID(c.Mailbox))
		if err != nil {
			return err
		}
		found, err := links(tx, s, []string{c.Entity})
		if err != nil {
			return err
		}
		link, ok := found[c.Entity]
		if !ok {
			return store.ErrNotFound
		}
		if err := tx.exec(`UPDATE conflict SET chosen = ?, resolution = '', resolved = 0 WHERE id = ?`, take, id); err != nil {
			return err
		}
		return pend(tx, (&landing{scope: s, links: found}).rowsOf(link.Entity))
	})
}

// EndConflict records that a conflict ended without a plan.
func (d *DB) EndConflict(ctx context.Context, id, how string, now time.Time) error {
	return d.update(ctx, "end edit conflict "+id, func(tx *tx) error {
		return endConflicts(tx, []plan.Settled{{ID: id, How: how}}, now)
	})
}

// endConflicts records how conflicts ended. A question that was answered has a
// winner from then on.
func endConflicts(tx *tx, ended []plan.Settled, now time.Time) error {
	byHow := map[string][]string{}
	for _, e := range ended {
		byHow[e.How] = append(byHow[e.How], e.ID)
	}
	for _, how := range sortedKeys(byHow) {
		if _, err := execIn(tx, `UPDATE conflict SET resolution = ?, resolved = ?,
			winner = CASE WHEN winner = '' AND CAST(? AS TEXT) IN ('crm', 'mail') THEN CAST(? AS TEXT) ELSE winner END
			WHERE resolution = '' AND id IN (?*)`, []any{how, micros(now), how, how}, byHow[how]); err != nil {
			return err
		}
	}
	return nil
}

// saveConflicts keeps the losing values of edit conflicts, each once. A value
// that lost before may come to be asked about.
func (c *chunk) saveConflicts() error {
	var rows [][]any
	for _, v := range c.Plan.Conflicts {
		resolved := int64(0)
		if v.Resolution != "" {
			resolved = micros(c.Now)
		}
		rows = append(rows, []any{
			newID("cft"), c.scope.ID, string(v.Entity), string(v.Kind), v.Field, string(v.Winner),
			c.stored.content(v.Loser), micros(c.Now), v.Resolution, resolved,
		})
	}
	if err := c.stored.save(c.tx, nil); err != nil {
		return err
	}
	err := c.tx.insert(`INSERT INTO conflict (id, mailbox, entity, kind, field, winner, loser, created, resolution, resolved)`, rows,
		`ON CONFLICT (mailbox, entity, field, loser) DO UPDATE SET winner = '', chosen = '', resolution = '', resolved = 0, created = excluded.created
		WHERE excluded.winner = ''`)
	if err != nil {
		return err
	}
	return endConflicts(c.tx, c.Plan.Settled, c.Now)
}

// conflicts ends those that a batch of writes settled.
func (l *landing) conflicts(results []landed) error {
	var ended []plan.Settled
	for _, r := range results {
		if r.done() && r.Planned.Final {
			ended = append(ended, r.Planned.Settles...)
		}
	}
	return endConflicts(l.tx, ended, l.now)
}

// conflicts gives pairs the questions that are open and the answers that are to
// be carried out.
func (r *pairReader) conflicts() error {
	var entities []string
	at := map[string]int{}
	for i, p := range r.pairs {
		if p.Entity != "" {
			entities, at[string(p.Entity)] = append(entities, string(p.Entity)), i
		}
	}
	rows, err := listIn[conflictRow](r.tx, selectConflict+`WHERE c.mailbox = ? AND c.resolution = '' AND (c.winner = '' OR c.chosen <> '') AND c.entity IN (?*)
		ORDER BY c.created, c.id`, []any{r.scope.ID}, entities)
	if err != nil {
		return err
	}
	for _, row := range rows {
		c, err := row.conflict()
		if err != nil {
			return err
		}
		p := &r.pairs[at[row.Entity]]
		p.Conflicts = append(p.Conflicts, plan.OpenConflict{ID: c.ID, Field: c.Field, Winner: c.Winner, Loser: c.Loser, Take: c.Chosen})
	}
	return nil
}
