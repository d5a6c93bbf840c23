package plan

import (
	"slices"

	"lockstep.dev/model"
)

// Bounces is how often a value may go to and fro before the item is set aside
// (requirement B17).
const Bounces = 5

// near is within how many rounds something answers that watches for our writes.
// It is a count of rounds, not of time, and only tells a machine from two people
// who edit one field in turn.
const near = 4

// Bounce is an update that we carried out.
type Bounce struct {
	Entity  model.EntityID
	Side    model.Side
	Round   int64
	Changed []string
	Content model.Content // what was written
}

// PingPong names the field of planned writes that goes to and fro between us and
// something else: another engine, or a server that changes what it is given.
// History is that of the pair, the newest first. Each of the last writes of the
// field must answer the one before: it went to the other side, or said the same
// once more. And either they said the same few values again and again, and do so
// now, or they came within a few rounds of each other. A person who writes
// something else later is let through.
func PingPong(writes []Write, history []Bounce, round int64) (field string, is bool) {
	for _, w := range writes {
		if w.Op.Action != model.Update || w.First {
			continue
		}
		for _, f := range w.Op.Changed {
			if bounces(Bounce{Side: w.Side, Round: round, Content: w.Op.Content}, history, f) {
				return f, true
			}
		}
	}
	return "", false
}

func bounces(now Bounce, history []Bounce, field string) bool {
	var values []model.Value
	wanted, quick := now.Content[field], true
	n := 0
	for _, h := range history {
		if !slices.Contains(h.Changed, field) {
			continue
		}
		if h.Side == now.Side && !h.Content[field].Equal(now.Content[field]) {
			return false
		}
		if now.Round-h.Round > near {
			quick = false
		}
		if !slices.ContainsFunc(values, h.Content[field].Equal) {
			values = append(values, h.Content[field])
		}
		now = h
		if n++; n == Bounces && len(values) <= 3 {
			return slices.ContainsFunc(values, wanted.Equal)
		} else if n == Bounces {
			return quick
		}
	}
	return false
}

// setApart sets a pair aside whose field goes to and fro.
func setApart(p Pair, field string) (Change, Issue) {
	side := model.Mail
	if p.Mail == nil {
		side = model.CRM
	}
	item := ""
	if s := p.Mail; s != nil {
		item = s.Ref.ID
	}
	return Change{Entity: p.Entity, Kind: p.Kind, State: SetAside, Reason: ReasonPingPong, Incarnation: p.Incarnation},
		Issue{Entity: p.Entity, Kind: p.Kind, Side: side, Item: item, Code: "sync.ping-pong", Detail: field}
}

// Stop takes pairs out of a plan that go to and fro, with an issue each.
// Histories are those of the pairs with enough updates.
func Stop(built *Plan, pairs map[model.EntityID]Pair, histories map[model.EntityID][]Bounce, round int64) {
	stopped := map[model.EntityID]bool{}
	byEntity := map[model.EntityID][]Write{}
	for _, w := range built.Writes {
		byEntity[w.Entity] = append(byEntity[w.Entity], w)
	}
	for _, w := range built.Writes {
		e := w.Entity
		if stopped[e] || histories[e] == nil {
			continue
		}
		if field, is := PingPong(byEntity[e], histories[e], round); is {
			stopped[e] = true
			change, issue := setApart(pairs[e], field)
			built.Changes, built.Issues = append(built.Changes, change), append(built.Issues, issue)
		}
	}
	built.Writes = slices.DeleteFunc(built.Writes, func(w Write) bool { return stopped[w.Entity] })
	built.Conflicts = slices.DeleteFunc(built.Conflicts, func(c EditConflict) bool { return stopped[c.Entity] })
}
