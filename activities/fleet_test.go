package activities_test

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
	storememory "lockstep.dev/store/memory"
)

// fleet is thousands of mailboxes on one mail server, in virtual time. What is
// real: Fetch, Feed, Probe and Rouse, what the interceptor makes of faults, and
// the store's state machine. What is played: the workflows, reduced to when they
// call which activity next (a round ends after Fetch), Temporal, and the worker,
// of which there is one with so many places for activities.
type fleet struct {
	t         *testing.T
	now       time.Time
	db        store.Store
	crm, mail *memory.System
	acts      *activities.Activities
	crmID     model.ConnectionID
	mailID    model.ConnectionID

	todo   agenda
	due    map[string]time.Time // when a workflow's next step stands in the agenda
	free   int                  // places for activities
	queue  []func()
	alarms int // how often somebody told the prober

	down     func() *fault.Fault // what the mail server answers; nil = it works
	takes    time.Duration       // how long an answer of the server that is down takes
	requests map[int64]int       // to the mail server, by second
	fetches  int
	back     []comeback
}

// comeback is a mailbox's first round after the outage.
type comeback struct {
	id model.MailboxID
	at time.Time
}

type appointment struct {
	at time.Time
	n  int // in the order in which they were made
	do func()
}

type agenda []appointment

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].n < a[j].n
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(appointment)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

// newFleet has mailboxes that were all read once and have their next rounds
// spread over the policy's interval.
func newFleet(t *testing.T, size int, outage string) *fleet {
	t.Helper()
	f := &fleet{
		t: t, now: time.Date(2031, 3, 3, 8, 0, 0, 0, time.UTC), db: storememory.New(), free: 32,
		due: map[string]time.Time{}, requests: map[int64]int{}, takes: 30 * time.Second,
	}
	contacts := func(side model.Side) map[model.Kind]connector.KindCapabilities {
		all := memory.Everything(side)
		return map[model.Kind]connector.KindCapabilities{model.Contact: all[model.Contact]}
	}
	f.crm = memory.New(memory.Config{Side: model.CRM, Kinds: contacts(model.CRM), Now: f.clock})
	f.mail = memory.New(memory.Config{Side: model.Mail, Kinds: contacts(model.Mail), Now: f.clock})
	f.acts = &activities.Activities{
		Store: f.db, Systems: f, Waker: f, Log: slog.New(slog.DiscardHandler), Now: f.clock, LeaseFor: time.Minute,
		Pause: func(_ context.Context, d time.Duration) error {
			f.run(f.now.Add(d))
			return nil
		},
	}
	ctx := t.Context()
	for _, c := range []model.Connection{{Name: "crm", Side: model.CRM, Every: time.Minute}, {Name: "mail", Side: model.Mail, Outage: outage}} {
		saved, err := f.db.SaveConnection(ctx, c)
		f.must(err)
		if c.Side == model.CRM {
			f.crmID = saved.ID
		} else {
			f.mailID = saved.ID
		}
	}
	for i := range size {
		id := model.MailboxID(fmt.Sprintf("mbx-%05d", i))
		f.mail.AddMailbox(string(id)+"@example.com", string(id))
		_, err := f.db.Register(ctx, model.Mailbox{
			ID: id, Address: string(id) + "@example.com", CRM: f.crmID, CRMUser: string(id), Mail: f.mailID, Created: f.now,
		})
		f.must(err)
		// Rounds are spread over the interval, as they are after a while.
		f.at(f.now.Add(time.Duration(i)*5*time.Minute/time.Duration(size)), string(id), func() { f.mailbox(id) })
	}
	f.at(f.now, "crm", func() { f.connection(f.crmID) })
	f.at(f.now, "mail", func() { f.connection(f.mailID) })
	f.run(f.now.Add(10 * time.Minute))
	return f
}

func (f *fleet) clock() time.Time { return f.now }

func (f *fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// at has a workflow go on at a time; what it had planned for later is dropped.
func (f *fleet) at(when time.Time, workflow string, do func()) {
	if old, ok := f.due[workflow]; ok && !when.Before(old) && workflow != "" {
		return
	}
	f.due[workflow] = when
	heap.Push(&f.todo, appointment{at: when, n: len(f.todo), do: func() {
		if f.due[workflow].Equal(when) {
			delete(f.due, workflow)
			do()
		}
	}})
}

// after has something happen later, whatever happens in between.
func (f *fleet) after(d time.Duration, do func()) {
	heap.Push(&f.todo, appointment{at: f.now.Add(d), n: len(f.todo), do: do})
}

// run lets time pass.
func (f *fleet) run(until time.Time) {
	for len(f.todo) > 0 && !f.todo[0].at.After(until) {
		next := heap.Pop(&f.todo).(appointment)
		if next.at.After(f.now) {
			f.now = next.at
		}
		next.do()
	}
	if until.After(f.now) {
		f.now = until
	}
}

// place gives an activity one of the worker's places; it is held while the
// server does not answer.
func (f *fleet) place(do func() (wait time.Duration, then func())) {
	if f.free == 0 {
		f.queue = append(f.queue, func() { f.place(do) })
		return
	}
	f.free--
	wait, then := do()
	f.after(wait, func() {
		f.free++
		then()
		if len(f.queue) > 0 {
			next := f.queue[0]
			f.queue = f.queue[1:]
			next()
		}
	})
}

// mailbox is one round of a Mailbox workflow.
func (f *fleet) mailbox(id model.MailboxID) {
	again := func(d time.Duration) { f.at(f.now.Add(d), string(id), func() { f.mailbox(id) }) }
	f.place(func() (time.Duration, func()) {
		f.fetches++
		in := activities.FetchIn{Mailbox: id}
		out, err := f.acts.Fetch(context.Background(), in)
		if err == nil {
			if c := f.circuit(); !out.Waits && c.Opened > 0 && !c.Down() {
				f.back = append(f.back, comeback{id, f.now})
			}
			return 0, func() { again(out.Next) }
		}
		return f.takes, func() {
			var app *temporal.ApplicationError
			var t activities.Trouble
			if told := f.acts.Translate(context.Background(), in, err); errors.As(told, &app) && app.NonRetryable() && app.Details(&t) == nil && t.Stops() {
				f.must(f.acts.Stop(context.Background(), activities.StopIn{Mailbox: id, Side: t.Side, Phase: t.Phase, Code: t.Code, Message: t.Message}))
				return
			}
			again(max(app.NextRetryDelay(), time.Second))
		}
	})
}

// connection is one pass of a Connection workflow.
func (f *fleet) connection(id model.ConnectionID) {
	name := map[model.ConnectionID]string{f.crmID: "crm", f.mailID: "mail"}[id]
	ctx := context.Background()
	out, err := f.acts.Feed(ctx, activities.FeedIn{Connection: id})
	f.must(err)
	next := out.Next
	if out.Down {
		p, err := f.acts.Probe(ctx, activities.ProbeIn{Connection: id})
		f.must(err)
		if next = p.Next; p.Recovered {
			next = 0
		}
	}
	if out.Rousing {
		r, err := f.acts.Rouse(ctx, activities.RouseIn{Connection: id, For: min(out.Next, 5*time.Minute)})
		f.must(err)
		if r.More {
			next = 0
		}
	}
	f.at(f.now.Add(next), name, func() { f.connection(id) })
}

// WakeMailboxes implements activities.Waker.
func (f *fleet) WakeMailboxes(_ context.Context, ids []model.MailboxID) error {
	for _, id := range ids {
		f.at(f.now, string(id), func() { f.mailbox(id) })
	}
	return nil
}

// WakeConnection implements activities.Waker.
func (f *fleet) WakeConnection(_ context.Context, id model.ConnectionID) error {
	f.alarms++
	name := map[model.ConnectionID]string{f.crmID: "crm", f.mailID: "mail"}[id]
	f.at(f.now, name, func() { f.connection(id) })
	return nil
}

// Connector implements activities.Systems.
func (f *fleet) Connector(_ context.Context, c model.Connection) (connector.Connector, error) {
	if c.Side == model.CRM {
		return f.crm, nil
	}
	return memory.Faults(f.mail, func(_ context.Context, p memory.Point) error {
		if p.After || p.Call == "open" {
			return nil
		}
		f.requests[f.now.Unix()]++
		if f.down != nil {
			return f.down()
		}
		return nil
	}), nil
}

func (f *fleet) circuit() model.Circuit {
	f.t.Helper()
	c, err := f.db.Connection(context.Background(), f.mailID)
	f.must(err)
	return c.Circuit
}

// within counts the requests to the mail server in a span of time.
func (f *fleet) within(from time.Time, d time.Duration) int {
	n := 0
	for second := from.Unix(); second < from.Add(d).Unix(); second++ {
		n += f.requests[second]
	}
	return n
}

// states counts the mailboxes as they are stored and as they stand.
func (f *fleet) states() (stored, standing map[model.MailboxState]int) {
	f.t.Helper()
	list, err := f.db.Mailboxes(context.Background(), store.MailboxFilter{})
	f.must(err)
	all, err := f.db.Connections(context.Background())
	f.must(err)
	stored, standing = map[model.MailboxState]int{}, map[model.MailboxState]int{}
	for _, m := range list {
		state, _ := m.Standing(all...)
		stored[m.State]++
		standing[state]++
	}
	return stored, standing
}

func (f *fleet) alerts() []store.Alert {
	f.t.Helper()
	list, err := f.db.Alerts(context.Background(), store.AlertFilter{Over: true})
	f.must(err)
	return list
}
