package bench

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"
)

// BenchmarkFleet keeps thousands of mailboxes in step on the embedded engine.
// Design part 6: 5,000 mailboxes every 5 minutes on two cores, 95 in 100 rounds
// begin less than 5 s late, worker and engine take less than 1 GB.
func BenchmarkFleet(b *testing.B) {
	for range b.N {
		fleet(b)
	}
}

func fleet(b *testing.B) {
	o := crewOrder{
		Mailboxes: number(b, "LOCKSTEP_BENCH_MAILBOXES", 5000),
		Interval:  span(b, "LOCKSTEP_BENCH_INTERVAL", 5*time.Minute),
		Window:    span(b, "LOCKSTEP_BENCH_WINDOW", 7*time.Minute),
	}
	mail := startChild(b, "mail")
	o.URL = mail.ask(order{Do: "open", Mail: mailOrder{Dir: folder(b), Mailboxes: o.Mailboxes}}).URL
	crew := startChild(b, "crew")
	o.Dir = folder(b)
	crew.ask(order{Do: "open", Crew: o})

	fmt.Printf("\n%d mailboxes, three collections each, a round every %s; measured for %s\n%s\n", o.Mailboxes, o.Interval, o.Window, machine())
	before := mail.ask(order{Do: "processor"}).Result.Seconds
	steady := crew.ask(order{Do: "steady"}).Fleet
	after := mail.ask(order{Do: "processor"}).Result.Seconds
	steady.print("in step", "all first syncs done", o)
	fmt.Printf("  the simulated mail server used %.2f cores beside it, on average since the first mailbox joined\n", (after-before)/(steady.Ramp+steady.Seconds))
	if os.Getenv("LOCKSTEP_BENCH_RESTART") != "" {
		crew.ask(order{Do: "restart"}).Fleet.print("after a restart of the worker", "all woken", o)
	}
	b.ReportMetric(quantile(steady.Lateness, 0.95), "p95-late-s")
	b.ReportMetric(steady.Peak, "peak-MB")
	crew.stop()
	mail.stop()
}

func (f fleetResult) print(title, before string, o crewOrder) {
	late := func(q float64) string { return short(time.Duration(quantile(f.Lateness, q) * float64(time.Second))) }
	inside := func(q float64) string { return short(time.Duration(quantile(f.InFetch, q) * float64(time.Second))) }
	fmt.Printf("\n%s\n", title)
	fmt.Printf("  mailboxes          %d, %s in %.1f s with %.2f cores in use\n", o.Mailboxes, before, f.Ramp, f.RampProcessor/max(f.Ramp, 0.001))
	fmt.Printf("  rounds             %d, %.1f a second; %d woken early, %d never came\n", f.Rounds, float64(f.Rounds)/f.Seconds, f.Early, f.Missed)
	fmt.Printf("  lateness           p50 %s, p95 %s, p99 %s, longest %s\n", late(0.5), late(0.95), late(0.99), late(1))
	fmt.Printf("  inside Fetch       p50 %s, p95 %s\n", inside(0.5), inside(0.95))
	fmt.Printf("  processor          %.2f cores, %.1f ms a round\n", f.Processor/f.Seconds, 1000*f.Processor/max(float64(f.Rounds), 1))
	fmt.Printf("  memory             peak %.0f MB, at the end %.0f MB, worker and engine in one process\n", f.Peak, f.Now)
	fmt.Printf("                     of which Go's heap %.0f MB, stacks %.0f MB, SQLite at least %.0f MB\n", f.Heap, f.Stacks, f.Outside)
	fmt.Printf("  history            %.1f events and %.1f kB a round\n", f.EventsARound, f.BytesARound/1024)
	f.Delays.print()
	for _, text := range slices.Sorted(maps.Keys(f.Failures)) {
		fmt.Printf("  failed attempts    %d x %s\n", f.Failures[text], text)
	}
	fmt.Printf("  load at the end    %s\n", load())
}
