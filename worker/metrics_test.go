package main

import (
	"log/slog"
	"net"
	"testing"

	"lockstep.dev/metrics"
)

// A second worker on one machine works, though Prometheus is answered by the
// first; an address that is none stops it.
func TestASecondWorkerWorksToo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	m := metrics.New(nil, nil, slog.New(slog.DiscardHandler))
	for address, want := range map[string]bool{l.Addr().String(): true, "off": true, "127.0.0.1:0": true, ":9464": false} {
		s, err := answer(t.Context(), config{Metrics: address}, m, slog.New(slog.DiscardHandler))
		if want != (err == nil) {
			t.Errorf("%s: %v", address, err)
		}
		s.Stop(t.Context())
	}
}
