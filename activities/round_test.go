package activities_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"go.temporal.io/sdk/temporal"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// errLost says that the workflow has to begin anew: Temporal's data was lost
// together with the process.
var errLost = errors.New("the workflow is lost")

// execute runs an activity as the server does: again after a crash, again after
// a fault that may pass, in virtual time.
func (h *house) execute(name string, fn, in, out any) error {
	h.t.Helper()
	h.gate.activity++
	h.gate.what = name
	h.film()
	for attempt := int32(1); attempt <= 30; attempt++ {
		h.attempt = activities.Attempt{Token: fmt.Sprintf("run %d, activity %d, attempt %d", h.run, h.gate.activity, attempt), Number: attempt}
		err := h.call(fn, in, out)
		if err == nil && !h.gate.dead {
			return nil
		}
		if h.gate.dead {
			h.note("%s died at attempt %d", name, attempt)
			h.gate.dead = false
			h.gate.activity++ // what comes now is not what was before
			h.clock.advance(leaseFor + time.Second)
			if h.lost {
				return errLost
			}
			continue
		}
		h.note("%s failed at attempt %d: %v", name, attempt, err)
		wait, again := retry(err)
		if !again {
			return err
		}
		h.clock.advance(wait)
	}
	return fmt.Errorf("%s: thirty attempts came to nothing", name)
}

// call calls an activity, as a worker does.
func (h *house) call(fn, in, out any) error {
	ctx := context.Background()
	got := reflect.ValueOf(fn).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(in)})
	if err, ok := got[len(got)-1].Interface().(error); ok {
		return h.acts.Translate(ctx, in, err)
	}
	if out != nil {
		reflect.ValueOf(out).Elem().Set(got[0])
	}
	return nil
}

// retry is what the workflow's retry policy makes of an error.
func retry(err error) (wait time.Duration, again bool) {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.NonRetryable() {
		return 0, false
	}
	return max(app.NextRetryDelay(), time.Second), true
}

// news is what a pass or a round found or did.
type news struct {
	busy    bool
	written int
}

// feed is one pass of the Connection workflow.
func (h *house) feed() news {
	h.t.Helper()
	var out activities.FeedOut
	err := h.execute("feed", h.acts.Feed, activities.FeedIn{Connection: h.crmID}, &out)
	for errors.Is(err, errLost) {
		err = h.execute("feed", h.acts.Feed, activities.FeedIn{Connection: h.crmID}, &out)
	}
	if err != nil {
		h.note("feed ended: %v", err)
		return news{busy: true}
	}
	return news{busy: out.Down || out.Changed+out.Absent > 0 || out.Next < 30*time.Second}
}

// see has a connection that is down probed when that is due; a permanent outage
// is left to people.
func (h *house) see(i int) (busy bool) {
	h.t.Helper()
	h.where = place{kind: inProbe, box: i}
	defer func() { h.where = place{} }()
	id := []model.ConnectionID{h.crmID, h.mailID}[i]
	for {
		c, err := h.db.Connection(context.Background(), id)
		h.must(err)
		if !c.Circuit.Down() || c.Circuit.Permanent {
			return busy
		}
		busy = true
		if h.clock.now.Before(c.Circuit.Next) {
			h.clock.now = c.Circuit.Next
		}
		var out activities.ProbeOut
		if err := h.execute("probe", h.acts.Probe, activities.ProbeIn{Connection: id}, &out); err == nil {
			h.note("connection %s probed: %+v", c.Name, out)
		}
	}
}

// round is one pass of the Mailbox workflow: fetch, diff, apply, settle. It goes
// on where the mailbox's workflow stands.
func (h *house) round(b *box) news {
	h.t.Helper()
	var n news
	for first := true; first || b.stage != fetching; first = false {
		if b.state != model.Active {
			b.stage = fetching
			return n
		}
		err := h.step(b, &n)
		switch {
		case errors.Is(err, errLost):
			b.generation, b.look, b.check, b.stage = 0, 0, false, fetching
			return news{busy: true, written: n.written}
		case err != nil:
			b.trouble, b.stage = err.Error(), fetching
			h.fail(b, err)
			return news{busy: true, written: n.written}
		}
		b.trouble = ""
	}
	return n
}

// step is one activity of a round.
func (h *house) step(b *box, n *news) error {
	switch b.stage {
	case fetching:
		return h.fetch(b, n)
	case diffing:
		return h.diff(b)
	case applying:
		return h.apply(b, n)
	default:
		return h.record(b)
	}
}

// fail disables a mailbox where its workflow would.
func (h *house) fail(b *box, err error) {
	var app *temporal.ApplicationError
	t := activities.Trouble{Message: err.Error()}
	if errors.As(err, &app) && app.HasDetails() {
		_ = app.Details(&t)
	}
	h.note("round of %s ended: %v", b.address, err)
	if t.Stops() {
		h.must(h.execute("stop", h.acts.Stop, activities.StopIn{Mailbox: b.id, Side: t.Side, Code: t.Code, Message: t.Message}, nil))
		b.state = model.Disabled
	}
}

func (h *house) fetch(b *box, n *news) error {
	var f activities.FetchOut
	if err := h.execute("fetch", h.acts.Fetch, activities.FetchIn{Mailbox: b.id, Generation: b.generation, Look: b.look > 0, Check: b.check}, &f); err != nil {
		return err
	}
	if f.LookOnly || f.Noticed != "" {
		h.note("%s looks only (%v, restored %v): %s", b.address, f.LookOnly, f.Restored, f.Noticed)
	}
	b.fetched, b.generation, b.state = f, max(b.generation, f.Generation), f.State
	if f.Restored {
		b.look = f.SettleFor
	} else if b.look > 0 {
		b.look--
	}
	if f.Waits {
		h.note("%s waits: %s", b.address, f.Trouble)
	}
	n.busy = f.Waits || f.Work || f.LookOnly || f.Changed+f.Absent > 0 || f.Next < time.Minute
	if f.Work {
		b.stage = diffing
	}
	return nil
}

func (h *house) diff(b *box) error {
	b.began = h.clock.Now()
	var d activities.DiffOut
	err := h.execute("diff", h.acts.Diff, activities.DiffIn{Mailbox: b.id, Generation: b.generation, Round: b.fetched.Round, Check: b.check}, &d)
	if err != nil {
		return err
	}
	b.check = false
	b.diffed, b.applied, b.generation, b.held = d, activities.ApplyOut{}, max(b.generation, d.Generation), ""
	if d.State == store.PlanHeld || d.Held > 0 {
		b.held = d.Hash
	}
	switch {
	case d.State != store.PlanReady:
		b.stage = fetching
	case d.Writes > 0:
		b.stage = applying
	default:
		b.stage = settling
	}
	return nil
}

func (h *house) apply(b *box, n *news) error {
	var a activities.ApplyOut
	if err := h.execute("apply", h.acts.Apply, activities.ApplyIn{Mailbox: b.id, Plan: b.diffed.Plan, Generation: b.generation}, &a); err != nil {
		return err
	}
	b.applied, b.stage, n.written = a, settling, a.Done
	if a.Abandoned {
		b.stage, n.busy = fetching, true
	}
	return nil
}

func (h *house) record(b *box) error {
	a, d := b.applied, b.diffed
	h.note("%s wrote %d, refused %d, again %d (%v)", b.address, a.Done, a.Refused, a.Again, d.Counts.Sides)
	err := h.execute("settle", h.acts.Settle, activities.SettleIn{
		Mailbox: b.id, Plan: d.Plan, Round: b.fetched.Round, Started: b.began, Counts: d.Counts,
		Done: a.Done, Refused: a.Refused, Again: a.Again, Held: d.Held, Why: d.Why,
	}, nil)
	b.stage, b.check = fetching, a.Again > 0
	return err
}

// sweep is a feed pass and a round of every mailbox.
func (h *house) sweep() (busy bool) {
	h.t.Helper()
	busy = h.pass().busy
	for i := range h.boxes {
		busy = h.turn(i).busy || busy
	}
	for i := range 2 {
		busy = h.see(i) || busy
	}
	h.clock.advance(10 * time.Second)
	return busy
}

func (h *house) pass() news {
	h.where = place{kind: inFeed}
	defer func() { h.where = place{} }()
	return h.feed()
}

func (h *house) turn(i int) news {
	h.where = place{kind: inRound, box: i}
	defer func() { h.where = place{} }()
	n := h.round(h.boxes[i])
	h.clock.advance(time.Second)
	return n
}

// settle runs rounds until nothing happens any more, what reads do not show yet
// has shown, and what waited for a read that shows it has gone on.
func (h *house) settle() {
	h.t.Helper()
	h.calm()
	for lag, n := max(h.design.crm.Lag, h.design.mail.Lag), 0; lag > 0 && n < 3; n++ {
		h.clock.advance(lag)
		h.calm()
	}
}

// calm runs rounds until nothing happens, and wants the next one to be quiet.
func (h *house) calm() {
	h.t.Helper()
	longest := 15
	if h.design.crm.Lag+h.design.mail.Lag > 0 {
		longest = 30 // every answer comes a lag later
	}
	echoes := 0
	for range longest {
		before := h.asked()
		if h.sweep() {
			echoes = 0
			continue
		}
		loud := h.loud(before)
		if loud == "" {
			return
		}
		// The echo of our own writes may still have been read, and where a system
		// was restored a listing or two.
		if echoes++; echoes > 1+h.restores {
			h.t.Errorf("%s\n%s", loud, h.story())
			return
		}
	}
	for _, b := range h.boxes {
		h.note("%s: %s %s", b.address, b.state, b.trouble)
	}
	h.t.Errorf("not quiet after %d rounds\n%s", longest, h.story())
}

// command has a person's accepted request carried out.
func (h *house) command(name, verb, argument string) {
	h.t.Helper()
	b := h.box(name)
	r, err := h.db.AddRequest(context.Background(), store.Request{Mailbox: b.id, Verb: verb, Argument: argument, By: "test", At: h.clock.Now()})
	h.must(err)
	var out activities.ObeyOut
	h.until("obey", h.acts.Obey, activities.ObeyIn{Request: r.ID}, &out)
	b.state = out.State
	if out.Move {
		h.move(b, r.ID)
	}
	if out.Round {
		h.round(b)
		h.until("answer", h.acts.Answer, activities.AnswerIn{Mailbox: b.id, Requests: []string{r.ID}, Message: "done"}, nil)
	}
}

// until executes an activity until a workflow lives that hears the answer.
func (h *house) until(name string, fn, in, out any) {
	h.t.Helper()
	err := h.execute(name, fn, in, out)
	for errors.Is(err, errLost) {
		err = h.execute(name, fn, in, out)
	}
	h.must(err)
}

// move carries out a request that brings mailboxes under other addresses.
func (h *house) move(b *box, request string) {
	h.t.Helper()
	var out activities.MoveOut
	h.until("move", h.acts.Move, activities.MoveIn{Request: request}, &out)
	b.state = out.State
	for _, b := range h.boxes {
		m, err := h.db.Mailbox(context.Background(), b.id)
		h.must(err)
		b.address = m.Address
	}
}
