package plan

import (
	"fmt"

	"lockstep.dev/model"
)

// The brake of a connection (algorithm 1.8): deletions over all its mailboxes in
// four hours beyond MostWide, or WideShare percent of what is linked, wait. It
// never holds LeastWide or fewer: in a small organisation the mailboxes' own
// brakes say enough.
const (
	LeastWide = 50
	MostWide  = 500
	WideShare = 2
)

// Losses are what the brake of a connection looks at. Both numbers are counted
// only as far as they matter.
type Losses struct {
	// Gone counts things that are gone on the connection and still linked, or
	// that rounds lately deleted on the other side for that reason, and on which
	// nobody has decided yet; up to MostWide and one more.
	Gone int
	// Linked counts linked things, up to where WideShare percent are MostWide;
	// it need not be known where Gone is LeastWide or less, or beyond MostWide.
	Linked int
}

// Limit is how many may go in four hours.
func (l Losses) Limit() int { return max(LeastWide, min(MostWide, l.Linked*WideShare/100)) }

// Wide returns the brake of a connection on the deletions that follow on the
// other side, where it is hit.
func Wide(c model.Connection, l Losses) (Brake, bool) {
	return Brake{
		Side: c.Side.Other(), Action: model.Delete, Wide: true,
		Why: fmt.Sprintf("more than %d items of the connection %s were deleted within four hours, over all its mailboxes", l.Limit(), c.Name),
	}, l.Gone > l.Limit()
}

// follows reports whether a write follows a deletion on the other side, about
// which nobody has decided for the whole connection.
func follows(w Write) bool {
	return w.Op.Action == model.Delete && w.MustBeGone != nil && !w.Confirmed
}
