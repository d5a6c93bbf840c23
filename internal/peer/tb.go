package peer

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// TB is what a peer needs from whoever starts it. *testing.T and *testing.B
// have it; a program that is not a test uses a Host.
type TB interface {
	Helper()
	Cleanup(func())
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Host lets an ordinary program (the benchmark against peers) start peers.
// A peer that cannot be started ends the program with status 1 and one line on
// the writer, after the peers started before it were ended.
type Host struct {
	out io.Writer

	mu       sync.Mutex
	cleanups []func()
}

// NewHost returns a Host that writes its messages to out.
func NewHost(out io.Writer) *Host { return &Host{out: out} }

// Close ends every peer started through the host, last first. It may be
// called more than once.
func (h *Host) Close() {
	h.mu.Lock()
	todo := h.cleanups
	h.cleanups = nil
	h.mu.Unlock()
	for _, cleanup := range slices.Backward(todo) {
		cleanup()
	}
}

// Helper does nothing; testing.TB has it.
func (h *Host) Helper() {}

// Cleanup registers f for Close.
func (h *Host) Cleanup(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cleanups = append(h.cleanups, f)
}

// Logf writes one line.
func (h *Host) Logf(format string, args ...any) {
	_, _ = fmt.Fprintf(h.out, format+"\n", args...)
}

// Fatalf writes one line, ends the peers and the program.
func (h *Host) Fatalf(format string, args ...any) {
	h.Logf(format, args...)
	h.Close()
	os.Exit(1)
}

// Skipf is Fatalf: a program that asked for a peer cannot go on without it.
func (h *Host) Skipf(format string, args ...any) { h.Fatalf(format, args...) }
