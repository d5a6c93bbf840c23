package activities

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// TurnGap is the time between two mailboxes that come back after an outage: ten
// thousand take eight minutes.
const TurnGap = 50 * time.Millisecond

const (
	// probeWithin is how long a probe may take before another prober goes on.
	probeWithin = time.Minute
	// pageOfTurns is how many mailboxes are listed at a time.
	pageOfTurns = 500
	// outageLook is the time after which a mailbox looks by itself whether the
	// outage is over. It is woken when it is; this is for a wake-up that was lost.
	outageLook = 30 * time.Minute
)

// paused is a system that cannot be used at the moment. It is no fault of the
// one who meets it, and counts against nobody.
type paused struct{ *fault.Fault }

// Unwrap lets fault.Of see what people are told.
func (p *paused) Unwrap() error { return p.Fault }

// down says why a mailbox can do nothing: the first of its connections that is
// not used, nil = none.
func (m mailbox) down() *model.Connection {
	for _, c := range []*model.Connection{&m.crm, &m.mail} {
		if c.Circuit.Down() {
			return c
		}
	}
	return nil
}

// usable is an error where a system of the mailbox cannot be used.
func (m mailbox) usable() error {
	if c := m.down(); c != nil {
		return &paused{outageOf(*c)}
	}
	return nil
}

// outageOf is an outage in words.
func outageOf(c model.Connection) *fault.Fault {
	code := "engine.waits"
	if c.Circuit.Disabled() {
		code = "engine.connection-disabled"
	}
	f := issue.Fault(code, "connection", c.Name, "since", c.Circuit.Since.UTC().Format("2006-01-02 15:04 UTC"), "why", c.Circuit.Message)
	f.Side = c.Side
	return f
}

// outage reports whether a mailbox has to wait: a system of its cannot be used,
// or works again and others have their turn before it (N-03, N-05). A mailbox
// for which a person waits goes as soon as the system works.
func (a *Activities) outage(ctx context.Context, m mailbox, in FetchIn, out *FetchOut) (bool, error) {
	now := a.Now()
	if c := m.down(); c != nil {
		out.Waits, out.Round, out.Trouble = true, m.Round, outageOf(*c).Text()
		out.Next = outageLook + time.Duration(int64(outageLook)*int64(part(m.ID))/parts)
		if c.Circuit.Permanent || now.Before(c.Circuit.Next.Add(probeWithin)) {
			return true, nil
		}
		return true, a.Waker.WakeConnection(ctx, c.ID) // nobody probes: the prober's wake-up was lost
	}
	for _, c := range []model.Connection{m.crm, m.mail} {
		k := c.Circuit
		if !in.Asked && now.Before(k.Calm) && m.FetchBegun.Before(k.Closed) && now.Before(m.NextAt) && !m.NextAt.After(k.Calm) {
			out.Waits, out.Round, out.Next = true, m.Round, m.NextAt.Sub(now)
			out.Trouble = "The connection " + c.Name + " works again; the mailboxes that waited for it come back one after the other."
			return true, nil
		}
	}
	return false, nil
}

// parts is into how many parts a span of time is divided to spread mailboxes.
const parts = 1000

// part is a mailbox's own, always the same.
func part(id model.MailboxID) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32() % parts
}

// trial is how it goes on with a connection that met a fault.
func trial(permanent bool, after time.Duration, failed int, outage string, now time.Time) store.Trial {
	t := store.Trial{Permanent: permanent, Patience: fault.ProbePatience, Relapse: fault.Relapse}
	gap := fault.ProbeGap(failed)
	if outage == model.OutageDisable {
		gap = fault.DisableGap
		t.Permanent = permanent || failed+1 >= fault.DisableAfter
	}
	t.Next = now.Add(max(gap, after))
	return t
}

// ProbeIn names a connection that is down.
type ProbeIn struct{ Connection model.ConnectionID }

// ProbeOut says what a probe found.
type ProbeOut struct {
	Recovered bool // the system works again
	Permanent bool // nobody probes before somebody has acted
	Waiting   int  // Recovered: the mailboxes that come back
	Next      time.Duration
	Trouble   string // why it is down, in words
}

// Probe sees with one request whether a connection that is down works again, if
// it is time to (design decision 11). Any answer that does not speak of the whole
// system is one of a system that works.
func (a *Activities) Probe(ctx context.Context, in ProbeIn) (ProbeOut, error) {
	c, err := a.Store.Connection(ctx, in.Connection)
	if err != nil {
		return ProbeOut{}, err
	}
	now := a.Now()
	if !c.Circuit.Down() || c.Circuit.Permanent || now.Before(c.Circuit.Next) {
		return a.verdictOf(c, now), nil
	}
	was, err := a.Store.BeginProbe(ctx, c.ID, now, now.Add(probeWithin))
	switch {
	case errors.Is(err, store.ErrStale): // somebody else was faster
		return ProbeOut{Next: fault.FirstProbe}, nil
	case err != nil:
		return ProbeOut{}, err
	}
	f, err := a.ask(ctx, c, was)
	switch now = a.Now(); {
	case ctx.Err() != nil:
		return ProbeOut{}, ctx.Err()
	case err != nil:
		return ProbeOut{}, err
	case f == nil:
		return a.recovered(ctx, c, was, now)
	}
	note := store.Alert{Workload: model.ACT, Side: c.Side, Code: f.Code, Message: f.Message, Evidence: f.Evidence}
	c.Circuit, err = a.Store.FailProbe(ctx, c.ID, was, note, trial(fault.RuleOf(f.Class, f.Scope).Stops, f.After, was.Probes+1, c.Outage, now), now)
	if errors.Is(err, store.ErrStale) {
		return ProbeOut{Next: fault.FirstProbe}, nil
	}
	return a.verdictOf(c, now), err
}

// verdictOf says how a connection stands.
func (a *Activities) verdictOf(c model.Connection, now time.Time) ProbeOut {
	switch {
	case !c.Circuit.Down():
		return ProbeOut{Recovered: true}
	case c.Circuit.Permanent:
		return ProbeOut{Permanent: true, Next: rediscover, Trouble: outageOf(c).Text()}
	default:
		return ProbeOut{Next: max(c.Circuit.Next.Sub(now), time.Second), Trouble: outageOf(c).Text()}
	}
}

// recovered ends an outage.
func (a *Activities) recovered(ctx context.Context, c model.Connection, was model.Circuit, now time.Time) (ProbeOut, error) {
	waiting, err := a.Store.Recover(ctx, c.ID, was.Opened, now, TurnGap)
	if errors.Is(err, store.ErrStale) { // it is over already
		return ProbeOut{Next: time.Second}, nil
	}
	a.Log.InfoContext(ctx, "connection works again", "connection", c.ID, "mailboxes", waiting)
	return ProbeOut{Recovered: true, Waiting: waiting}, err
}

// ask tries a connection and returns what says that it cannot be used, nil = it
// can. A mail server is asked with a mailbox that worked lately; which one that
// is changes with each probe, so that one odd mailbox does not decide.
func (a *Activities) ask(ctx context.Context, c model.Connection, was model.Circuit) (*fault.Fault, error) {
	acc := model.Account{Connection: c.ID}
	if c.Side == model.Mail {
		m, err := a.witnessOf(ctx, c, was.Probes)
		switch {
		case errors.Is(err, store.ErrNotFound): // nobody is left who would have to wait
			return nil, nil
		case err != nil:
			return nil, err
		}
		acc = model.Account{Connection: c.ID, Mailbox: m.ID, Address: m.Address, User: m.User, Secret: m.Secret}
	}
	ctx, cancel := context.WithTimeout(ctx, probeWithin*9/10)
	defer cancel()
	s, err := a.open(ctx, c, acc)
	if err == nil {
		err = s.Test(ctx, model.ACT)
		_ = s.Close() // nothing was written
	}
	f := fault.Of(err)
	switch {
	case err == nil:
		return nil, nil
	case f == nil:
		return issue.Fault("engine.undeclared", "code", "no code"), nil
	case f.Opens() || f.Scope == fault.Server && f.Class == fault.Throttled:
		return f, nil
	default:
		return nil, nil
	}
}

// witnessOf chooses the mailbox with which a mail server is asked.
func (a *Activities) witnessOf(ctx context.Context, c model.Connection, n int) (model.Mailbox, error) {
	list, err := a.Store.Recent(ctx, c.ID, witnesses)
	switch {
	case err != nil:
		return model.Mailbox{}, err
	case len(list) == 0:
		return model.Mailbox{}, store.ErrNotFound
	}
	return list[n%len(list)], nil
}

// witnesses is how many mailboxes take turns in asking.
const witnesses = 5

// RouseIn asks to wake the mailboxes that waited for a connection.
type RouseIn struct {
	Connection model.ConnectionID
	For        time.Duration // at most
}

// RouseOut says how many came back.
type RouseOut struct {
	Woken int
	More  bool // others have their turn later
}

// Rouse wakes the mailboxes that waited for a connection, each when its turn
// comes. It may die and begin anew: who has come back is not listed again.
func (a *Activities) Rouse(ctx context.Context, in RouseIn) (RouseOut, error) {
	var out RouseOut
	var last store.Turn
	for end := a.Now().Add(in.For); ; {
		now := a.Now()
		ready, err := a.Store.Turns(ctx, in.Connection, last, now, pageOfTurns)
		if err != nil {
			return out, err
		}
		if len(ready) > 0 {
			ids := make([]model.MailboxID, len(ready))
			for i, t := range ready {
				ids[i] = t.Mailbox
			}
			if err := a.Waker.WakeMailboxes(ctx, ids); err != nil {
				return out, err
			}
			out.Woken, last = out.Woken+len(ready), ready[len(ready)-1]
			continue
		}
		next, err := a.Store.Turns(ctx, in.Connection, last, now.Add(24*time.Hour), 1)
		if err != nil || len(next) == 0 {
			return out, err
		}
		if now.After(end) {
			out.More = true
			return out, nil
		}
		if err := a.pause(ctx, max(next[0].At.Sub(now), lump)); err != nil {
			return out, err
		}
	}
}

// lump is over how long mailboxes whose turn comes are gathered.
const lump = time.Second
