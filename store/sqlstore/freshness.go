package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

type lifeRow struct {
	ID      string `db:"id"`
	Mail    string `db:"mail"`
	CRM     string `db:"crm"`
	Policy  string `db:"policy"`
	Proven  int64  `db:"last_success"`
	Created int64  `db:"created"`
	Next    int64  `db:"next_at"`
}

type pulseRow struct {
	ID    string `db:"id"`
	Every int64  `db:"every"`
	Begun int64  `db:"pass_begun"`
}

// CheckFreshness raises and ends freshness alarms: three readings of short rows,
// a decision, and as many writes as there is news.
func (d *DB) CheckFreshness(ctx context.Context, w store.Watch, now time.Time) (int, int, error) {
	var v store.Verdicts
	err := d.update(ctx, "check freshness", func(tx *tx) error {
		var err error
		if v, err = tx.judge(w, now); err != nil {
			return err
		}
		var rows [][]any
		for _, a := range v.Raise {
			rows = append(rows, []any{
				newID("alt"), string(a.Mailbox), string(a.Connection), string(a.Workload), string(a.Side), scopeOfAlert(a), string(store.AlertOpen),
				a.Code, clean(a.Message), "", 1, micros(a.First), micros(now),
			})
		}
		// Who is faster raises it.
		if err := tx.insert(`INSERT INTO alert (id, mailbox, connection, workload, side, scope, state, code, message, evidence, times, first_at, last_at)`, rows,
			`ON CONFLICT (mailbox, connection, workload, side, phase) WHERE state <> 'over' DO NOTHING`); err != nil {
			return err
		}
		for _, u := range []struct {
			query string
			args  []any
			ids   []string
		}{
			{`UPDATE alert SET state = 'over', over_at = ? WHERE id IN (?*)`, []any{micros(now)}, v.End},
			{`UPDATE alert SET told_over_at = ? WHERE id IN (?*)`, []any{micros(now)}, v.Silent},
			{`UPDATE alert SET last_at = ? WHERE id IN (?*)`, []any{micros(now)}, v.Still},
		} {
			if _, err := execIn(tx, u.query, u.args, u.ids); err != nil {
				return err
			}
		}
		return nil
	})
	return len(v.Raise), len(v.End), err
}

func (t *tx) judge(w store.Watch, now time.Time) (store.Verdicts, error) {
	var lives []lifeRow
	if err := t.list(&lives, `SELECT id, mail, crm, policy, last_success, created, next_at FROM mailbox WHERE state = 'active' ORDER BY id`); err != nil {
		return store.Verdicts{}, err
	}
	var pulses []pulseRow
	if err := t.list(&pulses, `SELECT id, every, pass_begun FROM connection WHERE side = 'crm' ORDER BY id`); err != nil {
		return store.Verdicts{}, err
	}
	var open []alertRow
	if err := t.list(&open, `SELECT `+alertColumns+` FROM alert WHERE state = 'open' AND (mailbox = '' OR workload IN (?, ?)) ORDER BY id`,
		string(store.Freshness), string(store.Credentials)); err != nil {
		return store.Verdicts{}, err
	}
	var a []store.Life
	for _, l := range lives {
		a = append(a, store.Life{
			Mailbox: model.MailboxID(l.ID), Mail: model.ConnectionID(l.Mail), CRM: model.ConnectionID(l.CRM), Policy: l.Policy,
			Proven: instant(l.Proven), Due: instant(max(l.Created, l.Next, l.Proven)),
		})
	}
	var b []store.Pulse
	for _, p := range pulses {
		b = append(b, store.Pulse{Connection: model.ConnectionID(p.ID), Every: time.Duration(p.Every), Begun: instant(p.Begun)})
	}
	var c []store.Alert
	for _, r := range open {
		c = append(c, r.alert())
	}
	terms, err := t.terms()
	return store.Judge(w, a, b, terms, c, now), err
}

// SetExpiry notes when credentials expire.
func (d *DB) SetExpiry(ctx context.Context, m model.MailboxID, c model.ConnectionID, at time.Time) error {
	if m != "" {
		c = ""
	}
	return d.update(ctx, "note when credentials expire", func(tx *tx) error {
		if err := tx.exec(`DELETE FROM expiry WHERE mailbox = ? AND connection = ?`, string(m), string(c)); err != nil || at.IsZero() {
			return err
		}
		return tx.exec(`INSERT INTO expiry (mailbox, connection, expires_at) VALUES (?, ?, ?)`, string(m), string(c), micros(at))
	})
}

// Expiries lists when credentials expire.
func (d *DB) Expiries(ctx context.Context) ([]store.Term, error) {
	var out []store.Term
	err := d.view(ctx, "list when credentials expire", func(tx *tx) (err error) {
		out, err = tx.terms()
		return err
	})
	return out, err
}

func (t *tx) terms() ([]store.Term, error) {
	var rows []struct {
		Mailbox    string `db:"mailbox"`
		Connection string `db:"connection"`
		Side       string `db:"side"`
		Expires    int64  `db:"expires_at"`
	}
	err := t.list(&rows, `SELECT e.mailbox, m.mail AS connection, 'mail' AS side, e.expires_at FROM expiry e JOIN mailbox m ON m.id = e.mailbox WHERE m.state <> 'retired'
		UNION ALL SELECT e.mailbox, c.id, c.side, e.expires_at FROM expiry e JOIN connection c ON c.id = e.connection
		ORDER BY expires_at, mailbox, connection`)
	var out []store.Term
	for _, r := range rows {
		out = append(out, store.Term{Mailbox: model.MailboxID(r.Mailbox), Connection: model.ConnectionID(r.Connection), Side: model.Side(r.Side), Expires: instant(r.Expires)})
	}
	return out, err
}
