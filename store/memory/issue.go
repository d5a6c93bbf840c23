package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// triedAgain reports whether a refused item is tried again by itself, and the
// state of its issue.
func (l *landing) triedAgain(r store.Result) (bool, store.IssueState) {
	switch {
	case r.Recheck.IsZero():
		return false, r.Needs
	case r.Tries == 0:
		return true, r.Needs
	}
	met := 0
	for k, i := range l.Store.issues.all() {
		if k.mailbox == l.m.ID && i.Open && i.Entity == r.Planned.Entity && i.Side == r.Planned.Side && i.Code == r.Code {
			met = i.Count
		}
	}
	if met+1 < r.Tries {
		return true, store.IssueNew
	}
	return false, r.Needs
}

// landIssues closes the issues of what was written and opens those of what was
// refused.
func (l *landing) landIssues(results []store.Result) {
	for _, r := range results {
		w := r.Planned
		v, _ := l.links.get(linkKey{l.m.ID, w.Entity})
		switch {
		case r.Receipt.Outcome == model.Done && (w.Drops || w.Withdraws || v.state == plan.Linked):
			l.closeIssues(l.m.ID, false, w.Entity, l.now)
		case r.Receipt.Outcome == model.Refused && r.Code != "":
			item := or(itemOf(r), or(*v.item(w.Side), *v.item(w.Side.Other())))
			_, state := l.triedAgain(r)
			met := plan.Issue{Entity: w.Entity, Kind: w.Kind, Side: w.Side, Item: item, Code: r.Code, Message: r.Message}
			l.openIssues(l.m.ID, []issue{{IssueRow: store.IssueRow{Issue: met, State: state, Evidence: r.Evidence}}}, l.now)
		}
	}
}

// openIssues opens issues; one that is open counts up, one that was resolved
// begins anew, one that a person ignored stays closed.
func (s *Store) openIssues(id model.MailboxID, opened []issue, now time.Time) {
	seen := map[issueKey]bool{}
	for _, i := range opened {
		k := issueKey{pendingKey{id, i.Side, i.Kind, i.Item}, i.Code}
		if seen[k] {
			continue
		}
		seen[k] = true
		old, known := s.issues.get(k)
		i.ID, i.Mailbox, i.First, i.Last, i.Count, i.Open, i.Needs = old.ID, id, old.First, now, old.Count+1, true, ""
		switch {
		case !known:
			i.ID, i.First = s.newID("iss"), now
		case old.State == store.IssueResolved:
			i.First, i.Count = now, 1
		case old.State == store.IssueIgnored:
			i.State, i.Open, i.Closed = old.State, false, old.Closed
		case i.State == store.IssueNew:
			i.State = store.IssueRetrying
		}
		s.issues.put(k, i)
	}
}

// NoteCollections implements store.Issuing.
func (s *Store) NoteCollections(ctx context.Context, id model.MailboxID, in store.CollectionNews) error {
	return alone(ctx, s, func() error {
		if _, err := s.scope(id); err != nil {
			return err
		}
		for k, i := range s.issues.all() {
			if k.mailbox == id && i.Open && !i.byPlan && i.Entity == "" && i.Side == model.Mail && in.Over(i.Kind, i.Item, i.Code) {
				i.Open, i.State, i.Closed = false, store.IssueResolved, in.Now
				s.issues.put(k, i)
			}
		}
		var opened []issue
		for _, c := range in.Closed {
			met := plan.Issue{Side: model.Mail, Kind: c.Kind, Item: c.ID, Code: c.Code, Message: c.Message}
			opened = append(opened, issue{IssueRow: store.IssueRow{Issue: met, State: c.State, Evidence: c.Evidence}})
		}
		s.openIssues(id, opened, in.Now)
		return nil
	})
}

// closeIssues resolves the open issues of an entity.
func (s *Store) closeIssues(id model.MailboxID, byPlan bool, e model.EntityID, now time.Time) {
	for k, i := range s.issues.all() {
		if k.mailbox == id && i.Entity == e && i.Open && i.byPlan == byPlan {
			i.Open, i.State, i.Closed = false, store.IssueResolved, now
			s.issues.put(k, i)
		}
	}
}

func fits(f store.IssueFilter, i issue) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return is(f.ID, i.ID) && is(string(f.Mailbox), string(i.Mailbox)) && is(f.Code, i.Code) && is(string(f.Kind), string(i.Kind)) &&
		is(string(f.Side), string(i.Side)) && is(string(f.State), string(i.State)) && (f.Closed || i.Open)
}

// FindIssues implements store.Issuing.
func (s *Store) FindIssues(ctx context.Context, f store.IssueFilter) ([]store.IssueRow, error) {
	return within(ctx, s, func() ([]store.IssueRow, error) {
		var out []store.IssueRow
		for _, i := range s.issues.all() {
			if fits(f, i) {
				out = append(out, i.IssueRow)
			}
		}
		slices.SortStableFunc(out, func(a, b store.IssueRow) int {
			return compareIssues(a.Key(), b.Key())
		})
		if f.After.ID != "" {
			out = slices.DeleteFunc(out, func(i store.IssueRow) bool { return compareIssues(i.Key(), f.After) <= 0 })
		}
		if f.Limit > 0 {
			out = out[:min(f.Limit, len(out))]
		}
		return out, nil
	})
}

// compareIssues orders issues: open ones first, newest first.
func compareIssues(a, b store.IssueKey) int {
	return cmp.Or(compareBool(b.Open, a.Open), b.Last.Compare(a.Last), cmp.Compare(b.ID, a.ID))
}

// RetryIssues implements store.Issuing.
func (s *Store) RetryIssues(ctx context.Context, f store.IssueFilter) (n int, woken []model.MailboxID, err error) {
	f.Closed = true
	err = alone(ctx, s, func() error {
		for k, i := range s.issues.all() {
			if !fits(f, i) || i.State == store.IssueResolved {
				continue
			}
			i.State, i.Open, i.Closed, i.Count = store.IssueRetrying, true, time.Time{}, 1
			s.issues.put(k, i)
			n++
			woken = append(woken, i.Mailbox)
			if l, ok := s.links.get(linkKey{i.Mailbox, i.Entity}); ok {
				l.recheck = time.UnixMicro(1)
				s.links.put(linkKey{i.Mailbox, i.Entity}, l)
			}
			s.forgive(i.Mailbox, i.Entity)
		}
		return nil
	})
	slices.Sort(woken)
	return n, slices.Compact(woken), err
}

// IgnoreIssues implements store.Issuing.
func (s *Store) IgnoreIssues(ctx context.Context, f store.IssueFilter, now time.Time) (n int, err error) {
	f.Closed = false
	err = alone(ctx, s, func() error {
		for k, i := range s.issues.all() {
			if fits(f, i) {
				i.State, i.Open, i.Closed = store.IssueIgnored, false, now
				s.issues.put(k, i)
				n++
			}
		}
		return nil
	})
	return n, err
}
