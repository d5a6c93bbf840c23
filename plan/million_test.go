package plan

import (
	"fmt"
	"runtime"
	"testing"

	"lockstep.dev/model"
)

// BenchmarkBuildMillion decides a million links with one in a hundred changed,
// in pages of a thousand as Diff does, and reports what is held in memory at the
// most: it is a page's, whatever the size of the mailbox.
func BenchmarkBuildMillion(b *testing.B) {
	const links, size = 1_000_000, 1_000
	was := text("full_name", "Bob Stone", "notes", "old")
	edited := seen(model.CRM, model.Contact, text("full_name", "Bob Stone", "notes", "new"))
	page := make([]Pair, size)
	for i := range page {
		page[i] = linked(model.Contact, was, was, was)
		if i%100 == 0 {
			page[i].CRM = edited
		}
	}
	in := world(page...)
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peak, writes := uint64(0), 0
	b.ReportAllocs()
	for b.Loop() {
		for from := 0; from < links; from += size {
			for i := range in.Pairs {
				in.Pairs[i].Entity = model.EntityID(fmt.Sprintf("e%07d", from+i))
			}
			writes += len(Build(in).Writes)
			if from%(links/10) == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
			}
		}
	}
	if writes != b.N*links/100 {
		b.Fatalf("%d writes, want %d", writes, b.N*links/100)
	}
	b.ReportMetric(float64(links)*float64(b.N)/b.Elapsed().Seconds(), "links/s")
	b.ReportMetric(float64(peak)/1e6, "MB-held")
}
