package memory

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// session is one account's view of a system.
type session struct {
	*System
	name   string
	secret string
}

var (
	_ connector.Session   = (*session)(nil)
	_ connector.Cleaner   = (*session)(nil)
	_ connector.Directory = (*session)(nil)
)

// enter begins a request: it locks the system, counts the request and checks
// the account. The caller unlocks.
func (s *session) enter(ctx context.Context, request string) (*home, error) {
	s.mu.Lock()
	s.count(request)
	if err := s.alive(ctx); err != nil {
		return nil, err
	}
	if s.config.Secret != "" && s.secret != s.config.Secret {
		return nil, s.fault("memory.secret")
	}
	h := s.homes[s.name]
	if h == nil {
		return nil, s.fault("memory.mailbox")
	}
	return h, nil
}

// Test implements connector.Session.
func (s *session) Test(ctx context.Context, _ model.Workload) error {
	_, err := s.enter(ctx, "test")
	defer s.mu.Unlock()
	return err
}

// Identity implements connector.Session.
func (s *session) Identity(ctx context.Context) (string, error) {
	h, err := s.enter(ctx, "identity")
	defer s.mu.Unlock()
	if err != nil {
		return "", err
	}
	return h.identity, nil
}

// Collections implements connector.Session.
func (s *session) Collections(ctx context.Context) ([]model.Collection, error) {
	h, err := s.enter(ctx, "collections")
	defer s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return slices.Clone(h.collections), nil
}

// Probe implements connector.Session.
func (s *session) Probe(ctx context.Context, c model.Collection) (connector.Mark, error) {
	h, err := s.enter(ctx, "probe")
	defer s.mu.Unlock()
	if err != nil {
		return connector.Mark{}, err
	}
	if s.config.Blind {
		return connector.Mark{}, nil
	}
	m := connector.Mark{Epoch: fmt.Sprint(s.epoch)}
	seen := s.visible()
	for _, i := range h.items {
		if st := i.asOf(seen); st != nil && i.was(c) {
			m.High = max(m.High, st.seq)
		}
	}
	return m, nil
}

// position is a cursor taken apart. Until a full listing has ended, start is
// the revision at which it began.
type position struct {
	after, start int64
	full         bool
}

func (s *session) parse(c model.Cursor) (position, error) {
	if c == "" {
		return position{start: s.visible(), full: true}, nil
	}
	parts := strings.Split(string(c), ":")
	if len(parts) != 4 || parts[0] != strconv.Itoa(s.issue) {
		return position{}, s.fault("memory.cursor")
	}
	after, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return position{}, s.fault("memory.cursor")
	}
	start, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return position{}, s.fault("memory.cursor")
	}
	return position{after: after, start: start, full: parts[1] == "f"}, nil
}

func (s *session) cursor(p position) model.Cursor {
	mode := "d"
	if p.full {
		mode = "f"
	}
	return model.Cursor(fmt.Sprintf("%d:%s:%d:%d", s.issue, mode, p.after, p.start))
}

// Changes implements connector.Session. The order is that of the latest change,
// so what changes while it is read comes again, later.
func (s *session) Changes(ctx context.Context, c model.Collection, since model.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		for {
			p, err := s.page(ctx, c, since, "changes")
			if !yield(p, err) || err != nil || p.Last {
				return
			}
			since = p.Cursor
		}
	}
}

func (s *session) page(ctx context.Context, c model.Collection, since model.Cursor, request string) (connector.Page, error) {
	h, err := s.enter(ctx, request)
	defer s.mu.Unlock()
	if err != nil {
		return connector.Page{}, err
	}
	if !slices.ContainsFunc(h.collections, func(o model.Collection) bool { return o.ID == c.ID && o.Kind == c.Kind }) {
		return connector.Page{}, s.fault("memory.collection")
	}
	at, err := s.parse(since)
	if err != nil {
		return connector.Page{}, err
	}
	rows := s.rows(h, c, at)
	p := connector.Page{Full: at.full, Last: len(rows) <= s.config.Page}
	for _, st := range rows[:min(len(rows), s.config.Page)] {
		s.tell(&p, c, st)
		at.after = st.seq
	}
	if p.Last {
		at = position{after: s.visible()}
	}
	p.Cursor = s.cursor(at)
	return p, nil
}

// rows are the visible states that a position has not seen, oldest first: what
// lies in the collection, and what does not any more.
func (s *session) rows(h *home, c model.Collection, at position) []*state {
	var out []*state
	seen := s.visible()
	for _, i := range h.items {
		st := i.asOf(seen)
		if st != nil && st.untold && !at.full {
			continue
		}
		if st.in(c) && st.seq > at.after || st != nil && !st.in(c) && i.was(c) && st.seq > max(at.after, at.start) {
			out = append(out, st)
		}
	}
	slices.SortFunc(out, func(a, b *state) int { return int(a.seq - b.seq) })
	return out
}

func (s *session) tell(p *connector.Page, c model.Collection, st *state) {
	switch {
	case !st.in(c):
		r := s.ref(st)
		r.Collection = c.ID
		p.Gone = append(p.Gone, r)
	case s.config.Refs:
		p.Changed = append(p.Changed, s.ref(st))
	default:
		p.Items = append(p.Items, s.read(st))
	}
}

// List implements connector.Session.
func (s *session) List(ctx context.Context, c model.Collection, resume model.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		for {
			p, err := s.page(ctx, c, resume, "list")
			for _, it := range p.Items {
				p.Changed = append(p.Changed, it.Ref)
			}
			p.Items, p.Gone = nil, nil
			resume = p.Cursor
			if p.Last {
				p.Cursor = ""
			}
			if !yield(p, err) || err != nil || p.Last {
				return
			}
		}
	}
}

// Fetch implements connector.Session. It reads what is there now, whatever the
// lag of listings.
func (s *session) Fetch(ctx context.Context, refs []model.Ref) ([]model.Item, error) {
	h, err := s.enter(ctx, "fetch")
	defer s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var out []model.Item
	for _, r := range refs {
		if i := h.items[key(r.Kind, r.ID)]; i != nil && !i.now().gone {
			out = append(out, s.read(i.now()))
		}
	}
	return out, nil
}

// FindByKey implements connector.Session. Where the caller's key is the id, an
// answer is conclusive; a stamp is looked for, and the index lags; where there
// is neither, nothing is ever found.
func (s *session) FindByKey(ctx context.Context, keys []model.Key) ([]model.Item, bool, error) {
	h, err := s.enter(ctx, "find")
	defer s.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	var out []model.Item
	conclusive := true
	seen := s.visible()
	for _, i := range h.sorted() {
		st := i.asOf(seen)
		if s.tier(i.now().kind) == connector.T1 {
			st = i.now()
		}
		if st != nil && !st.gone && st.stamp != "" && slices.Contains(keys, st.stamp) {
			out = append(out, s.read(st))
		}
	}
	for k := range s.config.Kinds {
		conclusive = conclusive && (s.tier(k) == connector.T1 || s.tier(k) == connector.T2 && s.config.Lag <= 0)
	}
	return out, conclusive, nil
}

func (s *System) tier(k model.Kind) connector.Tier { return s.config.Kinds[k].Create }

// Users implements connector.Directory.
func (s *session) Users(ctx context.Context) ([]connector.User, error) {
	_, err := s.enter(ctx, "users")
	defer s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return slices.Clone(s.users), nil
}

// Group implements connector.Directory. There are no groups.
func (s *session) Group(ctx context.Context, _ string) ([]connector.User, error) {
	_, err := s.enter(ctx, "users")
	defer s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return nil, s.fault("memory.group")
}

// Close implements connector.Session.
func (s *session) Close() error { return nil }
