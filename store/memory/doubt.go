package memory

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// overtaken reports whether we wrote an item after this page was read, so that
// the page may be older than what we know. If it names another version, it may
// also be newer, which only reading once more can tell. The very revision that
// we wrote is taken: it may say what the receipt did not, such as who takes part;
// but not that of what we deleted.
func (p *page) overtaken(old observation, it model.Item) bool {
	if !p.older(old) {
		p.doubt(it.Ref.ID, false)
		return false
	}
	if it.Ref.Order != 0 || old.order != 0 {
		return it.Ref.Order < old.order || it.Ref.Order == old.order && old.absent != present
	}
	if it.Ref.Version == old.version {
		return old.absent != present
	}
	p.doubt(it.Ref.ID, true)
	return true
}

// doubt notes whether an item is to be fetched once more.
func (p *page) doubt(id string, value bool) {
	if o, ok := p.observations.get(p.key(id)); ok && o.doubted != value {
		o.doubted = value
		p.observations.put(p.key(id), o)
	}
}

// Doubted implements store.Fetching.
func (s *Store) Doubted(ctx context.Context, c model.ConnectionID, m model.MailboxID, before time.Time) ([]model.Ref, error) {
	return within(ctx, s, func() ([]model.Ref, error) {
		side := model.Mail
		if m == "" {
			side = model.CRM
		}
		var out []model.Ref
		for k, o := range s.items(place{c, m}, "") {
			if o.doubted && o.absent == present && o.applied.Before(before) {
				out = append(out, model.Ref{Side: side, Kind: k.kind, Collection: o.collection, ID: k.id})
			}
		}
		return out, nil
	})
}

// looked counts a complete read of a place for the creates whose answer was
// lost: it would have shown them.
func (s *Store) looked(p place, begun time.Time) {
	for k, i := range s.intents.all() {
		if k.place == p && i.open() && !i.shows.After(begun) {
			i.Looked++
			s.intents.put(k, i)
		}
	}
}

// unanswered reports whether the outcome of a create in a place is open.
func (s *Store) unanswered(p place) bool {
	for k, i := range s.intents.all() {
		if k.place == p && i.open() {
			return true
		}
	}
	return false
}
