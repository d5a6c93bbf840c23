package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

func (a *app) mailbox() *cobra.Command {
	return group("mailbox", "Mailboxes and their life", a.mailboxAdd(), a.mailboxList(), a.mailboxShow(), a.mailboxTest(),
		a.mailboxVerb("pause", activities.VerbPause, "Stop syncing for a while; nothing is forgotten", ""),
		a.mailboxVerb("resume", activities.VerbResume, "Sync again after a pause, or after what disabled it was mended", ""),
		a.mailboxVerb("sync", activities.VerbSync, "Start a round now and wait for it", ""),
		a.mailboxRenew(), a.mailboxRevoke(), a.mailboxActivate(), a.mailboxRename(), a.mailboxClear(), a.mailboxHistory(), a.mailboxApprove(), a.mailboxEnable(), a.mailboxTurnOff(), a.mailboxBundle(), a.mailboxRemove())
}

// mailboxVerb is a command that becomes a request.
func (a *app) mailboxVerb(name, verb, short, long string) *cobra.Command {
	var w patience
	c := &cobra.Command{
		Use: name + " MAILBOX...", Short: short, Long: long, Args: takes(1, -1), ValidArgsFunction: a.completeMailbox,
		Example: "  lockstep mailbox " + name + " anna@example.com",
		RunE:    func(c *cobra.Command, args []string) error { return a.command(c.Context(), args, verb, "", w) },
	}
	w.flags(c, 2*time.Minute)
	return c
}

func (a *app) mailboxList() *cobra.Command {
	var state string
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List mailboxes", Args: takes(0, 0),
		Example: "  lockstep mailbox list\n  lockstep mailbox list --state disabled\n  lockstep mailbox list --json | jq -r '.[].address'",
		RunE:    func(c *cobra.Command, _ []string) error { return a.listMailboxes(c.Context(), state, all) },
	}
	c.Flags().StringVar(&state, "state", "", "only those in this `state`: "+stateNames())
	c.Flags().BoolVar(&all, "all", false, "also removed ones")
	_ = c.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(strings.Split(stateNames(), ", "), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) listMailboxes(ctx context.Context, state string, all bool) error {
	if state != "" && !slices.Contains(model.MailboxStates(), model.MailboxState(state)) {
		return usage("--state: %q is not a state; use %s", state, stateNames())
	}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	names, err := connectionNames(ctx, h.Store)
	if err != nil {
		return err
	}
	down, err := outages(ctx, h.Store)
	if err != nil {
		return err
	}
	f := store.MailboxFilter{State: model.MailboxState(state)}
	if f.State == model.Active || f.State == model.Disabled {
		f.State = "" // some of the active ones are disabled with their connection
	}
	rows, err := h.Store.Mailboxes(ctx, f)
	if err != nil {
		return err
	}
	views := []mailboxView{}
	t := table{
		head: []string{"ADDRESS", "CRM USER", "STATE", "POLICY", "LAST SUCCESS", "NEXT"},
		none: "There is no mailbox. Add one: lockstep mailbox add ADDRESS --crm-user ID",
	}
	for _, m := range rows {
		v := mailboxOf(m, names)
		v.standing(m, down)
		if state != "" && string(v.State) != state || m.State == model.Retired && !all && state == "" {
			continue
		}
		views = append(views, v)
		t.rows = append(t.rows, []string{m.Address, m.CRMUser, string(v.State), m.Policy, relative(a.Now(), m.LastSuccess), a.next(v)})
	}
	return a.list(views, t)
}

// due says when a round comes; one that is overdue comes now.
func (a *app) due(t time.Time) string {
	if t.Before(a.Now()) {
		return "now"
	}
	return relative(a.Now(), t)
}

func connectionNames(ctx context.Context, st store.Store) (map[model.ConnectionID]string, error) {
	list, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[model.ConnectionID]string, len(list))
	for _, c := range list {
		out[c.ID] = c.Name
	}
	return out, nil
}

func mailboxOf(m model.Mailbox, names map[model.ConnectionID]string) mailboxView {
	return mailboxView{
		ID: m.ID, Address: m.Address, CRM: names[m.CRM], CRMUser: m.CRMUser, Mail: names[m.Mail], User: m.User,
		Policy: m.Policy, State: m.State, Reason: m.Reason, Initialized: m.Initialized, Round: m.Round,
		Created: optional(m.Created), LastSuccess: optional(m.LastSuccess), NextAt: optional(m.NextAt), Failures: m.Failures,
	}
}

func (a *app) mailboxShow() *cobra.Command {
	return &cobra.Command{
		Use: "show MAILBOX", Short: "Show a mailbox: how far it is, what waits, what is wrong", Args: takes(1, 1),
		Example: "  lockstep mailbox show anna@example.com", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error { return a.showMailbox(c.Context(), args[0]) },
	}
}

func (a *app) showMailbox(ctx context.Context, name string) error {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	names, err := connectionNames(ctx, st)
	if err != nil {
		return err
	}
	d := mailboxDetail{mailboxView: mailboxOf(m, names), Requests: []requestView{}}
	down, err := outages(ctx, st)
	if err != nil {
		return err
	}
	d.standing(m, down)
	if d.SyncErrors, err = syncErrors(ctx, st, m, names); err != nil {
		return err
	}
	if d.Progress, err = progressOf(ctx, st, m.ID); err != nil {
		return err
	}
	p, err := st.Plan(ctx, m.ID)
	switch {
	case err == nil:
		head := headOf(p)
		d.Plan = &head
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	requests, err := st.OpenRequests(ctx, m.ID)
	if err != nil {
		return err
	}
	for _, r := range requests {
		d.Requests = append(d.Requests, requestOf(m.Address, r))
	}
	return a.print(d, func(w io.Writer) { a.writeMailbox(w, d) })
}

func progressOf(ctx context.Context, st store.Store, id model.MailboxID) ([]progressView, error) {
	rows, err := st.Progress(ctx, id)
	if err != nil {
		return nil, err
	}
	out := []progressView{}
	for _, p := range rows {
		out = append(out, progressView{
			Kind: p.Kind, CRMItems: p.CRMItems, MailItems: p.MailItems, Linked: p.Linked, Skipped: p.Skipped, Pending: p.Pending,
			CreatedCRM: p.CreatedCRM, CreatedMail: p.CreatedMail, OpenIssues: p.OpenIssues, EditConflicts: p.OpenConflicts,
			Waiting: p.OperationsWaiting,
		})
	}
	return out, nil
}

func (a *app) writeMailbox(w io.Writer, d mailboxDetail) {
	state := string(d.State)
	if d.Reason != "" {
		state += ": " + d.Reason
	}
	next := ""
	if d.State == model.Active {
		next = a.next(d.mailboxView)
	}
	failures := ""
	if d.Failures > 0 {
		failures = fmt.Sprintf("%d in a row", d.Failures)
	}
	pairs(w, [2]string{"Mailbox", d.Address + " (" + string(d.ID) + ")"}, [2]string{"State", state},
		[2]string{"CRM user", d.CRMUser + " in " + d.CRM}, [2]string{"Mail", d.Mail}, [2]string{"Signs in as", d.User}, [2]string{"Policy", d.Policy},
		[2]string{"First sync done", yesNo(d.Initialized)}, [2]string{"Rounds", strconv.FormatInt(d.Round, 10)},
		[2]string{"Last success", relative(a.Now(), at(d.LastSuccess))}, [2]string{"Next round", next}, [2]string{"Failures", failures})
	for _, v := range d.SyncErrors {
		a.writeSyncError(w, v, d.Address)
	}
	t := table{head: []string{"KIND", "IN CRM", "IN MAILBOX", "LINKED", "SKIPPED", "PENDING", "ISSUES", "EDIT CONFLICTS"}}
	for _, p := range d.Progress {
		row := []string{string(p.Kind)}
		for _, n := range []int{p.CRMItems, p.MailItems, p.Linked, p.Skipped, p.Pending, p.OpenIssues, p.EditConflicts} {
			row = append(row, strconv.Itoa(n))
		}
		t.rows = append(t.rows, row)
	}
	if len(t.rows) > 0 {
		fmt.Fprintln(w)
		t.write(w)
	}
	if d.Plan != nil && (d.Plan.State == store.PlanHeld || d.Plan.Counts.Held > 0) {
		fmt.Fprintf(w, "\nPlan %s is held: %s.\nLook at it:  lockstep plan show %s\nApprove it:  lockstep plan approve %s\n",
			d.Plan.Hash, d.Plan.Why, d.Address, d.Address)
	}
	for _, r := range d.Requests {
		fmt.Fprintf(w, "\nNot carried out yet: %s (%s), asked %s by %s\n", r.Verb, r.ID, relative(a.Now(), at(r.At)), r.By)
	}
}
