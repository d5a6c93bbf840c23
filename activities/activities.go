// Package activities holds what a round does: Fetch, Diff, Apply, Settle for a
// mailbox and Feed for a CRM connection, and the few steps that carry out
// commands. Each loads, asks a connector or the plan, and saves; decisions are
// the plan's. Any of them may die anywhere and be started again.
package activities

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"

	"lockstep.dev/connector"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Activities are the activities of one worker with what they need.
type Activities struct {
	Store   store.Store
	Systems Systems
	Waker   Waker
	Log     *slog.Logger
	Now     func() time.Time
	// LeaseFor is how long a mailbox's lease lasts unless renewed; every remote
	// call ends before it does.
	LeaseFor time.Duration
	// Pause waits; nil means by the real clock.
	Pause func(ctx context.Context, d time.Duration) error
	// Attempt tells which attempt is running; nil means as Temporal says.
	Attempt func(ctx context.Context) Attempt
}

// Attempt is one attempt of one activity.
type Attempt struct {
	Token  string // names it: no other attempt of anything has the same
	Number int32  // counted from 1
}

func (a *Activities) attempt(ctx context.Context) Attempt {
	if a.Attempt != nil {
		return a.Attempt(ctx)
	}
	info := activity.GetInfo(ctx)
	return Attempt{
		Token:  fmt.Sprintf("%s/%s/%d", info.WorkflowExecution.RunID, info.ActivityID, info.Attempt),
		Number: info.Attempt,
	}
}

// Systems opens sessions to the outside.
type Systems interface {
	// Connector returns the configured connector of a connection.
	Connector(ctx context.Context, c model.Connection) (connector.Connector, error)
}

// Waker wakes workflows; it starts those that do not run.
type Waker interface {
	WakeMailboxes(ctx context.Context, ids []model.MailboxID) error
	WakeConnection(ctx context.Context, id model.ConnectionID) error
}

// mailbox is a mailbox with everything a round needs to know about it.
type mailbox struct {
	model.Mailbox
	policy    model.Policy
	crm, mail model.Connection
}

func (a *Activities) load(ctx context.Context, id model.MailboxID) (mailbox, error) {
	var m mailbox
	var err error
	if m.Mailbox, err = a.Store.Mailbox(ctx, id); err != nil {
		return m, err
	}
	if m.policy, err = a.Store.Policy(ctx, m.Policy); err != nil {
		return m, err
	}
	if m.crm, err = a.Store.Connection(ctx, m.CRM); err != nil {
		return m, err
	}
	m.mail, err = a.Store.Connection(ctx, m.Mail)
	return m, err
}

// side is one side of a round: a session and what its connector can do.
type side struct {
	connector.Session
	caps   connector.Capabilities
	filter string // what the connection selects
}

func (a *Activities) open(ctx context.Context, c model.Connection, acc model.Account) (side, error) {
	conn, err := a.Systems.Connector(ctx, c)
	if err != nil {
		return side{}, err
	}
	s, err := conn.Open(ctx, acc)
	return side{Session: s, caps: conn.Capabilities(), filter: filterOf(c, conn)}, err
}

func (a *Activities) openMail(ctx context.Context, m mailbox) (side, error) {
	s, err := a.open(ctx, m.mail, model.Account{
		Connection: m.mail.ID, Mailbox: m.ID, Address: m.Address, User: m.User, Secret: m.Secret,
	})
	if err == nil {
		s.Session = unmarked{s.Session}
	}
	return s, err
}

func (a *Activities) openCRM(ctx context.Context, c model.Connection) (side, error) {
	return a.open(ctx, c, model.Account{Connection: c.ID})
}

// fields are the canonical fields that may travel: shared, and held by both
// systems.
func fields(k model.Kind, crm, mail connector.Capabilities) []string {
	var out []string
	for _, f := range model.SharedFields(k) {
		if has(crm.Kinds[k].Fields, f) && has(mail.Kinds[k].Fields, f) {
			out = append(out, f)
		}
	}
	return out
}

func has(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
