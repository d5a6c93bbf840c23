package sqlstore

import (
	"context"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

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
	there, err := recorded(tx, c, claims)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	var globals [][]byte
	for _, v := range claims {
		global := keys.natural.Sum([]byte(v.Global)) // a UID may name a person
		globals = append(globals, global)
		if e := there[string(v.Kind)+v.Global]; e != "" {
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
		AND NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.id = claim.mailbox AND m.state `+takingPart+`)`,
		[]any{s.ID, string(c)}, unique(globals)); err != nil {
		return nil, err
	}
	if err := passOn(tx, s, c, claims, globals); err != nil {
		return nil, err
	}
	winners, err := winners(tx, c, unique(globals))
	if err != nil {
		return nil, err
	}
	var entities []string
	for _, w := range winners {
		entities = append(entities, w.Entity)
	}
	for _, e := range there {
		entities = append(entities, e)
	}
	standing, err := standings(tx, s, entities)
	if err != nil {
		return nil, err
	}
	out := make([]store.Claim, len(claims))
	for i, v := range claims {
		w := winners[string(v.Kind)+string(globals[i])]
		if e := there[string(v.Kind)+v.Global]; e != "" {
			w = claimRow{Entity: e, Mailbox: "crm"} // nobody is creating it
		}
		out[i] = store.Claim{Kind: v.Kind, Global: v.Global, Entity: model.EntityID(w.Entity), Winner: model.MailboxID(w.Mailbox)}
		out[i].Occupied = w.Entity != string(v.Entity) && standing[w.Entity].MailHere
	}
	return out, nil
}

// passOn gives the claims to a mailbox that others hold who do not have the
// meeting any more and have not begun to create its record.
func passOn(tx *tx, s scope, c model.ConnectionID, claims []store.Claim, globals [][]byte) error {
	held, err := winners(tx, c, unique(globals))
	if err != nil {
		return err
	}
	uids, keys, others := map[string]string{}, map[string][]byte{}, map[string]claimRow{}
	var entities []string
	for i, v := range claims {
		w, ok := held[string(v.Kind)+string(globals[i])]
		uid, shared := strings.CutPrefix(v.Global, "uid:")
		if !ok || !shared || w.Mailbox == s.ID {
			continue
		}
		uids[uid], keys[uid], others[uid] = w.Mailbox, globals[i], w
		entities = append(entities, w.Entity)
	}
	if len(uids) == 0 {
		return nil
	}
	minding, err := minding(tx, c, sortedKeys(uids), entities)
	if err != nil {
		return err
	}
	free := map[string][][]byte{} // by who holds them
	for uid, w := range others {
		if !minding[w.Mailbox+"\x00"+uid] && !minding[w.Mailbox+"\x00"+w.Entity] {
			free[w.Mailbox] = append(free[w.Mailbox], keys[uid])
		}
	}
	for _, holder := range sortedKeys(free) {
		if _, err := execIn(tx, `UPDATE claim SET mailbox = ? WHERE connection = ? AND kind = 'event' AND mailbox = ? AND global_key IN (?*)`,
			[]any{s.ID, string(c), holder}, free[holder]); err != nil {
			return err
		}
	}
	return nil
}

// minding says which mailboxes have meetings, by UID, or have begun to create
// entities in the CRM.
func minding(tx *tx, c model.ConnectionID, uids, entities []string) (map[string]bool, error) {
	out := map[string]bool{}
	note := func(query string, before []any, keys []string) error {
		rows, err := listIn[struct {
			Mailbox string `db:"mailbox"`
			What    string `db:"what"`
		}](tx, query, before, keys)
		for _, r := range rows {
			out[r.Mailbox+"\x00"+r.What] = true
		}
		return err
	}
	err := note(`SELECT o.mailbox, o.uid AS what FROM observation o JOIN mailbox m ON m.id = o.mailbox AND m.mail = o.connection
		WHERE m.crm = ? AND o.kind = 'event' AND o.absent = 0 AND o.uid IN (?*)`, []any{string(c)}, uids)
	if err != nil {
		return nil, err
	}
	return out, note(`SELECT mailbox, entity AS what FROM intent WHERE crm = ? AND side = 'crm' AND outcome IN ('', 'unknown') AND entity IN (?*)`,
		[]any{string(c)}, entities)
}

// winners reads who holds some claims, by kind and key.
func winners(tx *tx, c model.ConnectionID, globals [][]byte) (map[string]claimRow, error) {
	found, err := listIn[claimRow](tx, `SELECT kind, global_key, entity, mailbox FROM claim WHERE connection = ? AND global_key IN (?*)`,
		[]any{string(c)}, globals)
	out := make(map[string]claimRow, len(found))
	for _, f := range found {
		out[f.Kind+string(f.Global)] = f
	}
	return out, err
}

// recorded finds CRM records that have the UIDs of claims: what they stand for,
// by kind and global key.
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
		out[string(model.Event)+"uid:"+r.UID] = or(r.Entity, string(plan.CRMEntity(c, model.Event, r.Item)))
	}
	return out, err
}
