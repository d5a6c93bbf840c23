package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) issue() *cobra.Command {
	var all bool
	list := &cobra.Command{
		Use: "list [MAILBOX]", Short: "List items that cannot be synced, with what to do", Args: takes(0, 1),
		Example: "  lockstep issue list\n  lockstep issue list anna@example.com --all", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			return a.listIssues(c.Context(), strings.Join(args, ""), all)
		},
	}
	list.Flags().BoolVar(&all, "all", false, "also those that are settled")
	return group("issue", "Items that cannot be synced", list)
}

func (a *app) listIssues(ctx context.Context, mailbox string, all bool) error {
	st, mailboxes, err := a.these(ctx, mailbox)
	if err != nil {
		return err
	}
	views := []issueView{}
	t := table{head: []string{"LAST", "TIMES", "MAILBOX", "SIDE", "KIND", "ITEM", "CODE", "MESSAGE"}, none: "There are no open issues."}
	for _, m := range mailboxes {
		rows, err := st.Issues(ctx, m.ID)
		if err != nil {
			return err
		}
		for _, i := range rows {
			if !i.Open && !all {
				continue
			}
			v := issueOf(m.Address, i)
			views = append(views, v)
			t.rows = append(t.rows, []string{
				relative(a.Now(), i.Last), strconv.Itoa(i.Count), v.Mailbox, string(v.Side), string(v.Kind), v.Item, v.Code, strings.TrimSpace(v.Message + " " + v.Solution),
			})
		}
	}
	return a.list(views, t)
}
