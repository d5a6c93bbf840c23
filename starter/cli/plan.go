package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const planShowHelp = `Shows exactly what the next round would write, and why; nothing is written.

A plan that waits for approval is shown as it is: the operations that wait, with the
numbers by which "plan approve" and "plan reject" know them. Otherwise both sides are
read and a plan is made only to be looked at. The first 20 operations are shown, or all
with --all. Titles and names are left out unless you ask for them with --content; those of
private items always.`

func (a *app) plan() *cobra.Command {
	return group("plan", "What would be written, and letting it go", a.planShow(), a.planApprove(), a.planReject())
}

// look says what of a plan is shown.
type look struct {
	limit   int
	all     bool
	content bool
}

func (l *look) flags(c *cobra.Command) {
	c.Flags().IntVar(&l.limit, "limit", samples, "how `many` operations to show; 0 = all")
	c.Flags().BoolVar(&l.all, "all", false, "show every operation")
	c.Flags().BoolVar(&l.content, "content", false, "show titles and names too")
}

func (a *app) planShow() *cobra.Command {
	var l look
	var w patience
	c := &cobra.Command{
		Use: "show MAILBOX", Short: "Show what the next round would write, and why", Long: planShowHelp,
		Example: "  lockstep plan show anna@example.com\n  lockstep plan show anna@example.com --all --content\n" +
			"  lockstep plan show anna@example.com --json | jq '.writes'",
		Args: takes(1, 1), ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error { return a.showPlan(c.Context(), args[0], l, w) },
	}
	l.flags(c)
	w.flags(c, 2*time.Minute)
	return c
}

func (a *app) showPlan(ctx context.Context, name string, l look, w patience) error {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	p, err := newest(ctx, st, m.ID)
	if err != nil {
		return err
	}
	if !waits(p) {
		before := p.ID
		w.noWait = false // without its outcome there is nothing to show
		r, err := a.ask(ctx, m, activities.VerbShow, "", w)
		if err != nil {
			return err
		}
		if p, err = newest(ctx, st, m.ID); err != nil {
			return err
		}
		if p.ID == before || p.State != store.PlanShown && !waits(p) {
			return partial("%s: no plan was made: %s", m.Address, r.Message)
		}
	}
	v, err := a.planOf(ctx, st, m, p, l)
	if err != nil {
		return err
	}
	return a.print(v, func(w io.Writer) { a.writePlan(w, v) })
}

// newest returns a mailbox's newest plan, an empty one if there is none.
func newest(ctx context.Context, st store.Store, id model.MailboxID) (store.PlanRow, error) {
	p, err := st.Plan(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.PlanRow{}, nil
	}
	return p, err
}

// waits reports whether a plan, or a part of it, waits for approval.
func waits(p store.PlanRow) bool { return p.State == store.PlanHeld || p.Counts.Held > 0 }

func headOf(p store.PlanRow) planHead {
	return planHead{
		ID: p.ID, State: p.State, Hash: p.Hash, Why: p.Why, Round: p.Round, At: optional(p.At),
		Counts: countsOf(p.Counts), Writes: writesOf(p.Counts),
	}
}

// planOf collects what is shown of a plan: where a part of it waits, that part.
func (a *app) planOf(ctx context.Context, st store.Store, m model.Mailbox, p store.PlanRow, l look) (planView, error) {
	v := planView{Mailbox: m.Address, planHead: headOf(p), Operations: []operationView{}}
	full := func() bool { return !l.all && l.limit > 0 && len(v.Operations) >= l.limit }
	for after := -1; !full(); {
		rows, err := st.PlanWrites(ctx, p.ID, after, 500)
		if err != nil || len(rows) == 0 {
			return v, err
		}
		for _, w := range rows {
			if (waits(p) && !activities.Waits(p, w)) || full() {
				continue
			}
			v.Operations = append(v.Operations, operationOf(w, l.content))
		}
		after = rows[len(rows)-1].Number
	}
	return v, nil
}

func operationOf(w store.Planned, content bool) operationView {
	v := operationView{
		Number: w.Number, Action: w.Op.Action, Side: w.Side, Kind: w.Kind, Item: w.Op.Ref.ID, Entity: w.Entity,
		Why: w.Why, Held: w.Held, Notify: string(w.Op.Notify),
	}
	if content {
		v.Title = w.Op.Content.Text("title")
		if w.Kind == model.Contact {
			v.Title = w.Op.Content.Text("full_name")
		}
		if model.Private(w.Op.Content) {
			v.Title = ofPrivate
		}
	}
	return v
}

func (a *app) writePlan(w io.Writer, v planView) {
	writeHead(w, v.planHead)
	if len(v.Operations) == 0 {
		return
	}
	titles := false
	for _, o := range v.Operations {
		titles = titles || o.Title != ""
	}
	t := table{head: []string{"", "ACTION", "SIDE", "KIND", "ITEM", "WHY"}}
	if titles {
		t.head = append(t.head, "TITLE")
	}
	for _, o := range v.Operations {
		item, why := o.Item, o.Why
		if item == "" {
			item = "(new)"
		}
		if o.Held != "" {
			why += "; held: " + o.Held
		}
		if o.Notify != "" {
			why += "; attendees are told"
		}
		t.rows = append(t.rows, []string{strconv.Itoa(o.Number + 1), string(o.Action), string(o.Side), string(o.Kind), item, why, o.Title})
	}
	fmt.Fprintln(w)
	t.write(w)
	total := v.Counts.Held
	if total == 0 {
		for _, n := range v.Writes {
			total += n.Create + n.Update + n.Delete
		}
	}
	if total > len(v.Operations) {
		fmt.Fprintf(w, "... and %d more (--all shows them)\n", total-len(v.Operations))
	}
}

// writeHead shows a plan's state and its counts per side and kind.
func writeHead(w io.Writer, p planHead) {
	state := string(p.State)
	switch {
	case p.State == store.PlanShown:
		state = "a dry run; nothing is written"
	case p.State == store.PlanHeld:
		state = "held: " + p.Why
	case p.Counts.Held > 0:
		state = fmt.Sprintf("%d operations wait for approval: %s", p.Counts.Held, p.Why)
	}
	pairs(w, [2]string{"Plan", p.Hash}, [2]string{"State", state})
	c := p.Counts
	fmt.Fprintf(w, "%d looked at, %d matched, %d skipped, %s, %s\n", c.Items, c.Matched, c.Skipped,
		plural(c.Conflicts, "edit conflict"), plural(c.Issues, "issue"))
	if len(p.Writes) == 0 {
		fmt.Fprintln(w, "Nothing would be written: both sides agree.")
		return
	}
	t := table{head: []string{"SIDE", "KIND", "CREATE", "UPDATE", "DELETE"}}
	for _, n := range p.Writes {
		t.rows = append(t.rows, []string{string(n.Side), string(n.Kind), strconv.Itoa(n.Create), strconv.Itoa(n.Update), strconv.Itoa(n.Delete)})
	}
	fmt.Fprintln(w)
	t.write(w)
}

// sayPlan shows a plan's head as talk.
func (a *app) sayPlan(p planHead) { writeHead(a.Err, p) }
