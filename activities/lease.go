package activities

import (
	"context"
	"errors"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// lease is the right to write for one mailbox (design decision 7). Its token
// names one attempt of one activity, so an old attempt that goes on is told by
// its own token that it has been overtaken.
type lease struct {
	a       *Activities
	mailbox model.MailboxID
	token   string
}

// lease takes the mailbox's lease, waiting for one that a dead attempt left.
func (a *Activities) lease(ctx context.Context, id model.MailboxID) (*lease, error) {
	l := &lease{a: a, mailbox: id, token: a.attempt(ctx).Token}
	for {
		until, err := a.Store.Lease(ctx, id, l.token, a.Now(), a.Now().Add(a.LeaseFor))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, store.ErrStale) {
			return nil, err
		}
		if err := a.pause(ctx, until.Sub(a.Now())+50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// renew extends the lease and returns a context that ends before it does, for
// the remote calls it protects.
func (l *lease) renew(ctx context.Context) (context.Context, context.CancelFunc, error) {
	ends := l.a.Now().Add(l.a.LeaseFor)
	if err := l.a.Store.Renew(ctx, l.mailbox, l.token, ends); err != nil {
		return nil, nil, err
	}
	bound, cancel := context.WithTimeout(ctx, l.a.LeaseFor*9/10)
	return bound, cancel, nil
}

// release gives the lease back, also when the activity was cancelled.
func (l *lease) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := l.a.Store.Release(ctx, l.mailbox, l.token); err != nil {
		l.a.Log.WarnContext(ctx, "lease not released; it will expire", "mailbox", l.mailbox, "error", err)
	}
}

func (a *Activities) pause(ctx context.Context, d time.Duration) error {
	if a.Pause != nil {
		return a.Pause(ctx, d)
	}
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
