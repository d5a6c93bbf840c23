package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep.dev/activities"
	"lockstep.dev/model"
)

// longest is how long a run lasts before it continues as new, so that new code
// rolls out and old branches can be deleted.
const longest = 24 * time.Hour

// Mailbox keeps one mailbox in step: fetch, diff, apply, settle, then wait for
// a timer or a message.
func Mailbox(ctx workflow.Context, s MailboxState) error {
	m := &mailbox{MailboxState: s, phase: "starting"}
	if m.State == "" {
		m.State = model.Active
	}
	if err := m.setup(ctx); err != nil {
		return err
	}
	return m.run(ctx)
}

type mailbox struct {
	MailboxState
	phase   string
	round   int64
	rounds  int
	last    string // the last round that did something, in words
	trouble string

	woken   bool     // something is pending
	waiting []string // requests that the next round answers
	show    bool     // the next round is a dry run
	check   bool     // the last round met items that were not as we knew them
	// interrupted: the round's writes were broken off by a crash.
	interrupted bool
	waits       bool          // a system cannot be used, so the round did nothing
	asked       bool          // a person waits for this round
	cancel      func()        // cancels the activity that runs or waits for its next attempt
	next        time.Duration // time to the next round
	started     time.Time     // of this run
	acts        *activities.Activities
}

func (m *mailbox) setup(ctx workflow.Context) error {
	m.started = workflow.Now(ctx)
	workflow.Go(ctx, m.listen)
	return workflow.SetQueryHandler(ctx, QueryStatus, func() (Status, error) {
		return Status{
			State: string(m.State), Phase: m.phase, Round: m.round, Generation: m.Generation,
			Rounds: m.rounds, LastRound: m.last, Trouble: m.trouble,
		}, nil
	})
}

// listen only flips fields; the loop acts on them. A request may not wait for
// an attempt that is minutes away, so it cancels the one under way.
func (m *mailbox) listen(ctx workflow.Context) {
	wake := workflow.GetSignalChannel(ctx, SignalWake)
	requests := workflow.GetSignalChannel(ctx, SignalRequest)
	for {
		workflow.NewSelector(ctx).
			AddReceive(wake, func(c workflow.ReceiveChannel, _ bool) {
				c.Receive(ctx, nil)
				m.woken = true
			}).
			AddReceive(requests, func(c workflow.ReceiveChannel, _ bool) {
				var r Request
				c.Receive(ctx, &r)
				m.Requests = append(m.Requests, r)
				if m.cancel != nil && (m.phase != "apply" || urgent(r)) {
					m.cancel()
				}
			}).
			Select(ctx)
		if ctx.Err() != nil {
			return
		}
	}
}

// urgent requests interrupt even a write under way; what it did is found by the
// next fetch.
func urgent(r Request) bool {
	return r.Verb == activities.VerbPause || r.Verb == activities.VerbRemove || r.Verb == activities.VerbRevoke
}

func (m *mailbox) run(ctx workflow.Context) error {
	for {
		if err := m.obey(ctx); err != nil {
			return err
		}
		if m.State == model.Retired {
			m.describe(ctx)
			return nil
		}
		if m.State == model.Active || m.show {
			if err := m.oneRound(ctx); err != nil {
				return err
			}
		}
		m.describe(ctx)
		if m.renewing(ctx) && len(m.waiting) == 0 {
			return m.continueAsNew(ctx)
		}
		if err := m.wait(ctx); err != nil {
			return err
		}
	}
}

// wait waits for the next round: a timer or a message. A mailbox that is not
// active waits for a message only.
func (m *mailbox) wait(ctx workflow.Context) error {
	m.phase = "waiting"
	ready := func() bool { return m.woken && m.State == model.Active || len(m.Requests) > 0 }
	until, summary := m.next, "until the next round"
	if m.State != model.Active {
		until, summary = longest, "until somebody resumes the mailbox"
	}
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: until, TimerOptions: workflow.TimerOptions{Summary: summary},
	}, ready)
	return err
}

// renewing reports whether this run is long enough.
func (m *mailbox) renewing(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested() || workflow.Now(ctx).Sub(m.started) >= longest
}

// continueAsNew starts a fresh run, with what arrived in the meantime.
func (m *mailbox) continueAsNew(ctx workflow.Context) error {
	m.drain(ctx)
	return workflow.NewContinueAsNewError(ctx, Mailbox, m.MailboxState)
}

// drain takes what the listener has not seen yet; it never blocks.
func (m *mailbox) drain(ctx workflow.Context) {
	for workflow.GetSignalChannel(ctx, SignalWake).ReceiveAsync(nil) {
		m.woken = true
	}
	for {
		var r Request
		if !workflow.GetSignalChannel(ctx, SignalRequest).ReceiveAsync(&r) {
			return
		}
		m.Requests = append(m.Requests, r)
	}
}

// obey carries out accepted requests, in order.
func (m *mailbox) obey(ctx workflow.Context) error {
	for len(m.Requests) > 0 {
		r := m.Requests[0]
		var out activities.ObeyOut
		err := workflow.ExecuteActivity(quick(ctx, r.Verb), m.acts.Obey, activities.ObeyIn{Request: r.ID}).Get(ctx, &out)
		m.Requests = m.Requests[1:]
		if err != nil {
			m.trouble = troubleOf(err).Message
			continue
		}
		m.setState(ctx, out.State)
		if out.Move {
			m.move(ctx, r)
		}
		if out.Round {
			m.waiting = append(m.waiting, r.ID)
			m.woken = true
			m.show = m.show || out.Verb == activities.VerbShow
		}
	}
	return nil
}

func (m *mailbox) setState(ctx workflow.Context, s model.MailboxState) {
	if s == "" || s == m.State {
		return
	}
	m.State = s
	m.publish(ctx)
}

// publish writes the search attributes; it is called where one changed.
func (m *mailbox) publish(ctx workflow.Context) {
	// An attribute that the namespace lacks must not stop a mailbox.
	_ = workflow.UpsertTypedSearchAttributes(ctx,
		keyword("LockstepState").ValueSet(string(m.State)),
		keyword("LockstepPolicy").ValueSet(m.Policy),
		keyword("LockstepConnection").ValueSet(m.Connection),
		temporal.NewSearchAttributeKeyInt64("LockstepIssues").ValueSet(m.Issues),
	)
}

// step runs one activity so that a request can cancel it.
func (m *mailbox) step(ctx workflow.Context, phase string, run func(ctx workflow.Context) workflow.Future, out any) error {
	m.phase = phase
	sub, cancel := workflow.WithCancel(ctx)
	m.cancel = cancel
	defer func() { m.cancel = nil }()
	if len(m.Requests) > 0 && phase != "settle" {
		cancel()
		return temporal.NewCanceledError()
	}
	return run(sub).Get(ctx, out)
}

// troubleOf reads what the interceptor wrote into an activity's error.
func troubleOf(err error) activities.Trouble {
	var app *temporal.ApplicationError
	t := activities.Trouble{Message: err.Error()}
	if asApplication(err, &app) && app.HasDetails() {
		if app.Details(&t) != nil {
			return activities.Trouble{Message: app.Message()}
		}
	}
	return t
}

func (m *mailbox) describe(ctx workflow.Context) {
	text := fmt.Sprintf("**%s**, %d rounds, generation %d.", m.State, m.round, m.Generation)
	if m.last != "" {
		text += "\n\nLast round that did something: " + m.last
	}
	if m.trouble != "" {
		text += "\n\n**Trouble:** " + m.trouble
	}
	workflow.SetCurrentDetails(ctx, text)
}
