package store

import (
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// Why is the one reason for which an item is as it is (requirement B8).
type Why string

// The reasons, in the words that people read.
const (
	WhySynced    Why = "synced"
	WhyHeld      Why = "held"                          // a write of it waits for a person's approval
	WhySetAside  Why = "set aside"                     // one side refuses it or cannot read it
	WhyConflict  Why = "edit conflict"                 // both sides changed it, and a person was asked
	WhyReview    Why = "to be decided"                 // a person must say what it belongs to
	WhyPrivate   Why = "private"                       // private items are left alone or reduced
	WhyUntracked Why = "not tracked"                   // it lacks the policy's category
	WhyWindow    Why = "outside window"                // too old or too far away
	WhyDirection Why = "not synced in this direction"  // the policy syncs none that are new there
	WhyUnmatched Why = "no match"                      // the policy syncs only what the CRM has
	WhyLeft      Why = "left scope"                    // the mailbox may not see it any more
	WhyFiltered  Why = "filtered"                      // the connection's settings leave it out
	WhyNoHome    Why = "no collection"                 // the mailbox has none that takes it
	WhyReadOnly  Why = "read-only"                     // its collection takes no writes
	WhyLimit     Why = "over the limit"                // the policy's limit on the number of items
	WhyKept      Why = "unlinked and kept"             // deleted on one side, or given up by a person
	WhyReturned  Why = "returned item"                 // something else stands for the same thing
	WhyCreating  Why = "being created"                 // another mailbox creates the CRM's record
	WhyReading   Why = "waiting for the other side"    // it is read once more before anything is created
	WhyDeleting  Why = "waiting to confirm a deletion" // one side does not show it any more
	WhyPending   Why = "pending"                       // the next round looks at it
	WhyGone      Why = "gone"                          // deleted on both sides
)

// Write is one write that made an item what it is on one side.
type Write struct {
	Round  int64
	At     time.Time
	Side   model.Side // where it was written; the values came from the other one
	Action model.Action
	Fields []string // that it changed; none = all that there are
	Why    string   // one clause
}

// Answer is the one reason.
func (x Explanation) Answer() Why {
	switch {
	case x.Held != "":
		return WhyHeld
	case x.State == plan.SetAside || len(x.Issues) > 0 && x.State != plan.Skipped && x.State != plan.Kept:
		return WhySetAside
	case x.Question:
		return WhyConflict
	case x.State == plan.Linked:
		return x.linked()
	}
	if why, ok := reasons()[x.Reason]; ok {
		return why
	}
	switch x.State {
	case plan.Withdrawn:
		return WhyPrivate
	case plan.Waiting:
		return WhyCreating
	case plan.Review:
		return WhyReview
	case plan.Returned:
		return WhyReturned
	case plan.Tombstone:
		return WhyGone
	case plan.Kept, plan.Skipped:
		return WhyKept
	default: // known on one side, and not looked at yet
		return WhyPending
	}
}

// linked is the reason for what both sides agreed on once.
func (x Explanation) linked() Why {
	switch {
	case strings.HasPrefix(x.Reason, "private: "):
		return WhyPrivate
	case x.CRM == nil || x.Mail == nil:
		return WhyDeleting
	case x.Pending:
		return WhyPending
	default:
		return WhySynced
	}
}

// reasons are those that the plan gives.
func reasons() map[string]Why {
	return map[string]Why{
		plan.ReasonPrivate: WhyPrivate, plan.ReasonBusy: WhyPrivate, plan.ReasonBlockGone: WhyPrivate, plan.ReasonWithdrawn: WhyPrivate, plan.ReasonCopyStays: WhyPrivate,
		plan.ReasonUntracked: WhyUntracked, plan.ReasonWindow: WhyWindow, plan.ReasonDirection: WhyDirection, plan.ReasonFiltered: WhyFiltered, plan.ReasonUnmatched: WhyUnmatched,
		plan.ReasonLeft: WhyLeft, plan.ReasonNoHome: WhyNoHome, plan.ReasonReadOnly: WhyReadOnly,
		plan.ReasonMailGone: WhyKept, plan.ReasonCRMGone: WhyKept, plan.ReasonRejected: WhyKept, plan.ReasonUndone: WhyKept, plan.ReasonStays: WhyKept,
		plan.ReasonOtherCopy: WhyReturned, plan.ReasonOtherRecord: WhyReturned, plan.ReasonCameBack: WhyReturned,
		plan.ReasonUnanswered: WhyReading, plan.ReasonUnread: WhyReading, plan.ReasonCreating: WhyCreating, plan.ReasonCopied: WhyPending, plan.ReasonOneSided: WhyPending,
		plan.ReasonLostAnswer: WhyReview, plan.ReasonMade: WhyReview, plan.ReasonAmbiguous: WhyReview,
		plan.ReasonUnreadable: WhySetAside, plan.ReasonPingPong: WhySetAside,
	}
}
