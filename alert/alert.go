// Package alert tells people of sync errors (requirement S-01): by e-mail, and
// programs by a webhook. It knows who is to hear of what, what a notice says, and
// how it is sent.
//
// What is told, and to whom, goes through an outbox in the store, so no alert is
// lost: one that is open, or over, is put into notices in one transaction with
// the mark that it was told; a notice is claimed before it is sent and finished
// with the server's answer. Whoever dies when, each alert is told at least once.
// It is told a second time only if a sender dies after the server took the
// message and before that was noted; the repeat has the same Message-ID (or
// webhook-id), by which many systems drop it. A mail server cannot be asked
// whether it took something, so more is not to be had.
//
// A notice holds neither item content nor secrets nor evidence, and goes to
// nobody but the owner of a connection, an administrator, and the user of the
// mailbox that it is about.
package alert

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Outbox is the part of the store that notices need.
type Outbox interface {
	store.Telling
	store.Proving
	Policies(ctx context.Context) ([]model.Policy, error)
}

// Post delivers alerts. Several may work on one store.
type Post struct {
	Outbox Outbox
	// Delivery says how; nil = as the store says.
	Delivery func(ctx context.Context) (model.Delivery, error)
	Log      *slog.Logger
	Now      func() time.Time
	// TLS is how servers are checked; nil = by the machine's authorities.
	TLS *tls.Config

	mu    sync.Mutex
	token string
	pause map[store.Channel]backoff
	// watched is when somebody last looked who is silent.
	watched time.Time
}

// backoff is how a server that does not work is spared: nobody tries it before
// then.
type backoff struct {
	failures int
	until    time.Time
}

const (
	// sendFor is how long one notice may take. A claim lasts longer, so that no
	// other sender takes a notice that is under way.
	sendFor  = 30 * time.Second
	claimFor = 2 * time.Minute
	// firstGap is the time before a failed notice is tried again; it doubles up to
	// longestGap. What failed for patience is given up.
	firstGap   = time.Minute
	longestGap = time.Hour
	patience   = 72 * time.Hour
	// aServerRests is the same for a server as a whole.
	aServerRests = 15 * time.Second
	longestRest  = 10 * time.Minute
	// perMinute is how many mails, and calls of a webhook, go out in a minute
	// (requirement D-44; Microsoft Learn, "Exchange Online limits": 30 messages
	// a minute).
	perMinute      = 30
	callsPerMinute = 60
)

// Told counts what one pass did.
type Told struct {
	Sent, Failed int // notices; a failed one may yet be tried again
}

// Run puts what is to be told into notices and sends what is due. It returns an
// error only where our own store does not work; what a server says stands at its
// notice.
func (p *Post) Run(ctx context.Context) (Told, error) {
	if err := p.Watch(ctx); err != nil {
		return Told{}, err
	}
	d, err := p.delivery(ctx)
	if err != nil || !d.Told() {
		return Told{}, err
	}
	if err := p.compose(ctx, d); err != nil {
		return Told{}, err
	}
	var out Told
	for _, s := range senders(d, p.TLS) {
		if err := p.send(ctx, d, s, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (p *Post) delivery(ctx context.Context) (model.Delivery, error) {
	if p.Delivery != nil {
		return p.Delivery(ctx)
	}
	return p.Outbox.Delivery(ctx)
}

// sender sends notices through one channel. Its errors are *fault.Fault: in
// scope Server the server does not work for anybody.
type sender struct {
	channel   store.Channel
	perMinute int
	send      func(ctx context.Context, n store.Notice, events []told) error
}

// senders are the channels that are set up.
func senders(d model.Delivery, t *tls.Config) []sender {
	var out []sender
	if d.Mail.URL != "" {
		limit := d.Mail.PerMinute
		if limit <= 0 {
			limit = perMinute
		}
		out = append(out, sender{channel: store.ByMail, perMinute: limit, send: func(ctx context.Context, n store.Notice, events []told) error {
			return mailer{server: d.Mail, tls: t}.send(ctx, letter{to: n.Recipient, id: n.ID, text: write(d, events)})
		}})
	}
	if d.Webhook.URL != "" {
		out = append(out, sender{channel: store.ByWebhook, perMinute: callsPerMinute, send: func(ctx context.Context, n store.Notice, events []told) error {
			return hook{webhook: d.Webhook, tls: t}.send(ctx, n.ID, payload(d, events))
		}})
	}
	return out
}

// send sends what is due in one channel. A server that does not work is left
// alone for a while, so that a thousand notices do not knock at it one by one.
func (p *Post) send(ctx context.Context, d model.Delivery, s sender, out *Told) error {
	for !p.resting(s.channel) {
		now := p.Now()
		n, err := p.Outbox.ClaimNotice(ctx, s.channel, p.name(), s.perMinute, now, now.Add(claimFor))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		events, err := p.events(ctx, n)
		if err != nil {
			return err
		}
		trial, cancel := context.WithTimeout(ctx, sendFor)
		err = s.send(trial, n, events)
		cancel()
		if ctx.Err() != nil && err != nil {
			// We are being stopped: nobody knows what became of it, so the claim is
			// left to end by itself.
			return ctx.Err()
		}
		// What the server said is noted even if we are being stopped.
		if err := p.finish(context.WithoutCancel(ctx), n, err, out); err != nil {
			return err
		}
	}
	return nil
}

// finish notes what became of an attempt.
func (p *Post) finish(ctx context.Context, n store.Notice, failed error, out *Told) error {
	n.State, n.Ended, n.Problem = store.NoticeSent, p.Now(), ""
	f := fault.Of(failed)
	if failed == nil {
		out.Sent++
		p.rests(n.Channel, false)
	} else {
		out.Failed++
		n = p.postpone(n, failed, f)
		p.rests(n.Channel, f != nil && f.Scope == fault.Server)
		p.Log.WarnContext(ctx, "a notice was not delivered", "notice", n.ID, "channel", n.Channel, "state", n.State, "attempt", n.Attempts, "issue", codeOf(f))
	}
	err := p.Outbox.FinishNotice(ctx, p.name(), n)
	if errors.Is(err, store.ErrStale) {
		return nil // it took longer than its claim; whoever has it now notes it
	}
	return err
}

// postpone decides when a notice is tried again, if ever.
func (p *Post) postpone(n store.Notice, failed error, f *fault.Fault) store.Notice {
	n.State, n.Problem, n.Ended = store.NoticeWaiting, failed.Error(), time.Time{}
	if f != nil && f.Evidence != "" {
		n.Problem += " The server said: " + f.Evidence
	}
	n.Due = p.Now().Add(min(firstGap<<min(n.Attempts-1, 10), longestGap))
	switch {
	case f != nil && f.Scope == fault.Item && f.Class == fault.Invalid:
		n.State, n.Ended = store.NoticeFailed, p.Now()
	case n.Due.Sub(n.Created) > patience:
		n.State, n.Ended, n.Problem = store.NoticeFailed, p.Now(), issue.Fault("alert.gave-up").Error()+" "+n.Problem
	}
	return n
}

func codeOf(f *fault.Fault) string {
	if f == nil {
		return ""
	}
	return f.Code
}

// name tells this sender from all others.
func (p *Post) name() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token == "" {
		p.token = rand.Text()
	}
	return p.token
}

func (p *Post) resting(c store.Channel) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Now().Before(p.pause[c].until)
}

// rests notes whether a channel's server works.
func (p *Post) rests(c store.Channel, broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pause == nil {
		p.pause = map[store.Channel]backoff{}
	}
	if !broken {
		delete(p.pause, c)
		return
	}
	b := p.pause[c]
	b.failures++
	b.until = p.Now().Add(min(aServerRests<<min(b.failures-1, 10), longestRest))
	p.pause[c] = b
}

// told is an event with its alert.
type told struct {
	store.Case
	over bool
}

// events loads what a notice tells of.
func (p *Post) events(ctx context.Context, n store.Notice) ([]told, error) {
	ids := make([]string, len(n.Events))
	for i, e := range n.Events {
		ids[i] = e.Alert
	}
	list, err := p.Outbox.Cases(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]store.Case, len(list))
	for _, c := range list {
		byID[c.ID] = c
	}
	var out []told
	for _, e := range n.Events {
		if c, ok := byID[e.Alert]; ok {
			out = append(out, told{Case: c, over: e.Over})
		}
	}
	return out, nil
}
