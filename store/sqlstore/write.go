package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// States of an operation besides the outcomes of a receipt.
const (
	planned = "planned"
	held    = "held"
)

type operationRow struct {
	Number   int    `db:"number"`
	Entity   string `db:"entity"`
	Body     []byte `db:"body"`
	Content  []byte `db:"content"`
	Raw      []byte `db:"raw"`
	OtherKey []byte `db:"other_key"`
	State    string `db:"state"`
	Held     string `db:"held"`
	Verdict  string `db:"verdict"`
}

const selectOperation = `SELECT number, entity, body, content, raw, other_key, state, held, verdict FROM operation `

// Writes pages over the operations of a plan that are not done. CRM and mail
// operations are numbered in one order and asked for one side at a time.
func (d *DB) Writes(ctx context.Context, planID string, side model.Side, after, limit int) ([]store.Planned, error) {
	return d.operations(ctx, `WHERE plan = ? AND side = ? AND state IN ('planned', 'unknown') AND number > ? ORDER BY number LIMIT ?`,
		planID, string(side), after, limit)
}

// PlanWrites lists a plan's operations.
func (d *DB) PlanWrites(ctx context.Context, planID string, after, limit int) ([]store.Planned, error) {
	return d.operations(ctx, `WHERE plan = ? AND number > ? ORDER BY number LIMIT ?`, planID, after, limit)
}

func (d *DB) operations(ctx context.Context, where string, args ...any) ([]store.Planned, error) {
	var out []store.Planned
	err := d.view(ctx, "list operations", func(tx *tx) error {
		var rows []operationRow
		if err := tx.list(&rows, selectOperation+where, args...); err != nil {
			return err
		}
		var contents, raws [][]byte
		for _, r := range rows {
			contents, raws = append(contents, r.Content), append(raws, r.Raw)
		}
		found, err := loadContents(tx, contents)
		if err != nil {
			return err
		}
		bytes, err := loadBodies(tx, raws)
		if err != nil {
			return err
		}
		for _, r := range rows {
			p := store.Planned{Number: r.Number, State: r.State, Verdict: plan.Verdict(r.Verdict)}
			if err := json.Unmarshal(r.Body, &p.Write); err != nil {
				return fmt.Errorf("decode operation %d: %w", r.Number, err)
			}
			p.Op.Content, p.Op.Raw, p.OtherKey = found[hexKey(r.Content)], bytes[string(r.Raw)], hexKey(r.OtherKey)
			p.Held = r.Held
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

// saveOperations stores the writes of a chunk. Bodies go to content; the bytes
// an update edits are those last seen of its target in the expected version.
func saveOperations(tx *tx, s scope, planID string, writes []plan.Write, from int, stored *bodies) error {
	var rows [][]any
	for i, w := range writes {
		content, raw := stored.content(w.Op.Content), stored.raw(w.Op.Raw)
		other, err := byteKey(w.OtherKey)
		if err != nil {
			return err
		}
		state := planned
		if w.Held != "" {
			state = held
		}
		if w.Left {
			state = leftAlone
		}
		rest := w
		rest.Op.Content, rest.Op.Raw, rest.OtherKey, rest.Held = nil, nil, "", ""
		body, err := json.Marshal(rest)
		if err != nil {
			return fmt.Errorf("encode operation %d: %w", from+i, err)
		}
		rows = append(rows, []any{
			planID, int64(from + i), s.ID, string(w.Side), string(w.Kind), string(w.Entity),
			string(w.Op.Action), w.Op.Ref.ID, w.Op.Expect, state, body, null(content), null(raw), null(other), w.Held, audience(w), string(given(w)),
		})
	}
	if err := stored.save(tx, nil); err != nil {
		return err
	}
	if err := tx.insert(`INSERT INTO operation (plan, number, mailbox, side, kind, entity, action, item, expect, state, body, content, raw, other_key, held, audience, verdict)`,
		rows, ``); err != nil {
		return err
	}
	if len(rows) == 0 {
		return nil
	}
	const target = `o.connection = CASE operation.side WHEN 'crm' THEN CAST(? AS TEXT) ELSE CAST(? AS TEXT) END
		AND o.mailbox = CASE operation.side WHEN 'crm' THEN '' ELSE operation.mailbox END
		AND o.kind = operation.kind AND o.item = operation.item AND o.version = operation.expect`
	return tx.exec(`UPDATE operation SET raw = COALESCE(raw, (SELECT o.raw FROM observation o WHERE `+target+`)),
		before = (SELECT o.content FROM observation o WHERE `+target+`)
		WHERE plan = ? AND number >= ? AND action IN ('update', 'stamp', 'delete')`, s.CRM, s.Mail, s.CRM, s.Mail, planID, from)
}

// given is the verdict that a write comes with.
func given(w plan.Write) plan.Verdict {
	if w.Confirmed {
		return plan.Confirmed
	}
	return plan.Undecided
}

// Commit records a batch's receipts.
func (d *DB) Commit(ctx context.Context, id model.MailboxID, token, planID string, results []store.Result, now time.Time) ([]model.MailboxID, error) {
	keys, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	var woken []model.MailboxID
	err = d.routing(ctx, "commit results of mailbox "+string(id), func(tx *tx) error {
		if err := holds(tx, id, token); err != nil {
			return err
		}
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		l := landing{tx: tx, scope: s, keys: keys, now: now, plan: planID}
		batch := make([]landed, len(results))
		for i, r := range results {
			batch[i].Result = r
		}
		if err := l.land(batch); err != nil {
			return err
		}
		slices.Sort(l.woken)
		woken = slices.Compact(l.woken)
		return nil
	})
	return woken, err
}

// FinishPlan ends an applied plan.
func (d *DB) FinishPlan(ctx context.Context, id model.MailboxID, token, planID string, r store.Round) error {
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return fmt.Errorf("finish plan: %w", err)
	}
	return d.update(ctx, "finish plan of mailbox "+string(id), func(tx *tx) error {
		if err := holds(tx, id, token); err != nil {
			return err
		}
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		if err := unfinished(tx, s, planID, planned); err != nil {
			return err
		}
		n, err := tx.count(`UPDATE plan SET state = ? WHERE id = ? AND mailbox = ? AND state IN (?, ?)`,
			string(store.PlanDone), planID, s.ID, string(store.PlanReady), string(store.PlanDone))
		if err := stale(n, err); err != nil {
			return err
		}
		if err := settleApproval(tx, id, planID); err != nil {
			return err
		}
		if err := endUndo(tx, id, planID); err != nil {
			return err
		}
		// A first sync, or another plan that waits as a whole, of which a part
		// still waits is not over.
		const waits = `EXISTS (SELECT 1 FROM operation w WHERE w.plan = ? AND w.state = 'held')`
		if err := tx.exec(`UPDATE mailbox SET audit_at = CASE WHEN audit_at = 0 THEN CAST(? AS BIGINT) ELSE audit_at END,
			initialized = CASE WHEN `+waits+` THEN initialized ELSE 1 END, hold = CASE WHEN `+waits+` THEN hold ELSE '' END WHERE id = ?`,
			micros(r.Ended.Add(store.AuditEvery)), planID, planID, s.ID); err != nil {
			return err
		}
		return tx.exec(`INSERT INTO round (mailbox, number, started, ended, counts, done, refused, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (mailbox, number, started) DO UPDATE SET ended = excluded.ended, counts = excluded.counts, done = excluded.done,
			refused = excluded.refused, note = excluded.note`,
			s.ID, r.Number, micros(r.Started), micros(r.Ended), counts, int64(r.Done), int64(r.Refused), r.Note)
	})
}
