package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// roleVariable makes the test program a child that plays one part.
const roleVariable = "LOCKSTEP_BENCH_ROLE"

// order is what a child is asked to do; answer what came of it.
type order struct {
	Do   string
	Peer peerOrder
	Mail mailOrder
	Crew crewOrder
}

type answer struct {
	Err    string
	URL    string
	Result run
	Fleet  fleetResult
}

// role carries out orders until its input ends.
type role interface {
	obey(o order) (answer, error)
	close()
}

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "peer":
		serve(&peerRole{})
	case "mail":
		serve(&mailRole{})
	case "crew":
		serve(&crewRole{})
	}
	os.Exit(0)
}

// serve reads orders and writes answers, one JSON value each. The end of the
// input, also when the parent was killed, ends the child.
func serve(r role) {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			break
		}
		a, err := r.obey(o)
		if err != nil {
			a.Err = err.Error()
		}
		if out.Encode(a) != nil {
			break
		}
	}
	r.close()
}

// child is the parent's end of a child.
type child struct {
	b   *testing.B
	cmd *exec.Cmd
	in  io.WriteCloser
	to  *json.Encoder
	out *json.Decoder
}

func startChild(b *testing.B, role string) *child {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	c := &child{b: b, cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+role)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	c.to, c.out = json.NewEncoder(c.in), json.NewDecoder(out)
	b.Cleanup(c.stop)
	return c
}

// ask gives an order and waits for the answer.
func (c *child) ask(o order) answer {
	c.b.Helper()
	var a answer
	if err := errors.Join(c.to.Encode(o), c.out.Decode(&a)); err != nil {
		c.b.Fatalf("%s: the child process ended: %v", o.Do, err)
	}
	if a.Err != "" {
		c.b.Fatalf("%s: %s", o.Do, a.Err)
	}
	return a
}

// stop lets the child end; it may be called more than once.
func (c *child) stop() {
	if c.cmd.ProcessState != nil {
		return
	}
	c.in.Close()
	_, _ = io.Copy(io.Discard, c.out.Buffered())
	if err := c.cmd.Wait(); err != nil {
		fmt.Fprintf(os.Stderr, "a child process ended badly: %v\n", err)
	}
}
