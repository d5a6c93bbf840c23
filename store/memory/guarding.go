package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// ruling is a person's word on one absence.
type ruling struct {
	since   int64
	verdict plan.Verdict
	by      string
	at      time.Time
}

// lost yields what is gone on a connection, linked still and undecided.
func (s *Store) lost(c model.Connection) iter.Seq2[itemKey, []link] {
	return func(yield func(itemKey, []link) bool) {
		for k, o := range s.observations.all() {
			v, ruled := s.verdicts.get(k)
			if k.connection != c.ID || o.absent != gone || o.absentSince <= proven || ruled && v.since == o.absentSince || s.movedOn(k, o) {
				continue
			}
			if list := s.losing(c, k); len(list) > 0 && !yield(k, list) {
				return
			}
		}
	}
}

// movedOn reports whether an item of a mailbox that is gone is there under
// another id.
func (s *Store) movedOn(gone itemKey, o observation) bool {
	if gone.crm() || o.uid == "" {
		return false
	}
	for k, other := range s.items(gone.place, gone.kind) {
		if k.id != gone.id && other.uid == o.uid && other.absent == present {
			return true
		}
	}
	return false
}

// losing are the links of active mailboxes that would follow a deletion.
func (s *Store) losing(c model.Connection, k itemKey) []link {
	var out []link
	for key, l := range s.links.all() {
		m, _ := s.mailboxes.get(name(key.mailbox))
		doubt := *l.doubt(c.Side)
		switch {
		case m.State != model.Active || l.state != plan.Linked || l.kind != k.kind || *l.item(c.Side) != k.id:
		case doubt != plan.Certain && doubt != plan.Predeceased:
		case c.Side == model.CRM && m.CRM != c.ID, c.Side == model.Mail && m.ID != k.mailbox:
		case c.Side == model.Mail && !s.leads(m.Mailbox, l):
		default:
			out = append(out, l)
		}
	}
	return out
}

// leads reports whether a mailbox's deletion can reach the CRM.
func (s *Store) leads(m model.Mailbox, l link) bool {
	access, _ := s.access.get(itemKey{place{connection: m.CRM}, l.kind, l.crm})
	return slices.Contains(access, model.Access{User: m.CRMUser, Role: model.Owner})
}

// Losses implements store.Guarding.
func (s *Store) Losses(ctx context.Context, c model.Connection, since time.Time) (plan.Losses, error) {
	return within(ctx, s, func() (plan.Losses, error) {
		things := map[model.EntityID]bool{}
		for _, list := range s.lost(c) {
			things[list[0].entity] = true
		}
		for k, o := range s.operations.all() {
			p, _ := s.plans.get(name(k.plan))
			m, _ := s.mailboxes.get(name(o.mailbox))
			of := map[model.Side]model.ConnectionID{model.CRM: m.CRM, model.Mail: m.Mail}[c.Side]
			if of == c.ID && o.Op.Action == model.Delete && o.Side == c.Side.Other() && o.state == model.Done && !o.done.Before(since) &&
				o.Verdict == plan.Undecided && p.Request == "" {
				things[o.Entity] = true
			}
		}
		out := plan.Losses{Gone: min(len(things), plan.MostWide+1)}
		linked := map[any]bool{}
		for k, l := range s.links.all() {
			m, _ := s.mailboxes.get(name(k.mailbox))
			switch {
			case l.state != plan.Linked:
			case c.Side == model.CRM && m.CRM == c.ID:
				linked[k.entity] = true
			case c.Side == model.Mail && m.Mail == c.ID:
				linked[k] = true
			}
		}
		if out.Gone > plan.LeastWide && out.Gone <= plan.MostWide {
			out.Linked = min(len(linked), plan.MostWide*100/plan.WideShare)
		}
		return out, nil
	})
}

// Lost implements store.Guarding.
func (s *Store) Lost(ctx context.Context, c model.Connection, after store.Lost, limit int) ([]store.Lost, error) {
	return within(ctx, s, func() ([]store.Lost, error) {
		last := itemKey{place{c.ID, after.Mailbox}, after.Kind, after.Item}
		var out []store.Lost
		for k, list := range s.lost(c) {
			if k.compare(last) <= 0 || len(out) == limit {
				continue
			}
			o, _ := s.observations.get(k)
			v := store.Lost{Mailbox: k.mailbox, Kind: k.kind, Item: k.id, Since: o.absentSince, Entity: list[0].entity, Private: o.reduced}
			for key, l := range s.links.all() {
				m, _ := s.mailboxes.get(name(key.mailbox))
				same := c.Side == model.CRM && m.CRM == c.ID || m.ID == k.mailbox
				if l.kind == k.kind && *l.item(c.Side) == k.id && same && m.State == model.Active {
					v.Mailboxes++
				}
			}
			said := s.content(*list[0].base(c.Side))
			if v.Private = v.Private || model.Private(said); !v.Private {
				v.Title = title(said)
			}
			out = append(out, v)
		}
		return out, nil
	})
}

// Rule implements store.Guarding.
func (s *Store) Rule(ctx context.Context, c model.Connection, r store.Ruling, now time.Time) ([]model.MailboxID, error) {
	return within(ctx, s, func() ([]model.MailboxID, error) {
		var woken []model.MailboxID
		for _, v := range r.Items {
			k := itemKey{place{c.ID, v.Mailbox}, v.Kind, v.Item}
			s.verdicts.put(k, ruling{since: v.Since, verdict: r.Verdict, by: r.By, at: now})
			for key, l := range s.links.all() {
				row := pendingKey{key.mailbox, c.Side, v.Kind, v.Item}
				m, _ := s.mailboxes.get(name(key.mailbox))
				of := map[model.Side]model.ConnectionID{model.CRM: m.CRM, model.Mail: m.Mail}[c.Side]
				if p, ok := s.pending.get(row); ok && p.state == waiting && of == c.ID && l.kind == v.Kind && *l.item(c.Side) == v.Item {
					s.pending.put(row, pending{mark: p.mark})
					woken = append(woken, key.mailbox)
				}
			}
		}
		s.note(store.LogEntry{What: store.LogRuled, Subject: store.LogConnection, Name: string(c.ID), Why: r.Why(), After: string(r.Verdict)})
		s.relieve(c, now)
		slices.SortFunc(woken, cmp.Compare[model.MailboxID])
		return slices.Compact(woken), nil
	})
}

// Ruled implements store.Guarding.
func (s *Store) Ruled(ctx context.Context, c model.ConnectionID, m model.MailboxID, refs []model.Ref) ([]store.Ruled, error) {
	return within(ctx, s, func() ([]store.Ruled, error) {
		var out []store.Ruled
		for _, r := range refs {
			k := itemKey{place{c, m}, r.Kind, r.ID}
			o, _ := s.observations.get(k)
			if v, ok := s.verdicts.get(k); ok && o.absent == gone && o.absentSince == v.since {
				out = append(out, store.Ruled{Kind: r.Kind, Item: r.ID, Verdict: v.verdict})
			}
		}
		slices.SortFunc(out, func(a, b store.Ruled) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Item, b.Item)) })
		return out, nil
	})
}

// Relieve implements store.Guarding.
func (s *Store) Relieve(ctx context.Context, c model.Connection, now time.Time) error {
	return alone(ctx, s, func() error {
		s.relieve(c, now)
		return nil
	})
}

func (s *Store) relieve(c model.Connection, now time.Time) {
	for range s.lost(c) {
		return
	}
	s.endAlerts(func(a store.Alert) bool { return a.Mailbox == "" && a.Connection == c.ID && a.Code == store.WideBrake },
		func(store.Alert) time.Time { return now })
}
