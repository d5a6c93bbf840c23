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

// Conflicts implements store.Reading, newest first.
func (s *Store) Conflicts(ctx context.Context, id model.MailboxID) ([]store.ConflictRow, error) {
	return within(ctx, s, func() ([]store.ConflictRow, error) {
		var out []store.ConflictRow
		for k, c := range s.conflicts.all() {
			if k.mailbox == id {
				out = append(out, c)
			}
		}
		slices.SortStableFunc(out, func(a, b store.ConflictRow) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
		return out, nil
	})
}

// Conflict implements store.Reading.
func (s *Store) Conflict(ctx context.Context, id string) (store.ConflictRow, error) {
	return within(ctx, s, func() (store.ConflictRow, error) {
		_, c, err := s.conflict(id)
		return c, err
	})
}

func (s *Store) conflict(id string) (conflictKey, store.ConflictRow, error) {
	for k, c := range s.conflicts.all() {
		if c.ID == id {
			return k, c, nil
		}
	}
	return conflictKey{}, store.ConflictRow{}, store.ErrNotFound
}

// Choose implements store.Requests.
func (s *Store) Choose(ctx context.Context, id, take string) error {
	return alone(ctx, s, func() error {
		k, c, err := s.conflict(id)
		if err != nil {
			return err
		}
		l, ok := s.links.get(linkKey{k.mailbox, k.entity})
		if !ok {
			return store.ErrNotFound
		}
		c.Chosen, c.Resolution, c.Resolved = take, "", time.Time{}
		s.conflicts.put(k, c)
		s.pendLink(k.mailbox, l, s.newMark())
		return nil
	})
}

// EndConflict implements store.Requests.
func (s *Store) EndConflict(ctx context.Context, id, how string, now time.Time) error {
	return alone(ctx, s, func() error {
		s.endConflicts([]plan.Settled{{ID: id, How: how}}, now)
		return nil
	})
}

// endConflicts records how conflicts ended. A question that was answered has a
// winner from then on.
func (s *Store) endConflicts(ended []plan.Settled, now time.Time) {
	for _, e := range ended {
		k, c, err := s.conflict(e.ID)
		if err != nil || c.Resolution != "" {
			continue
		}
		c.Resolution, c.Resolved = e.How, now
		if c.Winner == "" && (e.How == plan.TakeCRM || e.How == plan.TakeMail) {
			c.Winner = model.Side(e.How)
		}
		s.conflicts.put(k, c)
	}
}

// saveConflicts keeps the losing values of edit conflicts, each once. A value
// that lost before may come to be asked about.
func (c *chunk) saveConflicts() {
	for _, v := range c.in.Plan.Conflicts {
		k := conflictKey{c.m.ID, v.Entity, v.Field, c.keep(v.Loser)}
		known, there := c.conflicts.get(k)
		if there && v.Winner != "" {
			continue
		}
		row := store.ConflictRow{EditConflict: v, ID: known.ID, Mailbox: c.m.ID, At: c.in.Now}
		if !there {
			row.ID = c.newID("cft")
		}
		if v.Resolution != "" {
			row.Resolved = c.in.Now
		}
		c.conflicts.put(k, row)
	}
	c.endConflicts(c.in.Plan.Settled, c.in.Now)
}

// openConflicts gives a pair the questions that are open and the answers that
// are to be carried out.
func (s *Store) openConflicts(m scope, p *plan.Pair) {
	var rows []store.ConflictRow
	for k, c := range s.conflicts.all() {
		if k.mailbox == m.ID && k.entity == p.Entity && c.Resolution == "" && (c.Winner == "" || c.Chosen != "") {
			rows = append(rows, c)
		}
	}
	slices.SortFunc(rows, func(a, b store.ConflictRow) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	for _, c := range rows {
		p.Conflicts = append(p.Conflicts, plan.OpenConflict{ID: c.ID, Field: c.Field, Winner: c.Winner, Loser: c.Loser, Take: c.Chosen})
	}
}
