package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// What a plan did with a pending row it looked at.
type regard int64

const (
	fresh   regard = 0 // nothing yet: the next plan must look
	settled regard = 1 // decided without a write: gone once the plan is sealed
	written regard = 2 // decided by a write: gone once the plan is ready
	waiting regard = 3 // decided by a write that waits for approval: stays, but is no news
)

// BeginPlan opens a new plan, replacing one that is open, shown or held.
func (d *DB) BeginPlan(ctx context.Context, p store.PlanRow) (string, error) {
	p.ID = newID("pln")
	counts, err := json.Marshal(p.Counts)
	if err != nil {
		return "", fmt.Errorf("begin plan: %w", err)
	}
	err = d.update(ctx, "begin plan of mailbox "+string(p.Mailbox), func(tx *tx) error {
		if err := replace(tx, p.Mailbox, store.PlanOpen, store.PlanShown, store.PlanHeld); err != nil {
			return err
		}
		return tx.exec(`INSERT INTO plan (id, mailbox, round, state, hash, why, counts, created, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			p.ID, string(p.Mailbox), p.Round, string(store.PlanOpen), p.Hash, p.Why, counts, micros(p.At), p.Request)
	})
	return p.ID, err
}

// replace drops a mailbox's plans in some states and gives back what they
// looked at.
func replace(tx *tx, id model.MailboxID, states ...store.PlanState) error {
	for _, s := range states {
		const mine = `(SELECT n.id FROM plan n WHERE n.mailbox = ? AND n.state = ?)`
		if err := tx.exec(`UPDATE pending SET state = 0, plan = '' WHERE mailbox = ? AND plan IN `+mine, string(id), string(id), string(s)); err != nil {
			return err
		}
		if err := tx.exec(`UPDATE plan SET state = ? WHERE mailbox = ? AND state = ?`, string(store.PlanDropped), string(id), string(s)); err != nil {
			return err
		}
	}
	return nil
}

// unfinished makes the pairs of operations in some states pending again.
func unfinished(tx *tx, s scope, planID string, states ...string) error {
	mark := newMark()
	for _, side := range []model.Side{model.CRM, model.Mail} {
		item := string(side) + "_item"
		for _, state := range states {
			if err := tx.exec(`INSERT INTO pending (mailbox, side, kind, item, mark)
				SELECT DISTINCT u.mailbox, CAST(? AS TEXT), u.kind, u.item, CAST(? AS BIGINT)
				FROM (SELECT w.mailbox, w.kind, (SELECT l.`+item+` FROM link l WHERE l.mailbox = w.mailbox AND l.entity = w.entity) AS item
					FROM operation w WHERE w.plan = ? AND w.mailbox = ? AND w.state = ?) u
				WHERE u.item IS NOT NULL`+bump,
				string(side), mark, planID, s.ID, state); err != nil {
				return err
			}
		}
	}
	return nil
}

// regardRows notes what a plan decided about the rows whose mark is still the
// one that was read.
func regardRows(tx *tx, planID string, regards map[pendingRow]regard, marks map[pendingRow]int64) error {
	bySideKind := map[[3]string][]string{}
	for r := range regards {
		key := [3]string{r.mailbox, r.side, r.kind}
		bySideKind[key] = append(bySideKind[key], r.item)
	}
	var rows [][]any
	for key, items := range bySideKind {
		slices.Sort(items)
		now, err := listIn[struct {
			Item string `db:"item"`
			Mark int64  `db:"mark"`
		}](tx, `SELECT item, mark FROM pending WHERE mailbox = ? AND side = ? AND kind = ? AND item IN (?*)`, []any{key[0], key[1], key[2]}, items)
		if err != nil {
			return err
		}
		for _, n := range now {
			r := pendingRow{key[0], key[1], key[2], n.Item}
			if marks[r] == n.Mark {
				rows = append(rows, []any{r.mailbox, r.side, r.kind, r.item, n.Mark, planID, int64(regards[r])})
			}
		}
	}
	return tx.insert(`INSERT INTO pending (mailbox, side, kind, item, mark, plan, state)`, rows,
		`ON CONFLICT (mailbox, side, kind, item) DO UPDATE SET plan = excluded.plan, state = excluded.state WHERE pending.mark = excluded.mark`)
}

// DropPlan ends the plan that was not carried out to its end.
func (d *DB) DropPlan(ctx context.Context, id model.MailboxID) error {
	return d.update(ctx, "drop plan of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var ids []string
		if err := tx.list(&ids, `SELECT id FROM plan WHERE mailbox = ? AND state = ? ORDER BY id`, s.ID, string(store.PlanReady)); err != nil {
			return err
		}
		for _, p := range ids { // one, unless two programs raced
			if err := unfinished(tx, s, p, planned, string(model.Unknown)); err != nil {
				return err
			}
		}
		return replace(tx, id, store.PlanOpen, store.PlanReady, store.PlanHeld, store.PlanShown)
	})
}

// SealPlan closes a plan.
func (d *DB) SealPlan(ctx context.Context, p store.PlanRow) error {
	counts, err := json.Marshal(p.Counts)
	if err != nil {
		return fmt.Errorf("seal plan: %w", err)
	}
	return d.update(ctx, "seal plan of mailbox "+string(p.Mailbox), func(tx *tx) error {
		n, err := tx.count(`UPDATE plan SET state = ?, hash = ?, why = ?, counts = ?, ready = ? WHERE id = ? AND mailbox = ? AND state = ?`,
			string(p.State), p.Hash, p.Why, counts, flag(p.State == store.PlanReady), p.ID, string(p.Mailbox), string(store.PlanOpen))
		if err := stale(n, err); err != nil {
			return err
		}
		if err := tx.decided(p.Mailbox); err != nil {
			return err
		}
		if p.State == store.PlanShown {
			if err := tx.exec(`UPDATE mailbox SET undoing = '' WHERE id = ? AND undoing = CAST(? AS TEXT)`, string(p.Mailbox), p.Request); err != nil {
				return err
			}
			// Only looked at: the next round finds everything as it was.
			return tx.exec(`UPDATE pending SET state = 0, plan = '' WHERE plan = ?`, p.ID)
		}
		if err := tx.exec(`UPDATE mailbox SET plan = ? WHERE id = ?`, p.ID, string(p.Mailbox)); err != nil {
			return err
		}
		if err := settleApproval(tx, p.Mailbox, p.ID); err != nil {
			return err
		}
		if err := tx.exec(`DELETE FROM pending WHERE plan = ? AND state = ?`, p.ID, int64(settled)); err != nil {
			return err
		}
		if p.State == store.PlanHeld {
			return tx.exec(`UPDATE pending SET state = ? WHERE plan = ? AND state = ?`, int64(waiting), p.ID, int64(written))
		}
		return tx.exec(`DELETE FROM pending WHERE plan = ? AND state = ?`, p.ID, int64(written))
	})
}

// Approved returns the approved hash.
func (d *DB) Approved(ctx context.Context, id model.MailboxID) (string, error) {
	var hash string
	err := d.view(ctx, "read approval of mailbox "+string(id), func(tx *tx) error {
		return tx.get(&hash, `SELECT approved FROM mailbox WHERE id = ?`, string(id))
	})
	return hash, err
}
