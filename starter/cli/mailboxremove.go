package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const removeHelp = `Stops syncing a mailbox for good.

No item is deleted on either side. Our marks are taken out of the mailbox. What
is linked with what is kept, so that adding the mailbox again goes on where it
stopped and duplicates nothing; --forget deletes that memory too.`

func (a *app) mailboxRemove() *cobra.Command {
	var yes, forget bool
	var w patience
	c := &cobra.Command{
		Use: "remove MAILBOX", Short: "Stop syncing a mailbox for good; no item is deleted", Long: removeHelp,
		Example: "  lockstep mailbox remove anna@example.com\n  lockstep mailbox remove anna@example.com --forget -y",
		Args:    takes(1, 1), ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			return a.removeMailbox(c.Context(), args[0], yes, forget, w)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&forget, "forget", false, "also delete what Lockstep knows of the mailbox")
	w.flags(c, 2*time.Minute)
	return c
}

func (a *app) removeMailbox(ctx context.Context, name string, yes, forget bool, w patience) error {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	a.sayRemoval(m, forget)
	if err := a.confirm(yes, "Remove "+m.Address+"?"); err != nil {
		return err
	}
	if forget {
		w.noWait = false // forgetting comes after the removal
	}
	r, err := a.ask(ctx, m, activities.VerbRemove, "", w)
	if r.ID != "" && a.json {
		if err := a.print(requestOf(m.Address, r), nil); err != nil {
			return err
		}
	}
	if err != nil {
		if forget && r.Outcome == store.RequestOpen {
			a.talk("What Lockstep knows of it was not deleted. Once it is removed, run the same command again.")
		}
		return err
	}
	if r.Outcome == store.RequestDone {
		a.talk("%s: %s", m.Address, r.Message)
	}
	if !forget {
		return nil
	}
	if err := st.Forget(ctx, m.ID); err != nil {
		return err
	}
	a.talk("%s: forgotten.", m.Address)
	return nil
}

// sayRemoval says what a removal does before it is asked for.
func (a *app) sayRemoval(m model.Mailbox, forget bool) {
	a.talk("Removing %s:", m.Address)
	a.talk("  - stops syncing it; no item is deleted, neither in the mailbox nor in the CRM")
	a.talk("  - takes our marks out of the mailbox")
	if forget {
		a.talk("  - deletes what Lockstep knows of it: links, history, stored contents; if it is added again, items are matched anew")
		return
	}
	a.talk("  - keeps its links, so that adding it again duplicates nothing (--forget deletes them)")
}
