package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Rejoining says which pairs that rest as kept are synced again.
type Rejoining struct {
	Dry      bool // only say what would be written
	Entities []model.EntityID
}

// Argument is the wish as the argument of a request.
func (j Rejoining) Argument() string {
	var words []string
	if j.Dry {
		words = append(words, "dry")
	}
	for _, e := range j.Entities {
		words = append(words, string(e))
	}
	return strings.Join(words, " ")
}

// parseRejoining reads what Argument wrote.
func parseRejoining(argument string) Rejoining {
	var j Rejoining
	for i, word := range strings.Fields(argument) {
		if i == 0 && word == "dry" {
			j.Dry = true
			continue
		}
		j.Entities = append(j.Entities, model.EntityID(word))
	}
	return j
}

// rejoin lets pairs be synced again that rest since an undo, a rejection or a
// deletion that did not travel. The round that follows creates what is missing.
func (a *Activities) rejoin(ctx context.Context, m model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	j := parseRejoining(r.Argument)
	switch {
	case len(j.Entities) == 0:
		return store.RequestRefused, "Nothing was named that is to be synced again.", nil
	case m.State == model.Retired:
		return store.RequestRefused, "The mailbox was removed. Add it again to sync it.", nil
	case j.Dry:
		return a.preview(ctx, m, j)
	}
	n, err := a.Store.Rejoin(ctx, m.ID, j.Entities)
	switch {
	case err != nil:
		return "", "", err
	case n == 0 && a.attempt(ctx).Number == 1: // else an attempt before this one has done it
		return store.RequestRefused, "None of these rests any more. Look again with: lockstep review kept " + m.Address, nil
	case m.State != model.Active:
		return store.RequestDone, fmt.Sprintf("Noted; the mailbox is %s, and acts on it when it is resumed.", m.State), nil
	}
	out.Round = true
	return "", "", nil
}

// preview says what rejoining would write.
func (a *Activities) preview(ctx context.Context, id model.Mailbox, j Rejoining) (store.RequestOutcome, string, error) {
	m, err := a.load(ctx, id.ID)
	if err != nil {
		return "", "", err
	}
	d := differ{a: a, m: m}
	if err := d.imagine(ctx); err != nil {
		return "", "", err
	}
	in, named := d.input, 0
	for after := model.EntityID(""); ; {
		page, err := a.Store.Resting(ctx, m.ID, after, pageOfPairs)
		if err != nil {
			return "", "", err
		}
		if len(page) == 0 {
			break
		}
		for _, p := range page {
			if slices.Contains(j.Entities, p.Entity) {
				in.Pairs = append(in.Pairs, plan.Rejoined(p.Pair))
				named++
			}
		}
		after = page[len(page)-1].Entity
	}
	if named == 0 {
		return store.RequestRefused, "None of these rests any more. Look again with: lockstep review kept " + m.Address, nil
	}
	return store.RequestDone, "Nothing was changed. " + foreseen(plan.Build(in)), nil
}

// foreseen says in words what a plan would do.
func foreseen(p plan.Plan) string {
	said := map[string]int{}
	for _, w := range p.Writes {
		where := "in the mailbox"
		if w.Side == model.CRM {
			where = "in the CRM"
		}
		said[fmt.Sprintf("would be %sd %s", w.Op.Action, where)]++
	}
	for _, c := range p.Changes {
		switch c.State {
		case plan.Linked:
			said["would be linked, both sides agree"]++
		case plan.Skipped, plan.Kept, plan.Returned, plan.Waiting:
			said["would not be synced: "+c.Reason]++
		}
	}
	for range p.Issues {
		said["could not be synced"]++
	}
	var parts []string
	for what, n := range said {
		parts = append(parts, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		return "Nothing would be written."
	}
	return strings.Join(parts, "; ") + "."
}
