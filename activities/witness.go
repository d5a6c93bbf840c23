package activities

import (
	"context"

	"lockstep.dev/store"
)

// witness makes sure, before a kind is first written to the CRM, that nobody
// restored it since it was read. In a system that was restored one version can
// name two contents, so a write conditional on the version that we know could
// replace what we never saw (algorithm 1.9a). The mailbox was asked by Fetch, in
// the same round.
func (ap *applier) witness(ctx context.Context, s side, page []store.Planned) error {
	if s.caps.Side != ap.crm.caps.Side {
		return nil
	}
	var collections []store.Collection
	for _, p := range page {
		if ap.asked[p.Kind] {
			continue
		}
		ap.asked[p.Kind] = true
		var err error
		if collections == nil {
			if collections, err = ap.a.Store.Collections(ctx, ap.m.crm.ID, ""); err != nil {
				return err
			}
		}
		for _, c := range collections {
			if c.Kind != p.Kind || c.Missing || c.Restored {
				continue
			}
			if err := ap.same(ctx, s, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// same asks how far a collection of the CRM has come. One that was further once,
// or lives another life, is listed in full by the next feed pass.
func (ap *applier) same(ctx context.Context, s side, c store.Collection) error {
	m, err := s.Probe(ctx, c.Collection)
	if err != nil || !(store.HighWater{High: m.High, Epoch: m.Epoch}).Before(c.Mark) {
		return err
	}
	if err := ap.a.Store.Restored(ctx, ap.m.crm.ID, ""); err != nil {
		return err
	}
	if err := ap.a.Waker.WakeConnection(ctx, ap.m.crm.ID); err != nil {
		return err
	}
	return store.ErrRestored
}
