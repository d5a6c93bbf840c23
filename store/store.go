// Package store is the contract of Lockstep's own database: the truth about
// mailboxes, what was seen on both sides, what they last agreed on, and what is
// about to be written. Temporal's data can be lost; this cannot.
//
// Laws (storetest holds them): every method is one transaction, or none where
// it only reads; none spans a remote call; work is set-based, a fixed number of
// statements per call or per chunk, never one per item; results are slices in a
// stable order; a missing row is ErrNotFound; a lost race is ErrStale.
package store

import (
	"context"
	"errors"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// Errors of the contract.
var (
	// ErrNotFound says that no such row exists.
	ErrNotFound = errors.New("not found")
	// ErrStale says that somebody else was faster: a cursor moved, a lease was
	// taken over. Nothing was written.
	ErrStale = errors.New("overtaken by another writer")
	// ErrRestored says that what was read is older than what is known: the system
	// was restored from a backup. Nothing was written.
	ErrRestored = errors.New("restored from a backup")
	// ErrExists says that a name or address is taken.
	ErrExists = errors.New("exists already")
)

// Store is everything the parts of Lockstep ask of the database.
type Store interface {
	Registry
	Requests
	Fetching
	Alerting
	Outages
	Telling
	Proving
	Issuing
	Marking
	Planning
	Deciding
	Guarding
	Applying
	Restoring
	Auditing
	Reviewing
	Ledger
	Reading
	Surveying
	Privacy
	Filtering
	Moving
	Snapshotting
	Upkeep
	Counting
	Logging
	Inspecting
	Enabling
	Enrolling
	Close() error
}

// Registry holds connections, policies and mailboxes.
type Registry interface {
	// Installation returns this installation's id, made at the first start.
	Installation(ctx context.Context) (string, error)

	Connections(ctx context.Context) ([]model.Connection, error)
	Connection(ctx context.Context, id model.ConnectionID) (model.Connection, error)
	ConnectionNamed(ctx context.Context, name string) (model.Connection, error)
	// SaveConnection inserts (an empty ID is given one) or updates by ID. One that
	// is down is probed at once, also where its fault was permanent: something
	// about it was changed.
	// ErrExists: the name is another connection's.
	SaveConnection(ctx context.Context, c model.Connection) (model.Connection, error)

	Policies(ctx context.Context) ([]model.Policy, error)
	// Policy returns the completed policy. "default" always exists.
	Policy(ctx context.Context, name string) (model.Policy, error)
	SavePolicy(ctx context.Context, p model.Policy) error

	Mailboxes(ctx context.Context, f MailboxFilter) ([]model.Mailbox, error)
	Mailbox(ctx context.Context, id model.MailboxID) (model.Mailbox, error)
	// MailboxNamed finds a live or retired mailbox by its address (folded) or
	// its id.
	MailboxNamed(ctx context.Context, name string) (model.Mailbox, error)
	// Register adds a mailbox together with the registration of its CRM user.
	// A user registered for a mailbox with the same address or the same
	// immutable identity revives that one, links and cursors kept (B6). Any
	// other registration is a *Conflict: only its settings are
	// kept, as a mailbox in that state, which is returned with the error and
	// takes part in nothing until Move ends the conflict. What the CRM feed
	// already knows of the user becomes pending.
	Register(ctx context.Context, m model.Mailbox) (model.Mailbox, error)
	// Former lists the addresses, folded, that a mailbox had before. One that is
	// another mailbox's by now is left out.
	Former(ctx context.Context, id model.MailboxID) ([]string, error)
	// SaveMailbox updates policy, sign-in, identity and address only.
	SaveMailbox(ctx context.Context, m model.Mailbox) error
	// AssignPolicy gives mailboxes a policy; what the one before skipped is looked
	// at again. ErrNotFound: there is no such policy, or no such mailbox.
	AssignPolicy(ctx context.Context, ids []model.MailboxID, policy string) error
	// SetMailboxState moves a mailbox through its life.
	SetMailboxState(ctx context.Context, id model.MailboxID, s model.MailboxState, reason string) error
	// Forget deletes a retired mailbox with everything known of it, its
	// registration included, and every content that nothing else refers to.
	Forget(ctx context.Context, id model.MailboxID) error
}

// Conflict says that a CRM user id belongs to another mailbox (requirement R-02).
type Conflict struct {
	CRMUser string
	Mailbox model.MailboxID // that the user is registered for
	Address string          // its address
}

// Error is R-02, verbatim.
func (c *Conflict) Error() string { return c.Fault().Message }

// Fault is the conflict as people meet it.
func (c *Conflict) Fault() *fault.Fault {
	return issue.Fault("engine.crm-id-conflict", "CRM user", c.CRMUser)
}

// MailboxFilter narrows a list of mailboxes; zero fields do not.
type MailboxFilter struct {
	State      model.MailboxState
	Connection model.ConnectionID // either side
	Policy     string
}

// Fetching is what Fetch and Feed need. For the CRM side the mailbox is empty.
type Fetching interface {
	// Due tells in one query what a mailbox has to do.
	Due(ctx context.Context, id model.MailboxID, now time.Time) (Due, error)
	Collections(ctx context.Context, c model.ConnectionID, m model.MailboxID) ([]Collection, error)
	// SaveCollections adds and updates discovered collections. One that is no
	// longer named is marked missing and keeps its items: never a deletion.
	SaveCollections(ctx context.Context, c model.ConnectionID, m model.MailboxID, found []model.Collection, now time.Time) error
	// Unknown returns those refs whose version is not the one we hold.
	Unknown(ctx context.Context, c model.ConnectionID, m model.MailboxID, refs []model.Ref) ([]model.Ref, error)
	// SavePage commits a page and its cursor in one transaction. ErrRestored: an
	// item comes with an older revision than the one we hold.
	SavePage(ctx context.Context, in PageIn) (PageOut, error)
	// ResetCursors makes collections of the mailbox (or of the CRM connection)
	// list in full next time, all of them where none is named; nothing else is
	// forgotten.
	ResetCursors(ctx context.Context, c model.ConnectionID, m model.MailboxID, only ...model.Collection) error
	// FinishFetch ends a mailbox's fetch that began at the given time: round+1,
	// last success, next due time. It returns the new round.
	FinishFetch(ctx context.Context, id model.MailboxID, begun, now, next time.Time) (int64, error)
	// FinishPass ends a feed pass begun at the given time: pass+1. It reports
	// whether an absence on this connection still ages.
	FinishPass(ctx context.Context, c model.ConnectionID, begun time.Time) (pass int64, ageing bool, err error)
	// Doubted lists present items that a read, which may be older than our own
	// write of before that time, showed otherwise than we wrote them: they are to
	// be fetched. A page that names one, read later than our write, settles it.
	Doubted(ctx context.Context, c model.ConnectionID, m model.MailboxID, before time.Time) ([]model.Ref, error)
}

// Due is what a mailbox has to do.
type Due struct {
	Fresh  bool // something is pending that no plan has looked at
	Ageing bool // an absence ages, so rounds must follow quickly
	Held   bool // a plan waits for approval
	Open   bool // a plan was not carried out to its end, or a create's outcome is unknown
	Issues int  // open issues of the mailbox
	Marked int  // items in the mailbox that carry our categories
}

// Collection is a collection with its position.
type Collection struct {
	model.Collection
	Cursor   model.Cursor // "" = list in full
	Listing  bool         // a full listing has begun and not ended; Cursor resumes it
	Complete bool         // a full listing has ended at least once
	Missing  bool         // the system no longer names it
	Privacy  string       // what SetPrivacy last said; a page read under another is ErrStale
	Filter   string       // what SetFilter last said
	SeenAt   time.Time    // when it was last discovered
	Mark     HighWater    // as far as it had come when it was last as expected
	Restored bool         // it is being listed in full after a restore
}

// PageIn is one page to commit.
type PageIn struct {
	Connection model.ConnectionID
	Mailbox    model.MailboxID // empty on the CRM side
	Collection Collection      // as loaded: Cursor is the compare-and-swap value, else ErrStale
	Items      []model.Item    // hydrated
	Gone, Left []model.Ref
	// Listed are refs of a full listing whose version we hold already.
	Listed     []model.Ref
	Cursor     model.Cursor
	Full, Last bool
	// Mark is as far as the collection has come, asked for after the page was
	// read; nil = nobody asked.
	Mark *HighWater
	// ReadAt is when the page's read began. A row that Apply wrote later is
	// skipped, because the page may be older than what we know; if it names
	// another version than the one written, the row is doubted.
	ReadAt time.Time
	Now    time.Time
}

// PageOut is what a page brought.
type PageOut struct {
	Collection Collection // with the new cursor, for the next page
	Changed    int        // items that differ from what was known
	Absent     int        // items newly found absent
	// Foreign: an item came up that carries a key which only this installation
	// gives, and no intent knows it: this database was restored from a backup.
	Foreign bool
	// Woken are mailboxes that had nothing pending before and have now.
	Woken []model.MailboxID
}

// Planning is what Diff needs.
type Planning interface {
	// Lease takes the mailbox's lease if it is free, expired or already the
	// token's; otherwise ErrStale, and until says when it ends.
	Lease(ctx context.Context, id model.MailboxID, token string, now, ends time.Time) (until time.Time, err error)
	// DropLeases frees every lease: for the only worker, at its start.
	DropLeases(ctx context.Context) error
	// Release gives the lease back.
	Release(ctx context.Context, id model.MailboxID, token string) error
	// Advance raises the generation to at least the given one plus one, and
	// returns it.
	Advance(ctx context.Context, id model.MailboxID, atLeast int64) (int64, error)
	// DropPlan ends a plan that was not carried out to its end: what it did not
	// do becomes pending again.
	DropPlan(ctx context.Context, id model.MailboxID) error
	// Intents lists open intents of a mailbox.
	Intents(ctx context.Context, id model.MailboxID) ([]Intent, error)
	// Adopt records that an intent's item was found.
	Adopt(ctx context.Context, id model.MailboxID, found []Found, now time.Time) error

	// Strangers pages over pending items that have no link in this mailbox, or
	// one that joined them to nothing yet, both sides, ordered; after is the last Row of the page before.
	Strangers(ctx context.Context, id model.MailboxID, after string, limit int) ([]plan.Stranger, error)
	// Candidates returns every present item of either side that this mailbox
	// can see, has no link in it, and shares one of the keys.
	Candidates(ctx context.Context, id model.MailboxID, by plan.MatchBy, keys []string) ([]plan.Stranger, error)
	// Join records that two items (or one that was known before) are one
	// entity: entity, identities, link.
	Join(ctx context.Context, id model.MailboxID, joins []plan.Join) error

	// Pairs pages over what is pending, a pair once, ordered by Row. Contents
	// and bases are loaded where the keys differ or a side is new.
	Pairs(ctx context.Context, id model.MailboxID, after string, limit int) ([]Pair, error)
	// Claim claims the creation of CRM records; each answer names the winner.
	Claim(ctx context.Context, c model.ConnectionID, id model.MailboxID, claims []Claim) ([]Claim, error)
	// Owners resolves addresses to the CRM users of mailboxes on a connection.
	Owners(ctx context.Context, c model.ConnectionID, addresses []string) (map[string]string, error)
	// Census counts what the brakes look at.
	Census(ctx context.Context, id model.MailboxID, since time.Time) (plan.Census, error)
	// BeginPlan opens a new plan for the mailbox, replacing a held one.
	BeginPlan(ctx context.Context, p PlanRow) (string, error)
	// SaveChunk appends a chunk: links, changes, conflicts, issues, operations.
	// Private items are retracted as Privacy says.
	SaveChunk(ctx context.Context, id model.MailboxID, planID string, c Chunk) error
	// SealPlan closes a plan with its hash, counts and state. Ready: the
	// pending rows it looked at are consumed. Held and shown plans consume
	// nothing but what their changes settled.
	SealPlan(ctx context.Context, p PlanRow) error
}

// Intent is an open intent.
type Intent struct {
	plan.Created
	Entity model.EntityID
}

// Found is an item found by an intent's key.
type Found struct {
	Key  model.Key
	Side model.Side
	Item model.Item
}

// Pair is a pair with its place in the order.
type Pair struct {
	plan.Pair
	Row string
	// Marks identify the pending rows behind the pair as they were read; a row
	// that changed since is not consumed.
	Marks []Mark
}

// Mark identifies one pending row as it was read.
type Mark struct {
	Side model.Side
	Kind model.Kind
	Item string
	At   int64
}

// Claim is the claim to create one CRM record.
type Claim struct {
	Kind   model.Kind
	Global string         // global key; unique per connection and kind
	Entity model.EntityID // in: proposed; out: the winner's
	// Winner is the mailbox that holds the claim, if it is live; a retired
	// mailbox's claim passes on.
	Winner model.MailboxID
	// Occupied: in this mailbox another present item stands for the entity.
	Occupied bool
}

// PlanState is where a plan stands.
type PlanState string

// The states of a plan.
const (
	PlanOpen    PlanState = "open"    // being written
	PlanReady   PlanState = "ready"   // to be applied
	PlanHeld    PlanState = "held"    // the whole plan waits for approval
	PlanShown   PlanState = "shown"   // a dry run
	PlanDone    PlanState = "done"    // carried out
	PlanDropped PlanState = "dropped" // overtaken
)

// PlanRow describes a plan.
type PlanRow struct {
	ID      string
	Mailbox model.MailboxID
	Round   int64
	State   PlanState
	Hash    string // of every write, or of the held ones where only those wait
	Why     string // why it waits: the brake, the first sync; or what it is: an undo
	Request string // the request that it carries out, "" = none
	Counts  plan.Counts
	At      time.Time
}

// Chunk is a piece of a plan.
type Chunk struct {
	Pairs  []Pair // the pairs decided on, entities filled in
	Plan   plan.Plan
	From   int  // number of the first write
	Commit bool // links and changes are saved (not for a dry run)
	Now    time.Time
}

// Applying is what Apply and Settle need. Each method that writes checks the
// lease token: ErrStale.
type Applying interface {
	// Writes pages over the operations of a plan that are not done, by number:
	// CRM side first, then mail.
	Writes(ctx context.Context, planID string, side model.Side, after, limit int) ([]Planned, error)
	// Renew extends the lease.
	Renew(ctx context.Context, id model.MailboxID, token string, ends time.Time) error
	// Begin journals creates before they are attempted. It returns the keys that
	// were never begun before: nothing can exist under them yet.
	Begin(ctx context.Context, id model.MailboxID, token, planID string, creates []Planned, generation int64, now time.Time) (first []model.Key, err error)
	// Commit records a batch's receipts: operations, observations, links with
	// bases, intents, pending rows of other mailboxes; what is withdrawn is
	// retracted as Privacy says. It returns mailboxes to wake.
	Commit(ctx context.Context, id model.MailboxID, token, planID string, results []Result, now time.Time) ([]model.MailboxID, error)
	// Stamped lists the items of a mailbox that carry our key.
	Stamped(ctx context.Context, id model.MailboxID) ([]model.Ref, error)
	// FinishPlan ends an applied plan, marks the mailbox initialized where the
	// plan was its first sync, and writes the round's row.
	FinishPlan(ctx context.Context, id model.MailboxID, token, planID string, r Round) error
}

// Planned is a write with its place in the plan.
type Planned struct {
	plan.Write
	Number  int
	Verdict plan.Verdict // a person's word on it
	State   string       // planned, held, done, refused, unknown
	// Shows: a create: reads that begin from then on show what it makes.
	Shows time.Time
}

// Result is what became of a planned write.
type Result struct {
	Planned Planned
	Receipt model.Receipt
	// Code, Message and Evidence of a refusal, for the issue it becomes, and who
	// has to act.
	Code, Message, Evidence string
	Needs                   IssueState
	// Again: the pair is looked at again next round (a conflict, an unknown
	// outcome). Otherwise a refused item is set aside until it changes.
	Again bool
	// Recheck is when a refused item is tried again even if it does not change;
	// zero = never.
	Recheck time.Time
	// Tries is after how many refusals in a row it is no longer tried again by
	// itself; 0 = there is no end.
	Tries int
	// Used: the key of a create names something that was deleted or moved since;
	// the next attempt needs another (algorithm 1.6).
	Used bool
	// Forgot: the key of a create made something before, and this database does
	// not know of it: it was restored from a backup, which is declared with the
	// result. A used key is no news after a restore that was declared before:
	// what was made under it was looked for then.
	Forgot bool
}

// Round is the record of a round that did something.
type Round struct {
	Number  int64
	Started time.Time
	Ended   time.Time
	Counts  plan.Counts
	Done    int
	Refused int
	Note    string // "first sync", "held: ..."
}
