package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server answers Prometheus at /metrics, and nothing else.
type Server struct {
	Address string // where it listens
	server  *http.Server
	done    chan struct{}
}

// Serve starts to listen. Addresses without a host are refused: the numbers tell
// how much a company does, so whoever opens them to a network says to which.
func (m *Metrics) Serve(ctx context.Context, address string, log *slog.Logger) (*Server, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return nil, fmt.Errorf("serve metrics at %q: give host and port, such as 127.0.0.1:9464; 0.0.0.0 means every network", address)
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	s := &Server{Address: l.Addr().String(), done: make(chan struct{}), server: &http.Server{Handler: mux, ReadHeaderTimeout: patience, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.ErrorContext(ctx, "metrics are not served any more", "error", err)
		}
	}()
	return s, nil
}

// Stop ends it, also where ctx has ended. Nil has nothing to end.
func (s *Server) Stop(ctx context.Context) {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close() // whoever still reads has had their time
	}
	<-s.done
}
