// Package connector is the contract between Lockstep and the systems it keeps
// in step. A connector is one folder; connectortest holds the laws it obeys.
//
// Rules for every implementation:
//   - every error is a *fault.Fault, its class decided here, its text free of
//     secrets and item content;
//   - a connector never retries: the caller does (only a token refresh is
//     repeated once);
//   - every method honours ctx and may be called again after any failure;
//   - a Session is used by one goroutine at a time unless it says otherwise.
package connector

//go:generate go tool -modfile=../tools.mod mockgen -destination connectormock/connectormock.go -package connectormock lockstep.dev/connector Connector,Session

import (
	"context"
	"iter"
	"time"

	"lockstep.dev/model"
)

// Connector is one system, configured.
type Connector interface {
	Name() string // config key, metric label and documentation anchor: "dav"
	Capabilities() Capabilities
	// Open prepares a session for one mailbox (mail side) or one organisation
	// (crm side). It may talk to the system, but need not.
	Open(ctx context.Context, a model.Account) (Session, error)
}

// Session acts on one account.
type Session interface {
	// Test tells whether the workload would work: reach, sign in, read, write.
	// It changes nothing.
	Test(ctx context.Context, w model.Workload) error
	// Identity returns the mailbox's (or organisation's) immutable id, "" where
	// the system has none. An address is not one.
	Identity(ctx context.Context) (string, error)
	// Collections discovers what there is to sync.
	Collections(ctx context.Context) ([]model.Collection, error)
	// Probe returns the collection's high-water mark and epoch; zero = the
	// system has none.
	Probe(ctx context.Context, c model.Collection) (Mark, error)
	// Changes yields what changed since a cursor, page by page; an empty cursor
	// lists everything (Full). A dead cursor is fault.CursorExpired. Processing
	// a page twice is harmless.
	Changes(ctx context.Context, c model.Collection, since model.Cursor) iter.Seq2[Page, error]
	// List yields ids and versions of everything, and never moves the delta
	// cursor (Page.Cursor is a resume position of the listing only).
	List(ctx context.Context, c model.Collection, resume model.Cursor) iter.Seq2[Page, error]
	// Fetch returns the items behind refs; missing ones are simply absent.
	// Callers respect Capabilities.FetchBatch.
	Fetch(ctx context.Context, refs []model.Ref) ([]model.Item, error)
	// Apply carries out operations of one kind and returns one receipt each, in
	// order. A create of tier T1 with a key that exists already is done, not an
	// error. An error instead of receipts means that none was carried out, or
	// that it is unknown which: the caller treats each as unknown.
	Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error)
	// FindByKey looks for creates whose answer was lost. conclusive = what is
	// not found does not exist.
	FindByKey(ctx context.Context, keys []model.Key) (found []model.Item, conclusive bool, err error)
	Close() error
}

// Page is a piece of a delta or a listing.
type Page struct {
	// Items are changed items with their content.
	Items []model.Item
	// Changed are ids and versions whose content the caller fetches where it
	// does not know that version yet.
	Changed []model.Ref
	// Gone are items that were deleted; Left are items that the collection, a
	// window or our rights no longer show, which is never a deletion.
	Gone, Left []model.Ref
	// Cursor is the position after this page; committing it together with the
	// page loses and repeats nothing.
	Cursor model.Cursor
	// Full: the pages up to and including the next Last list everything that
	// exists, so what they do not name is absent.
	Full bool
	Last bool
}

// Mark is how far a collection has come.
type Mark struct {
	High  int64  // highest revision in the provider's order; 0 = it has none
	Epoch string // changes when the collection was restored or re-created
}

// Tier is how safely a system can create (algorithm 1.6).
type Tier int

// Create tiers.
const (
	T1 Tier = 1 // the caller chooses the id or an idempotency key
	T2 Tier = 2 // the item carries our stamp
	T3 Tier = 3 // neither
)

// Capabilities is what a configured connector can do, as data.
type Capabilities struct {
	Side  model.Side
	Kinds map[model.Kind]KindCapabilities
}

// KindCapabilities is what it can do for one kind.
type KindCapabilities struct {
	Create      Tier
	Fields      []string      // canonical fields the system can hold, sorted
	Delta       bool          // it reports changes since a cursor, deletions included
	Conditional bool          // updates and deletes can be conditional on a version
	Ordered     bool          // revisions have an order (model.Ref.Order)
	WriteBatch  int           // operations per Apply
	FetchBatch  int           // refs per Fetch
	Parallel    int           // batches of writes or fetches that may run at once; at least 1
	Lag         time.Duration // how long a write may stay invisible to reads
}

// Settings configure a connector: what an administrator wrote, decoded from
// YAML or JSON, with secrets apart.
type Settings struct {
	Values map[string]string // address, database URL, mapping file...
	Secret string            // the connection's own password or token
	Folder string            // relative paths in Values count from here
}

// Watcher is an optional ability: it waits for a push that something changed.
type Watcher interface {
	// Watch blocks until something may have changed (nil), ctx ends, or the
	// push channel breaks.
	Watch(ctx context.Context) error
}

// Marker is an optional ability: categories or labels that people see on an
// item in their mailbox.
type Marker interface {
	Mark(ctx context.Context, refs []model.Ref, add, remove []string) error
}

// Cleaner is an optional ability: it takes our own marks out of a mailbox that
// is no longer synced, changing nothing that a person wrote.
type Cleaner interface {
	Unstamp(ctx context.Context, refs []model.Ref) error
}

// Filterer is an optional ability of a Connector: it tells what it selects
// besides its settings, so that a change of it is noticed (requirement B19).
type Filterer interface {
	// Filter returns a text that changes whenever other items may be shown.
	Filter() string
}

// Ownership is a note in a mailbox that says who syncs it (requirements D-19,
// D-37): one program of one organisation, so that no two undo each other's work.
type Ownership struct {
	Engine       string    // the program: "lockstep", or what another one calls itself
	Installation string    // which one of that program
	Since        time.Time // to the second
}

// Owner is an optional ability: the system keeps a note of who syncs a mailbox.
// Where it turns out that it keeps none, both methods are fault.Unsupported.
type Owner interface {
	// Owner returns who syncs the mailbox; zero = nobody said so.
	Owner(ctx context.Context) (Ownership, error)
	// Own notes who does, over whatever is there; zero takes the note out.
	Own(ctx context.Context, o Ownership) error
}

// WriteTester is an optional ability: it writes for real and takes it back in
// such a way that nobody ever sees it. Where a connector has none, a mailbox is
// tried with an item that is deleted again.
type WriteTester interface {
	TestWrite(ctx context.Context, k model.Kind) error
}

// User is one person as a directory knows them.
type User struct {
	ID      string // immutable
	Name    string
	Address string
	Active  bool
}

// Directory is an optional ability: it lists people and groups.
type Directory interface {
	Users(ctx context.Context) ([]User, error)
	Group(ctx context.Context, name string) ([]User, error)
}

// As returns the first T in a session's chain of decorators.
func As[T any](s Session) (T, bool) {
	for {
		if t, ok := s.(T); ok {
			return t, true
		}
		w, ok := s.(interface{ Unwrap() Session })
		if !ok {
			var zero T
			return zero, false
		}
		s = w.Unwrap()
	}
}
