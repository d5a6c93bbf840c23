package activities

import (
	"context"
	"slices"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// firstSync is why everything waits before anything was ever written.
const firstSync = "the first sync waits for approval"

// echoes marks creates of what the target holds already, or held until a round
// deleted it.
func (d *differ) echoes(ctx context.Context, writes []plan.Write) error {
	if !d.m.Initialized {
		return nil
	}
	type from struct {
		side model.Side
		kind model.Kind
	}
	keys := map[from][]string{}
	for _, w := range writes {
		if w.Op.Action == model.Create && w.MustBeGone == nil && w.OtherKey != "" {
			f := from{w.Side.Other(), w.Kind}
			keys[f] = append(keys[f], w.OtherKey)
		}
	}
	for f, list := range keys {
		found, err := d.a.Store.Echoes(ctx, d.m.ID, f.kind, f.side, list)
		if err != nil {
			return err
		}
		for i := range writes {
			w := &writes[i]
			if w.Op.Action == model.Create && w.MustBeGone == nil && w.Side.Other() == f.side && w.Kind == f.kind {
				w.Echo = slices.Contains(found, w.OtherKey)
			}
		}
	}
	return nil
}

// brakes looks at the whole plan once it is written down, and holds what is too
// much to be believed unless a person let exactly that go.
func (d *differ) brakes(ctx context.Context) error {
	list, err := d.braking(ctx)
	if err != nil || len(list) == 0 && d.over == "" && !d.tally.Doubtful && !d.waitsWhole() && !d.approval.given && len(d.approval.waits) == 0 {
		return err
	}
	if d.waitsWhole() && !d.approval.given {
		d.row.Why = d.wholly()
		return nil
	}
	j := judge{d: d, brakes: list, pairs: map[model.EntityID]string{}}
	if err := j.look(ctx); err != nil {
		return err
	}
	if d.approval.whole && j.drift != (drift{}) {
		j.refuse = j.drift.String()
	}
	if err := j.judge(ctx); err != nil {
		return err
	}
	d.out.Held, d.row.Counts.Held = j.held, j.held
	if j.held > 0 || d.row.Why == "" {
		d.row.Why = strings.Join(j.why, "; ")
	}
	d.released = j.released
	if j.held > 0 {
		d.row.Hash = j.hash.String()
	}
	return d.alarm(ctx)
}

// waitsWhole reports whether the plan waits as a whole: a first sync, or what
// the mailbox was told to wait with.
func (d *differ) waitsWhole() bool {
	return d.written > 0 && (d.m.Hold != "" || !d.m.Initialized && d.m.policy.Approval == "first-sync")
}

// wholly is why a plan waits as a whole.
func (d *differ) wholly() string {
	if d.m.Hold != "" {
		return d.m.Hold
	}
	return firstSync
}

// braking returns the brakes that the plan hits.
func (d *differ) braking(ctx context.Context) ([]plan.Brake, error) {
	if !d.tally.Suspicious() {
		return nil, nil
	}
	since := d.a.Now().Add(-brakeWindow)
	census, err := d.a.Store.Census(ctx, d.m.ID, since)
	if err != nil {
		return nil, err
	}
	out := d.tally.Brakes(census, d.m.policy)
	d.wide = map[model.ConnectionID]plan.Losses{}
	for _, c := range []model.Connection{d.m.crm, d.m.mail} {
		if !d.tally.Follows(c.Side.Other()) {
			continue
		}
		losses, err := d.a.Store.Losses(ctx, c, since)
		if err != nil {
			return nil, err
		}
		if b, hit := plan.Wide(c, losses); hit {
			out = append(out, b)
			d.wide[c.ID] = losses
		}
	}
	return out, nil
}

// judge decides for each write of a plan whether it waits.
type judge struct {
	d      *differ
	brakes []plan.Brake
	pairs  map[model.EntityID]string // why all writes of a pair wait
	drift  drift
	refuse string // why nothing goes that was approved

	why            []string
	hash           *plan.Hash
	held, released int
}

// each pages over the plan's writes.
func (j *judge) each(ctx context.Context, f func([]store.Planned) error) error {
	for after := -1; ; {
		page, err := j.d.a.Store.PlanWrites(ctx, j.d.row.ID, after, pageOfWrites)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := f(page); err != nil {
			return err
		}
		after = page[len(page)-1].Number
	}
}

// reason is why a write waits by itself.
func (j *judge) reason(w plan.Write) string {
	if why := plan.Holds(j.brakes, w); why != "" {
		return why
	}
	if j.d.waitsWhole() {
		return j.d.wholly()
	}
	if w.Confirmed {
		return ""
	}
	if w.Doubtful {
		return plan.OnlyBackup
	}
	if j.d.over != "" && joins(w) {
		return j.d.over
	}
	return j.d.approval.waits[plan.PlaceOf(w)]
}

// look finds the pairs of which a write waits: a pair whose one write is held
// would be merged again and again if the other one went.
func (j *judge) look(ctx context.Context) error {
	return j.each(ctx, func(page []store.Planned) error {
		for _, w := range page {
			why := j.reason(w.Write)
			if why == "" {
				continue
			}
			if j.d.approval.on(w.Write) == plan.Undecided {
				j.drift.add(&j.d.approval, w.Write)
			}
			j.pairs[w.Entity] = why
			if !slices.Contains(j.why, why) {
				j.why = append(j.why, why)
			}
		}
		return nil
	})
}

// judge holds the writes of those pairs, or lets them go with the verdict that
// a person gave them.
func (j *judge) judge(ctx context.Context) error {
	j.hash = plan.NewHash()
	if j.refuse != "" {
		j.why = append([]string{j.refuse}, j.why...)
	}
	err := j.each(ctx, func(page []store.Planned) error {
		var list []store.Judged
		for _, w := range page {
			verdict, why := j.d.approval.on(w.Write), j.pairs[w.Entity]
			if j.refuse != "" && verdict == plan.Approved {
				verdict = plan.Undecided
			}
			switch {
			case verdict == plan.Approved || verdict == plan.Picked:
				j.released++
				list = append(list, store.Judged{Number: w.Number, Verdict: verdict})
			case why != "":
				j.held++
				j.hash.Add(w.Write)
				list = append(list, store.Judged{Number: w.Number, Held: why})
			}
		}
		if len(list) == 0 {
			return nil
		}
		return j.d.a.Store.Judge(ctx, j.d.m.ID, j.d.row.ID, list)
	})
	if j.held == 0 {
		j.why = nil
	}
	return err
}
