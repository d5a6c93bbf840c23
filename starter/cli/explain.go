package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

const explainHelp = `Says why an item is as it is, or why it is not synced.

ITEM is an id on either side, a UID, or the exact title or name. All mailboxes are
searched unless one is named. Titles are shown only with --content, those of private
items never.`

// ofPrivate stands for the title of a private item, which is shown to nobody.
const ofPrivate = "(private)"

func (a *app) explain() *cobra.Command {
	var mailbox string
	var content bool
	c := &cobra.Command{
		Use: "explain ITEM", Short: "Say why an item is as it is, or is not synced", Long: explainHelp, Args: takes(1, 1),
		Example:           "  lockstep explain \"Quarterly review\"\n  lockstep explain 4711 --mailbox anna@example.com --json",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			return a.explainItem(c.Context(), args[0], mailbox, content)
		},
	}
	c.Flags().StringVarP(&mailbox, "mailbox", "m", "", "only this `mailbox`")
	c.Flags().BoolVar(&content, "content", false, "show titles and names too")
	_ = c.RegisterFlagCompletionFunc("mailbox", a.completeAddress)
	return c
}

func (a *app) explainItem(ctx context.Context, item, mailbox string, content bool) error {
	st, list, err := a.these(ctx, mailbox)
	if err != nil {
		return err
	}
	views := []explainView{}
	for _, m := range list {
		found, err := st.Explain(ctx, m.ID, item)
		if err != nil {
			return err
		}
		for _, e := range found {
			views = append(views, explainOf(m.Address, e, content))
		}
	}
	if len(views) == 0 {
		return fmt.Errorf("no item %q is known. It must be an id, a UID, or the exact title or name. If it is, either it was not read yet, the settings of the connection leave it out (filtered), or the mailbox's user does not take part in it", item)
	}
	return a.print(views, func(w io.Writer) {
		for i, v := range views {
			if i > 0 {
				fmt.Fprintln(w)
			}
			a.writeExplanation(w, v)
		}
	})
}

// these returns the named mailbox, or all that are not removed.
func (a *app) these(ctx context.Context, name string) (store.Store, []model.Mailbox, error) {
	if name != "" {
		st, m, err := a.named(ctx, name)
		return st, []model.Mailbox{m}, err
	}
	h, err := a.home(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := h.Store.Mailboxes(ctx, store.MailboxFilter{})
	var live []model.Mailbox
	for _, m := range all {
		if m.State != model.Retired {
			live = append(live, m)
		}
	}
	return h.Store, live, err
}

func explainOf(mailbox string, e store.Explanation, content bool) explainView {
	v := explainView{
		Mailbox: mailbox, Entity: e.Entity, Kind: e.Kind, Why: e.Answer(), State: e.State, Reason: e.Reason, CRM: e.CRM, Mail: e.Mail,
		Pending: e.Pending, Held: e.Held, LastSync: optional(e.LastSync), Fields: append([]string{}, e.Fields...), Issues: []issueView{}, Writes: []writtenView{},
	}
	switch {
	case content && e.Private:
		v.Title = ofPrivate
	case content:
		v.Title = e.Title
	}
	for _, w := range e.Writes {
		v.Writes = append(v.Writes, writtenView{Round: w.Round, At: optional(w.At), Side: w.Side, Action: w.Action, Fields: w.Fields, Why: w.Why})
	}
	for _, i := range e.Issues {
		v.Issues = append(v.Issues, issueOf(mailbox, i))
	}
	return v
}

func (a *app) writeExplanation(w io.Writer, v explainView) {
	state := string(v.State)
	if v.State == plan.Unlinked {
		state = "not linked: known on one side only"
	}
	if v.Reason != "" {
		state += ": " + v.Reason
	}
	pending := ""
	if v.Pending {
		pending = "yes, the next round looks at it"
	}
	pairs(w, [2]string{"Mailbox", v.Mailbox}, [2]string{"Kind", string(v.Kind)}, [2]string{"Title", v.Title}, [2]string{"Why", string(v.Why)}, [2]string{"State", state},
		[2]string{"In the CRM", place(v.CRM)}, [2]string{"In the mailbox", place(v.Mail)},
		[2]string{"Last synced", relative(a.Now(), at(v.LastSync))}, [2]string{"Differs now in", strings.Join(v.Fields, ", ")},
		[2]string{"Pending", pending}, [2]string{"Held", v.Held}, [2]string{"Entity", string(v.Entity)})
	for _, x := range v.Writes {
		fmt.Fprintln(w, written(x, a.Now()))
	}
	for _, i := range v.Issues {
		if i.Open {
			fmt.Fprintf(w, "Issue on the %s side: %s (%s), %s\n", i.Side, strings.TrimSpace(i.Message+" "+i.Solution), i.Code, relative(a.Now(), at(i.Last)))
		}
	}
}

// written tells which round wrote what, and where the values came from.
func written(w writtenView, now time.Time) string {
	from := map[model.Side]string{model.CRM: "the mailbox to the CRM", model.Mail: "the CRM to the mailbox"}[w.Side]
	what := "everything"
	if len(w.Fields) > 0 {
		what = strings.Join(w.Fields, ", ")
	}
	text := fmt.Sprintf("Round %d, %s: %s, %s from %s", w.Round, relative(now, at(w.At)), w.Action, what, from)
	if w.Why != "" {
		text += " (" + w.Why + ")"
	}
	return text
}

func place(r *model.Ref) string {
	switch {
	case r == nil:
		return "no"
	case r.Version == "":
		return r.ID
	default:
		return r.ID + " (version " + r.Version + ")"
	}
}
