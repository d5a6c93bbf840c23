package sqlstore

import (
	"context"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

type snapshotRow struct {
	Mailbox   string `db:"mailbox"`
	Request   string `db:"request"`
	Target    string `db:"target"`
	Overwrite bool   `db:"overwrite"`
	Kinds     string `db:"kinds"`
	Since     int64  `db:"since"`
	Hours     string `db:"hours"`
	Stage     int    `db:"stage"`
	Hold      string `db:"hold"`
	Begun     int64  `db:"begun"`
	Noted     string `db:"noted"`
	Filled    bool   `db:"filled"`
	Total     int    `db:"total"`
	Stages    int    `db:"stages"`
	Ended     int64  `db:"ended"`
	Left      int    `db:"remaining"`
}

const selectSnapshot = `SELECT s.mailbox, s.request, s.target, s.overwrite, s.kinds, s.since, s.hours, s.stage, s.hold, s.begun, s.noted, s.filled, s.total, s.stages, s.ended,
	(SELECT COUNT(*) FROM snapshot_item i WHERE i.mailbox = s.mailbox) AS remaining FROM snapshot s WHERE s.mailbox = ?`

func (r snapshotRow) snapshot() store.Snapshot {
	return store.Snapshot{
		Mailbox: model.MailboxID(r.Mailbox), Request: r.Request, Target: model.Side(r.Target), Overwrite: r.Overwrite, Kinds: kindsOf(r.Kinds),
		Since: instant(r.Since), Window: r.Hours, Stage: r.Stage, Hold: r.Hold, Begun: instant(r.Begun), Filled: r.Filled, Total: r.Total, Stages: r.Stages,
		Ended: instant(r.Ended), Left: r.Left,
	}
}

func kindsOf(list string) []model.Kind {
	var out []model.Kind
	for _, k := range strings.Split(list, ",") {
		if k != "" {
			out = append(out, model.Kind(k))
		}
	}
	return out
}

func kindList(kinds []model.Kind) string {
	list := make([]string, len(kinds))
	for i, k := range kinds {
		list[i] = string(k)
	}
	return strings.Join(list, ",")
}

// StartSnapshot begins a full pass.
func (d *DB) StartSnapshot(ctx context.Context, s store.Snapshot) error {
	return d.update(ctx, "start snapshot of mailbox "+string(s.Mailbox), func(tx *tx) error {
		m, err := d.getMailbox(tx, `WHERE id = ?`, string(s.Mailbox))
		if err != nil {
			return err
		}
		switch m.Snapshot {
		case "":
		case s.Request:
			return nil // begun before
		default:
			return store.ErrExists
		}
		if err := tx.exec(`DELETE FROM snapshot WHERE mailbox = ?`, string(s.Mailbox)); err != nil {
			return err
		}
		if err := tx.exec(`INSERT INTO snapshot (mailbox, request, target, overwrite, kinds, since, hours, stage, hold, begun, noted, filled, total, stages, ended)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, 0, 0)`, string(s.Mailbox), s.Request, string(s.Target), flag(s.Overwrite), kindList(s.Kinds),
			micros(s.Since), s.Window, int64(s.Stage), s.Hold, micros(s.Begun)); err != nil {
			return err
		}
		if s.Reread {
			for _, k := range orKinds(s.Kinds) {
				if err := tx.exec(`UPDATE collection SET position = '', listing = 0 WHERE connection = ? AND mailbox = ? AND kind = ?`,
					string(m.Mail), string(m.ID), string(k)); err != nil {
					return err
				}
			}
		}
		return tx.exec(`UPDATE mailbox SET hold = CASE WHEN hold = '' THEN CAST(? AS TEXT) ELSE hold END WHERE id = ?`, s.Hold, string(s.Mailbox))
	})
}

func orKinds(kinds []model.Kind) []model.Kind {
	if len(kinds) == 0 {
		return model.Kinds()
	}
	return kinds
}

// Snapshot returns a mailbox's newest pass.
func (d *DB) Snapshot(ctx context.Context, id model.MailboxID) (store.Snapshot, error) {
	var r snapshotRow
	err := d.view(ctx, "read snapshot of mailbox "+string(id), func(tx *tx) error { return tx.get(&r, selectSnapshot, string(id)) })
	return r.snapshot(), err
}

// FillSnapshot notes a page of what there is to look at: the mailbox's items
// after the CRM's.
func (d *DB) FillSnapshot(ctx context.Context, id model.MailboxID, now time.Time, limit int) (bool, error) {
	done := false
	err := d.update(ctx, "note items of a snapshot", func(tx *tx) error {
		var r snapshotRow
		if err := tx.get(&r, selectSnapshot, string(id)); err != nil {
			return err
		}
		if done = r.Filled || r.Ended != 0; done {
			return nil
		}
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		side, kind, item, err := after(r.Noted)
		if err != nil {
			return err
		}
		page, err := snapshotPage(tx, s, model.Side(or(side, string(model.CRM))), kind, item, limit)
		if err != nil {
			return err
		}
		if err := note(tx, r.snapshot(), page, now); err != nil {
			return err
		}
		switch {
		case len(page) == limit:
			last := page[limit-1]
			r.Noted = row(last.side, last.Kind, last.Item)
		case side != string(model.Mail):
			r.Noted = row(string(model.Mail), "", "")
		default:
			done = true
		}
		return tx.exec(`UPDATE snapshot SET noted = ?, filled = ?, total = (SELECT COUNT(*) FROM snapshot_item i WHERE i.mailbox = snapshot.mailbox) WHERE mailbox = ?`,
			r.Noted, flag(done), string(id))
	})
	return done, err
}

// toNote is an item that a snapshot may look at.
type toNote struct {
	side     string
	Kind     string `db:"kind"`
	Item     string `db:"item"`
	Content  []byte `db:"content"`
	Modified int64  `db:"modified"`
}

func snapshotPage(tx *tx, s scope, side model.Side, kind, item string, limit int) ([]toNote, error) {
	p := s.places()[side]
	taking, args := ``, []any{string(p.connection), string(p.mailbox), kind, item}
	if side == model.CRM {
		taking, args = ` AND `+takesPart, append(args, s.User)
	}
	var page []toNote
	err := tx.list(&page, `SELECT o.kind, o.item, o.content, o.modified FROM observation o
		WHERE o.connection = ? AND o.mailbox = ? AND (o.kind, o.item) > (?, ?)`+taking+` ORDER BY o.kind, o.item LIMIT ?`, append(args, limit)...)
	for i := range page {
		page[i].side = string(side)
	}
	return page, err
}

// note writes down a page in the order in which it is wanted.
func note(tx *tx, s store.Snapshot, page []toNote, now time.Time) error {
	var keys [][]byte
	for _, n := range page {
		if n.Content != nil {
			keys = append(keys, n.Content)
		}
	}
	contents, err := loadContents(tx, keys)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, n := range page {
		place, wanted := plan.SnapshotPlace(model.Kind(n.Kind), contents[hexKey(n.Content)], instant(n.Modified), s.Since, now)
		if wanted && wants(s.Kinds, model.Kind(n.Kind)) {
			rows = append(rows, []any{string(s.Mailbox), n.side, n.Kind, n.Item, place})
		}
	}
	return tx.insert(`INSERT INTO snapshot_item (mailbox, side, kind, item, place)`, rows, `ON CONFLICT (mailbox, side, kind, item) DO NOTHING`)
}

func wants(kinds []model.Kind, k model.Kind) bool {
	for _, o := range orKinds(kinds) {
		if o == k {
			return true
		}
	}
	return false
}

// StageSnapshot makes the next items pending.
func (d *DB) StageSnapshot(ctx context.Context, id model.MailboxID, limit int) (int, error) {
	staged := 0
	err := d.update(ctx, "begin a stage of a snapshot", func(tx *tx) error {
		var rows []struct {
			Side string `db:"side"`
			Kind string `db:"kind"`
			Item string `db:"item"`
		}
		query, args := `SELECT side, kind, item FROM snapshot_item WHERE mailbox = ? ORDER BY place, side, kind, item`, []any{string(id)}
		if limit > 0 {
			query, args = query+` LIMIT ?`, append(args, limit)
		}
		if err := tx.list(&rows, query, args...); err != nil || len(rows) == 0 {
			return err
		}
		staged = len(rows)
		pending, byKind := make([]pendingRow, len(rows)), map[[2]string][]string{}
		for i, r := range rows {
			pending[i] = pendingRow{string(id), r.Side, r.Kind, r.Item}
			byKind[[2]string{r.Side, r.Kind}] = append(byKind[[2]string{r.Side, r.Kind}], r.Item)
		}
		if err := pend(tx, pending); err != nil {
			return err
		}
		for k, items := range byKind {
			if _, err := execIn(tx, `DELETE FROM snapshot_item WHERE mailbox = ? AND side = ? AND kind = ? AND item IN (?*)`, []any{string(id), k[0], k[1]}, items); err != nil {
				return err
			}
		}
		return tx.exec(`UPDATE snapshot SET stages = stages + 1 WHERE mailbox = ?`, string(id))
	})
	return staged, err
}

// EndSnapshot ends the pass and its request.
func (d *DB) EndSnapshot(ctx context.Context, id model.MailboxID, o store.RequestOutcome, message string, now time.Time) error {
	return d.update(ctx, "end snapshot of mailbox "+string(id), func(tx *tx) error {
		var r snapshotRow
		if err := tx.get(&r, selectSnapshot, string(id)); err != nil || r.Ended != 0 {
			return err
		}
		if o == store.RequestRefused {
			if err := letGo(tx, r); err != nil {
				return err
			}
		}
		for _, q := range []struct {
			query string
			args  []any
		}{
			{`DELETE FROM snapshot_item WHERE mailbox = ?`, []any{string(id)}},
			{`UPDATE snapshot SET ended = ? WHERE mailbox = ?`, []any{micros(now), string(id)}},
			{`UPDATE link SET recheck = 1 WHERE mailbox = ? AND recheck = ?`, []any{string(id), micros(plan.AfterSnapshot())}},
			{`UPDATE request SET outcome = ?, message = ? WHERE id = ? AND outcome = ''`, []any{string(o), message, r.Request}},
		} {
			if err := tx.exec(q.query, q.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Analyze refreshes the statistics by which the database plans its queries.
func (d *DB) Analyze(ctx context.Context) error {
	return d.update(ctx, "refresh statistics", func(tx *tx) error { return tx.exec(`ANALYZE`) })
}

// letGo drops the plan that waits because of a pass, and the wait.
func letGo(tx *tx, r snapshotRow) error {
	n, err := tx.count(`UPDATE mailbox SET hold = '' WHERE id = ? AND hold = ? AND hold <> ''`, r.Mailbox, r.Hold)
	if err != nil || n == 0 {
		return err
	}
	if err := tx.exec(`UPDATE plan SET state = ? WHERE mailbox = ? AND state = ?`, string(store.PlanDropped), r.Mailbox, string(store.PlanHeld)); err != nil {
		return err
	}
	return tx.exec(`UPDATE pending SET state = 0, plan = '' WHERE mailbox = ? AND state <> 0`, r.Mailbox)
}
