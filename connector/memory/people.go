package memory

import (
	"fmt"
	"maps"

	"lockstep.dev/model"
)

// Place is one mailbox, or the organisation of a CRM, as the people see it who
// work in it without Lockstep. Its methods panic where a person could not do
// what is asked: that is a mistake of the test.
type Place struct {
	s    *System
	name string
}

// At returns the place of a mailbox, or of a CRM's organisation for an empty
// address.
func (s *System) At(address string) Place { return Place{s: s, name: model.FoldAddress(address)} }

// Draft is a new item that a person makes.
type Draft struct {
	Kind       model.Kind
	Collection string // default: the primary one
	UID        string // default: one of its own
	Owner      string // CRM: whose it is
	Content    model.Content
}

// Create makes an item.
func (p Place) Create(n Draft) model.Ref {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	h := p.home()
	id := fmt.Sprintf("%s-%s-%d", p.s.config.Side, n.Kind, p.s.number())
	st := state{kind: n.Kind, id: id, collection: n.Collection, uid: n.UID, owner: n.Owner, content: n.Content.Clone()}
	for _, c := range h.collections {
		if st.collection == "" && c.Kind == n.Kind && c.Primary {
			st.collection = c.ID
		}
	}
	if st.uid == "" {
		st.uid = p.s.newUID(id)
	}
	return p.s.ref(p.s.change(h, st))
}

// Edit sets the given fields of an item; an empty value clears one.
func (p Place) Edit(r model.Ref, fields model.Content) model.Ref {
	return p.alter(r, func(st *state) {
		st.content = st.content.Clone()
		for f, v := range fields {
			st.content.Put(f, v)
		}
	})
}

// Set sets one text field of an item.
func (p Place) Set(r model.Ref, field, text string) model.Ref {
	return p.Edit(r, model.Content{field: {Text: text}})
}

// Delete deletes an item.
func (p Place) Delete(r model.Ref) { p.alter(r, func(st *state) { st.gone = true }) }

// Give makes somebody else the owner of a CRM item.
func (p Place) Give(r model.Ref, owner string) model.Ref {
	return p.alter(r, func(st *state) { st.owner = owner })
}

// Break makes an item unreadable for the reason given; an empty one mends it.
func (p Place) Break(r model.Ref, why string) model.Ref {
	return p.alter(r, func(st *state) { st.trouble = why })
}

// Scribble puts data into an item that no canonical field covers.
func (p Place) Scribble(r model.Ref, foreign string) model.Ref {
	return p.alter(r, func(st *state) { st.foreign = foreign })
}

// Foreign returns the data that no canonical field covers.
func (p Place) Foreign(r model.Ref) string {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.item(r).now().foreign
}

// Shift moves an item to another collection; it keeps its id, as in systems
// with immutable ids.
func (p Place) Shift(r model.Ref, to string) model.Ref {
	return p.alter(r, func(st *state) { st.collection = to })
}

// Move moves an item to another collection under a new id, as where the id is
// an address: the old one is gone, the new one carries everything, our stamp
// included.
func (p Place) Move(r model.Ref, to string) model.Ref {
	moved := p.Copy(r, to, true)
	p.Delete(r)
	return moved
}

// Copy makes a copy under a new id, our stamp included; its UID is the same or
// a new one.
func (p Place) Copy(r model.Ref, to string, sameUID bool) model.Ref {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	st := *p.item(r).now()
	st.id, st.collection = fmt.Sprintf("%s-%s-%d", p.s.config.Side, st.kind, p.s.number()), to
	if !sameUID {
		st.uid = p.s.newUID(st.id)
	}
	return p.s.ref(p.s.change(p.home(), st))
}

// newUID makes a UID that never comes again, not even after a restore.
func (s *System) newUID(id string) string { return fmt.Sprintf("%s.%d@people.example", id, s.epoch) }

func (p Place) alter(r model.Ref, f func(*state)) model.Ref {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	st := *p.item(r).now()
	if st.gone {
		panic(fmt.Sprintf("%s %s was deleted", r.Kind, r.ID))
	}
	f(&st)
	return p.s.ref(p.s.change(p.home(), st))
}

func (p Place) home() *home {
	h := p.s.homes[p.name]
	if h == nil {
		panic(fmt.Sprintf("there is no mailbox %q", p.name))
	}
	return h
}

func (p Place) item(r model.Ref) *item {
	i := p.home().items[key(r.Kind, r.ID)]
	if i == nil {
		panic(fmt.Sprintf("there is no %s %q", r.Kind, r.ID))
	}
	return i
}

// Items returns what is there now, by kind and id.
func (p Place) Items() []model.Item {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	var out []model.Item
	for _, i := range p.home().sorted() {
		if st := i.now(); !st.gone {
			out = append(out, p.s.read(st))
		}
	}
	return out
}

// Item returns an item by its address.
func (p Place) Item(r model.Ref) (model.Item, bool) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	i := p.home().items[key(r.Kind, r.ID)]
	if i == nil || i.now().gone {
		return model.Item{}, false
	}
	return p.s.read(i.now()), true
}

// Expire makes every cursor dead.
func (s *System) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issue++
}

// Untold makes changes that no delta will ever tell, as when a server loses
// rows of its change log.
func (s *System) Untold(changes func()) {
	s.hush(true)
	changes()
	s.hush(false)
}

func (s *System) hush(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hushed = on
}

// Mails returns what was sent to attendees because of writes.
func (s *System) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.outbox...)
}

// Requests counts the requests so far, by method; "write" counts operations.
func (s *System) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Rename gives a mailbox another address; everything in it stays as it is.
func (s *System) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.homes[model.FoldAddress(to)] = s.homes[model.FoldAddress(from)]
	delete(s.homes, model.FoldAddress(from))
}

// Swap exchanges the addresses of two mailboxes.
func (s *System) Swap(a, b string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, b = model.FoldAddress(a), model.FoldAddress(b)
	s.homes[a], s.homes[b] = s.homes[b], s.homes[a]
}

// Migrate makes a mailbox of the items of another one, as a change of server
// does: they have new ids, and their UIDs and our stamps. The other one is gone.
func (s *System) Migrate(from, to, identity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addHome(model.FoldAddress(to), identity)
	old, fresh := s.homes[model.FoldAddress(from)], s.homes[model.FoldAddress(to)]
	for _, i := range old.sorted() {
		if st := *i.now(); !st.gone {
			st.id = fmt.Sprintf("%s-%s-%d", s.config.Side, st.kind, s.number())
			s.change(fresh, st)
		}
	}
	delete(s.homes, model.FoldAddress(from))
}
