package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

const planApproveHelp = `Lets a plan go that waits: the first sync, or what a brake stopped.

Exactly the plan with the given hash is approved. If something changed since you looked,
nothing of it is written and the difference is shown. Without a hash, the plan is shown
first.

With --only, --kind or --side only the writes chosen go, and the others go on waiting.
Numbers are those that "plan show" prints.`

const planRejectHelp = `Settles without a write what waits for approval.

A deletion that is rejected does not travel, and the item is not created again on the side
where it was deleted. A new item that is rejected stays on its side. Of a rejected change
each side keeps what it has, until somebody changes the item again. "lockstep explain" says
why an item is as it is.

Without --only, --kind or --side everything that waits is rejected.`

func (a *app) planApprove() *cobra.Command {
	c := a.verdict("approve", "Let a plan go that waits for approval", activities.VerbApprove, "Let it go?")
	c.Long = planApproveHelp
	c.Example = "  lockstep plan approve anna@example.com\n  lockstep plan approve anna@example.com --hash 5f0c9b2e7d31a864\n" +
		"  lockstep plan approve anna@example.com --only 3,4,9\n  lockstep plan approve anna@example.com --kind contact --side crm"
	return c
}

func (a *app) planReject() *cobra.Command {
	c := a.verdict("reject", "Settle without a write what waits for approval", activities.VerbReject, "Reject it?")
	c.Long = planRejectHelp
	c.Example = "  lockstep plan reject anna@example.com --only 3,4\n  lockstep plan reject anna@example.com --kind contact"
	return c
}

// verdict is a command that decides on what waits.
func (a *app) verdict(name, short, verb, question string) *cobra.Command {
	v := word{verb: verb, question: question}
	var only, kind, side, hash string
	c := &cobra.Command{
		Use: name + " MAILBOX [HASH]", Short: short, Args: takes(1, 2), ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			if v.choice.Hash = hash; len(args) > 1 {
				v.choice.Hash = args[1]
			}
			var err error
			if v.choice, err = choose(v.choice.Hash, only, kind, side); err != nil {
				return err
			}
			return a.decide(c.Context(), args[0], v)
		},
	}
	f := c.Flags()
	f.StringVar(&hash, "hash", "", "`hash` of the plan you looked at")
	f.StringVar(&only, "only", "", "only the writes with these `numbers`, separated by commas")
	f.StringVar(&kind, "kind", "", "only writes of this `kind`: contact, event or task")
	f.StringVar(&side, "side", "", "only writes to this `side`: crm or mail")
	f.BoolVarP(&v.yes, "yes", "y", false, "do not ask")
	v.patience.flags(c, 10*time.Minute)
	return c
}

// word is a person's word on a plan.
type word struct {
	verb, question string
	choice         activities.Choice
	yes            bool
	patience       patience
}

func choose(hash, only, kind, side string) (activities.Choice, error) {
	argument := hash
	if argument == "" {
		argument = "newest"
	}
	if only != "" {
		argument += " only=" + strings.ReplaceAll(only, " ", "")
	}
	c, err := activities.ParseChoice(argument)
	if err != nil {
		return c, usage("--only: %w", err)
	}
	c.Hash, c.Kind, c.Side = hash, model.Kind(kind), model.Side(side)
	if kind != "" && !slices.Contains(model.Kinds(), c.Kind) {
		return c, usage("--kind: there is no kind %q; use contact, event or task", kind)
	}
	if side != "" && c.Side != model.CRM && c.Side != model.Mail {
		return c, usage("--side: there is no side %q; use crm or mail", side)
	}
	return c, nil
}

// decide asks for a verdict on a plan, and says what set it apart from what was
// looked at if it could not be carried out.
func (a *app) decide(ctx context.Context, name string, v word) error {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	if v.choice.Hash == "" {
		p, err := newest(ctx, st, m.ID)
		if err != nil {
			return err
		}
		if !waits(p) {
			return fmt.Errorf("no plan of %s waits for approval", m.Address)
		}
		a.sayPlan(headOf(p))
		if err := a.confirm(v.yes, v.question); err != nil {
			return err
		}
		v.choice.Hash = p.Hash
	}
	seen, err := a.waiting(ctx, st, m.ID, v.choice.Hash)
	if err != nil {
		return err
	}
	r, err := a.ask(ctx, m, v.verb, v.choice.Argument(), v.patience)
	if a.json && r.ID != "" {
		if err := a.print(requestOf(m.Address, r), nil); err != nil {
			return err
		}
	}
	if r.Outcome == store.RequestOpen {
		return err
	}
	p, failed := newest(ctx, st, m.ID)
	if failed != nil {
		return failed
	}
	// What was decided on may have been overtaken while it was taken up.
	whole := v.choice.Whole() && v.verb == activities.VerbApprove
	if waits(p) && (err != nil && p.Hash != v.choice.Hash || err == nil && whole) {
		if sayErr := a.sayDifference(ctx, st, p, seen); sayErr != nil {
			return sayErr
		}
		if err == nil {
			err = partial("%s: %s", m.Address, r.Message)
		}
	}
	if err == nil {
		a.talk("%s: %s", m.Address, r.Message)
	}
	return err
}

// waiting lists the writes that wait in the plan with a hash; nil if it is not
// known any more.
func (a *app) waiting(ctx context.Context, st store.Store, id model.MailboxID, hash string) ([]plan.Write, error) {
	p, err := st.PlanHashed(ctx, id, hash)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return held(ctx, st, p)
}

// held lists the writes of a plan that wait.
func held(ctx context.Context, st store.Store, p store.PlanRow) ([]plan.Write, error) {
	var out []plan.Write
	for after := -1; ; {
		page, err := st.PlanWrites(ctx, p.ID, after, 500)
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, w := range page {
			if activities.Waits(p, w) {
				out = append(out, w.Write)
			}
		}
		after = page[len(page)-1].Number
	}
}

// samples is how many writes are shown of many.
const samples = 20

// sayDifference says what came, went and changed since a person looked.
func (a *app) sayDifference(ctx context.Context, st store.Store, p store.PlanRow, seen []plan.Write) error {
	now, err := held(ctx, st, p)
	if err != nil {
		return err
	}
	if seen == nil {
		a.talk("The plan you named is not known (any more). Plan %s waits now.", p.Hash)
		return nil
	}
	d := plan.Compare(seen, now)
	if d.Empty() {
		return nil
	}
	a.talk("Plan %s waits now. Against the plan you looked at:", p.Hash)
	t := table{head: []string{"", "ACTION", "SIDE", "KIND", "ITEM", "WHY"}}
	shown := 0
	for _, part := range []struct {
		word string
		list []plan.Write
	}{{"came", d.Came}, {"went", d.Went}, {"changed", d.Changed}} {
		for _, w := range part.list {
			if shown++; shown > samples {
				continue
			}
			item := w.Op.Ref.ID
			if item == "" {
				item = "(new)"
			}
			t.rows = append(t.rows, []string{part.word, string(w.Op.Action), string(w.Side), string(w.Kind), item, w.Why})
		}
	}
	t.write(a.Err)
	a.talk("%d came, %d went, %d changed.", len(d.Came), len(d.Went), len(d.Changed))
	return nil
}
