package sqlstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// note writes entries into the logbook, in the name of the context's author. An
// entry that gives no reason has the author's.
func (t *tx) note(entries ...store.LogEntry) error {
	author, now := store.AuthorOf(t.ctx), time.Now().UTC()
	rows := make([][]any, len(entries))
	for i, e := range entries {
		if e.Why == "" {
			e.Why = author.Why
		}
		rows[i] = []any{newID("log"), micros(now), author.By, string(e.What), string(e.Subject), e.Name, clean(e.Why), e.Before, e.After}
	}
	return t.insert(`INSERT INTO logbook (id, at, by_whom, what, subject, name, why, was, becomes)`, rows, "")
}

type logRow struct {
	ID      string `db:"id"`
	At      int64  `db:"at"`
	By      string `db:"by_whom"`
	What    string `db:"what"`
	Subject string `db:"subject"`
	Name    string `db:"name"`
	Why     string `db:"why"`
	Was     string `db:"was"`
	Becomes string `db:"becomes"`
}

// Log lists the logbook, newest first.
func (d *DB) Log(ctx context.Context, f store.LogFilter) ([]store.LogEntry, error) {
	where, args := `WHERE 1 = 1`, []any(nil)
	for _, c := range []struct{ column, value string }{
		{"subject", string(f.Subject)}, {"name", f.Name}, {"by_whom", f.By}, {"what", string(f.What)},
	} {
		if c.value != "" {
			where, args = where+` AND `+c.column+` = ?`, append(args, c.value)
		}
	}
	if !f.Since.IsZero() {
		where, args = where+` AND at >= ?`, append(args, micros(f.Since))
	}
	if !f.Until.IsZero() {
		where, args = where+` AND at < ?`, append(args, micros(f.Until))
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	var out []store.LogEntry
	err := d.view(ctx, "read the logbook", func(tx *tx) error {
		var rows []logRow
		if err := tx.list(&rows, `SELECT id, at, by_whom, what, subject, name, why, was, becomes FROM logbook `+where+` ORDER BY at DESC, id DESC LIMIT ?`, append(args, f.Limit)...); err != nil {
			return err
		}
		for _, r := range rows {
			out = append(out, store.LogEntry{
				ID: r.ID, At: instant(r.At), By: r.By, What: store.LogVerb(r.What), Subject: store.LogSubject(r.Subject), Name: r.Name,
				Why: r.Why, Before: r.Was, After: r.Becomes,
			})
		}
		return nil
	})
	return out, err
}

// PolicyRevision returns a policy as it was saved the n-th time.
func (d *DB) PolicyRevision(ctx context.Context, name string, n int) (model.Policy, error) {
	var out model.Policy
	err := d.view(ctx, "read revision "+strconv.Itoa(n)+" of policy "+name, func(tx *tx) error {
		r := policyRow{Name: name}
		if err := tx.get(&r.Body, `SELECT body FROM policy_revision WHERE policy = ? AND number = ?`, name, n); err != nil {
			return err
		}
		var err error
		out, err = r.policy()
		return err
	})
	return out, err
}

// revise keeps a policy as it is saved, and notes it.
func (t *tx) revise(name string, body any) error {
	var last int64
	if err := t.get(&last, `SELECT COALESCE(MAX(number), 0) FROM policy_revision WHERE policy = ?`, name); err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO policy_revision (policy, number, body, saved) VALUES (?, ?, ?, ?)`,
		name, last+1, body, time.Now().UnixMicro()); err != nil {
		return err
	}
	e := store.LogEntry{What: store.LogSaved, Subject: store.LogPolicy, Name: name, After: fmt.Sprintf("%s@%d", name, last+1)}
	if last > 0 {
		e.Before = fmt.Sprintf("%s@%d", name, last)
	}
	return t.note(e)
}

// moved notes that a mailbox goes from one state to another.
func (t *tx) moved(id, to, why string) error {
	var was struct {
		State  string `db:"state"`
		Reason string `db:"reason"`
	}
	if err := t.get(&was, `SELECT state, reason FROM mailbox WHERE id = ?`, id); err != nil {
		return err
	}
	if was.State == to && was.Reason == why {
		return nil
	}
	return t.note(store.LogEntry{What: store.LogState, Subject: store.LogMailbox, Name: id, Before: was.State, After: to, Why: why})
}

// settings notes what of a mailbox's settings changes.
func (t *tx) settings(old, m model.Mailbox) error {
	var entries []store.LogEntry
	if old.Policy != m.Policy {
		entries = append(entries, assigned(m.ID, old.Policy, m.Policy))
	}
	if changed := model.ChangedSettings(old, m); changed != "" {
		entries = append(entries, store.LogEntry{What: store.LogSettings, Subject: store.LogMailbox, Name: string(m.ID), After: changed})
	}
	return t.note(entries...)
}

func assigned(id model.MailboxID, from, to string) store.LogEntry {
	return store.LogEntry{What: store.LogAssigned, Subject: store.LogMailbox, Name: string(id), Before: from, After: to}
}

// AssignPolicy gives mailboxes a policy.
func (d *DB) AssignPolicy(ctx context.Context, ids []model.MailboxID, policy string) error {
	return d.update(ctx, "assign policy "+policy, func(tx *tx) error {
		var have int
		if err := tx.get(&have, `SELECT COUNT(*) FROM policy WHERE name = ?`, policy); err != nil {
			return err
		}
		type row struct {
			ID     string `db:"id"`
			Policy string `db:"policy"`
		}
		rows, err := listIn[row](tx, `SELECT id, policy FROM mailbox WHERE id IN (?*)`, nil, ids)
		if err != nil {
			return err
		}
		if have == 0 || len(rows) != len(ids) {
			return store.ErrNotFound
		}
		var entries []store.LogEntry
		var changed []string
		for _, r := range rows {
			if r.Policy != policy {
				changed = append(changed, r.ID)
				entries = append(entries, assigned(model.MailboxID(r.ID), r.Policy, policy))
			}
		}
		if _, err := execIn(tx, `UPDATE link SET recheck = 1 WHERE state = 'skipped' AND mailbox IN (?*)`, nil, changed); err != nil {
			return err
		}
		if _, err := execIn(tx, `UPDATE mailbox SET policy = ? WHERE id IN (?*)`, []any{policy}, changed); err != nil {
			return err
		}
		return tx.note(entries...)
	})
}
