package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// page is one page on its way into the store.
type page struct {
	*Store
	refiltered bool // what a full listing does not name has left
	in         store.PageIn
	at         place
	kind       model.Kind
	listing    int64     // number of the full listing this page belongs to, 0 = none
	begun      time.Time // when that listing began
	privacy    string    // of the collection
	since      int64     // the round or pass that is under way
	after      restored  // the restore after which the collection is listed in full
	marked     time.Time // when the collection was last as expected before
	row        collection
	// before is what was known of the items that the page names.
	before  map[string]observation
	changed []routed
}

// SavePage implements store.Fetching.
func (s *Store) SavePage(ctx context.Context, in store.PageIn) (store.PageOut, error) {
	return within(ctx, s, func() (store.PageOut, error) {
		if in.Cursor == in.Collection.Cursor && !in.Full && !in.Collection.Listing && len(in.Items)+len(in.Gone)+len(in.Left)+len(in.Listed) == 0 {
			return store.PageOut{Collection: in.Collection}, nil
		}
		p := page{Store: s, in: in, at: place{in.Connection, in.Mailbox}, kind: in.Collection.Kind}
		out, err := p.move()
		if err != nil {
			return out, err
		}
		p.look()
		out.Foreign = p.foreign()
		same, err := p.arrive()
		if err != nil {
			return store.PageOut{}, err
		}
		same = append(same, p.listed()...)
		if p.listing != 0 {
			for _, id := range same {
				o, _ := s.observations.get(p.key(id))
				o.listing = p.listing
				s.observations.put(p.key(id), o)
			}
		}
		out.Changed = len(p.changed)
		p.mark(in.Gone, gone)
		p.mark(in.Left, left)
		p.vanish()
		out.Collection = p.row.Collection
		out.Absent = len(p.changed) - out.Changed
		out.Woken = p.tell(out.Absent > 0)
		if in.Mailbox != "" {
			s.worked(in.Mailbox, model.Mail, store.PhaseFetch)
		}
		return out, nil
	})
}

func (p *page) key(id string) itemKey { return itemKey{p.at, p.kind, id} }

// older reports whether Apply wrote an item after the page's read began.
func (p *page) older(o observation) bool {
	return !o.applied.IsZero() && !o.applied.Before(p.in.ReadAt)
}

// move moves the cursor, if it is still where the page was read from.
func (p *page) move() (store.PageOut, error) {
	in := p.in
	k := itemKey{p.at, p.kind, in.Collection.ID}
	row, ok := p.collections.get(k)
	if !ok {
		return store.PageOut{}, store.ErrNotFound
	}
	if row.Cursor != in.Collection.Cursor || row.Privacy != in.Collection.Privacy {
		return store.PageOut{}, store.ErrStale
	}
	switch {
	case !in.Full:
		row.listing = 0 // a listing that is not continued proves nothing
	case row.listing == 0 && row.Cursor == "":
		row.listings++
		row.listing, row.begun = row.listings, in.ReadAt
	}
	p.listing, p.begun, p.privacy, p.after, p.marked = row.listing, row.begun, row.Privacy, row.after, row.marked
	row.Cursor, p.refiltered = in.Cursor, row.refiltered
	if in.Full && in.Last && row.listing != 0 {
		row.Complete, row.listing, row.after, row.refiltered = true, 0, 0, false
	}
	row.Listing, row.Restored = row.listing != 0, row.after != 0
	if in.Mark != nil {
		row.Mark = *in.Mark
		if row.after == 0 {
			row.marked = in.Now
		}
	}
	p.row = row
	p.collections.put(k, row)
	return store.PageOut{Collection: row.Collection}, nil
}

// look notes what is known of the items that the page names.
func (p *page) look() {
	p.before = map[string]observation{}
	ids := func(refs []model.Ref) {
		for _, r := range refs {
			if o, ok := p.observations.get(p.key(r.ID)); ok {
				p.before[r.ID] = o
			}
		}
	}
	for _, it := range p.in.Items {
		ids([]model.Ref{it.Ref})
	}
	ids(p.in.Gone)
	ids(p.in.Left)
	ids(p.in.Listed)
	if p.at.crm() {
		c, _ := p.connections.get(name(p.at.connection))
		p.since = c.Pass + 1
	} else {
		m, _ := p.mailboxes.get(name(p.at.mailbox))
		p.since = m.Round + 1
	}
}

// arrive saves items that differ from what is known, notes those that differ in
// a way somebody has to look at, and returns those that are as known.
func (p *page) arrive() (same []string, err error) {
	for i, it := range p.in.Items {
		if slices.ContainsFunc(p.in.Items[i+1:], func(o model.Item) bool { return o.Ref.ID == it.Ref.ID }) {
			continue // named twice: the later one counts
		}
		old, known := p.before[it.Ref.ID]
		if known && p.overtaken(old, it) {
			continue
		}
		if known && p.behind(old, it) {
			if !old.observed.Before(p.in.ReadAt) {
				continue // we read it after this page was
			}
			return nil, store.ErrRestored
		}
		k, access := p.key(it.Ref.ID), normal(it.Access)
		was, _ := p.access.get(k)
		regrouped := p.at.crm() && !slices.Equal(was, access)
		wanted := !p.at.crm() || p.seenByAnybody(p.at.connection, access)
		content := p.said(it, wanted)
		o := observation{
			collection: p.in.Collection.ID, version: it.Ref.Version, order: it.Ref.Order, uid: it.UID,
			stamp: it.Stamp, trouble: it.Trouble, modified: it.Modified, seen: old.seen,
			privacy: p.privacy, reduced: it.Reduced,
		}
		if !known {
			o.seen = p.in.Now
		}
		if known && !regrouped && old.sameAs(o, content) {
			same = append(same, k.id)
			continue
		}
		o.content = p.keep(content)
		if wanted {
			o.raw = p.keepRaw(it.Raw)
		}
		o.facts(p.kind, content)
		o.entity, o.applied, o.listing = or(p.recognise(it, old), old.entity), old.applied, p.listing
		if old.collection == o.collection {
			o.listing = max(p.listing, old.listing) // listings are numbered per collection
		}
		o.observed = p.in.Now
		_, named := p.identities.get(k)
		p.compare(k, old, known, named || old.entity != "", &o)
		p.observations.put(k, o)
		if regrouped {
			p.access.put(k, access)
		}
		if !known || regrouped || old.absent != present || old.trouble != o.trouble || old.reduced != o.reduced || old.content != o.content {
			p.note(k.id, o.entity, slices.Concat(was, access))
		}
		if o.reduced && old.content != o.content {
			p.dropBodies()
		}
	}
	return same, nil
}

// said is what an item says as far as it is kept: on the CRM side only where a
// live mailbox takes part.
func (p *page) said(it model.Item, wanted bool) model.Content {
	switch {
	case it.Trouble != "" || !wanted:
		return nil
	case it.Content == nil && !p.at.crm():
		return model.Content{}
	default:
		return it.Content
	}
}

// facts fills in what of an observation derives from its content.
func (o *observation) facts(kind model.Kind, c model.Content) {
	o.natural, o.title = "", ""
	if c != nil && !o.reduced {
		o.natural, o.title = plan.NaturalKey(kind, c), model.FoldText(title(c))
	}
}

// title is what a person would call the item.
func title(c model.Content) string { return or(c.Text("title"), c.Text("full_name")) }

// sameAs reports whether an arrival is known in this very version.
func (o observation) sameAs(n observation, content model.Content) bool {
	return o.version != "" && o.version == n.version && o.collection == n.collection && o.absent == present &&
		o.trouble == n.trouble && o.privacy == n.privacy && (o.content != "" || content == nil)
}

// normal sorts by user and keeps one role each, the owner's before others.
func normal(list []model.Access) []model.Access {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b model.Access) int {
		rank := func(r model.Role) string { return map[bool]string{true: "", false: "other"}[r == model.Owner] }
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(rank(a.Role), rank(b.Role)))
	})
	out = slices.CompactFunc(out, func(a, b model.Access) bool { return a.User == b.User })
	return slices.DeleteFunc(out, func(a model.Access) bool { return a.User == "" })
}

// recognise finds the entity that an arrival was known as, or (CRM side) the one
// that our stamp on it names.
func (p *page) recognise(it model.Item, old observation) model.EntityID {
	if old.entity != "" {
		return old.entity
	}
	if e, ok := p.identities.get(p.key(it.Ref.ID)); ok {
		return e
	}
	if e := plan.KeyEntity(it.Stamp); e != "" && p.at.crm() && p.ours(e) {
		return e
	}
	return ""
}

// ours reports whether an intent or a claim of this installation knows an entity.
func (p *page) ours(e model.EntityID) bool {
	for _, i := range p.intents.all() {
		if i.entity == e && i.crm == p.at.connection {
			return true
		}
	}
	for k, c := range p.claims.all() {
		if k.crm == p.at.connection && c.entity == e {
			return true
		}
	}
	return false
}

// listed notes that the items are there which a listing names in the version we
// hold, and returns them.
func (p *page) listed() (there []string) {
	for _, r := range p.in.Listed {
		old, ok := p.before[r.ID]
		if !ok {
			continue
		}
		there = append(there, r.ID)
		if old.absent != present && !p.older(old) {
			p.note(r.ID, old.entity, p.accessOf(r.ID))
			o, _ := p.observations.get(p.key(r.ID))
			o.absent, o.absentSince = present, 0
			p.observations.put(p.key(r.ID), o)
		}
	}
	return there
}

func (p *page) accessOf(id string) []model.Access {
	access, _ := p.access.get(p.key(id))
	return access
}

func (p *page) note(id string, e model.EntityID, access []model.Access) {
	p.changed = append(p.changed, routed{kind: p.kind, item: id, entity: e, access: access})
}

// mark notes the items whose absence is news. An item that moved to another
// collection is not absent because the old one says so.
func (p *page) mark(refs []model.Ref, as absence) {
	for _, r := range refs {
		old, ok := p.before[r.ID]
		if !ok || old.collection != p.in.Collection.ID || old.absent == as || old.absent == gone {
			continue
		}
		if p.older(old) {
			p.doubt(r.ID, true)
			continue
		}
		p.doubt(r.ID, false)
		if slices.ContainsFunc(p.in.Items, func(it model.Item) bool { return it.Ref.ID == r.ID }) {
			continue
		}
		old.absent = as // told twice, it is no news
		p.before[r.ID] = old
		p.leave(p.key(r.ID), as)
	}
}

func (p *page) leave(k itemKey, as absence) {
	o, _ := p.observations.get(k)
	o.absent, o.absentSince = as, p.since
	p.observations.put(k, o)
	p.note(k.id, o.entity, p.accessOf(k.id))
}

// vanish marks what a complete listing did not name. What we wrote since the
// listing began may be missing from it for that reason alone.
func (p *page) vanish() {
	if !p.in.Full || !p.in.Last || p.listing == 0 {
		return
	}
	for k, o := range p.items(p.at, p.kind) {
		missing := o.collection == p.in.Collection.ID && o.absent == present && o.listing != p.listing
		if missing && !o.applied.Before(p.begun) {
			p.unsure()
		} else if missing && p.refiltered {
			p.leave(k, left)
		} else if missing {
			p.missed(k, o)
			p.leave(k, gone)
		}
	}
}

// tell makes what changed pending: on the mail side for the mailbox itself,
// which is reading right now and need not be woken.
func (p *page) tell(absent bool) []model.MailboxID {
	if absent {
		p.reconsider()
	}
	if p.at.crm() {
		return p.route(p.at.connection, p.changed, "")
	}
	var rows []pendingKey
	for _, r := range p.changed {
		rows = append(rows, pendingKey{p.at.mailbox, model.Mail, r.kind, r.item})
	}
	p.pendAll(rows)
	return nil
}

// reconsider makes strangers again of the items that were set apart because
// another one stood for the same thing: that other one may be what is gone now,
// if the item was moved while we were reading, or one of two records deleted.
// What came back with a backup never had another one.
func (p *page) reconsider() {
	side := model.Mail
	if p.at.crm() {
		side = model.CRM
	}
	mark := p.newMark()
	for k, l := range p.links.all() {
		item := *l.item(side)
		m, _ := p.scope(k.mailbox)
		o, _ := p.observations.get(p.key(item))
		apart := l.state == plan.Returned && l.reason != plan.ReasonCameBack || l.state == plan.Copied && plan.KeyEntity(o.stamp) != k.entity
		if !apart || l.kind != p.kind || item == "" || m.place(side) != p.at {
			continue
		}
		p.pend(pendingKey{k.mailbox, side, l.kind, item}, mark)
		if e, _ := p.identities.get(p.key(item)); e == k.entity {
			p.identities.drop(p.key(item))
		}
		p.links.drop(k)
	}
}
