package plan

import (
	"fmt"
	"sort"

	"lockstep.dev/model"
)

// Reasons that later decisions look at again.
const (
	ReasonPrivate     = "private: the policy leaves private items alone"
	ReasonUntracked   = "not tracked: it does not carry the policy's category"
	ReasonWindow      = "outside the policy's window"
	ReasonDirection   = "the policy does not sync new items of this kind in this direction"
	ReasonUnmatched   = "the policy syncs only items that match a CRM record"
	ReasonFiltered    = "a filter of the policy leaves it out"
	ReasonLeft        = "it left what this mailbox may see; kept"
	ReasonNoHome      = "the mailbox has no writable collection for this kind"
	ReasonReadOnly    = "its collection in the mailbox is read-only"
	ReasonMailGone    = "deleted in the mailbox; kept in the CRM as the policy says"
	ReasonCRMGone     = "deleted in the CRM; kept in the mailbox as the policy says"
	ReasonOtherCopy   = "another item in this mailbox stands for the same thing already"
	ReasonCopied      = "a copy of an item that is synced; it becomes one of its own"
	ReasonOtherRecord = "another record in the CRM stands for the same thing already"
	ReasonUnanswered  = "a create was not answered; what is there is read before it is tried again"
	ReasonLostAnswer  = "creating it was not answered, and the system cannot say whether it was done"
	ReasonMade        = "it may be what Lockstep made when it got no answer; a person must say whether it is"
	ReasonAmbiguous   = "several items could be the same; a person must decide"
	ReasonUnread      = "too new: the other side is read once more before it is created there"
	ReasonCreating    = "another mailbox is creating the CRM record"
	ReasonUnreadable  = "it cannot be read"
	ReasonRejected    = "a person decided that it is not created on the other side"
	ReasonPingPong    = "something else keeps changing this item back"
	ReasonUndone      = "a round that wrote it on the other side was undone"
	ReasonStays       = "a person decided that its deletion does not travel"
	ReasonCameBack    = "it had been deleted and came back when its system was restored from a backup"
)

// Rejoin recognises strangers whose entity is known: by an id seen before, by
// our stamp, or because their CRM record stands for an entity already
// (algorithm 1.7). One that takes an empty place is joined; one whose place is
// taken is a returned item, and is reported, never copied; unless a user copied
// it in the mailbox: that copy becomes a thing of its own.
func Rejoin(strangers []Stranger) []Join {
	var joins []Join
	for _, s := range strangers {
		if s.Entity == "" || s.Gone {
			continue
		}
		switch {
		case s.Occupied && s.Copied:
			j := s.join(s.Self)
			j.State, j.Reason = Copied, ReasonCopied
			joins = append(joins, j)
		case s.Occupied:
			j := s.join(NewEntity("copy", string(s.Side), string(s.Kind), s.Item))
			j.State, j.Reason = Returned, ReasonOtherCopy
			if s.Side == model.CRM {
				j.Reason = ReasonOtherRecord
			}
			joins = append(joins, j)
		case s.Partner:
			joins = append(joins, s.join(s.Entity))
		case s.CameBack:
			j := s.join(NewEntity("back", string(s.Side), string(s.Kind), s.Item))
			j.State, j.Reason = Returned, ReasonCameBack
			joins = append(joins, j)
		}
	}
	return joins
}

func (s Stranger) join(e model.EntityID) Join {
	j := Join{Entity: e, Kind: s.Kind}
	if s.Side == model.CRM {
		j.CRM = s.Item
	} else {
		j.Mail = s.Item
	}
	return j
}

// Match pairs strangers of the two sides by one step's key, one to one only.
// Where a key fits several, none is linked and nothing is created: the group
// goes to the review list. The strangers must include every present, unlinked
// item with one of the keys.
func Match(by MatchBy, connection model.ConnectionID, strangers []Stranger) []Join {
	var joins []Join
	for _, g := range group(by, strangers) {
		switch {
		case len(g.crm) == 1 && len(g.mail) == 1:
			joins = append(joins, pairUp(connection, g.crm[0], g.mail[0]))
		case by == ByUID && len(g.crm) > 1 && len(g.mail) == 0:
			joins = append(joins, twins(g.crm[1:])...)
		case by != ByContent && len(g.crm) > 0 && len(g.mail) > 0:
			joins = append(joins, review(g)...)
		}
	}
	return joins
}

// twins sets records of the CRM apart that have the UID of another one: the
// mailbox is given one of them.
func twins(records []Stranger) []Join {
	var out []Join
	for _, s := range records {
		j := s.join(NewEntity("copy", string(s.Side), string(s.Kind), s.Item))
		j.State, j.Reason = Returned, ReasonOtherRecord
		out = append(out, j)
	}
	return out
}

type keyed struct {
	key       string
	crm, mail []Stranger
}

// group sorts strangers into groups of equal kind and key, in a stable order.
func group(by MatchBy, strangers []Stranger) []keyed {
	index := map[string]int{}
	var groups []keyed
	for _, s := range strangers {
		key := s.Key(by)
		if key == "" || s.Gone {
			continue
		}
		key = string(s.Kind) + "\x00" + key
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, keyed{key: key})
		}
		if s.Side == model.CRM {
			groups[i].crm = append(groups[i].crm, s)
		} else {
			groups[i].mail = append(groups[i].mail, s)
		}
	}
	sort.Slice(groups, func(i, j int) bool { return groups[i].key < groups[j].key })
	return groups
}

// Key returns the stranger's key for a step, "" if it has none.
func (s Stranger) Key(by MatchBy) string {
	switch by {
	case ByKey:
		if s.Entity != "" {
			return string(s.Entity)
		}
		return string(s.Self)
	case ByUID:
		return s.UID
	case ByContent:
		return s.Content
	default:
		return s.Natural
	}
}

func pairUp(connection model.ConnectionID, crm, mail Stranger) Join {
	e := crm.Entity
	if e == "" {
		e = CRMEntity(connection, crm.Kind, crm.Item)
	}
	return Join{Entity: e, Kind: crm.Kind, CRM: crm.Item, Mail: mail.Item}
}

// CRMEntity is the id of an entity first known by its CRM record.
func CRMEntity(c model.ConnectionID, k model.Kind, item string) model.EntityID {
	return NewEntity("crm", string(c), string(k), item)
}

// MailEntity is the id of an entity first known by an item in a mailbox.
func MailEntity(m model.MailboxID, k model.Kind, item string) model.EntityID {
	return NewEntity("mail", string(m), string(k), item)
}

// Global is the key by which all mailboxes know one thing, so that only one of
// them creates its CRM record: an event's UID (design decision 4). Contacts and
// tasks are each mailbox's own, but one mailbox may show one of them twice: while
// it is moved under a new id.
func Global(m model.MailboxID, k model.Kind, uid, item string) string {
	switch {
	case uid == "":
		return "item:" + string(m) + ":" + item
	case k == model.Event:
		return "uid:" + uid
	default:
		return "own:" + string(m) + ":" + uid
	}
}

// GlobalOf is the global key of an item in a mailbox. A block of time is that
// mailbox's own, whoever else has the private appointment.
func GlobalOf(m model.MailboxID, s Seen) string { return Global(m, s.Ref.Kind, uidFor(&s), s.Ref.ID) }

// GlobalOfLost is the key by which all mailboxes know a record of the CRM that a
// restore took away: a meeting by its UID, since one that our own database forgot
// has no link to know it by.
func GlobalOfLost(e model.EntityID, s Seen) string {
	if uid := uidFor(&s); s.Ref.Kind == model.Event && uid != "" {
		return Global("", model.Event, uid, "")
	}
	return "lost:" + string(e)
}

func review(g keyed) []Join {
	reason := fmt.Sprintf("%s: %d in the CRM, %d in the mailbox", ReasonAmbiguous, len(g.crm), len(g.mail))
	question := "same-" + string(NewEntity("question", g.key))[1:13]
	var out []Join
	for _, s := range append(append([]Stranger(nil), g.crm...), g.mail...) {
		j := s.join(NewEntity("review", string(s.Side), string(s.Kind), s.Item))
		j.State, j.Reason, j.Question = Review, reason, question
		out = append(out, j)
	}
	return out
}
