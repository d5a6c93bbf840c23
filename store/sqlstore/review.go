package sqlstore

import (
	"context"
	"math"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// reviewRow is an item that a person must say something about.
type reviewRow struct {
	Side     string `db:"side"`
	Kind     string `db:"kind"`
	Item     string `db:"item"`
	Question string `db:"question"`
}

const selectReview = `SELECT r.side, r.kind, r.item, r.question FROM review r WHERE r.mailbox = ? AND r.apart = 0 `

// ask puts items to a person, or notes (apart) what the answer was.
func ask(tx *tx, s scope, rows []reviewRow, apart bool) error {
	values := make([][]any, len(rows))
	for i, r := range rows {
		values[i] = []any{s.ID, r.Side, r.Kind, r.Item, r.Question, flag(apart)}
	}
	return tx.insert(`INSERT INTO review (mailbox, side, kind, item, question, apart)`, values,
		`ON CONFLICT (mailbox, side, kind, item) DO UPDATE SET question = excluded.question, apart = excluded.apart`)
}

// ask puts the pairs to a person that the plan has a question about; what was
// begun for them is not tried again before.
func (c *chunk) ask() error {
	var rows []reviewRow
	var held, over []string
	for _, p := range c.Pairs {
		v := c.changes[string(p.Entity)]
		for _, i := range []*plan.Intent{p.CRMIntent, p.MailIntent} {
			switch {
			case i != nil && v.Question != "":
				held = append(held, string(i.Key))
			case i != nil && i.Used && !v.Pending:
				over = append(over, string(i.Key)) // another key takes its place, or none is wanted
			}
		}
		if v.Question == "" {
			continue
		}
		for _, seen := range []*plan.Seen{p.CRM, p.Mail} {
			if seen != nil && !seen.Gone {
				rows = append(rows, reviewRow{Side: string(seen.Ref.Side), Kind: string(p.Kind), Item: seen.Ref.ID, Question: v.Question})
			}
		}
	}
	for outcome, keys := range map[string][]string{"held": held, "tombstoned": over} {
		if _, err := execIn(c.tx, `UPDATE intent SET outcome = ? WHERE mailbox = ? AND op_key IN (?*)`, []any{outcome, c.scope.ID}, keys); err != nil {
			return err
		}
	}
	return ask(c.tx, c.scope, rows, false)
}

// Reconsider withdraws questions whose items changed or whose create is no
// longer wanted.
func (d *DB) Reconsider(ctx context.Context, id model.MailboxID) error {
	return d.update(ctx, "reconsider questions of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		if err := tx.exec(`UPDATE intent SET outcome = 'refused' WHERE mailbox = ? AND outcome = 'held' AND `+
			no(`SELECT 1 FROM link l WHERE l.mailbox = intent.mailbox AND l.entity = intent.entity AND l.state = 'review'`), s.ID); err != nil {
			return err
		}
		var rows []reviewRow
		const made = `SELECT 1 FROM intent i WHERE i.mailbox = r.mailbox AND i.outcome = 'held' AND r.question = 'made-' || i.side || '-' || i.kind`
		const changed = `SELECT 1 FROM review q JOIN pending p ON p.mailbox = q.mailbox AND p.side = q.side AND p.kind = q.kind AND p.item = q.item AND p.state = 0
			WHERE q.mailbox = r.mailbox AND q.question = r.question AND q.apart = 0`
		if err := tx.list(&rows, selectReview+`AND CASE WHEN r.question LIKE 'made-%' THEN CASE WHEN EXISTS (`+made+`) THEN 0 ELSE 1 END
			WHEN EXISTS (`+changed+`) THEN 1 ELSE 0 END = 1`, s.ID); err != nil {
			return err
		}
		return release(tx, s, rows)
	})
}

// release gives items back that were put to a person: they are strangers again,
// or wait to be created.
func release(tx *tx, s scope, rows []reviewRow) error {
	if len(rows) == 0 {
		return nil
	}
	held, err := inReview(tx, s, rows)
	if err != nil {
		return err
	}
	begun, err := listIn[string](tx, `SELECT DISTINCT entity FROM intent WHERE mailbox = ? AND entity IN (?*)`, []any{s.ID}, sortedKeys(held))
	if err != nil {
		return err
	}
	for _, e := range begun {
		delete(held, e) // its link is one of its own
	}
	if _, err := execIn(tx, `UPDATE link SET state = '', reason = '' WHERE mailbox = ? AND state = 'review' AND entity IN (?*)`, []any{s.ID}, begun); err != nil {
		return err
	}
	if err := dropLinks(tx, s, sortedKeys(held)); err != nil {
		return err
	}
	if _, err := execIn(tx, `DELETE FROM identity WHERE connection = ? AND mailbox = ? AND entity IN (?*)`, []any{s.Mail, s.ID}, sortedKeys(held)); err != nil {
		return err
	}
	var pending []pendingRow
	for key, items := range reviewItems(rows) {
		side, kind, _ := strings.Cut(key, " ")
		if _, err := execIn(tx, `DELETE FROM review WHERE mailbox = ? AND side = ? AND kind = ? AND apart = 0 AND item IN (?*)`,
			[]any{s.ID, side, kind}, items); err != nil {
			return err
		}
		for _, item := range items {
			pending = append(pending, pendingRow{s.ID, side, kind, item})
		}
	}
	return pend(tx, pending)
}

// reviewItems are the items of rows by side and kind.
func reviewItems(rows []reviewRow) map[string][]string {
	out := map[string][]string{}
	for _, r := range rows {
		out[r.Side+" "+r.Kind] = append(out[r.Side+" "+r.Kind], r.Item)
	}
	return out
}

// inReview are the links, by entity, that hold items while a person is asked.
func inReview(tx *tx, s scope, rows []reviewRow) (map[string]linkRow, error) {
	out := map[string]linkRow{}
	for key, items := range reviewItems(rows) {
		side, kind, _ := strings.Cut(key, " ")
		found, err := listIn[linkRow](tx, `SELECT `+linkColumns+` FROM link WHERE mailbox = ? AND kind = ? AND state = 'review' AND `+side+`_item IN (?*)`,
			[]any{s.ID, kind}, items)
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			out[l.Entity] = l
		}
	}
	return out, nil
}

// Questions lists the open questions.
func (d *DB) Questions(ctx context.Context, id model.MailboxID) ([]store.Question, error) {
	var out []store.Question
	err := d.view(ctx, "list questions of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []reviewRow
		if err := tx.list(&rows, selectReview+`ORDER BY r.question, r.side, r.kind, r.item`, s.ID); err != nil {
			return err
		}
		out, err = questions(tx, s, rows)
		return err
	})
	return out, err
}

func questions(tx *tx, s scope, rows []reviewRow) ([]store.Question, error) {
	held, err := inReview(tx, s, rows)
	if err != nil {
		return nil, err
	}
	begun, err := listIn[string](tx, `SELECT DISTINCT entity FROM intent WHERE mailbox = ? AND outcome = 'held' AND entity IN (?*)`, []any{s.ID}, sortedKeys(held))
	if err != nil {
		return nil, err
	}
	titles, err := titlesOf(tx, s, rows)
	if err != nil {
		return nil, err
	}
	links, creating := map[string]linkRow{}, map[string]bool{}
	for _, l := range held {
		for _, side := range []model.Side{model.CRM, model.Mail} {
			links[row(string(side), l.Kind, value(*l.item(side)))] = l
		}
	}
	for _, e := range begun {
		creating[e] = true
	}
	var out []store.Question
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].ID != r.Question {
			out = append(out, store.Question{ID: r.Question, Kind: model.Kind(r.Kind)})
		}
		key := row(r.Side, r.Kind, r.Item)
		q := &out[len(out)-1]
		q.Items = append(q.Items, store.QuestionItem{
			Side: model.Side(r.Side), Item: r.Item, Title: titles[key], Reason: links[key].Reason, Create: creating[links[key].Entity],
		})
	}
	return out, nil
}

// titlesOf are the titles of items in question, by side, kind and item.
func titlesOf(tx *tx, s scope, rows []reviewRow) (map[string]string, error) {
	out, keys := map[string]string{}, map[string][]byte{}
	for key, items := range reviewItems(rows) {
		side, kind, _ := strings.Cut(key, " ")
		seen, err := observations(tx, s.places()[model.Side(side)], model.Kind(kind), items)
		if err != nil {
			return nil, err
		}
		for item, o := range seen {
			keys[row(side, kind, item)] = o.Content
		}
	}
	var wanted [][]byte
	for _, k := range keys {
		wanted = append(wanted, k)
	}
	contents, err := loadContents(tx, wanted)
	for r, k := range keys {
		out[r] = title(contents[hexKey(k)])
	}
	return out, err
}

// answered is a create without an answer that a person settled for good.
const answered = math.MaxInt32

// Resolve carries out a person's answer.
func (d *DB) Resolve(ctx context.Context, id model.MailboxID, v store.Resolution, now time.Time) error {
	keys, err := d.keys(ctx)
	if err != nil {
		return err
	}
	return d.routing(ctx, "resolve a question of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []reviewRow
		if err := tx.list(&rows, selectReview+`AND r.question = ? ORDER BY r.side, r.kind, r.item`, s.ID, v.Question); err != nil {
			return err
		}
		if len(rows) == 0 {
			return store.ErrNotFound
		}
		k := resolution{tx: tx, scope: s, keys: keys, now: now, rows: rows}
		if v.CRM == "" && v.Mail == "" {
			return k.apart(v.Question)
		}
		return k.same(v)
	})
}

// resolution is a person's answer on its way into the database.
type resolution struct {
	tx    *tx
	scope scope
	keys  installation
	now   time.Time
	rows  []reviewRow
}

// apart: all items are different things, so what was not answered is created.
func (k resolution) apart(question string) error {
	for _, side := range []model.Side{model.CRM, model.Mail} {
		if question != plan.QuestionOf(side, model.Kind(k.rows[0].Kind)) {
			continue
		}
		if err := k.tx.exec(`UPDATE intent SET outcome = 'unknown', looked = ?, begun = ? WHERE mailbox = ? AND outcome = 'held' AND side = ? AND kind = ?`,
			int64(answered), micros(k.now), k.scope.ID, string(side), k.rows[0].Kind); err != nil {
			return err
		}
	}
	if err := release(k.tx, k.scope, k.rows); err != nil {
		return err
	}
	return ask(k.tx, k.scope, k.rows, true)
}

// same: two of the items are one thing. The others are looked at again.
func (k resolution) same(v store.Resolution) error {
	pair := map[string]reviewRow{}
	for _, r := range k.rows {
		if r.Side == string(model.CRM) && r.Item == v.CRM || r.Side == string(model.Mail) && r.Item == v.Mail {
			pair[r.Side] = r
		}
	}
	if len(pair) != 2 {
		return store.ErrNotFound
	}
	for _, side := range []model.Side{model.CRM, model.Mail} {
		held, err := inReview(k.tx, k.scope, []reviewRow{pair[string(side.Other())]})
		if err != nil {
			return err
		}
		var begun []string
		for e := range held {
			if err := k.tx.list(&begun, `SELECT op_key FROM intent WHERE mailbox = ? AND outcome = 'held' AND side = ? AND entity = ?`,
				k.scope.ID, string(side), e); err != nil {
				return err
			}
		}
		if len(begun) > 0 {
			return k.made(model.Key(begun[0]), pair[string(side)], pair[string(side.Other())])
		}
	}
	if err := release(k.tx, k.scope, k.rows); err != nil {
		return err
	}
	crm, err := observations(k.tx, k.scope.places()[model.CRM], model.Kind(pair["crm"].Kind), []string{v.CRM})
	if err != nil {
		return err
	}
	e := or(crm[v.CRM].Entity, string(plan.CRMEntity(model.ConnectionID(k.scope.CRM), model.Kind(pair["crm"].Kind), v.CRM)))
	_, err = placeLinks(k.tx, k.scope, []linkRow{{Entity: e, Kind: pair["crm"].Kind, CRMItem: text(v.CRM), MailItem: text(v.Mail)}}, nil)
	return err
}

// made: an item is what a create has made.
func (k resolution) made(key model.Key, item, source reviewRow) error {
	if err := k.tx.exec(`UPDATE intent SET outcome = 'unknown' WHERE mailbox = ? AND op_key = ?`, k.scope.ID, string(key)); err != nil {
		return err
	}
	if err := release(k.tx, k.scope, []reviewRow{item, source}); err != nil {
		return err
	}
	place := k.scope.places()[model.Side(item.Side)]
	seen, err := observations(k.tx, place, model.Kind(item.Kind), []string{item.Item})
	if err != nil {
		return err
	}
	o := seen[item.Item]
	contents, err := loadContents(k.tx, [][]byte{o.Content})
	if err != nil {
		return err
	}
	raws, err := loadBodies(k.tx, [][]byte{o.Raw})
	if err != nil {
		return err
	}
	found := store.Found{Key: key, Side: model.Side(item.Side), Item: model.Item{
		Ref: model.Ref{Side: model.Side(item.Side), Kind: model.Kind(item.Kind), Collection: o.Collection, ID: o.Item, Version: o.Version, Order: o.Order},
		UID: o.UID, Stamp: model.Key(o.Stamp), Content: contents[hexKey(o.Content)], Raw: raws[string(o.Raw)], Modified: instant(o.Modified),
	}}
	return adopt(k.tx, k.scope, k.keys, []store.Found{found}, k.now)
}
