package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

const keptHelp = `Lists what is on one side only, on purpose, and rests: since a round was undone, since a
person rejected a write of it, or because its deletion does not travel.

"review rejoin" lets it be synced again: as if it were new, it is created on the side where
it is missing (or matched with what is there). With --dry-run only says what would be done.`

func (a *app) reviewKept() *cobra.Command {
	var content bool
	c := &cobra.Command{
		Use: "kept [MAILBOX]", Short: "List what rests on one side on purpose", Long: keptHelp, Args: takes(0, 1),
		Example: "  lockstep review kept\n  lockstep review kept anna@example.com --content", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			return a.listKept(c.Context(), strings.Join(args, ""), content)
		},
	}
	c.Flags().BoolVar(&content, "content", false, "show titles and names too")
	return c
}

func (a *app) reviewRejoin() *cobra.Command {
	var all, dry bool
	var w patience
	c := &cobra.Command{
		Use: "rejoin MAILBOX ENTITY...", Short: "Let what rests be synced again", Long: keptHelp, Args: takes(1, -1),
		Example:           "  lockstep review rejoin anna@example.com ekjsu7ziwpcstut4jq6kymy5i --dry-run\n  lockstep review rejoin anna@example.com --all",
		ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			if all == (len(args) > 1) {
				return usage("name what is to be synced again, as in the list of \"review kept\", or say --all")
			}
			return a.rejoin(c.Context(), args[0], args[1:], dry, w)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "everything that rests in this mailbox")
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would be written")
	w.flags(c, 2*time.Minute)
	return c
}

// keptView is a pair that rests: `review kept` (an array of them).
type keptView struct {
	Mailbox string         `json:"mailbox"`
	Entity  model.EntityID `json:"entity"`
	Kind    model.Kind     `json:"kind"`
	Side    model.Side     `json:"side"` // where it is
	Item    string         `json:"item"`
	Title   string         `json:"title,omitempty"` // with --content only
	Reason  string         `json:"reason"`
}

// kept collects the pairs of a mailbox that rest.
func kept(ctx context.Context, st store.Store, m model.Mailbox, content bool) ([]keptView, error) {
	var out []keptView
	for after := model.EntityID(""); ; {
		page, err := st.Resting(ctx, m.ID, after, 500)
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, p := range page {
			out = append(out, keptOf(m.Address, p.Pair, content))
		}
		after = page[len(page)-1].Entity
	}
}

func keptOf(address string, p plan.Pair, content bool) keptView {
	v := keptView{Mailbox: address, Entity: p.Entity, Kind: p.Kind, Reason: p.Reason}
	for _, s := range []*plan.Seen{p.Mail, p.CRM} {
		if s == nil || s.Gone {
			continue
		}
		v.Side, v.Item, v.Title = s.Ref.Side, s.Ref.ID, s.Content.Text("title")
		if p.Kind == model.Contact {
			v.Title = s.Content.Text("full_name")
		}
		if s.Reduced || model.Private(s.Content) {
			v.Title = ofPrivate
		}
	}
	if !content {
		v.Title = ""
	}
	return v
}

func (a *app) listKept(ctx context.Context, mailbox string, content bool) error {
	st, mailboxes, err := a.these(ctx, mailbox)
	if err != nil {
		return err
	}
	views := []keptView{}
	t := table{head: []string{"MAILBOX", "ENTITY", "KIND", "SIDE", "ITEM", "WHY"}, none: "Nothing rests."}
	if content {
		t.head = append(t.head, "TITLE")
	}
	for _, m := range mailboxes {
		list, err := kept(ctx, st, m, content)
		if err != nil {
			return err
		}
		for _, v := range list {
			views = append(views, v)
			t.rows = append(t.rows, []string{v.Mailbox, string(v.Entity), string(v.Kind), string(v.Side), v.Item, v.Reason, v.Title})
		}
	}
	return a.list(views, t)
}

func (a *app) rejoin(ctx context.Context, name string, entities []string, dry bool, w patience) error {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	list, err := kept(ctx, st, m, false)
	if err != nil {
		return err
	}
	j := activities.Rejoining{Dry: dry}
	for _, v := range list {
		if len(entities) == 0 || slices.Contains(entities, string(v.Entity)) {
			j.Entities = append(j.Entities, v.Entity)
		}
	}
	for _, e := range entities {
		if !slices.Contains(j.Entities, model.EntityID(e)) {
			return usage("%q does not rest in %s; see: lockstep review kept %s", e, m.Address, m.Address)
		}
	}
	if len(j.Entities) == 0 {
		a.talk("%s: nothing rests.", m.Address)
		return nil
	}
	if dry {
		w.noWait = false // without its outcome there is nothing to show
	}
	r, err := a.ask(ctx, m, activities.VerbRejoin, j.Argument(), w)
	if err == nil && r.Outcome == store.RequestDone {
		a.talk("%s: %s", m.Address, r.Message)
	}
	return err
}
