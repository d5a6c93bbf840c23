package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const clearHelp = `Clears a CRM-ID conflict: the person is the same, only the address changed.

The mailbox that was synced before takes over the address and the settings of the one
in conflict. Its links, resume positions and journal stay where they are, so it goes
on where it last synced successfully; nothing is created twice, and there is no first
sync. What lies behind the new address is looked at first: if another mailbox with the
same things in it, links are found again by comparing and what is to be written waits
for approval; if it looks like another person's mailbox, nothing is changed.`

func (a *app) mailboxClear() *cobra.Command {
	var yes, all bool
	var w patience
	c := &cobra.Command{
		Use: "clear-conflict MAILBOX...", Short: "Clear a CRM-ID conflict: go on under the new address where the old one stopped", Long: clearHelp,
		Example: "  lockstep mailbox clear-conflict anna.smith@example.com\n  lockstep mailbox clear-conflict --all -y",
		Args: func(c *cobra.Command, args []string) error {
			if all {
				return takes(0, 0)(c, args)
			}
			return takes(1, -1)(c, args)
		},
		ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			return a.clearConflicts(c.Context(), args, all, yes, w)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&all, "all", false, "every mailbox in CRM-ID conflict")
	w.flags(c, 2*time.Minute)
	return c
}

// idConflict is a mailbox in CRM-ID conflict with the one it is in conflict with.
type idConflict struct{ fresh, old model.Mailbox }

func (a *app) clearConflicts(ctx context.Context, names []string, all, yes bool, w patience) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	if all {
		list, err := h.Store.Mailboxes(ctx, store.MailboxFilter{State: model.Conflicted})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("no mailbox is in CRM-ID conflict")
		}
		for _, m := range list {
			names = append(names, string(m.ID))
		}
	}
	var failed []error
	var found []idConflict
	for _, name := range names {
		c, err := a.idConflict(ctx, name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		found = append(found, c)
		a.talk("%s takes the place of %s (%s): CRM user %s, links and resume positions stay, settings are the new ones.",
			c.fresh.Address, c.old.Address, c.old.State, c.fresh.CRMUser)
	}
	if len(found) > 0 {
		if err := a.confirm(yes, "Is it the same person each time?"); err != nil {
			return err
		}
	}
	views := []requestView{}
	for _, c := range found {
		r, err := a.ask(ctx, c.old, activities.VerbClear, string(c.fresh.ID), w)
		if r.ID != "" {
			views = append(views, requestOf(c.fresh.Address, r))
		}
		if err != nil {
			failed = append(failed, err)
		} else if r.Outcome == store.RequestDone {
			a.talk("%s", r.Message)
		}
	}
	if a.json {
		if err := a.print(views, nil); err != nil {
			return err
		}
	}
	return several(len(names), failed)
}

// idConflict finds the mailbox with which another one is in CRM-ID conflict.
func (a *app) idConflict(ctx context.Context, name string) (idConflict, error) {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return idConflict{}, err
	}
	if m.State != model.Conflicted {
		return idConflict{}, fmt.Errorf("there is no CRM-ID conflict on %s: it is %s", m.Address, m.State)
	}
	owner, err := registered(ctx, st, m)
	return idConflict{m, owner}, err
}

// registered is the mailbox that the CRM user of another one is registered for.
func registered(ctx context.Context, st store.Store, m model.Mailbox) (model.Mailbox, error) {
	all, err := st.Mailboxes(ctx, store.MailboxFilter{Connection: m.CRM})
	if err != nil {
		return model.Mailbox{}, err
	}
	for _, o := range all {
		if o.CRM == m.CRM && o.CRMUser == m.CRMUser && o.State != model.Conflicted && o.Successor == "" {
			return o, nil
		}
	}
	return model.Mailbox{}, fmt.Errorf("the CRM user of %s is registered for nobody any more; remove it and add it again", m.Address)
}
