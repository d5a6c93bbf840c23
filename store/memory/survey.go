package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Survey implements store.Surveying.
func (s *Store) Survey(ctx context.Context, now time.Time) (store.Survey, error) {
	return within(ctx, s, func() (store.Survey, error) {
		out := store.Survey{
			States: map[model.MailboxState]int{}, PerSystem: map[model.ConnectionID]map[model.MailboxState]int{}, PerPolicy: map[string]int{},
			Lag: make([]int, len(store.LagSteps())+2),
		}
		for _, m := range s.mailboxes.all() {
			s.surveyMailbox(&out, m, now)
		}
		issues, alerts := map[string]int{}, map[string]int{}
		for _, i := range s.issues.all() {
			issues[i.Code] += one(i.Open)
		}
		for _, a := range s.alerts.all() {
			alerts[a.Code] += one(a.State == store.AlertOpen)
			out.Retrying += one(a.State == store.AlertRetrying)
		}
		out.Issues, out.Alerts = counted(issues), counted(alerts)
		for _, c := range s.conflicts.all() {
			out.Conflicts += one(c.Resolution == "")
		}
		for _, r := range s.requests.all() {
			if r.Outcome == store.RequestOpen {
				out.OpenCalls++
				if out.OldestCall.IsZero() || r.At.Before(out.OldestCall) {
					out.OldestCall = r.At
				}
			}
		}
		out.Hours = s.hours(now)
		return out, nil
	})
}

func (s *Store) surveyMailbox(out *store.Survey, m mailbox, now time.Time) {
	out.States[m.State]++
	if m.State == model.Retired {
		return
	}
	out.FirstSync += one(!m.Initialized)
	out.PerPolicy[m.Policy]++
	out.Held += one(s.isHeld(m))
	out.Asking += one(s.asksPerson(m.ID))
	for _, c := range []model.ConnectionID{m.CRM, m.Mail} {
		if out.PerSystem[c] == nil {
			out.PerSystem[c] = map[model.MailboxState]int{}
		}
		out.PerSystem[c][m.State]++
	}
	if m.State == model.Active {
		out.Lag[lagStep(m.LastSuccess, now)]++
	}
}

func lagStep(success, now time.Time) int {
	steps := store.LagSteps()
	if success.IsZero() {
		return len(steps) + 1
	}
	for i, step := range steps {
		if success.After(now.Add(-step)) {
			return i
		}
	}
	return len(steps)
}

func (s *Store) hours(now time.Time) []store.Hour {
	var out []store.Hour
	last := now.Truncate(time.Hour)
	for h := store.HoursSurveyed - 1; h >= 0; h-- {
		out = append(out, store.Hour{Begins: last.Add(-time.Duration(h) * time.Hour)})
	}
	for _, r := range s.rounds.all() {
		for i := range out {
			if r.Ended.Truncate(time.Hour).Equal(out[i].Begins) {
				out[i].Rounds, out[i].Done, out[i].Refused = out[i].Rounds+1, out[i].Done+r.Done, out[i].Refused+r.Refused
			}
		}
	}
	return out
}

// counted lists counts, the most first.
func counted(codes map[string]int) []store.CodeCount {
	var out []store.CodeCount
	for code, n := range codes {
		if n > 0 {
			out = append(out, store.CodeCount{Code: code, Count: n})
		}
	}
	slices.SortFunc(out, func(a, b store.CodeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// isHeld reports whether a plan of the mailbox, or a part of it, waits.
func (s *Store) isHeld(m mailbox) bool {
	p, ok := s.plans.get(name(m.plan))
	return ok && (p.State == store.PlanHeld || s.holds(m.plan))
}

// asksPerson reports whether a question waits that only a person can answer.
func (s *Store) asksPerson(id model.MailboxID) bool {
	for k, r := range s.reviews.all() {
		if k.mailbox == id && !r.apart {
			return true
		}
	}
	for k, c := range s.conflicts.all() {
		if k.mailbox == id && c.Resolution == "" && c.Winner == "" && c.Chosen == "" {
			return true
		}
	}
	return false
}

// FindMailboxes implements store.Surveying.
func (s *Store) FindMailboxes(ctx context.Context, q store.MailboxQuery) (store.MailboxPage, error) {
	return within(ctx, s, func() (store.MailboxPage, error) {
		var out store.MailboxPage
		for _, m := range s.mailboxes.all() {
			v := store.SurveyedMailbox{Mailbox: m.Mailbox, Held: s.isHeld(m), Asking: s.asksPerson(m.ID)}
			v.Secret = ""
			alert, conflict := false, false
			for k, c := range s.conflicts.all() {
				conflict = conflict || k.mailbox == m.ID && c.Resolution == ""
			}
			for k, i := range s.issues.all() {
				v.OpenIssues += one(k.mailbox == m.ID && i.Open)
			}
			for _, a := range s.alerts.all() {
				alert = alert || a.Mailbox == m.ID && a.State == store.AlertOpen
			}
			if chosen(q, v, alert) && (conflict || !q.Conflicts) {
				out.Rows = append(out.Rows, v)
			}
		}
		out.Total = len(out.Rows)
		before := func(a, b store.MailboxKey) int {
			n := cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
			if q.Descending {
				return -n
			}
			return n
		}
		slices.SortFunc(out.Rows, func(a, b store.SurveyedMailbox) int { return before(a.Key(q.Sort), b.Key(q.Sort)) })
		if q.After.ID != "" {
			out.Rows = slices.DeleteFunc(out.Rows, func(m store.SurveyedMailbox) bool { return before(m.Key(q.Sort), q.After) <= 0 })
		}
		out.Rows = out.Rows[:min(len(out.Rows), pageOf(q.Limit))]
		return out, nil
	})
}

func chosen(q store.MailboxQuery, m store.SurveyedMailbox, alert bool) bool {
	part := model.FoldAddress(q.Search)
	switch {
	case q.State == "" && m.State == model.Retired, q.State != "" && m.State != q.State, q.ID != "" && m.ID != q.ID,
		q.Policy != "" && m.Policy != q.Policy, q.Connection != "" && m.CRM != q.Connection && m.Mail != q.Connection,
		q.Search != "" && !strings.Contains(model.FoldAddress(m.Address), part) && m.CRMUser != q.Search && string(m.ID) != q.Search,
		q.Held && !m.Held, q.Asking && !m.Asking, q.Issues && m.OpenIssues == 0, q.Alerts && !alert, q.First && m.Initialized,
		q.Never && !m.LastSuccess.IsZero(), !q.Since.IsZero() && !m.LastSuccess.After(q.Since),
		!q.Before.IsZero() && (m.LastSuccess.After(q.Before) || m.LastSuccess.IsZero()):
		return false
	}
	return true
}

// CountIssues implements store.Surveying.
func (s *Store) CountIssues(ctx context.Context, f store.IssueFilter) (int, error) {
	f.After, f.Limit = store.IssueKey{}, 0
	list, err := s.FindIssues(ctx, f)
	return len(list), err
}

// FindRounds implements store.Surveying.
func (s *Store) FindRounds(ctx context.Context, q store.RoundQuery) ([]store.FoundRound, error) {
	return within(ctx, s, func() ([]store.FoundRound, error) {
		var out []store.FoundRound
		for k, r := range s.rounds.all() {
			if q.Mailbox != "" && k.mailbox != q.Mailbox || !q.From.IsZero() && r.Ended.Before(q.From) ||
				!q.Until.IsZero() && !r.Ended.Before(q.Until) || q.Refused && r.Refused == 0 {
				continue
			}
			m, _ := s.mailboxes.get(name(k.mailbox))
			v := store.FoundRound{Round: r, Mailbox: k.mailbox, Address: m.Address}
			if q.After.Mailbox == "" || newer(q.After, keyOf(v)) {
				out = append(out, v)
			}
		}
		slices.SortFunc(out, func(a, b store.FoundRound) int {
			if newer(keyOf(a), keyOf(b)) {
				return -1
			}
			return 1
		})
		return out[:min(len(out), pageOf(q.Limit))], nil
	})
}

func keyOf(r store.FoundRound) store.RoundKey {
	return store.RoundKey{Ended: r.Ended, Mailbox: r.Mailbox, Number: r.Number}
}

func newer(a, b store.RoundKey) bool {
	return cmp.Or(a.Ended.Compare(b.Ended), cmp.Compare(a.Mailbox, b.Mailbox), cmp.Compare(a.Number, b.Number)) > 0
}

// Faces implements store.Surveying.
func (s *Store) Faces(ctx context.Context, id model.MailboxID, x store.Explanation) (store.Faces, error) {
	return within(ctx, s, func() (store.Faces, error) {
		var out store.Faces
		m, err := s.scope(id)
		if err != nil || x.Private {
			return out, err
		}
		for _, f := range []struct {
			ref *model.Ref
			to  *model.Content
		}{{x.CRM, &out.CRM}, {x.Mail, &out.Mail}} {
			if f.ref == nil {
				continue
			}
			o, ok := s.observations.get(itemKey{m.place(f.ref.Side), x.Kind, f.ref.ID})
			if !ok || o.absent == gone {
				continue
			}
			c := s.content(o.content)
			if o.reduced || model.Private(c) { // it became private meanwhile
				return store.Faces{}, nil
			}
			*f.to = c
		}
		if l, ok := s.links.get(linkKey{id, x.Entity}); ok {
			out.CRMBase, out.MailBase = s.content(l.crmBase), s.content(l.mailBase)
		}
		return out, nil
	})
}

func pageOf(limit int) int {
	if limit <= 0 {
		return 50
	}
	return limit
}
