package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// theDelivery is the name of the one row of delivery, and what its secrets are
// sealed for.
const theDelivery = "delivery"

// Delivery returns how alerts are delivered.
func (d *DB) Delivery(ctx context.Context) (model.Delivery, error) {
	var out model.Delivery
	err := d.view(ctx, "read how alerts are delivered", func(tx *tx) error {
		var sealed []byte
		err := tx.get(&sealed, `SELECT settings FROM delivery WHERE name = ?`, theDelivery)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := d.ring.Open(sealed, theDelivery)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &out)
	})
	return out, err
}

// SaveDelivery says how alerts are delivered.
func (d *DB) SaveDelivery(ctx context.Context, in model.Delivery) error {
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("save how alerts are delivered: %w", err)
	}
	sealed, err := d.ring.Seal(text, theDelivery)
	if err != nil {
		return fmt.Errorf("save how alerts are delivered: %w", err)
	}
	return d.update(ctx, "save how alerts are delivered", func(tx *tx) error {
		return tx.exec(`INSERT INTO delivery (name, settings) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET settings = excluded.settings`,
			theDelivery, null(sealed))
	})
}

type caseRow struct {
	alertRow
	Address string `db:"address"`
	Policy  string `db:"policy"`
	System  string `db:"system"`
	Owner   string `db:"owner"`
}

const selectCase = `SELECT ` + alertColumns + `, COALESCE(m.address, '') AS address, COALESCE(m.policy, '') AS policy, c.name AS system, c.owner AS owner
	FROM alert JOIN connection c ON c.id = alert.connection LEFT JOIN mailbox m ON m.id = alert.mailbox `

func cases(rows []caseRow) []store.Case {
	var out []store.Case
	for _, r := range rows {
		out = append(out, store.Case{Alert: r.alert(), Address: r.Address, Policy: r.Policy, System: r.System, Owner: r.Owner})
	}
	return out
}

// Untold lists what is to be told.
func (d *DB) Untold(ctx context.Context, limit int) ([]store.Case, error) {
	var rows []caseRow
	err := d.view(ctx, "list untold alerts", func(tx *tx) error {
		return tx.list(&rows, selectCase+`WHERE alert.state = 'open' AND alert.told_at = 0
			OR alert.state = 'over' AND alert.told_at <> 0 AND alert.told_over_at = 0 ORDER BY alert.first_at, alert.id LIMIT ?`, limit)
	})
	return cases(rows), err
}

// Cases lists alerts by id.
func (d *DB) Cases(ctx context.Context, ids []string) ([]store.Case, error) {
	var rows []caseRow
	err := d.view(ctx, "list alerts", func(tx *tx) (err error) {
		rows, err = listIn[caseRow](tx, selectCase+`WHERE alert.id IN (?*) ORDER BY alert.first_at, alert.id`, nil, ids)
		return err
	})
	return cases(rows), err
}

// Tell puts events into notices.
func (d *DB) Tell(ctx context.Context, notices []store.Notice, unheard []store.Event, now time.Time) error {
	return d.update(ctx, "put alerts into notices", func(tx *tx) error {
		var fresh, events [][]any
		var open, over, waiting []string
		seen := map[store.Event]bool{}
		note := func(e store.Event) {
			if seen[e] {
				return
			}
			seen[e] = true
			if e.Over {
				over = append(over, e.Alert)
			} else {
				open = append(open, e.Alert)
			}
		}
		for _, n := range notices {
			if n.ID == "" {
				n.ID = newID("ntc")
				fresh = append(fresh, []any{n.ID, string(n.Channel), n.Recipient, string(store.NoticeWaiting), micros(now), micros(n.Due)})
			} else {
				waiting = append(waiting, n.ID)
			}
			for _, e := range n.Events {
				note(e)
				events = append(events, []any{n.ID, e.Alert, happened(e)})
			}
		}
		for _, e := range unheard {
			note(e)
		}
		if err := mark(tx, open, over, waiting, now); err != nil {
			return err
		}
		if err := tx.insert(`INSERT INTO notice (id, channel, recipient, state, created, due_at)`, fresh, ``); err != nil {
			return err
		}
		return tx.insert(`INSERT INTO notice_alert (notice, alert, event)`, events, ``)
	})
}

func happened(e store.Event) string {
	if e.Over {
		return "over"
	}
	return "open"
}

// mark marks events as told, unless somebody was faster.
func mark(tx *tx, open, over, waiting []string, now time.Time) error {
	for _, m := range []struct {
		query  string
		before []any
		ids    []string
	}{
		{`UPDATE alert SET told_at = ? WHERE id IN (?*) AND told_at = 0`, []any{micros(now)}, open},
		{`UPDATE alert SET told_over_at = ? WHERE id IN (?*) AND told_over_at = 0`, []any{micros(now)}, over},
		{`UPDATE notice SET due_at = due_at WHERE id IN (?*) AND state = 'waiting' AND attempts = 0`, nil, waiting},
	} {
		n, err := execIn(tx, m.query, m.before, m.ids)
		if err != nil {
			return err
		}
		if n != int64(len(m.ids)) {
			return store.ErrStale
		}
	}
	return nil
}

// ClaimNotice takes a notice that is due.
func (d *DB) ClaimNotice(ctx context.Context, channel store.Channel, token string, perMinute int, now, ends time.Time) (store.Notice, error) {
	var out store.Notice
	err := d.update(ctx, "claim notice", func(tx *tx) error {
		var begun int
		if err := tx.get(&begun, `SELECT COUNT(*) FROM notice WHERE channel = ? AND tried_at > ?`, string(channel), micros(now.Add(-time.Minute))); err != nil {
			return err
		}
		if begun >= perMinute {
			return store.ErrNotFound
		}
		var id string
		if err := tx.get(&id, `UPDATE notice SET claim = ?, claim_ends = ?, attempts = attempts + 1, tried_at = ? WHERE id = (
			SELECT n.id FROM notice n WHERE n.channel = ? AND n.state = 'waiting' AND n.due_at <= ? AND (n.claim = '' OR n.claim_ends <= ?)
			ORDER BY n.due_at, n.id LIMIT 1) RETURNING id`,
			token, micros(ends), micros(now), string(channel), micros(now), micros(now)); err != nil {
			return err
		}
		var rows []noticeRow
		if err := tx.list(&rows, selectNotice+`WHERE n.id = ?`, id); err != nil {
			return err
		}
		list, err := withEvents(tx, rows)
		if err != nil {
			return err
		}
		out = list[0]
		return nil
	})
	return out, err
}

// FinishNotice records what became of an attempt.
func (d *DB) FinishNotice(ctx context.Context, token string, n store.Notice) error {
	return d.update(ctx, "finish notice "+n.ID, func(tx *tx) error {
		return stale(tx.count(`UPDATE notice SET state = ?, due_at = ?, problem = ?, ended_at = ?, claim = '', claim_ends = 0
			WHERE id = ? AND claim = ? AND state = 'waiting'`, string(n.State), micros(n.Due), clean(n.Problem), micros(n.Ended), n.ID, token))
	})
}

type noticeRow struct {
	ID        string `db:"id"`
	Channel   string `db:"channel"`
	Recipient string `db:"recipient"`
	State     string `db:"state"`
	Created   int64  `db:"created"`
	Due       int64  `db:"due_at"`
	Attempts  int    `db:"attempts"`
	Tried     int64  `db:"tried_at"`
	Ended     int64  `db:"ended_at"`
	Problem   string `db:"problem"`
}

const selectNotice = `SELECT n.id, n.channel, n.recipient, n.state, n.created, n.due_at, n.attempts, n.tried_at, n.ended_at, n.problem FROM notice n `

// Notices lists notices.
func (d *DB) Notices(ctx context.Context, f store.NoticeFilter) ([]store.Notice, error) {
	where, args := `WHERE n.created >= ?`, []any{micros(f.Since)}
	if f.State != "" {
		where, args = where+` AND n.state = ?`, append(args, string(f.State))
	}
	if f.Limit <= 0 {
		f.Limit = 10000
	}
	const newest = ` ORDER BY n.created DESC, n.id DESC LIMIT ?`
	var out []store.Notice
	err := d.view(ctx, "list notices", func(tx *tx) error {
		var rows []noticeRow
		var err error
		if f.Alerts == nil {
			err = tx.list(&rows, selectNotice+where+newest, append(args, f.Limit)...)
		} else {
			rows, err = listIn[noticeRow](tx, selectNotice+where+` AND n.id IN (SELECT e.notice FROM notice_alert e WHERE e.alert IN (?*))`+newest, args, f.Alerts, f.Limit)
		}
		if err != nil {
			return err
		}
		out, err = withEvents(tx, rows)
		return err
	})
	return out, err
}

type eventRow struct {
	Notice string `db:"notice"`
	Alert  string `db:"alert"`
	Event  string `db:"event"`
}

// withEvents gives notices what they tell of.
func withEvents(tx *tx, rows []noticeRow) ([]store.Notice, error) {
	var ids []string
	var out []store.Notice
	at := map[string]int{}
	for i, r := range rows {
		ids, at[r.ID] = append(ids, r.ID), i
		out = append(out, store.Notice{
			ID: r.ID, Channel: store.Channel(r.Channel), Recipient: r.Recipient, State: store.NoticeState(r.State), Created: instant(r.Created),
			Due: instant(r.Due), Attempts: r.Attempts, Tried: instant(r.Tried), Ended: instant(r.Ended), Problem: r.Problem,
		})
	}
	events, err := listIn[eventRow](tx, `SELECT notice, alert, event FROM notice_alert WHERE notice IN (?*) ORDER BY notice, event, alert`, nil, ids)
	for _, e := range events {
		n := &out[at[e.Notice]]
		n.Events = append(n.Events, store.Event{Alert: e.Alert, Over: e.Event == "over"})
	}
	return out, err
}

// forgetNotices deletes what was told about a mailbox, and to it.
func forgetNotices(tx *tx, mailbox string) error {
	const to = `SELECT n.id FROM notice n JOIN mailbox m ON m.folded = n.recipient WHERE m.id = ?`
	for _, query := range []string{
		`DELETE FROM notice_alert WHERE alert IN (SELECT a.id FROM alert a WHERE a.mailbox = ?)`,
		`DELETE FROM notice_alert WHERE notice IN (` + to + `)`,
		`DELETE FROM notice WHERE id IN (` + to + `)`,
	} {
		if err := tx.exec(query, mailbox); err != nil {
			return err
		}
	}
	return nil
}
