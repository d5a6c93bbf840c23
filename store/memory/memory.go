// Package memory is the reference store: the contract as plain Go over rows in
// memory. Model tests run millions of histories on it, and its code is the
// shortest account of what the contract means. Its tables are those of the
// schema; there are no indexes, a mutex makes every method one transaction, and
// an error undoes what the method did.
package memory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Store is a store that lives in memory.
type Store struct {
	mu sync.Mutex
	tables
	log    []func()
	author store.Author // of the transaction that runs
	made   int64        // ids and marks made so far; a restored database makes none twice
}

var _ store.Store = (*Store)(nil)

// tables is everything that a transaction can change.
type tables struct {
	connections   table[name, connection]
	policies      table[name, policy]
	mailboxes     table[name, mailbox]
	registrations table[userKey, model.MailboxID]
	requests      table[name, store.Request]
	collections   table[itemKey, collection]
	bodies        table[name, body]
	observations  table[itemKey, observation]
	access        table[itemKey, []model.Access] // CRM items: who takes part, by user
	pending       table[pendingKey, pending]
	links         table[linkKey, link]
	identities    table[itemKey, model.EntityID]
	claims        table[claimKey, claim]
	intents       table[intentKey, intent]
	plans         table[name, planRow]
	operations    table[writeKey, operation]
	conflicts     table[conflictKey, store.ConflictRow]
	issues        table[issueKey, issue]
	alerts        table[name, store.Alert]
	notices       table[name, notice]
	deliveries    table[name, model.Delivery]
	marks         table[pendingKey, store.ItemMark]
	rounds        table[roundKey, store.Round]
	audits        table[name, audit]
	history       table[valueKey, struct{}] // values that fields had before
	reviews       table[pendingKey, review]
	logbook       table[name, store.LogEntry]
	revisions     table[name, model.Policy]   // as they were saved, by name@number
	verdicts      table[itemKey, ruling]      // on what is gone on a connection
	snapshots     table[name, snapshot]       // by mailbox
	former        table[pendingKey, struct{}] // addresses that mailboxes had before, by mailbox and item
	restores      int                         // how often this database was declared restored
	probes        table[name, []store.Probe]  // by mailbox
	expiries      table[place, time.Time]     // of credentials
	members       table[memberKey, struct{}]
	rolls         table[rollKey, store.Roll]
}

func (t *tables) copy(log *[]func()) tables {
	return tables{
		connections: t.connections.copy(log), policies: t.policies.copy(log), mailboxes: t.mailboxes.copy(log),
		registrations: t.registrations.copy(log), requests: t.requests.copy(log), collections: t.collections.copy(log),
		bodies: t.bodies.copy(log), observations: t.observations.copy(log), access: t.access.copy(log),
		pending: t.pending.copy(log), links: t.links.copy(log), identities: t.identities.copy(log), claims: t.claims.copy(log),
		intents: t.intents.copy(log), plans: t.plans.copy(log), operations: t.operations.copy(log),
		conflicts: t.conflicts.copy(log), issues: t.issues.copy(log), alerts: t.alerts.copy(log), marks: t.marks.copy(log), rounds: t.rounds.copy(log),
		audits: t.audits.copy(log), history: t.history.copy(log),
		reviews: t.reviews.copy(log), logbook: t.logbook.copy(log), revisions: t.revisions.copy(log), verdicts: t.verdicts.copy(log),
		former: t.former.copy(log), snapshots: t.snapshots.copy(log), restores: t.restores,
		notices: t.notices.copy(log), deliveries: t.deliveries.copy(log),
		probes: t.probes.copy(log), expiries: t.expiries.copy(log), members: t.members.copy(log), rolls: t.rolls.copy(log),
	}
}

type connection struct {
	model.Connection
	suspected   int       // faults in a row with nobody that worked in between
	suspectedAt time.Time // the last of them
}

// policy is a policy as it was written and completed.
type policy struct{ written, complete model.Policy }

type mailbox struct {
	model.Mailbox
	leaseToken string
	leaseEnds  time.Time
	plan       string // the newest that was not only shown
	approved   string // hash
}

type collection struct {
	store.Collection
	listing    int64 // number of the full listing under way, 0 = none
	listings   int64
	refiltered bool // the next full listing is compared with one under another filter
	begun      time.Time
	marked     time.Time // when its mark was last as expected
	after      restored  // the restore after which it is listed in full
	intact     int64     // highest order of an item that the restore left as it was
}

// body is what an item says, or its bytes.
type body struct {
	content model.Content
	raw     []byte
}

// absence says whether an item is there.
type absence int

const (
	present absence = iota
	gone
	left
)

// observation is what was last seen of an item.
type observation struct {
	collection, version string
	order               int64
	content, raw        string // keys of bodies, "" = none
	uid                 string
	stamp               model.Key
	natural, title      string
	entity              model.EntityID
	absent              absence
	absentSince         int64 // round (mail) or pass (CRM) that found it absent
	trouble             string
	listing             int64     // the last full listing that named it
	applied             time.Time // when Apply last wrote it
	modified            time.Time
	seen                time.Time // when it was first read
	doubted             bool      // a read that may be older than our write says otherwise
	privacy             string    // its collection's when it was read
	reduced             bool      // private: content is all we may hold
	observed            time.Time // when this version was taken in
	returned            bool      // it had been gone and came back with a backup
}

// readable reports whether one can say something about an item: content that was
// left out while nobody live took part comes with the next pass.
func (o observation) readable() bool {
	return o.content != "" || o.trouble != "" || o.absent != present
}

// issue is a row with what met it: the plan, or a write that was refused.
type issue struct {
	store.IssueRow
	byPlan bool
}

type pending struct {
	mark  int64
	plan  string // the plan that looked at it
	state regard
}

// regard is what a plan did with a pending row it looked at.
type regard int

const (
	fresh   regard = iota
	settled        // decided without a write: gone once the plan is sealed
	written        // decided by a write: gone once the plan is ready
	waiting        // decided by a write that waits for approval: stays, but is no news
)

type claim struct {
	entity  model.EntityID
	mailbox model.MailboxID
}

// planRow is a plan. ready: it was to be carried out, whatever became of it.
type planRow struct {
	store.PlanRow
	ready bool
}

type intent struct {
	plan.Intent
	crm     model.ConnectionID
	mailbox model.MailboxID
	entity  model.EntityID
	side    model.Side
	kind    model.Kind
	outcome model.Outcome
	begun   time.Time
	shows   time.Time // reads that begin from then on show what was created
	// restores: an undo's.
	restores bool
}

func (i intent) open() bool { return i.outcome == "" || i.outcome == model.Unknown }

type operation struct {
	store.Planned
	mailbox model.MailboxID
	state   model.Outcome
	before  string // update, delete: key of what the target held
	// forgiven: it does not count any more as going to and fro.
	forgiven bool
	item     string // done: the id of what was written
	result   string // done: key of what was stored
	done     time.Time
}

// States of an operation besides the outcomes of a receipt.
const (
	planned model.Outcome = "planned"
	held    model.Outcome = "held"
)

// New makes an empty store.
func New() *Store {
	s := &Store{}
	s.tables = s.copy(&s.log)
	s.author = store.AuthorOf(context.Background())
	s.putPolicy(model.Policy{Name: "default"})
	s.revise(model.Policy{Name: "default"})
	return s
}

// Backup is a store as it was at one moment.
type Backup struct{ tables tables }

// Backup copies everything.
func (s *Store) Backup() Backup {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Backup{tables: s.copy(&s.log)}
}

// Restore makes the store what it was.
func (s *Store) Restore(b Backup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables = b.tables.copy(&s.log)
}

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// within runs one transaction: an error undoes what it did.
func within[T any](ctx context.Context, s *Store, f func() (T, error)) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.author = s.log[:0], store.AuthorOf(ctx)
	out, err := f()
	if err != nil {
		for i := len(s.log) - 1; i >= 0; i-- {
			s.log[i]()
		}
	}
	return out, err
}

// alone is within for what answers nothing.
func alone(ctx context.Context, s *Store, f func() error) error {
	_, err := within(ctx, s, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// newID makes an id; later ones are greater.
func (s *Store) newID(prefix string) string { return fmt.Sprintf("%s_%012d", prefix, s.newMark()) }

func (s *Store) newMark() int64 {
	s.made++
	return s.made
}

// keep stores a content and returns its key, "" for none.
func (s *Store) keep(c model.Content) string {
	if c == nil {
		return ""
	}
	return s.keepBody(c.Encode(), body{content: c})
}

func (s *Store) keepRaw(raw []byte) string {
	if raw == nil {
		return ""
	}
	return s.keepBody(raw, body{raw: raw})
}

func (s *Store) keepBody(said []byte, b body) string {
	sum := sha256.Sum256(said)
	key := hex.EncodeToString(sum[:])
	if _, ok := s.bodies.get(name(key)); !ok {
		s.bodies.put(name(key), b)
	}
	return key
}

func (s *Store) content(key string) model.Content {
	b, _ := s.bodies.get(name(key))
	return b.content
}

// scope is what there is to know about one mailbox.
type scope struct {
	mailbox
	settle int64
	pass   int64
}

func (s *Store) scope(id model.MailboxID) (scope, error) {
	m, ok := s.mailboxes.get(name(id))
	if !ok {
		return scope{}, store.ErrNotFound
	}
	c, _ := s.connections.get(name(m.CRM))
	p, _ := s.policies.get(name(m.Policy))
	return scope{mailbox: m, settle: int64(p.complete.SettleRounds), pass: c.Pass}, nil
}

func (s scope) place(side model.Side) place {
	if side == model.CRM {
		return place{connection: s.CRM}
	}
	return place{connection: s.Mail, mailbox: s.ID}
}

func sides() []model.Side { return []model.Side{model.CRM, model.Mail} }

func or[T ~string](a, b T) T {
	if a == "" {
		return b
	}
	return a
}
