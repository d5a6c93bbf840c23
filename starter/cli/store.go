package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func (a *app) store() *cobra.Command {
	restored := &cobra.Command{
		Use: "restored", Short: "Say that Lockstep's own database was restored from a backup", Args: takes(0, 0),
		Long: "Says that Lockstep's own database was restored from a backup, before anything is written on the strength of it.\n" +
			"Every mailbox and every CRM is read in full, for a few rounds nothing is written, then what changed on both sides\n" +
			"meanwhile is merged. Lockstep notices a restore by itself in most cases; saying it is always right and never harmful.",
		Example: "  lockstep store restored",
		RunE:    func(c *cobra.Command, _ []string) error { return a.storeRestored(c.Context()) },
	}
	return group("store", "Lockstep's own database", restored)
}

func (a *app) storeRestored(ctx context.Context) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	if err := h.Store.DeclareRestored(ctx); err != nil {
		return err
	}
	mailboxes, err := h.Store.Mailboxes(ctx, store.MailboxFilter{State: model.Active})
	if err != nil {
		return err
	}
	connections, err := h.Store.Connections(ctx)
	if err != nil {
		return err
	}
	err = a.hand(ctx, func(ctx context.Context, e Engine) error {
		var ids []model.MailboxID
		for _, m := range mailboxes {
			ids = append(ids, m.ID)
		}
		err := e.WakeMailboxes(ctx, ids)
		for _, c := range connections {
			if c.Side == model.CRM {
				err = errors.Join(err, e.WakeConnection(ctx, c.ID))
			}
		}
		return err
	})
	if err != nil {
		return partial("Lockstep does not run (%s). It is noted, and everything is read in full when Lockstep runs again", short(err))
	}
	a.talk("%d mailboxes are read in full before anything is written.", len(mailboxes))
	return nil
}
