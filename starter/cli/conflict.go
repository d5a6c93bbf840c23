package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

const conflictListHelp = `Lists edit conflicts: fields that both sides changed. By default one value won by the
policy and the other is kept; where the policy is to ask, both sides keep their own
until somebody answers. --content shows the value that lost, or what the mailbox held.`

const conflictResolveHelp = `Takes another value than the one that stands. "loser" takes the value that lost: it is
written to both sides, unless the field was edited again since. "crm" and "mail" name
whose value is taken; the one that stands already only settles the conflict. What is
overwritten is kept as well.`

func (a *app) conflict() *cobra.Command {
	var content, all bool
	list := &cobra.Command{
		Use: "list [MAILBOX]", Short: "List edit conflicts: fields that both sides changed", Args: takes(0, 1), Long: conflictListHelp,
		Example: "  lockstep conflict list\n  lockstep conflict list anna@example.com --content", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			return a.listConflicts(c.Context(), strings.Join(args, ""), all, content)
		},
	}
	list.Flags().BoolVar(&content, "content", false, "show the value that lost")
	list.Flags().BoolVar(&all, "all", false, "also those that are settled")
	var take string
	var w patience
	resolve := &cobra.Command{
		Use: "resolve CONFLICT", Short: "Take another value than the one that stands", Args: takes(1, 1), Long: conflictResolveHelp,
		Example: "  lockstep conflict resolve cft_06d1... --take loser",
		RunE:    func(c *cobra.Command, args []string) error { return a.resolveConflict(c.Context(), args[0], take, w) },
	}
	resolve.Flags().StringVar(&take, "take", "", "whose value to take: `crm`, mail or loser")
	w.flags(resolve, time.Minute)
	return group("conflict", "Edit conflicts", list, resolve)
}

func (a *app) resolveConflict(ctx context.Context, id, take string, w patience) error {
	if take != plan.TakeCRM && take != plan.TakeMail && take != plan.TakeLoser {
		return usage("say whose value to take: --take crm, --take mail or --take loser")
	}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	c, err := h.Store.Conflict(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no edit conflict %s; lockstep conflict list shows them all", id)
	}
	if err != nil {
		return err
	}
	m, err := h.Store.Mailbox(ctx, c.Mailbox)
	if err != nil {
		return err
	}
	r, err := a.ask(ctx, m, activities.VerbResolve, id+" "+take, w)
	if err != nil {
		return err
	}
	if c, err = h.Store.Conflict(ctx, id); err != nil {
		return err
	}
	if a.json {
		return a.print(conflictOf(m.Address, c), nil)
	}
	if !w.noWait {
		a.talk("%s: %s: %s", m.Address, c.Field, cmp.Or(resolutions()[c.Resolution], r.Message))
	}
	return nil
}

// resolutions say for people how a conflict ended.
func resolutions() map[string]string {
	return map[string]string{
		plan.TakeCRM: "the CRM's value stands", plan.TakeMail: "the mailbox's value stands", plan.TakeLoser: "the value that had lost was taken",
		"equal": "both sides say the same", "later edit": "edited again since, and that stays", "policy": "the policy decided",
	}
}

func conflictOf(address string, c store.ConflictRow) conflictView {
	return conflictView{
		Mailbox: address, ID: c.ID, At: optional(c.At), Kind: c.Kind, Field: c.Field, Winner: c.Winner, Entity: c.Entity,
		Chosen: c.Chosen, Resolution: c.Resolution,
	}
}

func (a *app) listConflicts(ctx context.Context, mailbox string, all, content bool) error {
	st, mailboxes, err := a.these(ctx, mailbox)
	if err != nil {
		return err
	}
	views := []conflictView{}
	t := table{head: []string{"CONFLICT", "WHEN", "MAILBOX", "KIND", "FIELD", "WINNER", "STATE"}, none: "There are no edit conflicts."}
	if content {
		t.head = append(t.head, "LOST")
	}
	for _, m := range mailboxes {
		rows, err := st.Conflicts(ctx, m.ID)
		if err != nil {
			return err
		}
		for _, c := range rows {
			if c.Resolution != "" && !all {
				continue
			}
			v := conflictOf(m.Address, c)
			row := []string{v.ID, relative(a.Now(), c.At), v.Mailbox, string(v.Kind), v.Field, cmp.Or(string(v.Winner), "nobody yet"), stateOf(c)}
			if content {
				v.Loser = c.Loser
				row = append(row, contentText(c.Loser))
			}
			views, t.rows = append(views, v), append(t.rows, row)
		}
	}
	return a.list(views, t)
}

// stateOf says what a conflict waits for, or how it ended.
func stateOf(c store.ConflictRow) string {
	switch {
	case c.Resolution != "":
		return cmp.Or(resolutions()[c.Resolution], c.Resolution)
	case c.Chosen != "":
		return "being written: " + c.Chosen
	case c.Winner == "":
		return "asks which to take"
	default:
		return "kept"
	}
}

// contentText writes what lost on one line: of several fields each with its
// name.
func contentText(c model.Content) string {
	names := c.Fields()
	if len(names) == 1 {
		return valueText(c[names[0]])
	}
	var out []string
	for _, n := range names {
		out = append(out, n+" "+valueText(c[n]))
	}
	return strings.Join(out, "; ")
}

// valueText writes a value on one line.
func valueText(v model.Value) string {
	if len(v.Set) == 0 {
		return strings.Join(strings.Fields(v.Text), " ")
	}
	var out []string
	for _, e := range v.Set {
		text := e.Text
		if text == "" {
			text = e.Key
		}
		out = append(out, strings.Join(strings.Fields(text), " "))
	}
	return listed(out)
}
