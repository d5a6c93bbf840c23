package activities

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// From these shares of the limit on, in percent, a round says how much is left,
// and from the second on the log warns, too.
const (
	nearLimit     = 80
	veryNearLimit = 95
)

// joins reports whether a write links what the two sides never agreed on.
func joins(w plan.Write) bool {
	return w.Op.Action == model.Create && w.MustBeGone == nil || w.Op.Action == model.Update && w.First
}

// linking counts the pairs that writes would link.
func linking(writes []plan.Write) int {
	seen := map[model.EntityID]bool{}
	for _, w := range writes {
		if joins(w) {
			seen[w.Entity] = true
		}
	}
	return len(seen)
}

// agreeing counts the pairs that are linked without a write.
func agreeing(pairs map[model.EntityID]store.Pair, changes []plan.Change) int {
	n := 0
	for _, c := range changes {
		if c.State == plan.Linked && pairs[c.Entity].State != plan.Linked {
			n++
		}
	}
	return n
}

// limits compares what is linked, and would be, with what the policy lets one
// mailbox sync (requirements S-05, B18). A first sync beyond the limit writes
// nothing; a mailbox in step goes on, and only what is new waits.
func (d *differ) limits(ctx context.Context) error {
	limit := 0
	if d.m.policy.Limit != nil {
		limit = int(*d.m.policy.Limit)
	}
	if limit == 0 || d.coming+d.agreed == 0 {
		return nil
	}
	census, err := d.a.Store.Census(ctx, d.m.ID, time.Time{})
	if err != nil {
		return err
	}
	total, inCRM := d.coming, 0
	for _, k := range model.Kinds() {
		total += census.Linked[k]
		inCRM += census.Present[model.CRM][k]
	}
	if d.in.Show {
		total += d.agreed // not linked by a look
	}
	most := contributors(census)
	switch used := 100 * total / limit; {
	case total > limit:
		f := issue.Fault("engine.limit", "limit", strconv.Itoa(limit), "found", strconv.Itoa(total), "in the CRM", strconv.Itoa(inCRM))
		if !d.m.Initialized && !d.in.Show {
			f.Evidence = most
			return f
		}
		d.over = f.Message
	case used >= nearLimit:
		d.row.Why = fmt.Sprintf("%d %% of the limit is used (%d of %d items; %s)", used, total, limit, most)
		if used < veryNearLimit {
			return nil
		}
		d.a.Log.WarnContext(ctx, "a mailbox comes near its limit", "mailbox", d.m.ID, "used", used, "limit", limit)
	}
	return nil
}

// contributors lists kinds by what they add, the largest first.
func contributors(c plan.Census) string {
	kinds := slices.Clone(model.Kinds())
	size := func(k model.Kind) int { return max(c.Present[model.CRM][k], c.Present[model.Mail][k]) }
	slices.SortStableFunc(kinds, func(a, b model.Kind) int { return cmp.Compare(size(b), size(a)) })
	var out []string
	for _, k := range kinds {
		if size(k) > 0 {
			out = append(out, fmt.Sprintf("%s: %d linked, %d in the CRM, %d in the mailbox", k, c.Linked[k], c.Present[model.CRM][k], c.Present[model.Mail][k]))
		}
	}
	return strings.Join(out, "; ")
}
