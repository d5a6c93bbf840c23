package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lockstep.dev/store"
)

// Standing tells how everything stands; the store does.
type Standing interface {
	Standing(ctx context.Context) (store.Standing, error)
}

// freshness is how old the store's numbers may be: several Prometheus servers
// do not make the store count more often.
const freshness = 15 * time.Second

// stander asks the store when Prometheus asks us.
type stander struct {
	standing Standing
	log      *slog.Logger
	now      func() time.Time

	mu   sync.Mutex
	at   time.Time
	last store.Standing
}

// Describe implements prometheus.Collector. The numbers are declared as they
// come, because their labels follow what is in the store.
func (s *stander) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *stander) Collect(out chan<- prometheus.Metric) {
	now, last, at := s.latest()
	give := func(name string, value float64, labels ...string) {
		d := declared(name)
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(d.Full(), d.Help, d.Labels, nil), prometheus.GaugeValue, value, labels...)
	}
	if at.IsZero() {
		return
	}
	give("standing_age_seconds", now.Sub(at).Seconds())
	for _, m := range last.Mailboxes {
		give("mailboxes", float64(m.Number), m.Connection, string(m.State))
	}
	for _, b := range last.Behind {
		give("silence_seconds", since(now, b.Success), b.Connection)
		give("lag_seconds", since(now, b.Waiting), b.Connection)
	}
	for _, c := range last.Issues {
		give("issues", float64(c.Count), c.Code)
	}
	for _, c := range last.Alerts {
		give("alerts", float64(c.Count), c.Code)
	}
}

func since(now, t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}

// latest are the store's numbers, asked for anew where they are old. If the
// store does not answer, those from before stand, and their age tells it.
func (s *stander) latest() (now time.Time, last store.Standing, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now = s.now()
	if !s.at.IsZero() && now.Sub(s.at) < freshness {
		return now, s.last, s.at
	}
	ctx, cancel := bounded()
	defer cancel()
	fresh, err := s.standing.Standing(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "the store could not be counted for metrics", "error", err)
		return now, s.last, s.at
	}
	s.last, s.at = fresh, now
	return now, s.last, s.at
}
