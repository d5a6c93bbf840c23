package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// oneRound runs a round and answers the requests that waited for it. An error
// ends the round, never the workflow.
func (m *mailbox) oneRound(ctx workflow.Context) error {
	m.woken = false
	requests, show := m.waiting, m.show
	m.interrupted, m.waits, m.asked = false, false, len(requests) > 0
	m.waiting, m.show = nil, false
	answer, err := m.round4(ctx, show)
	if temporal.IsCanceledError(err) {
		if ctx.Err() != nil {
			return err
		}
		// A request came in between: it is carried out first, then the round
		// is taken up again.
		m.waiting, m.show, m.woken, m.next = append(requests, m.waiting...), show, true, 0
		return nil
	}
	if err != nil {
		answer = m.fail(ctx, err)
	}
	if m.waits && m.State == model.Active { // what they asked for is done when the system works again
		m.waiting, m.show = append(requests, m.waiting...), m.show || show
		return nil
	}
	if m.interrupted && len(requests) > 0 && workflow.GetVersion(ctx, changeAnswerLater, workflow.DefaultVersion, 1) >= 1 {
		// What they asked for is done only in part; the next round goes on.
		m.waiting, m.show = append(requests, m.waiting...), m.show || show
		return nil
	}
	return m.answer(ctx, requests, answer, err != nil || m.waits)
}

// round4 is fetch, diff, apply and settle; it returns what happened in words.
func (m *mailbox) round4(ctx workflow.Context, show bool) (string, error) {
	began := workflow.Now(ctx)
	f, err := m.fetch(ctx, show)
	if err != nil || f.State != model.Active && !show {
		return fmt.Sprintf("The mailbox is %s.", f.State), err
	}
	if f.Waits {
		m.waits = true
		return f.Trouble, nil
	}
	if !f.Work {
		return idle(f), nil
	}
	var d activities.DiffOut
	err = m.step(ctx, "diff", func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(quick(ctx, "decide what to write"), m.acts.Diff,
			activities.DiffIn{Mailbox: m.Mailbox, Generation: m.Generation, Round: f.Round, Show: show, Check: m.check})
	}, &d)
	if err != nil {
		return "", err
	}
	m.Generation, m.check = max(m.Generation, d.Generation), false
	if d.State != store.PlanReady {
		return m.held(d), nil
	}
	return m.write(ctx, began, f, d)
}

func (m *mailbox) fetch(ctx workflow.Context, show bool) (activities.FetchOut, error) {
	var f activities.FetchOut
	err := m.step(ctx, "fetch", func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(remote(ctx, "read what changed"), m.acts.Fetch,
			activities.FetchIn{Mailbox: m.Mailbox, Generation: m.Generation, Look: m.Look > 0, Show: show, Check: m.check, Asked: m.asked})
	}, &f)
	if err != nil {
		return f, err
	}
	if f.State == "" {
		f.State = m.State
	}
	if f.State != m.State || f.Policy != m.Policy || f.Connection != m.Connection {
		m.State, m.Policy, m.Connection = f.State, f.Policy, f.Connection
		m.publish(ctx)
	}
	m.Generation, m.next, m.round = max(m.Generation, f.Generation), f.Next, f.Round
	m.rounds++
	m.trouble = f.Trouble
	switch {
	case f.Restored:
		m.Look = f.SettleFor
	case m.Look > 0:
		m.Look--
	}
	return f, nil
}

// write applies a plan and settles the round.
func (m *mailbox) write(ctx workflow.Context, began time.Time, f activities.FetchOut, d activities.DiffOut) (string, error) {
	var a activities.ApplyOut
	if d.Writes > 0 {
		err := m.step(ctx, "apply", func(ctx workflow.Context) workflow.Future {
			return workflow.ExecuteActivity(apply(ctx, fmt.Sprintf("write %d changes", d.Writes)), m.acts.Apply,
				activities.ApplyIn{Mailbox: m.Mailbox, Plan: d.Plan, Generation: m.Generation})
		}, &a)
		if err != nil {
			return "", err
		}
	}
	if a.Abandoned {
		m.woken, m.next, m.interrupted = true, 0, true
		return "An earlier attempt was interrupted; reading again before going on.", nil
	}
	var s activities.SettleOut
	err := m.step(ctx, "settle", func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(quick(ctx, "record the round"), m.acts.Settle, activities.SettleIn{
			Mailbox: m.Mailbox, Plan: d.Plan, Round: f.Round, Started: began, Counts: d.Counts,
			Done: a.Done, Refused: a.Refused, Again: a.Again, Held: d.Held, Why: d.Why,
		})
	}, &s)
	if err != nil {
		return "", err
	}
	m.next, m.check = s.Next, a.Again > 0
	m.issues(ctx, s.OpenIssues)
	text := fmt.Sprintf("%d written, %d refused, %d waiting for approval (%s).", a.Done, a.Refused, d.Held, words(d.Counts))
	switch {
	case f.Noticed != "":
		text = f.Noticed + " " + text
	case d.Why != "" && d.Held == 0:
		text = d.Why + ": " + text
	}
	if a.Done+a.Refused+d.Held > 0 {
		m.last = fmt.Sprintf("round %d at %s: %s", f.Round, began.UTC().Format("2006-01-02 15:04:05 UTC"), text)
	}
	return text, nil
}

func (m *mailbox) issues(ctx workflow.Context, open int) {
	if int64(open) != m.Issues {
		m.Issues = int64(open)
		m.publish(ctx)
	}
}

// held says what waits.
func (m *mailbox) held(d activities.DiffOut) string {
	if d.State == store.PlanShown {
		return fmt.Sprintf("Plan %s: %s.", d.Hash, words(d.Counts))
	}
	m.last = fmt.Sprintf("plan %s waits for approval: %s (%s)", d.Hash, d.Why, words(d.Counts))
	return fmt.Sprintf("Plan %s waits for approval: %s.", d.Hash, d.Why)
}

func idle(f activities.FetchOut) string {
	switch {
	case f.Noticed != "":
		return f.Noticed
	case f.LookOnly:
		return "Read only: looking before writing."
	case f.Unread:
		return "The CRM has not been read in full yet. Until it has, nothing can be matched, so nothing is planned or written; look again in a while."
	case f.Held:
		return "A plan waits for approval."
	default:
		return "Nothing to do: both sides agree."
	}
}

// words sums up a plan for people, in a fixed order.
func words(c plan.Counts) string {
	text := fmt.Sprintf("%d looked at, %d matched", c.Items, c.Matched)
	for _, side := range []model.Side{model.CRM, model.Mail} {
		for _, action := range []model.Action{model.Create, model.Update, model.Delete} {
			n := 0
			for _, kind := range model.Kinds() {
				n += c.Sides[side][kind][action]
			}
			if n > 0 {
				text += fmt.Sprintf(", %s %d on the %s side", action, n, side)
			}
		}
	}
	if c.Conflicts > 0 {
		text += fmt.Sprintf(", %d edit conflicts", c.Conflicts)
	}
	if c.Issues > 0 {
		text += fmt.Sprintf(", %d issues", c.Issues)
	}
	return text
}

// fail records a fault that no attempt can mend: it disables the mailbox where
// somebody must act, otherwise the next round tries again.
func (m *mailbox) fail(ctx workflow.Context, err error) string {
	t := troubleOf(err)
	m.trouble, m.next = t.Message, 5*time.Minute
	if typeOf(err) == "Gone" {
		m.State = model.Retired
		return "The mailbox is not known any more."
	}
	if t.Waits { // the next fetch says until when
		m.waits, m.woken, m.next = true, true, 0
		return t.Message
	}
	if !t.Stops() {
		return t.Message
	}
	stop := activities.StopIn{Mailbox: m.Mailbox, Side: t.Side, Phase: t.Phase, Code: t.Code, Message: t.Message}
	if workflow.ExecuteActivity(quick(ctx, "disable"), m.acts.Stop, stop).Get(ctx, nil) == nil {
		m.setState(ctx, model.Disabled)
	}
	return "The mailbox was disabled: " + t.Message
}

func (m *mailbox) answer(ctx workflow.Context, requests []string, message string, refused bool) error {
	if len(requests) == 0 {
		return nil
	}
	return workflow.ExecuteActivity(quick(ctx, "answer"), m.acts.Answer, activities.AnswerIn{
		Mailbox: m.Mailbox, Requests: requests, Message: message, Refused: refused,
	}).Get(ctx, nil)
}

func asApplication(err error, app **temporal.ApplicationError) bool { return errors.As(err, app) }

func typeOf(err error) string {
	var app *temporal.ApplicationError
	if asApplication(err, &app) {
		return app.Type()
	}
	return ""
}
