package memory

import (
	"slices"
	"time"

	"lockstep.dev/model"
)

// item is everything that one id ever was. States are never changed, so a
// reader may keep them.
type item struct{ history []*state }

// state is an item from one change to the next.
type state struct {
	seq        int64
	at         time.Time
	kind       model.Kind
	id         string
	collection string
	uid        string
	stamp      model.Key
	owner      string
	content    model.Content
	foreign    string // data that no canonical field covers
	trouble    string
	gone       bool
	untold     bool // no delta tells of it
}

func (i *item) now() *state { return i.history[len(i.history)-1] }

// asOf returns the state that a reader sees who sees changes up to seq, nil if
// there was none.
func (i *item) asOf(seq int64) *state {
	for n := len(i.history) - 1; n >= 0; n-- {
		if i.history[n].seq <= seq {
			return i.history[n]
		}
	}
	return nil
}

// in reports whether the item lies in a collection.
func (st *state) in(c model.Collection) bool {
	return st != nil && !st.gone && st.kind == c.Kind && st.collection == c.ID
}

// was reports whether the item ever lay in a collection.
func (i *item) was(c model.Collection) bool {
	return slices.ContainsFunc(i.history, func(st *state) bool { return st.in(c) })
}

// key tells items of different kinds with one id apart.
func key(k model.Kind, id string) string { return string(k) + "/" + id }

// number makes the number of a new item. A restored system makes none twice.
func (s *System) number() int64 {
	s.made++
	return s.made
}

// change adds a state to an item. It is the only way in which anything changes.
func (s *System) change(h *home, st state) *state {
	s.seq++
	st.seq, st.at, st.untold = s.seq, s.config.Now(), s.hushed
	if !st.gone && s.config.Stored != nil {
		st.content = s.config.Stored(st.kind, st.content.Clone())
	}
	i := h.items[key(st.kind, st.id)]
	if i == nil {
		i = &item{}
		h.items[key(st.kind, st.id)] = i
	}
	i.history = append(i.history, &st)
	return &st
}

// visible is the revision up to which listings and look-ups by key see changes.
func (s *System) visible() int64 {
	if s.config.Lag <= 0 {
		return s.seq
	}
	limit, seen := s.config.Now().Add(-s.config.Lag), s.seq
	for _, h := range s.homes {
		for _, i := range h.items {
			for _, st := range i.history {
				if st.at.After(limit) {
					seen = min(seen, st.seq-1)
				}
			}
		}
	}
	return seen
}

func (s *System) ref(st *state) model.Ref {
	r := model.Ref{Side: s.config.Side, Kind: st.kind, Collection: st.collection, ID: st.id, Version: version(st.seq)}
	if s.config.Kinds[st.kind].Ordered {
		r.Order = st.seq
	}
	return r
}

// read is a state as an item of the contract.
func (s *System) read(st *state) model.Item {
	it := model.Item{Ref: s.ref(st), UID: st.uid, Stamp: st.stamp, Modified: st.at, Trouble: st.trouble}
	if st.trouble == "" {
		it.Content = st.content.Only(s.config.Kinds[st.kind].Fields)
	}
	if s.config.Side == model.CRM {
		it.Access = s.access(st)
	}
	return it
}

// access says who takes part in a CRM item: its owner, and whoever of its users
// is invited.
func (s *System) access(st *state) []model.Access {
	var out []model.Access
	if st.owner != "" {
		out = append(out, model.Access{User: st.owner, Role: model.Owner})
	}
	for _, u := range s.users {
		invited := slices.ContainsFunc(st.content.Set("attendees"), func(e model.Element) bool { return e.Key == model.FoldAddress(u.Address) })
		if invited && u.ID != st.owner {
			out = append(out, model.Access{User: u.ID, Role: model.Participant})
		}
	}
	return out
}

// sorted returns the items of a home by id, so that nothing depends on the
// order of a map.
func (h *home) sorted() []*item {
	keys := make([]string, 0, len(h.items))
	for k := range h.items {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make([]*item, len(keys))
	for n, k := range keys {
		out[n] = h.items[k]
	}
	return out
}
