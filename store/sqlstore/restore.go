package sqlstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// restored says why a collection is listed in full.
type restored int64

const (
	systemRestored restored = 1
	weRestored     restored = 2
)

// Restored makes every collection of a place list in full, trusting no version.
func (d *DB) Restored(ctx context.Context, c model.ConnectionID, m model.MailboxID) error {
	return d.update(ctx, "note a restored system", func(tx *tx) error {
		if err := tx.exec(`UPDATE collection SET position = '', listing = 0, restored = ?, intact = 0, high = 0, epoch = ''
			WHERE connection = ? AND mailbox = ?`, int64(systemRestored), string(c), string(m)); err != nil {
			return err
		}
		return tx.exec(`UPDATE observation SET version = '' WHERE connection = ? AND mailbox = ? AND version <> ''`, string(c), string(m))
	})
}

// DeclareRestored notes that this database was restored.
func (d *DB) DeclareRestored(ctx context.Context) error {
	return d.update(ctx, "declare this database restored", declareRestored)
}

func declareRestored(tx *tx) error {
	for _, query := range []string{
		`UPDATE installation SET restores = restores + 1`, `UPDATE mailbox SET restores = 1`, `UPDATE connection SET restores = 1`,
	} {
		if err := tx.exec(query); err != nil {
			return err
		}
	}
	return nil
}

// forgotten declares this database restored where a result shows that it was, and
// says which results are no answer because of that.
func (l *landing) forgotten(results []landed) error {
	if !slices.ContainsFunc(results, func(r landed) bool { return r.Forgot }) {
		return nil
	}
	var before int64
	if err := l.tx.get(&before, `SELECT restores FROM installation`); err != nil {
		return err
	}
	declare := false
	for i := range results {
		r := &results[i]
		r.Forgot = r.Forgot && (!r.Used || before == 0)
		r.Used = r.Used && !r.Forgot
		declare = declare || r.Forgot
	}
	if !declare {
		return nil
	}
	return declareRestored(l.tx)
}

// Reread makes every collection of a place list in full.
func (d *DB) Reread(ctx context.Context, c model.ConnectionID, m model.MailboxID) error {
	return d.update(ctx, "read everything again", func(tx *tx) error {
		// A system that was restored, too, is the worse doubt.
		if err := tx.exec(`UPDATE collection SET position = '', listing = 0, restored = CASE WHEN restored = 1 THEN 1 ELSE 2 END
			WHERE connection = ? AND mailbox = ?`, string(c), string(m)); err != nil {
			return err
		}
		if err := told(tx, string(c), string(m)); err != nil {
			return err
		}
		if m == "" {
			return one(tx.count(`UPDATE connection SET restores = 0 WHERE id = ?`, string(c)))
		}
		return one(tx.count(`UPDATE mailbox SET restores = 0 WHERE id = ?`, string(m)))
	})
}

// told puts in doubt what the changes told before it was known that this
// database was restored.
func told(tx *tx, c, m string) error {
	const item = `SELECT 1 FROM observation o WHERE o.connection = ? AND o.mailbox = ? AND o.kind = link.kind AND `
	query, owner := `UPDATE link SET mail_doubt = ? WHERE mailbox = ? AND mail_doubt = 0 AND `+
		some(item+`o.item = link.mail_item AND (o.absent = 1 OR o.content <> link.mail_base)`), m
	if m == "" {
		query, owner = `UPDATE link SET crm_doubt = ? WHERE crm = ? AND crm_doubt = 0 AND `+
			some(item+`o.item = link.crm_item AND (o.absent = 1 OR o.content <> link.crm_base)`), c
	}
	return tx.exec(query, int64(plan.Unwitnessed), owner, c, m)
}

// foreign reports whether the page names a new item that carries a key which
// only we give to items of this mailbox, while no intent knows it and no other
// item had it.
func (p *page) foreign() (bool, error) {
	if p.place.crm() || p.after != 0 {
		return false, nil
	}
	var keys []string
	fresh := map[string]bool{}
	for _, a := range p.items {
		_, known := p.known[a.row.Item]
		if !known && !a.before && plan.GivenTo(model.Key(a.row.Stamp), p.in.Mailbox) {
			keys, fresh[a.row.Item] = append(keys, a.row.Stamp), true
		}
	}
	have := map[string]bool{}
	for _, query := range []string{
		`SELECT op_key AS stamp, '' AS item FROM intent WHERE connection = ? AND scope = ? AND op_key IN (?*)`,
		// What our database forgot was met when everything was read again.
		`SELECT stamp, item FROM observation WHERE connection = ? AND mailbox = ? AND stamp IN (?*)`,
	} {
		found, err := listIn[observation](p.tx, query, []any{string(p.in.Connection), string(p.in.Mailbox)}, keys)
		if err != nil {
			return false, err
		}
		for _, f := range found {
			if !fresh[f.Item] {
				have[f.Stamp] = true
			}
		}
	}
	for _, k := range keys {
		if !have[k] {
			return true, nil
		}
	}
	return false, nil
}

// Newest returns the items of a collection that were learnt last.
func (d *DB) Newest(ctx context.Context, c model.ConnectionID, m model.MailboxID, of model.Collection, limit int) ([]model.Ref, error) {
	var rows []observation
	err := d.view(ctx, "list the newest items", func(tx *tx) error {
		return tx.list(&rows, `SELECT `+observationColumns+` FROM observation
			WHERE connection = ? AND mailbox = ? AND kind = ? AND collection = ? AND absent = 0
			ORDER BY observed DESC, ord DESC, item LIMIT ?`, string(c), string(m), string(of.Kind), of.ID, limit)
	})
	var out []model.Ref
	for _, o := range rows {
		out = append(out, model.Ref{Kind: of.Kind, Collection: o.Collection, ID: o.Item, Version: o.Version, Order: o.Order})
	}
	return out, err
}

// older reports whether an item comes with an older revision than the one we
// hold, outside of a listing after a restore, where that is no news.
func (p *page) older(old, now observation) bool {
	return p.after == 0 && old.Absent == present && now.Order > 0 && now.Order < old.Order
}

// compare holds an arrival of a listing after a restore against what was known:
// it is intact, in doubt, or came back from the dead.
func (p *page) compare(old observation, before bool, now *observation) {
	now.Returned = 0
	switch {
	case p.after == 0:
	case p.after == systemRestored && old.UID != "" && now.UID != "" && old.UID != now.UID:
		p.reused = append(p.reused, now.Item)
		now.Entity = ""
	case old.Item == "" || old.Absent != present:
		now.Returned = flag(p.after == systemRestored && before)
	case !bytes.Equal(old.Content, now.Content):
		p.doubts[p.suspicion()] = append(p.doubts[p.suspicion()], now.Item)
	case p.after == systemRestored && now.Order == old.Order && old.Observed <= p.marked:
		p.row.Intact = max(p.row.Intact, now.Order)
	}
}

// suspicion is the doubt that goes with a restore.
func (p *page) suspicion() plan.Doubt {
	if p.after == weRestored {
		return plan.Unwitnessed
	}
	return plan.Restored
}

// missed notes an item that a listing after a restore did not name.
func (p *page) missed(item string, order int64) {
	if p.after == 0 {
		return
	}
	d := p.suspicion()
	if d == plan.Restored && order > 0 && order <= p.row.Intact {
		d = plan.Predeceased
	}
	p.doubts[d] = append(p.doubts[d], item)
}

// unsure has a collection listed once more if it was listed after its system was
// restored and something is missing that we wrote so short a time before that
// the listing may not show it yet: only another listing tells whether it is lost.
func (p *page) unsure() error {
	if p.after != systemRestored {
		return nil
	}
	var missing bool
	at := []any{string(p.in.Connection), string(p.in.Mailbox), string(p.kind), p.in.Collection.ID}
	err := p.tx.get(&missing, `SELECT EXISTS (SELECT 1 FROM observation WHERE connection = ? AND mailbox = ? AND kind = ? AND collection = ?
		AND absent = 0 AND listing <> ? AND applied >= ?)`, append(at, p.listing, p.row.ListingBegun)...)
	if err != nil || !missing {
		return err
	}
	p.row.Position, p.row.Restored = "", int64(p.after)
	p.out.Collection = p.row.collection()
	return p.tx.exec(`UPDATE collection SET position = '', restored = ? WHERE connection = ? AND mailbox = ? AND kind = ? AND id = ?`,
		append([]any{p.row.Restored}, at...)...)
}

// suspect tells the links of what is in doubt.
func (p *page) suspect() error {
	if p.after == 0 {
		return nil
	}
	at := []any{string(p.in.Mailbox), string(p.kind)}
	where, column := `mailbox = ? AND kind = ? AND mail_item IN (?*)`, `mail_doubt`
	if p.place.crm() {
		at = []any{string(p.in.Connection), string(p.kind)}
		where, column = `crm = ? AND kind = ? AND crm_item IN (?*)`, `crm_doubt`
	}
	if err := p.detach(at, where, column); err != nil {
		return err
	}
	for d, items := range p.doubts {
		if _, err := execIn(p.tx, `UPDATE link SET `+column+` = ? WHERE `+where, append([]any{int64(d)}, at...), items); err != nil {
			return err
		}
	}
	if p.row.Restored == 0 {
		return nil
	}
	return p.tx.exec(`UPDATE collection SET intact = ? WHERE connection = ? AND mailbox = ? AND kind = ? AND id = ?`,
		p.row.Intact, string(p.in.Connection), string(p.in.Mailbox), string(p.kind), p.in.Collection.ID)
}

// detach takes out of their links the items whose id a restored system gave
// again, to another thing: what had the id before is lost.
func (p *page) detach(at []any, where, doubt string) error {
	if len(p.reused) == 0 {
		return nil
	}
	side, other := "mail", "crm"
	if p.place.crm() {
		side, other = other, side
	}
	if _, err := execIn(p.tx, `INSERT INTO pending (mailbox, side, kind, item, mark)
		SELECT mailbox, CAST(? AS TEXT), kind, `+other+`_item, CAST(? AS BIGINT) FROM link WHERE `+other+`_item IS NOT NULL AND `+where+bump,
		append([]any{other, newMark()}, at...), p.reused); err != nil {
		return err
	}
	for _, query := range []string{
		`DELETE FROM link WHERE ` + other + `_item IS NULL AND ` + where,
		`UPDATE link SET ` + side + `_item = NULL, incarnation = incarnation + 1, ` + doubt + ` = 0 WHERE ` + where,
	} {
		if _, err := execIn(p.tx, query, at, p.reused); err != nil {
			return err
		}
	}
	_, err := execIn(p.tx, `DELETE FROM identity WHERE connection = ? AND mailbox = ? AND kind = ? AND item IN (?*)`,
		[]any{string(p.in.Connection), string(p.in.Mailbox), string(p.kind)}, p.reused)
	return err
}

// doubtOf is what is in doubt about an item: as its link says, or because it
// came back with a backup and was joined since.
func doubtOf(o observation, link int64) plan.Doubt {
	if link == 0 && o.Returned != 0 && o.Absent == present {
		return plan.Restored
	}
	return plan.Doubt(link)
}

// passed is a content that was replaced by another one.
type passed struct {
	entity   string
	old, now []byte
}

// superseded are the bases that links no longer have.
func superseded(before, after map[string]linkRow) []passed {
	var out []passed
	for _, e := range sortedKeys(after) {
		was, is := before[e], after[e]
		out = append(out, passed{e, was.CRMBase, is.CRMBase}, passed{e, was.MailBase, is.MailBase})
	}
	return out
}

// remember keeps fingerprints of values that were replaced.
func remember(tx *tx, s scope, keys installation, now time.Time, history []passed) error {
	var bodies [][]byte
	for _, h := range history {
		if h.old != nil && h.now != nil && !bytes.Equal(h.old, h.now) {
			bodies = append(bodies, h.old, h.now)
		}
	}
	if len(bodies) == 0 {
		return nil
	}
	contents, err := loadContents(tx, bodies)
	if err != nil {
		return err
	}
	rows, have := [][]any(nil), map[[3]string]bool{}
	for _, h := range history {
		if h.old == nil || h.now == nil || bytes.Equal(h.old, h.now) {
			continue
		}
		old := contents[hexKey(h.old)]
		for _, f := range model.Differing(old, contents[hexKey(h.now)]) {
			key := [3]string{h.entity, f, keys.valueOf(f, old)}
			if !have[key] {
				have[key] = true
				rows = append(rows, []any{s.CRM, h.entity, f, key[2], s.ID, micros(now)})
			}
		}
	}
	return tx.insert(`INSERT INTO value_history (crm, entity, field, value, mailbox, at)`, rows,
		`ON CONFLICT (crm, entity, field, value) DO UPDATE SET at = excluded.at`)
}

// valueOf is the fingerprint of what a field says.
func (in installation) valueOf(field string, c model.Content) string {
	return hex.EncodeToString(in.value.Sum([]byte(field + "\x00" + string(c.Only([]string{field}).Encode()))))
}

// past finds the fields in which items that are in doubt hold a value of the
// past.
func (r *pairReader) past(keys installation) error {
	var entities []string
	for _, p := range r.pairs {
		if inDoubt(p) {
			entities = append(entities, string(p.Entity))
		}
	}
	if len(entities) == 0 {
		return nil
	}
	rows, err := listIn[struct {
		Entity string `db:"entity"`
		Field  string `db:"field"`
		Value  string `db:"value"`
	}](r.tx, `SELECT entity, field, value FROM value_history WHERE crm = ? AND entity IN (?*)`, []any{r.scope.CRM}, entities)
	had := map[[3]string]bool{}
	for _, v := range rows {
		had[[3]string{v.Entity, v.Field, v.Value}] = true
	}
	for _, p := range r.pairs {
		for _, s := range []*plan.Seen{p.CRM, p.Mail} {
			if s == nil || s.Doubt != plan.Restored {
				continue
			}
			for _, f := range model.Fields(p.Kind) {
				if had[[3]string{string(p.Entity), f.Name, keys.valueOf(f.Name, s.Content)}] {
					s.Past = append(s.Past, f.Name)
				}
			}
		}
	}
	return err
}

func inDoubt(p store.Pair) bool {
	return p.CRM != nil && p.CRM.Doubt == plan.Restored || p.Mail != nil && p.Mail.Doubt == plan.Restored
}
