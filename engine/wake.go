package engine

import (
	"context"

	"lockstep.dev/connector"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// wakeAll starts what should run: every connection, every mailbox that is
// not retired, and every request that was accepted and not finished.
func (e *Engine) wakeAll(ctx context.Context) error {
	connections, err := e.cfg.Store.Connections(ctx)
	if err != nil {
		return err
	}
	for _, c := range connections {
		if err := e.waker.WakeConnection(ctx, c.ID); err != nil {
			return err
		}
		if c.Side == model.CRM {
			e.beside.Go(func() { e.watch(ctx, c) })
		}
	}
	mailboxes, err := e.cfg.Store.Mailboxes(ctx, store.MailboxFilter{})
	if err != nil {
		return err
	}
	for _, m := range mailboxes {
		if m.State != model.Retired {
			if err := e.waker.WakeMailboxes(ctx, []model.MailboxID{m.ID}); err != nil {
				return err
			}
		}
	}
	requests, err := e.cfg.Store.OpenRequests(ctx, "")
	if err != nil {
		return err
	}
	for _, r := range requests {
		if err := e.waker.Request(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// watch wakes a CRM's feed when its system pushes, where it can. A broken push
// channel costs only time: the feed also comes by its timer.
func (e *Engine) watch(ctx context.Context, c model.Connection) {
	for ctx.Err() == nil {
		if err := e.watchOnce(ctx, c); err != nil && ctx.Err() == nil {
			e.cfg.Log.DebugContext(ctx, "push channel broken; the timer goes on", "connection", c.Name, "error", err)
		}
		if pause(ctx, watchGap) != nil {
			return
		}
	}
}

func (e *Engine) watchOnce(ctx context.Context, c model.Connection) error {
	if now, err := e.cfg.Store.Connection(ctx, c.ID); err != nil || now.Circuit.Down() {
		return err // one prober is enough
	}
	conn, err := e.systems.Connector(ctx, c)
	if err != nil {
		return err
	}
	s, err := conn.Open(ctx, model.Account{Connection: c.ID})
	if err != nil {
		return err
	}
	defer s.Close()
	w, ok := connector.As[connector.Watcher](s)
	if !ok {
		<-ctx.Done()
		return ctx.Err()
	}
	for {
		if err := w.Watch(ctx); err != nil {
			return err
		}
		if err := e.waker.WakeConnection(ctx, c.ID); err != nil {
			return err
		}
		if err := pause(ctx, calm); err != nil {
			return err
		}
	}
}
