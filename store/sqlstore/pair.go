package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// pendingPair is a pending row that stands for its pair.
type pendingPair struct {
	Side   string `db:"side"`
	Kind   string `db:"kind"`
	Item   string `db:"item"`
	Mark   int64  `db:"mark"`
	Entity string `db:"entity"` // of the link, empty = none
}

// selectPairs reads pending rows in order. A mail row whose CRM side is pending
// too is left out: the pair comes once. So is one whose CRM content was left out
// while nobody live took part, and is still to come.
func selectPairs() string {
	const mine = `SELECT l.entity FROM link l WHERE l.mailbox = p.mailbox AND l.kind = p.kind AND `
	const record = `(SELECT l.crm_item FROM link l WHERE l.mailbox = p.mailbox AND l.kind = p.kind AND l.mail_item = p.item)`
	return `SELECT p.side, p.kind, p.item, p.mark,
			COALESCE(CASE p.side WHEN 'crm' THEN (` + mine + `l.crm_item = p.item) ELSE (` + mine + `l.mail_item = p.item) END, '') AS entity
		FROM pending p
		WHERE p.mailbox = ? AND (p.side, p.kind, p.item) > (?, ?, ?)
		AND (p.side = 'crm' OR ` + no(`SELECT 1 FROM pending q WHERE q.mailbox = p.mailbox AND q.side = 'crm' AND q.kind = p.kind AND q.item = `+record) + `)
		AND ` + no(`SELECT 1 FROM observation o WHERE o.connection = ? AND o.mailbox = '' AND o.kind = p.kind
			AND o.item = CASE p.side WHEN 'crm' THEN p.item ELSE `+record+` END
			AND o.content IS NULL AND o.trouble = '' AND o.absent = 0
			AND `+takesPart) + `
		ORDER BY p.side, p.kind, p.item LIMIT ?`
}

// Pairs pages over what is pending.
func (d *DB) Pairs(ctx context.Context, id model.MailboxID, last string, limit int) ([]store.Pair, error) {
	side, kind, item, err := after(last)
	if err != nil {
		return nil, err
	}
	keys, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	var out []store.Pair
	err = d.view(ctx, "list pending pairs of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		r := pairReader{tx: tx, scope: s}
		if err := tx.list(&r.rows, selectPairs(), s.ID, side, kind, item, s.CRM, s.User, limit); err != nil || len(r.rows) == 0 {
			return err
		}
		for _, step := range []func() error{r.load, r.conflicts, func() error { return r.contents(changedPair) }, func() error { return r.past(keys) }, r.intents} {
			if err := step(); err != nil {
				return err
			}
		}
		out = r.pairs
		return nil
	})
	return out, err
}

// pairReader loads a page of pairs, each table with one look-up per kind: join
// orders guessed without statistics cannot make it slow.
type pairReader struct {
	tx    *tx
	scope scope
	rows  []pendingPair
	pairs []store.Pair

	links    map[string]linkRow                    // by entity
	seen     map[model.Side]map[string]observation // by kind and item
	marks    map[string]int64                      // by side, kind and item
	roles    map[string]string                     // by kind and item
	shared   map[string]bool                       // by kind and item: others take part, too
	readOnly map[string]bool                       // by side, kind and collection
}

// items are the ids that a row's pair has on both sides.
func (r *pairReader) items(p pendingPair) map[model.Side]string {
	if l, ok := r.links[p.Entity]; ok {
		return map[model.Side]string{model.CRM: value(l.CRMItem), model.Mail: value(l.MailItem)}
	}
	return map[model.Side]string{model.Side(p.Side): p.Item}
}

func (r *pairReader) load() error {
	var entities []string
	for _, p := range r.rows {
		if p.Entity != "" {
			entities = append(entities, p.Entity)
		}
	}
	var err error
	if r.links, err = links(r.tx, r.scope, entities); err != nil {
		return err
	}
	wanted := map[model.Side]map[string][]string{model.CRM: {}, model.Mail: {}}
	for _, p := range r.rows {
		for side, item := range r.items(p) {
			if item != "" {
				wanted[side][p.Kind] = append(wanted[side][p.Kind], item)
			}
		}
	}
	r.seen = map[model.Side]map[string]observation{model.CRM: {}, model.Mail: {}}
	r.marks, r.roles, r.readOnly, r.shared = map[string]int64{}, map[string]string{}, map[string]bool{}, map[string]bool{}
	for side, place := range r.scope.places() {
		for _, kind := range sortedKeys(wanted[side]) {
			if err := r.loadKind(side, place, kind, wanted[side][kind]); err != nil {
				return err
			}
		}
		if err := r.loadCollections(side, place); err != nil {
			return err
		}
	}
	for _, p := range r.rows {
		r.pairs = append(r.pairs, r.pair(p))
	}
	return nil
}

// loadKind reads what one side says of some items of a kind.
func (r *pairReader) loadKind(side model.Side, p place, kind string, items []string) error {
	found, err := observations(r.tx, p, model.Kind(kind), items)
	if err != nil {
		return err
	}
	for item, o := range found {
		r.seen[side][kind+item] = o
	}
	marks, err := listIn[struct {
		Item string `db:"item"`
		Mark int64  `db:"mark"`
	}](r.tx, `SELECT item, mark FROM pending WHERE mailbox = ? AND side = ? AND kind = ? AND item IN (?*)`,
		[]any{r.scope.ID, string(side), kind}, items)
	if err != nil {
		return err
	}
	for _, m := range marks {
		r.marks[row(string(side), kind, m.Item)] = m.Mark
	}
	if side == model.Mail {
		return nil
	}
	all, err := accesses(r.tx, p.connection, model.Kind(kind), items)
	for item, list := range all {
		for _, a := range list {
			if a.User == r.scope.User {
				r.roles[kind+item] = string(a.Role)
			} else {
				r.shared[kind+item] = true
			}
		}
	}
	return err
}

func (r *pairReader) loadCollections(side model.Side, p place) error {
	var rows []collectionRow
	if err := r.tx.list(&rows, selectCollection+`AND read_only = 1`, string(p.connection), string(p.mailbox)); err != nil {
		return err
	}
	for _, c := range rows {
		r.readOnly[row(string(side), c.Kind, c.ID)] = true
	}
	return nil
}

// pair is a row without contents.
func (r *pairReader) pair(p pendingPair) store.Pair {
	out := store.Pair{Row: row(p.Side, p.Kind, p.Item)}
	out.Kind = model.Kind(p.Kind)
	if l, ok := r.links[p.Entity]; ok {
		out.Entity, out.State, out.Reason, out.Incarnation = model.EntityID(l.Entity), plan.State(l.State), l.Reason, l.Incarnation
		if l.CRMBase != nil {
			out.CRMBase = &plan.Base{Key: hexKey(l.CRMBase)}
		}
		if l.MailBase != nil {
			out.MailBase = &plan.Base{Key: hexKey(l.MailBase)}
		}
	}
	items := r.items(p)
	if o := r.seen[model.CRM][p.Kind+items[model.CRM]]; out.Entity == "" && o.Absent == present {
		out.Entity = model.EntityID(o.Entity) // all mailboxes know a CRM record as one thing
	}
	for _, side := range []model.Side{model.CRM, model.Mail} {
		if mark, ok := r.marks[row(string(side), p.Kind, items[side])]; ok && items[side] != "" {
			out.Marks = append(out.Marks, store.Mark{Side: side, Kind: out.Kind, Item: items[side], At: mark})
		}
	}
	l := r.links[p.Entity]
	out.CRM, out.Mail = r.side(model.CRM, p.Kind, items[model.CRM], l), r.side(model.Mail, p.Kind, items[model.Mail], l)
	role, taking := r.roles[p.Kind+items[model.CRM]]
	out.Lead, out.Sole = model.Role(role) == model.Owner, taking && !r.shared[p.Kind+items[model.CRM]]
	if out.CRM != nil && !out.CRM.Gone && !taking {
		out.CRM.Left = true // the mailbox's user takes no part in it (any more)
	}
	return out
}

// side is what is known of an item; nil = nothing.
func (r *pairReader) side(side model.Side, kind, item string, l linkRow) *plan.Seen {
	o, ok := r.seen[side][kind+item]
	if !ok || item == "" {
		return nil
	}
	now := r.scope.Round
	if side == model.CRM {
		now = r.scope.Pass
	}
	return &plan.Seen{
		Ref: model.Ref{Side: side, Kind: model.Kind(kind), Collection: o.Collection, ID: o.Item, Version: o.Version, Order: o.Order},
		UID: o.UID, Key: hexKey(o.Content), Raw: hexKey(o.Raw), Stamp: model.Key(o.Stamp),
		Gone: o.Absent == gone, Settled: o.Absent == gone && now-o.AbsentSince >= r.scope.Settle, Left: o.Absent == left,
		Trouble: o.Trouble, Reduced: o.Reduced, ReadOnly: r.readOnly[row(string(side), kind, o.Collection)], Modified: instant(o.Modified),
		Since: instant(o.Seen), Doubt: doubtOf(o, *l.doubt(side)),
	}
}

// Rested pages over linked pairs for which nothing is pending.
func (d *DB) Rested(ctx context.Context, id model.MailboxID, after model.EntityID, limit int) ([]store.Pair, error) {
	var out []store.Pair
	err := d.view(ctx, "list resting pairs of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		r := pairReader{tx: tx, scope: s}
		const waiting = `SELECT 1 FROM pending p WHERE p.mailbox = l.mailbox AND p.kind = l.kind AND `
		if err := tx.list(&r.rows, `SELECT 'crm' AS side, l.kind, l.crm_item AS item, 0 AS mark, l.entity FROM link l
			WHERE l.mailbox = ? AND l.entity > ? AND l.state = 'linked' AND l.crm_item IS NOT NULL AND l.mail_item IS NOT NULL
			AND `+no(waiting+`p.side = 'crm' AND p.item = l.crm_item`)+` AND `+no(waiting+`p.side = 'mail' AND p.item = l.mail_item`)+`
			ORDER BY l.entity LIMIT ?`, s.ID, string(after), limit); err != nil || len(r.rows) == 0 {
			return err
		}
		if err := r.load(); err != nil {
			return err
		}
		if err := r.contents(func(p store.Pair) bool { return p.CRM != nil && p.Mail != nil && p.CRM.Key != p.Mail.Key }); err != nil {
			return err
		}
		out = r.pairs
		return nil
	})
	return out, err
}

// contents loads the contents and bases of those pairs that need them.
func (r *pairReader) contents(needed func(store.Pair) bool) error {
	wanted := map[*model.Content]string{} // where to, which key
	for i := range r.pairs {
		p := &r.pairs[i]
		if !needed(*p) {
			continue
		}
		for _, s := range []*plan.Seen{p.CRM, p.Mail} {
			if s != nil && s.Key != "" {
				wanted[&s.Content] = s.Key
			}
		}
		for _, b := range []*plan.Base{p.CRMBase, p.MailBase} {
			if b != nil {
				wanted[&b.Content] = b.Key
			}
		}
	}
	var keys [][]byte
	for _, k := range wanted {
		key, err := byteKey(k)
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	found, err := loadContents(r.tx, keys)
	if err != nil {
		return err
	}
	for to, k := range wanted {
		*to = found[k]
	}
	return nil
}

// changedPair reports whether a side is not there, or not as its base says, or
// a conflict is to be decided: a decision needs no contents otherwise.
func changedPair(p store.Pair) bool {
	same := func(s *plan.Seen, b *plan.Base) bool {
		return s != nil && b != nil && !s.Gone && !s.Left && s.Trouble == "" && s.Key == b.Key
	}
	return len(p.Conflicts) > 0 || !same(p.CRM, p.CRMBase) || !same(p.Mail, p.MailBase)
}
