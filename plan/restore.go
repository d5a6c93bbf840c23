package plan

import (
	"slices"

	"lockstep.dev/model"
)

// Joined is what is in doubt about an item that takes the place of one that is
// gone.
func (d Doubt) Joined() Doubt {
	if d == Predeceased {
		return Restored
	}
	return d
}

// mistrust drops the bases of a participant's copy that changed while our
// database was restored: what it says otherwise may be what the record said at
// the time, so the CRM's word stands, as where the two never agreed.
func mistrust(p Pair) Pair {
	if !p.Lead && p.CRM != nil && p.Mail != nil && !p.CRM.Gone && !p.Mail.Gone && p.Mail.Doubt == Unwitnessed {
		p.CRMBase, p.MailBase = nil, nil
	}
	return p
}

// outdated are the fields in which an item that came back with a backup holds a
// value that it had before both sides last agreed (class S of algorithm 1.4).
func outdated(fields []string, s *Seen, base *Base) []string {
	if s.Doubt != Restored || base == nil {
		return nil
	}
	times := timeFields(s.Ref.Kind)
	old := slices.ContainsFunc(times, func(f string) bool { return slices.Contains(s.Past, f) && !s.Content[f].Equal(base.Content[f]) })
	return slices.DeleteFunc(unequal(fields, s.Content, base.Content), func(f string) bool {
		return !slices.Contains(s.Past, f) && !(old && slices.Contains(times, f)) // when an item is, is one thing
	})
}

// unequal are the fields that are not written the same.
func unequal(fields []string, a, b model.Content) []string {
	var out []string
	for _, f := range fields {
		if !a[f].Equal(b[f]) {
			out = append(out, f)
		}
	}
	return out
}

// current is what an item says without its values of the past: those are put
// back to what both sides last agreed on. Of a set, which is told by its
// elements, a backup takes nothing away: what it lacks was added later.
func current(fields []string, s *Seen, base *Base) model.Content {
	if s.Doubt != Restored || base == nil {
		return s.Content
	}
	out := s.Content.Clone()
	for _, f := range outdated(fields, s, base) {
		out.Put(f, base.Content[f])
	}
	for _, f := range fields {
		if model.IsSet(s.Ref.Kind, f) && !slices.Contains(s.Past, f) {
			out.PutSet(f, united(out.Set(f), base.Content.Set(f)))
		}
	}
	return out
}

// united are the elements of a set and those that it lacks of another.
func united(set, more []model.Element) []model.Element {
	out := slices.Clone(set)
	for _, e := range more {
		if !slices.ContainsFunc(set, func(o model.Element) bool { return o.Key == e.Key }) {
			out = append(out, e)
		}
	}
	return model.NormalSet(out)
}

// overwritten are the values that an item in doubt replaces on the other side.
// Whether it is the newer one is not known for certain, so they are kept, and a
// person can take them back.
func (b *builder) overwritten(p Pair, m merged, flows model.Content) []EditConflict {
	var out []EditConflict
	for _, v := range []struct {
		s    *Seen // in doubt
		side model.Side
		was  model.Content // what the other side holds
		will model.Content
	}{{p.CRM, model.CRM, flows, m.mail}, {p.Mail, model.Mail, p.CRM.Content, m.crm}} {
		if v.s.Doubt == Certain || p.CRMBase == nil || v.s.Doubt == Unwitnessed && p.CRM.Doubt != p.Mail.Doubt {
			continue
		}
		for _, f := range unequal(b.in.Fields[p.Kind], v.was, v.will) {
			known := slices.ContainsFunc(m.conflicts, func(c EditConflict) bool { return c.Field == f })
			if !known && !v.was[f].Empty() {
				out = append(out, EditConflict{Entity: p.Entity, Kind: p.Kind, Field: f, Winner: v.side, Loser: model.Content{f: v.was[f]}})
			}
		}
	}
	return out
}

// bringBack creates again what a restore took away, whoever leads: nobody
// deleted it. In the CRM only one mailbox does, which the claim decides.
func (b *builder) bringBack(p Pair, side model.Side) {
	absent, from := p.CRM, p.Mail
	if side == model.Mail {
		absent, from = p.Mail, p.CRM
	}
	switch {
	case from.Content.Text("class") != "" && b.in.Policy.Private != "full":
		b.change(p, Change{State: Skipped, Reason: ReasonPrivate})
		return
	case side == model.CRM && p.Claimed:
		b.change(p, Change{State: Waiting, Reason: ReasonCreating, Recheck: b.in.Now.Add(reclaim)})
		return
	}
	ref := absent.Ref
	p.Incarnation++
	before := len(b.out.Writes)
	if side == model.CRM {
		p.CRM = nil
		b.createCRM(p)
	} else {
		p.Mail = nil
		b.createMail(p, ref.Collection)
	}
	for i := before; i < len(b.out.Writes); i++ {
		b.out.Writes[i].MustBeGone = &ref
		b.out.Writes[i].Op.Notify = model.NotifyNone
		b.out.Writes[i].Why = "lost when a backup was restored: created again"
	}
}
