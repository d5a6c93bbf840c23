package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger passes the server's messages on. What the server calls information
// is detail to whoever runs Lockstep, and becomes debug.
type logger struct {
	to    *slog.Logger
	state *logState
}

// logState is shared by a logger and all that were derived from it.
type logState struct {
	// quiet is set while the server stops: the complaints of its parts about
	// each other's absence mean nothing.
	quiet atomic.Bool
	// fatal gets the first message after which the server cannot go on.
	fatal chan error
}

var (
	errGaveUp   = errors.New("the server gave up")
	errPortLost = errors.New("a port is in use")
)

// Messages that have no type to know them by.
const (
	// portLostMessage: the server could not open a port.
	portLostMessage = "Failed to start gRPC listener"
	// noHTTPMessage: a warning at each start that the frontend speaks gRPC
	// only, as we want it.
	noHTTPMessage = "HTTP API port has not been set"
)

var (
	_ log.Logger     = (*logger)(nil)
	_ log.WithLogger = (*logger)(nil)
)

func newLogger(to *slog.Logger) *logger {
	return &logger{to: to, state: &logState{fatal: make(chan error, 1)}}
}

func (l *logger) With(tags ...tag.Tag) log.Logger {
	return &logger{to: slog.New(l.to.Handler().WithAttrs(attrs(tags))), state: l.state}
}

func (l *logger) Debug(msg string, tags ...tag.Tag) { l.log(slog.LevelDebug-4, msg, tags) }
func (l *logger) Info(msg string, tags ...tag.Tag)  { l.log(slog.LevelDebug, msg, tags) }
func (l *logger) Warn(msg string, tags ...tag.Tag)  { l.log(slog.LevelWarn, msg, tags) }
func (l *logger) Error(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

// DPanic reports a bug of the server that it can live with.
func (l *logger) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

func (l *logger) Panic(msg string, tags ...tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	panic("temporal server: " + msg)
}

// Fatal does not return, as the server counts on that. Below build it panics,
// for which build waits: there it comes from deep inside constructors that hold
// others up. Elsewhere it ends the goroutine that called, and leaves it to the
// owner of the process what becomes of the rest.
func (l *logger) Fatal(msg string, tags ...tag.Tag) {
	cause := errGaveUp
	if msg == portLostMessage {
		cause = errPortLost
	}
	text := msg
	for _, t := range tags {
		text += fmt.Sprintf(", %s %v", t.Key(), t.Value())
	}
	err := fmt.Errorf("%w: %s", cause, text)
	if belowBuild() {
		panic(&fatalError{err})
	}
	select {
	case l.state.fatal <- err:
	default: // an earlier one says more
	}
	l.log(slog.LevelError, msg, tags)
	runtime.Goexit()
}

// belowBuild tells whether this goroutine is the one that builds the server.
func belowBuild() bool {
	stack := make([]uintptr, 512)
	frames := runtime.CallersFrames(stack[:runtime.Callers(1, stack)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "standalone/temporal.build") {
			return true
		}
		if !more {
			return false
		}
	}
}

// fatalError is what Fatal panics with.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }

func (l *logger) log(level slog.Level, msg string, tags []tag.Tag) {
	ctx := context.Background()
	if l.state.quiet.Load() || strings.HasPrefix(msg, noHTTPMessage) {
		level = min(level, slog.LevelDebug)
	}
	if l.to.Enabled(ctx, level) {
		l.to.LogAttrs(ctx, level, msg, attrs(tags)...)
	}
}

func attrs(tags []tag.Tag) []slog.Attr {
	as := make([]slog.Attr, len(tags))
	for i, t := range tags {
		as[i] = slog.Any(t.Key(), t.Value())
	}
	return as
}
