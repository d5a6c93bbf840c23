package metrics

import (
	"context"
	"fmt"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"lockstep.dev/fault"
)

// Traces are spans: one for each step of a round, and in it one for each call of
// a system. They hold ids, codes, numbers and times, and nothing of an item.
type Traces struct {
	tracer trace.Tracer
	stop   func(ctx context.Context) error
}

// NoTraces records nothing.
func NoTraces() *Traces {
	return &Traces{tracer: noop.NewTracerProvider().Tracer(""), stop: func(context.Context) error { return nil }}
}

// StartTraces sends spans to an OpenTelemetry collector by OTLP over gRPC, such
// as http://127.0.0.1:4317; with https by TLS. An empty address records nothing.
func StartTraces(ctx context.Context, collector string) (*Traces, error) {
	if collector == "" {
		return NoTraces(), nil
	}
	if u, err := url.Parse(collector); err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("send traces: the collector's address must look like http://127.0.0.1:4317 or https://collector.example.com:4317")
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(collector))
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	return tracesTo(sdktrace.NewBatchSpanProcessor(exporter)), nil
}

// tracesTo hands spans to a processor.
func tracesTo(p sdktrace.SpanProcessor) *Traces {
	about := resource.NewSchemaless(attribute.String("service.name", "lockstep"))
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p), sdktrace.WithResource(about))
	return &Traces{tracer: provider.Tracer("lockstep.dev"), stop: provider.Shutdown}
}

// Stop sends what is left. Nil has nothing to send.
func (t *Traces) Stop(ctx context.Context) {
	if t != nil {
		_ = t.stop(ctx) // a collector that is gone is no reason not to stop
	}
}

// end ends a span, with the class and the code of a fault but not its text.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, string(fault.ClassOf(err)))
		if f := fault.Of(err); f != nil {
			span.SetAttributes(attribute.String("issue", f.Code))
		}
	}
	span.End()
}
