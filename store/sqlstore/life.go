package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// setting changes one text column of a mailbox and notes it, if it differs.
func (d *DB) setting(ctx context.Context, id model.MailboxID, column, value string, what store.LogVerb) error {
	return d.update(ctx, "set "+column+" of mailbox "+string(id), func(tx *tx) error {
		var was string
		if err := tx.get(&was, `SELECT `+column+` FROM mailbox WHERE id = ?`, string(id)); err != nil || was == value {
			return err
		}
		if err := tx.exec(`UPDATE mailbox SET `+column+` = ? WHERE id = ?`, value, string(id)); err != nil {
			return err
		}
		return tx.note(store.LogEntry{What: what, Subject: store.LogMailbox, Name: string(id), Before: was, After: value})
	})
}

// SetWorkloads turns workloads on and off.
func (d *DB) SetWorkloads(ctx context.Context, id model.MailboxID, on model.Workloads) error {
	return d.setting(ctx, id, "workloads", string(on), store.LogWorkload)
}

// Acknowledge notes of which other software a person knows.
func (d *DB) Acknowledge(ctx context.Context, id model.MailboxID, software string) error {
	return d.setting(ctx, id, "acknowledged", software, store.LogAcked)
}

// SetOwned notes since when our note stands in a mailbox.
func (d *DB) SetOwned(ctx context.Context, id model.MailboxID, at time.Time, taken string) error {
	return d.update(ctx, "note whose mailbox "+string(id)+" is", func(tx *tx) error {
		if err := one(tx.count(`UPDATE mailbox SET owned = ? WHERE id = ?`, micros(at), string(id))); err != nil || taken == "" {
			return err
		}
		return tx.note(store.LogEntry{What: store.LogTaken, Subject: store.LogMailbox, Name: string(id), Before: clean(taken)})
	})
}

// SaveProbes replaces what Test & Enable found.
func (d *DB) SaveProbes(ctx context.Context, id model.MailboxID, found []store.Probe, now time.Time) error {
	return d.update(ctx, "save probes of mailbox "+string(id), func(tx *tx) error {
		var have int
		if err := tx.get(&have, `SELECT COUNT(*) FROM mailbox WHERE id = ?`, string(id)); err != nil {
			return err
		}
		if have == 0 {
			return store.ErrNotFound
		}
		if err := tx.exec(`DELETE FROM probe WHERE mailbox = ?`, string(id)); err != nil {
			return err
		}
		var rows [][]any
		for i, p := range found {
			rows = append(rows, []any{string(id), string(p.Workload), string(p.Side), string(p.Step), i, string(p.Verdict), clean(p.Message), micros(now)})
		}
		return tx.insert(`INSERT INTO probe (mailbox, workload, side, step, number, verdict, message, at)`, rows, "")
	})
}

// Probes lists what Test & Enable found.
func (d *DB) Probes(ctx context.Context, id model.MailboxID) ([]store.Probe, error) {
	var rows []struct {
		Workload string `db:"workload"`
		Side     string `db:"side"`
		Step     string `db:"step"`
		Verdict  string `db:"verdict"`
		Message  string `db:"message"`
		At       int64  `db:"at"`
	}
	err := d.view(ctx, "list probes of mailbox "+string(id), func(tx *tx) error {
		return tx.list(&rows, `SELECT workload, side, step, verdict, message, at FROM probe WHERE mailbox = ? ORDER BY number`, string(id))
	})
	var out []store.Probe
	for _, r := range rows {
		out = append(out, store.Probe{
			Workload: model.Workload(r.Workload), Side: model.Side(r.Side), Step: store.ProbeStep(r.Step),
			Verdict: store.ProbeVerdict(r.Verdict), Message: r.Message, At: instant(r.At),
		})
	}
	return out, err
}
