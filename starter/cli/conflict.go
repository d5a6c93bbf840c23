package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
)

func (a *app) conflict() *cobra.Command {
	var content bool
	list := &cobra.Command{
		Use: "list [MAILBOX]", Short: "List edit conflicts: fields that both sides changed", Args: takes(0, 1),
		Long: "Lists edit conflicts: fields that both sides changed. One value won by the policy; the other is kept and shown\n" +
			"with --content.",
		Example: "  lockstep conflict list\n  lockstep conflict list anna@example.com --content", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			return a.listConflicts(c.Context(), strings.Join(args, ""), content)
		},
	}
	list.Flags().BoolVar(&content, "content", false, "show the value that lost")
	return group("conflict", "Edit conflicts", list)
}

func (a *app) listConflicts(ctx context.Context, mailbox string, content bool) error {
	st, mailboxes, err := a.these(ctx, mailbox)
	if err != nil {
		return err
	}
	views := []conflictView{}
	t := table{head: []string{"WHEN", "MAILBOX", "KIND", "FIELD", "WINNER", "ENTITY"}, none: "There are no edit conflicts."}
	if content {
		t.head = append(t.head, "LOST")
	}
	for _, m := range mailboxes {
		rows, err := st.Conflicts(ctx, m.ID)
		if err != nil {
			return err
		}
		for _, c := range rows {
			v := conflictView{Mailbox: m.Address, ID: c.ID, At: optional(c.At), Kind: c.Kind, Field: c.Field, Winner: c.Winner, Entity: c.Entity}
			row := []string{relative(a.Now(), c.At), v.Mailbox, string(v.Kind), v.Field, string(v.Winner), string(v.Entity)}
			if content {
				v.Loser = c.Loser
				row = append(row, contentText(c.Loser))
			}
			views, t.rows = append(views, v), append(t.rows, row)
		}
	}
	return a.list(views, t)
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
