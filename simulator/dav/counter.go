package dav

import (
	"maps"
	"sync"
)

// Counts are requests since the start or the last ResetCounts.
type Counts struct {
	Total    int
	ByMethod map[string]int
	// ByReport splits ByMethod["REPORT"] by the name of the report, for
	// example "sync-collection".
	ByReport map[string]int
	// Hrefs is how many members multigets asked for.
	Hrefs int
}

type counter struct {
	mu     sync.Mutex
	counts Counts
}

func (c *counter) add(do func(*Counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts.ByMethod == nil {
		c.counts.ByMethod, c.counts.ByReport = map[string]int{}, map[string]int{}
	}
	do(&c.counts)
}

func (c *counter) request(method string) {
	c.add(func(n *Counts) {
		n.Total++
		n.ByMethod[method]++
	})
}

func (c *counter) report(name string) { c.add(func(n *Counts) { n.ByReport[name]++ }) }
func (c *counter) hrefs(number int)   { c.add(func(n *Counts) { n.Hrefs += number }) }

// Counts returns the requests so far, refused ones included.
func (s *Server) Counts() Counts {
	var copied Counts
	s.counter.add(func(n *Counts) {
		copied = *n
		copied.ByMethod, copied.ByReport = maps.Clone(n.ByMethod), maps.Clone(n.ByReport)
	})
	return copied
}

// ResetCounts starts counting from zero.
func (s *Server) ResetCounts() { s.counter.add(func(n *Counts) { *n = Counts{} }) }
