package activities

import (
	"context"
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// approval is what became of the plan before: a person's verdict on its writes,
// and what waits. An attempt that dies on the way leaves a smaller plan, whose
// writes carry the verdicts on; a write that is planned differently by now has
// none. What was held waits until a person decides, even if what is left of it
// would be too little for a brake.
type approval struct {
	given    bool
	whole    bool // a plan was approved as a whole: exactly it goes, or nothing
	verdicts map[string]plan.Verdict
	places   map[plan.Place]bool   // of the writes with a verdict
	waits    map[plan.Place]string // why, of those without
}

// approved loads what a mailbox's plan left.
func (a *Activities) approved(ctx context.Context, id model.MailboxID) (approval, error) {
	out := approval{verdicts: map[string]plan.Verdict{}, places: map[plan.Place]bool{}, waits: map[plan.Place]string{}}
	hash, err := a.Store.Approved(ctx, id)
	for after := -1; err == nil; {
		var page []store.Planned
		page, err = a.Store.Waiting(ctx, id, after, pageOfWrites)
		if len(page) == 0 {
			break
		}
		for _, w := range page {
			switch {
			case w.Verdict == plan.Confirmed: // it stands with the connection, too
			case w.Verdict == plan.Undecided:
				out.waits[plan.PlaceOf(w.Write)] = w.Held
			case hash != "":
				out.given = true
				out.whole = out.whole || w.Verdict == plan.Approved
				out.verdicts[plan.Fingerprint(w.Write)] = w.Verdict
				out.places[plan.PlaceOf(w.Write)] = true
			}
		}
		after = page[len(page)-1].Number
	}
	return out, err
}

// on is a person's word on exactly this write.
func (p *approval) on(w plan.Write) plan.Verdict {
	if !p.given {
		return plan.Undecided
	}
	return p.verdicts[plan.Fingerprint(w)]
}

// rejected reports whether a person rejected one of a pair's writes.
func (p *approval) rejected(writes []plan.Write) bool {
	for _, w := range writes {
		if p.on(w) == plan.Rejected {
			return true
		}
	}
	return false
}

// drift counts what waits now and was not approved with the plan as a whole.
type drift struct{ came, changed int }

func (d *drift) add(p *approval, w plan.Write) {
	if p.places[plan.PlaceOf(w)] {
		d.changed++
	} else {
		d.came++
	}
}

func (d drift) String() string {
	return fmt.Sprintf("what was approved is no longer what would be written: %d came, %d changed; look at the plan again", d.came, d.changed)
}
