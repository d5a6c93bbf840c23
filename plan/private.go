package plan

import "lockstep.dev/model"

// Private items (requirement B16). What the policy withholds never flows: not
// into the CRM, not into a mailbox, not into our store. Only a block of time
// may go to the CRM, and nothing comes back from there.

// Why private items are as they are, besides ReasonPrivate.
const (
	ReasonBusy      = "private: the CRM has a block of time and nothing else"
	ReasonBlockGone = "private: its block of time was deleted in the CRM; the item stays in the mailbox"
	ReasonWithdrawn = "private: it was withdrawn from the CRM"
	ReasonCopyStays = "private: its organizer withdrew it from the CRM; this copy stays in the mailbox"
)

// secret reports whether the policy withholds an item.
func (b *builder) secret(s *Seen) bool {
	return b.in.Policy.Private != model.PrivateFull && s != nil && (s.Reduced || model.Private(s.Content))
}

// blocked reports whether an item of the mailbox is held as a block of time.
func (b *builder) blocked(s *Seen) bool {
	return b.in.Policy.Private == model.PrivateBusy && s != nil && s.Ref.Side == model.Mail && s.Reduced &&
		(s.Content == nil || IsBlock(s.Content))
}

func (b *builder) withheld(p Pair) bool { return b.secret(p.CRM) || b.secret(p.Mail) }

// private answers a pair of which one side is withheld.
func (b *builder) private(p Pair) {
	switch {
	case b.resting(p):
		b.retract(p)
		b.change(p, Change{State: p.State, Reason: p.Reason})
	case !b.secret(p.Mail):
		b.skipPrivate(p)
	case p.CRMIntent != nil && IsBlock(p.CRMIntent.Content) && b.blocked(p.Mail):
		b.unanswered(p)
	case b.owesWithdrawal(p):
		b.withdraw(p)
	case b.blocked(p.Mail) && (p.CRM == nil || p.CRM.Gone && p.State == Withdrawn):
		p.CRM = nil
		b.retract(p)
		b.toCRM(p)
	case b.blocked(p.Mail) && p.CRMBase != nil:
		b.keepBlock(p)
	case gone(p.Mail) && p.Mail.Settled && (p.CRM == nil || p.CRM.Gone):
		b.retract(p)
		b.change(p, Change{State: Tombstone, DropCRM: p.CRM != nil, DropMail: true})
	default:
		b.skipPrivate(p)
	}
}

func (b *builder) retract(p Pair) { b.out.Retracts = append(b.out.Retracts, p.Entity) }

func (b *builder) skipPrivate(p Pair) {
	b.retract(p)
	state, reason := Skipped, ReasonPrivate
	if p.State == Withdrawn && b.secret(p.Mail) {
		state, reason = Withdrawn, ReasonWithdrawn
	}
	b.change(p, Change{State: state, Reason: reason, Pending: gone(p.Mail) && !p.Mail.Settled})
}

// owesWithdrawal reports whether the CRM has, or may have, something of a
// private item that was synced: both sides agreed once and not on a block of
// time, or a create was begun whose outcome nobody knows. A record that came
// back after its withdrawal, as from a backup, is owed too.
func (b *builder) owesWithdrawal(p Pair) bool {
	there := p.CRM != nil && !p.CRM.Gone
	switch {
	case p.CRMIntent != nil:
		return true
	case p.State == Withdrawn:
		return there
	case p.CRMBase == nil || p.CRM == nil:
		return false
	default:
		return !b.blocked(p.Mail) || p.MailBase == nil || p.MailBase.Key != p.Mail.Key && !IsBlock(p.MailBase.Content)
	}
}

// withdraw takes what was synced of a private item out of the CRM again: the
// record, where that is this mailbox's to delete; otherwise this mailbox's
// contribution to it, the answer to the invitation. The deletion is nobody's
// else business: attendees are told nothing.
func (b *builder) withdraw(p Pair) {
	switch {
	case p.CRM == nil || p.CRM.Gone:
		b.retract(p)
		b.change(p, Change{State: Withdrawn, Reason: ReasonWithdrawn, DropCRM: p.CRM != nil, Pending: b.blocked(p.Mail)})
	case p.CRM.Left || !p.Lead && !p.Sole:
		b.withdrawAnswer(p)
	case !b.in.Initialized: // nothing is deleted before the first sync
		b.retract(p)
		b.change(p, Change{State: Withdrawn, Reason: ReasonWithdrawn, Pending: true})
	default:
		b.write(p, Write{
			Op:    model.Operation{Action: model.Delete, Ref: p.CRM.Ref, Expect: p.CRM.Ref.Version},
			Final: true, Withdraws: true, Why: "turned private in the mailbox",
		})
	}
}

// withdrawAnswer takes this mailbox's answer to an invitation out of a record
// that stays.
func (b *builder) withdrawAnswer(p Pair) {
	if p.Kind == model.Event && !p.CRM.Left && p.CRM.Trouble == "" && !b.secret(p.CRM) {
		own := []model.Element{{Key: b.in.Address}} // no answer
		for _, address := range b.in.Former {
			own = append(own, model.Element{Key: address})
		}
		target := p.CRM.Content.Clone()
		target.PutSet("attendees", b.answer(p.CRM.Content.Set("attendees"), own))
		if w := b.update(p, p.CRM, target); w != nil {
			w.Final, w.Withdraws, w.Why = true, true, "turned private in the mailbox: the answer is withdrawn"
			b.write(p, *w)
			return
		}
	}
	b.retract(p)
	b.change(p, Change{State: Skipped, Reason: ReasonPrivate})
}

// keepBlock keeps a block of time in the CRM as its appointment is. What
// somebody changes about it in the CRM is put back, so that the CRM does not
// show a time that is not taken; a block that is deleted there stays deleted,
// and neither ever touches the private appointment.
func (b *builder) keepBlock(p Pair) {
	c, m := b.classes(p)
	switch table[c][m] {
	case merging:
		target := p.CRM.Content.Clone()
		for _, f := range b.in.Fields[p.Kind] {
			target.Put(f, p.Mail.Content[f])
		}
		w := b.update(p, p.CRM, target)
		if w == nil {
			b.agree(p)
			return
		}
		w.OtherKey, w.Final, w.Why = p.Mail.Key, true, "the private appointment says when it is"
		b.write(p, *w)
	case resurrectMail: // deleted in the mailbox, whatever the CRM says
		b.deleteCRM(p)
	case deleteMail:
		b.change(p, Change{State: Kept, Reason: ReasonBlockGone, DropCRM: true})
	default:
		b.act(p, c, m)
	}
}
