package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// row is the place of a pending row in the order of pages.
func row(side model.Side, kind model.Kind, item string) string {
	return string(side) + "\x1f" + string(kind) + "\x1f" + item
}

// after reads a place; the empty one is before all others.
func after(id model.MailboxID, r string) (pendingKey, error) {
	if r == "" {
		return pendingKey{mailbox: id}, nil
	}
	parts := strings.SplitN(r, "\x1f", 3)
	if len(parts) != 3 {
		return pendingKey{}, fmt.Errorf("continue after %q: it is not a place in the order", r)
	}
	return pendingKey{id, model.Side(parts[0]), model.Kind(parts[1]), parts[2]}, nil
}

// sees reports whether a mailbox's user takes part in a CRM item.
func (s *Store) sees(m scope, kind model.Kind, item string) bool {
	access, _ := s.access.get(itemKey{m.place(model.CRM), kind, item})
	return takesPart(access, m.CRMUser)
}

// Strangers implements store.Planning.
func (s *Store) Strangers(ctx context.Context, id model.MailboxID, last string, limit int) ([]plan.Stranger, error) {
	return within(ctx, s, func() ([]plan.Stranger, error) {
		from, err := after(id, last)
		if err != nil {
			return nil, err
		}
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		var out []plan.Stranger
		for k := range s.pendingOf(id) {
			if k.compare(from) <= 0 || len(out) == limit {
				continue
			}
			o, ok := s.observations.get(itemKey{m.place(k.side), k.kind, k.item})
			if !ok || s.joinedYet(m, k.side, k.kind, k.item) {
				continue
			}
			if k.side == model.Mail || o.readable() && s.sees(m, k.kind, k.item) {
				out = append(out, s.stranger(m, k, o))
			}
		}
		return out, nil
	})
}

// stranger says which entity an item is known as, and what stands for it here.
func (s *Store) stranger(m scope, k pendingKey, o observation) plan.Stranger {
	e, _ := s.identities.get(itemKey{m.place(k.side), k.kind, k.item})
	if k.side == model.CRM {
		e = or(o.entity, e)
	}
	e = or(or(e, s.sameStamp(m, k, o.stamp)), plan.KeyEntity(o.stamp))
	twin := s.sameUID(m, k.side, k.kind, o.uid)
	if k.side == model.CRM && twin != "" || e == "" {
		e = twin // in the CRM, whatever it is elsewhere: this mailbox has that one already
	}
	out := plan.Stranger{
		Row: row(k.side, k.kind, k.item), Side: k.side, Kind: k.kind, Item: k.item, UID: o.uid,
		Content: o.content, Natural: o.natural, Entity: e, Self: self(m, k), Gone: o.absent != present, Since: o.seen, Stamp: o.stamp, Collection: o.collection,
	}
	if o.reduced {
		out.Content = "" // many say the same; it makes none of them another
	}
	known, _ := s.identities.get(itemKey{m.place(k.side), k.kind, k.item})
	out.Copied = k.side == model.Mail && known == "" && twin == "" && e != ""
	out.CameBack = o.returned && o.absent == present && or(o.entity, known) != "" && (k.side == model.Mail || len(s.linked(m.CRM, e)) == 0)
	if l, ok := s.links.get(linkKey{m.ID, e}); ok && e != "" {
		item := *l.item(k.side)
		here := s.here(m, k.side, l.kind, item)
		out.CameBack = false // it is linked still
		out.Occupied = here && item != k.item
		out.Partner = !here && item != k.item
	}
	return out
}

// here reports whether an item is present on a side.
func (s *Store) here(m scope, side model.Side, kind model.Kind, item string) bool {
	o, ok := s.observations.get(itemKey{m.place(side), kind, item})
	return ok && item != "" && o.absent == present
}

// joinedYet reports whether a link says what an item is: another item is in it,
// or was decided not to be, or is being created.
func (s *Store) joinedYet(m scope, side model.Side, kind model.Kind, item string) bool {
	l, linked := s.linkOf(m.ID, side, kind, item)
	return linked && (*l.item(side.Other()) != "" || l.state != plan.Unlinked || s.creating(m, l.entity))
}

// sameUID finds the link in this mailbox whose item has a UID. In the mailbox a
// stranger with it is then a moved item without our stamp, or a copy, also where
// the item is gone by now; in the CRM it is a second record of one thing.
func (s *Store) sameUID(m scope, side model.Side, kind model.Kind, uid string) model.EntityID {
	var e model.EntityID
	for k, o := range s.items(m.place(side), kind) {
		if uid == "" || o.uid != uid || side == model.CRM && o.absent != present {
			continue
		}
		if l, ok := s.linkOf(m.ID, side, kind, k.id); ok && l.state != plan.Returned {
			e = l.entity
		}
	}
	return e
}

// sameStamp finds what the item stands for in this mailbox by now that we made
// under a key. It may be another thing than the one it was made for: the copy of
// a meeting goes over to the record that takes the place of a deleted one.
func (s *Store) sameStamp(m scope, k pendingKey, stamp model.Key) model.EntityID {
	var e model.EntityID
	if stamp == "" || k.side != model.Mail {
		return e
	}
	for i, o := range s.items(m.place(k.side), k.kind) {
		if o.stamp != stamp || i.id == k.item {
			continue
		}
		if l, ok := s.linkOf(m.ID, k.side, k.kind, i.id); ok && l.state != plan.Returned && l.state != plan.Copied {
			e = l.entity
		}
	}
	return e
}

// Candidates implements store.Planning.
func (s *Store) Candidates(ctx context.Context, id model.MailboxID, by plan.MatchBy, keys []string) ([]plan.Stranger, error) {
	return within(ctx, s, func() ([]plan.Stranger, error) {
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		var out []plan.Stranger
		for _, side := range sides() {
			for k, o := range s.items(m.place(side), "") {
				key := o.key(by)
				if by == plan.ByKey {
					key = s.stranger(m, pendingKey{id, side, k.kind, k.id}, o).Key(by)
				}
				if key == "" || !slices.Contains(keys, key) || o.absent != present || o.trouble != "" || o.content == "" {
					continue
				}
				if side == model.CRM && !s.sees(m, k.kind, k.id) || !s.free(m, side, k) {
					continue
				}
				out = append(out, s.stranger(m, pendingKey{id, side, k.kind, k.id}, o))
			}
		}
		return out, nil
	})
}

// self is the entity that an item would be first known by.
func self(m scope, k pendingKey) model.EntityID {
	if k.side == model.CRM {
		return plan.CRMEntity(m.CRM, k.kind, k.item)
	}
	return plan.MailEntity(m.ID, k.kind, k.item)
}

// key is what an item is matched by.
func (o observation) key(by plan.MatchBy) string {
	switch by {
	case plan.ByUID:
		return o.uid
	case plan.ByContent:
		if o.reduced {
			return ""
		}
		return o.content
	default:
		return o.natural
	}
}

// free reports whether an item has no link here, or one whose other item was
// never there or is gone.
func (s *Store) free(m scope, side model.Side, k itemKey) bool {
	if r, _ := s.reviews.get(pendingKey{m.ID, side, k.kind, k.id}); r.apart {
		return false
	}
	l, linked := s.linkOf(m.ID, side, k.kind, k.id)
	if !linked {
		return true
	}
	other, known := s.observations.get(itemKey{m.place(side.Other()), k.kind, *l.item(side.Other())})
	loose := slices.Contains([]plan.State{plan.Unlinked, plan.Skipped, plan.Linked, plan.Kept}, l.state) ||
		l.state == plan.Returned && l.reason == plan.ReasonCameBack // nothing stood for it when it came back
	return loose && (!known || other.absent == gone) && !s.creating(m, l.entity)
}

// creating reports whether the outcome of a create of an entity is open.
func (s *Store) creating(m scope, e model.EntityID) bool {
	for _, i := range s.intents.all() {
		if i.entity == e && i.open() && i.crm == m.CRM {
			return true
		}
	}
	return false
}

// Claim implements store.Planning.
func (s *Store) Claim(ctx context.Context, c model.ConnectionID, id model.MailboxID, claims []store.Claim) ([]store.Claim, error) {
	return within(ctx, s, func() ([]store.Claim, error) {
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		out := make([]store.Claim, len(claims))
		for i, v := range claims {
			w := s.claim(c, id, v)
			out[i] = store.Claim{Kind: v.Kind, Global: v.Global, Entity: w.entity, Winner: w.mailbox}
			l, ok := s.links.get(linkKey{id, w.entity})
			out[i].Occupied = ok && w.entity != v.Entity && s.here(m, model.Mail, l.kind, l.mail)
		}
		return out, nil
	})
}

// claim answers who creates a record: nobody, where the CRM has it already. The
// claim of a mailbox that takes no part any more, or does not have the meeting any
// more, passes on.
func (s *Store) claim(c model.ConnectionID, id model.MailboxID, v store.Claim) claim {
	if e := s.recorded(c, v); e != "" {
		return claim{entity: e, mailbox: "crm"}
	}
	k := claimKey{c, v.Global, v.Kind}
	w, ok := s.claims.get(k)
	if !ok {
		w = claim{entity: v.Entity, mailbox: id}
	}
	if owner, known := s.mailboxes.get(name(w.mailbox)); !known || !live(owner.Mailbox) || !s.minds(owner.Mailbox, c, k, w.entity) {
		w.mailbox = id
	}
	s.claims.put(k, w)
	return w
}

// minds reports whether a mailbox may still make what it claimed: it has the
// meeting, or has begun to create it.
func (s *Store) minds(m model.Mailbox, c model.ConnectionID, k claimKey, e model.EntityID) bool {
	uid, ok := strings.CutPrefix(k.global, "uid:")
	if !ok {
		return true
	}
	for _, o := range s.items(place{m.Mail, m.ID}, k.kind) {
		if o.uid == uid && o.absent == present {
			return true
		}
	}
	for _, i := range s.intents.all() {
		if i.mailbox == m.ID && i.crm == c && i.side == model.CRM && i.entity == e && i.open() {
			return true
		}
	}
	return false
}

// recorded finds a CRM record that has the UID of a claim: what it stands for.
func (s *Store) recorded(c model.ConnectionID, v store.Claim) model.EntityID {
	uid, ok := strings.CutPrefix(v.Global, "uid:")
	if !ok || v.Kind != model.Event {
		return ""
	}
	for k, o := range s.items(place{connection: c}, model.Event) {
		if o.uid == uid && o.absent == present {
			return or(o.entity, plan.CRMEntity(c, model.Event, k.id))
		}
	}
	return ""
}

// Owners implements store.Planning.
func (s *Store) Owners(ctx context.Context, c model.ConnectionID, addresses []string) (map[string]string, error) {
	return within(ctx, s, func() (map[string]string, error) {
		out := map[string]string{}
		for _, a := range addresses {
			for k := range s.former.all() {
				if m, _ := s.mailboxes.get(name(k.mailbox)); m.CRM == c && live(m.Mailbox) && k.item == model.FoldAddress(a) {
					out[a] = m.CRMUser
				}
			}
			for _, m := range s.mailboxes.all() { // an address that somebody has now is no longer whose it was
				if m.CRM == c && live(m.Mailbox) && model.FoldAddress(m.Address) == model.FoldAddress(a) {
					out[a] = m.CRMUser
				}
			}
		}
		return out, nil
	})
}
