package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// entry is what one competitor needed for one piece of work.
type entry struct {
	time     time.Duration
	requests int
	busy     float64            // seconds of processor time; 0 = not measured
	memory   float64            // MB, peak; 0 = not measured
	before   float64            // MB, before the work
	inside   map[string]float64 // seconds, by activity
	note     string
}

// over divides what was measured over several times.
func (e entry) over(n int) entry {
	e.time, e.requests, e.busy = e.time/time.Duration(n), e.requests/n, e.busy/float64(n)
	return e
}

// section is one piece of work and its competitors.
type section struct {
	title, floor               string
	bare, vdirsyncer, lockstep entry
}

type table struct {
	title    string
	sections []*section
}

func (t *table) section(title, floor string) *section {
	s := &section{title: title, floor: floor}
	t.sections = append(t.sections, s)
	return s
}

func (t *table) print() {
	fmt.Printf("\n%s\n%s\n", t.title, machine())
	for _, s := range t.sections {
		s.print()
	}
	fmt.Println()
}

const columns = "%-42s %9s %8s %12s %10s %9s %8s\n"

func (s *section) print() {
	fmt.Println()
	fmt.Printf(columns, s.title, "time", "x bare", "x vdirsyncer", "processor", "requests", "peak MB")
	row := func(who string, e entry) {
		memory, busy := "-", "-"
		if e.busy > 0 {
			busy = short(time.Duration(e.busy * float64(time.Second)))
		}
		if e.memory > 0 {
			memory = fmt.Sprintf("%.0f", e.memory)
		}
		fmt.Printf(columns, "  "+who, short(e.time), times(e.time, s.bare.time), times(e.time, s.vdirsyncer.time), busy, fmt.Sprint(e.requests), memory)
	}
	row("bare client, "+s.floor, s.bare)
	row("vdirsyncer", s.vdirsyncer)
	row("Lockstep", s.lockstep)
	for _, line := range s.details() {
		fmt.Println("    " + line)
	}
}

// details say where Lockstep's time went.
func (s *section) details() []string {
	if s.lockstep.note != "" {
		return []string{s.lockstep.note}
	}
	var parts []string
	rest := s.lockstep.time.Seconds()
	for _, name := range []string{"Feed", "Fetch", "Diff", "Apply", "Settle"} {
		if v, ok := s.lockstep.inside[name]; ok {
			parts = append(parts, fmt.Sprintf("%s %s", name, short(time.Duration(v*float64(time.Second)))))
			if name != "Feed" { // it runs beside the mailbox
				rest -= v
			}
		}
	}
	line := "inside: " + strings.Join(parts, ", ") + "; the engine and waiting " + short(time.Duration(max(rest, 0)*float64(time.Second)))
	if s.lockstep.before > 0 {
		line += fmt.Sprintf("; %.0f MB before, with the embedded Temporal server", s.lockstep.before)
	}
	out := []string{line}
	if s.bare.note != "" {
		out = append(out, "bare client: "+s.bare.note)
	}
	return out
}

// report gives the ratios to the benchmark's own output.
func (t *table) report(b *testing.B) {
	b.Helper()
	for i, name := range []string{"read", "idle", "read-some", "write", "write-some"} {
		if i < len(t.sections) {
			b.ReportMetric(ratio(t.sections[i].lockstep.time, t.sections[i].bare.time), name+"/bare")
		}
	}
}

func times(a, b time.Duration) string {
	if b <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", ratio(a, b))
}

func ratio(a, b time.Duration) float64 {
	if b <= 0 {
		return 0
	}
	return a.Seconds() / b.Seconds()
}

func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
	default:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
}
