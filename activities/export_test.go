package activities

import "context"

// Translate is what the interceptor makes of an activity's error.
func (a *Activities) Translate(ctx context.Context, in any, err error) error {
	return (&inbound{store: a.Store, waker: a.Waker, now: a.Now}).translate(ctx, []any{in}, err)
}
