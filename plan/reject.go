package plan

import "lockstep.dev/model"

// Reject settles a pair whose planned writes a person rejected: nothing is
// written, and the next round finds nothing to do. A deletion does not travel
// and the item is not created again; a new item stays where it is; of a change,
// each side keeps what it has.
func Reject(p Pair, writes []Write) Change {
	out := Change{Entity: p.Entity, Kind: p.Kind, Incarnation: p.Incarnation}
	for _, w := range writes {
		switch {
		case w.Drops:
			out.State, out.Reason = Kept, ReasonStays
		case w.Op.Action == model.Create:
			out.State, out.Reason = Kept, ReasonRejected
		}
	}
	if out.State == Kept {
		out.DropCRM, out.DropMail = gone(p.CRM), gone(p.Mail)
		return out
	}
	crm, mail := p.CRM.Key, p.Mail.Key
	out.State, out.CRMKey, out.MailKey = Linked, &crm, &mail
	return out
}
