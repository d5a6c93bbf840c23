package activities

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// bounced sets aside what goes to and fro between us and something else (B17).
func (d *differ) bounced(ctx context.Context, pairs map[model.EntityID]store.Pair, built *plan.Plan) error {
	var entities []model.EntityID
	of := map[model.EntityID]plan.Pair{}
	for _, w := range built.Writes {
		if w.Op.Action == model.Update && !w.First {
			entities = append(entities, w.Entity)
			of[w.Entity] = pairs[w.Entity].Pair
		}
	}
	if len(entities) == 0 {
		return nil
	}
	list, err := d.a.Store.Bounces(ctx, d.m.ID, entities, plan.Bounces)
	if err != nil || len(list) == 0 {
		return err
	}
	histories := map[model.EntityID][]plan.Bounce{}
	for _, b := range list {
		histories[b.Entity] = append(histories[b.Entity], b)
	}
	plan.Stop(built, of, histories, d.in.Round)
	return nil
}
