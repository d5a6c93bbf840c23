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
	Call  string // open, test, identity, collections, probe, changes, list, fetch, find, apply, unstamp
	After bool
	// Operations of an apply.
	Operations []model.Operation
	// Page of a changes or list, After: the hook may alter it.
	Page *connector.Page
}

// String names the point.
func (p Point) String() string {
	when := "before "
	if p.After {
		when = "after "
	}
	return when + string(p.Side) + "." + p.Call
}

// ErrTwice is what a hook returns to have a page told twice.
var ErrTwice = errors.New("the page is told twice")

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
	return s.pages(ctx, "changes", s.Session.Changes(ctx, c, since))
}

// List implements connector.Session.
func (s *faultySession) List(ctx context.Context, c model.Collection, resume model.Cursor) iter.Seq2[connector.Page, error] {
	return s.pages(ctx, "list", s.Session.List(ctx, c, resume))
}

// pages passes the hook before and after each page: a page is a request.
func (s *faultySession) pages(ctx context.Context, call string, pages iter.Seq2[connector.Page, error]) iter.Seq2[connector.Page, error] {
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
			after.After, after.Page = true, &page
			wrong := s.hook(ctx, after)
			if wrong != nil && !errors.Is(wrong, ErrTwice) {
				yield(connector.Page{}, wrong)
				return
			}
			if wrong != nil && !yield(early(page), nil) || !yield(page, nil) || page.Last {
				return
			}
			if err := s.hook(ctx, p); err != nil {
				yield(connector.Page{}, err)
				return
			}
		}
	}
}

// early is a page that is told once more after itself: it is not the last.
func early(p connector.Page) connector.Page {
	p.Last = false
	return p
}

// Fetch implements connector.Session.
func (s *faultySession) Fetch(ctx context.Context, refs []model.Ref) ([]model.Item, error) {
	return through(ctx, s.hook, s.point("fetch"), func() ([]model.Item, error) { return s.Session.Fetch(ctx, refs) })
}

// Apply implements connector.Session.
func (s *faultySession) Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error) {
	p := s.point("apply")
	p.Operations = ops
	return through(ctx, s.hook, p, func() ([]model.Receipt, error) { return s.Session.Apply(ctx, ops) })
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
