package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// page is one page on its way into the database.
type page struct {
	in    store.PageIn
	place place
	kind  model.Kind
	items []arrival
	store *bodies

	tx      *tx
	row     collectionRow
	listing int64 // number of the full listing this page belongs to, 0 = none
	// vanishing is what an item is that a full listing does not name.
	vanishing absence
	since     int64    // the round or pass that is under way
	after     restored // the restore after which the collection is listed in full
	marked    int64    // when the collection was last as expected before
	doubts    map[plan.Doubt][]string
	reused    []string               // ids that name another thing now
	known     map[string]observation // of every item the page names
	access    map[string][]model.Access
	live      map[string]string // CRM side: mailbox by user
	doubted   []string          // items that the page shows otherwise than we wrote them
	settled   []string          // items that were doubted and are not any more
	out       store.PageOut
}

// arrival is an item of a page as the row it will be.
type arrival struct {
	row    observation
	access []model.Access
	before bool // its id was known as an entity's before
}

// SavePage commits a page and its cursor in one transaction.
func (d *DB) SavePage(ctx context.Context, in store.PageIn) (store.PageOut, error) {
	if idle(in) {
		return store.PageOut{Collection: in.Collection}, nil
	}
	keys, err := d.keys(ctx)
	if err != nil {
		return store.PageOut{}, err
	}
	p := page{
		in: in, kind: in.Collection.Kind, store: keys.bodies(in.Now),
		place: place{connection: in.Connection, mailbox: in.Mailbox},
	}
	p.prepare(keys)
	begin := d.update
	if p.place.crm() {
		begin = d.routing
	}
	err = begin(ctx, "save page of "+string(p.kind)+" collection", func(tx *tx) error {
		p.tx, p.out, p.doubted, p.settled = tx, store.PageOut{}, nil, nil
		p.doubts, p.reused = map[plan.Doubt][]string{}, nil
		return p.save()
	})
	return p.out, err
}

// idle reports that a page says nothing, so that no row is read or written.
func idle(in store.PageIn) bool {
	return len(in.Items)+len(in.Gone)+len(in.Left)+len(in.Listed) == 0 && !in.Full && !in.Collection.Listing && in.Cursor == in.Collection.Cursor
}

// prepare computes rows, bodies and fingerprints before the transaction.
func (p *page) prepare(keys installation) {
	last := map[string]int{}
	for i, it := range p.in.Items {
		last[it.Ref.ID] = i
	}
	for i, it := range p.in.Items {
		if last[it.Ref.ID] != i {
			continue // named twice: the later one counts
		}
		content := it.Content
		if it.Trouble != "" {
			content = nil
		} else if content == nil && !p.place.crm() {
			content = model.Content{}
		}
		o := observation{
			Kind: string(p.kind), Item: it.Ref.ID, Collection: p.in.Collection.ID, Version: it.Ref.Version, Order: it.Ref.Order,
			Content: p.store.content(content), Raw: p.store.raw(it.Raw), UID: it.UID,
			Stamp: string(it.Stamp), Trouble: it.Trouble, Modified: micros(it.Modified), Reduced: it.Reduced,
		}
		keys.facts(&o, p.kind, content)
		p.items = append(p.items, arrival{row: o, access: normalAccess(it.Access)})
	}
}

func (p *page) save() error {
	if err := p.move(); err != nil {
		return err
	}
	if err := p.load(); err != nil {
		return err
	}
	changed, same, err := p.arrive()
	if err != nil {
		return err
	}
	returned, err := p.listed(same)
	if err != nil {
		return err
	}
	absent, err := p.absent()
	if err != nil {
		return err
	}
	if err := p.doubt(); err != nil {
		return err
	}
	if err := p.suspect(); err != nil {
		return err
	}
	if p.out.Foreign, err = p.foreign(); err != nil {
		return err
	}
	if !p.place.crm() {
		if err := p.tx.worked(p.place.mailbox, model.Mail, store.PhaseFetch); err != nil {
			return err
		}
	}
	p.out.Changed, p.out.Absent = len(changed)+len(returned), len(absent)
	p.out.Woken, err = p.route(slices.Concat(changed, returned, absent))
	return err
}

// move moves the cursor, if it is still where the page was read from.
func (p *page) move() error {
	in := p.in
	if err := p.tx.get(&p.row, selectCollection+`AND kind = ? AND id = ?`,
		string(in.Connection), string(in.Mailbox), string(p.kind), in.Collection.ID); err != nil {
		return err
	}
	if p.row.Position != string(in.Collection.Cursor) || p.row.Privacy != in.Collection.Privacy {
		return store.ErrStale
	}
	r := &p.row
	switch {
	case !in.Full:
		r.Listing = 0 // a listing that is not continued proves nothing
	case r.Listing == 0 && r.Position == "":
		r.Listings++
		r.Listing, r.ListingBegun = r.Listings, micros(in.ReadAt)
	}
	p.vanishing = gone
	if r.Refiltered {
		p.vanishing = left
	}
	p.listing, p.after, p.marked = r.Listing, restored(r.Restored), r.Marked
	r.Position = string(in.Cursor)
	if in.Full && in.Last && r.Listing != 0 {
		r.Complete, r.Listing, r.Restored, r.Refiltered = true, 0, 0, false
	}
	if in.Mark != nil {
		r.High, r.Epoch = in.Mark.High, in.Mark.Epoch
		if r.Restored == 0 {
			r.Marked = micros(in.Now)
		}
	}
	n, err := p.tx.count(`UPDATE collection SET position = ?, listing = ?, listings = ?, listing_begun = ?, complete = ?,
		high = ?, epoch = ?, marked = ?, restored = ?, refiltered = ?
		WHERE connection = ? AND mailbox = ? AND kind = ? AND id = ? AND position = ?`,
		r.Position, r.Listing, r.Listings, r.ListingBegun, flag(r.Complete), r.High, clean(r.Epoch), r.Marked, r.Restored, flag(r.Refiltered),
		string(in.Connection), string(in.Mailbox), string(p.kind), in.Collection.ID, string(in.Collection.Cursor))
	if err == nil && n == 0 {
		err = store.ErrStale
	}
	p.out.Collection = r.collection()
	return err
}

// load reads what is known of every item that the page names.
func (p *page) load() error {
	var ids []string
	for _, a := range p.items {
		ids = append(ids, a.row.Item)
	}
	for _, refs := range [][]model.Ref{p.in.Gone, p.in.Left, p.in.Listed} {
		for _, r := range refs {
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var err error
	if p.known, err = observations(p.tx, p.place, p.kind, ids); err != nil {
		return err
	}
	if !p.place.crm() {
		return p.tx.get(&p.since, `SELECT round + 1 FROM mailbox WHERE id = ?`, string(p.in.Mailbox))
	}
	if err := p.tx.get(&p.since, `SELECT pass + 1 FROM connection WHERE id = ?`, string(p.in.Connection)); err != nil {
		return err
	}
	if p.access, err = accesses(p.tx, p.in.Connection, p.kind, ids); err != nil {
		return err
	}
	var users []string
	for _, a := range p.items {
		for _, u := range a.access {
			users = append(users, u.User)
		}
	}
	p.live, err = liveMailboxes(p.tx, p.in.Connection, users)
	return err
}

// arrive saves items that differ from what is known. It returns those that
// differ in a way somebody has to look at, and those that are as known.
func (p *page) arrive() (changed []routed, same []string, err error) {
	if err := p.recognise(); err != nil {
		return nil, nil, err
	}
	var rows []observation
	wanted, access := map[string]bool{}, map[string][]model.Access{}
	for _, a := range p.items {
		old, known := p.known[a.row.Item]
		if known && p.overtaken(old, a.row) {
			continue
		}
		if known && p.older(old, a.row) {
			if old.Observed >= micros(p.in.ReadAt) {
				continue // we read it after this page was
			}
			return nil, nil, store.ErrRestored
		}
		if p.place.crm() && !p.wantsBody(a.access) {
			a.row.Content, a.row.Raw, a.row.Natural, a.row.Title = nil, nil, nil, nil
		}
		a.row.Privacy = p.row.Privacy
		regrouped := p.place.crm() && !slices.Equal(p.access[a.row.Item], a.access)
		if known && !regrouped && old.sameAs(a.row) {
			same = append(same, a.row.Item)
			continue
		}
		a.row.Entity, a.row.Applied, a.row.Listing = or(a.row.Entity, old.Entity), old.Applied, p.listing
		a.row.Seen, a.row.Observed = cmp.Or(old.Seen, micros(p.in.Now)), micros(p.in.Now)
		p.compare(old, a.before, &a.row)
		if old.Collection == a.row.Collection {
			a.row.Listing = max(p.listing, old.Listing) // listings are numbered per collection
		}
		rows = append(rows, a.row)
		wanted[string(a.row.Content)], wanted[string(a.row.Raw)] = true, true
		if regrouped {
			access[a.row.Item] = a.access
		}
		if !known || regrouped || old.says(a.row) {
			changed = append(changed, routed{kind: p.kind, item: a.row.Item, entity: a.row.Entity, users: p.users(a.row.Item, a.access)})
		}
	}
	if err := p.store.save(p.tx, wanted); err != nil {
		return nil, nil, err
	}
	if err := saveObservations(p.tx, p.place, rows); err != nil {
		return nil, nil, err
	}
	if err := replaced(p.tx, p.known, rows, micros(p.in.Now)); err != nil {
		return nil, nil, err
	}
	return changed, same, saveAccess(p.tx, p.in.Connection, p.kind, access)
}

// sameAs reports whether an arrival is known in this very version.
func (o observation) sameAs(n observation) bool {
	return o.Version != "" && o.Version == n.Version && o.Collection == n.Collection && o.Absent == present &&
		o.Trouble == n.Trouble && o.Privacy == n.Privacy && (o.Content != nil || n.Content == nil)
}

// says reports whether an arrival says something else than what is known.
func (o observation) says(n observation) bool {
	return o.Absent != present || o.Trouble != n.Trouble || o.Reduced != n.Reduced || !bytes.Equal(o.Content, n.Content)
}

// wantsBody reports whether a live mailbox takes part: only then is a CRM item's
// content kept.
func (p *page) wantsBody(access []model.Access) bool {
	return slices.ContainsFunc(access, func(a model.Access) bool { return p.live[a.User] != "" })
}

// users are all who take or took part in an item.
func (p *page) users(item string, now []model.Access) []string {
	var out []string
	for _, a := range slices.Concat(p.access[item], now) {
		out = append(out, a.User)
	}
	return out
}

// recognise gives arrivals the entity they were known as, or (CRM side) the one
// that our stamp on them names.
func (p *page) recognise() error {
	var unknown, stamped []string
	for _, a := range p.items {
		if p.known[a.row.Item].Entity != "" {
			continue
		}
		unknown = append(unknown, a.row.Item)
		if e := plan.KeyEntity(model.Key(a.row.Stamp)); e != "" && p.place.crm() {
			stamped = append(stamped, string(e))
		}
	}
	known, err := identities(p.tx, p.place, p.kind, unknown)
	if err != nil {
		return err
	}
	mine, err := ours(p.tx, p.in.Connection, stamped)
	if err != nil {
		return err
	}
	for i := range p.items {
		r := &p.items[i].row
		p.items[i].before = known[r.Item] != "" || p.known[r.Item].Entity != ""
		r.Entity = ""
		e := string(plan.KeyEntity(model.Key(r.Stamp)))
		switch {
		case known[r.Item] != "":
			r.Entity = known[r.Item]
		case p.place.crm() && mine[e]:
			r.Entity = e
		}
	}
	return nil
}

// listed notes that items are there: those a listing names in the version we
// hold, and those that arrived unchanged. It returns the ones that were absent.
func (p *page) listed(same []string) ([]routed, error) {
	var back []string
	var out []routed
	for _, r := range p.in.Listed {
		old, ok := p.known[r.ID]
		if !ok {
			continue
		}
		same = append(same, r.ID)
		if old.Absent != present && old.Applied < micros(p.in.ReadAt) {
			back = append(back, r.ID)
			out = append(out, routed{kind: p.kind, item: r.ID, entity: old.Entity, users: p.users(r.ID, nil)})
		}
	}
	where := ` WHERE connection = ? AND mailbox = ? AND kind = ? AND item IN (?*)`
	at := []any{string(p.in.Connection), string(p.in.Mailbox), string(p.kind)}
	if _, err := execIn(p.tx, `UPDATE observation SET absent = 0, absent_since = 0`+where, at, back); err != nil {
		return nil, err
	}
	if p.listing == 0 {
		return out, nil
	}
	_, err := execIn(p.tx, `UPDATE observation SET listing = ?`+where, append([]any{p.listing}, at...), same)
	return out, err
}

// absent marks what the page says is gone or left and, at the end of a full
// listing, what the listing did not name.
func (p *page) absent() ([]routed, error) {
	gones, out := p.named(p.in.Gone, gone)
	lefts, more := p.named(p.in.Left, left)
	out = append(out, more...)
	for _, m := range []struct {
		as    absence
		items []string
	}{{gone, gones}, {left, lefts}} {
		if _, err := execIn(p.tx, `UPDATE observation SET absent = ?, absent_since = ?
			WHERE connection = ? AND mailbox = ? AND kind = ? AND item IN (?*)`,
			[]any{int64(m.as), p.since, string(p.in.Connection), string(p.in.Mailbox), string(p.kind)}, m.items); err != nil {
			return nil, err
		}
	}
	if !p.in.Full || !p.in.Last || p.listing == 0 {
		return out, nil
	}
	vanished, err := p.vanished()
	if err != nil {
		return nil, err
	}
	return append(out, vanished...), p.unsure()
}

// named are the refs whose absence is news. An item that moved to another
// collection is not absent because the old one says so.
func (p *page) named(refs []model.Ref, as absence) (items []string, out []routed) {
	for _, r := range refs {
		old, ok := p.known[r.ID]
		if !ok || old.Collection != p.in.Collection.ID || old.Absent == as || old.Absent == gone {
			continue
		}
		if old.Applied >= micros(p.in.ReadAt) {
			p.doubted = append(p.doubted, r.ID)
			continue
		}
		p.settled = append(p.settled, r.ID)
		if slices.ContainsFunc(p.items, func(a arrival) bool { return a.row.Item == r.ID }) || slices.Contains(items, r.ID) {
			continue
		}
		items = append(items, r.ID)
		out = append(out, routed{kind: p.kind, item: r.ID, entity: old.Entity, users: p.users(r.ID, nil)})
	}
	return items, out
}

// vanished marks what a complete listing did not name. What we wrote since the
// listing began may be missing from it for that reason alone.
func (p *page) vanished() ([]routed, error) {
	const where = ` WHERE connection = ? AND mailbox = ? AND kind = ? AND collection = ? AND absent = 0 AND listing <> ? AND applied < ?`
	args := []any{string(p.in.Connection), string(p.in.Mailbox), string(p.kind), p.in.Collection.ID, p.listing, p.row.ListingBegun}
	var rows []struct {
		Item   string `db:"item"`
		Entity string `db:"entity"`
		Order  int64  `db:"ord"`
	}
	if err := p.tx.list(&rows, `SELECT item, entity, ord FROM observation`+where+` ORDER BY item`, args...); err != nil || len(rows) == 0 {
		return nil, err
	}
	if err := p.tx.exec(`UPDATE observation SET absent = ?, absent_since = ?`+where, append([]any{int64(p.vanishing), p.since}, args...)...); err != nil {
		return nil, err
	}
	items := make([]string, len(rows))
	for i, r := range rows {
		items[i] = r.Item
		if p.vanishing == gone {
			p.missed(r.Item, r.Order)
		}
	}
	if p.place.crm() {
		var err error
		if p.access, err = accesses(p.tx, p.in.Connection, p.kind, items); err != nil {
			return nil, err
		}
	}
	out := make([]routed, len(rows))
	for i, r := range rows {
		out[i] = routed{kind: p.kind, item: r.Item, entity: r.Entity, users: p.users(r.Item, nil)}
	}
	return out, nil
}

// route makes what changed pending: on the mail side for the mailbox itself,
// which is reading right now and need not be woken.
func (p *page) route(changed []routed) ([]model.MailboxID, error) {
	if err := p.reconsider(); err != nil {
		return nil, err
	}
	if p.place.crm() {
		return route(p.tx, p.in.Connection, changed, "")
	}
	rows := make([]pendingRow, len(changed))
	for i, r := range changed {
		rows[i] = pendingRow{string(p.in.Mailbox), string(model.Mail), string(r.kind), r.item}
	}
	return nil, pend(p.tx, rows)
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
