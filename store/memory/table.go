package memory

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"lockstep.dev/model"
)

// ordered is the key of a table: rows have one order, whoever asks.
type ordered[K any] interface {
	comparable
	compare(K) int
}

// table is the rows of one table by key. Rows are values and never changed in
// place, and neither is the list of keys: an iteration goes on over what was
// there when it began.
type table[K ordered[K], V any] struct {
	rows map[K]V
	keys []K
	log  *[]func() // how to undo what the transaction did
}

func (t *table[K, V]) copy(log *[]func()) table[K, V] {
	rows := maps.Clone(t.rows)
	if rows == nil {
		rows = map[K]V{}
	}
	return table[K, V]{rows: rows, keys: t.keys, log: log}
}

func (t *table[K, V]) get(k K) (V, bool) {
	v, ok := t.rows[k]
	return v, ok
}

func (t *table[K, V]) put(k K, v V) {
	old, had := t.rows[k]
	keys := t.keys
	if !had {
		at, _ := slices.BinarySearchFunc(keys, k, K.compare)
		t.keys = slices.Insert(slices.Clip(keys), at, k)
	}
	t.rows[k] = v
	t.remember(k, old, had, keys)
}

func (t *table[K, V]) drop(k K) {
	old, had := t.rows[k]
	if !had {
		return
	}
	keys := t.keys
	at, _ := slices.BinarySearchFunc(keys, k, K.compare)
	t.keys = slices.Concat(keys[:at], keys[at+1:])
	delete(t.rows, k)
	t.remember(k, old, had, keys)
}

func (t *table[K, V]) remember(k K, old V, had bool, keys []K) {
	*t.log = append(*t.log, func() {
		t.keys = keys
		if had {
			t.rows[k] = old
		} else {
			delete(t.rows, k)
		}
	})
}

// all yields every row in the order of keys.
func (t *table[K, V]) all() iter.Seq2[K, V] {
	return t.from(0, func(K) bool { return true })
}

// starting yields the rows from the first key not before k on, as long as they
// belong.
func (t *table[K, V]) starting(k K, belongs func(K) bool) iter.Seq2[K, V] {
	at, _ := slices.BinarySearchFunc(t.keys, k, K.compare)
	return t.from(at, belongs)
}

func (t *table[K, V]) from(at int, belongs func(K) bool) iter.Seq2[K, V] {
	keys := t.keys[at:]
	return func(yield func(K, V) bool) {
		for _, k := range keys {
			if !belongs(k) {
				return
			}
			if v, ok := t.rows[k]; ok && !yield(k, v) {
				return
			}
		}
	}
}

// name is the key of what has one id.
type name string

func (k name) compare(o name) int { return cmp.Compare(k, o) }

// place is where items lie: a connection and, on the mail side, a mailbox.
type place struct {
	connection model.ConnectionID
	mailbox    model.MailboxID // empty on the CRM side
}

func (p place) crm() bool { return p.mailbox == "" }

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.connection, o.connection), cmp.Compare(p.mailbox, o.mailbox))
}

// itemKey names an item, or a collection, of one kind in one place.
type itemKey struct {
	place
	kind model.Kind
	id   string
}

func (k itemKey) compare(o itemKey) int {
	return cmp.Or(k.place.compare(o.place), cmp.Compare(k.kind, o.kind), cmp.Compare(k.id, o.id))
}

// pendingKey names an item that a mailbox has to look at.
type pendingKey struct {
	mailbox model.MailboxID
	side    model.Side
	kind    model.Kind
	item    string
}

func (k pendingKey) compare(o pendingKey) int {
	return cmp.Or(cmp.Compare(k.mailbox, o.mailbox), cmp.Compare(k.side, o.side), cmp.Compare(k.kind, o.kind), cmp.Compare(k.item, o.item))
}

// linkKey names an entity in a mailbox.
type linkKey struct {
	mailbox model.MailboxID
	entity  model.EntityID
}

func (k linkKey) compare(o linkKey) int {
	return cmp.Or(cmp.Compare(k.mailbox, o.mailbox), cmp.Compare(k.entity, o.entity))
}

// userKey names a user of a CRM.
type userKey struct {
	crm  model.ConnectionID
	user string
}

func (k userKey) compare(o userKey) int {
	return cmp.Or(cmp.Compare(k.crm, o.crm), cmp.Compare(k.user, o.user))
}

// claimKey names what only one mailbox creates.
type claimKey struct {
	crm    model.ConnectionID
	global string
	kind   model.Kind
}

func (k claimKey) compare(o claimKey) int {
	return cmp.Or(cmp.Compare(k.crm, o.crm), cmp.Compare(k.global, o.global), cmp.Compare(k.kind, o.kind))
}

// intentKey names a create.
type intentKey struct {
	place
	key model.Key
}

func (k intentKey) compare(o intentKey) int {
	return cmp.Or(k.place.compare(o.place), cmp.Compare(k.key, o.key))
}

// writeKey names an operation of a plan.
type writeKey struct {
	plan   string
	number int
}

func (k writeKey) compare(o writeKey) int {
	return cmp.Or(cmp.Compare(k.plan, o.plan), cmp.Compare(k.number, o.number))
}

// conflictKey names a value that lost.
type conflictKey struct {
	mailbox model.MailboxID
	entity  model.EntityID
	field   string
	loser   string
}

func (k conflictKey) compare(o conflictKey) int {
	return cmp.Or(cmp.Compare(k.mailbox, o.mailbox), cmp.Compare(k.entity, o.entity), cmp.Compare(k.field, o.field), cmp.Compare(k.loser, o.loser))
}

// issueKey names an issue of an item.
type issueKey struct {
	pendingKey
	code string
}

func (k issueKey) compare(o issueKey) int {
	return cmp.Or(k.pendingKey.compare(o.pendingKey), cmp.Compare(k.code, o.code))
}

// roundKey names a round of a mailbox.
type roundKey struct {
	mailbox         model.MailboxID
	number, started int64
}

func (k roundKey) compare(o roundKey) int {
	return cmp.Or(cmp.Compare(k.mailbox, o.mailbox), cmp.Compare(k.number, o.number), cmp.Compare(k.started, o.started))
}
