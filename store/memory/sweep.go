package memory

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Sweep implements store.Upkeep. There is no limit here: nobody waits. Bodies
// have no time at which they were named.
func (s *Store) Sweep(ctx context.Context, now time.Time, _ int) (int64, error) {
	return within(ctx, s, func() (int64, error) {
		before := s.size()
		day, month := now.Add(-24*time.Hour), now.Add(-30*24*time.Hour)
		dropWhere(&s.plans, func(_ name, p planRow) bool {
			m, _ := s.mailboxes.get(name(p.Mailbox))
			overtaken := !p.ready && (p.State == store.PlanDropped || p.State == store.PlanShown) && p.At.Before(day)
			old := overtaken || (p.State == store.PlanDone || p.State == store.PlanDropped) && p.At.Before(month)
			return old && m.plan != p.ID
		})
		dropWhere(&s.operations, func(k writeKey, _ operation) bool {
			_, known := s.plans.get(name(k.plan))
			return !known
		})
		last := map[model.MailboxID]int64{}
		for k := range s.rounds.all() {
			last[k.mailbox] = max(last[k.mailbox], k.number)
		}
		dropWhere(&s.rounds, func(k roundKey, r store.Round) bool { return r.Ended.Before(month) && k.number < last[k.mailbox] })
		dropWhere(&s.requests, func(_ name, r store.Request) bool { return r.Outcome != store.RequestOpen && r.At.Before(month) })
		dropWhere(&s.issues, func(_ issueKey, i issue) bool {
			return i.State == store.IssueResolved && i.Closed.Before(now.Add(-store.KeepIssues))
		})
		s.dropEvents(func(e store.Event) bool {
			a, ok := s.alerts.get(name(e.Alert))
			return !ok || a.State == store.AlertOver && a.Over.Before(now.Add(-store.KeepIssues))
		})
		dropWhere(&s.notices, func(_ name, n notice) bool { return len(n.Events) == 0 && n.Created.Before(now.Add(-store.KeepIssues)) })
		dropWhere(&s.alerts, func(_ name, a store.Alert) bool {
			return a.State == store.AlertOver && a.Over.Before(now.Add(-store.KeepIssues))
		})
		dropWhere(&s.observations, func(k itemKey, o observation) bool {
			return o.absent == gone && o.applied.Before(day) && !s.linksItem(k, o.entity)
		})
		dropWhere(&s.access, func(k itemKey, _ []model.Access) bool {
			_, known := s.observations.get(k)
			return !known
		})
		dropWhere(&s.verdicts, func(_ itemKey, v ruling) bool { return v.at.Before(now.Add(-90 * 24 * time.Hour)) })
		s.dropBodies()
		return before - s.size(), nil
	})
}

// linksItem reports whether any link holds an item.
func (s *Store) linksItem(k itemKey, e model.EntityID) bool {
	if !k.crm() {
		_, ok := s.linkOf(k.mailbox, model.Mail, k.kind, k.id)
		return ok
	}
	for _, m := range s.mailboxes.all() {
		if l, ok := s.links.get(linkKey{m.ID, e}); ok && m.CRM == k.connection && l.crm == k.id {
			return true
		}
	}
	return false
}

// size counts the rows that a sweep may delete.
func (s *Store) size() int64 {
	return int64(len(s.plans.rows) + len(s.operations.rows) + len(s.rounds.rows) + len(s.requests.rows) +
		len(s.observations.rows) + len(s.access.rows) + len(s.bodies.rows) + len(s.verdicts.rows))
}
