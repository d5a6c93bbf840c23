package engine

import (
	"context"
	"time"
)

const (
	// sweepGap is the time between two sweeps of the store. Every worker sweeps;
	// what one has deleted costs the next one a look.
	sweepGap = 24 * time.Hour
	// settled is the time that a start has before the first sweep.
	settled = 5 * time.Minute
	// sweepRows is how many rows of a sort one transaction deletes.
	sweepRows = 2000
	// breath is the time between two such transactions, for those who wait.
	breath = 100 * time.Millisecond
)

// upkeep sweeps the store once a day.
func (e *Engine) upkeep(ctx context.Context) {
	for wait := settled; pause(ctx, wait) == nil; wait = sweepGap {
		n, err := Sweep(ctx, e.cfg.Store, time.Now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			e.cfg.Log.WarnContext(ctx, "the store could not be swept; tomorrow's sweep takes what is left", "error", err)
		case n > 0:
			e.cfg.Log.InfoContext(ctx, "store swept", "rows", n)
		}
	}
}

// Sweeper is the part of the store that is swept.
type Sweeper interface {
	Sweep(ctx context.Context, now time.Time, limit int) (int64, error)
}

// Sweep deletes from the store what nobody needs any more, in small
// transactions until nothing is left, and returns how many rows that were.
func Sweep(ctx context.Context, s Sweeper, now time.Time) (int64, error) {
	var total int64
	for {
		n, err := s.Sweep(ctx, now, sweepRows)
		total += n
		if err != nil || n == 0 {
			return total, err
		}
		if err := pause(ctx, breath); err != nil {
			return total, err
		}
	}
}
