package plan

import (
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/recurrence"
)

// merged is the outcome of a merge: what each side should hold, what was lost
// on the way, and which conflicts of before are settled by it.
type merged struct {
	crm, mail model.Content
	conflicts []EditConflict
	settled   []Settled
}

// merge reconciles two contents field by field against what each side held when
// they last agreed (algorithm 1.5). A side's change is its difference from its
// own base, so what a system normalised is no edit. Without bases the two are
// united: an empty field takes the other's value.
func (b *builder) merge(p Pair, crm, mail model.Content, chosen choices) merged {
	out := merged{crm: crm.Clone(), mail: mail.Clone()}
	based := p.CRMBase != nil && p.MailBase != nil
	times := b.mergeTimes(p, crm, mail, chosen, &out)
	for _, f := range b.in.Fields[p.Kind] {
		if slices.Contains(times, f) {
			continue
		}
		m := fieldMerge{c: crm[f], m: mail[f], set: model.IsSet(p.Kind, f), based: based, rule: b.rule(p, f, chosen)}
		if based {
			m.baseC, m.baseM = p.CRMBase.Content[f], p.MailBase.Content[f]
		}
		asked, open := p.asked(f)
		if open {
			m.based = false // the question stands, whatever was agreed since
		}
		toC, toM, lost, clash := m.do()
		value := model.Content{}
		value.Put(f, lost)
		switch {
		case clash && m.rule.ask:
			if !open {
				value.Put(f, mail[f])
				out.conflicts = append(out.conflicts, b.lost(p, f, "", value))
			}
			continue
		case open && m.rule.ask && !crm[f].Equal(mail[f]):
			continue
		case open:
			out.settled = append(out.settled, Settled{asked.ID, m.rule.how(crm[f].Equal(mail[f]))})
		}
		out.crm.Put(f, toC)
		out.mail.Put(f, toM)
		if len(value) > 0 {
			out.conflicts = append(out.conflicts, m.rule.mark(b.lost(p, f, m.rule.winner, value))...)
		}
	}
	return out
}

func (b *builder) lost(p Pair, field string, winner model.Side, loser model.Content) EditConflict {
	return EditConflict{Entity: p.Entity, Kind: p.Kind, Field: field, Winner: winner, Loser: loser}
}

// mergeTimes merges what the sides say of when an item is, as one object, and
// returns the fields it has dealt with.
func (b *builder) mergeTimes(p Pair, crm, mail model.Content, chosen choices, out *merged) []string {
	t := timesMerge{b: b, p: p, rule: b.rule(p, "start", chosen), based: p.CRMBase != nil && p.MailBase != nil}
	known := []model.Content{crm, mail}
	if t.based {
		known = append(known, p.CRMBase.Content, p.MailBase.Content)
	}
	if t.fields = b.timed(p.Kind, known...); len(t.fields) == 0 {
		return nil
	}
	for i := range known {
		known[i] = known[i].Only(t.fields)
	}
	t.now = [2]model.Content{known[0], known[1]}
	asked, open := p.asked(t.name())
	same := len(model.Differing(known[0], known[1])) == 0
	if open && (same || !t.rule.ask) {
		out.settled = append(out.settled, Settled{asked.ID, t.rule.how(same)})
	}
	if same || open && t.rule.ask {
		return t.fields
	}
	if t.based = t.based && !open; t.based {
		t.was = [2]model.Content{known[2], known[3]}
	}
	to, lost := t.do()
	if len(lost) > 0 && t.rule.ask {
		out.conflicts = append(out.conflicts, b.lost(p, t.name(), "", t.now[recurrence.Right]))
		return t.fields
	}
	for _, f := range t.fields {
		out.crm.Put(f, to[recurrence.Left][f])
		out.mail.Put(f, to[recurrence.Right][f])
	}
	out.conflicts = append(out.conflicts, t.rule.mark(lost...)...)
	return t.fields
}

type fieldMerge struct {
	c, m         model.Value
	baseC, baseM model.Value
	based, set   bool
	rule         rule
}

// do returns what the CRM and the mailbox should hold, the value that lost, and
// whether both sides changed the same thing.
func (f fieldMerge) do() (toC, toM, lost model.Value, clash bool) {
	none := model.Value{}
	if f.c.Equal(f.m) {
		return f.c, f.m, none, false
	}
	changedC, changedM := !f.c.Equal(f.baseC), !f.m.Equal(f.baseM)
	switch {
	case f.set:
		return f.sets()
	case f.based && !changedC && !changedM:
		return f.c, f.m, none, false
	case f.based && !changedM, !f.based && f.m.Empty():
		return f.c, f.c, none, false
	case f.based && !changedC, !f.based && f.c.Empty():
		return f.m, f.m, none, false
	}
	if f.rule.lines && f.based {
		if c, m, ok := mergeLines(f.baseC.Text, f.baseM.Text, f.c.Text, f.m.Text); ok {
			return model.Value{Text: c}, model.Value{Text: m}, none, false
		}
	}
	if f.rule.winner == model.Mail {
		return f.m, f.m, f.c, true
	}
	return f.c, f.c, f.m, true
}

// sets merges by element: each side receives what the other added, changed or
// removed, and keeps the rest of its own.
func (f fieldMerge) sets() (toC, toM, lost model.Value, clash bool) {
	var keys []string
	for _, v := range []model.Value{f.c, f.m, f.baseC, f.baseM} {
		for _, e := range v.Set {
			keys = append(keys, e.Key)
		}
	}
	slices.Sort(keys)
	var outC, outM, outL []model.Element
	for _, k := range slices.Compact(keys) {
		one := fieldMerge{
			c: element(f.c, k), m: element(f.m, k), baseC: element(f.baseC, k), baseM: element(f.baseM, k),
			based: f.based, rule: f.rule,
		}
		c, m, l, clashed := one.one()
		clash = clash || clashed
		outC, outM, outL = append(outC, c.Set...), append(outM, m.Set...), append(outL, l.Set...)
	}
	return setOf(outC), setOf(outM), setOf(outL), clash
}

// one merges one element. Where both sides have it, its text and each of its
// attributes are merged for themselves: a type that one system cannot hold is
// not an edit of the number.
func (f fieldMerge) one() (toC, toM, lost model.Value, clash bool) {
	if f.c.Empty() || f.m.Empty() {
		return f.do()
	}
	c, m := f.c.Set[0], f.m.Set[0]
	baseC, baseM := first(f.baseC), first(f.baseM)
	outC, outM := model.Element{Key: c.Key}, model.Element{Key: c.Key}
	for _, name := range parts(c, m, baseC, baseM) {
		part := fieldMerge{
			c: textOf(c, name), m: textOf(m, name), baseC: textOf(baseC, name), baseM: textOf(baseM, name),
			based: f.based && (baseC.Key != "" || baseM.Key != ""), rule: f.rule,
		}
		toC, toM, gone, clashed := part.do()
		outC, outM = with(outC, name, toC.Text), with(outM, name, toM.Text)
		clash = clash || clashed
		if !gone.Empty() {
			lost = f.m
		}
	}
	if !lost.Empty() {
		if f.rule.winner == model.Mail {
			lost = f.c
		}
	}
	return setOf([]model.Element{outC}), setOf([]model.Element{outM}), lost, clash
}

// parts are the names of what an element consists of: "" is its text.
func parts(elements ...model.Element) []string {
	names := []string{""}
	for _, e := range elements {
		for k := range e.Attr {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func textOf(e model.Element, name string) model.Value {
	if name == "" {
		return model.Value{Text: e.Text}
	}
	return model.Value{Text: e.Attr[name]}
}

func with(e model.Element, name, text string) model.Element {
	switch {
	case name == "":
		e.Text = text
	case text != "" && e.Attr == nil:
		e.Attr = map[string]string{name: text}
	case text != "":
		e.Attr[name] = text
	}
	return e
}

func first(v model.Value) model.Element {
	if len(v.Set) == 0 {
		return model.Element{}
	}
	return v.Set[0]
}

func setOf(elements []model.Element) model.Value {
	return model.Value{Set: model.NormalSet(elements)}
}

// element returns the part of a set value that has the key.
func element(v model.Value, key string) model.Value {
	i := slices.IndexFunc(v.Set, func(e model.Element) bool { return e.Key == key })
	if i < 0 {
		return model.Value{}
	}
	return model.Value{Set: v.Set[i : i+1]}
}

// flowing is the part of the mailbox's content that may flow into the CRM: the
// lead's shared fields; from any other participant only the answer to the
// invitation (design decision 4). now is what the mailbox holds, held what it
// held before.
func (b *builder) flowing(p Pair, now, held model.Content) model.Content {
	if p.Lead || p.CRM == nil {
		return now
	}
	out := held.Clone()
	if p.Kind == model.Event {
		out.PutSet("attendees", b.answer(held.Set("attendees"), now.Set("attendees")))
	}
	return out
}

// answer returns the attendees of old with this person's status as now says it,
// under every address that is or was this person's.
func (b *builder) answer(old, now []model.Element) []model.Element {
	for _, address := range append([]string{b.in.Address}, b.in.Former...) {
		old = answer(old, now, address)
	}
	return old
}

// answer returns the attendees of old with own's status as now says it.
func answer(old, now []model.Element, own string) []model.Element {
	i := slices.IndexFunc(now, func(e model.Element) bool { return e.Key == own })
	out := slices.Clone(old)
	j := slices.IndexFunc(out, func(e model.Element) bool { return e.Key == own })
	if i < 0 || j < 0 {
		return out
	}
	attr := map[string]string{}
	for k, v := range out[j].Attr {
		attr[k] = v
	}
	delete(attr, "status")
	if s := now[i].Attr["status"]; s != "" {
		attr["status"] = s
	}
	if len(attr) == 0 {
		attr = nil
	}
	out[j].Attr = attr
	return out
}
