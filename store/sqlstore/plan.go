package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
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
		return tx.exec(`INSERT INTO plan (id, mailbox, round, state, hash, why, counts, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			p.ID, string(p.Mailbox), p.Round, string(store.PlanOpen), p.Hash, p.Why, counts, micros(p.At))
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
		n, err := tx.count(`UPDATE plan SET state = ?, hash = ?, why = ?, counts = ? WHERE id = ? AND mailbox = ? AND state = ?`,
			string(p.State), p.Hash, p.Why, counts, p.ID, string(p.Mailbox), string(store.PlanOpen))
		if err := stale(n, err); err != nil {
			return err
		}
		if p.State == store.PlanShown {
			// Only looked at: the next round finds everything as it was.
			return tx.exec(`UPDATE pending SET state = 0, plan = '' WHERE plan = ?`, p.ID)
		}
		if err := tx.exec(`UPDATE mailbox SET plan = ?, approved_by = CASE WHEN approved = CAST(? AS TEXT) THEN approved_by ELSE '' END,
			approved = CASE WHEN approved = CAST(? AS TEXT) THEN approved ELSE '' END WHERE id = ?`, p.ID, p.Hash, p.Hash, string(p.Mailbox)); err != nil {
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

// Approve remembers an approved hash.
func (d *DB) Approve(ctx context.Context, id model.MailboxID, hash, by string) error {
	return d.update(ctx, "approve plan of mailbox "+string(id), func(tx *tx) error {
		return one(tx.count(`UPDATE mailbox SET approved = ?, approved_by = ? WHERE id = ?`, hash, by, string(id)))
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

// Claim claims the creation of CRM records.
func (d *DB) Claim(ctx context.Context, c model.ConnectionID, id model.MailboxID, claims []store.Claim) ([]store.Claim, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	keys, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	var out []store.Claim
	err = d.update(ctx, "claim records for mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		out, err = claim(tx, s, c, keys, claims)
		return err
	})
	return out, err
}

type claimRow struct {
	Kind    string `db:"kind"`
	Global  []byte `db:"global_key"`
	Entity  string `db:"entity"`
	Mailbox string `db:"mailbox"`
}

func claim(tx *tx, s scope, c model.ConnectionID, keys installation, claims []store.Claim) ([]store.Claim, error) {
	standing0, err := recorded(tx, c, claims)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	var globals [][]byte
	for _, v := range claims {
		global := keys.natural.Sum([]byte(v.Global)) // a UID may name a person
		globals = append(globals, global)
		if e := standing0[v.Global]; e != "" {
			continue // the CRM has it already
		}
		rows = append(rows, []any{string(c), string(v.Kind), global, string(v.Entity), s.ID})
	}
	if err := tx.insert(`INSERT INTO claim (connection, kind, global_key, entity, mailbox)`, rows,
		`ON CONFLICT (connection, kind, global_key) DO NOTHING`); err != nil {
		return nil, err
	}
	// The claim of a mailbox that takes no part any more passes on.
	if _, err := execIn(tx, `UPDATE claim SET mailbox = ? WHERE connection = ? AND global_key IN (?*)
		AND NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.id = claim.mailbox AND m.state <> 'retired')`,
		[]any{s.ID, string(c)}, unique(globals)); err != nil {
		return nil, err
	}
	found, err := listIn[claimRow](tx, `SELECT kind, global_key, entity, mailbox FROM claim WHERE connection = ? AND global_key IN (?*)`,
		[]any{string(c)}, unique(globals))
	if err != nil {
		return nil, err
	}
	winners := map[string]claimRow{}
	var entities []string
	for _, f := range found {
		winners[f.Kind+string(f.Global)] = f
		entities = append(entities, f.Entity)
	}
	for _, e := range standing0 {
		entities = append(entities, e)
	}
	standing, err := standings(tx, s, entities)
	if err != nil {
		return nil, err
	}
	out := make([]store.Claim, len(claims))
	for i, v := range claims {
		w := winners[string(v.Kind)+string(globals[i])]
		if e := standing0[v.Global]; e != "" {
			w = claimRow{Entity: e, Mailbox: "crm"}
		}
		out[i] = store.Claim{Kind: v.Kind, Global: v.Global, Entity: model.EntityID(w.Entity), Winner: model.MailboxID(w.Mailbox)}
		out[i].Occupied = w.Entity != string(v.Entity) && standing[w.Entity].MailHere
	}
	return out, nil
}

// recorded finds CRM records that have the UIDs of claims: what they stand for,
// by global key.
func recorded(tx *tx, c model.ConnectionID, claims []store.Claim) (map[string]string, error) {
	var uids []string
	for _, v := range claims {
		if uid, ok := strings.CutPrefix(v.Global, "uid:"); ok && v.Kind == model.Event {
			uids = append(uids, uid)
		}
	}
	rows, err := listIn[struct {
		UID    string `db:"uid"`
		Item   string `db:"item"`
		Entity string `db:"entity"`
	}](tx, `SELECT uid, item, entity FROM observation WHERE connection = ? AND mailbox = '' AND kind = 'event' AND absent = 0 AND uid IN (?*) ORDER BY uid, item DESC`,
		[]any{string(c)}, uids)
	out := map[string]string{}
	for _, r := range rows {
		out["uid:"+r.UID] = or(r.Entity, string(plan.CRMEntity(c, model.Event, r.Item)))
	}
	return out, err
}

// Owners resolves addresses to the CRM users of mailboxes on a connection.
func (d *DB) Owners(ctx context.Context, c model.ConnectionID, addresses []string) (map[string]string, error) {
	asked := map[string][]string{}
	for _, a := range addresses {
		asked[model.FoldAddress(a)] = append(asked[model.FoldAddress(a)], a)
	}
	out := map[string]string{}
	err := d.view(ctx, "resolve owners", func(tx *tx) error {
		rows, err := listIn[struct {
			Folded string `db:"folded"`
			User   string `db:"crm_user"`
		}](tx, `SELECT folded, crm_user FROM mailbox WHERE crm = ? AND state <> 'retired' AND folded IN (?*)`, []any{string(c)}, sortedKeys(asked))
		for _, r := range rows {
			for _, a := range asked[r.Folded] {
				out[a] = r.User
			}
		}
		return err
	})
	return out, err
}

// there is the condition that the item of an access row is present.
func there() string {
	return some(`SELECT 1 FROM observation o
		WHERE o.connection = a.connection AND o.mailbox = '' AND o.kind = a.kind AND o.item = a.item AND o.absent = 0`)
}

// Census counts what the brakes look at.
func (d *DB) Census(ctx context.Context, id model.MailboxID, since time.Time) (plan.Census, error) {
	out := plan.Census{
		Linked:  map[model.Kind]int{},
		Present: map[model.Side]map[model.Kind]int{model.CRM: {}, model.Mail: {}},
		Deleted: map[model.Side]map[model.Kind]int{model.CRM: {}, model.Mail: {}},
	}
	type counted struct {
		Side  string `db:"side"`
		Kind  string `db:"kind"`
		Count int    `db:"n"`
	}
	err := d.view(ctx, "count items of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []counted
		if err := tx.list(&rows, `SELECT 'linked' AS side, kind, COUNT(*) AS n FROM link WHERE mailbox = ? AND state = 'linked' GROUP BY kind`, s.ID); err != nil {
			return err
		}
		for _, r := range rows {
			out.Linked[model.Kind(r.Kind)] = r.Count
		}
		rows = nil
		if err := tx.list(&rows, `SELECT 'mail' AS side, kind, COUNT(*) AS n FROM observation
				WHERE connection = ? AND mailbox = ? AND absent = 0 GROUP BY kind
			UNION ALL SELECT 'crm' AS side, a.kind, COUNT(*) AS n FROM access a
				WHERE a.connection = ? AND a.crm_user = ? AND `+there()+` GROUP BY a.kind`, s.Mail, s.ID, s.CRM, s.User); err != nil {
			return err
		}
		for _, r := range rows {
			out.Present[model.Side(r.Side)][model.Kind(r.Kind)] = r.Count
		}
		rows = nil
		if err := tx.list(&rows, `SELECT side, kind, COUNT(*) AS n FROM operation
			WHERE mailbox = ? AND action = 'delete' AND state = 'done' AND done >= ? GROUP BY side, kind`, s.ID, micros(since)); err != nil {
			return err
		}
		for _, r := range rows {
			out.Deleted[model.Side(r.Side)][model.Kind(r.Kind)] = r.Count
		}
		return nil
	})
	return out, err
}
