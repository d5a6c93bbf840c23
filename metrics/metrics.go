// Package metrics measures Lockstep for Prometheus: how far behind it is, what
// rounds come to, what the systems on both sides answer and how fast, and how
// everything stands. docs/metrics.md says what each number means; it is written
// from the list in this package.
//
// Labels name connections, connectors, kinds and codes, which are few. None
// names a mailbox, an address or an item.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the metrics of one process.
type Metrics struct {
	registry *prometheus.Registry

	rounds     *prometheus.CounterVec
	operations *prometheus.CounterVec
	remote     *prometheus.HistogramVec
	failures   *prometheus.CounterVec
	throttled  *prometheus.CounterVec
	steps      *prometheus.HistogramVec

	traces *Traces
}

// New makes the metrics of a process. Without standing nothing is told of the
// store, without traces there are none.
func New(standing Standing, traces *Traces, log *slog.Logger) *Metrics {
	if traces == nil {
		traces = NoTraces()
	}
	m := &Metrics{
		traces:     traces,
		registry:   prometheus.NewRegistry(),
		rounds:     counter("rounds"),
		operations: counter("operations"),
		failures:   counter("remote_failures"),
		throttled:  counter("throttled_seconds"),
		remote:     histogram("remote_seconds", prometheus.ExponentialBuckets(0.005, 3, 9)),
		steps:      histogram("step_seconds", prometheus.ExponentialBuckets(0.01, 4, 9)),
	}
	m.registry.MustRegister(m.rounds, m.operations, m.remote, m.failures, m.throttled, m.steps,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if standing != nil {
		m.registry.MustRegister(&stander{standing: standing, log: log, now: time.Now})
	}
	return m
}

func counter(name string) *prometheus.CounterVec {
	d := declared(name)
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Full(), Help: d.Help}, d.Labels)
}

func histogram(name string, buckets []float64) *prometheus.HistogramVec {
	d := declared(name)
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Full(), Help: d.Help, Buckets: buckets}, d.Labels)
}

// Handler answers Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// patience bounds a scrape.
const patience = 10 * time.Second

func bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}
