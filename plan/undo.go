package plan

import (
	"slices"

	"lockstep.dev/model"
)

// Deed is one write of a round that was or may have been carried out, with what
// its target held before and what is known of it now.
type Deed struct {
	Entity model.EntityID
	Kind   model.Kind
	Op     model.Operation // as it was planned; Ref.ID is the item's id, for a create too
	Done   bool            // false: its answer was lost, or it was never sent
	Before Base            // update, delete: what the target held; no Key = not known
	Raw    []byte          // the same as the system's own bytes
	After  string          // key of the content that it left; "" = not known
	Now    *Seen           // what is known of the item; nil = nothing
	Linked bool            // the entity's link holds the item
	Base   string          // key of the link's base on that side
	// Incarnation and Other are the link's: whether it holds an item on the
	// other side, too.
	Incarnation int
	Other       bool
	// Stands: another item stands for the entity on that side.
	Stands bool
	// Next is the incarnation that no create of the entity has used there; Open
	// the key of a create that an undo has begun.
	Next int
	Open model.Key
}

// Undo takes back what a round did, with Left writes where that must not be
// (B4): an item that was changed since is left alone. Deeds come oldest first.
// What is as it was before is not written but only settled: an attempt whose
// answer was lost did it, or somebody else, and neither is an edit that travels.
// So a repetition is harmless. Nobody is told (B2).
func Undo(deeds []Deed, m model.MailboxID, why string) Plan {
	var order []model.Ref
	byItem := map[model.Ref][]Deed{}
	for _, d := range deeds {
		item := model.Ref{Side: d.Op.Ref.Side, Kind: d.Kind, ID: d.Op.Ref.ID}
		if item.ID == "" {
			continue // a create that never was
		}
		if byItem[item] == nil {
			order = append(order, item)
		}
		byItem[item] = append(byItem[item], d)
	}
	var out Plan
	for _, item := range order {
		if c, ok := settled(byItem[item]); ok {
			out.Changes = append(out.Changes, c)
		}
		if w, ok := undo(byItem[item], m); ok {
			w.Entity, w.Kind, w.Side, w.Restores = byItem[item][0].Entity, item.Kind, item.Side, true
			if w.Why == "" {
				w.Why = why
			}
			out.Writes = append(out.Writes, w)
		}
	}
	// What was created goes before what it replaced comes back.
	slices.SortStableFunc(out.Writes, func(a, b Write) int { return turn(a) - turn(b) })
	return out
}

func turn(w Write) int {
	switch w.Op.Action {
	case model.Delete:
		return 0
	case model.Create:
		return 2
	default:
		return 1
	}
}

// there reports whether the item is.
func (d Deed) there() bool { return d.Now != nil && !d.Now.Gone && !d.Now.Left }

// settled settles a pair of which one side is as it was before the round, while
// the link does not know that yet.
func settled(deeds []Deed) (Change, bool) {
	first, last := deeds[0], deeds[len(deeds)-1]
	c := Change{Entity: last.Entity, Kind: last.Kind, Incarnation: last.Incarnation}
	side := last.Op.Ref.Side
	switch {
	case !last.Linked || !last.Other || last.Now == nil:
		return c, false
	case first.Op.Action == model.Create && last.Op.Action != model.Delete && last.Now.Gone:
		c.State, c.Reason = Kept, ReasonUndone
		c.DropCRM, c.DropMail = side == model.CRM, side == model.Mail
		return c, true
	case last.Op.Action == model.Update && last.there() && last.Now.Key == first.Before.Key && last.Base != "" && last.Base != last.Now.Key:
		key := last.Now.Key
		if c.State = Linked; side == model.CRM {
			c.CRMKey = &key
		} else {
			c.MailKey = &key
		}
		return c, true
	}
	return c, false
}

// undo takes back what a round did to one item, on balance.
func undo(deeds []Deed, m model.MailboxID) (Write, bool) {
	first, last := deeds[0], deeds[len(deeds)-1]
	created, deleted := first.Op.Action == model.Create, last.Op.Action == model.Delete
	there := last.there()
	switch {
	case created && deleted, created && !there:
		return Write{}, false
	case deleted && there:
		return alone(last, first.Before.Key, "it is there again")
	case deleted:
		return again(first, last, m)
	case !there:
		return alone(last, "", "it is gone by now")
	case !created && last.Now.Key == first.Before.Key:
		return Write{}, false
	case !last.unchanged():
		return alone(last, "", "it was changed since")
	case !last.Linked:
		return alone(last, "", "it belongs to something else by now")
	case created:
		return Write{Op: model.Operation{
			Action: model.Delete, Ref: last.Now.Ref, Expect: last.Now.Ref.Version, UID: last.Now.UID, Actor: first.Op.Actor,
		}}, true
	case first.Before.Key == "":
		return alone(last, "", "what it held before is not known")
	}
	// The system's bytes as they are now are edited back, field by field.
	return Write{Op: model.Operation{
		Action: model.Update, Ref: last.Now.Ref, Expect: last.Now.Ref.Version, Content: first.Before.Content,
		Changed: model.Differing(first.Before.Content, last.Now.Content), UID: last.Now.UID, Actor: last.Op.Actor,
	}}, true
}

// unchanged reports whether an item is as the last write left it. Of a write
// whose answer was lost, what it was to leave is compared.
func (d Deed) unchanged() bool {
	if d.After != "" {
		return d.Now.Key == d.After
	}
	for _, f := range d.Op.Changed {
		if !d.Now.Content[f].Equal(d.Op.Content[f]) {
			return false
		}
	}
	return d.Op.Action == model.Update
}

// again creates once more what a round deleted.
func again(first, last Deed, m model.MailboxID) (Write, bool) {
	switch {
	case last.Stands:
		return alone(last, first.Before.Key, "another item stands for it by now")
	case first.Before.Key == "":
		return alone(last, "", "what it held before is not known")
	case !last.Done && last.Now != nil && last.Now.Left:
		return Write{}, false // never sent, and out of sight now
	}
	key := last.Open
	switch {
	case key != "":
	case last.Op.Ref.Side == model.CRM:
		key = CRMKey(last.Entity, last.Next)
	default:
		key = MailKey(last.Entity, m, last.Next)
	}
	old := last.Op.Ref
	old.Version, old.Order = "", 0
	return Write{MustBeGone: &old, Op: model.Operation{
		Action: model.Create, Key: key, UID: last.Op.UID, Content: first.Before.Content, Raw: first.Raw, Actor: last.Op.Actor,
		Ref: model.Ref{Side: old.Side, Kind: last.Kind, Collection: old.Collection},
	}}, true
}

// alone is an item that is listed and left alone, unless it holds what it held
// before: then somebody, or an earlier attempt, has restored it already.
func alone(d Deed, before, why string) (Write, bool) {
	if before != "" && d.Now != nil && d.Now.Key == before {
		return Write{}, false
	}
	return Write{Left: true, Why: "left alone: " + why, Op: model.Operation{Action: d.Op.Action, Ref: d.Op.Ref}}, true
}
