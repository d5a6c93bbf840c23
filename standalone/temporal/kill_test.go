package temporal_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"lockstep.dev/standalone/instance"
	"lockstep.dev/standalone/temporal"
)

// runEnv turns the test program into one that runs a server and a worker on
// the named file until it is killed.
const runEnv = "TEMPORAL_TEST_RUN"

func TestMain(m *testing.M) {
	if path := os.Getenv(runEnv); path != "" {
		if err := runUntilKilled(path); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// runUntilKilled prints "ready FRESH", then the workflow's rounds.
func runUntilKilled(path string) error {
	ctx := context.Background()
	s, err := temporal.Start(ctx, temporal.Config{File: path, FrontendPort: instance.AnyPort, UIPort: instance.AnyPort})
	if err != nil {
		return err
	}
	fmt.Println("ready", s.Fresh)
	_, c, err := startWorker(s, os.Stdout)
	if err != nil {
		return err
	}
	if s.Fresh {
		options := client.StartWorkflowOptions{ID: "endless", TaskQueue: queue, WorkflowTaskTimeout: time.Second}
		if _, err := c.ExecuteWorkflow(ctx, options, Endless); err != nil {
			return err
		}
		if err := s.Seeded(); err != nil {
			return err
		}
	}
	return <-s.Failed()
}

// program is such a program as a test sees it.
type program struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

func startProgram(t testing.TB, path string) *program {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), runEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd, out: bufio.NewScanner(out)}
	t.Cleanup(p.kill)
	return p
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill() // SIGKILL
	_, _ = io.Copy(io.Discard, lines{p.out})
	_ = p.cmd.Wait()
}

// lines lets what is left of a scanner be thrown away.
type lines struct{ s *bufio.Scanner }

func (l lines) Read([]byte) (int, error) {
	if l.s.Scan() {
		return 0, nil
	}
	return 0, io.EOF
}

// next returns what follows word in the next line that starts with it.
func (p *program) next(t testing.TB, word string) string {
	t.Helper()
	var said []string
	for p.out.Scan() {
		line := p.out.Text()
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			return rest
		}
		said = append(said, line)
	}
	t.Fatalf("program ended without a line %q: %q", word, said)
	return ""
}

// Kill -9 at any moment loses nothing: the same workflow goes on from the
// round it was in, also if the program was killed again and again.
func TestKilledServerContinues(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	last := 0
	for kill := range 3 {
		p := startProgram(t, path)
		if fresh := p.next(t, "ready"); fresh != fmt.Sprint(kill == 0) {
			t.Fatalf("start %d: fresh is %s", kill+1, fresh)
		}
		// An activity that ran at the kill runs again: its round may repeat.
		reached := last
		for range 3 + 4*kill {
			if _, err := fmt.Sscan(p.next(t, "round"), &reached); err != nil {
				t.Fatal(err)
			}
		}
		if reached <= last {
			t.Errorf("start %d: reached round %d, was at %d before the kill", kill+1, reached, last)
		}
		last = reached
		p.kill()
	}

	s := temporal.ForTest(t, onFile(path))
	if s.Fresh {
		t.Errorf("the file was replaced after a kill: %s", s.Reason)
	}
	c, _ := work(t, s)
	send(t, c, "endless", "stop")
	var rounds int
	if err := c.GetWorkflow(within(t), "endless", "").Get(within(t), &rounds); err != nil || rounds < last {
		t.Errorf("workflow ended after %d rounds, %v, want at least %d", rounds, err, last)
	}
}

// Killed at any moment of the very first start, the next one works.
func TestKilledWhileTheFileIsMade(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	for _, wait := range []int{0, 40, 80, 120, 160, 200} {
		p := startProgram(t, path)
		await(t, path) // then it is in the middle of things
		<-time.After(time.Duration(wait) * time.Millisecond)
		p.kill()
	}
	runOnce(t, temporal.ForTest(t, onFile(path)))
}

// await waits until a file exists.
func await(t *testing.T, path string) {
	t.Helper()
	for ctx := within(t); ; {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s has not appeared", path)
		}
		time.Sleep(time.Millisecond)
	}
}
