package temporal

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

func TestServerIsQuiet(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	l.Info("server news")
	l.Debug("server detail")
	l.Warn("HTTP API port has not been set. And so on.")
	log.With(l, tag.WorkflowID("mailbox/1")).Warn("slow query", tag.Error(errors.New("late")))
	l.state.quiet.Store(true)
	l.Error("matching is gone")

	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=WARN msg="slow query" wf-id=mailbox/1 error=late`) {
		t.Errorf("logged:\n%s", got)
	}
}

// The server counts on Fatal not to return; the process is not ours to end.
func TestFatalEndsOnlyWhoCalled(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, nil)))
	ended := make(chan bool)
	go func() {
		returned := false
		defer func() { ended <- returned }()
		l.Fatal("cannot go on", tag.Error(errors.New("disk gone")))
		returned = true
	}()
	if <-ended {
		t.Error("Fatal returned")
	}
	s := &Server{log: l}
	if err := <-s.Failed(); err == nil || !strings.Contains(err.Error(), "disk gone") {
		t.Errorf("Failed says %v", err)
	}
	if !strings.Contains(out.String(), "level=ERROR") {
		t.Errorf("logged %q", out.String())
	}
}
