package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// scope is what queries about one mailbox need to know of it.
type scope struct {
	ID     string `db:"id"`
	CRM    string `db:"crm"`
	User   string `db:"crm_user"`
	Mail   string `db:"mail"`
	Round  int64  `db:"round"`
	Pass   int64  `db:"pass"`
	Settle int64  `db:"settle_rounds"`
}

func (s scope) places() map[model.Side]place {
	return map[model.Side]place{
		model.CRM:  {connection: model.ConnectionID(s.CRM)},
		model.Mail: {connection: model.ConnectionID(s.Mail), mailbox: model.MailboxID(s.ID)},
	}
}

func (s scope) mailbox() model.MailboxID { return model.MailboxID(s.ID) }

func scopeOf(tx *tx, id model.MailboxID) (scope, error) {
	var s scope
	err := tx.get(&s, `SELECT m.id, m.crm, m.crm_user, m.mail, m.round, c.pass, y.settle_rounds
		FROM mailbox m JOIN connection c ON c.id = m.crm JOIN policy y ON y.name = m.policy WHERE m.id = ?`, string(id))
	return s, err
}

// row is the place of a pending row in the order of pages.
func row(side, kind, item string) string { return side + "\x1f" + kind + "\x1f" + item }

// after reads a place; the empty one is before all others.
func after(r string) (side, kind, item string, err error) {
	if r == "" {
		return "", "", "", nil
	}
	parts := strings.SplitN(r, "\x1f", 3)
	if len(parts) != 3 {
		return "", "", "", fmt.Errorf("continue after %q: it is not a place in the order", r)
	}
	return parts[0], parts[1], parts[2], nil
}

type strangerRow struct {
	Side       string `db:"side"`
	Kind       string `db:"kind"`
	Item       string `db:"item"`
	UID        string `db:"uid"`
	Content    []byte `db:"content"`
	Natural    []byte `db:"natural_key"`
	Stamp      string `db:"stamp"`
	Entity     string `db:"entity"`
	Known      string `db:"known"`
	Absent     int64  `db:"absent"`
	Seen       int64  `db:"seen"`
	Collection string `db:"collection"`
	Back       bool   `db:"back"` // with a backup
}

// readable are the observations one can say something about: content that was
// left out while nobody live took part comes with the next pass.
const readable = ` AND (o.content IS NOT NULL OR o.trouble <> '' OR o.absent <> 0)`

// takesPart is the condition that a CRM user takes part in an observed item.
const takesPart = `(CASE WHEN EXISTS (SELECT 1 FROM access a
	WHERE a.connection = o.connection AND a.kind = o.kind AND a.item = o.item AND a.crm_user = ?) THEN 1 ELSE 0 END = 1)`

// joinedYet is the condition that a link says what its item is: another item is
// in it, or was decided not to be, or is being created.
func joinedYet(other string) string {
	return `(l.` + other + ` IS NOT NULL OR l.state <> '' OR ` +
		some(`SELECT 1 FROM intent n WHERE n.crm = l.crm AND n.entity = l.entity AND n.outcome IN ('', 'unknown')`) + `)`
}

// selectStrangers reads pending rows of items that are there to be looked at and
// have no link, or one that joined them to nothing yet.
func selectStrangers() string {
	const mine = `SELECT 1 FROM link l WHERE l.mailbox = p.mailbox AND l.kind = p.kind AND `
	return `SELECT p.side, p.kind, p.item FROM pending p
		WHERE p.mailbox = ? AND (p.side, p.kind, p.item) > (?, ?, ?)
		AND CASE p.side
			WHEN 'mail' THEN CASE WHEN EXISTS (` + mine + `l.mail_item = p.item AND ` + joinedYet("crm_item") + `) THEN 0
				WHEN EXISTS (SELECT 1 FROM observation o WHERE o.connection = ? AND o.mailbox = p.mailbox AND o.kind = p.kind AND o.item = p.item) THEN 1
				ELSE 0 END
			ELSE CASE WHEN EXISTS (` + mine + `l.crm_item = p.item AND ` + joinedYet("mail_item") + `) THEN 0
				WHEN EXISTS (SELECT 1 FROM observation o WHERE o.connection = ? AND o.mailbox = '' AND o.kind = p.kind AND o.item = p.item` + readable + `
					AND ` + takesPart + `) THEN 1
				ELSE 0 END
			END = 1
		ORDER BY p.side, p.kind, p.item LIMIT ?`
}

// describe adds to rows what was observed of their items.
func describe(tx *tx, s scope, rows []strangerRow) error {
	items := map[model.Side]map[string][]string{model.CRM: {}, model.Mail: {}}
	for _, r := range rows {
		items[model.Side(r.Side)][r.Kind] = append(items[model.Side(r.Side)][r.Kind], r.Item)
	}
	seen, known := map[string]observation{}, map[string]string{}
	for side, p := range s.places() {
		for _, kind := range sortedKeys(items[side]) {
			found, err := observations(tx, p, model.Kind(kind), items[side][kind])
			if err != nil {
				return err
			}
			for item, o := range found {
				seen[row(string(side), kind, item)] = o
			}
			ids, err := identities(tx, p, model.Kind(kind), items[side][kind])
			if err != nil {
				return err
			}
			for item, e := range ids {
				known[row(string(side), kind, item)] = e
			}
		}
	}
	for i := range rows {
		r := &rows[i]
		o := seen[row(r.Side, r.Kind, r.Item)]
		if o.Reduced {
			o.Content = nil // many say the same; it makes none of them another
		}
		r.UID, r.Content, r.Natural, r.Stamp, r.Entity, r.Absent, r.Seen = o.UID, o.Content, o.Natural, o.Stamp, o.Entity, int64(o.Absent), o.Seen
		r.Back = o.Returned != 0
		r.Collection = o.Collection
		r.Known = known[row(r.Side, r.Kind, r.Item)]
	}
	return nil
}

// Strangers pages over pending items without a link.
func (d *DB) Strangers(ctx context.Context, id model.MailboxID, last string, limit int) ([]plan.Stranger, error) {
	side, kind, item, err := after(last)
	if err != nil {
		return nil, err
	}
	var out []plan.Stranger
	err = d.view(ctx, "list unlinked items of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []strangerRow
		if err := tx.list(&rows, selectStrangers(), s.ID, side, kind, item, s.Mail, s.CRM, s.User, limit); err != nil {
			return err
		}
		if err := describe(tx, s, rows); err != nil {
			return err
		}
		out, err = strangers(tx, s, rows)
		return err
	})
	return out, err
}

// Candidates returns present, visible items that share a key and have no link
// here, or one that joined them to nothing yet.
func (d *DB) Candidates(ctx context.Context, id model.MailboxID, by plan.MatchBy, keys []string) ([]plan.Stranger, error) {
	if by == plan.ByKey {
		return d.namesakes(ctx, id, keys)
	}
	column, values, err := matching(by, keys)
	if err != nil || len(values) == 0 {
		return nil, err
	}
	var out []plan.Stranger
	err = d.view(ctx, "list candidates of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []strangerRow
		for _, side := range []model.Side{model.CRM, model.Mail} {
			part, err := candidates(tx, s, side, column, values)
			if err != nil {
				return err
			}
			rows = append(rows, part...)
		}
		out, err = strangers(tx, s, rows)
		return err
	})
	return out, err
}

// selfOf is the entity that an item would be first known by.
func selfOf(s scope, r strangerRow) model.EntityID {
	if model.Side(r.Side) == model.CRM {
		return plan.CRMEntity(model.ConnectionID(s.CRM), model.Kind(r.Kind), r.Item)
	}
	return plan.MailEntity(s.mailbox(), model.Kind(r.Kind), r.Item)
}

// namesakes are the unlinked items that our key, or their own id, names as one
// of some entities. Only what a restored database forgot has such keys, so the
// strangers are gone through.
func (d *DB) namesakes(ctx context.Context, id model.MailboxID, keys []string) ([]plan.Stranger, error) {
	wanted := map[string]bool{}
	for _, k := range keys {
		wanted[k] = true
	}
	var out []plan.Stranger
	for after := ""; ; {
		page, err := d.Strangers(ctx, id, after, 1000)
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, s := range page {
			if wanted[s.Key(plan.ByKey)] && !s.Gone {
				out = append(out, s)
			}
		}
		after = page[len(page)-1].Row
	}
}

// matching is the column of a step and its keys as stored.
func matching(by plan.MatchBy, keys []string) (column string, values []any, err error) {
	column = map[plan.MatchBy]string{plan.ByUID: "uid", plan.ByContent: "content", plan.ByNatural: "natural_key"}[by]
	if column == "" {
		return "", nil, fmt.Errorf("list candidates: there is no matching by %q", by)
	}
	seen := map[string]bool{"": true}
	for _, k := range keys {
		if seen[k] {
			continue
		}
		seen[k] = true
		if by == plan.ByUID {
			values = append(values, k)
			continue
		}
		b, err := byteKey(k)
		if err != nil {
			return "", nil, err
		}
		values = append(values, b)
	}
	return column, values, nil
}

func candidates(tx *tx, s scope, side model.Side, column string, keys []any) ([]strangerRow, error) {
	p := s.places()[side]
	taking, args := ``, []any(nil)
	if side == model.CRM {
		taking = ` AND ` + takesPart
		args = append(args, s.User)
	}
	item, other := string(side)+"_item", string(side.Other())+"_item"
	place := map[model.Side]string{model.CRM: `l.mailbox`, model.Mail: `''`}[side] // of the other side's items
	rows, err := listIn[strangerRow](tx, `SELECT CAST(? AS TEXT) AS side, o.kind, o.item FROM observation o
		WHERE o.connection = ? AND o.mailbox = ? AND o.`+column+` IN (?*) AND o.absent = 0 AND o.trouble = '' AND (o.reduced = 0 OR CAST(? AS TEXT) = 'uid')`+readable+taking+`
		AND `+no(`SELECT 1 FROM link l WHERE l.mailbox = ? AND l.kind = o.kind AND l.`+item+` = o.item
			AND (l.state NOT IN ('', 'skipped', 'linked', 'kept') AND NOT (l.state = 'returned' AND l.reason = ?) OR `+some(`
				SELECT 1 FROM observation x WHERE x.connection = ? AND x.mailbox = `+place+`
					AND x.kind = l.kind AND x.item = l.`+other+` AND x.absent <> 1`)+` OR `+some(`
				SELECT 1 FROM intent n WHERE n.crm = l.crm AND n.entity = l.entity AND n.outcome IN ('', 'unknown')`)+`)`)+`
		AND `+no(`SELECT 1 FROM review v WHERE v.mailbox = ? AND v.side = ? AND v.kind = o.kind AND v.item = o.item AND v.apart = 1`)+`
		ORDER BY o.kind, o.item`,
		[]any{string(side), string(p.connection), string(p.mailbox)}, keys, append(append([]any{column}, args...), s.ID, plan.ReasonCameBack, string(s.places()[side.Other()].connection), s.ID, string(side))...)
	if err != nil {
		return nil, err
	}
	return rows, describe(tx, s, rows)
}

// standing is what already stands for an entity in a mailbox.
type standing struct {
	Entity   string `db:"entity"`
	CRMItem  string `db:"crm_item"`
	MailItem string `db:"mail_item"`
	CRMHere  bool   `db:"crm_here"`
	MailHere bool   `db:"mail_here"`
}

func (s standing) item(side model.Side) (item string, here bool) {
	if side == model.CRM {
		return s.CRMItem, s.CRMHere
	}
	return s.MailItem, s.MailHere
}

func standings(tx *tx, s scope, entities []string) (map[string]standing, error) {
	rows, err := listIn[standing](tx, `SELECT l.entity, COALESCE(l.crm_item, '') AS crm_item, COALESCE(l.mail_item, '') AS mail_item,
		EXISTS (SELECT 1 FROM observation o WHERE o.connection = l.crm AND o.mailbox = '' AND o.kind = l.kind AND o.item = l.crm_item AND o.absent = 0) AS crm_here,
		EXISTS (SELECT 1 FROM observation o WHERE o.connection = ? AND o.mailbox = l.mailbox AND o.kind = l.kind AND o.item = l.mail_item AND o.absent = 0) AS mail_here
		FROM link l WHERE l.mailbox = ? AND l.entity IN (?*)`, []any{s.Mail, s.ID}, entities)
	out := make(map[string]standing, len(rows))
	for _, r := range rows {
		out[r.Entity] = r
	}
	return out, err
}

// strangers finishes rows: which entity they are known as, and what stands for
// it here.
func strangers(tx *tx, s scope, rows []strangerRow) ([]plan.Stranger, error) {
	out := make([]plan.Stranger, len(rows))
	var entities []string
	same, err := sameUID(tx, s, rows)
	if err != nil {
		return nil, err
	}
	stamped, err := sameStamp(tx, s, rows)
	if err != nil {
		return nil, err
	}
	for i, r := range rows {
		e := r.Known
		if model.Side(r.Side) == model.CRM {
			e = or(r.Entity, e)
		}
		e = or(e, stamped[r.Side+r.Kind+r.Stamp])
		e = or(e, string(plan.KeyEntity(model.Key(r.Stamp))))
		twin := same[r.Side+r.Kind+r.UID]
		switch {
		case model.Side(r.Side) == model.CRM && twin != "":
			e = twin // whatever it is elsewhere: this mailbox has that one already
		default:
			e = or(e, twin)
		}
		out[i] = plan.Stranger{
			Row: row(r.Side, r.Kind, r.Item), Side: model.Side(r.Side), Kind: model.Kind(r.Kind), Item: r.Item, UID: r.UID,
			Content: hexKey(r.Content), Natural: hexKey(r.Natural), Entity: model.EntityID(e), Gone: r.Absent != 0, Since: instant(r.Seen), Stamp: model.Key(r.Stamp), Collection: r.Collection,
			Self:     selfOf(s, r),
			Copied:   r.Side == string(model.Mail) && r.Known == "" && twin == "" && e != "",
			CameBack: r.Back && r.Absent == 0 && or(r.Entity, r.Known) != "",
		}
		if e != "" {
			entities = append(entities, e)
		}
	}
	known, err := standings(tx, s, entities)
	if err != nil {
		return nil, err
	}
	elsewhere, err := linkedMailboxes(tx, model.ConnectionID(s.CRM), entities)
	for i := range out {
		if out[i].Side == model.CRM && len(elsewhere[string(out[i].Entity)]) > 0 {
			out[i].CameBack = false // somebody has it still
		}
		st, ok := known[string(out[i].Entity)]
		if !ok || out[i].Entity == "" {
			continue
		}
		out[i].CameBack = false // it is linked still
		item, here := st.item(out[i].Side)
		out[i].Occupied = here && item != out[i].Item
		out[i].Partner = !here && item != out[i].Item
	}
	return out, err
}

// sameUID finds links in this mailbox whose item has the UID of a stranger, by
// side, kind and UID. In the mailbox the stranger is then a moved item without
// our stamp, or a copy, also where the item is gone by now; in the CRM it is a
// second record of one thing.
func sameUID(tx *tx, s scope, rows []strangerRow) (map[string]string, error) {
	uids := map[model.Side][]string{}
	for _, r := range rows {
		if r.UID != "" {
			uids[model.Side(r.Side)] = append(uids[model.Side(r.Side)], r.UID)
		}
	}
	out := map[string]string{}
	for side, p := range s.places() {
		there := map[model.Side]string{model.CRM: ` AND o.absent = 0`}[side]
		found, err := listIn[struct {
			Kind   string `db:"kind"`
			UID    string `db:"uid"`
			Entity string `db:"entity"`
		}](tx, `SELECT o.kind, o.uid, COALESCE((SELECT l.entity FROM link l
				WHERE l.mailbox = ? AND l.kind = o.kind AND l.`+string(side)+`_item = o.item AND l.state <> 'returned'), '') AS entity
			FROM observation o WHERE o.connection = ? AND o.mailbox = ?`+there+` AND o.uid IN (?*) ORDER BY o.kind, o.item`,
			[]any{s.ID, string(p.connection), string(p.mailbox)}, uids[side])
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if f.Entity != "" {
				out[string(side)+f.Kind+f.UID] = f.Entity
			}
		}
	}
	return out, nil
}

// sameStamp finds what the items stand for in this mailbox by now that we made
// under the keys of strangers, by side, kind and stamp. It may be another thing
// than the one it was made for: the copy of a meeting goes over to the record
// that takes the place of a deleted one.
func sameStamp(tx *tx, s scope, rows []strangerRow) (map[string]string, error) {
	var stamps []string
	for _, r := range rows {
		if r.Stamp != "" && model.Side(r.Side) == model.Mail {
			stamps = append(stamps, r.Stamp)
		}
	}
	found, err := listIn[struct {
		Kind   string `db:"kind"`
		Stamp  string `db:"stamp"`
		Entity string `db:"entity"`
	}](tx, `SELECT o.kind, o.stamp, l.entity FROM observation o
		JOIN link l ON l.mailbox = o.mailbox AND l.kind = o.kind AND l.mail_item = o.item AND l.state NOT IN ('returned', 'copied')
		WHERE o.connection = ? AND o.mailbox = ? AND o.stamp IN (?*) ORDER BY o.kind, o.item`, []any{s.Mail, s.ID}, stamps)
	out := map[string]string{}
	for _, f := range found {
		out[string(model.Mail)+f.Kind+f.Stamp] = f.Entity
	}
	return out, err
}
