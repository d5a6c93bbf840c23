package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const renewHelp = `Replaces credentials without losing a round.

The new ones are tried first; until they work the old ones stay in use, and if they do
not work nothing is changed. What was stopped by the old ones goes on where it stopped.
The logbook records who renewed them and when, never what they are.`

const revokeHelp = `Forgets credentials and stops what needs them, until they are renewed.

Use it before an account moves to another place, or when credentials are no longer to be
trusted (then change them in the system itself, too). No item is deleted on either side,
and what is linked stays linked.`

// renewal is what a renew command was told.
type renewal struct {
	secret, user, why, expires string
	wait                       patience
}

func (a *app) renewFlags(c *cobra.Command, in *renewal) {
	c.Flags().StringVar(&in.secret, "secret", "-", "the new `secret`; "+secretHelp)
	c.Flags().StringVar(&in.expires, "expires", "", "last `day` on which it works, such as 2027-01-31: two weeks before, somebody is told; default: not known")
	c.Flags().StringVar(&in.why, "why", "", "a `reason` for the logbook")
	in.wait.flags(c, 2*time.Minute)
}

func (a *app) mailboxRenew() *cobra.Command {
	var in renewal
	c := &cobra.Command{
		Use: "renew MAILBOX", Short: "Replace a mailbox's credentials: try them, save them, go on", Long: renewHelp, Args: takes(1, 1),
		Example: "  lockstep mailbox renew anna@example.com\n  lockstep mailbox renew anna@example.com --secret file:anna.password", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			return a.renewMailbox(a.because(c.Context(), in.why), args[0], in)
		},
	}
	a.renewFlags(c, &in)
	c.Flags().StringVar(&in.user, "user", "", "sign-in `name`; default: as before")
	return c
}

func (a *app) renewMailbox(ctx context.Context, name string, in renewal) error {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	if m.State == model.Retired {
		return fmt.Errorf("%s was removed; add it again: lockstep mailbox add", m.Address)
	}
	expires, err := a.expiry(in.expires)
	if err != nil {
		return err
	}
	if m.Secret, err = a.secret(in.secret); err != nil {
		return err
	}
	if in.user != "" {
		m.User = in.user
	}
	c, err := st.Connection(ctx, m.Mail)
	if err != nil {
		return err
	}
	if err := a.tryMailbox(ctx, c, m); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if err := st.SaveMailbox(ctx, m); err != nil {
		return err
	}
	if err := st.SetExpiry(ctx, m.ID, "", expires); err != nil {
		return err
	}
	a.talk("%s: the new credentials work and are in use", m.Address)
	return a.renewed(ctx, m, in.wait)
}

// expiry reads the day on which credentials expire; none is not known.
func (a *app) expiry(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.DateOnly, day)
	switch {
	case err != nil:
		return at, usage("--expires: %q is not a day; write it as 2027-01-31", day)
	case !at.After(a.Now()):
		return at, usage("--expires: %s is not in the future", day)
	}
	return at, nil
}

func (a *app) tryMailbox(ctx context.Context, c model.Connection, m model.Mailbox) error {
	_, err := a.Try(ctx, c, model.Account{Connection: c.ID, Mailbox: m.ID, Address: m.Address, User: m.User, Secret: m.Secret})
	return err
}

// renewed has a mailbox go on and says what the round found.
func (a *app) renewed(ctx context.Context, m model.Mailbox, w patience) error {
	r, err := a.ask(ctx, m, activities.VerbRenew, "", w)
	if err == nil && r.Outcome == store.RequestDone {
		a.talk("%s: %s", m.Address, r.Message)
	}
	return err
}

func (a *app) mailboxRevoke() *cobra.Command {
	var yes bool
	var w patience
	c := &cobra.Command{
		Use: "revoke MAILBOX", Short: "Forget a mailbox's credentials and stop it until they are renewed", Long: revokeHelp, Args: takes(1, 1),
		Example: "  lockstep mailbox revoke anna@example.com -y", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.confirm(yes, "Revoke the access to "+args[0]+"?"); err != nil {
				return err
			}
			return a.command(c.Context(), args, activities.VerbRevoke, "", w)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	w.flags(c, 2*time.Minute)
	return c
}

func (a *app) mailboxActivate() *cobra.Command {
	var w patience
	c := &cobra.Command{
		Use: "activate MAILBOX...", Short: "Try disabled mailboxes and, where both sides work, sync them again", Args: takes(1, -1),
		Example: "  lockstep mailbox activate anna@example.com", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			var failed []error
			for _, name := range args {
				if err := a.activate(c.Context(), name, w); err != nil {
					failed = append(failed, err)
				}
			}
			return several(len(args), failed)
		},
	}
	w.flags(c, 2*time.Minute)
	return c
}

// activate enables a mailbox whose two sides work (requirements D-33, L-10).
func (a *app) activate(ctx context.Context, name string, w patience) error {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	for _, id := range []model.ConnectionID{m.CRM, m.Mail} {
		c, err := st.Connection(ctx, id)
		if err != nil {
			return err
		}
		if c.Side == model.CRM {
			_, err = a.Try(ctx, c, model.Account{Connection: c.ID})
		} else {
			err = a.tryMailbox(ctx, c, m)
		}
		if err != nil {
			return fmt.Errorf("%s stays %s: %w", m.Address, m.State, err)
		}
	}
	return a.command(ctx, []string{name}, activities.VerbResume, "", w)
}

func (a *app) connectionRenew() *cobra.Command {
	var in renewal
	c := &cobra.Command{
		Use: "renew NAME", Short: "Replace a connection's credentials: try them, save them, go on", Long: renewHelp + `

The secret of a mail connection is tried with a mailbox that uses it.`, Args: takes(1, 1),
		Example: "  lockstep connection renew sales\n  lockstep connection renew sales --secret env:CRM_PASSWORD",
		RunE: func(c *cobra.Command, args []string) error {
			return a.renewConnection(a.because(c.Context(), in.why), args[0], in)
		},
	}
	a.renewFlags(c, &in)
	a.completeConnections(c, map[string]model.Side{"": ""})
	return c
}

func (a *app) renewConnection(ctx context.Context, name string, in renewal) error {
	st, c, err := a.namedConnection(ctx, name)
	if err != nil {
		return err
	}
	expires, err := a.expiry(in.expires)
	if err != nil {
		return err
	}
	if c.Secret, err = a.secret(in.secret); err != nil {
		return err
	}
	users, err := sharing(ctx, st, c)
	if err != nil {
		return err
	}
	if err := a.trySecret(ctx, c, users); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if c, err = st.SaveConnection(ctx, c); err != nil {
		return err
	}
	if err := st.SetExpiry(ctx, "", c.ID, expires); err != nil {
		return err
	}
	a.talk("connection %s: the new credentials work and are in use", c.Name)
	// It works, so an outage is over (D-33); those that wait come back spread out.
	if n, err := st.Recover(ctx, c.ID, 0, a.Now(), time.Second); err == nil && n > 0 {
		a.talk("%s come back", plural(n, "mailbox"))
	} else if err != nil && !errors.Is(err, store.ErrStale) {
		return err
	}
	if err := a.wakeConnections(ctx, st, []model.ConnectionID{c.ID}); err != nil {
		return err
	}
	in.wait.noWait = true
	for _, m := range users {
		if stopped, err := a.signInStopped(ctx, st, m, c.Side); err != nil {
			return err
		} else if stopped {
			if err := a.renewed(ctx, m, in.wait); err != nil {
				return err
			}
		}
	}
	return nil
}

// sharing are the mailboxes that use a connection's own secret.
func sharing(ctx context.Context, st store.Store, c model.Connection) ([]model.Mailbox, error) {
	all, err := st.Mailboxes(ctx, store.MailboxFilter{Connection: c.ID})
	var out []model.Mailbox
	for _, m := range all {
		if m.State != model.Retired && (c.Side == model.CRM || m.Secret == "") {
			out = append(out, m)
		}
	}
	return out, err
}

// trySecret tries a connection's secret where it is used.
func (a *app) trySecret(ctx context.Context, c model.Connection, users []model.Mailbox) error {
	if c.Side == model.CRM {
		_, err := a.Try(ctx, c, model.Account{Connection: c.ID})
		return err
	}
	if len(users) == 0 {
		return fmt.Errorf("no mailbox uses the secret of the connection %s, so it cannot be tried; each has its own: lockstep mailbox renew", c.Name)
	}
	var err error
	for _, m := range users[:min(len(users), 3)] { // one may be odd for reasons of its own
		if err = a.tryMailbox(ctx, c, m); err == nil {
			return nil
		}
	}
	return err
}

// signInStopped reports whether a mailbox was disabled by a refused sign-in on a
// side.
func (a *app) signInStopped(ctx context.Context, st store.Store, m model.Mailbox, side model.Side) (bool, error) {
	if m.State != model.Disabled {
		return false, nil
	}
	alerts, err := st.Alerts(ctx, store.AlertFilter{Mailbox: m.ID})
	for _, f := range alerts {
		if e, ok := issue.Lookup(f.Code); ok && e.Class == fault.Auth && f.Side == side && f.State == store.AlertOpen {
			return true, err
		}
	}
	return false, err
}

func (a *app) connectionRevoke() *cobra.Command {
	var yes bool
	var why string
	c := &cobra.Command{
		Use: "revoke NAME", Short: "Forget a connection's credentials and stop what needs them until they are renewed", Long: revokeHelp, Args: takes(1, 1),
		Example: "  lockstep connection revoke sales -y",
		RunE: func(c *cobra.Command, args []string) error {
			return a.revokeConnection(a.because(c.Context(), why), args[0], yes)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().StringVar(&why, "why", "", "a `reason` for the logbook")
	a.completeConnections(c, map[string]model.Side{"": ""})
	return c
}

func (a *app) revokeConnection(ctx context.Context, name string, yes bool) error {
	st, c, err := a.namedConnection(ctx, name)
	if err != nil {
		return err
	}
	if err := a.confirm(yes, "Revoke the access of the connection "+c.Name+"? Nothing is synced through it until it is renewed."); err != nil {
		return err
	}
	c.Secret = ""
	if _, err := st.SaveConnection(ctx, c); err != nil {
		return err
	}
	if err := st.SetExpiry(ctx, "", c.ID, time.Time{}); err != nil {
		return err
	}
	// One event for all its mailboxes (design decision 11): nobody asks the system
	// before somebody has acted.
	f := issue.Fault("credentials.revoked")
	note := store.Alert{Connection: c.ID, Workload: model.ACT, Side: c.Side, Code: f.Code, Message: f.Message, Scope: fault.Server}
	if _, err := st.Suspect(ctx, note, store.Trial{Permanent: true, Relapse: fault.Relapse}, a.Now()); err != nil {
		return err
	}
	a.talk("connection %s: the access is revoked and its secret forgotten. Renew it with: lockstep connection renew %s", c.Name, c.Name)
	return nil
}

func (a *app) namedConnection(ctx context.Context, name string) (store.Store, model.Connection, error) {
	h, err := a.home(ctx)
	if err != nil {
		return nil, model.Connection{}, err
	}
	c, err := h.Store.ConnectionNamed(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, c, usage("there is no connection %q; lockstep connection list shows them all", name)
	}
	return h.Store, c, err
}
