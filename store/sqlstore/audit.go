package sqlstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

type auditRow struct {
	ID         string `db:"id"`
	Connection string `db:"connection"`
	Mailbox    string `db:"mailbox"`
	Why        string `db:"why"`
	Begun      int64  `db:"begun"`
	Ended      int64  `db:"ended"`
	Confirmed  bool   `db:"confirmed"`
	Compared   int    `db:"compared"`
	Seal       string `db:"seal"`
}

const selectAudit = `SELECT id, connection, mailbox, why, begun, ended, confirmed, compared, seal FROM audit `

func (r auditRow) audit(drift []store.Drift) store.Audit {
	return store.Audit{
		ID: r.ID, Connection: model.ConnectionID(r.Connection), Mailbox: model.MailboxID(r.Mailbox), Why: r.Why,
		Begun: instant(r.Begun), Ended: instant(r.Ended), Confirmed: r.Confirmed, Compared: r.Compared, Drift: drift, Seal: r.Seal,
	}
}

func (r auditRow) side() model.Side {
	if r.Mailbox == "" {
		return model.CRM
	}
	return model.Mail
}

// ScheduleAudit sets when the next audit is due.
func (d *DB) ScheduleAudit(ctx context.Context, c model.ConnectionID, m model.MailboxID, at time.Time) error {
	return d.update(ctx, "schedule audit", func(tx *tx) error { return schedule(tx, string(c), string(m), at) })
}

func schedule(tx *tx, c, m string, at time.Time) error {
	if m == "" {
		return one(tx.count(`UPDATE connection SET audit_at = ? WHERE id = ?`, micros(at), c))
	}
	return one(tx.count(`UPDATE mailbox SET audit_at = ? WHERE id = ?`, micros(at), m))
}

// BeginAudit opens an audit, or takes up the one that died while it healed.
func (d *DB) BeginAudit(ctx context.Context, a store.Audit) (store.Audit, error) {
	out := a
	err := d.update(ctx, "begin audit", func(tx *tx) error {
		const open = ` WHERE connection = ? AND mailbox = ? AND ended = 0`
		var r auditRow
		err := tx.get(&r, selectAudit+open+` AND confirmed = 1`, string(a.Connection), string(a.Mailbox))
		if err == nil {
			out = r.audit(nil)
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		for _, table := range []string{"sighting", "drift"} {
			if err := tx.exec(`DELETE FROM `+table+` WHERE audit IN (SELECT id FROM audit`+open+`)`, string(a.Connection), string(a.Mailbox)); err != nil {
				return err
			}
		}
		if err := tx.exec(`DELETE FROM audit`+open, string(a.Connection), string(a.Mailbox)); err != nil {
			return err
		}
		out.ID = newID("aud")
		return tx.exec(`INSERT INTO audit (id, connection, mailbox, why, begun) VALUES (?, ?, ?, ?, ?)`,
			out.ID, string(a.Connection), string(a.Mailbox), a.Why, micros(a.Begun))
	})
	return out, err
}

// Sight notes what a listing names.
func (d *DB) Sight(ctx context.Context, audit string, refs []model.Ref) error {
	return d.update(ctx, "note what is listed", func(tx *tx) error {
		r, err := openAudit(tx, audit)
		if err != nil {
			return err
		}
		rows, have := [][]any(nil), map[[2]string]bool{}
		for _, ref := range refs {
			key := [2]string{string(ref.Kind), ref.ID}
			if !have[key] {
				have[key] = true
				rows = append(rows, []any{r.ID, r.Mailbox, string(ref.Kind), ref.ID, ref.Collection, clean(ref.Version)})
			}
		}
		return tx.insert(`INSERT INTO sighting (audit, mailbox, kind, item, collection, version)`, rows,
			`ON CONFLICT (audit, kind, item) DO UPDATE SET collection = excluded.collection, version = excluded.version`)
	})
}

func openAudit(tx *tx, id string) (auditRow, error) {
	var r auditRow
	err := tx.get(&r, selectAudit+`WHERE id = ? AND ended = 0`, id)
	return r, err
}

const insertDrift = `INSERT INTO drift (audit, mailbox, side, kind, item, collection, what, held, found, fields)`

// Compare notes in what the listings differ from what is known.
func (d *DB) Compare(ctx context.Context, audit string, listed []model.Collection, asOf time.Time) error {
	return d.update(ctx, "compare listings", func(tx *tx) error {
		r, err := openAudit(tx, audit)
		if err != nil {
			return err
		}
		head := []any{r.ID, r.Mailbox, string(r.side())}
		const columns = ` SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), `
		const known = `o.connection = ? AND o.mailbox = ? AND o.kind = s.kind AND o.item = s.item AND o.absent = 0`
		at := []any{r.Connection, r.Mailbox}
		if err := tx.exec(insertDrift+columns+`s.kind, s.item, s.collection, 'missing here', '', s.version, '' FROM sighting s
			WHERE s.audit = ? AND `+no(`SELECT 1 FROM observation o WHERE o.connection = ? AND o.mailbox = ? AND o.kind = s.kind AND o.item = s.item
				AND (o.absent <> 1 OR o.applied >= ?)`), append(append(append(head, r.ID), at...), micros(asOf))...); err != nil {
			return err
		}
		if err := tx.exec(insertDrift+columns+`s.kind, s.item, s.collection, 'other version', o.version, s.version, ''
			FROM sighting s JOIN observation o ON `+known+` WHERE s.audit = ? AND s.version <> '' AND o.version <> s.version AND o.applied < ?`,
			append(append(head, at...), r.ID, micros(asOf))...); err != nil {
			return err
		}
		for kind, ids := range idsByKind(listed) {
			if _, err := execIn(tx, insertDrift+columns+`o.kind, o.item, o.collection, 'missing there', o.version, '', '' FROM observation o
				WHERE o.connection = ? AND o.mailbox = ? AND o.kind = ? AND o.absent = 0 AND o.collection IN (?*) AND o.applied < ?
				AND `+no(`SELECT 1 FROM sighting s WHERE s.audit = ? AND s.kind = o.kind AND s.item = o.item`),
				append(append(head, at...), string(kind)), ids, micros(asOf), r.ID); err != nil {
				return err
			}
		}
		return tx.exec(`UPDATE audit SET compared = (SELECT COUNT(*) FROM sighting s WHERE s.audit = audit.id)
			+ (SELECT COUNT(*) FROM drift x WHERE x.audit = audit.id AND x.what = 'missing there') WHERE id = ?`, r.ID)
	})
}

// ConfirmDrift drops what the changes told since the comparison.
func (d *DB) ConfirmDrift(ctx context.Context, audit string) ([]store.Drift, error) {
	var out []store.Drift
	err := d.update(ctx, "confirm drift", func(tx *tx) error {
		r, err := openAudit(tx, audit)
		if err != nil {
			return err
		}
		if !r.Confirmed {
			if err := tx.exec(`DELETE FROM drift WHERE audit = ? AND held <> COALESCE((SELECT o.version FROM observation o
				WHERE o.connection = ? AND o.mailbox = ? AND o.kind = drift.kind AND o.item = drift.item AND o.absent = 0), '')`,
				r.ID, r.Connection, r.Mailbox); err != nil {
				return err
			}
			if err := tx.exec(`DELETE FROM sighting WHERE audit = ?`, r.ID); err != nil {
				return err
			}
			if err := tx.exec(`UPDATE audit SET confirmed = 1 WHERE id = ?`, r.ID); err != nil {
				return err
			}
		}
		out, err = drifts(tx, r.ID)
		return err
	})
	return out, err
}

func drifts(tx *tx, audit string) ([]store.Drift, error) {
	var rows []struct {
		Side       string `db:"side"`
		Kind       string `db:"kind"`
		Item       string `db:"item"`
		Collection string `db:"collection"`
		What       string `db:"what"`
		Held       string `db:"held"`
		Found      string `db:"found"`
		Fields     string `db:"fields"`
	}
	err := tx.list(&rows, `SELECT side, kind, item, collection, what, held, found, fields FROM drift WHERE audit = ? ORDER BY side, kind, item`, audit)
	var out []store.Drift
	for _, r := range rows {
		v := store.Drift{
			Side: model.Side(r.Side), Kind: model.Kind(r.Kind), Item: r.Item, Collection: r.Collection, What: store.DriftKind(r.What), Held: r.Held, Found: r.Found,
		}
		if r.Fields != "" {
			v.Fields = strings.Split(r.Fields, " ")
		}
		out = append(out, v)
	}
	return out, err
}

// NoteDrift adds what differs between the sides.
func (d *DB) NoteDrift(ctx context.Context, audit string, found []store.Drift) error {
	return d.update(ctx, "note drift", func(tx *tx) error {
		r, err := openAudit(tx, audit)
		if err != nil {
			return err
		}
		var rows [][]any
		var pending []pendingRow
		for _, v := range found {
			rows = append(rows, []any{
				r.ID, r.Mailbox, string(v.Side), string(v.Kind), v.Item, v.Collection, string(v.What), clean(v.Held), clean(v.Found), strings.Join(v.Fields, " "),
			})
			if v.What == store.Overlooked {
				pending = append(pending, pendingRow{r.Mailbox, string(v.Side), string(v.Kind), v.Item})
			}
		}
		if err := tx.insert(insertDrift, rows, `ON CONFLICT (audit, side, kind, item) DO NOTHING`); err != nil {
			return err
		}
		return pend(tx, pending)
	})
}

// EndAudit seals the report.
func (d *DB) EndAudit(ctx context.Context, audit string, unproven []store.Drift, now, next time.Time) (store.Audit, error) {
	keys, err := d.keys(ctx)
	if err != nil {
		return store.Audit{}, err
	}
	var out store.Audit
	err = d.update(ctx, "end audit", func(tx *tx) error {
		r, err := openAudit(tx, audit)
		if err != nil {
			return err
		}
		byKind := map[model.Kind][]string{}
		for _, v := range unproven {
			byKind[v.Kind] = append(byKind[v.Kind], v.Item)
		}
		for kind, items := range byKind {
			if _, err := execIn(tx, `DELETE FROM drift WHERE audit = ? AND side = ? AND kind = ? AND item IN (?*)`,
				[]any{r.ID, string(r.side()), string(kind)}, items); err != nil {
				return err
			}
		}
		found, err := drifts(tx, r.ID)
		if err != nil {
			return err
		}
		r.Ended, r.Confirmed = micros(now), false
		out = r.audit(found)
		if out.Seal, err = sealed(keys, out); err != nil {
			return err
		}
		out.Genuine = true
		if err := tx.exec(`UPDATE audit SET ended = ?, confirmed = 0, seal = ? WHERE id = ?`, r.Ended, out.Seal, r.ID); err != nil {
			return err
		}
		if err := tx.exec(`DELETE FROM sighting WHERE audit = ?`, r.ID); err != nil {
			return err
		}
		return schedule(tx, r.Connection, r.Mailbox, next)
	})
	return out, err
}

// sealed sums up a report under the installation's key.
func sealed(keys installation, a store.Audit) (string, error) {
	a.Seal, a.Genuine = "", false
	text, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("seal audit: %w", err)
	}
	return hex.EncodeToString(keys.audit.Sum(text)), nil
}

// LastAudit returns the newest report and whether it is as it was sealed.
func (d *DB) LastAudit(ctx context.Context, c model.ConnectionID, m model.MailboxID) (store.Audit, error) {
	keys, err := d.keys(ctx)
	if err != nil {
		return store.Audit{}, err
	}
	var out store.Audit
	err = d.view(ctx, "read audit", func(tx *tx) error {
		var r auditRow
		if err := tx.get(&r, selectAudit+`WHERE connection = ? AND mailbox = ? AND ended > 0 ORDER BY begun DESC, id DESC LIMIT 1`, string(c), string(m)); err != nil {
			return err
		}
		found, err := drifts(tx, r.ID)
		if err != nil {
			return err
		}
		out = r.audit(found)
		seal, err := sealed(keys, out)
		out.Genuine = seal == out.Seal
		return err
	})
	return out, err
}
