package sqlstore

import (
	"context"
	"errors"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

type intentRow struct {
	Key        string `db:"op_key"`
	Entity     string `db:"entity"`
	Side       string `db:"side"`
	Kind       string `db:"kind"`
	Collection string `db:"collection"`
	UID        string `db:"uid"`
	Payload    []byte `db:"payload"`
	Outcome    string `db:"outcome"`
	Looked     int    `db:"looked"`
	Restores   bool   `db:"restores"`
	Used       bool   `db:"used"`
	Begun      int64  `db:"begun"`
}

const selectIntent = `SELECT i.op_key, i.entity, i.side, i.kind, i.collection, i.uid, i.payload, i.outcome, i.looked, i.restores, i.used, i.begun FROM intent i `

func (r intentRow) intent(found map[string]model.Content) plan.Intent {
	return plan.Intent{
		Key: model.Key(r.Key), Collection: r.Collection, UID: r.UID, Content: found[hexKey(r.Payload)], ContentKey: hexKey(r.Payload), Looked: r.Looked, Used: r.Used,
	}
}

func payloads(tx *tx, rows []intentRow) (map[string]model.Content, error) {
	keys := make([][]byte, len(rows))
	for i, r := range rows {
		keys[i] = r.Payload
	}
	return loadContents(tx, keys)
}

// Intents lists the creates of a mailbox whose outcome is unknown, by key.
func (d *DB) Intents(ctx context.Context, id model.MailboxID) ([]store.Intent, error) {
	in, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	var out []store.Intent
	err = d.view(ctx, "list intents of mailbox "+string(id), func(tx *tx) error {
		var rows []intentRow
		if err := tx.list(&rows, selectIntent+`WHERE i.mailbox = ? AND i.outcome IN ('', 'unknown') ORDER BY i.side, i.op_key`, string(id)); err != nil {
			return err
		}
		found, err := payloads(tx, rows)
		for _, r := range rows {
			i := store.Intent{Entity: model.EntityID(r.Entity)}
			i.Created = plan.Created{Intent: r.intent(found), Side: model.Side(r.Side), Kind: model.Kind(r.Kind), Begun: instant(r.Begun)}
			var o observation
			in.facts(&o, i.Kind, i.Content)
			i.Natural = hexKey(o.Natural)
			out = append(out, i)
		}
		return err
	})
	return out, err
}

// intents adds open intents to their pairs: the mailbox's own, and in the
// CRM those of a mailbox that will not come back to them.
func (r *pairReader) intents() error {
	s, pairs := r.scope, r.pairs
	var entities []string
	for _, p := range pairs {
		if p.Entity != "" {
			entities = append(entities, string(p.Entity))
		}
	}
	rows, err := listIn[intentRow](r.tx, selectIntent+`WHERE i.crm = ? AND i.outcome IN ('', 'unknown') AND i.entity IN (?*)
		AND (i.mailbox = ? OR i.side = 'crm' AND (SELECT m.state FROM mailbox m WHERE m.id = i.mailbox) = 'retired')
		ORDER BY i.op_key`, []any{s.CRM}, entities, s.ID)
	if err != nil || len(rows) == 0 {
		return err
	}
	found, err := payloads(r.tx, rows)
	if err != nil {
		return err
	}
	open := map[string]plan.Intent{}
	for _, i := range rows {
		open[i.Side+i.Entity] = i.intent(found)
	}
	for i := range pairs {
		p := &pairs[i]
		if v, ok := open[string(model.CRM)+string(p.Entity)]; ok && p.Entity != "" {
			p.CRMIntent = &v
		}
		if v, ok := open[string(model.Mail)+string(p.Entity)]; ok && p.Entity != "" {
			p.MailIntent = &v
		}
	}
	return nil
}

// errOtherPayload is a bug of whoever planned the create: under one key only
// one thing may be sent (algorithm 1.6).
var errOtherPayload = errors.New("a create under this key was begun with other content and its outcome is not known; it must be sent unchanged")

// Begin journals creates before they are attempted.
func (d *DB) Begin(ctx context.Context, id model.MailboxID, token, _ string, creates []store.Planned, generation int64, now time.Time) (first []model.Key, err error) {
	keys, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	err = d.update(ctx, "journal creates of mailbox "+string(id), func(tx *tx) error {
		if err := holds(tx, id, token); err != nil {
			return err
		}
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		stored := keys.bodies(now)
		bySide := map[model.Side][]string{}
		var rows [][]any
		frozen := map[string][]byte{}
		for _, c := range creates {
			p := s.places()[c.Side]
			payload := stored.content(c.Op.Content)
			frozen[string(c.Side)+string(c.Op.Key)] = payload
			bySide[c.Side] = append(bySide[c.Side], string(c.Op.Key))
			rows = append(rows, []any{
				string(p.connection), string(p.mailbox), string(c.Op.Key), s.ID, s.CRM, string(c.Entity), string(c.Side), string(c.Kind),
				c.Op.Ref.Collection, c.Op.UID, null(payload), generation, micros(now), micros(c.Shows), flag(c.Restores),
			})
		}
		if first, err = unbegun(tx, s, bySide, frozen); err != nil {
			return err
		}
		if err := stored.save(tx, nil); err != nil {
			return err
		}
		return tx.insert(`INSERT INTO intent (connection, scope, op_key, mailbox, crm, entity, side, kind, collection, uid, payload, generation, begun, shows, restores)`,
			rows, `ON CONFLICT (connection, scope, op_key) DO UPDATE SET mailbox = excluded.mailbox, payload = excluded.payload,
			collection = excluded.collection, uid = excluded.uid, generation = excluded.generation, shows = excluded.shows, looked = 0, used = 0, outcome = ''`)
	})
	return first, err
}

// unbegun returns the keys that were never begun before. It refuses another
// payload under a key whose outcome is open.
func unbegun(tx *tx, s scope, bySide map[model.Side][]string, frozen map[string][]byte) (first []model.Key, err error) {
	for side, keys := range bySide {
		p := s.places()[side]
		rows, err := listIn[intentRow](tx, selectIntent+`WHERE i.connection = ? AND i.scope = ? AND i.op_key IN (?*)`,
			[]any{string(p.connection), string(p.mailbox)}, keys)
		if err != nil {
			return nil, err
		}
		begun := map[string]bool{}
		for _, r := range rows {
			begun[r.Key] = true
			open := r.Outcome == "" || r.Outcome == string(model.Unknown)
			if open && string(frozen[string(side)+r.Key]) != string(r.Payload) {
				return nil, errOtherPayload
			}
		}
		for _, k := range keys {
			if !begun[k] {
				first = append(first, model.Key(k))
			}
		}
	}
	return first, nil
}

// Adopt records that the items of open intents were found: as if the create had
// been answered, but both sides agreed on what was sent, not on what they hold
// now (algorithm 1.6), so that a later edit is seen as one.
func (d *DB) Adopt(ctx context.Context, id model.MailboxID, found []store.Found, now time.Time) error {
	if len(found) == 0 {
		return nil
	}
	keys, err := d.keys(ctx)
	if err != nil {
		return err
	}
	return d.routing(ctx, "adopt items of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		return adopt(tx, s, keys, found, now)
	})
}

func adopt(tx *tx, s scope, keys installation, found []store.Found, now time.Time) error {
	results, err := adopted(tx, s, found)
	if err != nil {
		return err
	}
	l := landing{tx: tx, scope: s, keys: keys, now: now, adopt: true}
	if err := l.land(results); err != nil {
		return err
	}
	return pend(tx, l.pairRows(results))
}

// adopted are found items as receipts of the creates they answer.
func adopted(tx *tx, s scope, found []store.Found) ([]landed, error) {
	var out []landed
	for _, side := range []model.Side{model.CRM, model.Mail} {
		p := s.places()[side]
		items := map[string]model.Item{}
		for _, f := range found {
			if f.Side == side {
				items[string(f.Key)] = f.Item
			}
		}
		rows, err := listIn[intentRow](tx, selectIntent+`WHERE i.connection = ? AND i.scope = ? AND i.op_key IN (?*) AND i.outcome IN ('', 'unknown')`,
			[]any{string(p.connection), string(p.mailbox)}, sortedKeys(items))
		if err != nil {
			return nil, err
		}
		contents, err := payloads(tx, rows)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			item := items[r.Key]
			w := plan.Write{
				Entity: model.EntityID(r.Entity), Kind: model.Kind(r.Kind), Side: side, Final: true, Restores: r.Restores, OtherKey: hexKey(r.Payload),
				Op: model.Operation{
					Action: model.Create, Key: model.Key(r.Key), UID: r.UID, Content: contents[hexKey(r.Payload)],
					Ref: model.Ref{Side: side, Kind: model.Kind(r.Kind), Collection: r.Collection},
				},
			}
			out = append(out, landed{
				Result: store.Result{Planned: store.Planned{Write: w}, Receipt: model.Receipt{Outcome: model.Done, Ref: item.Ref, Item: &item}},
			})
		}
	}
	return out, nil
}

// intents closes the journal of creates that were answered.
func (l *landing) intents(results []landed) error {
	for _, side := range []model.Side{model.CRM, model.Mail} {
		p := l.scope.places()[side]
		byOutcome := map[string][]string{}
		var used []string
		for _, r := range results {
			if r.Planned.Side != side || r.Planned.Op.Action != model.Create {
				continue
			}
			switch {
			case r.Forgot: // what it made is no answer to this
				byOutcome[string(model.Refused)] = append(byOutcome[string(model.Refused)], string(r.Planned.Op.Key))
			case r.Used:
				used = append(used, string(r.Planned.Op.Key))
			default:
				byOutcome[string(r.Receipt.Outcome)] = append(byOutcome[string(r.Receipt.Outcome)], string(r.Planned.Op.Key))
			}
		}
		for _, outcome := range sortedKeys(byOutcome) {
			if _, err := execIn(l.tx, `UPDATE intent SET outcome = ? WHERE connection = ? AND scope = ? AND op_key IN (?*)`,
				[]any{outcome, string(p.connection), string(p.mailbox)}, byOutcome[outcome]); err != nil {
				return err
			}
		}
		// A moved item has that long to show.
		if _, err := execIn(l.tx, `UPDATE intent SET outcome = 'unknown', used = 1, looked = 0 WHERE connection = ? AND scope = ? AND op_key IN (?*)`,
			[]any{string(p.connection), string(p.mailbox)}, used); err != nil {
			return err
		}
	}
	return nil
}
