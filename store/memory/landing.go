package memory

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// landing takes the results of a batch into the store.
type landing struct {
	*Store
	m    scope
	now  time.Time
	plan string              // empty when adopting
	seen map[int]observation // by place in the batch: what was written, as it is now
}

// proven is a time of absence long enough ago to need no further proof: what we
// deleted ourselves, the system confirmed.
const proven = math.MinInt64 / 2

// itemOf is the id of what was written.
func itemOf(r store.Result) string { return or(r.Receipt.Ref.ID, r.Planned.Op.Ref.ID) }

func (l *landing) land(results []store.Result) (woken []model.MailboxID) {
	l.seen = map[int]observation{}
	l.forgotten(results)
	var changed []routed
	for i, r := range results {
		if r.Receipt.Outcome != model.Done {
			continue
		}
		p := r.Planned
		k := itemKey{l.m.place(p.Side), p.Kind, itemOf(r)}
		old, _ := l.observations.get(k)
		l.seen[i] = l.observe(k, r)
		l.observations.put(k, l.seen[i])
		l.remember(l.m, p.Entity, old.content, l.seen[i].content)
		if p.Side == model.CRM {
			changed = append(changed, routed{p.Kind, k.id, l.seen[i].entity, l.share(k, r)})
		}
	}
	woken = l.route(l.m.CRM, changed, l.m.ID)
	if l.plan != "" {
		l.record(results)
	} else {
		l.arrived(results)
	}
	l.settle(results)
	l.closeIntents(results)
	for _, r := range results {
		if r.Receipt.Outcome == model.Done && r.Planned.Final {
			l.endConflicts(r.Planned.Settles, l.now)
		}
	}
	l.landIssues(results)
	for _, r := range results {
		if r.Receipt.Outcome == model.Done {
			l.retract(l.m, nil, []plan.Write{r.Planned.Write})
		}
	}
	return woken
}

// observe is the row of a written item: what the system says it stores, or what
// was sent.
func (l *landing) observe(k itemKey, r store.Result) observation {
	op, receipt := r.Planned.Op, r.Receipt
	old, _ := l.observations.get(k)
	o := old
	o.applied, o.absent, o.absentSince, o.trouble = l.now, present, 0, ""
	o.observed, o.returned = l.now, false
	o.collection = or(or(receipt.Ref.Collection, op.Ref.Collection), old.collection)
	o.entity, o.doubted = or(old.entity, r.Planned.Entity), false // the condition of our write would have met another version
	if old.seen.IsZero() {
		o.seen = l.now
	}
	if op.Action == model.Delete {
		// The row stays for a while, so that a page read before the deletion
		// does not bring the item back.
		o.content, o.raw, o.natural, o.title, o.absent, o.absentSince = "", "", "", "", gone, proven
		return o
	}
	o.version, o.order = receipt.Ref.Version, receipt.Ref.Order
	o.uid, o.stamp = or(op.UID, old.uid), or(op.Key, old.stamp)
	content := op.Content
	o.reduced = plan.IsBlock(content)
	if it := receipt.Item; it != nil {
		o.reduced = it.Reduced
		if it.Content != nil {
			content = it.Content
		}
		o.uid, o.stamp, o.modified = or(it.UID, o.uid), or(it.Stamp, o.stamp), it.Modified
		o.raw = l.keepRaw(it.Raw)
	} else if op.Action != model.Stamp {
		o.raw = "" // the bytes we knew are not what is there now
	}
	if content != nil {
		o.content = l.keep(content)
		o.facts(k.kind, content)
	}
	return o
}

// share saves who takes part in a written CRM item, and returns them with those
// who did before.
func (l *landing) share(k itemKey, r store.Result) []model.Access {
	before, _ := l.access.get(k)
	now := before
	op := r.Planned.Op
	if it := r.Receipt.Item; it != nil && it.Access != nil {
		now = normal(it.Access)
	} else if op.Action == model.Create && op.Actor != "" {
		now = []model.Access{{User: op.Actor, Role: model.Owner}}
	}
	l.access.put(k, now)
	return slices.Concat(before, now)
}

// record notes the outcome of each planned write.
func (l *landing) record(results []store.Result) {
	for i, r := range results {
		k := writeKey{l.plan, r.Planned.Number}
		o, ok := l.operations.get(k)
		if !ok {
			continue
		}
		o.state, o.done = r.Receipt.Outcome, l.now
		if o.state == model.Done {
			o.item, o.result = itemOf(r), l.seen[i].content
		}
		l.operations.put(k, o)
	}
}

// sibling is the other write of a pair in the same plan.
func (l *landing) sibling(w plan.Write) operation {
	for _, o := range l.operationsOf(l.plan) {
		if l.plan != "" && o.Entity == w.Entity && o.Side != w.Side {
			return o
		}
	}
	return operation{}
}

// settle brings the links up to date.
func (l *landing) settle(results []store.Result) {
	links := map[model.EntityID]link{}
	dropped := map[model.EntityID]bool{}
	var again []model.EntityID
	for i, r := range results {
		w := r.Planned.Write
		v, ok := links[w.Entity]
		if !ok {
			v, ok = l.links.get(linkKey{l.m.ID, w.Entity})
		}
		if !ok {
			v = link{entity: w.Entity, kind: w.Kind}
		}
		look := false
		switch {
		case r.Receipt.Outcome != model.Done && w.Restores:
			if look = ok; !ok {
				continue
			}
		case r.Receipt.Outcome != model.Done:
			look = l.unsettled(r, &v)
		case w.Withdraws:
			look = withdrawn(w, &v)
		case w.Restores:
			dropped[w.Entity] = l.restored(r, l.seen[i], &v)
		case w.Drops:
			dropped[w.Entity] = true
		case w.Op.Action == model.Stamp:
			look = true
		default:
			look = l.agreed(r, l.seen[i], &v)
		}
		if look {
			again = append(again, w.Entity)
		}
		links[w.Entity] = v
	}
	for e, is := range dropped {
		if is {
			delete(links, e)
			l.links.drop(linkKey{l.m.ID, e})
		}
	}
	// A system that was restored gives ids again: what had one so far is lost.
	again = append(again, l.placeLinks(l.m, links)...)
	for _, e := range again {
		l.lookAgain(e)
	}
}

// lookAgain has a pair looked at in the next round.
func (l *landing) lookAgain(e model.EntityID) {
	if v, ok := l.links.get(linkKey{l.m.ID, e}); ok {
		l.pendLink(l.m.ID, v, l.newMark())
	}
}

// agreed takes a write that was done into its link. The last write of a pair
// settles both bases, unless the other write of the pair failed; then the pair
// is to be looked at again.
func (l *landing) agreed(r store.Result, seen observation, v *link) (again bool) {
	w := r.Planned
	*v.item(w.Side) = itemOf(r)
	if w.Op.Action == model.Create {
		v.incarnation = max(v.incarnation, incarnation(w.Op.Key))
	}
	if !w.Final || v.reason == plan.ReasonCopyStays {
		return false // its record was withdrawn meanwhile
	}
	other := l.sibling(w.Write)
	if other.state != "" && other.state != model.Done {
		return true
	}
	own := seen.content
	if l.plan == "" {
		own = w.OtherKey // what was sent, not what is there by now
	}
	*v.base(w.Side), *v.base(w.Side.Other()) = own, or(other.result, w.OtherKey)
	v.state, v.reason, v.recheck, v.synced = plan.Linked, "", time.Time{}, l.now
	v.crmDoubt, v.mailDoubt = plan.Certain, plan.Certain
	return false
}

// incarnation is the number that ends a create's key.
func incarnation(k model.Key) int {
	s := string(k)
	n, err := strconv.Atoi(s[strings.LastIndex(s, "-")+1:])
	if err != nil {
		return 0
	}
	return n
}

// unsettled takes a write that was refused or whose outcome is unknown into its
// link, and reports whether the pair is to be looked at again.
func (l *landing) unsettled(r store.Result, v *link) (again bool) {
	if !r.Again && r.Receipt.Outcome != model.Unknown {
		if r.Planned.Withdraws {
			v.recheck = l.now.Add(time.Hour) // it is owed until it is done
			return false
		}
		v.state, v.reason, v.recheck = plan.SetAside, r.Message, time.Time{}
		if again, _ := l.triedAgain(r); again {
			v.recheck = r.Recheck
		}
		return false
	}
	if r.Used {
		v.incarnation = max(v.incarnation, incarnation(r.Planned.Op.Key)+1)
	}
	return true
}

// withdrawn takes a withdrawal that was done into its link. The pair is looked
// at once more, at which time what came in between is retracted, too.
func withdrawn(w plan.Write, v *link) (again bool) {
	v.crmBase, v.mailBase, v.recheck = "", "", time.Time{}
	if w.Op.Action != model.Delete {
		v.state, v.reason = plan.Skipped, plan.ReasonPrivate
		return true
	}
	v.state, v.reason, v.crm = plan.Withdrawn, plan.ReasonWithdrawn, ""
	v.incarnation++
	return true
}

// closeIntents closes the journal of creates that were answered.
func (l *landing) closeIntents(results []store.Result) {
	for _, r := range results {
		k := intentKey{l.m.place(r.Planned.Side), r.Planned.Op.Key}
		if i, ok := l.intents.get(k); ok && r.Planned.Op.Action == model.Create {
			i.outcome = r.Receipt.Outcome
			if r.Used {
				i.outcome, i.Used, i.Looked = model.Unknown, true, 0 // a moved item has that long to show
			}
			if r.Forgot {
				i.outcome = model.Refused // what it made is no answer to this
			}
			l.intents.put(k, i)
		}
	}
}
