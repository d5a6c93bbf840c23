package plan

import (
	"slices"

	"lockstep.dev/model"
)

// Direction (requirements D-42, D-43). What a side edits against the direction
// of a field is no edit, as little as what a restored backup brings: it is put
// back to what both sides last agreed on, and kept as an edit conflict.

// against are the fields of a kind that do not flow from a side.
func (b *builder) against(k model.Kind, from model.Side) []string {
	rule := b.in.Policy.Kinds[k]
	if (rule.Direction == "" || rule.Direction == model.Both) && len(rule.Directions) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(b.in.Fields[k]), func(f string) bool { return rule.Source(k, f) != from.Other() })
}

// source is the only side from which a field flows, "" if it flows both ways.
func (b *builder) source(k model.Kind, field string) model.Side {
	return b.in.Policy.Kinds[k].Source(k, field)
}

// meant is what a side says that counts: without values of the past, and without
// what it edited against the direction.
func (b *builder) meant(p Pair, s *Seen) model.Content {
	base := p.baseOf(s)
	out := current(b.in.Fields[p.Kind], s, base)
	against := b.against(p.Kind, s.Ref.Side)
	if base == nil || s.Content == nil || len(against) == 0 {
		return out
	}
	out = out.Clone()
	for _, f := range against {
		out.Put(f, base.Content[f])
	}
	return out
}

func (p Pair) baseOf(s *Seen) *Base {
	if s.Ref.Side == model.CRM {
		return p.CRMBase
	}
	return p.MailBase
}

// wrongWay reports whether a side was edited against the direction and it is to
// be put back. A shared record is put back by the lead's mailbox alone; beside
// an item that is gone there is nothing to go by, and such an edit keeps nothing
// alive.
func (b *builder) wrongWay(p Pair, s *Seen) bool {
	other, base := p.Mail, p.baseOf(s)
	if s.Ref.Side == model.Mail {
		other = p.CRM
	} else if !p.Lead {
		return false
	}
	against := b.against(p.Kind, s.Ref.Side)
	if len(against) == 0 || base == nil || s.Content == nil || other == nil || other.Gone && other.Settled && !other.Lost() {
		return false
	}
	return b.differ(p.Kind, s.Content, base.Content, against...)
}

// way is how a pair with fields of one direction is merged: what the merge is
// given, and what becomes of its answer.
type way struct {
	p                 Pair
	fromCRM, fromMail []string
	own               string // the mailbox's address
	crm, mail         model.Content
}

// oneWay prepares a merge. Where the sides agreed before, what they mean says it
// all; where they never did, the source's word is given to both.
func (b *builder) oneWay(p Pair, crm, flows model.Content) way {
	w := way{p: p, fromCRM: b.against(p.Kind, model.Mail), fromMail: b.against(p.Kind, model.CRM), own: b.in.Address, crm: crm, mail: flows}
	if len(w.fromCRM)+len(w.fromMail) == 0 || w.agreed() {
		return w
	}
	w.crm, w.mail = crm.Clone(), flows.Clone()
	for _, f := range w.fromCRM {
		w.mail.Put(f, crm[f])
	}
	for _, f := range w.fromMail {
		w.crm.Put(f, flows[f])
	}
	return w
}

func (w way) agreed() bool { return w.p.CRMBase != nil && w.p.MailBase != nil }

// finish makes what each side should hold of what the merge came to. Where the
// sides never agreed, a field that the source lacks stays as the other has it.
func (w way) finish(crm, mail, now model.Content) (toCRM, toMail model.Content) {
	if len(w.fromCRM)+len(w.fromMail) == 0 {
		return crm, mail
	}
	toCRM, toMail = crm.Clone(), mail.Clone()
	if !w.agreed() {
		for _, f := range w.fromCRM {
			toCRM.Put(f, w.p.CRM.Content[f])
			toMail.Put(f, w.filled(f, w.p.CRM.Content, now))
		}
		for _, f := range w.fromMail {
			toMail.Put(f, now[f])
			toCRM.Put(f, w.filled(f, now, w.p.CRM.Content))
		}
	}
	if !w.p.Lead {
		for _, f := range w.fromMail {
			toCRM.Put(f, w.p.CRM.Content[f])
		}
		if slices.Contains(w.fromMail, "attendees") {
			toCRM.PutSet("attendees", answer(w.p.CRM.Content.Set("attendees"), now.Set("attendees"), w.own))
		}
	}
	return toCRM, toMail
}

// filled is a field as the source says it; what the source does not say stays.
// The fields that say when an item is go together.
func (w way) filled(f string, source, target model.Content) model.Value {
	switch {
	case slices.Contains(timeFields(w.p.Kind), f):
		if source.Text("start") == "" && source.Text("due") == "" {
			return target[f]
		}
		return source[f]
	case model.IsSet(w.p.Kind, f):
		return model.Value{Set: united(source.Set(f), target.Set(f))}
	case source[f].Empty():
		return target[f]
	default:
		return source[f]
	}
}

// putBack are the values that go because they were entered against the
// direction: what is lost is kept.
func (b *builder) putBack(p Pair, toCRM, toMail model.Content) []EditConflict {
	var out []EditConflict
	for _, v := range []struct {
		s  *Seen
		to model.Content
	}{{p.CRM, toCRM}, {p.Mail, toMail}} {
		side, base := v.s.Ref.Side, p.baseOf(v.s)
		if side == model.CRM && !p.Lead {
			continue
		}
		times := model.Content{}
		for _, f := range b.against(p.Kind, side) {
			is := v.s.Content[f]
			switch {
			case is.Equal(v.to[f]), base != nil && is.Equal(base.Content[f]):
			case slices.Contains(timeFields(p.Kind), f):
				times.Put(f, is)
			case !is.Empty():
				out = append(out, b.lost(p, f, side.Other(), model.Content{f: is}))
			}
		}
		if len(times) > 0 && b.differ(p.Kind, v.s.Content, v.to, timeFields(p.Kind)...) {
			out = append(out, b.lost(p, "start", side.Other(), times))
		}
	}
	return out
}

// whyBack says that a write puts something back, "" if it does not.
func (b *builder) whyBack(p Pair, s *Seen) string {
	if !b.wrongWay(p, s) {
		return ""
	}
	if s.Ref.Side == model.Mail {
		return "put back: the policy syncs it from the CRM to the mailbox only"
	}
	return "put back: the policy syncs it from the mailbox to the CRM only"
}
