package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Standing implements store.Counting.
func (s *Store) Standing(ctx context.Context) (store.Standing, error) {
	return within(ctx, s, func() (store.Standing, error) {
		waits := map[model.MailboxID]bool{}
		for k, p := range s.pending.all() {
			if p.state == fresh {
				waits[k.mailbox] = true
			}
		}
		counted := map[store.MailboxCount]int{}
		behind := map[string]store.Behind{}
		for _, m := range s.mailboxes.all() {
			c, _ := s.connections.get(name(m.Mail))
			counted[store.MailboxCount{Connection: c.Name, State: m.State}]++
			if m.State == model.Active {
				behind[c.Name] = further(behind[c.Name], c.Name, m.Mailbox, waits[m.ID])
			}
		}
		var out store.Standing
		for k, n := range counted {
			k.Number = n
			out.Mailboxes = append(out.Mailboxes, k)
		}
		slices.SortFunc(out.Mailboxes, func(a, b store.MailboxCount) int {
			return strings.Compare(a.Connection+"\x00"+string(a.State), b.Connection+"\x00"+string(b.State))
		})
		for _, c := range slices.Sorted(maps.Keys(behind)) {
			out.Behind = append(out.Behind, behind[c])
		}
		issues, alerts := map[string]int{}, map[string]int{}
		for _, i := range s.issues.all() {
			if i.Open {
				issues[i.Code]++
			}
		}
		for _, a := range s.alerts.all() {
			if a.State == store.AlertOpen {
				alerts[a.Code]++
			}
		}
		out.Issues, out.Alerts = byCode(issues), byCode(alerts)
		return out, nil
	})
}

// further adds one mailbox to how far a connection's are behind.
func further(b store.Behind, connection string, m model.Mailbox, waits bool) store.Behind {
	at := m.LastSuccess
	if at.IsZero() {
		at = m.Created
	}
	earlier := func(t time.Time) time.Time {
		if t.IsZero() || at.Before(t) {
			return at
		}
		return t
	}
	b.Connection, b.Success = connection, earlier(b.Success)
	if waits {
		b.Waiting = earlier(b.Waiting)
	}
	return b
}

func byCode(counted map[string]int) []store.CodeCount {
	var out []store.CodeCount
	for _, code := range slices.Sorted(maps.Keys(counted)) {
		out = append(out, store.CodeCount{Code: code, Count: counted[code]})
	}
	return out
}
