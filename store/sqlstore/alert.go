package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

type alertRow struct {
	ID         string `db:"id"`
	Mailbox    string `db:"mailbox"`
	Connection string `db:"connection"`
	Workload   string `db:"workload"`
	Side       string `db:"side"`
	Scope      string `db:"scope"`
	Phase      string `db:"phase"`
	State      string `db:"state"`
	Code       string `db:"code"`
	Message    string `db:"message"`
	Evidence   string `db:"evidence"`
	Times      int    `db:"times"`
	First      int64  `db:"first_at"`
	Last       int64  `db:"last_at"`
	Over       int64  `db:"over_at"`
	Told       int64  `db:"told_at"`
	ToldOver   int64  `db:"told_over_at"`
}

const alertColumns = `alert.id, alert.mailbox, alert.connection, alert.workload, alert.side, alert.scope, alert.phase, alert.state, alert.code, alert.message, alert.evidence,
	alert.times, alert.first_at, alert.last_at, alert.over_at, alert.told_at, alert.told_over_at`

func (r alertRow) alert() store.Alert {
	return store.Alert{
		ID: r.ID, Mailbox: model.MailboxID(r.Mailbox), Connection: model.ConnectionID(r.Connection), Workload: model.Workload(r.Workload),
		Side: model.Side(r.Side), Scope: fault.Scope(r.Scope), Phase: store.Phase(r.Phase), State: store.AlertState(r.State),
		Code: r.Code, Message: r.Message, Evidence: r.Evidence,
		Times: r.Times, First: instant(r.First), Last: instant(r.Last), Over: instant(r.Over), Told: instant(r.Told), ToldOver: instant(r.ToldOver),
	}
}

// strike notes a failure. The connection is the mailbox's on that side, so that
// a mailbox that does not exist has no row.
const strike = `INSERT INTO alert (id, mailbox, connection, workload, side, phase, scope, state, code, message, evidence, times, first_at, last_at)
	SELECT CAST(? AS TEXT), w.mailbox, w.connection, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),
		CAST(? AS TEXT), CAST(? AS TEXT),
		1, CAST(? AS BIGINT), CAST(? AS BIGINT)
	FROM (SELECT m.id AS mailbox, CASE CAST(? AS TEXT) WHEN 'crm' THEN m.crm ELSE m.mail END AS connection FROM mailbox m WHERE m.id = ?
		UNION ALL SELECT '', c.id FROM connection c WHERE c.id = ? AND CAST(? AS TEXT) = '') w
	WHERE 1 = 1
	ON CONFLICT (mailbox, connection, workload, side, phase) WHERE state <> 'over' DO UPDATE SET
		state = CASE WHEN excluded.state = 'open' THEN 'open' ELSE alert.state END,
		scope = excluded.scope, code = excluded.code, message = excluded.message,
		evidence = CASE WHEN excluded.evidence = '' AND alert.code = excluded.code THEN alert.evidence ELSE excluded.evidence END,
		times = alert.times + CASE WHEN excluded.state = 'open' THEN 0 ELSE 1 END, last_at = excluded.last_at
	RETURNING times`

func (t *tx) strike(f store.Alert, s store.AlertState, now time.Time) (int, error) {
	var n int
	err := t.get(&n, strike, newID("alt"), string(f.Workload), string(f.Side), string(f.Phase), scopeOfAlert(f), string(s), f.Code, clean(f.Message), clean(f.Evidence),
		micros(now), micros(now), string(f.Side), string(f.Mailbox), string(f.Connection), string(f.Mailbox))
	return n, err
}

// scopeOfAlert fills in what only a connection can have.
func scopeOfAlert(f store.Alert) string {
	if f.Mailbox == "" || f.Scope == fault.Server {
		return string(fault.Server)
	}
	return string(fault.Mailbox)
}

// CountFailure notes one more failure.
func (d *DB) CountFailure(ctx context.Context, f store.Alert, now time.Time) (int, error) {
	var n int
	err := d.update(ctx, "count failure of mailbox "+string(f.Mailbox), func(tx *tx) error {
		var err error
		n, err = tx.strike(f, store.AlertRetrying, now)
		return err
	})
	return n, err
}

// RaiseAlert opens an alert and disables the mailbox that it is about.
func (d *DB) RaiseAlert(ctx context.Context, f store.Alert, reason string, now time.Time) error {
	return d.update(ctx, "raise alert for mailbox "+string(f.Mailbox), func(tx *tx) error {
		if f.Mailbox == "" {
			return tx.outage(f, now)
		}
		if _, err := tx.strike(f, store.AlertOpen, now); err != nil {
			return err
		}
		if err := tx.moved(string(f.Mailbox), string(model.Disabled), reason); err != nil {
			return err
		}
		return one(tx.count(`UPDATE mailbox SET state = ?, reason = ? WHERE id = ?`, string(model.Disabled), reason, string(f.Mailbox)))
	})
}

// EndAlerts ends what was counted and raised.
func (d *DB) EndAlerts(ctx context.Context, id model.MailboxID, c model.ConnectionID, side model.Side, now time.Time) error {
	return d.update(ctx, "end alerts", func(tx *tx) error {
		where, args := `mailbox = ? AND `+stops, []any{string(id)}
		if id == "" {
			where, args = `mailbox = '' AND connection = ? AND `+stops, []any{string(c)}
			if err := tx.outageOver(c, side); err != nil {
				return err
			}
		}
		if side != "" {
			where, args = where+` AND side = ?`, append(args, string(side))
		}
		if err := tx.exec(`DELETE FROM alert WHERE state = 'retrying' AND `+where, args...); err != nil {
			return err
		}
		if id != "" && side == "" { // from now on it is expected to show that it works
			if err := tx.exec(`UPDATE mailbox SET next_at = ? WHERE id = ? AND next_at < ?`, micros(now), string(id), micros(now)); err != nil {
				return err
			}
		}
		return tx.exec(`UPDATE alert SET state = 'over', over_at = ? WHERE state = 'open' AND `+where, append([]any{micros(now)}, args...)...)
	})
}

// worked clears what was only counted against a mailbox on a side that has shown
// that it works in that phase.
func (t *tx) worked(id model.MailboxID, side model.Side, phase store.Phase) error {
	return t.exec(`DELETE FROM alert WHERE mailbox = ? AND side = ? AND phase IN ('', CAST(? AS TEXT)) AND state = 'retrying'`, string(id), string(side), string(phase))
}

// decided clears what was only counted against a mailbox while it decided.
func (t *tx) decided(id model.MailboxID) error {
	return t.exec(`DELETE FROM alert WHERE mailbox = ? AND phase IN ('', CAST(? AS TEXT)) AND state = 'retrying'`, string(id), string(store.PhaseDiff))
}

// passed ends what was counted and raised against a CRM that was read to its end.
// A pass that was under way when the circuit opened proves nothing.
func (t *tx) passed(c model.ConnectionID, at time.Time) error {
	var down bool
	if err := t.get(&down, `SELECT `+isDown, string(c)); err != nil || down {
		return err
	}
	return t.endOwn(c, at)
}

// endOwn ends what was counted and raised against a connection itself.
func (t *tx) endOwn(c model.ConnectionID, at time.Time) error {
	if err := t.exec(`DELETE FROM alert WHERE mailbox = '' AND connection = ? AND state = 'retrying'`, string(c)); err != nil {
		return err
	}
	if err := t.outageOver(c, ""); err != nil {
		return err
	}
	return t.exec(`UPDATE alert SET state = 'over', over_at = ? WHERE mailbox = '' AND connection = ? AND state = 'open' AND `+stops,
		micros(at), string(c))
}

// stops is store.Alert.Stops as a condition.
const stops = `code <> '` + store.WideBrake + `' AND workload NOT IN ('` + string(store.Freshness) + `', '` + string(store.Credentials) + `')`

const openOutage = `SELECT COUNT(*) FROM alert WHERE mailbox = '' AND connection = ? AND state = 'open' AND ` + stops

// outage opens the alert of a connection through which nothing works.
func (t *tx) outage(f store.Alert, now time.Time) error {
	if f.Code == store.WideBrake {
		_, err := t.strike(f, store.AlertOpen, now)
		return err
	}
	var open int
	if err := t.get(&open, openOutage, string(f.Connection)); err != nil {
		return err
	}
	if _, err := t.strike(f, store.AlertOpen, now); err != nil || open > 0 {
		return err
	}
	return t.note(store.LogEntry{What: store.LogOutage, Subject: store.LogConnection, Name: string(f.Connection), Why: f.Message, After: f.Code})
}

// outageOver notes that a connection works again, before its alerts end.
func (t *tx) outageOver(c model.ConnectionID, side model.Side) error {
	var open int
	query, args := openOutage, []any{string(c)}
	if side != "" {
		query, args = query+` AND side = ?`, append(args, string(side))
	}
	if err := t.get(&open, query, args...); err != nil || open == 0 {
		return err
	}
	return t.note(store.LogEntry{What: store.LogOutageOver, Subject: store.LogConnection, Name: string(c)})
}

// enabled ends what stopped a mailbox that is enabled; warnings stand.
func (t *tx) enabled(id model.MailboxID) error {
	if err := t.exec(`DELETE FROM alert WHERE mailbox = ? AND state = 'retrying'`, string(id)); err != nil {
		return err
	}
	return t.exec(`UPDATE alert SET state = 'over', over_at = last_at WHERE mailbox = ? AND state = 'open' AND `+stops, string(id))
}

// endAll ends everything against a mailbox whose life ends or begins anew.
func (t *tx) endAll(id model.MailboxID) error {
	if err := t.exec(`DELETE FROM alert WHERE mailbox = ? AND state = 'retrying'`, string(id)); err != nil {
		return err
	}
	// That it is over is nobody's news: nothing was mended.
	return t.exec(`UPDATE alert SET state = 'over', over_at = last_at, told_over_at = last_at WHERE mailbox = ? AND state = 'open'`, string(id))
}

// Alerts lists sync errors.
func (d *DB) Alerts(ctx context.Context, f store.AlertFilter) ([]store.Alert, error) {
	where, args := `1 = 1`, []any(nil)
	if f.Mailbox != "" {
		where, args = where+` AND mailbox = ?`, append(args, string(f.Mailbox))
	}
	if f.Connection != "" {
		where, args = where+` AND mailbox = '' AND connection = ?`, append(args, string(f.Connection))
	}
	if !f.Over {
		where += ` AND state <> 'over'`
	}
	var rows []alertRow
	err := d.view(ctx, "list alerts", func(tx *tx) error {
		return tx.list(&rows, `SELECT `+alertColumns+` FROM alert WHERE `+where+` ORDER BY CASE state WHEN 'over' THEN 1 ELSE 0 END, last_at DESC, mailbox, connection, workload, side, phase, id`, args...)
	})
	var out []store.Alert
	for _, r := range rows {
		out = append(out, r.alert())
	}
	return out, err
}
