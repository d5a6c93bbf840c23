// Package memory is the reference connector: a mail system or a CRM that lives
// in memory and can do, slowly or wrongly, what real systems do. Tests run
// whole rounds against it, and its code is the shortest account of what the
// connector contract means.
//
// A System is shared by everyone who opens it. What people do without Lockstep
// is done through System.At; what goes wrong on the way is added by Faults.
package memory

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// Config says what kind of system it is. The zero value of every field but Side
// is the best-behaved choice.
type Config struct {
	Side   model.Side
	Name   string                                        // default "memory"
	Kinds  map[model.Kind]connector.KindCapabilities     // default: every kind, tier T1, every field
	Secret string                                        // what accounts sign in with; empty = nobody asks
	Now    func() time.Time                              // default time.Now
	Lag    time.Duration                                 // how long a write stays invisible to listings and look-ups by key
	Page   int                                           // items in a page of a listing; default 100
	Refs   bool                                          // listings tell ids and versions only
	Silent bool                                          // receipts do not tell what is stored
	Blind  bool                                          // there are no marks
	Reuse  bool                                          // a key whose item was deleted may create once more (a file name can be used again)
	OwnUID bool                                          // what is created gets a UID of its own
	Stored func(model.Kind, model.Content) model.Content // what the system makes of what it is given
	Refuse func(model.Operation) bool                    // writes that break a rule of the system
}

// System is one mail system with its mailboxes, or one CRM organisation.
type System struct {
	config Config

	mu     sync.Mutex
	seq    int64 // of the latest change
	made   int64 // items numbered so far
	issue  int   // cursors of an earlier issue are dead
	epoch  int   // raised by Restore
	hushed bool  // changes are made that no delta tells
	homes  map[string]*home
	users  []connector.User
	outbox []Mail
	counts map[string]int
}

// home is what one account sees: a mailbox, or the organisation.
type home struct {
	identity    string
	collections []model.Collection
	items       map[string]*item
	keys        map[model.Key]string // ids of what was created under a key
	owner       connector.Ownership
}

// Mail is a message that the system sent to an attendee because of a write.
type Mail struct {
	To    string
	Item  string
	About model.Action
}

// New makes a system. A CRM has its one organisation with a primary collection
// for each kind; mailboxes are added.
func New(c Config) *System {
	if c.Name == "" {
		c.Name = "memory"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Page < 1 {
		c.Page = 100
	}
	if c.Kinds == nil {
		c.Kinds = Everything(c.Side)
	}
	s := &System{config: c, issue: 1, epoch: 1, homes: map[string]*home{}, counts: map[string]int{}}
	if c.Side == model.CRM {
		s.addHome("", "organisation-1")
	}
	return s
}

// Everything are the capabilities of a system that can do all there is: a mail
// system holds every field, a CRM those that are shared.
func Everything(side model.Side) map[model.Kind]connector.KindCapabilities {
	out := map[model.Kind]connector.KindCapabilities{}
	for _, k := range model.Kinds() {
		fields := model.SharedFields(k)
		if side == model.Mail {
			fields = nil
			for _, f := range model.Fields(k) {
				fields = append(fields, f.Name)
			}
		}
		slices.Sort(fields)
		out[k] = connector.KindCapabilities{
			Create: connector.T1, Fields: fields, Delta: true, Conditional: true, Ordered: true,
			WriteBatch: 10, FetchBatch: 10, Parallel: 1,
		}
	}
	return out
}

// AddMailbox adds a mailbox with a primary collection for each kind. The
// identity is its immutable id.
func (s *System) AddMailbox(address, identity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addHome(model.FoldAddress(address), identity)
}

func (s *System) addHome(name, identity string) {
	h := &home{identity: identity, items: map[string]*item{}, keys: map[model.Key]string{}}
	for _, k := range model.Kinds() {
		if _, ok := s.config.Kinds[k]; ok {
			h.collections = append(h.collections, model.Collection{ID: string(k) + "s", Kind: k, Name: string(k) + "s", Primary: true})
		}
	}
	s.homes[name] = h
}

// AddCollection adds a collection to a mailbox, or to a CRM where the address
// is empty.
func (s *System) AddCollection(address string, c model.Collection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.homes[model.FoldAddress(address)]
	h.collections = append(h.collections, c)
}

// AddUser adds a person to a CRM. Attendees with the person's address take part
// in events.
func (s *System) AddUser(u connector.User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, u)
}

// Name implements connector.Connector.
func (s *System) Name() string { return s.config.Name }

// Capabilities implements connector.Connector.
func (s *System) Capabilities() connector.Capabilities {
	kinds := make(map[model.Kind]connector.KindCapabilities, len(s.config.Kinds))
	for k, c := range s.config.Kinds {
		c.Lag = s.config.Lag
		kinds[k] = c
	}
	return connector.Capabilities{Side: s.config.Side, Kinds: kinds}
}

// Open implements connector.Connector: a mailbox by its address, or the
// organisation.
func (s *System) Open(ctx context.Context, a model.Account) (connector.Session, error) {
	name := ""
	if s.config.Side == model.Mail {
		name = model.FoldAddress(a.Address)
	}
	if err := s.alive(ctx); err != nil {
		return nil, err
	}
	return &session{System: s, name: name, secret: a.Secret}, nil
}

// alive tells whether a request may still be answered.
func (s *System) alive(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return s.fault("memory.ended")
}

// fault is an error of this system.
func (s *System) fault(code string) error {
	f := issue.Fault(code)
	f.Side = s.config.Side
	return f
}

func (s *System) count(request string) { s.counts[request]++ }

// version is how a revision looks to the outside.
func version(seq int64) string { return strconv.FormatInt(seq, 10) }
