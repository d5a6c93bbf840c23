package engine

import (
	"context"
	"time"
)

const (
	// watchGap is the time before a broken push channel is opened again.
	watchGap = 30 * time.Second
	// calm is the least time between two wake-ups of one feed.
	calm = time.Second
)

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
