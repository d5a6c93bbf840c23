package plan

import "lockstep.dev/model"

// deleteMail follows a deletion in the CRM into the mailbox.
func (b *builder) deleteMail(p Pair) {
	switch {
	case b.in.Policy.Kinds[p.Kind].CRMDelete != "delete":
		b.change(p, Change{State: Kept, Reason: ReasonCRMGone, DropCRM: true})
	case !b.in.Initialized:
		b.change(p, Change{State: p.State, Reason: p.Reason, Pending: true})
	case p.Mail.ReadOnly:
		b.change(p, Change{State: Kept, Reason: ReasonReadOnly, DropCRM: true})
	default:
		b.remove(p, p.Mail, p.CRM, "deleted in the CRM")
	}
}

// deleteCRM follows a deletion in the mailbox into the CRM, where the policy
// lets it travel: only the lead's, and of events only future ones. One
// person's deletion never takes a shared record from others (design decision 4).
func (b *builder) deleteCRM(p Pair) {
	switch {
	case !b.travels(p):
		b.change(p, Change{State: Kept, Reason: ReasonMailGone, DropMail: true})
	case !b.in.Initialized:
		b.change(p, Change{State: p.State, Reason: p.Reason, Pending: true})
	default:
		b.remove(p, p.CRM, p.Mail, "deleted in the mailbox")
	}
}

// travels reports whether a deletion in the mailbox may reach the CRM.
func (b *builder) travels(p Pair) bool {
	past := p.Kind == model.Event && past(held(p.CRM, p.CRMBase), b.in.Now)
	return b.in.Policy.Kinds[p.Kind].MailDelete == "delete" && p.Lead && !past
}

func (b *builder) remove(p Pair, target, absent *Seen, why string) {
	ref := absent.Ref
	b.write(p, Write{
		Op:         model.Operation{Action: model.Delete, Ref: target.Ref, Expect: target.Ref.Version, UID: target.UID},
		MustBeGone: &ref, Drops: true, Final: true, Why: why, Doubtful: absent.Doubt == Predeceased,
	})
}

// resurrect creates again, as a new incarnation, what one side deleted and the
// other changed: the change was made by somebody who wants the item. A deletion
// in the mailbox that would not have travelled takes nothing from anybody, so
// the item does not come back to the one who deleted it.
func (b *builder) resurrect(p Pair, side model.Side) {
	if side == model.Mail && !b.travels(p) {
		b.change(p, Change{State: Kept, Reason: ReasonMailGone, DropMail: true})
		return
	}
	absent := p.Mail
	if side == model.CRM {
		absent = p.CRM
	}
	ref := absent.Ref
	p.Incarnation++
	before := len(b.out.Writes)
	if side == model.CRM {
		p.CRM = nil
		b.toCRM(p)
	} else {
		p.Mail = nil
		b.toMail(p)
	}
	for i := before; i < len(b.out.Writes); i++ {
		b.out.Writes[i].MustBeGone = &ref
		b.out.Writes[i].Why = "deleted on one side and changed on the other: created again"
	}
}

// held is what a side holds, from its base where its content did not change and
// was therefore not loaded.
func held(s *Seen, b *Base) model.Content {
	if s.Content == nil && b != nil {
		return b.Content
	}
	return s.Content
}
