package sqlstore

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// landed is what became of one write, with what the store makes of it.
type landed struct {
	store.Result
	row observation // done: the observation as it is now
	was []byte      // the content it had before
}

// item is the id of what was written.
func (l landed) item() string { return or(l.Receipt.Ref.ID, l.Planned.Op.Ref.ID) }

func (l landed) done() bool { return l.Receipt.Outcome == model.Done }

// landing takes the results of a batch into the database.
type landing struct {
	tx    *tx
	scope scope
	keys  installation
	now   time.Time
	plan  string // empty when adopting
	adopt bool

	links map[string]linkRow
	met   map[string]int // times that an open issue was met, by side, entity and code
	again []string       // entities to be looked at again
	woken []model.MailboxID
}

// proven is a time of absence long enough ago to need no further proof: what we
// deleted ourselves, the system confirmed.
const proven = int64(-1 << 40)

func (l *landing) land(results []landed) error {
	if err := l.forgotten(results); err != nil {
		return err
	}
	phase := store.PhaseApply
	if l.adopt {
		phase = store.PhaseDiff
	}
	for _, side := range []model.Side{model.CRM, model.Mail} {
		if err := l.observe(side, results); err != nil {
			return err
		}
		if slices.ContainsFunc(results, func(r landed) bool { return r.done() && r.Planned.Side == side }) {
			if err := l.tx.worked(l.scope.mailbox(), side, phase); err != nil {
				return err
			}
		}
	}
	record := l.operations
	if l.adopt {
		record = l.adoptedWrites
	}
	if err := record(results); err != nil {
		return err
	}
	if err := l.settle(results); err != nil {
		return err
	}
	if err := l.intents(results); err != nil {
		return err
	}
	if err := l.conflicts(results); err != nil {
		return err
	}
	if err := l.issues(results); err != nil {
		return err
	}
	return l.retract(results)
}

// observe saves what one side holds now, who takes part, and tells the other
// mailboxes concerned.
func (l *landing) observe(side model.Side, results []landed) error {
	p := l.scope.places()[side]
	stored := l.keys.bodies(l.now)
	byKind := map[string][]*landed{}
	for i := range results {
		if r := &results[i]; r.done() && r.Planned.Side == side {
			byKind[string(r.Planned.Kind)] = append(byKind[string(r.Planned.Kind)], r)
		}
	}
	for _, kind := range sortedKeys(byKind) {
		if err := l.observeKind(p, model.Kind(kind), byKind[kind], stored); err != nil {
			return err
		}
	}
	return nil
}

func (l *landing) observeKind(p place, kind model.Kind, results []*landed, stored *bodies) error {
	items := make([]string, len(results))
	for i, r := range results {
		items[i] = r.item()
	}
	known, err := observations(l.tx, p, kind, items)
	if err != nil {
		return err
	}
	rows := map[string]observation{}
	for _, r := range results {
		r.was = known[r.item()].Content
		r.row = l.observation(p, *r, known[r.item()], stored)
		rows[r.item()] = r.row
	}
	if err := stored.save(l.tx, nil); err != nil {
		return err
	}
	if err := saveObservations(l.tx, p, valuesOf(rows)); err != nil {
		return err
	}
	if err := replaced(l.tx, known, valuesOf(rows), micros(l.now)); err != nil {
		return err
	}
	if !p.crm() {
		return nil
	}
	woken, err := l.share(p, kind, results, items)
	l.woken = append(l.woken, woken...)
	return err
}

// observation is the row of a written item: what the system says it stores, or
// what was sent.
func (l *landing) observation(p place, r landed, old observation, stored *bodies) observation {
	op, receipt := r.Planned.Op, r.Receipt
	o := old
	o.Observed, o.Returned = micros(l.now), 0
	o.Kind, o.Item, o.Applied, o.Absent, o.AbsentSince, o.Trouble = string(r.Planned.Kind), r.item(), micros(l.now), present, 0, ""
	o.Collection = or(or(receipt.Ref.Collection, op.Ref.Collection), old.Collection)
	o.Entity = or(old.Entity, string(r.Planned.Entity))
	o.Seen, o.Doubted = cmp.Or(old.Seen, micros(l.now)), false // the condition of our write would have met another version
	if op.Action == model.Delete {
		// The row stays for a while, so that a page read before the deletion
		// does not bring the item back.
		o.Content, o.Raw, o.Natural, o.Title, o.Absent, o.AbsentSince = nil, nil, nil, nil, gone, proven
		return o
	}
	o.Version, o.Order = receipt.Ref.Version, receipt.Ref.Order
	o.UID, o.Stamp = or(op.UID, old.UID), or(string(op.Key), old.Stamp)
	content := op.Content
	o.Reduced = plan.IsBlock(content)
	if it := receipt.Item; it != nil {
		o.Reduced = it.Reduced
		if it.Content != nil {
			content = it.Content
		}
		o.UID, o.Stamp, o.Modified = or(it.UID, o.UID), or(string(it.Stamp), o.Stamp), micros(it.Modified)
		o.Raw = stored.raw(it.Raw)
	} else if op.Action != model.Stamp {
		o.Raw = nil // the bytes we knew are not what is there now
	}
	if content != nil {
		o.Content = stored.content(content)
		l.keys.facts(&o, r.Planned.Kind, content)
	}
	return o
}

// share saves who takes part in written CRM items and routes them to everyone
// else concerned.
func (l *landing) share(p place, kind model.Kind, results []*landed, items []string) ([]model.MailboxID, error) {
	before, err := accesses(l.tx, p.connection, kind, items)
	if err != nil {
		return nil, err
	}
	access := map[string][]model.Access{}
	var changed []routed
	for _, r := range results {
		now := before[r.item()]
		op := r.Planned.Op
		if it := r.Receipt.Item; it != nil && it.Access != nil {
			now = normalAccess(it.Access)
			access[r.item()] = now
		} else if op.Action == model.Create && op.Actor != "" {
			now = []model.Access{{User: op.Actor, Role: model.Owner}}
			access[r.item()] = now
		}
		c := routed{kind: kind, item: r.item(), entity: r.row.Entity}
		for _, a := range append(before[r.item()], now...) {
			c.users = append(c.users, a.User)
		}
		changed = append(changed, c)
	}
	if err := saveAccess(l.tx, p.connection, kind, access); err != nil {
		return nil, err
	}
	return route(l.tx, p.connection, changed, l.scope.mailbox())
}

// settle brings the links up to date.
func (l *landing) settle(results []landed) error {
	var entities []string
	for _, r := range results {
		entities = append(entities, string(r.Planned.Entity))
	}
	var err error
	if l.links, err = links(l.tx, l.scope, entities); err != nil {
		return err
	}
	siblings, err := l.siblings(entities)
	if err != nil {
		return err
	}
	if err := l.meet(entities); err != nil {
		return err
	}
	before := maps.Clone(l.links)
	dropped := map[string]bool{}
	for _, r := range results {
		e := string(r.Planned.Entity)
		link, ok := l.links[e]
		if !ok {
			link = linkRow{Entity: e, Kind: string(r.Planned.Kind)}
		}
		switch {
		case !r.done() && r.Planned.Restores:
			if !ok {
				continue
			}
			l.again = append(l.again, e)
		case !r.done():
			l.unsettled(r, &link)
		case r.Planned.Withdraws:
			l.withdrawn(r, &link)
		case r.Planned.Restores:
			l.restored(r, &link)
			if delete(dropped, e); link.CRMItem == nil && link.MailItem == nil {
				dropped[e] = true
			}
		case r.Planned.Drops:
			dropped[e] = true
		case r.Planned.Op.Action == model.Stamp:
			l.again = append(l.again, e)
		default:
			if err := l.agreed(r, &link, siblings[string(r.Planned.Side.Other())+e]); err != nil {
				return err
			}
		}
		l.links[e] = link
	}
	kept := map[string]linkRow{}
	for e, link := range l.links {
		if !dropped[e] {
			kept[e] = link
		}
	}
	history := superseded(before, kept)
	for _, r := range results {
		history = append(history, passed{entity: string(r.Planned.Entity), old: r.was, now: r.row.Content})
	}
	if err := remember(l.tx, l.scope, l.keys, l.now, history); err != nil {
		return err
	}
	if err := dropLinks(l.tx, l.scope, sortedKeys(dropped)); err != nil {
		return err
	}
	deprived, err := placeLinks(l.tx, l.scope, valuesOf(kept), before)
	if err != nil {
		return err
	}
	// A system that was restored gives ids again: what had one so far is lost.
	for _, link := range deprived {
		l.links[link.Entity] = link
		l.again = append(l.again, link.Entity)
	}
	return l.lookAgain()
}

// agreed takes a write that was done into its link. The last write of a pair
// settles both bases, unless the other write of the pair failed.
func (l *landing) agreed(r landed, link *linkRow, other sibling) error {
	w := r.Planned
	*link.item(w.Side) = text(r.item())
	if w.Op.Action == model.Create {
		link.Incarnation = max(link.Incarnation, incarnation(w.Op.Key))
	}
	if !w.Final {
		return nil
	}
	if link.Reason == plan.ReasonCopyStays {
		return nil // its record was withdrawn meanwhile
	}
	if other.State != "" && other.State != string(model.Done) {
		l.again = append(l.again, link.Entity)
		return nil
	}
	key, err := byteKey(w.OtherKey)
	if err != nil {
		return err
	}
	own := r.row.Content
	if l.adopt {
		own = key // what was sent, not what is there by now
	}
	if other.Result != nil {
		key = other.Result
	}
	*link.base(w.Side), *link.base(w.Side.Other()) = own, key
	link.State, link.Reason, link.Recheck, link.Synced = string(plan.Linked), "", 0, micros(l.now)
	link.CRMDoubt, link.MailDoubt = 0, 0
	return nil
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
// link.
func (l *landing) unsettled(r landed, link *linkRow) {
	if r.Again || r.Receipt.Outcome == model.Unknown {
		l.again = append(l.again, link.Entity)
		if r.Used {
			link.Incarnation = max(link.Incarnation, incarnation(r.Planned.Op.Key)+1)
		}
		return
	}
	if r.Planned.Withdraws {
		link.Recheck = micros(l.now.Add(time.Hour)) // it is owed until it is done
		return
	}
	link.State, link.Reason, link.Recheck = string(plan.SetAside), clean(r.Message), 0
	if again, _ := l.triedAgain(r); again {
		link.Recheck = micros(r.Recheck)
	}
}

// lookAgain makes pairs pending that are to be looked at in the next round.
func (l *landing) lookAgain() error {
	var rows []pendingRow
	for _, e := range l.again {
		rows = append(rows, l.rowsOf(e)...)
	}
	return pend(l.tx, rows)
}

// rowsOf are the pending rows of an entity's link.
func (l *landing) rowsOf(entity string) []pendingRow {
	link := l.links[entity]
	var rows []pendingRow
	for _, side := range []model.Side{model.CRM, model.Mail} {
		if item := value(*link.item(side)); item != "" {
			rows = append(rows, pendingRow{l.scope.ID, string(side), link.Kind, item})
		}
	}
	return rows
}

func (l *landing) pairRows(results []landed) []pendingRow {
	var rows []pendingRow
	for _, r := range results {
		rows = append(rows, l.rowsOf(string(r.Planned.Entity))...)
	}
	return rows
}

// meet reads how often the open issues of some entities were met so far.
func (l *landing) meet(entities []string) error {
	rows, err := listIn[struct {
		Side   string `db:"side"`
		Entity string `db:"entity"`
		Code   string `db:"code"`
		Times  int    `db:"times"`
	}](l.tx, `SELECT side, entity, code, times FROM issue WHERE mailbox = ? AND is_open = 1 AND entity IN (?*)`, []any{l.scope.ID}, entities)
	l.met = make(map[string]int, len(rows))
	for _, r := range rows {
		l.met[row(r.Side, r.Entity, r.Code)] = r.Times
	}
	return err
}

// triedAgain reports whether a refused item is tried again by itself, and the
// state of its issue.
func (l *landing) triedAgain(r landed) (bool, store.IssueState) {
	switch {
	case r.Recheck.IsZero():
		return false, r.Needs
	case r.Tries == 0:
		return true, r.Needs
	default:
		again := l.met[row(string(r.Planned.Side), string(r.Planned.Entity), r.Code)]+1 < r.Tries
		if again {
			return true, store.IssueNew
		}
		return false, r.Needs
	}
}

// issues closes the issues of what was written and opens those of what was
// refused. What the plan itself found stays open.
func (l *landing) issues(results []landed) error {
	var closed []string
	var opened [][]any
	for _, r := range results {
		link := l.links[string(r.Planned.Entity)]
		switch {
		case r.done() && (r.Planned.Drops || r.Planned.Withdraws || link.State == string(plan.Linked)):
			closed = append(closed, string(r.Planned.Entity))
		case r.Receipt.Outcome == model.Refused && r.Code != "":
			_, state := l.triedAgain(r)
			opened = append(opened, issueValues(l.scope, byWrite, plan.Issue{
				Side: r.Planned.Side, Kind: r.Planned.Kind, Entity: r.Planned.Entity, Code: r.Code, Message: r.Message,
				Item: or(r.item(), or(value(*link.item(r.Planned.Side)), value(*link.item(r.Planned.Side.Other())))),
			}, state, r.Evidence, l.now))
		}
	}
	if err := closeIssues(l.tx, l.scope, byWrite, closed, l.now); err != nil {
		return err
	}
	return openIssues(l.tx, opened)
}
