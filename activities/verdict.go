package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Choice is which writes of a waiting plan a person decides on: all of them, or
// those that match everything that is given.
type Choice struct {
	Hash string
	Only []int // numbers as people see them, from 1
	Kind model.Kind
	Side model.Side
}

// Whole reports whether everything that waits is meant.
func (c Choice) Whole() bool { return len(c.Only) == 0 && c.Kind == "" && c.Side == "" }

// Argument is the choice as the argument of a request.
func (c Choice) Argument() string {
	parts := []string{c.Hash}
	if len(c.Only) > 0 {
		numbers := make([]string, len(c.Only))
		for i, n := range c.Only {
			numbers[i] = strconv.Itoa(n)
		}
		parts = append(parts, "only="+strings.Join(numbers, ","))
	}
	if c.Kind != "" {
		parts = append(parts, "kind="+string(c.Kind))
	}
	if c.Side != "" {
		parts = append(parts, "side="+string(c.Side))
	}
	return strings.Join(parts, " ")
}

// ParseChoice reads what Argument wrote.
func ParseChoice(argument string) (Choice, error) {
	var c Choice
	for i, part := range strings.Fields(argument) {
		key, value, ok := strings.Cut(part, "=")
		switch {
		case i == 0 && !ok:
			c.Hash = part
		case key == "only":
			for _, n := range strings.Split(value, ",") {
				number, err := strconv.Atoi(n)
				if err != nil || number < 1 {
					return c, fmt.Errorf("%q is not the number of a write", n)
				}
				c.Only = append(c.Only, number)
			}
		case key == "kind":
			c.Kind = model.Kind(value)
		case key == "side":
			c.Side = model.Side(value)
		default:
			return c, fmt.Errorf("%q is not understood", part)
		}
	}
	return c, nil
}

// Takes reports whether a write that waits is one of the chosen.
func (c Choice) Takes(w store.Planned) bool {
	return (len(c.Only) == 0 || slices.Contains(c.Only, w.Number+1)) &&
		(c.Kind == "" || c.Kind == w.Kind) && (c.Side == "" || c.Side == w.Side)
}

// Waits reports whether a write of a plan waits for a person.
func Waits(p store.PlanRow, w store.Planned) bool {
	return p.State == store.PlanHeld || w.State == "held"
}

// decide records a person's word on a plan, or on some of its writes. Only what
// the person saw is meant: of another plan nothing is touched (B1).
func (a *Activities) decide(ctx context.Context, m model.Mailbox, r store.Request, verdict plan.Verdict, out *ObeyOut) (store.RequestOutcome, string, error) {
	choice, err := ParseChoice(r.Argument)
	if err != nil {
		return store.RequestRefused, "The command is not understood: " + err.Error() + ".", nil //nolint:nilerr // the person hears of it as the outcome
	}
	p, err := a.Store.Plan(ctx, m.ID)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && p.State != store.PlanHeld && p.Counts.Held == 0:
		return store.RequestRefused, "No plan of this mailbox waits for approval.", nil
	case err != nil:
		return "", "", err
	case p.Hash != choice.Hash:
		return store.RequestRefused, overtaken(p.Hash, choice.Hash, m.Address), nil
	case verdict == plan.Rejected && p.State == store.PlanHeld && choice.Whole():
		return store.RequestRefused, "A first sync cannot be rejected as a whole: choose what is not to be synced, or remove the mailbox.", nil
	}
	d := store.Decision{Plan: p.ID, Hash: p.Hash, By: r.By, Verdict: verdict}
	if !choice.Whole() {
		if d.Numbers, err = a.chosen(ctx, p, choice); err != nil {
			return "", "", err
		}
		if len(d.Numbers) == 0 {
			return store.RequestRefused, "Nothing that waits in this plan is what you chose.", nil
		}
		if verdict == plan.Approved {
			d.Verdict = plan.Picked
		}
	}
	err = a.Store.Decide(ctx, m.ID, d)
	if errors.Is(err, store.ErrStale) {
		return store.RequestRefused, overtaken("another one", choice.Hash, m.Address), nil
	}
	out.Round = err == nil
	return "", "", err
}

func overtaken(now, then, address string) string {
	return fmt.Sprintf("The plan that waits now is %s, not %s: something changed since you looked, and nothing was touched. "+
		"Look at it again with: lockstep plan show %s", now, then, address)
}

// chosen finds the waiting writes that a person chose.
func (a *Activities) chosen(ctx context.Context, p store.PlanRow, c Choice) ([]int, error) {
	var out []int
	for after := -1; ; {
		page, err := a.Store.PlanWrites(ctx, p.ID, after, pageOfWrites)
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, w := range page {
			if Waits(p, w) && c.Takes(w) {
				out = append(out, w.Number)
			}
		}
		after = page[len(page)-1].Number
	}
}
