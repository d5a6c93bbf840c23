package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// completeMailbox completes the argument of commands on a mailbox.
func (a *app) completeMailbox(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && !strings.Contains(c.Use, "...") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeAddress(c, args, begun)
}

// completeAddress completes addresses. A shell cannot be told of trouble, so a
// Lockstep that is not found completes nothing.
func (a *app) completeAddress(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	h, err := a.home(c.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, err := h.Store.Mailboxes(c.Context(), store.MailboxFilter{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, m := range list {
		if m.State != model.Retired && strings.HasPrefix(m.Address, begun) {
			out = append(out, m.Address)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeConnections completes flags, and with the flag "" the arguments, with
// the names of connections of a side.
func (a *app) completeConnections(c *cobra.Command, flags map[string]model.Side) {
	for flag, side := range flags {
		names := func(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
			return a.connectionNamesFor(c.Context(), side, begun), cobra.ShellCompDirectiveNoFileComp
		}
		if flag == "" {
			c.ValidArgsFunction = names
			continue
		}
		_ = c.RegisterFlagCompletionFunc(flag, names)
	}
}

func (a *app) connectionNamesFor(ctx context.Context, side model.Side, begun string) []string {
	h, err := a.home(ctx)
	if err != nil {
		return nil
	}
	list, err := h.Store.Connections(ctx)
	if err != nil {
		return nil
	}
	var out []string
	for _, c := range list {
		if (side == "" || c.Side == side) && strings.HasPrefix(c.Name, begun) {
			out = append(out, c.Name)
		}
	}
	return out
}

func (a *app) completePolicy(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	h, err := a.home(c.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, err := h.Store.Policies(c.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, p := range list {
		if strings.HasPrefix(p.Name, begun) {
			out = append(out, p.Name)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
