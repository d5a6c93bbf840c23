package plan

import "lockstep.dev/model"

// maybeMoved reports whether it is too early to say that an item with another
// one's mark is a copy: the mailbox was not read completely since it turned up,
// so the other one may be gone, and this is what it was moved to (algorithm 1.7).
func (b *builder) maybeMoved(p Pair) bool {
	if p.State != Copied || gone(p.Mail) || p.Mail == nil || KeyEntity(p.Mail.Stamp) == p.Entity {
		return false
	}
	read, ok := b.in.Read[p.Mail.Ref.Side][p.Kind]
	if !ok || p.Mail.Since.Before(read) {
		return false
	}
	again := p.Mail.Since.Add(b.in.Lag[p.Mail.Ref.Side][p.Kind])
	if again.Before(b.in.Now) {
		again = b.in.Now
	}
	b.change(p, Change{State: Copied, Reason: ReasonCopied, Recheck: again})
	return true
}

// restamp marks a user's copy as an entity of its own before it is created in
// the CRM; otherwise it would be taken for the original as soon as that is
// deleted. In a collection that takes no writes it stays what it is.
func (b *builder) restamp(p Pair) bool {
	if e := KeyEntity(p.Mail.Stamp); e == "" || e == p.Entity {
		return false
	}
	if p.Mail.ReadOnly {
		b.change(p, Change{State: Returned, Reason: ReasonOtherCopy})
		return true
	}
	b.write(p, Write{
		Why: "copied in the mailbox: it is marked as an item of its own",
		Op:  model.Operation{Action: model.Stamp, Ref: p.Mail.Ref, Expect: p.Mail.Ref.Version, Key: CopyKey(p.Entity), UID: p.Mail.UID},
	})
	return true
}
