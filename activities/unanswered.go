package activities

import (
	"context"
	"slices"

	"lockstep.dev/connector"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// intents looks for creates whose answer was lost; what is found needs no
// resend (algorithm 1.6).
func (d *differ) intents(ctx context.Context) error {
	open, err := d.a.Store.Intents(ctx, d.m.ID)
	if err != nil || len(open) == 0 {
		return err
	}
	var found []store.Found
	for _, s := range []side{d.crm, d.mail} {
		var keys []model.Key
		for _, i := range open {
			if i.Side == s.caps.Side {
				keys = append(keys, i.Key)
			}
		}
		if len(keys) == 0 {
			continue
		}
		items, _, err := s.FindByKey(ctx, keys)
		if err != nil {
			return err
		}
		if items, err = d.m.holds(ctx, items); err != nil {
			return err
		}
		for _, it := range items {
			found = append(found, store.Found{Key: it.Stamp, Side: s.caps.Side, Item: it})
		}
	}
	if err := d.a.Store.Adopt(ctx, d.m.ID, found, d.a.Now()); err != nil {
		return err
	}
	open = slices.DeleteFunc(open, func(i store.Intent) bool {
		known := func(f store.Found) bool { return f.Key == i.Key && f.Side == i.Side }
		return d.tier(i.Side, i.Kind) == connector.T1 || slices.ContainsFunc(found, known)
	})
	return d.recognise(ctx, open)
}

func (d *differ) tier(s model.Side, k model.Kind) connector.Tier {
	if s == model.CRM {
		return d.crm.caps.Kinds[k].Create
	}
	return d.mail.caps.Kinds[k].Create
}

// blind reports whether a system would create a second item if it was asked
// again.
func (d *differ) blind(s model.Side, k model.Kind) bool { return d.tier(s, k) != connector.T1 }

// recognise looks among the new items for those that creates without an answer
// have made: by our stamp, and where the system has none by what they say. What
// could be one of them and cannot be told is suspected.
func (d *differ) recognise(ctx context.Context, open []store.Intent) error {
	if len(open) == 0 {
		return nil
	}
	stamped, bare := []plan.Created{}, []plan.Created{}
	for _, i := range open {
		if d.tier(i.Side, i.Kind) == connector.T2 {
			stamped = append(stamped, i.Created)
		} else {
			bare = append(bare, i.Created)
		}
	}
	var fresh []plan.Stranger
	err := d.strangers(ctx, func(page []plan.Stranger) error {
		for _, s := range page {
			if slices.ContainsFunc(open, func(i store.Intent) bool { return i.May(s) }) {
				fresh = append(fresh, s)
			}
		}
		return nil
	})
	if err != nil || len(fresh) == 0 {
		return err
	}
	made := plan.Made(stamped, fresh, false)
	for key, s := range plan.Made(bare, fresh, true) {
		made[key] = s
	}
	if err := d.adopt(ctx, open, made); err != nil {
		return err
	}
	bare = slices.DeleteFunc(bare, func(c plan.Created) bool { _, ok := made[c.Key]; return ok })
	fresh = slices.DeleteFunc(fresh, func(s plan.Stranger) bool {
		for _, m := range made {
			if m.Row == s.Row {
				return true
			}
		}
		return false
	})
	d.suspects = suspect(bare, fresh, d.m.policy.SettleRounds)
	return nil
}

// adopt takes items as what creates have made.
func (d *differ) adopt(ctx context.Context, open []store.Intent, made map[model.Key]plan.Stranger) error {
	var found []store.Found
	for _, i := range open {
		s, ok := made[i.Key]
		if !ok {
			continue
		}
		place := d.mail
		if i.Side == model.CRM {
			place = d.crm
		}
		items, err := place.Fetch(ctx, []model.Ref{{Side: s.Side, Kind: s.Kind, Collection: s.Collection, ID: s.Item}})
		if err != nil {
			return err
		}
		if items, err = d.m.holds(ctx, items); err != nil {
			return err
		}
		for _, it := range items {
			found = append(found, store.Found{Key: i.Key, Side: i.Side, Item: it})
		}
	}
	return d.a.Store.Adopt(ctx, d.m.ID, found, d.a.Now())
}

// suspects are new items that a create without an answer may have made.
type suspects struct {
	items  map[place]plan.Suspicion
	others map[place]int // by side and kind
}

// place names an item, or with no item all of a side and kind.
type place struct {
	side model.Side
	kind model.Kind
	item string
}

// suspect suspects new items: they wait until reads have proven that no other
// one turns up, and are then put to a person.
func suspect(creates []plan.Created, fresh []plan.Stranger, settle int) suspects {
	out := suspects{items: map[place]plan.Suspicion{}, others: map[place]int{}}
	for _, s := range fresh {
		level := plan.Unsuspected
		for _, c := range creates {
			switch {
			case !c.May(s):
			case c.Looked < settle:
				level = plan.Awaited
			case level == plan.Unsuspected:
				level = plan.Asked
			}
		}
		if level != plan.Unsuspected {
			out.items[place{s.Side, s.Kind, s.Item}] = level
			out.others[place{side: s.Side, kind: s.Kind}]++
		}
	}
	return out
}

// without leaves out strangers that are suspected.
func (u suspects) without(page []plan.Stranger) []plan.Stranger {
	return slices.DeleteFunc(slices.Clone(page), func(s plan.Stranger) bool {
		return u.items[place{s.Side, s.Kind, s.Item}] != plan.Unsuspected
	})
}

// mark tells pairs what they have to do with creates without an answer.
func (u suspects) mark(page []store.Pair, blind func(model.Side, model.Kind) bool) {
	for n := range page {
		p := &page[n].Pair
		for _, seen := range []*plan.Seen{p.CRM, p.Mail} {
			if seen != nil {
				p.Suspicion = max(p.Suspicion, u.items[place{seen.Ref.Side, p.Kind, seen.Ref.ID}])
			}
		}
		for side, i := range map[model.Side]*plan.Intent{model.CRM: p.CRMIntent, model.Mail: p.MailIntent} {
			if i != nil {
				i.Blind, i.Others = blind(side, p.Kind), u.others[place{side: side, kind: p.Kind}]
			}
		}
	}
}
