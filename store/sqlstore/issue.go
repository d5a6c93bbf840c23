package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// found says what met an issue.
type found bool

const (
	byPlan  found = true  // the plan: the item cannot be synced as it is
	byWrite found = false // a write was refused
)

// issueValues is the row of an issue that is met.
func issueValues(s scope, by found, i plan.Issue, state store.IssueState, evidence string, now time.Time) []any {
	return []any{
		newID("iss"), s.ID, string(i.Side), string(i.Kind), i.Item, i.Code, string(i.Entity), clean(i.Message), clean(evidence), string(state),
		micros(now), micros(now), int64(1), int64(1), flag(bool(by)),
	}
}

// openIssues opens issues; one that is open counts up, one that was resolved
// begins anew, one that a person ignored stays closed.
func openIssues(tx *tx, rows [][]any) error {
	seen := map[string]bool{}
	var once [][]any
	for _, r := range rows {
		key := row(r[2].(string), r[3].(string), r[4].(string)) + "\x1f" + r[5].(string)
		if !seen[key] {
			seen[key] = true
			once = append(once, r)
		}
	}
	return tx.insert(`INSERT INTO issue (id, mailbox, side, kind, item, code, entity, message, evidence, state, first_at, last_at, times, is_open, by_plan)`, once,
		`ON CONFLICT (mailbox, side, kind, item, code) DO UPDATE SET entity = excluded.entity, message = excluded.message,
		evidence = excluded.evidence, by_plan = excluded.by_plan, last_at = excluded.last_at,
		first_at = CASE issue.state WHEN 'resolved' THEN excluded.first_at ELSE issue.first_at END,
		times = CASE issue.state WHEN 'resolved' THEN 1 ELSE issue.times + 1 END,
		is_open = CASE issue.state WHEN 'ignored' THEN 0 ELSE 1 END,
		closed_at = CASE issue.state WHEN 'ignored' THEN issue.closed_at ELSE 0 END,
		state = CASE WHEN issue.state = 'ignored' THEN 'ignored'
			WHEN excluded.state = 'new' AND issue.state <> 'resolved' THEN 'retrying' ELSE excluded.state END`)
}

// closeIssues resolves the open issues of some entities.
func closeIssues(tx *tx, s scope, by found, entities []string, now time.Time) error {
	_, err := execIn(tx, `UPDATE issue SET is_open = 0, state = 'resolved', closed_at = ?
		WHERE mailbox = ? AND is_open = 1 AND by_plan = ? AND entity IN (?*)`, []any{micros(now), s.ID, flag(bool(by))}, entities)
	return err
}

// where is the filter as a condition on issue.
func where(f store.IssueFilter) (string, []any) {
	text, args := `1 = 1`, []any(nil)
	for _, c := range []struct{ column, value string }{
		{"id", f.ID}, {"mailbox", string(f.Mailbox)}, {"code", f.Code}, {"kind", string(f.Kind)}, {"side", string(f.Side)}, {"state", string(f.State)},
	} {
		if c.value != "" {
			text, args = text+` AND issue.`+c.column+` = ?`, append(args, c.value)
		}
	}
	if !f.Closed {
		text += ` AND issue.is_open = 1`
	}
	return text, args
}

// FindIssues lists issues of all mailboxes.
func (d *DB) FindIssues(ctx context.Context, f store.IssueFilter) ([]store.IssueRow, error) {
	text, args := where(f)
	if f.After.ID != "" {
		text, args = text+` AND (is_open, last_at, id) < (?, ?, ?)`, append(args, flag(f.After.Open), micros(f.After.Last), f.After.ID)
	}
	text += ` ORDER BY is_open DESC, last_at DESC, id DESC`
	if f.Limit > 0 {
		text, args = text+` LIMIT ?`, append(args, f.Limit)
	}
	var rows []issueRow
	err := d.view(ctx, "list issues", func(tx *tx) error {
		return tx.list(&rows, selectIssue+`WHERE `+text, args...)
	})
	var out []store.IssueRow
	for _, r := range rows {
		out = append(out, r.issue())
	}
	return out, err
}

// RetryIssues has items looked at again in the next round.
func (d *DB) RetryIssues(ctx context.Context, f store.IssueFilter) (int, []model.MailboxID, error) {
	f.Closed = true
	text, args := where(f)
	text += ` AND issue.state <> 'resolved'`
	var n int64
	var mailboxes []model.MailboxID
	err := d.update(ctx, "retry issues", func(tx *tx) error {
		mailboxes = nil
		if err := tx.list(&mailboxes, `SELECT DISTINCT issue.mailbox FROM issue WHERE `+text+` ORDER BY issue.mailbox`, args...); err != nil {
			return err
		}
		if err := tx.exec(`UPDATE link SET recheck = 1 WHERE (mailbox, entity) IN (SELECT issue.mailbox, issue.entity FROM issue WHERE `+text+`)`, args...); err != nil {
			return err
		}
		if err := tx.exec(`UPDATE operation SET forgiven = 1 WHERE action = 'update' AND (mailbox, entity) IN (SELECT issue.mailbox, issue.entity FROM issue WHERE `+text+`)`, args...); err != nil {
			return err
		}
		var err error
		n, err = tx.count(`UPDATE issue SET state = 'retrying', is_open = 1, closed_at = 0, times = 1 WHERE `+text, args...)
		return err
	})
	return int(n), mailboxes, err
}

// IgnoreIssues closes open issues that a person accepts.
func (d *DB) IgnoreIssues(ctx context.Context, f store.IssueFilter, now time.Time) (int, error) {
	f.Closed = false
	text, args := where(f)
	var n int64
	err := d.update(ctx, "ignore issues", func(tx *tx) error {
		var err error
		n, err = tx.count(`UPDATE issue SET state = 'ignored', is_open = 0, closed_at = ? WHERE `+text, append([]any{micros(now)}, args...)...)
		return err
	})
	return int(n), err
}
