// Package plan is the pure core: it decides what has to be written so that two
// sides agree. Build is total and deterministic: no I/O, no clock, no maps
// whose order matters; trouble becomes an issue of the plan.
//
// The rules are those of the decision table in decide.go and the field merge in
// merge.go; identity is decided before, in match.go.
package plan

import (
	"time"

	"lockstep.dev/model"
)

// State is where a link stands.
type State string

// The states of a link.
const (
	Unlinked  State = ""          // known on one side only, or both sides just matched
	Linked    State = "linked"    // both sides agreed on a base
	Waiting   State = "waiting"   // another mailbox is creating the CRM record
	Skipped   State = "skipped"   // not synced; Reason says why
	Kept      State = "kept"      // unlinked on purpose; skipped until somebody relinks it
	Review    State = "review"    // ambiguous match: a person must decide
	SetAside  State = "set aside" // one side refuses it or cannot read it
	Returned  State = "returned"  // an id came back whose entity is represented already
	Copied    State = "copied"    // a user's copy of an item that is synced; on its way to be one of its own
	Withdrawn State = "withdrawn" // turned private after it was synced; nothing of it stays in the CRM
	Tombstone State = "gone"      // both sides are gone
)

// Seen is what is known of an item on one side. A nil *Seen means that the item
// is not mapped there.
type Seen struct {
	Ref     model.Ref
	UID     string
	Content model.Content // nil while Key equals the base's key: not loaded
	Key     string        // identifies Content; equal keys need no comparison
	Raw     string        // identifies the provider's bytes; "" = none
	Stamp   model.Key
	Gone    bool // no longer there
	Settled bool // Gone has been proven: it aged long enough
	Left    bool // left scope, window or our rights: never a deletion
	Trouble string
	// Reduced: the item is private, and Content is all that may be held of it.
	Reduced bool
	// ReadOnly: the collection takes no writes.
	ReadOnly bool
	Modified time.Time
	Since    time.Time // when it was first read; zero = long ago
	// Doubt says what a restore from a backup makes uncertain about it.
	Doubt Doubt
	// Past are the fields whose value this entity had before and has no longer:
	// where the item is in doubt, nobody edited those.
	Past []string
}

// Doubt is what a restore from a backup makes uncertain about an item.
type Doubt int

// The doubts. They last until both sides of the pair agree again.
const (
	Certain Doubt = iota
	// Restored: it came back with the backup of its system and may hold old
	// values; where it is gone, the backup may be older than it is.
	Restored
	// Predeceased: it is gone, and was so before the backup was made. The
	// deletion is believed, but a person confirms it.
	Predeceased
	// Unwitnessed: it changed or went while our own database was restored to a
	// time before; what both sides agreed on since is not known any more.
	Unwitnessed
)

// Base is the content a side was last known to hold when both sides agreed.
type Base struct {
	Content model.Content
	Key     string
}

// Pair is one entity as one mailbox sees it: the input of a decision.
type Pair struct {
	Entity      model.EntityID
	Kind        model.Kind
	State       State
	Reason      string // why it is Skipped, Kept...
	Incarnation int
	CRM, Mail   *Seen
	CRMBase     *Base // nil = the sides never agreed
	MailBase    *Base
	Lead        bool // this mailbox may change or delete the shared CRM record
	Sole        bool // nobody but this mailbox's user takes part in the CRM record
	// Claimed: another live mailbox won the claim to create the CRM record.
	Claimed bool
	// Creator is the CRM user who becomes owner of a new CRM record.
	Creator string
	// Intents that are open for this pair: creates whose outcome is unknown,
	// found neither by listing nor by key; they are sent again unchanged.
	CRMIntent, MailIntent *Intent
	// Suspicion: one of its items may be what the create of another pair made.
	Suspicion Suspicion
	// Conflicts are those that wait for an answer or were answered. A pair that
	// has one comes with its contents.
	Conflicts []OpenConflict
}

// Input is everything Build looks at.
type Input struct {
	Pairs       []Pair // any order; Build sorts by entity
	Policy      model.Policy
	Address     string   // the mailbox's own address, folded
	Former      []string // addresses that were its own before, folded; people still invite them
	CRMUser     string
	Mailbox     model.MailboxID
	Now         time.Time
	Initialized bool // the first sync has been applied: deletes are allowed
	Fields      map[model.Kind][]string
	// Read is the time whose state of a side is known for certain: when its
	// latest complete read began, less the lag of its reads.
	Read map[model.Side]map[model.Kind]time.Time
	// Lag is how long a write may stay invisible to reads of a side.
	Lag map[model.Side]map[model.Kind]time.Duration
	// Snapshot: a full pass is under way, and this is what it may write.
	Snapshot *Snapshot
	// Primary is the collection in which new items are created, per side and kind.
	Primary map[model.Side]map[model.Kind]string
}

// Write is one planned operation with what settles the link once it is done.
type Write struct {
	Entity model.EntityID
	Kind   model.Kind
	Side   model.Side
	Op     model.Operation
	// OtherKey identifies the content of the other side that this write was
	// planned against; it becomes that side's base when Final is done.
	OtherKey string
	// Final: when this write is done, the pair agrees and both bases are set.
	Final bool
	// MustBeGone is an item whose absence is checked again right before the
	// write, for deletes and resurrections (algorithm 1.7).
	MustBeGone *model.Ref
	// Drops: the link is gone when this write is done.
	Drops bool
	// Withdraws: the item turned private (requirement B16). The store gives up
	// what it holds of it before this is written and once more when it is done.
	Withdraws bool
	Why       string // one clause for people: "the appointment was moved in the mailbox"
	// Settles are the conflicts that end when this write is done.
	Settles []Settled `json:",omitempty"`
	// Restores: an undo. When it is done, what the side holds becomes its base;
	// the other side's base stays.
	Restores bool
	// Left: nothing is written, the item is only listed; Why says why.
	Left bool
	// First: the sides never agreed before; an update completes what matched.
	First bool
	// PutBack: it undoes what a restored backup took back.
	PutBack bool
	// Doubtful: a deletion that only a restored backup tells; it waits for
	// approval, whatever the brakes say.
	Doubtful bool
	// Echo: a create of what the side holds already, or held until lately.
	Echo bool
	// Confirmed: a deletion that a person let go for all mailboxes of a
	// connection; no brake holds it.
	Confirmed bool `json:",omitempty"`
	// Held names the brake that holds this write, "" = none.
	Held string
	// Audience: whom the write could send mail to; nil = nobody.
	Audience *Audience `json:",omitempty"`
}

// Change settles a link without a write to either system.
type Change struct {
	Entity      model.EntityID
	Kind        model.Kind
	State       State
	Reason      string
	Incarnation int
	CRMKey      *string // new bases; nil = unchanged, "" = none
	MailKey     *string
	DropCRM     bool      // forget the CRM observation (it is gone)
	DropMail    bool      // forget the mail observation (it is gone)
	Recheck     time.Time // when the answer may change by itself; zero = never
	// Pending: the pair must be looked at again next round.
	Pending bool
	// Question is what a person must decide about it, "" = nothing. Its items are
	// put to that person, and no create of it is tried again before.
	Question string
}

// EditConflict is a field that both sides changed; the loser's value is kept.
type EditConflict struct {
	Entity model.EntityID
	Kind   model.Kind
	Field  string
	Winner model.Side    // "" = nobody yet: a person is asked
	Loser  model.Content // what lost, by field: of a series several at once
	// Resolution is what a person chose, where one did; "" = nobody has.
	Resolution string
}

// OpenConflict is an edit conflict of a pair that asks something of the plan: a
// question to a person (Winner is empty, both sides keep their own), or what a
// person chose.
type OpenConflict struct {
	ID     string
	Field  string
	Winner model.Side
	Loser  model.Content // of a question what the mailbox held
	Take   string        // TakeCRM, TakeMail or TakeLoser; "" = nobody has chosen yet
}

// What a person can choose.
const (
	TakeCRM   = "crm"
	TakeMail  = "mail"
	TakeLoser = "loser"
)

// Settled says how a conflict ended.
type Settled struct {
	ID  string
	How string // TakeCRM, TakeMail, TakeLoser, "equal", "later edit" or "policy"
}

// Issue is an item that cannot be synced.
type Issue struct {
	Entity model.EntityID
	Kind   model.Kind
	Side   model.Side
	Item   string
	Code   string // of the catalogue
	Detail string // fills the message's placeholder of that name; no content
	// Message and Needs are the catalogue's: what happened and who has to act
	// ("needs user"). Diff fills them in.
	Message, Needs string
}

// Plan is the ordered outcome of Build.
type Plan struct {
	Writes    []Write
	Changes   []Change
	Conflicts []EditConflict
	Issues    []Issue
	Settled   []Settled // conflicts that ended without a write
	// Retracts are private entities of which the store gives up everything.
	Retracts []model.EntityID
}
