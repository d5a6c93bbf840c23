package engine

import (
	"context"
	"time"

	"lockstep.dev/alert"
	"lockstep.dev/model"
)

// tellGap is the time between two looks for what people are to be told.
const tellGap = 15 * time.Second

// tell delivers alerts. It runs beside the worker and not as a workflow: an
// alert has to go out while Temporal does not work, too, and everything it needs
// to outlive a crash stands in our own store. Every worker does it; a claim in
// the store sees to it that each notice has one sender.
func (e *Engine) tell(ctx context.Context) {
	p := &alert.Post{Outbox: e.cfg.Store, Log: e.cfg.Log, Now: time.Now}
	if e.cfg.Delivery != nil {
		p.Delivery = func(context.Context) (model.Delivery, error) { return *e.cfg.Delivery, nil }
	}
	for wait := time.Second; pause(ctx, wait) == nil; wait = tellGap {
		if _, err := p.Run(ctx); err != nil && ctx.Err() == nil {
			e.cfg.Log.WarnContext(ctx, "alerts could not be delivered; the next try is in a moment", "error", err)
		}
	}
}
