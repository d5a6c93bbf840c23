package activities_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// perChild is how many histories one process lives before it is started anew.
const perChild = 1000

// progress is where a soak stands: it goes on from there.
type progress struct {
	Next      uint64 // number of the next seed of this group
	Histories int
	Seen      tally
}

// LOCKSTEP_SOAK is how long to look for a history that goes wrong, e.g. "20m",
// on all cores, each time from where the last soak ended (LOCKSTEP_SOAK_STATE is
// the file that knows). LOCKSTEP_LIVES names the groups; without it all are
// lived whose rules are there. `make soak` sets them.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("LOCKSTEP_SOAK"))
	if err != nil {
		return // no soak was asked for
	}
	state := loadState(t)
	ctx, stop := context.WithTimeout(t.Context(), long)
	defer stop()
	s := &soak{t: t, ctx: ctx, stop: stop, state: state, begun: time.Now()}
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(s.work)
	}
	wg.Wait()
	saveState(t, state)
	for name, p := range state {
		t.Logf("%s: %d histories so far; %s", name, p.Histories, p.Seen)
	}
	t.Logf("%d histories in %s: %.0f a second", s.lived, time.Since(s.begun).Round(time.Second), float64(s.lived)/time.Since(s.begun).Seconds())
}

type soak struct {
	t    *testing.T
	ctx  context.Context
	stop context.CancelFunc

	mu    sync.Mutex
	state map[string]*progress
	turn  int
	lived int
	begun time.Time
}

// work lives histories in one process after the other.
func (s *soak) work() {
	for s.ctx.Err() == nil {
		g, seed := s.next()
		out, err := s.child(g, seed)
		if s.ctx.Err() != nil && err != nil {
			return // the time is over; these seeds are lived again
		}
		s.done(g, out, err)
	}
}

// next draws the next group in turn and seeds that nobody had.
func (s *soak) next() (group, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := chosen()
	g := all[s.turn%len(all)]
	s.turn++
	p := s.state[g.name]
	if p == nil {
		p = &progress{Next: 1, Seen: tally{}}
		s.state[g.name] = p
	}
	p.Next++
	// The seeds of one process grow with the square of its histories.
	return g, (p.Next - 1) << 32
}

func (s *soak) child(g group, seed uint64) ([]byte, error) {
	cmd := exec.CommandContext(s.ctx, os.Args[0], "-test.run=^TestLives$/^"+strings.ReplaceAll(g.name, " ", "_")+"$", "-test.v",
		fmt.Sprintf("-rapid.checks=%d", perChild), fmt.Sprintf("-rapid.seed=%d", seed), "-rapid.nofailfile", "-test.timeout=0")
	cmd.Env = append(os.Environ(), "LOCKSTEP_SOAK=", "LOCKSTEP_TALLY=1", "LOCKSTEP_LIVES="+g.name, "GOMAXPROCS=1", "GOGC=400")
	return cmd.CombinedOutput()
}

func (s *soak) done(g group, out []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.t.Errorf("a history went wrong (%v); its seed is below\n%s", err, out)
		s.stop()
		return
	}
	p := s.state[g.name]
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		var seen tally
		if _, text, ok := strings.Cut(lines.Text(), "tally "); ok && json.Unmarshal([]byte(text), &seen) == nil {
			p.Histories += seen["histories"]
			s.lived += seen["histories"]
			for event, n := range seen {
				p.Seen[event] += n
			}
		}
	}
	saveState(s.t, s.state)
}

// chosen are the groups that LOCKSTEP_LIVES names, or those whose rules are
// there.
func chosen() []group {
	var out []group
	for _, g := range groups() {
		names := os.Getenv("LOCKSTEP_LIVES")
		if names == "" && !g.open || strings.Contains(names, g.name) {
			out = append(out, g)
		}
	}
	return out
}

func loadState(t *testing.T) map[string]*progress {
	t.Helper()
	out := map[string]*progress{}
	data, err := os.ReadFile(os.Getenv("LOCKSTEP_SOAK_STATE"))
	if errors.Is(err, fs.ErrNotExist) {
		return out
	}
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatalf("read the soak's state (LOCKSTEP_SOAK_STATE): %v", err)
	}
	return out
}

func saveState(t *testing.T, state map[string]*progress) {
	data, err := json.MarshalIndent(state, "", "  ")
	if err == nil {
		err = os.WriteFile(os.Getenv("LOCKSTEP_SOAK_STATE"), data, 0o600)
	}
	if err != nil {
		t.Errorf("save the soak's state (LOCKSTEP_SOAK_STATE): %v", err)
	}
}
