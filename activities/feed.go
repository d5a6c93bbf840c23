package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// FeedIn asks for a CRM connection's changes.
type FeedIn struct{ Connection model.ConnectionID }

// FeedOut says how a pass went and when to come again.
type FeedOut struct {
	Pass    int64
	Changed int
	Absent  int
	Woken   int
	Next    time.Duration
	Down    bool // the system cannot be used: nothing was asked
	Rousing bool // mailboxes that waited for it come back, one after the other
}

// settleGap is the time between feed passes while an absence ages.
const settleGap = 2 * time.Second

// Feed reads a CRM once for all its mailboxes (design decision 3), routes what
// changed to those concerned and wakes them. A connection that is down is asked
// nothing; of a mail server there is nothing to read here.
func (a *Activities) Feed(ctx context.Context, in FeedIn) (FeedOut, error) {
	c, err := a.Store.Connection(ctx, in.Connection)
	if err != nil {
		return FeedOut{}, err
	}
	if c.Circuit.Down() {
		return FeedOut{Pass: c.Pass, Down: true}, nil
	}
	out := FeedOut{Next: rediscover} // a mailbox is read in its own rounds
	if c.Side == model.CRM {
		out, err = a.feed(ctx, in, true, false)
	}
	out.Rousing = a.Now().Before(c.Circuit.Calm)
	return out, err
}

// feed is one pass; in the middle of a mailbox's round nothing is audited.
func (a *Activities) feed(ctx context.Context, in FeedIn, audits, check bool) (FeedOut, error) {
	c, err := a.Store.Connection(ctx, in.Connection)
	if err != nil {
		return FeedOut{}, err
	}
	s, err := a.openCRM(ctx, c)
	if err != nil {
		return FeedOut{}, err
	}
	defer s.Close()
	collections, err := a.collections(ctx, s, c.ID, "")
	if err != nil {
		return FeedOut{}, err
	}
	begun := a.Now()
	if c.Behind {
		if err := a.Store.Reread(ctx, c.ID, ""); err != nil {
			return FeedOut{}, err
		}
		if collections, err = a.Store.Collections(ctx, c.ID, ""); err != nil {
			return FeedOut{}, err
		}
	}
	levels := crmPrivacy{store: a.Store, connection: c.ID}
	r := reader{a: a, s: s, connection: c.ID, holds: levels.holds, check: check || c.Pass%checkEvery == 0}
	switch err := r.all(ctx, collections); {
	case errors.Is(err, store.ErrStale):
		// Somebody else reads this CRM at the moment; once is enough.
		return FeedOut{Next: settleGap}, a.Waker.WakeMailboxes(ctx, distinct(r.woken))
	case err != nil:
		return FeedOut{}, err
	}
	if audits && complete(collections) && due(a.Now(), c.AuditAt) {
		if _, err := r.audit(ctx, nil); err != nil && !errors.Is(err, store.ErrStale) {
			return FeedOut{}, err
		}
	}
	if err := r.doubted(ctx); err != nil && !errors.Is(err, store.ErrStale) {
		return FeedOut{}, err
	}
	return a.endPass(ctx, c, r, begun)
}

// complete reports whether every collection was listed to its end.
func complete(all []store.Collection) bool {
	return !slices.ContainsFunc(all, func(c store.Collection) bool { return !c.Missing && !c.Complete })
}

func (a *Activities) endPass(ctx context.Context, c model.Connection, r reader, begun time.Time) (FeedOut, error) {
	pass, ageing, err := a.Store.FinishPass(ctx, c.ID, begun)
	if err != nil {
		return FeedOut{}, err
	}
	if r.changed > 0 {
		if err := a.Store.Relieve(ctx, c, a.Now()); err != nil {
			return FeedOut{}, err
		}
	}
	woken := distinct(r.woken)
	out := FeedOut{Pass: pass, Changed: r.changed, Absent: r.absent, Woken: len(woken), Next: c.Every}
	if out.Next <= 0 {
		out.Next = time.Minute
	}
	if ageing {
		out.Next = min(out.Next, settleGap)
	}
	return out, a.Waker.WakeMailboxes(ctx, woken)
}

func distinct(ids []model.MailboxID) []model.MailboxID {
	slices.Sort(ids)
	return slices.Compact(ids)
}
