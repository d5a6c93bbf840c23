package alert

import (
	"context"
	"errors"
	"slices"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const (
	// fold is the least time between two notices to one recipient.
	fold = 10 * time.Minute
	// page is how many alerts become notices in one transaction.
	page = 500
	// perCall is how many events one call of the webhook carries at most.
	perCall = page
)

// compose puts everything that is to be told into notices. A recipient's first
// notice goes at once; what comes within the fold after it waits and is told
// together, so a storm is a handful of mails and a flapping server no flood.
func (p *Post) compose(ctx context.Context, d model.Delivery) error {
	list, err := p.Outbox.Policies(ctx)
	if err != nil {
		return err
	}
	policies := make(map[string]model.Policy, len(list))
	for _, one := range list {
		policies[one.Name] = one
	}
	for {
		cases, err := p.Outbox.Untold(ctx, page)
		if err != nil || len(cases) == 0 {
			return err
		}
		b, err := p.batch(ctx, d)
		if err != nil {
			return err
		}
		for _, c := range cases {
			b.add(c, recipients(c, policies[c.Policy], d))
		}
		err = p.Outbox.Tell(ctx, b.notices(), b.unheard, b.now)
		if errors.Is(err, store.ErrStale) {
			return nil // somebody else tells them, or the next pass does
		}
		if err != nil {
			return err
		}
	}
}

// batch collects events by recipient.
type batch struct {
	delivery model.Delivery
	now      time.Time
	open     map[address]store.Notice // waiting and not tried yet
	last     map[address]time.Time    // when the last one was made
	made     []store.Notice
	at       map[address]int
	unheard  []store.Event
}

type address struct {
	channel   store.Channel
	recipient string
}

func (p *Post) batch(ctx context.Context, d model.Delivery) (*batch, error) {
	b := &batch{delivery: d, now: p.Now(), open: map[address]store.Notice{}, last: map[address]time.Time{}, at: map[address]int{}}
	recent, err := p.Outbox.Notices(ctx, store.NoticeFilter{Since: b.now.Add(-b.fold())})
	for _, n := range recent { // newest first
		to := address{n.Channel, n.Recipient}
		if _, seen := b.last[to]; !seen {
			b.last[to] = n.Due
		}
		if n.State == store.NoticeWaiting && n.Attempts == 0 && (n.Channel == store.ByMail || len(n.Events) < perCall) {
			b.open[to] = n
		}
	}
	return b, err
}

func (b *batch) fold() time.Duration {
	if b.delivery.Fold > 0 {
		return time.Duration(b.delivery.Fold)
	}
	return fold
}

// add puts an alert's event into the notices of those who hear of it.
func (b *batch) add(c store.Case, mails []string) {
	e := store.Event{Alert: c.ID, Over: c.State == store.AlertOver}
	heard := false
	if b.delivery.Mail.URL != "" {
		for _, to := range mails {
			b.put(address{store.ByMail, to}, e)
			heard = true
		}
	}
	if b.delivery.Webhook.URL != "" {
		b.put(address{store.ByWebhook, ""}, e)
		heard = true
	}
	if !heard {
		b.unheard = append(b.unheard, e)
	}
}

func (b *batch) put(to address, e store.Event) {
	i, ok := b.at[to]
	if !ok {
		i = len(b.made)
		b.at[to] = i
		n := store.Notice{Channel: to.channel, Recipient: to.recipient, Due: b.now}
		if waiting, ok := b.open[to]; ok {
			n.ID = waiting.ID
		} else if last, ok := b.last[to]; ok && to.channel == store.ByMail {
			n.Due = later(b.now, last.Add(b.fold()))
		}
		b.made = append(b.made, n)
	}
	b.made[i].Events = append(b.made[i].Events, e)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (b *batch) notices() []store.Notice { return b.made }

// recipients are the addresses that hear of an alert, folded: of a connection's
// its owner (design decision 11); of a mailbox's the connection's owner
// (requirement D-34) and, as the policy says, the user or their administrator
// (L-09). Who would read of it only in the very mailbox that does not work
// cannot be reached there, so the administrator is told; where only our sign-in
// is refused the user is told as well, because the renewal is theirs to do and
// their own program may still open the mailbox (L-17).
func recipients(c store.Case, p model.Policy, d model.Delivery) []string {
	var out []string
	add := func(list ...string) {
		for _, a := range list {
			if a != "" {
				a = model.FoldAddress(a)
				if !slices.Contains(out, a) {
					out = append(out, a)
				}
				return
			}
		}
	}
	if c.Mailbox == "" {
		add(c.Owner, d.Admin)
		return out
	}
	admin := func() { add(p.Admin, d.Admin, c.Owner) }
	switch {
	case p.Alert == model.AlertAdmin:
		admin()
	case !broken(c):
		add(c.Address)
	default:
		admin()
		if signIn(c) {
			add(c.Address)
		}
	}
	add(c.Owner, d.Admin)
	return out
}

// broken reports whether an alert puts the mailbox itself in doubt.
func broken(c store.Case) bool { return c.Side != model.CRM && c.Workload != store.Credentials }

// signIn reports whether the alert says that we are not let in.
func signIn(c store.Case) bool {
	e, ok := issue.Lookup(c.Code)
	return ok && e.Class == fault.Auth
}
