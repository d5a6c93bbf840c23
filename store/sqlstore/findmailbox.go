package sqlstore

import (
	"context"
	"strconv"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func itoa(n int) string { return strconv.Itoa(n) }

// FindMailboxes returns a page of mailboxes: first the keys, then their rows.
func (d *DB) FindMailboxes(ctx context.Context, q store.MailboxQuery) (store.MailboxPage, error) {
	var out store.MailboxPage
	err := d.view(ctx, "find mailboxes", func(tx *tx) error {
		out = store.MailboxPage{}
		text, args := chosen(q)
		if err := tx.get(&out.Total, `SELECT COUNT(*) FROM mailbox m WHERE `+text, args...); err != nil {
			return err
		}
		ids, err := pageKeys(tx, q, text, args)
		if err != nil || len(ids) == 0 {
			return err
		}
		out.Rows, err = d.surveyed(tx, ids)
		return err
	})
	return out, err
}

// chosen is the query as a condition on mailbox m.
func chosen(q store.MailboxQuery) (string, []any) {
	text, args := `m.state <> 'retired'`, []any(nil)
	if q.State != "" {
		text, args = `m.state = ?`, append(args, string(q.State))
	}
	and := func(condition string, values ...any) { text, args = text+` AND `+condition, append(args, values...) }
	if q.ID != "" {
		and(`m.id = ?`, string(q.ID))
	}
	if q.Connection != "" {
		and(`(m.crm = ? OR m.mail = ?)`, string(q.Connection), string(q.Connection))
	}
	if q.Policy != "" {
		and(`m.policy = ?`, q.Policy)
	}
	if q.Search != "" {
		// A search for "a_b%" finds just that (SQL-92 8.5: ESCAPE).
		part := strings.NewReplacer(`!`, `!!`, `%`, `!%`, `_`, `!_`).Replace(model.FoldAddress(q.Search))
		and(`(m.folded LIKE ? ESCAPE '!' OR m.crm_user = ? OR m.id = ?)`, "%"+part+"%", q.Search, q.Search)
	}
	for condition, wanted := range map[string]bool{isHeld: q.Held, asks: q.Asking, hasAlert: q.Alerts, `m.initialized = 0`: q.First, hasConflict: q.Conflicts, `m.last_success = 0`: q.Never} {
		if wanted {
			and(condition)
		}
	}
	if q.Issues {
		and(some(`SELECT 1 FROM issue i WHERE i.mailbox = m.id AND i.is_open = 1`))
	}
	if !q.Since.IsZero() {
		and(`m.last_success > ?`, micros(q.Since))
	}
	if !q.Before.IsZero() {
		and(`m.last_success <= ? AND m.last_success > 0`, micros(q.Before))
	}
	return text, args
}

// pageKeys are the ids of a page, in its order.
func pageKeys(tx *tx, q store.MailboxQuery, text string, args []any) ([]string, error) {
	from, column, value := `mailbox m`, `m.folded`, any(q.After.Address)
	switch q.Sort {
	case store.BySuccess:
		column, value = `m.last_success`, q.After.Number
	case store.ByIssues:
		from += ` LEFT JOIN (SELECT mailbox, COUNT(*) AS n FROM issue WHERE is_open = 1 GROUP BY mailbox) i ON i.mailbox = m.id`
		column, value = `COALESCE(i.n, 0)`, q.After.Number
	}
	direction, sign := ``, `>`
	if q.Descending {
		direction, sign = ` DESC`, `<`
	}
	if q.After.ID != "" {
		text, args = text+` AND (`+column+`, m.id) `+sign+` (?, ?)`, append(args, value, string(q.After.ID))
	}
	var ids []string
	err := tx.list(&ids, `SELECT m.id FROM `+from+` WHERE `+text+` ORDER BY `+column+direction+`, m.id`+direction+` LIMIT ?`, append(args, pageOf(q.Limit))...)
	return ids, err
}

// surveyed are the mailboxes with these ids, in their order.
func (d *DB) surveyed(tx *tx, ids []string) ([]store.SurveyedMailbox, error) {
	rows, err := listIn[mailboxRow](tx, selectMailbox+`WHERE id IN (?*)`, nil, ids)
	if err != nil {
		return nil, err
	}
	extra, err := listIn[struct {
		ID     string `db:"id"`
		Issues int    `db:"issues"`
		Held   bool   `db:"held"`
		Asks   bool   `db:"asks"`
	}](tx, `SELECT m.id, (SELECT COUNT(*) FROM issue i WHERE i.mailbox = m.id AND i.is_open = 1) AS issues,
		CASE WHEN `+isHeld+` THEN 1 ELSE 0 END AS held, CASE WHEN `+asks+` THEN 1 ELSE 0 END AS asks FROM mailbox m WHERE m.id IN (?*)`, nil, ids)
	if err != nil {
		return nil, err
	}
	found := map[string]*store.SurveyedMailbox{}
	for _, r := range rows {
		m, err := d.mailbox(r)
		if err != nil {
			return nil, err
		}
		m.Secret = "" // nobody who looks needs it
		found[r.ID] = &store.SurveyedMailbox{Mailbox: m}
	}
	for _, x := range extra {
		if m := found[x.ID]; m != nil {
			m.OpenIssues, m.Held, m.Asking = x.Issues, x.Held, x.Asks
		}
	}
	var out []store.SurveyedMailbox
	for _, id := range ids {
		if m := found[id]; m != nil {
			out = append(out, *m)
		}
	}
	return out, nil
}
