package temporal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/standalone/temporal"
)

// Nothing that this process listens on can be reached from another machine.
func TestListensOnTheLoopbackAddressOnly(t *testing.T) {
	temporal.ForTest(t)
	listening := 0
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			// proc_net_tcp(5): sl, local address, remote address, state,
			// five more, inode; state 0A is LISTEN.
			words := strings.Fields(line)
			if len(words) < 10 || words[3] != "0A" || !ownsSocket(words[9]) {
				continue
			}
			listening++
			if !strings.HasPrefix(words[1], "0100007F:") { // 127.0.0.1
				t.Errorf("%s: listens on %s", table, words[1])
			}
		}
	}
	if listening < 4 { // frontend, history, matching, Web UI
		t.Errorf("found %d listeners, looked in the wrong place", listening)
	}
}

func ownsSocket(inode string) bool {
	descriptors, _ := filepath.Glob("/proc/self/fd/*")
	for _, d := range descriptors {
		if target, err := os.Readlink(d); err == nil && target == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}
