package peer_test

import (
	"fmt"
	"testing"

	"lockstep.dev/internal/peer"
)

// verdict records how a peer ended the test that asked for it.
type verdict struct{ word, text string }

func (v *verdict) Helper()             {}
func (v *verdict) Cleanup(func())      {}
func (v *verdict) Logf(string, ...any) {}
func (v *verdict) Fatalf(format string, args ...any) {
	*v = verdict{"failed", fmt.Sprintf(format, args...)}
}
func (v *verdict) Skipf(format string, args ...any) {
	*v = verdict{"skipped", fmt.Sprintf(format, args...)}
}

// A missing program skips with a line that names the package, and fails where
// peers are required.
func TestMissingProgram(t *testing.T) {
	const text = "no-such-program is not installed: run `make peers` or apt-get install its-package"
	for environment, want := range map[string]string{"": "skipped", "required": "failed"} {
		t.Setenv("LOCKSTEP_PEERS", environment)
		var got verdict
		peer.Program(&got, "no-such-program", "its-package")
		if got != (verdict{want, text}) {
			t.Errorf("LOCKSTEP_PEERS=%q: %+v, want %s", environment, got, want)
		}
	}
}
