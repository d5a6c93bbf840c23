package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const undoHelp = `Takes back what a round wrote, on both sides: what it overwrote is written back, what it
deleted is created again, what it created is deleted. "lockstep round list" shows the
rounds; what they overwrote is kept for 30 days.

An item that was changed since is left alone and listed. Where a system cannot give back
the old id of an item, the link follows the new one. Nobody is told: no invitation or
cancellation is sent. An undo is a round of its own and can be undone.

With --dry-run, shows what would be written. A paused mailbox can be undone too.`

// taking is how an undo is asked for.
type taking struct {
	dry, yes, content bool
	patience          patience
}

func (a *app) undo() *cobra.Command {
	var t taking
	c := &cobra.Command{
		Use: "undo ROUND [MAILBOX]", Short: "Take back what a round wrote, on both sides", Long: undoHelp, Args: takes(1, 2),
		Example: "  lockstep undo 12 anna@example.com --dry-run\n  lockstep undo 12 anna@example.com", ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			round, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || round < 1 {
				return usage("%q is not the number of a round; lockstep round list shows them", args[0])
			}
			mailbox := ""
			if len(args) > 1 {
				mailbox = args[1]
			}
			return a.takeBack(c.Context(), round, mailbox, t)
		},
	}
	c.Flags().BoolVar(&t.dry, "dry-run", false, "only show what would be written")
	c.Flags().BoolVar(&t.content, "content", false, "show titles and names too")
	c.Flags().BoolVarP(&t.yes, "yes", "y", false, "do not ask")
	t.patience.flags(c, 10*time.Minute)
	return c
}

func (a *app) takeBack(ctx context.Context, round int64, mailbox string, t taking) error {
	st, list, err := a.these(ctx, mailbox)
	if err != nil {
		return err
	}
	m, err := a.oneWith(ctx, st, list, round)
	if err != nil {
		return err
	}
	if !t.dry {
		question := fmt.Sprintf("Take back what round %d of %s wrote?", round, m.Address)
		if err := a.confirm(t.yes, question); err != nil {
			return err
		}
	}
	t.patience.noWait = t.patience.noWait && !t.dry
	r, err := a.ask(ctx, m, activities.VerbUndo, activities.UndoOf{Round: round, Dry: t.dry}.Argument(), t.patience)
	if err != nil || r.Outcome != store.RequestDone {
		return err
	}
	p, err := newest(ctx, st, m.ID)
	if err != nil || p.Request != r.ID {
		a.talk("%s: %s", m.Address, r.Message)
		return err
	}
	if t.dry {
		v, err := a.planOf(ctx, st, m, p, look{all: true, content: t.content})
		if err != nil {
			return err
		}
		return a.print(v, func(w io.Writer) { a.writePlan(w, v) })
	}
	if a.json {
		if err := a.print(requestOf(m.Address, r), nil); err != nil {
			return err
		}
	}
	a.talk("%s: %s", m.Address, r.Message)
	return a.sayLeft(ctx, st, p)
}

// oneWith finds the one mailbox that had a round with a number.
func (a *app) oneWith(ctx context.Context, st store.Store, list []model.Mailbox, round int64) (model.Mailbox, error) {
	var found []model.Mailbox
	for _, m := range list {
		rounds, err := st.Rounds(ctx, m.ID, 10000)
		if err != nil {
			return model.Mailbox{}, err
		}
		for _, r := range rounds {
			if r.Number == round {
				found = append(found, m)
				break
			}
		}
	}
	switch len(found) {
	case 0:
		return model.Mailbox{}, fmt.Errorf("no round %d is known; lockstep round list MAILBOX shows a mailbox's rounds", round)
	case 1:
		return found[0], nil
	default:
		return model.Mailbox{}, usage("several mailboxes had a round %d; name the mailbox: lockstep undo %d MAILBOX", round, round)
	}
}

// sayLeft lists what an undo left alone.
func (a *app) sayLeft(ctx context.Context, st store.Store, p store.PlanRow) error {
	t := table{head: []string{"SIDE", "KIND", "ITEM", "WHY"}}
	left := 0
	for after := -1; ; {
		page, err := st.PlanWrites(ctx, p.ID, after, 500)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, w := range page {
			if !w.Left {
				continue
			}
			if left++; left <= samples {
				t.rows = append(t.rows, []string{string(w.Side), string(w.Kind), w.Op.Ref.ID, w.Why})
			}
		}
		after = page[len(page)-1].Number
	}
	if left == 0 {
		return nil
	}
	t.write(a.Err)
	if left > samples {
		a.talk("... and %d more", left-samples)
	}
	return partial("%s left as they are, because undoing them would lose something", plural(left, "item"))
}
