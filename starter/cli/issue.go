package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

const issueHelp = `Items that cannot be synced while everything else goes on.

A mailbox that does not sync at all has a sync error, which is something else:
lockstep mailbox show tells it.`

func (a *app) issue() *cobra.Command {
	c := group("issue", "Items that cannot be synced", a.issueList(), a.issueShow(), a.issueRetry(), a.issueIgnore(), a.issueBundle())
	c.Long = issueHelp
	return c
}

// which are the flags that choose issues.
type which struct {
	mailbox, code, kind, side, state string
	all                              bool
}

func (a *app) chooseIssues(c *cobra.Command, w *which) {
	f := c.Flags()
	f.StringVar(&w.code, "code", "", "only this `code`, such as dav.403")
	f.StringVar(&w.kind, "kind", "", "only this `kind`: contact, event or task")
	f.StringVar(&w.side, "side", "", "only this `side`: crm or mail")
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions([]string{"contact", "event", "task"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("side", cobra.FixedCompletions([]string{"crm", "mail"}, cobra.ShellCompDirectiveNoFileComp))
}

// filter is what the flags say, for one mailbox or (empty) all.
func (a *app) filter(ctx context.Context, w which) (store.Store, store.IssueFilter, error) {
	f := store.IssueFilter{
		Code: w.code, Kind: model.Kind(w.kind), Side: model.Side(w.side), State: store.IssueState(w.state),
		Closed: w.all || w.state == string(store.IssueResolved) || w.state == string(store.IssueIgnored),
	}
	if w.mailbox != "" {
		st, m, err := a.named(ctx, w.mailbox)
		f.Mailbox = m.ID
		return st, f, err
	}
	h, err := a.home(ctx)
	if err != nil {
		return nil, f, err
	}
	return h.Store, f, nil
}

func (a *app) issueList() *cobra.Command {
	var w which
	c := &cobra.Command{
		Use: "list [MAILBOX]", Short: "List items that cannot be synced, with what to do", Args: takes(0, 1),
		Example: "  lockstep issue list\n  lockstep issue list anna@example.com --all\n  lockstep issue list --code dav.403 --kind event --state \"needs user\"", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			w.mailbox = strings.Join(args, "")
			return a.listIssues(c.Context(), w)
		},
	}
	a.chooseIssues(c, &w)
	c.Flags().StringVar(&w.state, "state", "", "only this `state`: new, retrying, needs user, needs admin, resolved or ignored")
	c.Flags().BoolVar(&w.all, "all", false, "also those that are resolved or ignored")
	return c
}

func (a *app) listIssues(ctx context.Context, w which) error {
	st, f, err := a.filter(ctx, w)
	if err != nil {
		return err
	}
	rows, err := st.FindIssues(ctx, f)
	if err != nil {
		return err
	}
	addresses, err := addressesOf(ctx, st)
	if err != nil {
		return err
	}
	views := []issueView{}
	t := table{head: []string{"ID", "LAST", "TIMES", "STATE", "MAILBOX", "SIDE", "KIND", "CODE", "MESSAGE"}, none: "There are no open issues."}
	for _, i := range rows {
		v := issueOf(addresses[i.Mailbox], i)
		views = append(views, v)
		t.rows = append(t.rows, []string{
			v.ID, relative(a.Now(), i.Last), strconv.Itoa(i.Count), string(v.State), v.Mailbox, string(v.Side), string(v.Kind), v.Code,
			strings.TrimSpace(v.Message + " " + v.Solution),
		})
	}
	return a.list(views, t)
}

func addressesOf(ctx context.Context, st store.Store) (map[model.MailboxID]string, error) {
	all, err := st.Mailboxes(ctx, store.MailboxFilter{})
	out := make(map[model.MailboxID]string, len(all))
	for _, m := range all {
		out[m.ID] = m.Address
	}
	return out, err
}

func (a *app) issueShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show an issue: what happened, why, what to do, where to open the item", Args: takes(1, 1),
		Example: "  lockstep issue show iss_01jq3", ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error { return a.showIssue(c.Context(), args[0]) },
	}
}

func (a *app) showIssue(ctx context.Context, id string) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	i, err := oneIssue(ctx, h.Store, id)
	if err != nil {
		return err
	}
	m, err := h.Store.Mailbox(ctx, i.Mailbox)
	if err != nil {
		return err
	}
	v := issueOf(m.Address, i)
	if v.Links, err = links(ctx, h.Store, m, i); err != nil {
		return err
	}
	return a.print(v, func(w io.Writer) {
		pairs(w, [2]string{"Issue", v.ID}, [2]string{"State", string(v.State)}, [2]string{"Mailbox", v.Mailbox}, [2]string{"Side", string(v.Side)},
			[2]string{"Kind", string(v.Kind)}, [2]string{"Item", v.Item}, [2]string{"Entity", string(v.Entity)},
			[2]string{"Code", v.Code}, [2]string{"Source", v.Source}, [2]string{"Message", v.Message}, [2]string{"Cause", v.Cause},
			[2]string{"Solution", v.Solution}, [2]string{"Who acts", v.Acts}, [2]string{"First", relative(a.Now(), i.First)},
			[2]string{"Last", relative(a.Now(), i.Last)}, [2]string{"Times in a row", strconv.Itoa(v.Count)}, [2]string{"Evidence", v.Evidence},
			[2]string{"Open in the CRM", v.Links[model.CRM]}, [2]string{"Open in the mailbox", v.Links[model.Mail]})
		if v.Open {
			fmt.Fprintf(w, "\nTry it again:  lockstep issue retry %s\nAccept it:     lockstep issue ignore %s\n", v.ID, v.ID)
		}
	})
}

func oneIssue(ctx context.Context, st store.Store, id string) (store.IssueRow, error) {
	rows, err := st.FindIssues(ctx, store.IssueFilter{ID: id, Closed: true})
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("there is no issue %s; lockstep issue list --all shows them all", id)
	}
	if err != nil {
		return store.IssueRow{}, err
	}
	return rows[0], nil
}

// links are the addresses under which people open the item of an issue
// (requirement L-06): each connection's setting link, with {id}, {kind} and
// {address} filled in.
func links(ctx context.Context, st store.Store, m model.Mailbox, i store.IssueRow) (map[model.Side]string, error) {
	refs := map[model.Side]string{i.Side: i.Item}
	if i.Entity != "" {
		found, err := st.Explain(ctx, m.ID, i.Item)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			if e.Entity == i.Entity {
				for side, ref := range map[model.Side]*model.Ref{model.CRM: e.CRM, model.Mail: e.Mail} {
					if ref != nil {
						refs[side] = ref.ID
					}
				}
			}
		}
	}
	out := map[model.Side]string{}
	for side, id := range map[model.Side]model.ConnectionID{model.CRM: m.CRM, model.Mail: m.Mail} {
		c, err := st.Connection(ctx, id)
		if err != nil {
			return nil, err
		}
		if template := c.Settings["link"]; template != "" && refs[side] != "" {
			out[side] = strings.NewReplacer("{id}", url.PathEscape(refs[side]), "{kind}", string(i.Kind), "{address}", url.PathEscape(m.Address)).Replace(template)
		}
	}
	return out, nil
}

func (a *app) issueRetry() *cobra.Command {
	var w which
	c := &cobra.Command{
		Use: "retry [ID...]", Short: "Have items tried again in the next round", Args: takes(0, -1),
		Long:    "Has items tried again: those of the named issues, or those that the flags choose. Ignored issues are chosen, too.",
		Example: "  lockstep issue retry iss_01jq3\n  lockstep issue retry --code sqlcrm.invalid\n  lockstep issue retry --mailbox anna@example.com --kind contact", ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error { return a.retryIssues(c.Context(), args, w) },
	}
	a.chooseIssues(c, &w)
	c.Flags().StringVarP(&w.mailbox, "mailbox", "m", "", "only this `mailbox`")
	_ = c.RegisterFlagCompletionFunc("mailbox", a.completeAddress)
	return c
}

func (a *app) retryIssues(ctx context.Context, ids []string, w which) error {
	st, filters, err := a.chosen(ctx, ids, w)
	if err != nil {
		return err
	}
	total, woken := 0, []model.MailboxID(nil)
	for _, f := range filters {
		n, mailboxes, err := st.RetryIssues(ctx, f)
		if err != nil {
			return err
		}
		total, woken = total+n, append(woken, mailboxes...)
	}
	a.talk("%s will be tried again.", plural(total, "item"))
	if len(woken) > 0 {
		if err := a.hand(ctx, func(ctx context.Context, e Engine) error { return e.WakeMailboxes(ctx, woken) }); err != nil {
			a.talk("Lockstep does not run (%s); they are tried when it runs again.", short(err))
		}
	}
	return a.counted(total)
}

// chosen are the filters that ids and flags make.
func (a *app) chosen(ctx context.Context, ids []string, w which) (store.Store, []store.IssueFilter, error) {
	if len(ids) == 0 {
		if w == (which{}) {
			return nil, nil, usage("name issues, or choose them with --code, --kind, --side or --mailbox")
		}
		st, f, err := a.filter(ctx, w)
		return st, []store.IssueFilter{f}, err
	}
	if w != (which{}) {
		return nil, nil, usage("name issues or choose them by flags, not both")
	}
	h, err := a.home(ctx)
	if err != nil {
		return nil, nil, err
	}
	var out []store.IssueFilter
	var unknown []error
	for _, id := range ids {
		if _, err := oneIssue(ctx, h.Store, id); err != nil {
			unknown = append(unknown, err)
		}
		out = append(out, store.IssueFilter{ID: id})
	}
	return h.Store, out, errors.Join(unknown...)
}

func (a *app) counted(n int) error {
	if !a.json {
		return nil
	}
	return a.print(map[string]int{"issues": n}, nil)
}

func (a *app) issueIgnore() *cobra.Command {
	return &cobra.Command{
		Use: "ignore ID...", Short: "Accept that items are not synced; the same trouble with them is not shown again", Args: takes(1, -1),
		Example: "  lockstep issue ignore iss_01jq3", ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			st, filters, err := a.chosen(c.Context(), args, which{})
			if err != nil {
				return err
			}
			total := 0
			for _, f := range filters {
				n, err := st.IgnoreIssues(c.Context(), f, a.Now())
				if err != nil {
					return err
				}
				total += n
			}
			a.talk("%s ignored.", plural(total, "issue"))
			return a.counted(total)
		},
	}
}
