package temporal

import (
	"context"
	"log/slog"
	"path/filepath"

	"lockstep.dev/standalone/instance"
)

// TB is what ForTest needs of a testing.TB, so that programs do not link the
// testing package.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// ForTest starts a server on a new file and on ports that the system picks,
// and stops it when the test ends: start workers after it. The server says
// nothing unless an edit of the configuration gives it a logger.
func ForTest(t TB, edits ...func(*Config)) *Server {
	t.Helper()
	cfg := Config{
		File:         filepath.Join(t.TempDir(), "temporal.db"),
		FrontendPort: instance.AnyPort,
		UIPort:       instance.AnyPort,
		Logger:       slog.New(slog.DiscardHandler),
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	s, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatalf("start temporal for a test: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop temporal after a test: %v", err)
		}
	})
	return s
}
