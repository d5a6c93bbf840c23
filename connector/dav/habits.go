package dav

import "sync"

// habit is one way in which servers differ from the RFCs.
type habit string

const (
	// ignoresIfNoneMatch: a PUT with If-None-Match: * overwrites.
	ignoresIfNoneMatch habit = "ignores If-None-Match"
	// ignoresDeleteIfMatch: a DELETE with a stale If-Match deletes.
	ignoresDeleteIfMatch habit = "ignores If-Match on DELETE"
	// storesElsewhere: a PUT is stored under an address of the server's choice.
	storesElsewhere habit = "stores elsewhere"
	// autoSchedules: the server sends invitations (RFC 6638).
	autoSchedules habit = "schedules"
	// quietOnRequest: Schedule-Reply: F silences organizers, too.
	quietOnRequest habit = "quiet on request"
)

// habits is what we learned about the server of a connection by watching it; it
// saves asking again for every mailbox.
type habits struct {
	mu      sync.Mutex
	known   map[habit]bool
	claimed map[habit]bool
}

func (h *habits) get(name habit) (value, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	value, known = h.known[name]
	return value, known
}

func (h *habits) set(name habit, value bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil {
		h.known = map[habit]bool{}
	}
	h.known[name] = value
}

// claim lets one caller find a habit out; it is false where it is known or
// somebody else is at it.
func (h *habits) claim(name habit) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.known[name]; known || h.claimed[name] {
		return false
	}
	if h.claimed == nil {
		h.claimed = map[habit]bool{}
	}
	h.claimed[name] = true
	return true
}

// release gives a claim back that led to nothing.
func (h *habits) release(name habit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.claimed, name)
}
