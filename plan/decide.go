package plan

import "lockstep.dev/model"

// class is where one side stands relative to the base (algorithm 1.4).
type class int

const (
	unmapped  class = iota // N: not mapped here yet
	unchanged              // U
	modified               // M
	deleted                // D: absent and proven
	ageing                 // A: absent, not proven yet
	stale                  // S: came back from a backup with old values
	lost                   // absent since a restore: the backup may be older than the item
	broken                 // X: cannot be read
	left                   // left scope or window: never a deletion
)

// action is what the decision table answers.
type action int

const (
	nothing action = iota
	refresh        // both agree: remember the versions
	merging        // merge the fields and write what differs; old values are none
	createCRM
	createMail
	deleteCRM
	deleteMail
	resurrectCRM
	resurrectMail
	bringBackCRM // what a restore took away
	bringBackMail
	apart // a deleted item came back with a backup: told, never copied, never deleted
	drop
	wait
	setAside
	unlink
)

// table is the decision table of algorithm 1.4: table[crm][mail]. It is total,
// and swapping the sides transposes it; a test holds both.
var table = [9][9]action{
	unmapped: {
		unmapped: drop, unchanged: createCRM, modified: createCRM, deleted: drop,
		ageing: wait, stale: apart, lost: drop, broken: setAside, left: unlink,
	},
	unchanged: {
		unmapped: createMail, unchanged: refresh, modified: merging, deleted: deleteCRM,
		ageing: wait, stale: merging, lost: bringBackMail, broken: setAside, left: unlink,
	},
	modified: {
		unmapped: createMail, unchanged: merging, modified: merging, deleted: resurrectMail,
		ageing: wait, stale: merging, lost: bringBackMail, broken: setAside, left: unlink,
	},
	deleted: {
		unmapped: drop, unchanged: deleteMail, modified: resurrectCRM, deleted: drop,
		ageing: wait, stale: apart, lost: drop, broken: setAside, left: drop,
	},
	ageing: {
		unmapped: wait, unchanged: wait, modified: wait, deleted: wait,
		ageing: wait, stale: wait, lost: wait, broken: wait, left: wait,
	},
	stale: {
		unmapped: apart, unchanged: merging, modified: merging, deleted: apart,
		ageing: wait, stale: merging, lost: bringBackMail, broken: setAside, left: unlink,
	},
	lost: {
		unmapped: drop, unchanged: bringBackCRM, modified: bringBackCRM, deleted: drop,
		ageing: wait, stale: bringBackCRM, lost: drop, broken: setAside, left: unlink,
	},
	broken: {
		unmapped: setAside, unchanged: setAside, modified: setAside, deleted: setAside,
		ageing: wait, stale: setAside, lost: setAside, broken: setAside, left: unlink,
	},
	left: {
		unmapped: unlink, unchanged: unlink, modified: unlink, deleted: drop,
		ageing: wait, stale: unlink, lost: unlink, broken: unlink, left: unlink,
	},
}

// classOf places one side. old says whether it holds values of the past,
// changed whether content and base differ otherwise in a field that may flow;
// both are asked only where the keys differ.
func classOf(s *Seen, base *Base, old, changed func() bool) class {
	switch {
	case s == nil:
		return unmapped
	case s.Lost():
		return lost
	case s.Gone && s.Settled:
		return deleted
	case s.Gone:
		return ageing
	case s.Left:
		return left
	case s.Trouble != "":
		return broken
	case base != nil && base.Key == s.Key:
		return unchanged
	case base == nil || changed():
		return modified
	case old():
		return stale
	default:
		return unchanged
	}
}

// Lost reports whether an item is proven to be gone while a restore, of its
// system or of our own database, may be the reason: it is brought back from the
// other side and never deleted there.
func (s *Seen) Lost() bool {
	return s != nil && s.Gone && s.Settled && (s.Doubt == Restored || s.Doubt == Unwitnessed)
}

// decide answers one pair: exactly one change or at least one write.
func (b *builder) decide(p Pair) {
	if b.used(&p) {
		return
	}
	if b.withheld(p) {
		b.private(p)
		return
	}
	if b.resting(p) {
		b.change(p, Change{State: p.State, Reason: p.Reason})
		return
	}
	if b.suspected(p) || b.unanswered(p) || b.maybeMoved(p) {
		return
	}
	p = mistrust(p)
	c, m := b.classes(p)
	b.act(p, c, m)
}

// act carries out what the decision table says.
func (b *builder) act(p Pair, c, m class) {
	switch table[c][m] {
	case refresh:
		if len(p.Conflicts) > 0 {
			b.writeBoth(p)
			return
		}
		b.agree(p)
	case merging:
		b.writeBoth(p)
	case createCRM:
		b.toCRM(p)
	case createMail:
		b.toMail(p)
	case deleteCRM:
		b.deleteCRM(p)
	case deleteMail:
		b.deleteMail(p)
	case resurrectCRM:
		// What a participant changed in a copy does not bring back a record that
		// was deleted for everybody: that is the lead's to decide.
		if p.Lead {
			b.resurrect(p, model.CRM)
		} else {
			b.deleteMail(p)
		}
	case resurrectMail:
		b.resurrect(p, model.Mail)
	case bringBackCRM:
		b.bringBack(p, model.CRM)
	case bringBackMail:
		b.bringBack(p, model.Mail)
	case apart:
		b.change(p, Change{State: Returned, Reason: ReasonCameBack, DropCRM: gone(p.CRM), DropMail: gone(p.Mail)})
	case drop:
		b.change(p, Change{State: Tombstone, DropCRM: p.CRM != nil, DropMail: p.Mail != nil})
	case wait:
		b.change(p, Change{State: p.State, Reason: p.Reason, Pending: true})
	case setAside:
		b.unreadable(p)
	default:
		b.change(p, Change{State: Kept, Reason: ReasonLeft, DropMail: m == deleted, DropCRM: c == deleted})
	}
}

// classes places both sides.
func (b *builder) classes(p Pair) (crm, mail class) {
	fields := b.in.Fields[p.Kind]
	crm = classOf(p.CRM, p.CRMBase,
		func() bool { return len(outdated(fields, p.CRM, p.CRMBase)) > 0 || b.wrongWay(p, p.CRM) },
		func() bool { return b.differ(p.Kind, b.meant(p, p.CRM), p.CRMBase.Content) })
	mail = classOf(p.Mail, p.MailBase,
		func() bool { return len(outdated(fields, p.Mail, p.MailBase)) > 0 || b.wrongWay(p, p.Mail) },
		func() bool {
			return b.differ(p.Kind, b.flowing(p, b.meant(p, p.Mail), p.MailBase.Content), p.MailBase.Content)
		})
	return crm, mail
}

// resting reports whether a pair is left alone until a person or a change of
// scope says otherwise.
func (b *builder) resting(p Pair) bool {
	switch p.State {
	case Kept:
		if p.Reason == ReasonMailGone && p.Mail != nil && !p.Mail.Gone && !gone(p.CRM) {
			return false // it came back under its old id
		}
		return p.Reason != ReasonLeft || p.CRM == nil || p.CRM.Left
	case Review, Returned:
		return !gone(p.CRM) && !gone(p.Mail)
	default:
		return false
	}
}

func gone(s *Seen) bool { return s != nil && s.Gone }
