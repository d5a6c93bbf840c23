package sqlstore

import (
	"context"
	"maps"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// linkRow is a row of link, less mailbox and connections.
type linkRow struct {
	Entity      string  `db:"entity"`
	Kind        string  `db:"kind"`
	CRMItem     *string `db:"crm_item"`
	MailItem    *string `db:"mail_item"`
	State       string  `db:"state"`
	Reason      string  `db:"reason"`
	Incarnation int     `db:"incarnation"`
	CRMBase     []byte  `db:"crm_base"`
	MailBase    []byte  `db:"mail_base"`
	Recheck     int64   `db:"recheck"`
	Synced      int64   `db:"synced"`
	CRMDoubt    int64   `db:"crm_doubt"`
	MailDoubt   int64   `db:"mail_doubt"`
}

const linkColumns = `entity, kind, crm_item, mail_item, state, reason, incarnation, crm_base, mail_base, recheck, synced,
	crm_doubt, mail_doubt`

func (l *linkRow) item(side model.Side) **string {
	if side == model.CRM {
		return &l.CRMItem
	}
	return &l.MailItem
}

// doubt says what is in doubt about a side.
func (l *linkRow) doubt(side model.Side) *int64 {
	if side == model.CRM {
		return &l.CRMDoubt
	}
	return &l.MailDoubt
}

func (l *linkRow) base(side model.Side) *[]byte {
	if side == model.CRM {
		return &l.CRMBase
	}
	return &l.MailBase
}

// text is a text that may be none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// links reads the links of some entities in a mailbox.
func links(tx *tx, s scope, entities []string) (map[string]linkRow, error) {
	rows, err := listIn[linkRow](tx, `SELECT `+linkColumns+` FROM link WHERE mailbox = ? AND entity IN (?*)`, []any{s.ID}, entities)
	out := make(map[string]linkRow, len(rows))
	for _, r := range rows {
		out[r.Entity] = r
	}
	return out, err
}

func entitiesOf(rows []linkRow) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.Entity
	}
	return out
}

// saveLinks inserts or replaces links.
func saveLinks(tx *tx, s scope, rows []linkRow) error {
	values := make([][]any, len(rows))
	for i, l := range rows {
		values[i] = []any{
			s.ID, s.CRM, l.Entity, l.Kind, nullText(value(l.CRMItem)), nullText(value(l.MailItem)), l.State, l.Reason,
			int64(l.Incarnation), null(l.CRMBase), null(l.MailBase), l.Recheck, l.Synced,
			l.CRMDoubt, l.MailDoubt,
		}
	}
	return tx.insert(`INSERT INTO link (mailbox, crm, `+linkColumns+`)`, values,
		`ON CONFLICT (mailbox, entity) DO UPDATE SET kind = excluded.kind, crm_item = excluded.crm_item, mail_item = excluded.mail_item,
		state = excluded.state, reason = excluded.reason, incarnation = excluded.incarnation, crm_base = excluded.crm_base,
		mail_base = excluded.mail_base, recheck = excluded.recheck, synced = excluded.synced,
		crm_doubt = excluded.crm_doubt, mail_doubt = excluded.mail_doubt`)
}

// dropLinks deletes the links of some entities. Their ids live on in identity.
func dropLinks(tx *tx, s scope, entities []string) error {
	_, err := execIn(tx, `DELETE FROM link WHERE mailbox = ? AND entity IN (?*)`, []any{s.ID}, entities)
	return err
}

// vacate takes items out of links of other entities before they are joined to
// theirs; a link that is left without an item goes. It returns the others.
func vacate(tx *tx, s scope, wanted []linkRow) (keep []linkRow, err error) {
	moved, err := displaced(tx, s, wanted)
	if err != nil {
		return nil, err
	}
	var drop []string
	for _, e := range sortedKeys(moved) {
		if l := moved[e]; l.CRMItem == nil && l.MailItem == nil {
			drop = append(drop, e)
		} else {
			keep = append(keep, l)
		}
	}
	if err := dropLinks(tx, s, drop); err != nil {
		return nil, err
	}
	return keep, saveLinks(tx, s, keep)
}

// displaced are links of other entities that hold a wanted item, without it.
func displaced(tx *tx, s scope, wanted []linkRow) (map[string]linkRow, error) {
	out := map[string]linkRow{}
	for _, side := range []model.Side{model.CRM, model.Mail} {
		owner := map[model.Kind]map[string]string{} // kind, item: entity
		for _, w := range wanted {
			if item := value(*w.item(side)); item != "" {
				if owner[model.Kind(w.Kind)] == nil {
					owner[model.Kind(w.Kind)] = map[string]string{}
				}
				owner[model.Kind(w.Kind)][item] = w.Entity
			}
		}
		for kind, items := range owner {
			rows, err := listIn[linkRow](tx, `SELECT `+linkColumns+` FROM link WHERE mailbox = ? AND kind = ? AND `+string(side)+`_item IN (?*)`,
				[]any{s.ID, string(kind)}, sortedKeys(items))
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				if items[value(*r.item(side))] == r.Entity {
					continue
				}
				if seen, ok := out[r.Entity]; ok {
					r = seen
				}
				*r.item(side) = nil
				out[r.Entity] = r
			}
		}
	}
	return out, nil
}

// identify remembers which entities items stand for. A CRM record, which all
// mailboxes share, keeps the entity it had first; an item that only waits for a
// person keeps the one it was known as.
func identify(tx *tx, s scope, rows []linkRow) error {
	var crm, mail, hints [][]any
	for _, l := range rows {
		if item := value(l.CRMItem); item != "" && l.State != string(plan.Returned) && l.State != string(plan.Review) {
			crm = append(crm, []any{s.CRM, "", l.Kind, item, l.Entity})
		}
		if item := value(l.MailItem); item != "" {
			r := []any{s.Mail, s.ID, l.Kind, item, l.Entity}
			if l.State == string(plan.Review) || l.State == string(plan.Returned) {
				hints = append(hints, r)
			} else {
				mail = append(mail, r)
			}
		}
	}
	const head, keep = `INSERT INTO identity (connection, mailbox, kind, item, entity)`, `ON CONFLICT (connection, mailbox, kind, item) DO NOTHING`
	if err := tx.insert(head, append(crm, hints...), keep); err != nil {
		return err
	}
	if err := tx.insert(head, mail, `ON CONFLICT (connection, mailbox, kind, item) DO UPDATE SET entity = excluded.entity
		WHERE identity.entity <> excluded.entity`); err != nil {
		return err
	}
	// The observation repeats the entity, by which changes are routed.
	for _, p := range []struct {
		place place
		rows  [][]any
	}{{s.places()[model.CRM], crm}, {s.places()[model.Mail], mail}} {
		if err := stampEntities(tx, p.place, p.rows); err != nil {
			return err
		}
	}
	return nil
}

// stampEntities copies entities from identity to the observations of items.
func stampEntities(tx *tx, p place, rows [][]any) error {
	byKind := map[string][]string{}
	for _, r := range rows {
		byKind[r[2].(string)] = append(byKind[r[2].(string)], r[3].(string))
	}
	for _, kind := range sortedKeys(byKind) {
		const known = `(SELECT i.entity FROM identity i WHERE i.connection = observation.connection AND i.mailbox = observation.mailbox
			AND i.kind = observation.kind AND i.item = observation.item)`
		if _, err := execIn(tx, `UPDATE observation SET entity = `+known+`
			WHERE connection = ? AND mailbox = ? AND kind = ? AND item IN (?*) AND entity <> `+known,
			[]any{string(p.connection), string(p.mailbox), kind}, byKind[kind]); err != nil {
			return err
		}
	}
	return nil
}

// Join records that items are one entity.
func (d *DB) Join(ctx context.Context, id model.MailboxID, joins []plan.Join) error {
	if len(joins) == 0 {
		return nil
	}
	return d.update(ctx, "join items of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var wanted []linkRow
		var rows []pendingRow
		var asked []reviewRow
		for _, j := range joins {
			wanted = append(wanted, linkRow{
				Entity: string(j.Entity), Kind: string(j.Kind), CRMItem: text(j.CRM), MailItem: text(j.Mail), State: string(j.State), Reason: j.Reason,
			})
			for side, item := range map[model.Side]string{model.CRM: j.CRM, model.Mail: j.Mail} {
				if item != "" {
					rows = append(rows, pendingRow{s.ID, string(side), string(j.Kind), item})
				}
				if item != "" && j.Question != "" {
					asked = append(asked, reviewRow{string(side), string(j.Kind), item, j.Question})
				}
			}
		}
		known, err := links(tx, s, entitiesOf(wanted))
		if err != nil {
			return err
		}
		before := maps.Clone(known)
		for _, w := range wanted { // an entity may be named twice, a side each
			if old, ok := known[w.Entity]; ok {
				w = old.joined(w)
			}
			known[w.Entity] = w
		}
		if _, err := placeLinks(tx, s, valuesOf(known), before); err != nil {
			return err
		}
		if err := ask(tx, s, asked, false); err != nil {
			return err
		}
		return pend(tx, rows)
	})
}

// valuesOf are the values of a map in the order of its keys.
func valuesOf[V any](m map[string]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range sortedKeys(m) {
		out = append(out, m[k])
	}
	return out
}

// placeLinks saves links. before is what is stored; an item that a link did not
// have before may be in another one so far. Of two that claim one item the later
// has it. It returns the links that so lost an item to another.
func placeLinks(tx *tx, s scope, wanted []linkRow, before map[string]linkRow) ([]linkRow, error) {
	owner := map[string]int{}
	for i := range wanted {
		for _, side := range []model.Side{model.CRM, model.Mail} {
			item := value(*wanted[i].item(side))
			if item == "" {
				continue
			}
			key := row(string(side), wanted[i].Kind, item)
			if earlier, ok := owner[key]; ok {
				*wanted[earlier].item(side) = nil
			}
			owner[key] = i
		}
	}
	var moved []linkRow
	for _, w := range wanted {
		old, ok := before[w.Entity]
		if !ok || value(old.CRMItem) != value(w.CRMItem) || value(old.MailItem) != value(w.MailItem) || old.State != w.State {
			moved = append(moved, w)
		}
	}
	deprived, err := vacate(tx, s, moved)
	if err != nil {
		return nil, err
	}
	if err := saveLinks(tx, s, wanted); err != nil {
		return nil, err
	}
	return deprived, identify(tx, s, moved)
}

// joined is a link with what was found out. An item that takes another's place
// keeps the base, and what is in doubt: it is the same thing under another id.
func (l linkRow) joined(w linkRow) linkRow {
	met := w.CRMItem != nil && w.MailItem != nil && (value(w.CRMItem) != value(l.CRMItem) || value(w.MailItem) != value(l.MailItem))
	for _, side := range []model.Side{model.CRM, model.Mail} {
		if item := *w.item(side); item != nil {
			*l.item(side), *l.doubt(side) = item, int64(plan.Doubt(*l.doubt(side)).Joined())
		}
	}
	if met {
		l.CRMBase, l.MailBase = nil, nil // matched anew: what one of them lacks was not taken out of it
	}
	l.Recheck = 0
	if l.State == string(plan.Withdrawn) && (w.CRMItem == nil || w.MailItem == nil) {
		return l // a record that comes back is withdrawn again
	}
	l.State, l.Reason = w.State, w.Reason
	return l
}
