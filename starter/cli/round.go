package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"lockstep.dev/store"
)

func (a *app) round() *cobra.Command {
	var limit int
	list := &cobra.Command{
		Use: "list MAILBOX", Short: "List a mailbox's rounds that did something, the newest first", Args: takes(1, 1),
		Example: "  lockstep round list anna@example.com --limit 5", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error { return a.listRounds(c.Context(), args[0], limit) },
	}
	list.Flags().IntVar(&limit, "limit", 20, "how `many` rounds to list")
	return group("round", "Rounds of a mailbox", list)
}

func (a *app) listRounds(ctx context.Context, mailbox string, limit int) error {
	if limit <= 0 {
		return usage("--limit must be a number above 0")
	}
	st, m, err := a.named(ctx, mailbox)
	if err != nil {
		return err
	}
	rows, err := st.Rounds(ctx, m.ID, limit)
	if err != nil {
		return err
	}
	views := []roundView{}
	t := table{
		head: []string{"ROUND", "STARTED", "TOOK", "DONE", "REFUSED", "WRITES", "NOTE"},
		none: "No round of " + m.Address + " has written anything yet.",
	}
	for _, r := range rows {
		v := roundOf(r)
		views = append(views, v)
		t.rows = append(t.rows, []string{
			strconv.FormatInt(r.Number, 10), relative(a.Now(), r.Started), span(r.Ended.Sub(r.Started)),
			strconv.Itoa(r.Done), strconv.Itoa(r.Refused), writesText(v.Writes), r.Note,
		})
	}
	return a.list(views, t)
}

func roundOf(r store.Round) roundView {
	return roundView{
		Number: r.Number, Started: optional(r.Started), Ended: optional(r.Ended), Done: r.Done, Refused: r.Refused, Note: r.Note,
		Counts: countsOf(r.Counts), Writes: writesOf(r.Counts),
	}
}

// writesText sums up writes in a few characters: "crm contact +3 ~1 -0".
func writesText(list []writesView) string {
	var out []string
	for _, w := range list {
		out = append(out, fmt.Sprintf("%s %s +%d ~%d -%d", w.Side, w.Kind, w.Create, w.Update, w.Delete))
	}
	if len(out) == 0 {
		return "none"
	}
	return listed(out)
}
