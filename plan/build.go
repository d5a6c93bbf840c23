package plan

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"lockstep.dev/model"
)

// Build decides what has to be written for the given pairs. It is total and
// deterministic: every pair is answered, in the order of its entity.
func Build(in Input) Plan {
	b := &builder{in: in}
	pairs := append([]Pair(nil), in.Pairs...)
	sort.Slice(pairs, func(i, j int) bool {
		if pairs[i].Entity != pairs[j].Entity {
			return pairs[i].Entity < pairs[j].Entity
		}
		return pairs[i].Kind < pairs[j].Kind
	})
	for _, p := range pairs {
		b.decide(in.Snapshot.overwriting(p))
	}
	b.narrow()
	return b.out
}

type builder struct {
	in    Input
	out   Plan
	zones map[string]*time.Location // found so far
}

func (b *builder) change(p Pair, c Change) {
	c.Entity, c.Kind = p.Entity, p.Kind
	if c.Incarnation == 0 {
		c.Incarnation = p.Incarnation
	}
	b.out.Changes = append(b.out.Changes, c)
}

func (b *builder) write(p Pair, w Write) {
	w.Entity, w.Kind, w.Side = p.Entity, p.Kind, w.Op.Ref.Side
	if w.Side == model.CRM {
		w.Op.Actor = b.in.CRMUser
	}
	b.announce(p, &w)
	b.out.Writes = append(b.out.Writes, w)
}

// issue names what cannot be synced by its code in the catalogue; detail fills
// the text's placeholder of that name.
func (b *builder) issue(p Pair, side model.Side, item, code, detail string) {
	b.out.Issues = append(b.out.Issues, Issue{Entity: p.Entity, Kind: p.Kind, Side: side, Item: item, Code: code, Detail: detail})
}

// agree remembers that both sides say the same.
func (b *builder) agree(p Pair) {
	crm, mail := p.CRM.Key, p.Mail.Key
	b.change(p, Change{State: Linked, CRMKey: &crm, MailKey: &mail})
}

// writeBoth merges and writes what differs: the CRM first, then the mailbox,
// and the last write settles both bases.
func (b *builder) writeBoth(p Pair) {
	held := p.CRM.Content
	if p.MailBase != nil {
		held = p.MailBase.Content
	}
	fields := b.in.Fields[p.Kind]
	now := b.meant(p, p.Mail)
	flows := b.flowing(p, now, held)
	compared := flows
	if p.MailBase == nil && !p.Lead {
		// Never agreed, and not ours to change: the CRM's word stands but for
		// our own answer, and what the mailbox says otherwise is kept aside.
		flows, compared = mixed(now, flows, fields), now
	}
	chosen := b.choices(p, b.answered(p, b.meant(p, p.CRM), now), flows)
	way := b.oneWay(p, chosen.crm, chosen.flows)
	m := b.merge(p, way.crm, way.mail, chosen)
	m.settled = append(chosen.settled, m.settled...)
	toCRM, toMail := way.finish(m.crm, b.onto(p, now, m.mail, compared), now)
	crm, mail := b.update(p, p.CRM, toCRM), b.update(p, p.Mail, toMail)
	b.out.Conflicts = append(b.out.Conflicts, m.conflicts...)
	b.out.Conflicts = append(b.out.Conflicts, b.putBack(p, toCRM, toMail)...)
	b.out.Conflicts = append(b.out.Conflicts, b.overwritten(p, m, flows)...)
	for _, v := range []struct {
		w *Write
		s *Seen
	}{{crm, p.CRM}, {mail, p.Mail}} {
		if v.w != nil && v.s.Doubt != Certain {
			v.w.PutBack, v.w.Op.Notify = true, model.NotifyNone // nobody is told of what a backup took back
		}
	}
	if mail != nil && p.Mail.ReadOnly {
		mail, m.settled = nil, nil
		b.issue(p, model.Mail, p.Mail.Ref.ID, "mail.read-only", "")
	}
	switch {
	case crm == nil && mail == nil:
		b.out.Settled = append(b.out.Settled, m.settled...)
		b.agree(p)
	case mail == nil:
		crm.Settles = m.settled
		crm.OtherKey, crm.Final, crm.Why = p.Mail.Key, true, cmp.Or(b.whyBack(p, p.CRM), b.why(p, "the mailbox"))
		b.write(p, *crm)
	case crm == nil:
		mail.Settles = m.settled
		mail.OtherKey, mail.Final, mail.Why = p.CRM.Key, true, cmp.Or(b.whyBack(p, p.Mail), b.why(p, "the CRM"))
		b.write(p, *mail)
	default:
		mail.Settles = m.settled
		crm.Why, mail.Why, mail.Final, mail.OtherKey = "changed on both sides", "changed on both sides", true, p.CRM.Key
		b.write(p, *crm)
		b.write(p, *mail)
	}
}

// answered is what the CRM says, but for this person's own answer to the
// invitation where the sides never agreed, or that is not known any more: people
// answer in their mailboxes.
func (b *builder) answered(p Pair, crm, mail model.Content) model.Content {
	own := slices.IndexFunc(mail.Set("attendees"), func(e model.Element) bool { return b.own(e.Key) })
	if p.MailBase != nil || p.Kind != model.Event || b.source(p.Kind, "attendees") == model.CRM || own < 0 || mail.Set("attendees")[own].Attr["status"] == "" {
		return crm
	}
	out := crm.Clone()
	out.PutSet("attendees", b.answer(crm.Set("attendees"), mail.Set("attendees")))
	return out
}

// own reports whether an address is this mailbox's, now or before.
func (b *builder) own(address string) bool {
	return address == b.in.Address || slices.Contains(b.in.Former, address)
}

// mixed is what a participant's copy contributes to a first merge: its own
// answer where attendees differ, the rest as written, so that differences are
// recorded before the CRM's word replaces them.
func mixed(mail, flows model.Content, fields []string) model.Content {
	out := mail.Only(fields)
	out.Put("attendees", flows["attendees"])
	return out
}

// onto applies what the merge changed in the flowing content to the mailbox's
// whole content, so that what does not flow stays as the user has it; before the
// sides ever agreed nothing does.
func (b *builder) onto(p Pair, now, target, flows model.Content) model.Content {
	out := now.Clone()
	times := b.timed(p.Kind, target, flows)
	moved := len(model.Differing(target.Only(times), flows.Only(times))) > 0
	for _, f := range b.in.Fields[p.Kind] {
		if !target[f].Equal(flows[f]) || moved && slices.Contains(times, f) {
			out.Put(f, target[f])
		}
	}
	return out
}

// update plans a conditional update of one side, nil if nothing differs.
func (b *builder) update(p Pair, s *Seen, target model.Content) *Write {
	var changed []string
	for _, f := range b.in.Fields[p.Kind] {
		if !target[f].Equal(s.Content[f]) {
			changed = append(changed, f)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	sort.Strings(changed)
	return &Write{First: p.CRMBase == nil, Op: model.Operation{
		Action: model.Update, Ref: s.Ref, Expect: s.Ref.Version, Content: target, Changed: changed,
		UID: s.UID,
	}}
}

func (b *builder) why(p Pair, where string) string {
	if p.CRMBase == nil {
		return "matched; completed from " + where
	}
	return "changed in " + where
}

// toCRM creates the CRM record of an item that so far only the mailbox has.
func (b *builder) toCRM(p Pair) {
	if c, ok := b.Admit(p); !ok {
		b.change(p, c)
		return
	}
	if b.restamp(p) || b.early(p, p.Mail) {
		return
	}
	if p.Claimed {
		b.change(p, Change{State: Waiting, Reason: ReasonCreating, Recheck: b.in.Now.Add(reclaim)})
		return
	}
	b.createCRM(p)
}

// reclaim is how long a mailbox waits for another one to create a CRM record.
const reclaim = time.Hour

func (b *builder) createCRM(p Pair) {
	content := p.Mail.Content.Only(b.in.Fields[p.Kind])
	b.write(p, Write{
		Final: true, OtherKey: p.Mail.Key, Why: "new in the mailbox",
		Op: model.Operation{
			Action: model.Create, Key: CRMKey(p.Entity, p.Incarnation), UID: uidFor(p.Mail), Content: content,
			Ref: model.Ref{Side: model.CRM, Kind: p.Kind, Collection: b.in.Primary[model.CRM][p.Kind]},
		},
	})
	if p.Creator != "" {
		b.out.Writes[len(b.out.Writes)-1].Op.Actor = p.Creator
	}
}

// uidFor is the UID of an item's CRM record. A block of time is nobody else's
// copy of anything, so it has none of the appointment's.
func uidFor(s *Seen) string {
	if s.Reduced {
		return ""
	}
	return s.UID
}

// toMail creates in the mailbox what so far only the CRM has.
func (b *builder) toMail(p Pair) {
	if c, ok := b.Admit(p); !ok {
		b.change(p, c)
		return
	}
	if b.early(p, p.CRM) {
		return
	}
	home := b.in.Primary[model.Mail][p.Kind]
	if home == "" {
		b.change(p, Change{State: Skipped, Reason: ReasonNoHome, Recheck: b.in.Now.Add(24 * time.Hour)})
		return
	}
	b.createMail(p, home)
}

func (b *builder) createMail(p Pair, home string) {
	content := p.CRM.Content.Only(b.in.Fields[p.Kind])
	b.write(p, Write{
		Final: true, OtherKey: p.CRM.Key, Why: "new in the CRM",
		Op: model.Operation{
			Action: model.Create, Key: MailKey(p.Entity, b.in.Mailbox, p.Incarnation), UID: p.CRM.UID, Content: content,
			Ref: model.Ref{Side: model.Mail, Kind: p.Kind, Collection: home},
		},
	})
}

// resend repeats a create whose outcome is unknown and that neither a listing
// nor a look-up found: the same payload under the same key (algorithm 1.6). The
// payload may be older than what its source holds now, so the pair is looked at
// again.
func (b *builder) resend(p Pair) {
	for _, side := range []model.Side{model.CRM, model.Mail} {
		i := p.CRMIntent
		if side == model.Mail {
			i = p.MailIntent
		}
		if i == nil {
			continue
		}
		w := Write{Final: true, OtherKey: i.ContentKey, Why: "sent again: the answer to the first attempt was lost", Op: model.Operation{
			Action: model.Create, Key: i.Key, UID: i.UID, Content: i.Content,
			Ref: model.Ref{Side: side, Kind: p.Kind, Collection: i.Collection},
		}}
		b.write(p, w)
		if side == model.CRM && p.Creator != "" {
			b.out.Writes[len(b.out.Writes)-1].Op.Actor = p.Creator
		}
	}
	b.change(p, Change{State: p.State, Reason: p.Reason, Pending: true})
}

// unreadable sets a pair aside and says why.
func (b *builder) unreadable(p Pair) {
	for _, s := range []*Seen{p.CRM, p.Mail} {
		if s != nil && s.Trouble != "" {
			b.issue(p, s.Ref.Side, s.Ref.ID, "item.unreadable", s.Trouble)
			b.change(p, Change{State: SetAside, Reason: ReasonUnreadable})
			return
		}
	}
}
