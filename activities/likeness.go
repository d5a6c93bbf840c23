package activities

import (
	"context"
	"slices"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Who is taken for whom when a mailbox is to go on under another address.
const (
	// likeEnough is the part of the linked items, one in so many, that another
	// mailbox has to show to be the same person's.
	likeEnough = 4
	// newestToFind is how many items of a collection are looked for by their ids.
	newestToFind = 10
)

// otherMailbox is why a plan waits after links were dropped.
const otherMailbox = "the mailbox behind the address is another one; its links were found again by comparing"

// looks is how often a mailbox that does not answer is looked at before a
// person has to give the command again; lookAgain is the time in between.
const (
	looks     = 3
	lookAgain = 5 * time.Second
)

// inspect looks at what lies behind a new address, again where no answer came.
func (a *Activities) inspect(ctx context.Context, p *moving) error {
	for n := 1; ; n++ {
		err := a.look(ctx, p)
		f := fault.Of(err)
		switch {
		case f == nil:
			return err
		case n == looks || fault.RuleOf(f.Class, f.Scope).Again != fault.Attempt:
			return refuse("The mailbox behind %s cannot be looked at: %s Nothing was changed; give the command again when it can.", p.acc.Address, f.Error())
		}
		if err := a.pause(ctx, lookAgain); err != nil {
			return err
		}
	}
}

// look looks at what lies behind the address that a mailbox is to have. Where
// it is the mailbox that we know, everything is kept. Where it is another one
// with the same things in it, links are to be found again; where it has little
// in common with what is linked, the move is refused. Nothing is stored.
func (a *Activities) look(ctx context.Context, p *moving) error {
	s, err := a.open(ctx, p.conn, p.acc)
	if err != nil {
		return err
	}
	defer s.Close()
	if p.Identity, err = s.Identity(ctx); err != nil {
		return err
	}
	there, err := s.Collections(ctx)
	if err != nil {
		return err
	}
	other := p.conn.ID != p.old.Mail || p.Identity != "" && p.old.Identity != "" && p.Identity != p.old.Identity
	if !other {
		known, found, err := a.find(ctx, p, s, there)
		if err != nil {
			return err
		}
		if known == 0 || 2*found >= known {
			return nil
		}
	}
	p.Rebuild, p.Hold = true, otherMailbox
	linked, recognised, err := a.recognise(ctx, p, s, there)
	if err != nil {
		return err
	}
	if linked > 0 && recognised*likeEnough < linked {
		return refuse("What lies behind %s looks like another person's mailbox: of %d items that are linked it shows %d. "+
			"Nothing was changed. If the CRM user was handed on, give the new person a CRM user id of their own.", p.acc.Address, linked, recognised)
	}
	return nil
}

// find looks for the newest known items by their ids: it returns how many were
// looked for, and how many are there.
func (a *Activities) find(ctx context.Context, p *moving, s side, there []model.Collection) (known, found int, err error) {
	collections, err := a.Store.Collections(ctx, p.old.Mail, p.old.ID)
	if err != nil {
		return 0, 0, err
	}
	for _, c := range collections {
		refs, err := a.Store.Newest(ctx, p.old.Mail, p.old.ID, c.Collection, newestToFind)
		if err != nil {
			return 0, 0, err
		}
		known += len(refs)
		if c.Missing || len(refs) == 0 || !slices.ContainsFunc(there, func(o model.Collection) bool { return o.ID == c.ID && o.Kind == c.Kind }) {
			continue
		}
		items, err := s.Fetch(ctx, refs)
		if f := fault.Of(err); f != nil && (f.Class == fault.NotFound || f.Class == fault.Denied) {
			continue // not this person's, then
		}
		if err != nil {
			return 0, 0, err
		}
		found += len(items)
	}
	return known, found, nil
}

// recognise reads a mailbox and counts how many of the linked things it shows.
func (a *Activities) recognise(ctx context.Context, p *moving, s side, there []model.Collection) (linked, recognised int, err error) {
	progress, err := a.Store.Progress(ctx, p.old.ID)
	if err != nil {
		return 0, 0, err
	}
	for _, k := range progress {
		linked += k.Linked
	}
	if linked == 0 {
		return 0, 0, nil
	}
	seen := map[model.EntityID]bool{}
	note := func(items []model.Item) error {
		found, err := a.Store.Recognise(ctx, p.old.ID, items)
		for _, e := range found {
			seen[e] = true
		}
		return err
	}
	for _, c := range there {
		if err := a.leaf(ctx, s, c, note); apart(err) {
			continue // closed to us; the others have to do
		} else if err != nil {
			return 0, 0, err
		}
	}
	return linked, len(seen), nil
}

// leaf reads all items of a collection, a batch at a time, and keeps none.
func (a *Activities) leaf(ctx context.Context, s side, c model.Collection, each func([]model.Item) error) error {
	for page, err := range s.Changes(ctx, c, "") {
		if err != nil {
			return err
		}
		if err := each(page.Items); err != nil {
			return err
		}
		for batch := range slices.Chunk(page.Changed, max(s.caps.Kinds[c.Kind].FetchBatch, 1)) {
			items, err := s.Fetch(ctx, batch)
			if err != nil {
				return err
			}
			if err := each(items); err != nil {
				return err
			}
		}
	}
	return nil
}
