package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Members lists who has a policy because of a source.
func (d *DB) Members(ctx context.Context, policy, source string) ([]model.MailboxID, error) {
	var out []model.MailboxID
	err := d.view(ctx, "list members of policy "+policy, func(tx *tx) error {
		return tx.list(&out, `SELECT mailbox FROM member WHERE policy = ? AND source = ? ORDER BY mailbox`, policy, source)
	})
	return out, err
}

// Enrol notes how reading a source went, who joined and who left.
func (d *DB) Enrol(ctx context.Context, r store.Roll, joined, left []model.MailboxID) error {
	return d.update(ctx, "enrol members of policy "+r.Policy, func(tx *tx) error {
		var was int
		if err := tx.get(&was, `SELECT COALESCE(MAX(held), 0) FROM roll WHERE policy = ? AND source = ?`, r.Policy, r.Source); err != nil {
			return err
		}
		if err := tx.exec(`INSERT INTO roll (policy, source, resolved, tried, people, held, word, trouble) VALUES (?, ?, ?, ?, ?, ?, '', ?)
			ON CONFLICT (policy, source) DO UPDATE SET resolved = excluded.resolved, tried = excluded.tried, people = excluded.people, held = excluded.held,
			word = CASE WHEN excluded.trouble = '' THEN '' ELSE roll.word END, trouble = excluded.trouble`,
			r.Policy, r.Source, micros(r.Resolved), micros(r.Tried), r.People, r.Held, clean(r.Trouble)); err != nil {
			return err
		}
		var rows [][]any
		for _, id := range joined {
			rows = append(rows, []any{r.Policy, r.Source, string(id), micros(r.Tried)})
		}
		if err := tx.insert(`INSERT INTO member (policy, source, mailbox, since)`, rows, `ON CONFLICT (policy, source, mailbox) DO NOTHING`); err != nil {
			return err
		}
		if _, err := execIn(tx, `DELETE FROM member WHERE policy = ? AND source = ? AND mailbox IN (?*)`, []any{r.Policy, r.Source}, left); err != nil {
			return err
		}
		if r.Held > 0 && was == 0 {
			return tx.note(store.LogEntry{What: store.LogHeld, Subject: store.LogPolicy, Name: r.Policy, Why: clean(r.Trouble)})
		}
		return nil
	})
}

// Rolls lists what became of the sources of a policy.
func (d *DB) Rolls(ctx context.Context, policy string) ([]store.Roll, error) {
	var rows []struct {
		Policy   string `db:"policy"`
		Source   string `db:"source"`
		Resolved int64  `db:"resolved"`
		Tried    int64  `db:"tried"`
		People   int    `db:"people"`
		Held     int    `db:"held"`
		Word     string `db:"word"`
		Trouble  string `db:"trouble"`
	}
	err := d.view(ctx, "list rolls", func(tx *tx) error {
		return tx.list(&rows, `SELECT policy, source, resolved, tried, people, held, word, trouble FROM roll
			WHERE CAST(? AS TEXT) IN ('', policy) ORDER BY policy, source`, policy)
	})
	var out []store.Roll
	for _, r := range rows {
		out = append(out, store.Roll{
			Policy: r.Policy, Source: r.Source, Resolved: instant(r.Resolved), Tried: instant(r.Tried),
			People: r.People, Held: r.Held, Word: r.Word, Trouble: r.Trouble,
		})
	}
	return out, err
}

// LetGo notes that a person confirmed the leaves that are held.
func (d *DB) LetGo(ctx context.Context, policy string) error {
	return d.update(ctx, "let members of policy "+policy+" go", func(tx *tx) error {
		by := store.AuthorOf(tx.ctx).By
		if err := one(tx.count(`UPDATE roll SET word = ? WHERE policy = ? AND held > 0`, by, policy)); err != nil {
			return err
		}
		return tx.note(store.LogEntry{What: store.LogLetGo, Subject: store.LogPolicy, Name: policy})
	})
}
