package memory

import (
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Plan implements store.Reading.
func (s *Store) Plan(ctx context.Context, id model.MailboxID) (store.PlanRow, error) {
	return s.newest(ctx, id, func(p store.PlanRow) bool { return p.Hash != "" })
}

// PlanHashed implements store.Reading.
func (s *Store) PlanHashed(ctx context.Context, id model.MailboxID, hash string) (store.PlanRow, error) {
	return s.newest(ctx, id, func(p store.PlanRow) bool { return p.Hash == hash })
}

func (s *Store) newest(ctx context.Context, id model.MailboxID, which func(store.PlanRow) bool) (store.PlanRow, error) {
	return within(ctx, s, func() (store.PlanRow, error) {
		var newest store.PlanRow
		for _, p := range s.plans.all() {
			if p.Mailbox == id && which(p.PlanRow) {
				newest = p.PlanRow
			}
		}
		return newest, found(newest.ID != "")
	})
}

// Rounds implements store.Reading, newest first.
func (s *Store) Rounds(ctx context.Context, id model.MailboxID, limit int) ([]store.Round, error) {
	return within(ctx, s, func() ([]store.Round, error) {
		var out []store.Round
		for k, r := range s.rounds.all() {
			if k.mailbox == id {
				out = append(out, r)
			}
		}
		slices.Reverse(out)
		return out[:min(limit, len(out))], nil
	})
}

// Issues implements store.Reading, open ones first, newest first.
func (s *Store) Issues(ctx context.Context, id model.MailboxID) ([]store.IssueRow, error) {
	return within(ctx, s, func() ([]store.IssueRow, error) {
		var out []store.IssueRow
		for k, i := range s.issues.all() {
			if k.mailbox == id {
				out = append(out, i.IssueRow)
			}
		}
		slices.SortStableFunc(out, func(a, b store.IssueRow) int {
			if a.Open != b.Open {
				return map[bool]int{true: -1, false: 1}[a.Open]
			}
			return b.Last.Compare(a.Last)
		})
		return out, nil
	})
}

// Stamped implements store.Applying.
func (s *Store) Stamped(ctx context.Context, id model.MailboxID) ([]model.Ref, error) {
	return within(ctx, s, func() ([]model.Ref, error) {
		m, err := s.scope(id)
		var out []model.Ref
		for k, o := range s.items(m.place(model.Mail), "") {
			if o.stamp != "" && o.absent == present {
				out = append(out, model.Ref{Side: model.Mail, Kind: k.kind, Collection: o.collection, ID: k.id, Version: o.version, Order: o.order})
			}
		}
		return out, err
	})
}

// Census implements store.Planning.
func (s *Store) Census(ctx context.Context, id model.MailboxID, since time.Time) (plan.Census, error) {
	return within(ctx, s, func() (plan.Census, error) {
		m, err := s.scope(id)
		out := plan.Census{
			Linked:  map[model.Kind]int{},
			Present: map[model.Side]map[model.Kind]int{},
			Deleted: map[model.Side]map[model.Kind]int{model.CRM: {}, model.Mail: {}},
		}
		for _, l := range s.linksOf(id) {
			if l.state == plan.Linked {
				out.Linked[l.kind]++
			}
		}
		for _, side := range sides() {
			out.Present[side] = s.count(m, side)
		}
		for _, o := range s.operations.all() {
			if o.mailbox == id && o.Op.Action == model.Delete && o.state == model.Done && o.Verdict == plan.Undecided && !o.done.Before(since) {
				out.Deleted[o.Side][o.Kind]++
			}
		}
		return out, err
	})
}

// count counts the items that are there and that a mailbox sees.
func (s *Store) count(m scope, side model.Side) map[model.Kind]int {
	out := map[model.Kind]int{}
	for k, o := range s.items(m.place(side), "") {
		if o.absent == present && (side == model.Mail || s.sees(m, k.kind, k.id)) {
			out[k.kind]++
		}
	}
	return out
}

// Explain implements store.Reading.
func (s *Store) Explain(ctx context.Context, id model.MailboxID, query string) ([]store.Explanation, error) {
	return within(ctx, s, func() ([]store.Explanation, error) {
		m, err := s.scope(id)
		var out []store.Explanation
		told := map[string]bool{}
		for _, side := range sides() {
			for k, o := range s.items(m.place(side), "") {
				asked := k.id == query || o.uid == query || o.title != "" && o.title == model.FoldText(query) || string(o.entity) == query
				if !asked || side == model.CRM && !s.sees(m, k.kind, k.id) {
					continue
				}
				x := s.explain(m, side, k)
				if x.Entity == "" && x.CRM == nil && x.Mail == nil {
					continue // it is gone, and nothing is known of it any more
				}
				told[string(x.Entity)] = told[string(x.Entity)] && x.Entity != ""
				if !told[string(x.Entity)] {
					told[string(x.Entity)] = true
					out = append(out, x)
				}
			}
		}
		return out, err
	})
}

// recall adds what made the item what it is, and whether a person was asked.
func (s *Store) recall(m scope, x *store.Explanation) {
	if x.Entity == "" {
		return
	}
	for _, c := range s.conflicts.all() {
		if c.Mailbox == m.ID && c.Entity == x.Entity && c.Winner == "" && c.Resolved.IsZero() {
			x.Question = true
		}
	}
	for k, o := range s.operations.all() {
		if o.mailbox == m.ID && o.Entity == x.Entity && o.state == model.Done {
			p, _ := s.plans.get(name(k.plan))
			x.Writes = append(x.Writes, store.Write{Round: p.Round, At: o.done, Side: o.Side, Action: o.Op.Action, Fields: o.Op.Changed, Why: o.Why})
		}
	}
	slices.SortStableFunc(x.Writes, func(a, b store.Write) int { return b.At.Compare(a.At) })
	x.Writes = x.Writes[:min(len(x.Writes), store.LatestWrites)]
}

func (s *Store) explain(m scope, side model.Side, k itemKey) store.Explanation {
	l, ok := s.linkOf(m.ID, side, k.kind, k.id)
	if !ok {
		l = link{kind: k.kind}
		*l.item(side) = k.id
	}
	x := store.Explanation{Kind: k.kind, Entity: l.entity, State: l.state, Reason: l.reason, LastSync: l.synced}
	contents := map[model.Side]model.Content{}
	for _, side := range sides() {
		item := *l.item(side)
		_, waits := s.pending.get(pendingKey{m.ID, side, k.kind, item})
		x.Pending = x.Pending || waits && item != ""
		seen := s.seen(m, side, k.kind, l)
		if seen == nil || seen.Gone {
			continue
		}
		contents[side] = s.content(seen.Key)
		if seen.Reduced || model.Private(contents[side]) {
			x.Private = true
		}
		x.Title = or(x.Title, title(contents[side]))
		if side == model.CRM {
			x.CRM = &seen.Ref
		} else {
			x.Mail = &seen.Ref
		}
	}
	if x.Private {
		x.Title = ""
		if x.State == plan.Linked && x.Reason == "" && plan.IsBlock(contents[model.Mail]) {
			x.Reason = plan.ReasonBusy
		}
	}
	if contents[model.CRM] != nil && contents[model.Mail] != nil {
		shared := model.SharedFields(k.kind)
		x.Fields = model.Differing(contents[model.CRM].Only(shared), contents[model.Mail].Only(shared))
	}
	for _, o := range s.operationsOf(m.plan) {
		if o.Entity == l.entity && o.state == held && x.Held == "" {
			x.Held = o.Held
		}
	}
	s.recall(m, &x)
	for _, i := range s.issues.all() {
		mine := i.Item == l.crm || i.Item == l.mail || l.entity != "" && i.Entity == l.entity
		if i.Open && i.Kind == k.kind && mine {
			x.Issues = append(x.Issues, i.IssueRow)
		}
	}
	return x
}

// Progress implements store.Reading.
func (s *Store) Progress(ctx context.Context, id model.MailboxID) ([]store.Progress, error) {
	return within(ctx, s, func() ([]store.Progress, error) {
		m, err := s.scope(id)
		out := make([]store.Progress, len(model.Kinds()))
		for i, kind := range model.Kinds() {
			out[i] = s.progress(m, kind)
		}
		return out, err
	})
}

func (s *Store) progress(m scope, kind model.Kind) store.Progress {
	out := store.Progress{Kind: kind, CRMItems: s.count(m, model.CRM)[kind], MailItems: s.count(m, model.Mail)[kind]}
	for _, l := range s.linksOf(m.ID) {
		switch {
		case l.kind != kind:
		case l.state == plan.Linked:
			out.Linked++
		case l.state != plan.Unlinked && l.state != plan.Waiting:
			out.Skipped++
		}
	}
	for k := range s.pendingOf(m.ID) {
		out.Pending += one(k.kind == kind)
	}
	for k, i := range s.issues.all() {
		out.OpenIssues += one(k.mailbox == m.ID && k.kind == kind && i.Open)
	}
	for _, i := range s.intents.all() {
		mine := i.mailbox == m.ID && i.kind == kind && i.outcome == model.Done
		out.CreatedCRM += one(mine && i.side == model.CRM)
		out.CreatedMail += one(mine && i.side == model.Mail)
	}
	for k, c := range s.conflicts.all() {
		out.OpenConflicts += one(k.mailbox == m.ID && c.Kind == kind && c.Resolution == "")
	}
	for k, o := range s.operations.all() {
		out.OperationsWaiting += one(o.mailbox == m.ID && o.Kind == kind && s.waits(m, k.plan, o))
	}
	return out
}

// waits reports whether an operation is still to be carried out or approved.
func (s *Store) waits(m scope, planID string, o operation) bool {
	p, _ := s.plans.get(name(planID))
	switch p.State {
	case store.PlanReady, store.PlanHeld:
		return o.state == planned || o.state == held || o.state == model.Unknown
	case store.PlanDone:
		return o.state == held && planID == m.plan
	default:
		return false
	}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
