package activities

import (
	"context"
	"time"
)

// Translate is what the interceptor makes of an activity's error.
func (a *Activities) Translate(ctx context.Context, in any, err error) error {
	return a.TranslateSince(ctx, in, time.Now(), err)
}

// TranslateSince is the same for an activity that began at a time.
func (a *Activities) TranslateSince(ctx context.Context, in any, begun time.Time, err error) error {
	return (&inbound{store: a.Store, waker: a.Waker, now: a.Now}).translate(ctx, []any{in}, begun, err)
}
