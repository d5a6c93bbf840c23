package metrics

import (
	"context"
	"iter"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Watched measures every call of a connector. Nil metrics measure nothing.
func (m *Metrics) Watched(c connector.Connector) connector.Connector {
	if m == nil {
		return c
	}
	return &watched{Connector: c, m: m}
}

type watched struct {
	connector.Connector
	m *Metrics
}

// Filter implements connector.Filterer for those that do.
func (w *watched) Filter() string {
	if f, ok := w.Connector.(connector.Filterer); ok {
		return f.Filter()
	}
	return ""
}

// Open implements connector.Connector.
func (w *watched) Open(ctx context.Context, a model.Account) (connector.Session, error) {
	s := &watchedSession{m: w.m, connector: w.Name(), side: w.Capabilities().Side}
	inner, err := timed(ctx, s, "open", func(ctx context.Context) (connector.Session, error) { return w.Connector.Open(ctx, a) })
	if err != nil {
		return nil, err
	}
	s.Session = inner
	return s, nil
}

type watchedSession struct {
	connector.Session
	m         *Metrics
	connector string
	side      model.Side
}

// Unwrap lets connector.As see what is measured.
func (s *watchedSession) Unwrap() connector.Session { return s.Session }

// timed makes one call and measures it.
func timed[T any](ctx context.Context, s *watchedSession, call string, f func(ctx context.Context) (T, error)) (T, error) {
	begun := time.Now()
	ctx, span := s.span(ctx, call)
	out, err := f(ctx)
	end(span, err)
	s.tell(call, begun, err)
	return out, err
}

func (s *watchedSession) span(ctx context.Context, call string) (context.Context, trace.Span) {
	return s.m.traces.tracer.Start(ctx, s.connector+" "+call, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("connector", s.connector), attribute.String("side", string(s.side))))
}

// tell notes one call.
func (s *watchedSession) tell(call string, begun time.Time, err error) {
	s.m.remote.WithLabelValues(s.connector, string(s.side), call).Observe(time.Since(begun).Seconds())
	if err == nil {
		return
	}
	s.m.failures.WithLabelValues(s.connector, string(s.side), call, string(fault.ClassOf(err))).Inc()
	if f := fault.Of(err); f != nil && f.Class == fault.Throttled {
		s.m.throttled.WithLabelValues(s.connector, string(s.side)).Add(f.After.Seconds())
	}
}

// Test implements connector.Session.
func (s *watchedSession) Test(ctx context.Context, w model.Workload) error {
	_, err := timed(ctx, s, "test", func(ctx context.Context) (struct{}, error) { return struct{}{}, s.Session.Test(ctx, w) })
	return err
}

// Identity implements connector.Session.
func (s *watchedSession) Identity(ctx context.Context) (string, error) {
	return timed(ctx, s, "identity", func(ctx context.Context) (string, error) { return s.Session.Identity(ctx) })
}

// Collections implements connector.Session.
func (s *watchedSession) Collections(ctx context.Context) ([]model.Collection, error) {
	return timed(ctx, s, "collections", func(ctx context.Context) ([]model.Collection, error) { return s.Session.Collections(ctx) })
}

// Probe implements connector.Session.
func (s *watchedSession) Probe(ctx context.Context, c model.Collection) (connector.Mark, error) {
	return timed(ctx, s, "probe", func(ctx context.Context) (connector.Mark, error) { return s.Session.Probe(ctx, c) })
}

// Changes implements connector.Session.
func (s *watchedSession) Changes(ctx context.Context, c model.Collection, since model.Cursor) iter.Seq2[connector.Page, error] {
	return s.pages(ctx, "changes", func(ctx context.Context) iter.Seq2[connector.Page, error] { return s.Session.Changes(ctx, c, since) })
}

// List implements connector.Session.
func (s *watchedSession) List(ctx context.Context, c model.Collection, resume model.Cursor) iter.Seq2[connector.Page, error] {
	return s.pages(ctx, "list", func(ctx context.Context) iter.Seq2[connector.Page, error] { return s.Session.List(ctx, c, resume) })
}

// pages measures the time to each page, without that of whoever reads it. One
// span covers them all.
func (s *watchedSession) pages(ctx context.Context, call string, read func(ctx context.Context) iter.Seq2[connector.Page, error]) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		ctx, span := s.span(ctx, call)
		var failed error
		defer func() { end(span, failed) }()
		begun := time.Now()
		for page, err := range read(ctx) {
			s.tell(call, begun, err)
			failed = err
			if !yield(page, err) {
				return
			}
			begun = time.Now()
		}
	}
}

// Fetch implements connector.Session.
func (s *watchedSession) Fetch(ctx context.Context, refs []model.Ref) ([]model.Item, error) {
	return timed(ctx, s, "fetch", func(ctx context.Context) ([]model.Item, error) { return s.Session.Fetch(ctx, refs) })
}

// Apply implements connector.Session, and counts what became of each write.
func (s *watchedSession) Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error) {
	receipts, err := timed(ctx, s, "apply", func(ctx context.Context) ([]model.Receipt, error) { return s.Session.Apply(ctx, ops) })
	for i, op := range ops {
		outcome, class := model.Unknown, ""
		switch {
		case err != nil:
			class = string(fault.ClassOf(err))
		case i < len(receipts):
			outcome = receipts[i].Outcome
			if receipts[i].Err != nil {
				class = string(fault.ClassOf(receipts[i].Err))
			}
		}
		s.m.operations.WithLabelValues(s.connector, string(s.side), string(op.Ref.Kind), string(op.Action), string(outcome), class).Inc()
	}
	return receipts, err
}

// FindByKey implements connector.Session.
func (s *watchedSession) FindByKey(ctx context.Context, keys []model.Key) (found []model.Item, conclusive bool, err error) {
	_, err = timed(ctx, s, "find", func(ctx context.Context) (struct{}, error) {
		found, conclusive, err = s.Session.FindByKey(ctx, keys)
		return struct{}{}, err
	})
	return found, conclusive, err
}
