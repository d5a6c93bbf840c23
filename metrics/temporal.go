package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
)

// tags are those of the Temporal SDK that become labels; each has few values.
// What else it tags with is left out, and a tag that a metric lacks is empty:
// Prometheus wants the same labels of every sample of a metric.
func tags() []string {
	return []string{"namespace", "task_queue", "workflow_type", "activity_type", "operation", "worker_type", "poller_type", "status_code", "failure_reason"}
}

// Temporal measures the SDK's own work, under temporal_.
func (m *Metrics) Temporal() client.MetricsHandler {
	return &sdk{of: &sdkMetrics{registry: m.registry, known: map[string]prometheus.Collector{}}}
}

type sdkMetrics struct {
	registry *prometheus.Registry
	mu       sync.Mutex
	known    map[string]prometheus.Collector
}

// get returns a metric, which it makes and registers at first. A name that is
// taken by another sort of metric is not registered: what it counts is lost,
// and nothing else.
func get[T prometheus.Collector](m *sdkMetrics, name string, fresh func() T) T {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.known[name].(T); ok {
		return c
	}
	c := fresh()
	if m.registry.Register(c) == nil {
		m.known[name] = c
	}
	return c
}

// sdk implements client.MetricsHandler.
type sdk struct {
	of     *sdkMetrics
	values map[string]string
}

// WithTags implements client.MetricsHandler.
func (s *sdk) WithTags(more map[string]string) client.MetricsHandler {
	values := make(map[string]string, len(s.values)+len(more))
	for _, from := range []map[string]string{s.values, more} {
		for k, v := range from {
			values[k] = v
		}
	}
	return &sdk{of: s.of, values: values}
}

func (s *sdk) labels() []string {
	out := make([]string, 0, len(tags()))
	for _, t := range tags() {
		v := s.values[t]
		if v == "none" { // so says the SDK
			v = ""
		}
		out = append(out, v)
	}
	return out
}

const sdkHelp = "Of the Temporal SDK; see https://docs.temporal.io/references/sdk-metrics"

// Counter implements client.MetricsHandler.
func (s *sdk) Counter(name string) client.MetricsCounter {
	v := get(s.of, name, func() *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name + "_total", Help: sdkHelp}, tags())
	}).WithLabelValues(s.labels()...)
	return counts{v}
}

// Gauge implements client.MetricsHandler.
func (s *sdk) Gauge(name string) client.MetricsGauge {
	v := get(s.of, name, func() *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: sdkHelp}, tags())
	}).WithLabelValues(s.labels()...)
	return gauges{v}
}

// Timer implements client.MetricsHandler.
func (s *sdk) Timer(name string) client.MetricsTimer {
	v := get(s.of, name, func() *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name + "_seconds", Help: sdkHelp, Buckets: prometheus.ExponentialBuckets(0.005, 5, 7)}, tags())
	}).WithLabelValues(s.labels()...)
	return times{v}
}

type counts struct{ prometheus.Counter }

// Inc implements client.MetricsCounter.
func (c counts) Inc(n int64) { c.Add(float64(n)) }

type gauges struct{ prometheus.Gauge }

// Update implements client.MetricsGauge.
func (g gauges) Update(v float64) { g.Set(v) }

type times struct{ prometheus.Observer }

// Record implements client.MetricsTimer.
func (t times) Record(d time.Duration) { t.Observe(d.Seconds()) }
