package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// takingPart is the condition on a state that model.MailboxState.TakesPart is.
const takingPart = `NOT IN ('retired', 'crm-id-conflict')`

// setAside keeps the settings of a registration whose CRM user belongs to
// another mailbox, and nothing else.
func (d *DB) setAside(tx *tx, old, m model.Mailbox) (model.Mailbox, error) {
	conflict := &store.Conflict{CRMUser: m.CRMUser, Mailbox: old.ID, Address: old.Address}
	m.State, m.Reason = model.Conflicted, conflict.Error()
	known, err := d.getMailbox(tx, `WHERE crm = ? AND crm_user = ? AND mail = ? AND folded = ? AND state = ?`,
		string(m.CRM), m.CRMUser, string(m.Mail), model.FoldAddress(m.Address), string(model.Conflicted))
	switch {
	case err == nil:
		m.ID, m.Policy = known.ID, or(m.Policy, known.Policy)
		err = d.saveMailbox(tx, m)
	case errors.Is(err, sql.ErrNoRows):
		m.ID = ""
		m, err = d.add(tx, m)
	}
	if err != nil {
		return m, err
	}
	f := store.Alert{Mailbox: m.ID, Workload: model.ACT, Side: model.CRM, Code: conflict.Fault().Code, Message: m.Reason}
	if _, err := tx.strike(f, store.AlertOpen, time.Now()); err != nil {
		return m, err
	}
	if m, err = d.getMailbox(tx, `WHERE id = ?`, string(m.ID)); err != nil {
		return m, err
	}
	return m, conflict
}

// succeed retires registrations in conflict with a pointer to the mailbox that
// goes on under their settings.
func succeed(tx *tx, heir model.Mailbox, where string, args ...any) error {
	var ids []string
	if err := tx.list(&ids, `SELECT id FROM mailbox WHERE state = 'crm-id-conflict' AND `+where, args...); err != nil {
		return err
	}
	for _, id := range ids { // one, but for a mistake
		if err := tx.endAll(model.MailboxID(id)); err != nil {
			return err
		}
		why := "the CRM-ID conflict was cleared; its settings are those of " + string(heir.ID) + " now"
		if err := tx.moved(id, string(model.Retired), why); err != nil {
			return err
		}
		if err := tx.exec(`UPDATE mailbox SET state = 'retired', reason = ?, successor = ? WHERE id = ?`, why, string(heir.ID), id); err != nil {
			return err
		}
	}
	return nil
}

// remembered notes the address that a mailbox is about to lose.
func remembered(tx *tx, m model.Mailbox, to string) error {
	now, next := model.FoldAddress(m.Address), model.FoldAddress(to)
	if now == next {
		return nil
	}
	if err := tx.exec(`DELETE FROM former_address WHERE mailbox = ? AND folded = ?`, string(m.ID), next); err != nil {
		return err
	}
	return tx.exec(`INSERT INTO former_address (mailbox, folded) VALUES (?, ?) ON CONFLICT (mailbox, folded) DO NOTHING`, string(m.ID), now)
}

// Former lists the addresses that a mailbox had before.
func (d *DB) Former(ctx context.Context, id model.MailboxID) ([]string, error) {
	var out []string
	err := d.view(ctx, "list former addresses of mailbox "+string(id), func(tx *tx) error {
		return tx.list(&out, `SELECT f.folded FROM former_address f WHERE f.mailbox = ? AND NOT EXISTS (
			SELECT 1 FROM mailbox m WHERE m.folded = f.folded AND m.state `+takingPart+`) ORDER BY f.folded`, string(id))
	})
	return out, err
}

// Recognise returns which linked entities some items show.
func (d *DB) Recognise(ctx context.Context, id model.MailboxID, items []model.Item) ([]model.EntityID, error) {
	keys, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	type signs struct {
		uids, stamps []string
		naturals     [][]byte
	}
	byKind := map[string]*signs{}
	for _, it := range items {
		k := byKind[string(it.Ref.Kind)]
		if k == nil {
			k = &signs{}
			byKind[string(it.Ref.Kind)] = k
		}
		if it.UID != "" {
			k.uids = append(k.uids, it.UID)
		}
		if e := plan.KeyEntity(it.Stamp); e != "" {
			k.stamps = append(k.stamps, string(e))
		}
		if n := plan.NaturalKey(it.Ref.Kind, it.Content); n != "" {
			k.naturals = append(k.naturals, keys.natural.Sum([]byte(n)))
		}
	}
	found := map[string]bool{}
	err = d.view(ctx, "recognise items of mailbox "+string(id), func(tx *tx) error {
		clear(found)
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		for kind, k := range byKind {
			const linked = ` AND l.crm_item IS NOT NULL AND l.mail_item IS NOT NULL`
			const shown = `SELECT l.entity FROM link l JOIN observation o ON o.connection = ? AND o.mailbox = l.mailbox AND o.kind = l.kind AND o.item = l.mail_item
				WHERE l.mailbox = ? AND l.kind = ?` + linked
			at := []any{s.Mail, s.ID, kind}
			for _, look := range []func() ([]string, error){
				func() ([]string, error) { return listIn[string](tx, shown+` AND o.uid IN (?*)`, at, k.uids) },
				func() ([]string, error) {
					return listIn[string](tx, shown+` AND o.natural_key IN (?*)`, at, k.naturals)
				},
				func() ([]string, error) {
					return listIn[string](tx, `SELECT l.entity FROM link l WHERE l.mailbox = ? AND l.kind = ?`+linked+` AND l.entity IN (?*)`, at[1:], k.stamps)
				},
			} {
				entities, err := look()
				if err != nil {
					return err
				}
				for _, e := range entities {
					found[e] = true
				}
			}
		}
		return nil
	})
	var out []model.EntityID
	for _, e := range sortedKeys(found) {
		out = append(out, model.EntityID(e))
	}
	return out, err
}

// Move carries out moves and finishes the request that asked for them.
func (d *DB) Move(ctx context.Context, moves []store.Move, request, message string, now time.Time) error {
	return d.registering(ctx, "move mailboxes", func(tx *tx) error {
		var outcome string
		if err := tx.get(&outcome, `SELECT outcome FROM request WHERE id = ?`, request); err != nil || outcome != "" {
			return err
		}
		// Two mailboxes may change places, so no address is held meanwhile.
		for _, m := range moves {
			if err := tx.exec(`UPDATE mailbox SET folded = ? WHERE id = ?`, "moving "+string(m.Mailbox), string(m.Mailbox)); err != nil {
				return err
			}
		}
		for _, m := range moves {
			if err := d.move(tx, m, now); err != nil {
				return err
			}
		}
		return one(tx.count(`UPDATE request SET outcome = ?, message = ? WHERE id = ?`, string(store.RequestDone), message, request))
	})
}

func (d *DB) move(tx *tx, m store.Move, now time.Time) error {
	old, err := d.getMailbox(tx, `WHERE id = ?`, string(m.Mailbox))
	if err != nil {
		return err
	}
	was := old
	old.Address, old.User, old.Identity = m.Address, m.User, or(m.Identity, old.Identity)
	if m.From != "" {
		if old, err = d.inherit(tx, old, m); err != nil {
			return err
		}
	} else if !old.State.TakesPart() {
		return store.ErrStale
	}
	if m.Rebuild {
		if err := dropMailSide(tx, was, now); err != nil {
			return err
		}
		old.Identity = m.Identity
	}
	if err := remembered(tx, was, old.Address); err != nil {
		return err
	}
	if err := d.saveMailbox(tx, old); err != nil {
		return err
	}
	hold := or(m.Hold, was.Hold)
	if err := tx.exec(`UPDATE mailbox SET mail = ?, hold = ? WHERE id = ?`, string(old.Mail), hold, string(old.ID)); err != nil {
		return d.exists(err)
	}
	if m.Rebuild || m.From != "" {
		return rouse(tx, old)
	}
	return nil
}

// inherit gives a mailbox the settings of a registration in CRM-ID conflict, and
// its life back.
func (d *DB) inherit(tx *tx, old model.Mailbox, m store.Move) (model.Mailbox, error) {
	from, err := d.getMailbox(tx, `WHERE id = ?`, string(m.From))
	if err != nil {
		return old, err
	}
	var owner string
	if err := tx.get(&owner, `SELECT mailbox FROM registration WHERE crm = ? AND crm_user = ?`, string(from.CRM), from.CRMUser); err != nil {
		return old, err
	}
	if from.State != model.Conflicted || owner != string(old.ID) {
		return old, store.ErrStale
	}
	if err := succeed(tx, old, `id = ?`, string(from.ID)); err != nil {
		return old, err
	}
	if err := tx.moved(string(old.ID), string(model.Active), "CRM-ID conflict cleared"); err != nil {
		return old, err
	}
	old.Mail, old.Secret, old.Policy = from.Mail, from.Secret, from.Policy
	if err := tx.endAll(old.ID); err != nil {
		return old, err
	}
	return old, tx.exec(`UPDATE mailbox SET state = 'active', reason = '' WHERE id = ?`, string(old.ID))
}

// dropMailSide forgets the items of the mailbox that a mailbox was before. Links
// keep their records in the CRM and are joined again by comparing.
func dropMailSide(tx *tx, m model.Mailbox, now time.Time) error {
	id, mail := string(m.ID), string(m.Mail)
	for _, q := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM link WHERE mailbox = ? AND crm_item IS NULL`, []any{id}},
		{`UPDATE link SET mail_item = NULL, state = CASE state WHEN 'linked' THEN '' ELSE state END,
			incarnation = incarnation + 1, recheck = 0, mail_doubt = 0 WHERE mailbox = ? AND mail_item IS NOT NULL`, []any{id}},
		{`DELETE FROM identity WHERE connection = ? AND mailbox = ?`, []any{mail, id}},
		{`DELETE FROM observation WHERE connection = ? AND mailbox = ?`, []any{mail, id}},
		{`DELETE FROM collection WHERE connection = ? AND mailbox = ?`, []any{mail, id}},
		{`DELETE FROM pending WHERE mailbox = ?`, []any{id}},
		{`DELETE FROM mark WHERE mailbox = ?`, []any{id}},
		{`DELETE FROM review WHERE mailbox = ?`, []any{id}},
		{`UPDATE issue SET is_open = 0, state = 'resolved', closed_at = ? WHERE mailbox = ? AND side = 'mail' AND is_open = 1`, []any{micros(now), id}},
		{`UPDATE mailbox SET approved = '', approved_by = '', undoing = '' WHERE id = ?`, []any{id}},
		{`UPDATE plan SET state = 'dropped' WHERE mailbox = ? AND state IN ('open', 'ready', 'held', 'shown')`, []any{id}},
	} {
		if err := tx.exec(q.query, q.args...); err != nil {
			return fmt.Errorf("drop what was known of the former mailbox: %w", err)
		}
	}
	return nil
}
