package activities_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// leaseFor is how long a dead process's lease keeps others away.
const leaseFor = time.Minute

// clock is virtual time: every look at it is a millisecond later.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time {
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// verdict is what a run is judged by: a test, or one history of many.
type verdict interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Fatal(args ...any)
	Failed() bool
}

// house is an organisation in one process: a CRM and mailboxes that live in
// memory, our store, and the rounds that keep them in step.
type house struct {
	t         verdict
	clock     *clock
	crm, mail *memory.System
	base      base
	db        store.Store
	gate      *gate
	acts      *activities.Activities
	boxes     []*box
	shelf     map[string]memory.Backup // of the systems, by name
	ours      remembered               // our database as it was
	crmID     model.ConnectionID
	mailID    model.ConnectionID
	attempt   activities.Attempt // that runs
	run       int                // of the workflows
	woken     map[model.MailboxID]bool
	lost      bool // Temporal's data is lost together with a process
	restores  int  // of systems so far
	log       []string
	logged    bytes.Buffer // what the activities logged

	design   design
	where    place
	recorder *recording // the unharmed run, while it is being recorded
}

// box is a mailbox with what its workflow carries.
type box struct {
	id         model.MailboxID
	address    string
	generation int64
	look       int
	check      bool // the last round met items that were not as we knew them
	state      model.MailboxState
	held       string // hash of the plan that waits
	trouble    string

	stage   stage // of the round
	began   time.Time
	fetched activities.FetchOut
	diffed  activities.DiffOut
	applied activities.ApplyOut
}

// stage is the activity with which a mailbox's workflow goes on.
type stage int

const (
	fetching stage = iota
	diffing
	applying
	settling
)

// place is where in a run an activity is called.
type place struct {
	kind int
	box  int
}

const (
	inStep = iota // by what happens in a story
	inFeed
	inRound
	inProbe // of a connection: the CRM's, then the mail server's
)

// design is the plan of a house.
type design struct {
	people    []string // names; ada is ada@example.com with CRM user u-ada
	kinds     []model.Kind
	crm, mail memory.Config
	policy    func(*model.Policy)
	sqlite    bool // our store is a file, not in memory
	secret    bool // what is deleted must be nowhere, not even in the file
}

func address(name string) string { return name + "@example.com" }

// build makes a house: its people are registered, nothing was read yet.
func build(t testing.TB, d design) *house {
	t.Helper()
	h := &house{t: t, clock: &clock{now: time.Date(2031, 3, 1, 8, 0, 0, 0, time.UTC)}, gate: newGate(), woken: map[model.MailboxID]bool{}}
	if len(d.people) == 0 {
		d.people = []string{"ada"}
	}
	d.crm.Side, d.mail.Side, d.crm.Now, d.mail.Now = model.CRM, model.Mail, h.clock.Now, h.clock.Now
	d.crm.Kinds, d.mail.Kinds = only(d.crm, d.kinds), only(d.mail, d.kinds)
	h.crm, h.mail = memory.New(d.crm), memory.New(d.mail)
	h.design = d
	h.base = newBase(t, d)
	h.open()
	h.furnish(d)
	return h
}

// only narrows what a system can do to some kinds.
func only(c memory.Config, kinds []model.Kind) map[model.Kind]connector.KindCapabilities {
	all := c.Kinds
	if all == nil {
		all = memory.Everything(c.Side)
	}
	for k := range all {
		if len(kinds) > 0 && !slices.Contains(kinds, k) {
			delete(all, k)
		}
	}
	return all
}

// open puts the activities to work on the database.
func (h *house) open() {
	h.db = h.base.open()
	h.acts = &activities.Activities{
		Store: mortal{Store: h.db, gate: h.gate}, Systems: h, Waker: h, Log: slog.New(slog.NewTextHandler(&h.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: h.clock.Now, LeaseFor: leaseFor,
		Pause: func(ctx context.Context, d time.Duration) error {
			h.clock.advance(d)
			return ctx.Err()
		},
		Attempt: func(context.Context) activities.Attempt { return h.attempt },
	}
}

// close closes the store.
func (h *house) close() { h.must(h.db.Close()) }

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// furnish saves connections, the policy and the people.
func (h *house) furnish(d design) {
	h.t.Helper()
	ctx := context.Background()
	for _, c := range []struct {
		id   *model.ConnectionID
		side model.Side
	}{{&h.crmID, model.CRM}, {&h.mailID, model.Mail}} {
		saved, err := h.db.SaveConnection(ctx, model.Connection{
			Name: string(c.side), Side: c.side, Connector: "memory", Every: time.Minute,
		})
		h.must(err)
		*c.id = saved.ID
	}
	p := model.Policy{Name: "all", Approval: "never", Kinds: map[model.Kind]model.KindPolicy{}}
	for _, k := range model.Kinds() {
		p.Kinds[k] = model.KindPolicy{FromMail: "all", FromCRM: "all"}
	}
	if d.policy != nil {
		d.policy(&p)
	}
	h.must(h.db.SavePolicy(ctx, p))
	for _, name := range d.people {
		h.mail.AddMailbox(address(name), "identity-"+name)
		h.crm.AddUser(connector.User{ID: "u-" + name, Name: name, Address: address(name), Active: true})
		h.add(name)
	}
}

// add registers a person's mailbox.
func (h *house) add(name string) *box {
	h.t.Helper()
	m, err := h.db.Register(context.Background(), model.Mailbox{
		ID: model.MailboxID("mbx-" + name), Address: address(name), CRM: h.crmID, CRMUser: "u-" + name, Mail: h.mailID,
		Identity: "identity-" + name, Policy: "all", Created: h.clock.Now(),
	})
	h.must(err)
	for _, b := range h.boxes {
		if b.id == m.ID {
			*b = box{id: m.ID, address: m.Address, state: model.Active}
			return b
		}
	}
	b := &box{id: m.ID, address: m.Address, state: model.Active}
	h.boxes = append(h.boxes, b)
	return b
}

func (h *house) box(name string) *box {
	i := slices.IndexFunc(h.boxes, func(b *box) bool { return b.id == model.MailboxID("mbx-"+name) })
	if i < 0 {
		h.t.Fatalf("there is no mailbox of %s", name)
	}
	return h.boxes[i]
}

// at is a person's mailbox as that person sees it; "" is the CRM.
func (h *house) at(name string) memory.Place {
	if name == "" {
		return h.crm.At("")
	}
	return h.mail.At(address(name))
}

// Connector implements activities.Systems.
func (h *house) Connector(_ context.Context, c model.Connection) (connector.Connector, error) {
	s := h.mail
	if c.Side == model.CRM {
		s = h.crm
	}
	return memory.Faults(s, h.gate.remote), nil
}

// WakeMailboxes implements activities.Waker.
func (h *house) WakeMailboxes(_ context.Context, ids []model.MailboxID) error {
	if len(ids) == 0 {
		return nil
	}
	if err := h.gate.pass("before wake", ""); err != nil {
		return err
	}
	for _, id := range ids {
		h.woken[id] = true
	}
	return nil
}

// WakeConnection implements activities.Waker.
func (h *house) WakeConnection(context.Context, model.ConnectionID) error {
	return h.gate.pass("before wake", "")
}

func (h *house) note(format string, args ...any) {
	h.log = append(h.log, h.clock.now.Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}
