package plan

// Rejoinable are the reasons for which a pair rests until a person has it
// rejoined. One that left what the mailbox may see, or whose private record is
// gone, comes back only by itself.
func Rejoinable() []string {
	return []string{ReasonUndone, ReasonRejected, ReasonStays, ReasonMailGone, ReasonCRMGone}
}

// Rejoined is a pair as it is once it is rejoined: what is gone is forgotten,
// nothing was agreed on yet, and what is created gets a key of its own.
func Rejoined(p Pair) Pair {
	p.State, p.Reason, p.CRMBase, p.MailBase, p.Conflicts = Unlinked, "", nil, nil, nil
	p.Incarnation++
	if gone(p.CRM) {
		p.CRM = nil
	}
	if gone(p.Mail) {
		p.Mail = nil
	}
	return p
}
