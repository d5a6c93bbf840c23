package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/engine"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// progress tells on the terminal how far each mailbox is: while its first sync
// runs, line by line as numbers change, later one line for each round that did
// something.
type progress struct {
	out   io.Writer
	store store.Store
	waker engine.Waker
	yes   bool // approve first syncs
	said  map[model.MailboxID]string
	round map[model.MailboxID]int64
	asked map[model.MailboxID]string
	began time.Time
}

// start runs p until ctx ends; the channel then has its error.
func start(ctx context.Context, p *progress) <-chan error {
	p.said, p.round, p.asked = map[model.MailboxID]string{}, map[model.MailboxID]int64{}, map[model.MailboxID]string{}
	p.began = time.Now()
	done := make(chan error, 1)
	go func() { done <- p.run(ctx) }()
	return done
}

func (p *progress) run(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := p.look(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *progress) look(ctx context.Context) error {
	mailboxes, err := p.store.Mailboxes(ctx, store.MailboxFilter{})
	if err != nil {
		return err
	}
	for _, m := range mailboxes {
		if m.State == model.Retired {
			continue
		}
		if err := p.mailbox(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (p *progress) mailbox(ctx context.Context, m model.Mailbox) error {
	if m.State != model.Active {
		p.say(m, fmt.Sprintf("%s: %s", m.State, m.Reason))
		return nil
	}
	if !m.Initialized {
		if err := p.first(ctx, m); err != nil {
			return err
		}
	}
	rounds, err := p.store.Rounds(ctx, m.ID, 5)
	if err != nil {
		return err
	}
	if _, seen := p.round[m.ID]; !seen && m.Initialized && len(rounds) > 0 && rounds[0].Ended.Before(p.began) {
		p.round[m.ID] = rounds[0].Number
		p.say(m, "was in step before; going on")
	}
	for i := len(rounds) - 1; i >= 0; i-- {
		r := rounds[i]
		if r.Number <= p.round[m.ID] {
			continue
		}
		p.round[m.ID] = r.Number
		if r.Done+r.Refused+r.Counts.Conflicts+r.Counts.Held > 0 {
			p.say(m, fmt.Sprintf("round %d: %s", r.Number, outcome(r)))
		}
	}
	return nil
}

// first tells how far a first sync is, and lets its plan go where -yes says so.
func (p *progress) first(ctx context.Context, m model.Mailbox) error {
	kinds, err := p.store.Progress(ctx, m.ID)
	if err != nil {
		return err
	}
	text := "first sync:"
	for _, k := range kinds {
		text += fmt.Sprintf(" %ss crm %d mailbox %d linked %d;", k.Kind, k.CRMItems, k.MailItems, k.Linked)
	}
	plan, err := p.store.Plan(ctx, m.ID)
	if errors.Is(err, store.ErrNotFound) {
		p.say(m, text)
		return nil
	}
	if err != nil {
		return err
	}
	if plan.State != store.PlanHeld {
		p.say(m, text)
		return nil
	}
	if p.yes && p.asked[m.ID] != plan.Hash {
		p.asked[m.ID] = plan.Hash
		return p.approve(ctx, m, plan)
	}
	if !p.yes {
		p.say(m, fmt.Sprintf("%s. Look: lockstep plan show %s   Let it go: lockstep plan approve %s %s", plan.Why, m.Address, m.Address, plan.Hash))
	}
	return nil
}

func (p *progress) approve(ctx context.Context, m model.Mailbox, plan store.PlanRow) error {
	r, err := p.store.AddRequest(ctx, store.Request{Mailbox: m.ID, Verb: activities.VerbApprove, Argument: plan.Hash, By: "standalone -yes", At: time.Now()})
	if err != nil {
		return err
	}
	return p.waker.Request(ctx, r)
}

func (p *progress) say(m model.Mailbox, text string) {
	if p.said[m.ID] == text {
		return
	}
	p.said[m.ID] = text
	fmt.Fprintf(p.out, "%s  %-28s %s\n", time.Now().Format("15:04:05"), m.Address, text)
}

// outcome sums up a round in words.
func outcome(r store.Round) string {
	text := fmt.Sprintf("%d matched", r.Counts.Matched)
	for _, side := range []model.Side{model.CRM, model.Mail} {
		name := "in the CRM"
		if side == model.Mail {
			name = "in the mailbox"
		}
		for _, a := range []struct {
			action model.Action
			word   string
		}{{model.Create, "created"}, {model.Update, "updated"}, {model.Delete, "deleted"}} {
			n := 0
			for _, k := range model.Kinds() {
				n += r.Counts.Sides[side][k][a.action]
			}
			if n > 0 {
				text += fmt.Sprintf(", %d %s %s", n, a.word, name)
			}
		}
	}
	if r.Counts.Conflicts > 0 {
		text += fmt.Sprintf(", %d edit conflicts (lockstep conflict list)", r.Counts.Conflicts)
	}
	if r.Refused > 0 {
		text += fmt.Sprintf(", %d refused (lockstep issue list)", r.Refused)
	}
	if r.Counts.Held > 0 {
		text += fmt.Sprintf(", %d deletions wait for approval: %s", r.Counts.Held, r.Note)
	}
	return text
}
