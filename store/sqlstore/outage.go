package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// circuitRow is how a connection stands; NULLs of a connection that was never
// down are read as zero.
type circuitRow struct {
	State     string `db:"k_state"`
	Opened    int64  `db:"k_opened"`
	Since     int64  `db:"k_since"`
	Code      string `db:"k_code"`
	Message   string `db:"k_message"`
	Permanent bool   `db:"k_permanent"`
	Probes    int    `db:"k_probes"`
	Next      int64  `db:"k_next"`
	Closed    int64  `db:"k_closed"`
	Calm      int64  `db:"k_calm"`
}

const circuitColumns = `COALESCE(k.state, 'closed') AS k_state, COALESCE(k.opened, 0) AS k_opened, COALESCE(k.since, 0) AS k_since,
	COALESCE(k.code, '') AS k_code, COALESCE(k.message, '') AS k_message, COALESCE(k.permanent, 0) AS k_permanent, COALESCE(k.probes, 0) AS k_probes,
	COALESCE(k.next_at, 0) AS k_next, COALESCE(k.closed_at, 0) AS k_closed, COALESCE(k.calm_at, 0) AS k_calm`

func (r circuitRow) circuit() model.Circuit {
	return model.Circuit{
		State: model.CircuitState(r.State), Opened: r.Opened, Since: instant(r.Since), Code: r.Code, Message: r.Message,
		Permanent: r.Permanent, Probes: r.Probes, Next: instant(r.Next), Closed: instant(r.Closed), Calm: instant(r.Calm),
	}
}

// isDown is the condition that a connection is not to be used.
const isDown = `EXISTS (SELECT 1 FROM circuit k WHERE k.connection = ? AND k.state <> 'closed')`

func (t *tx) circuit(c string) (model.Circuit, error) {
	var r circuitRow
	err := t.get(&r, `SELECT `+circuitColumns+` FROM circuit k WHERE k.connection = ?`, c)
	return r.circuit(), err
}

// Suspect notes a fault of a whole system.
func (d *DB) Suspect(ctx context.Context, f store.Alert, t store.Trial, now time.Time) (store.Suspicion, error) {
	var out store.Suspicion
	f.Scope = "server"
	err := d.update(ctx, "note fault of a system", func(tx *tx) error {
		out = store.Suspicion{}
		var c string
		err := tx.get(&c, `SELECT CASE CAST(? AS TEXT) WHEN 'crm' THEN m.crm ELSE m.mail END FROM mailbox m WHERE m.id = ?
			UNION ALL SELECT c.id FROM connection c WHERE c.id = ? AND CAST(? AS TEXT) = ''`,
			string(f.Side), string(f.Mailbox), string(f.Connection), string(f.Mailbox))
		if err != nil {
			return err
		}
		out.Connection = model.ConnectionID(c)
		if out.Times, out.Opened, err = tx.suspect(c, f, t, now); err != nil {
			return err
		}
		out.Circuit, err = tx.circuit(c)
		return err
	})
	return out, err
}

// suspect notes a fault against a connection whose circuit is closed, and opens
// it where that is enough.
func (t *tx) suspect(c string, f store.Alert, tr store.Trial, now time.Time) (times int, opened bool, err error) {
	// Whoever notes a fault of the same system waits here for the other: two that
	// open it at the same time make one event.
	n, err := t.count(`INSERT INTO circuit (connection, state, opened, since, code, message, permanent, probes, next_at, closed_at, calm_at, suspected, suspected_at)
		VALUES (?, 'closed', 0, 0, '', '', 0, 0, 0, 0, 0, 1, 0)
		ON CONFLICT (connection) DO UPDATE SET suspected = circuit.suspected + 1 WHERE circuit.state = 'closed'`, c)
	if err != nil || n == 0 {
		return 0, false, err
	}
	if times, err = t.strike(f, store.AlertRetrying, now); err != nil {
		return 0, false, err
	}
	var row struct {
		Met    int `db:"suspected"`
		Active int `db:"active"`
	}
	err = t.get(&row, `UPDATE circuit SET suspected_at = ?, suspected = CASE WHEN suspected_at > closed_at AND suspected_at > (
			SELECT CASE c.side WHEN 'crm' THEN c.pass_begun ELSE (SELECT COALESCE(MAX(m.last_success), 0) FROM mailbox m WHERE m.mail = c.id) END
			FROM connection c WHERE c.id = circuit.connection) THEN suspected ELSE 1 END
		WHERE connection = ? RETURNING suspected, (SELECT COUNT(*) FROM mailbox m WHERE m.state = 'active' AND (m.crm = ? OR m.mail = ?)) AS active`,
		micros(now), c, c, c)
	if err != nil || !tr.Permanent && row.Met < store.Witnesses(row.Active) {
		return times, false, err
	}
	return times, true, t.openCircuit(c, f, tr, now)
}

// openCircuit opens a circuit that is closed. The connection's own alert counts
// its failed probes.
func (t *tx) openCircuit(c string, f store.Alert, tr store.Trial, now time.Time) error {
	var probes int
	if err := t.get(&probes, `UPDATE circuit SET state = 'open', opened = opened + 1, since = ?, code = ?, message = ?, permanent = ?, next_at = ?,
		probes = CASE WHEN closed_at > CAST(? AS BIGINT) AND opened > 0 THEN probes + 1 ELSE 0 END WHERE connection = ? RETURNING probes`,
		micros(now), f.Code, clean(f.Message), flag(tr.Permanent), micros(due(tr)), micros(now.Add(-tr.Relapse)), c); err != nil {
		return err
	}
	// Who was told of it, and then that it is over, is told the same again.
	if err := t.exec(`UPDATE alert SET state = 'open', over_at = 0 WHERE id = (
		SELECT a.id FROM alert a WHERE a.mailbox = '' AND a.connection = ? AND a.state = 'over' AND a.over_at > ? ORDER BY a.over_at DESC, a.id DESC LIMIT 1)
		AND NOT EXISTS (SELECT 1 FROM alert o WHERE o.mailbox = '' AND o.connection = alert.connection AND o.state <> 'over')`,
		c, micros(now.Add(-tr.Relapse))); err != nil {
		return err
	}
	return t.tell(c, f, tr, probes, now)
}

// due is when a connection is probed next; never, where that would help nobody.
func due(t store.Trial) time.Time {
	if t.Permanent {
		return time.Time{}
	}
	return t.Next
}

// tell notes in the connection's own alert that it is down; from some failed
// probes on somebody has to know.
func (t *tx) tell(c string, f store.Alert, tr store.Trial, probes int, now time.Time) error {
	f.Mailbox, f.Connection, f.Phase = "", model.ConnectionID(c), ""
	if tr.Permanent || tr.Patience > 0 && probes >= tr.Patience {
		return t.outage(f, now)
	}
	_, err := t.strike(f, store.AlertRetrying, now)
	return err
}

// BeginProbe gives one prober a while.
func (d *DB) BeginProbe(ctx context.Context, c model.ConnectionID, now, ends time.Time) (model.Circuit, error) {
	var out model.Circuit
	err := d.update(ctx, "begin probe of connection "+string(c), func(tx *tx) error {
		n, err := tx.count(`UPDATE circuit SET state = 'probing', next_at = ? WHERE connection = ? AND state <> 'closed' AND permanent = 0 AND next_at <= ?`,
			micros(ends), string(c), micros(now))
		if err := stale(n, err); err != nil {
			return err
		}
		out, err = tx.circuit(string(c))
		return err
	})
	return out, err
}

// FailProbe records that a probe came to nothing.
func (d *DB) FailProbe(ctx context.Context, c model.ConnectionID, was model.Circuit, f store.Alert, t store.Trial, now time.Time) (model.Circuit, error) {
	var out model.Circuit
	err := d.update(ctx, "record probe of connection "+string(c), func(tx *tx) error {
		n, err := tx.count(`UPDATE circuit SET state = 'open', probes = probes + 1, code = ?, message = ?, permanent = ?, next_at = ?
			WHERE connection = ? AND state = 'probing' AND opened = ? AND probes = ?`,
			f.Code, clean(f.Message), flag(t.Permanent), micros(due(t)), string(c), was.Opened, was.Probes)
		if err := stale(n, err); err != nil {
			return err
		}
		if out, err = tx.circuit(string(c)); err != nil {
			return err
		}
		return tx.tell(string(c), f, t, out.Probes, now)
	})
	return out, err
}

// Recent lists active mailboxes that worked lately.
func (d *DB) Recent(ctx context.Context, c model.ConnectionID, limit int) ([]model.Mailbox, error) {
	var out []model.Mailbox
	err := d.view(ctx, "list mailboxes of connection "+string(c), func(tx *tx) error {
		var rows []mailboxRow
		if err := tx.list(&rows, selectMailbox+`WHERE state = 'active' AND (crm = ? OR mail = ?) ORDER BY last_success DESC, id LIMIT ?`,
			string(c), string(c), limit); err != nil {
			return err
		}
		for _, r := range rows {
			m, err := d.mailbox(r)
			if err != nil {
				return err
			}
			out = append(out, m)
		}
		return nil
	})
	return out, err
}

// Recover closes an outage and gives each mailbox its turn.
func (d *DB) Recover(ctx context.Context, c model.ConnectionID, opened int64, now time.Time, gap time.Duration) (int, error) {
	var waiting int64
	err := d.update(ctx, "end outage of connection "+string(c), func(tx *tx) error {
		id := string(c)
		n, err := tx.count(`UPDATE circuit SET state = 'closed', permanent = 0, next_at = 0, closed_at = ? WHERE connection = ? AND state <> 'closed' AND (opened = ? OR ? = 0)`,
			micros(now), id, opened, opened)
		if err := stale(n, err); err != nil {
			return err
		}
		if err := tx.endOwn(c, now); err != nil {
			return err
		}
		// The first comes at once.
		if waiting, err = tx.count(`UPDATE mailbox SET next_at = CAST(? AS BIGINT) + (t.place - 1) * CAST(? AS BIGINT)
			FROM (SELECT m.id, ROW_NUMBER() OVER (ORDER BY CASE WHEN EXISTS (SELECT 1 FROM pending p WHERE p.mailbox = m.id AND p.state = 0) THEN 0 ELSE 1 END,
				m.last_success, m.id) AS place FROM mailbox m WHERE m.state = 'active' AND (m.crm = ? OR m.mail = ?)) t
			WHERE mailbox.id = t.id`, micros(now), gap.Microseconds(), id, id); err != nil {
			return err
		}
		return tx.exec(`UPDATE circuit SET calm_at = ? WHERE connection = ?`, micros(now.Add(time.Duration(waiting)*gap)), id)
	})
	return int(waiting), err
}

// Turns lists mailboxes whose turn it is.
func (d *DB) Turns(ctx context.Context, c model.ConnectionID, after store.Turn, until time.Time, limit int) ([]store.Turn, error) {
	var rows []struct {
		ID string `db:"id"`
		At int64  `db:"next_at"`
	}
	err := d.view(ctx, "list turns at connection "+string(c), func(tx *tx) error {
		return tx.list(&rows, `SELECT m.id, m.next_at FROM mailbox m JOIN circuit k ON k.connection = ? AND k.state = 'closed'
			WHERE (m.crm = k.connection OR m.mail = k.connection) AND m.state = 'active' AND m.fetch_begun < k.closed_at
			AND m.next_at <= ? AND m.next_at <= k.calm_at AND (m.next_at > ? OR m.next_at = ? AND m.id > ?) ORDER BY m.next_at, m.id LIMIT ?`,
			string(c), micros(until), micros(after.At), micros(after.At), string(after.Mailbox), limit)
	})
	var out []store.Turn
	for _, r := range rows {
		out = append(out, store.Turn{At: instant(r.At), Mailbox: model.MailboxID(r.ID)})
	}
	return out, err
}
