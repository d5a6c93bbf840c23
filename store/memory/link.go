package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// link joins the two items of an entity in one mailbox.
type link struct {
	entity            model.EntityID
	kind              model.Kind
	crm, mail         string // items, "" = none
	state             plan.State
	reason            string
	incarnation       int
	crmBase, mailBase string // keys of bodies, "" = none
	recheck           time.Time
	synced            time.Time
	crmDoubt          plan.Doubt
	mailDoubt         plan.Doubt
}

func (l *link) item(side model.Side) *string {
	if side == model.CRM {
		return &l.crm
	}
	return &l.mail
}

func (l *link) doubt(side model.Side) *plan.Doubt {
	if side == model.CRM {
		return &l.crmDoubt
	}
	return &l.mailDoubt
}

func (l *link) base(side model.Side) *string {
	if side == model.CRM {
		return &l.crmBase
	}
	return &l.mailBase
}

func (l link) due(now time.Time) bool { return !l.recheck.IsZero() && !l.recheck.After(now) }

// joined is a link with what was found out. An item that takes another's place
// keeps the base, and what is in doubt: it is the same thing under another id.
func (l link) joined(j plan.Join) link {
	if j.CRM != "" && j.Mail != "" && (j.CRM != l.crm || j.Mail != l.mail) {
		l.crmBase, l.mailBase = "", "" // matched anew: what one of them lacks was not taken out of it
	}
	for side, item := range map[model.Side]string{model.CRM: j.CRM, model.Mail: j.Mail} {
		if item != "" {
			*l.item(side), *l.doubt(side) = item, l.doubt(side).Joined()
		}
	}
	l.recheck = time.Time{}
	if l.state == plan.Withdrawn && (j.CRM == "" || j.Mail == "") {
		return l // a record that comes back is withdrawn again
	}
	l.state, l.reason = j.State, j.Reason
	return l
}

// Join implements store.Planning.
func (s *Store) Join(ctx context.Context, id model.MailboxID, joins []plan.Join) error {
	return alone(ctx, s, func() error {
		m, err := s.scope(id)
		if err != nil {
			return err
		}
		wanted := map[model.EntityID]link{}
		var rows []pendingKey
		for _, j := range joins { // an entity may be named twice, a side each
			l, ok := wanted[j.Entity]
			if !ok {
				l, ok = s.links.get(linkKey{id, j.Entity})
			}
			if !ok {
				l = link{entity: j.Entity, kind: j.Kind}
			}
			wanted[j.Entity] = l.joined(j)
			for side, item := range map[model.Side]string{model.CRM: j.CRM, model.Mail: j.Mail} {
				if item != "" {
					rows = append(rows, pendingKey{id, side, j.Kind, item})
				}
				if item != "" && j.Question != "" {
					s.reviews.put(pendingKey{id, side, j.Kind, item}, review{question: j.Question})
				}
			}
		}
		s.placeLinks(m, wanted)
		s.pendAll(rows)
		return nil
	})
}

// placeLinks saves links. An item that a link did not have before may be in
// another one so far: it is taken out there, and a link that is left without an
// item goes. Of two that claim one item the later has it. It returns the links
// that so lost an item to another.
func (s *Store) placeLinks(m scope, wanted map[model.EntityID]link) (deprived []model.EntityID) {
	rows := slices.SortedFunc(maps.Values(wanted), func(a, b link) int { return cmp.Compare(a.entity, b.entity) })
	for i := range rows {
		for _, side := range sides() {
			for j := range rows[:i] {
				if item := *rows[i].item(side); item != "" && rows[j].kind == rows[i].kind && *rows[j].item(side) == item {
					*rows[j].item(side) = ""
				}
			}
		}
	}
	var moved []link
	for _, l := range rows {
		old, ok := s.links.get(linkKey{m.ID, l.entity})
		if !ok || old.crm != l.crm || old.mail != l.mail || old.state != l.state {
			moved = append(moved, l)
		}
	}
	deprived = s.vacate(m, moved)
	for _, l := range rows {
		if old, ok := s.links.get(linkKey{m.ID, l.entity}); ok {
			s.remember(m, l.entity, old.crmBase, l.crmBase)
			s.remember(m, l.entity, old.mailBase, l.mailBase)
		}
		s.links.put(linkKey{m.ID, l.entity}, l)
	}
	s.identify(m, moved)
	return deprived
}

// vacate takes items out of links of other entities. It returns those that have
// another one left.
func (s *Store) vacate(m scope, wanted []link) (deprived []model.EntityID) {
	for _, w := range wanted {
		for k, l := range s.linksOf(m.ID) {
			if l.entity == w.entity || l.kind != w.kind {
				continue
			}
			was := l
			for _, side := range sides() {
				if item := *w.item(side); item != "" && *l.item(side) == item {
					*l.item(side) = ""
				}
			}
			switch {
			case l == was:
			case l.crm == "" && l.mail == "":
				s.links.drop(k)
			default:
				s.links.put(k, l)
				deprived = append(deprived, l.entity)
			}
		}
	}
	return deprived
}

// identify remembers which entities items stand for. A CRM record, which all
// mailboxes share, keeps the entity it had first; an item that only waits for a
// person keeps the one it was known as. The observation repeats the entity, by
// which changes are routed.
func (s *Store) identify(m scope, rows []link) {
	for _, l := range rows {
		for _, side := range sides() {
			k := itemKey{m.place(side), l.kind, *l.item(side)}
			if k.id == "" || side == model.CRM && (l.state == plan.Returned || l.state == plan.Review) {
				continue
			}
			hint := side == model.CRM || l.state == plan.Review || l.state == plan.Returned
			e, known := s.identities.get(k)
			if !known || !hint {
				e = l.entity
				s.identities.put(k, e)
			}
			if o, ok := s.observations.get(k); ok && o.entity != e && (side == model.CRM || !hint) {
				o.entity = e
				s.observations.put(k, o)
			}
		}
	}
}
