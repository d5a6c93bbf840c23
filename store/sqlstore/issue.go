package sqlstore

import "time"

func issueValues(s scope, side, kind, item, code, entity, message string, now time.Time) []any {
	return []any{s.ID, side, kind, item, code, entity, clean(message), micros(now), micros(now), int64(1), int64(1)}
}

// openIssues opens issues; one that is known counts up.
func openIssues(tx *tx, rows [][]any) error {
	seen := map[string]bool{}
	var once [][]any
	for _, r := range rows {
		key := row(r[1].(string), r[2].(string), r[3].(string)) + "\x1f" + r[4].(string)
		if !seen[key] {
			seen[key] = true
			once = append(once, r)
		}
	}
	return tx.insert(`INSERT INTO issue (mailbox, side, kind, item, code, entity, message, first_at, last_at, times, is_open)`, once,
		`ON CONFLICT (mailbox, side, kind, item, code) DO UPDATE SET entity = excluded.entity, message = excluded.message,
		last_at = excluded.last_at, times = issue.times + 1, is_open = 1`)
}

// closeIssues closes the open issues of some entities.
func closeIssues(tx *tx, s scope, entities []string) error {
	_, err := execIn(tx, `UPDATE issue SET is_open = 0 WHERE mailbox = ? AND is_open = 1 AND entity IN (?*)`, []any{s.ID}, entities)
	return err
}
