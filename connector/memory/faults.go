package memory

import (
	"context"
	"errors"
	"iter"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Point is a place in a remote call at which something can go wrong: right
// before the system acts, or after it acted and before its answer arrives.
type Point struct {
	Side  model.Side
	Call  string // open, test, identity, collections, probe, changes, list, fetch, find, apply, unstamp, mark, owner, own
	After bool
	// Operations of an apply.
	Operations []model.Operation
	// Receipts of an apply, After: the hook may alter them.
	Receipts []model.Receipt
	// Items of a fetch, After: the hook may alter them.
	Items *[]model.Item
	// Page of a changes or list, After: the hook may alter it.
	Page *connector.Page
	// Since is the position after which the page was asked for.
	Since model.Cursor
}

// String names the point.
func (p Point) String() string {
	when := "before "
	if p.After {
		when = "after "
	}
	return when + string(p.Side) + "." + p.Call
}

// What a hook returns after a page to have it told in another way.
var (
	ErrTwice = errors.New("the page is told twice")
	ErrCut   = errors.New("half of the page is told first, under the old position")
)

// Hook decides what goes wrong at a point: an error before the call is returned
// in its place, one after the call in the place of its answer.
type Hook func(ctx context.Context, p Point) error

// Faults decorates a connector: every remote call passes the hook before and
// after.
func Faults(c connector.Connector, hook Hook) connector.Connector {
	return &faulty{Connector: c, hook: hook}
}

type faulty struct {
	connector.Connector
	hook Hook
}

// Open implements connector.Connector.
func (f *faulty) Open(ctx context.Context, a model.Account) (connector.Session, error) {
	side := f.Capabilities().Side
	inner, err := through(ctx, f.hook, Point{Side: side, Call: "open"}, func() (connector.Session, error) {
		return f.Connector.Open(ctx, a)
	})
	if err != nil {
		return nil, err
	}
	return &faultySession{Session: inner, hook: f.hook, side: side}, nil
}

type faultySession struct {
	connector.Session
	hook Hook
	side model.Side
}

// through makes one call with its two points.
func through[T any](ctx context.Context, hook Hook, p Point, call func() (T, error)) (T, error) {
	var zero T
	if err := hook(ctx, p); err != nil {
		return zero, err
	}
	out, err := call()
	if err != nil {
		return zero, err
	}
	p.After = true
	if err := hook(ctx, p); err != nil {
		return zero, err
	}
	return out, nil
}

func (s *faultySession) point(call string) Point { return Point{Side: s.side, Call: call} }

// Test implements connector.Session.
func (s *faultySession) Test(ctx context.Context, w model.Workload) error {
	_, err := through(ctx, s.hook, s.point("test"), func() (struct{}, error) { return struct{}{}, s.Session.Test(ctx, w) })
	return err
}

// Identity implements connector.Session.
func (s *faultySession) Identity(ctx context.Context) (string, error) {
	return through(ctx, s.hook, s.point("identity"), func() (string, error) { return s.Session.Identity(ctx) })
}

// Collections implements connector.Session.
func (s *faultySession) Collections(ctx context.Context) ([]model.Collection, error) {
	return through(ctx, s.hook, s.point("collections"), func() ([]model.Collection, error) { return s.Session.Collections(ctx) })
}

// Probe implements connector.Session.
func (s *faultySession) Probe(ctx context.Context, c model.Collection) (connector.Mark, error) {
	return through(ctx, s.hook, s.point("probe"), func() (connector.Mark, error) { return s.Session.Probe(ctx, c) })
}

// Changes implements connector.Session.
func (s *faultySession) Changes(ctx context.Context, c model.Collection, since model.Cursor) iter.Seq2[connector.Page, error] {
	return s.pages(ctx, "changes", since, s.Session.Changes(ctx, c, since))
}

// List implements connector.Session.
func (s *faultySession) List(ctx context.Context, c model.Collection, resume model.Cursor) iter.Seq2[connector.Page, error] {
	return s.pages(ctx, "list", resume, s.Session.List(ctx, c, resume))
}

// pages passes the hook before and after each page: a page is a request.
func (s *faultySession) pages(ctx context.Context, call string, since model.Cursor, pages iter.Seq2[connector.Page, error]) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		p := s.point(call)
		if err := s.hook(ctx, p); err != nil {
			yield(connector.Page{}, err)
			return
		}
		for page, err := range pages {
			if err != nil {
				yield(page, err)
				return
			}
			after := p
			after.After, after.Page, after.Since = true, &page, since
			wrong := s.hook(ctx, after)
			told, ok := before(page, since, wrong)
			if !ok {
				yield(connector.Page{}, wrong)
				return
			}
			if told != nil && !yield(*told, nil) || !yield(page, nil) || page.Last {
				return
			}
			since = page.Cursor
			if err := s.hook(ctx, p); err != nil {
				yield(connector.Page{}, err)
				return
			}
		}
	}
}

// before is what is told before a page, nil = nothing; not ok = the error is
// told in its place.
func before(p connector.Page, since model.Cursor, wrong error) (told *connector.Page, ok bool) {
	switch {
	case wrong == nil:
		return nil, true
	case errors.Is(wrong, ErrTwice):
		p.Last = false
		return &p, true
	case errors.Is(wrong, ErrCut):
		p.Last, p.Cursor = false, since
		p.Items, p.Changed, p.Gone, p.Left = half(p.Items), half(p.Changed), half(p.Gone), half(p.Left)
		return &p, true
	default:
		return nil, false
	}
}

func half[T any](all []T) []T { return all[:(len(all)+1)/2] }

// Fetch implements connector.Session.
func (s *faultySession) Fetch(ctx context.Context, refs []model.Ref) ([]model.Item, error) {
	p := s.point("fetch")
	if err := s.hook(ctx, p); err != nil {
		return nil, err
	}
	items, err := s.Session.Fetch(ctx, refs)
	if err != nil {
		return nil, err
	}
	p.After, p.Items = true, &items
	if err := s.hook(ctx, p); err != nil {
		return nil, err
	}
	return items, nil
}

// Apply implements connector.Session.
func (s *faultySession) Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error) {
	p := s.point("apply")
	p.Operations = ops
	if err := s.hook(ctx, p); err != nil {
		return nil, err
	}
	receipts, err := s.Session.Apply(ctx, ops)
	if err != nil {
		return nil, err
	}
	p.After, p.Receipts = true, receipts
	if err := s.hook(ctx, p); err != nil {
		return nil, err
	}
	return receipts, nil
}

// FindByKey implements connector.Session.
func (s *faultySession) FindByKey(ctx context.Context, keys []model.Key) ([]model.Item, bool, error) {
	type answer struct {
		items      []model.Item
		conclusive bool
	}
	a, err := through(ctx, s.hook, s.point("find"), func() (answer, error) {
		items, conclusive, err := s.Session.FindByKey(ctx, keys)
		return answer{items, conclusive}, err
	})
	return a.items, a.conclusive, err
}

// Unstamp implements connector.Cleaner, where the decorated session does.
func (s *faultySession) Unstamp(ctx context.Context, refs []model.Ref) error {
	cleaner, ok := connector.As[connector.Cleaner](s.Session)
	if !ok {
		return nil
	}
	_, err := through(ctx, s.hook, s.point("unstamp"), func() (struct{}, error) { return struct{}{}, cleaner.Unstamp(ctx, refs) })
	return err
}

// Unwrap lets connector.As see what is decorated.
func (s *faultySession) Unwrap() connector.Session { return s.Session }
