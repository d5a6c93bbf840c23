package plan

import (
	"slices"

	"lockstep.dev/model"
)

// rule is what happens to a field that both sides changed.
type rule struct {
	winner model.Side
	ask    bool   // neither: a person decides
	lines  bool   // both, where they changed different lines
	taken  string // what a person chose, if the rule is that
}

// rule decides for one field of a pair. A participant's copy never wins over
// the shared record (design decision 4).
func (b *builder) rule(p Pair, field string, chosen choices) rule {
	if side, ok := chosen.wins[field]; ok {
		return rule{winner: side, taken: chosen.taken[field]}
	}
	if !p.Lead {
		return rule{winner: model.CRM}
	}
	if from := b.source(p.Kind, field); from != "" {
		return rule{winner: from}
	}
	how, fallback := b.in.Policy.Kinds[p.Kind].Rule(field)
	out := rule{winner: model.Side(fallback), ask: how == model.WinsAsk, lines: how == model.WinsMerge && isProse(p.Kind, field)}
	switch {
	case how == model.WinsCRM, how == model.WinsMail:
		out.winner = model.Side(how)
	case how == model.WinsNewest && !p.CRM.Modified.IsZero() && !p.Mail.Modified.IsZero():
		out.winner = model.CRM
		if p.Mail.Modified.After(p.CRM.Modified) {
			out.winner = model.Mail
		}
	}
	return out
}

// how says in which way a question was settled under this rule.
func (r rule) how(equal bool) string {
	switch {
	case r.taken != "":
		return r.taken
	case equal:
		return "equal"
	default:
		return "policy"
	}
}

// mark notes at conflicts that a person decided them.
func (r rule) mark(all ...EditConflict) []EditConflict {
	for i := range all {
		all[i].Resolution = r.taken
	}
	return all
}

func isProse(k model.Kind, field string) bool {
	return slices.ContainsFunc(model.Fields(k), func(f model.Field) bool { return f.Name == field && f.Prose })
}

// asked finds the question that is open over a field.
func (p Pair) asked(field string) (OpenConflict, bool) {
	i := slices.IndexFunc(p.Conflicts, func(c OpenConflict) bool { return c.Winner == "" && c.Field == field })
	if i < 0 {
		return OpenConflict{}, false
	}
	return p.Conflicts[i], true
}

// choices are what persons decided about a pair's conflicts: contents as if the
// chosen value had just been entered on the side that lost, and who wins if the
// other side changed the field again meanwhile.
type choices struct {
	crm, flows model.Content
	wins       map[string]model.Side // by field, start for all that makes a series
	taken      map[string]string
	settled    []Settled
}

// choices takes what was chosen into the contents. A field that its side edited
// after the conflict stays as it is: the later edit counts.
func (b *builder) choices(p Pair, crm, flows model.Content) choices {
	out := choices{crm: crm, flows: flows, wins: map[string]model.Side{}, taken: map[string]string{}}
	for _, c := range p.Conflicts {
		field := c.Field
		if slices.Contains(timeFields(p.Kind), field) {
			field = "start"
		}
		switch {
		case c.Take == "":
		case b.source(p.Kind, field) != "": // chosen before the policy gave it a direction
			out.settled = append(out.settled, Settled{c.ID, "policy"})
		case c.Winner == "":
			out.wins[field], out.taken[field] = model.Side(c.Take), c.Take
		default:
			side := c.Winner.Other()
			content, base := &out.crm, p.CRMBase
			if side == model.Mail {
				content, base = &out.flows, p.MailBase
			}
			restored, ok := b.restored(p.Kind, c, *content, base)
			if !ok {
				out.settled = append(out.settled, Settled{c.ID, "later edit"})
				continue
			}
			*content, out.wins[field], out.taken[field] = restored, side, TakeLoser
			out.settled = append(out.settled, Settled{c.ID, TakeLoser})
		}
	}
	return out
}

// restored is a side's content with the value that it lost put back; ok is false
// where the side was edited there since.
func (b *builder) restored(k model.Kind, c OpenConflict, content model.Content, base *Base) (out model.Content, ok bool) {
	was := content
	if base != nil {
		was = base.Content
	}
	if c.Field == "overrides" {
		return b.withOccurrence(k, content, was, c.Loser)
	}
	out = content.Clone()
	for f, lost := range c.Loser {
		if !model.IsSet(k, f) {
			if !content[f].Equal(was[f]) && !content[f].Equal(lost) {
				return nil, false
			}
			out.Put(f, lost)
			continue
		}
		for _, e := range lost.Set {
			now := element(content[f], e.Key)
			if !now.Equal(element(was[f], e.Key)) && !now.Equal(model.Value{Set: []model.Element{e}}) {
				return nil, false
			}
			out.PutSet(f, append([]model.Element{e}, out.Set(f)...))
		}
	}
	if len(c.Loser) > 1 {
		for _, f := range timeFields(k) { // of a series what the loser did not have goes, too
			if c.Field == "recurrence" && slices.Contains(b.in.Fields[k], f) {
				out.Put(f, c.Loser[f])
			}
		}
	}
	return out, true
}

// withOccurrence puts one occurrence back into a series.
func (b *builder) withOccurrence(k model.Kind, content, was, lost model.Content) (model.Content, bool) {
	fields := b.timed(k, content, was, lost)
	now, errNow := b.series(k, content.Only(fields))
	before, errBefore := b.series(k, was.Only(fields))
	only := content.Only(fields)
	only.Put("overrides", lost["overrides"])
	one, errOne := b.series(k, only)
	if errNow != nil || errBefore != nil || errOne != nil || len(one.Overrides) != 1 {
		return nil, false
	}
	o := one.Overrides[0]
	key := one.Instant(o.ID)
	if text := now.exception(key); text != before.exception(key) && text != one.texts[o] {
		return nil, false
	}
	restored, err := now.With(o)
	if err != nil {
		return nil, false
	}
	out := content.Clone()
	for f, v := range (series{Series: restored}).write(now, series{Series: one.Series, content: now.content, texts: one.texts}) {
		out.Put(f, v)
	}
	return out, true
}
