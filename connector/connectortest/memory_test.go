package connectortest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// memory is the smallest system that obeys every law. Its flaw, if it has one,
// breaks exactly one of them, to show that the suite notices.
type memory struct {
	flaw    string
	secret  string
	epoch   int
	seq     int64
	rows    map[string]*row // by kind/id
	lose    bool
	pageLen int
}

type row struct {
	kind    model.Kind
	id      string
	seq     int64
	key     model.Key
	uid     string
	owner   string
	content model.Content
	foreign string
	gone    bool
}

func newMemory(flaw string) *memory {
	return &memory{flaw: flaw, secret: "right-secret", epoch: 1, rows: map[string]*row{}, pageLen: 2}
}

func (m *memory) Name() string { return "memory" }

func (m *memory) Capabilities() connector.Capabilities {
	kinds := map[model.Kind]connector.KindCapabilities{}
	for _, k := range model.Kinds() {
		fields := model.SharedFields(k)
		slices.Sort(fields)
		kinds[k] = connector.KindCapabilities{
			Create: connector.T1, Fields: fields, Delta: true, Conditional: true, Ordered: true,
			WriteBatch: 10, FetchBatch: 10, Parallel: 1,
		}
	}
	return connector.Capabilities{Side: model.CRM, Kinds: kinds}
}

func (m *memory) Open(_ context.Context, a model.Account) (connector.Session, error) {
	return &memorySession{memory: m, secret: a.Secret}, nil
}

type memorySession struct {
	*memory
	secret string
}

func (s *memorySession) fault(c fault.Class, code, message string) error {
	return &fault.Fault{Class: c, Scope: fault.Item, Side: model.CRM, Source: "memory", Code: "memory." + code, Message: message}
}

// ready checks what every request checks.
func (s *memorySession) ready(ctx context.Context) error {
	if ctx.Err() != nil && s.flaw != "ignores context" {
		return s.fault(fault.Transient, "ended", "The request was broken off.")
	}
	if s.secret != s.memory.secret {
		text := "The secret is wrong."
		if s.flaw == "tells secret" {
			text += " " + s.secret
		}
		return s.fault(fault.Auth, "secret", text)
	}
	return nil
}

func (s *memorySession) Test(ctx context.Context, _ model.Workload) error { return s.ready(ctx) }
func (s *memorySession) Close() error                                     { return nil }

func (s *memorySession) Identity(context.Context) (string, error) { return "memory-1", nil }

func (s *memorySession) Collections(context.Context) ([]model.Collection, error) {
	var out []model.Collection
	for _, k := range model.Kinds() {
		out = append(out, model.Collection{ID: string(k), Kind: k, Name: string(k), Primary: true})
	}
	return out, nil
}

func (s *memorySession) Probe(context.Context, model.Collection) (connector.Mark, error) {
	return connector.Mark{High: s.seq, Epoch: strconv.Itoa(s.epoch)}, nil
}

// feed returns the rows of a collection after a position, in order.
func (s *memorySession) feed(kind model.Kind, after int64) []*row {
	var out []*row
	for _, r := range s.rows {
		if r.kind == kind && r.seq > after {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *row) int { return int(a.seq - b.seq) })
	return out
}

// position reads a cursor: epoch, full or delta, sequence.
func (s *memorySession) position(c model.Cursor) (after int64, full bool, err error) {
	if c == "" {
		return 0, true, nil
	}
	var epoch int
	var mode string
	if _, err := fmt.Sscanf(string(c), "%d:%1s:%d", &epoch, &mode, &after); err != nil || epoch != s.epoch {
		return 0, false, s.fault(fault.CursorExpired, "cursor", "The position is dead.")
	}
	return after, mode == "f", nil
}

func (s *memorySession) Changes(ctx context.Context, c model.Collection, since model.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		if err := s.ready(ctx); err != nil {
			yield(connector.Page{}, err)
			return
		}
		if !slices.Contains(model.Kinds(), model.Kind(c.ID)) {
			yield(connector.Page{}, s.fault(fault.NotFound, "collection", "There is no such collection."))
			return
		}
		after, full, err := s.position(since)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		for {
			p, next := s.page(c.Kind, after, full)
			if !yield(p, nil) || p.Last {
				return
			}
			after = next
		}
	}
}

func (s *memorySession) page(kind model.Kind, after int64, full bool) (connector.Page, int64) {
	p := connector.Page{Full: full}
	rows := s.feed(kind, after)
	p.Last = len(rows) <= s.pageLen
	for _, r := range rows[:min(len(rows), s.pageLen)] {
		after = r.seq
		if r.gone {
			p.Gone = append(p.Gone, s.item(r).Ref)
		} else {
			p.Items = append(p.Items, s.item(r))
		}
	}
	mode := "d"
	if full && !p.Last {
		mode = "f"
	}
	p.Cursor = model.Cursor(fmt.Sprintf("%d:%s:%d", s.epoch, mode, after))
	if s.flaw == "forgets deletions" {
		p.Gone = nil
	}
	if s.flaw == "loses cursor" {
		p.Cursor = ""
	}
	return p, after
}

func (s *memorySession) List(ctx context.Context, c model.Collection, _ model.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		for p, err := range s.Changes(ctx, c, "") {
			for _, it := range p.Items {
				p.Changed = append(p.Changed, it.Ref)
			}
			p.Items, p.Gone = nil, nil
			if !yield(p, err) {
				return
			}
		}
	}
}

func (s *memorySession) item(r *row) model.Item {
	it := model.Item{
		Ref: model.Ref{Side: model.CRM, Kind: r.kind, Collection: string(r.kind), ID: r.id, Version: strconv.FormatInt(r.seq, 10), Order: r.seq},
		UID: r.uid, Stamp: r.key, Content: r.content.Clone(),
	}
	if r.owner != "" {
		it.Access = []model.Access{{User: r.owner, Role: model.Owner}}
	}
	return it
}

func (s *memorySession) Fetch(ctx context.Context, refs []model.Ref) ([]model.Item, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	var out []model.Item
	for _, ref := range refs {
		if r := s.rows[string(ref.Kind)+"/"+ref.ID]; r != nil && !r.gone {
			out = append(out, s.item(r))
		}
	}
	return out, nil
}

func (s *memorySession) FindByKey(ctx context.Context, keys []model.Key) ([]model.Item, bool, error) {
	if err := s.ready(ctx); err != nil {
		return nil, false, err
	}
	var out []model.Item
	for _, r := range s.rows {
		if slices.Contains(keys, r.key) && !r.gone {
			out = append(out, s.item(r))
		}
	}
	return out, true, nil
}

func (s *memorySession) Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	var out []model.Receipt
	for _, op := range ops {
		out = append(out, s.apply(op))
	}
	if s.lose {
		s.lose = false
		return nil, s.fault(fault.Transient, "lost", "The connection broke off.")
	}
	if s.flaw == "shuffles receipts" {
		slices.Reverse(out)
	}
	return out, nil
}

func (s *memorySession) apply(op model.Operation) model.Receipt {
	switch op.Action {
	case model.Create:
		return s.create(op)
	case model.Update, model.Delete:
		return s.change(op)
	default:
		return model.Receipt{Outcome: model.Refused, Err: s.fault(fault.Bug, "action", "The action is unknown.")}
	}
}

func (s *memorySession) create(op model.Operation) model.Receipt {
	id := string(op.Key)
	if s.flaw == "creates twice" {
		id = fmt.Sprintf("%s-%d", op.Key, s.seq)
	}
	if r := s.rows[string(op.Ref.Kind)+"/"+id]; r != nil {
		if r.gone {
			return model.Receipt{Outcome: model.Refused, Err: s.fault(fault.NotFound, "key-used", "It was created and deleted since.")}
		}
		return model.Receipt{Outcome: model.Done, Ref: s.item(r).Ref}
	}
	r := &row{kind: op.Ref.Kind, id: id, key: op.Key, uid: op.UID, owner: op.Actor, content: op.Content.Clone()}
	s.rows[string(r.kind)+"/"+id] = r
	return s.done(r)
}

func (s *memorySession) change(op model.Operation) model.Receipt {
	r := s.rows[string(op.Ref.Kind)+"/"+op.Ref.ID]
	if r == nil || r.gone {
		if op.Action == model.Delete {
			return model.Receipt{Outcome: model.Done, Ref: op.Ref}
		}
		return model.Receipt{Outcome: model.Refused, Err: s.fault(fault.NotFound, "missing", "It is not there.")}
	}
	if op.Expect != "" && op.Expect != strconv.FormatInt(r.seq, 10) && s.flaw != "overwrites" {
		return model.Receipt{Outcome: model.Refused, Err: s.fault(fault.Conflict, "version", "It changed since.")}
	}
	if op.Action == model.Delete {
		r.gone = true
		return s.done(r)
	}
	changed := op.Changed
	if s.flaw == "writes everything" {
		r.content, changed = op.Content.Clone(), nil
	}
	if s.flaw == "harms foreign data" {
		r.foreign = ""
	}
	for _, f := range changed {
		r.content.Put(f, op.Content[f])
	}
	return s.done(r)
}

func (s *memorySession) done(r *row) model.Receipt {
	s.seq++
	r.seq = s.seq
	it := s.item(r)
	ref := it.Ref
	if s.flaw == "tells wrong version" {
		ref.Version, it.Ref.Version = "0", "0"
	}
	return model.Receipt{Outcome: model.Done, Ref: ref, Item: &it}
}

// fixture is the memory system as the suite needs it.
func (m *memory) fixture() Fixture {
	outside := &memorySession{memory: m, secret: m.secret}
	find := func(r model.Ref) *row { return m.rows[string(r.Kind)+"/"+r.ID] }
	return Fixture{
		Connector: m, Account: model.Account{Secret: m.secret}, Actor: "user-1",
		Create: func(_ testing.TB, c model.Collection, content model.Content) string {
			op := model.Operation{Ref: model.Ref{Kind: c.Kind}, Content: content, Key: model.Key(fmt.Sprintf("outside-%d", m.seq))}
			return outside.create(op).Ref.ID
		},
		Edit: func(_ testing.TB, ref model.Ref, changed model.Content) {
			r := find(ref)
			maps.Copy(r.content, changed)
			m.seq++
			r.seq = m.seq
		},
		Delete: func(_ testing.TB, ref model.Ref) {
			r := find(ref)
			m.seq++
			r.seq, r.gone = m.seq, true
		},
		Foreign: func(_ testing.TB, ref model.Ref) func(testing.TB) bool {
			find(ref).foreign = "X-OTHER:1"
			return func(testing.TB) bool { return find(ref).foreign == "X-OTHER:1" }
		},
		Expire: func(_ testing.TB, _ model.Collection, c model.Cursor) model.Cursor {
			m.epoch++
			return c
		},
		LoseAnswer: func(testing.TB) { m.lose = true },
		Denied: func(testing.TB) (connector.Connector, model.Account, string) {
			return m, model.Account{Secret: strings.Repeat("wrong", 3)}, strings.Repeat("wrong", 3)
		},
	}
}
