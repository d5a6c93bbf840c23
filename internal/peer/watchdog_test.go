//go:build unix

package peer_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lockstep.dev/internal/peer"
)

// childVariable makes the test program start peers and wait to be killed.
const childVariable = "LOCKSTEP_PEER_TEST_CHILD"

// A test process that is killed leaves no server behind.
func TestKilledProcessLeavesNoServer(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		startAndWait()
		return
	}
	peer.Program(t, "radicale", "radicale")
	child := exec.Command(os.Args[0], "-test.run=^TestKilledProcessLeavesNoServer$")
	child.Env = append(os.Environ(), childVariable+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child started no server: %v", err)
	}
	address = strings.TrimSpace(address)
	if conn, err := net.Dial("tcp", address); err != nil {
		t.Fatalf("server of the child: %v", err)
	} else {
		_ = conn.Close()
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // reports the kill
	for range 1000 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		_ = conn.Close()
		time.Sleep(10 * time.Millisecond) // the watchdog is another process; there is nothing to wait on
	}
	t.Fatal("the server still runs after its test process was killed")
}

func startAndWait() {
	s := peer.Radicale(peer.NewHost(os.Stderr), "alice")
	_, _ = os.Stdout.WriteString(strings.TrimPrefix(s.URL, "http://") + "\n")
	select {}
}
