package cli

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

func stateNames() string {
	var out []string
	for _, s := range model.MailboxStates() {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

// chosen are the mailboxes that a command is about: named, or all of a policy
// that are in the right state.
type chosen struct{ policy string }

func (ch *chosen) flags(a *app, c *cobra.Command) {
	c.Flags().StringVar(&ch.policy, "policy", "", "all mailboxes of this `policy` that wait for it, instead of naming them")
	_ = c.RegisterFlagCompletionFunc("policy", a.completePolicy)
}

// names are the addresses of the chosen.
func (a *app) names(ctx context.Context, args []string, ch chosen, in ...model.MailboxState) ([]string, error) {
	if (len(args) == 0) == (ch.policy == "") {
		return nil, usage("name mailboxes, or all that wait with --policy")
	}
	if len(args) > 0 {
		return args, nil
	}
	h, err := a.home(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := policyNamed(ctx, h.Store, ch.policy); err != nil {
		return nil, err
	}
	list, err := h.Store.Mailboxes(ctx, store.MailboxFilter{Policy: ch.policy})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range list {
		if slices.Contains(in, m.State) {
			out = append(out, string(m.ID))
		}
	}
	if len(out) == 0 {
		a.talk("No mailbox of the policy %s waits for it.", ch.policy)
	}
	return out, nil
}

const approveHelp = `Approves the addresses of mailboxes that wait for it, where their policy says
"admission: approval"; its "approvers" are those who may. Then test and enable them.`

func (a *app) mailboxApprove() *cobra.Command {
	var ch chosen
	var w patience
	c := &cobra.Command{
		Use: "approve [MAILBOX...]", Short: "Approve the addresses of mailboxes", Long: approveHelp, ValidArgsFunction: a.completeMailbox,
		Example: "  lockstep mailbox approve anna@example.com\n  lockstep mailbox approve --policy sales",
		RunE: func(c *cobra.Command, args []string) error {
			names, err := a.names(c.Context(), args, ch, model.Registered)
			if err != nil || len(names) == 0 {
				return err
			}
			return a.command(c.Context(), names, activities.VerbAdmit, "", w)
		},
	}
	ch.flags(a, c)
	w.flags(c, 2*time.Minute)
	return c
}

const enableHelp = `Tries mailboxes on both sides, step by step: reach the system, sign in, read, write, send,
act for the user; and turns on the workloads that work. What is written for the trial is
taken back, and nobody is mailed. There is a verdict for each workload: incoming mail,
outgoing mail, appointments-contacts-tasks; "not offered" where a connection has none.

A mailbox belongs to one organisation, whose mark stands in it. One of another organisation
is refused; --overwrite makes this one its primary organisation, and the other one stops.
Where other software is declared to sync the mailbox too, somebody has to --acknowledge it.`

func (a *app) mailboxEnable() *cobra.Command {
	var ch chosen
	var w patience
	var e activities.Enable
	var only []string
	c := &cobra.Command{
		Use: "test-and-enable [MAILBOX...]", Short: "Try mailboxes on both sides and turn on what works", Long: enableHelp, ValidArgsFunction: a.completeMailbox,
		Example: "  lockstep mailbox test-and-enable anna@example.com\n  lockstep mailbox test-and-enable --policy sales\n" +
			"  lockstep mailbox test-and-enable anna@example.com --test-only\n  lockstep mailbox test-and-enable anna@example.com --overwrite",
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if e.Workloads, err = workloadsOf(only); err != nil {
				return err
			}
			names, err := a.names(c.Context(), args, ch, model.Approved, model.Disabled)
			if err != nil || len(names) == 0 {
				return err
			}
			return a.testAndEnable(c.Context(), names, e, w)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&only, "workload", nil, "only these `workloads`: incoming, outgoing, appointments-contacts-tasks")
	f.BoolVar(&e.TestOnly, "test-only", false, "try, and turn nothing on")
	f.BoolVar(&e.Overwrite, "overwrite", false, "sync from this organisation only, even if the mailbox was set to another one")
	f.BoolVar(&e.Acknowledge, "acknowledge", false, "other software syncs the mailbox, too, and that is known")
	ch.flags(a, c)
	w.flags(c, 10*time.Minute)
	return c
}

func workloadsOf(names []string) ([]model.Workload, error) {
	var out []model.Workload
	for _, n := range names {
		w := model.Workload(n)
		if w != model.Incoming && w != model.Outgoing && w != model.ACT {
			return nil, usage("--workload: %q is none; use incoming, outgoing or appointments-contacts-tasks", n)
		}
		out = append(out, w)
	}
	return out, nil
}

// testAndEnable carries the verb out and shows what was tried.
func (a *app) testAndEnable(ctx context.Context, names []string, e activities.Enable, w patience) error {
	views := []probeView{}
	t := table{head: []string{"MAILBOX", "WORKLOAD", "SIDE", "STEP", "VERDICT", "WHY"}}
	var failed []error
	for _, name := range names {
		st, m, err := a.named(ctx, name)
		var r store.Request
		if err == nil {
			r, err = a.ask(ctx, m, activities.VerbEnable, e.Argument(), w)
		}
		if err != nil {
			failed = append(failed, err)
		} else if r.Outcome == store.RequestDone {
			a.talk("%s: %s", m.Address, r.Message)
		}
		if r.Outcome == store.RequestOpen {
			continue // nothing is known yet
		}
		found, err := st.Probes(ctx, m.ID)
		if err != nil {
			return err
		}
		for _, p := range found {
			if p.At.Before(r.At) {
				continue // of an earlier trial
			}
			v := probeView{Mailbox: m.Address, Workload: p.Workload, Side: p.Side, Step: string(p.Step), Verdict: string(p.Verdict), Message: p.Message}
			views = append(views, v)
			t.rows = append(t.rows, []string{v.Mailbox, string(v.Workload), string(v.Side), v.Step, v.Verdict, v.Message})
		}
	}
	if a.json || len(t.rows) > 0 {
		if err := a.print(views, func(w io.Writer) { t.write(w) }); err != nil {
			return err
		}
	}
	return several(len(names), failed)
}

func (a *app) mailboxTurnOff() *cobra.Command {
	var w patience
	var workload string
	c := &cobra.Command{
		Use: "turn-off MAILBOX... --workload WORKLOAD", Short: "Turn one workload of mailboxes off; the others go on", Args: takes(1, -1),
		Long:              "Turns one workload off. No item is changed on either side, and everything linked stays linked;\ntest-and-enable turns it on again, and it goes on where it stopped.",
		Example:           "  lockstep mailbox turn-off anna@example.com --workload appointments-contacts-tasks",
		ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			one, err := workloadsOf([]string{workload})
			if err != nil {
				return err
			}
			return a.command(c.Context(), args, activities.VerbTurnOff, string(one[0]), w)
		},
	}
	c.Flags().StringVar(&workload, "workload", "", "the `workload`: incoming, outgoing or appointments-contacts-tasks")
	w.flags(c, 2*time.Minute)
	return c
}

// afterAdmission says what a new mailbox waits for.
func (a *app) afterAdmission(ctx context.Context, m model.Mailbox) error {
	next := "lockstep mailbox test-and-enable " + m.Address
	switch {
	case m.State == model.Registered:
		next = "lockstep mailbox approve " + m.Address
	case m.Reason != "":
		next += " --acknowledge"
	}
	a.talk("%s: is %s: %s. Next: %s", m.Address, m.State, m.Reason, next)
	if a.json {
		return a.showMailbox(ctx, m.Address)
	}
	return nil
}
