package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"lockstep.dev/store"
)

const stateHelp = `Shows what is stored for the people of a policy: links between both sides, cursors (how
far each collection was read) and the journal of creates. It holds ids, states and times;
nothing of what items say. With --user the rows of one mailbox are listed.`

func (a *app) policyState() *cobra.Command {
	var user string
	var limit int
	c := &cobra.Command{
		Use: "state POLICY", Short: "Show what is stored per user: links, cursors, journal", Long: stateHelp, Args: takes(1, 1),
		Example:           "  lockstep policy state sales\n  lockstep policy state sales --user anna@example.com --json",
		ValidArgsFunction: a.completePolicy,
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 {
				return usage("--limit must be a number above 0")
			}
			if user != "" {
				return a.stateOfUser(c.Context(), args[0], user, limit)
			}
			return a.stateOfPolicy(c.Context(), args[0])
		},
	}
	c.Flags().StringVar(&user, "user", "", "the rows of this `mailbox`")
	c.Flags().IntVar(&limit, "limit", 1000, "at most this `number` of links, and of journal rows")
	_ = c.RegisterFlagCompletionFunc("user", a.completeAddress)
	return c
}

func (a *app) stateOfPolicy(ctx context.Context, policy string) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	if _, err := policyNamed(ctx, h.Store, policy); err != nil {
		return err
	}
	stock, err := h.Store.Stock(ctx, policy)
	if err != nil {
		return err
	}
	views := []stockView{}
	t := table{head: []string{"MAILBOX", "CRM USER", "STATE", "LINKED", "OTHERS", "CURSORS", "JOURNAL", "NOT PROVEN"}, none: "Nobody has the policy " + policy + "."}
	for _, s := range stock {
		m, err := h.Store.Mailbox(ctx, s.Mailbox)
		if err != nil {
			return err
		}
		cursors, err := h.Store.Collections(ctx, m.Mail, m.ID)
		if err != nil {
			return err
		}
		v := stockView{ID: m.ID, Mailbox: m.Address, CRMUser: m.CRMUser, State: m.State, Linked: s.Linked, Others: s.Others, Cursors: len(cursors), Created: s.Created, Unproven: s.Unproven}
		views = append(views, v)
		t.rows = append(t.rows, []string{v.Mailbox, v.CRMUser, string(v.State), strconv.Itoa(v.Linked), strconv.Itoa(v.Others), strconv.Itoa(v.Cursors), strconv.Itoa(v.Created), strconv.Itoa(v.Unproven)})
	}
	return a.list(views, t)
}

func (a *app) stateOfUser(ctx context.Context, policy, user string, limit int) error {
	st, m, err := a.named(ctx, user)
	if err != nil {
		return err
	}
	if m.Policy != policy {
		return fmt.Errorf("%s has the policy %s", m.Address, m.Policy)
	}
	v := stateView{Mailbox: m.Address, ID: m.ID, Links: []linkView{}, Cursors: []cursorView{}, Journal: []journalView{}}
	links, err := st.Links(ctx, m.ID, "", limit)
	if err != nil {
		return err
	}
	for _, l := range links {
		v.Links = append(v.Links, linkView{Entity: l.Entity, Kind: l.Kind, CRM: l.CRM, Mail: l.Mail, State: string(l.State), Reason: l.Reason, Synced: optional(l.Synced)})
	}
	cursors, err := st.Collections(ctx, m.Mail, m.ID)
	if err != nil {
		return err
	}
	for _, c := range cursors {
		v.Cursors = append(v.Cursors, cursorOf(c))
	}
	journal, err := st.Journal(ctx, m.ID, "", limit)
	if err != nil {
		return err
	}
	for _, j := range journal {
		outcome := string(j.Outcome)
		if outcome == "" {
			outcome = "begun"
		}
		v.Journal = append(v.Journal, journalView{Key: j.Key, Entity: j.Entity, Side: j.Side, Kind: j.Kind, Outcome: outcome, Begun: optional(j.Begun)})
	}
	return a.print(v, func(w io.Writer) { a.writeState(w, v) })
}

func cursorOf(c store.Collection) cursorView {
	state := "read to the end"
	switch {
	case c.Missing:
		state = "no longer there"
	case c.Listing:
		state = "being listed in full"
	case c.Cursor == "":
		state = "to be listed in full"
	}
	return cursorView{Kind: c.Kind, Collection: c.ID, Name: c.Name, State: state, Cursor: string(c.Cursor), Seen: optional(c.SeenAt)}
}

func (a *app) writeState(w io.Writer, v stateView) {
	fmt.Fprintf(w, "%s (%s)\n\n", v.Mailbox, v.ID)
	t := table{head: []string{"CURSOR OF", "COLLECTION", "STATE", "DISCOVERED"}}
	for _, c := range v.Cursors {
		t.rows = append(t.rows, []string{string(c.Kind), c.Collection, c.State, relative(a.Now(), at(c.Seen))})
	}
	t.write(w)
	t = table{head: []string{"LINK", "KIND", "CRM ITEM", "MAIL ITEM", "STATE", "AGREED"}}
	for _, l := range v.Links {
		state := l.State
		if l.Reason != "" {
			state += ": " + l.Reason
		}
		t.rows = append(t.rows, []string{string(l.Entity), string(l.Kind), l.CRM, l.Mail, state, relative(a.Now(), at(l.Synced))})
	}
	fmt.Fprintln(w)
	t.write(w)
	t = table{head: []string{"JOURNAL", "SIDE", "KIND", "OUTCOME", "BEGUN"}}
	for _, j := range v.Journal {
		t.rows = append(t.rows, []string{string(j.Key), string(j.Side), string(j.Kind), j.Outcome, relative(a.Now(), at(j.Begun))})
	}
	fmt.Fprintln(w)
	t.write(w)
}
