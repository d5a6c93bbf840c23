package alert

import (
	"context"
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// watchGap is the time between two looks who is silent.
const watchGap = time.Minute

// ahead is how long before credentials expire somebody is told (requirement B23).
const ahead = 14 * 24 * time.Hour

// Watch raises and ends freshness alarms (requirement B11) and warnings of
// credentials that expire soon, at most once a minute.
func (p *Post) Watch(ctx context.Context) error {
	now := p.Now()
	p.mu.Lock()
	due := now.Sub(p.watched) >= watchGap
	if due {
		p.watched = now
	}
	p.mu.Unlock()
	if !due {
		return nil
	}
	policies, err := p.Outbox.Policies(ctx)
	if err != nil {
		return err
	}
	raised, ended, err := p.Outbox.CheckFreshness(ctx, watching(policies), now)
	if err == nil && raised+ended > 0 {
		p.Log.WarnContext(ctx, "freshness alarms", "raised", raised, "ended", ended)
	}
	return err
}

// watching is what the policies say. A mailbox whose round was due one interval
// after its last success is told of stale_after intervals after that success; it
// counts towards its connection an interval earlier.
func watching(policies []model.Policy) store.Watch {
	w := store.Watch{Intervals: map[string]store.Patience{}}
	for _, p := range policies {
		p = p.Complete()
		one := time.Duration(p.Interval)
		late := time.Duration(p.StaleAfter-1) * one
		w.Intervals[p.Name] = store.Patience{Late: late, Early: max(late-one, one/2)}
	}
	w.Expiry = store.Dated{Code: "credentials.expire", Message: issue.Message("credentials.expire"), Ahead: ahead}
	for _, s := range []struct {
		said *store.Said
		code string
	}{{&w.Mailbox, "engine.stale"}, {&w.System, "engine.stale-connection"}, {&w.Feed, "engine.stale-feed"}} {
		*s.said = store.Said{Code: s.code, Message: issue.Message(s.code)}
	}
	return w
}
