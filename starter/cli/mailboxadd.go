package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const addHelp = `Adds a mailbox, or changes how it signs in or which policy it has.

First the mailbox is opened and the CRM is asked, and only if both work anything is
saved. A CRM user belongs to one mailbox. The first sync matches what both sides
already have, and stops at its plan: look at it with "lockstep plan show", let it go
with "lockstep plan approve". --yes approves it at once.

A mailbox that was removed before goes on where it stopped.`

// addition is what `mailbox add` was told.
type addition struct {
	setup.Mailbox
	secret string
	yes    bool
	wait   patience
}

func (a *app) mailboxAdd() *cobra.Command {
	var in addition
	c := &cobra.Command{
		Use: "add ADDRESS", Short: "Add a mailbox: try it, register it, sync it for the first time", Long: addHelp,
		Example: "  lockstep mailbox add anna@example.com --crm-user 17\n" +
			"  lockstep mailbox add anna@example.com --crm sales --crm-user 17 --mail office --secret env:ANNA --policy sales --yes",
		Args: takes(1, 1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			in.Address = args[0]
			return a.addMailbox(c.Context(), in)
		},
	}
	f := c.Flags()
	f.StringVar(&in.CRM, "crm", "", "`name` of the CRM connection; may be left out if there is only one")
	f.StringVar(&in.CRMUser, "crm-user", "", "the person's user `id` in the CRM; may be left out if the CRM lists the address")
	f.StringVar(&in.Mail, "mail", "", "`name` of the mail connection; may be left out if there is only one")
	f.StringVar(&in.User, "user", "", "sign-in `name`; default: as the mail connection says")
	f.StringVar(&in.secret, "secret", "", "the mailbox's `secret`, unless the connection's is used; "+secretHelp)
	f.StringVar(&in.Policy, "policy", "default", "`name` of the policy")
	f.BoolVarP(&in.yes, "yes", "y", false, "apply the first sync without waiting for approval")
	in.wait.flags(c, 2*time.Minute)
	a.completeConnections(c, map[string]model.Side{"crm": model.CRM, "mail": model.Mail})
	_ = c.RegisterFlagCompletionFunc("policy", a.completePolicy)
	return c
}

func (a *app) addMailbox(ctx context.Context, in addition) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	if in.Secret, err = a.secret(in.secret); err != nil {
		return err
	}
	if err := a.completeAddition(ctx, h.Store, &in); err != nil {
		return err
	}
	report, err := setup.Apply(ctx, h.Store, setup.File{Mailboxes: []setup.Mailbox{in.Mailbox}}, a.Try)
	if err != nil {
		a.sayConflict(in.Address, err)
		return onlyConflict(err)
	}
	m, err := h.Store.MailboxNamed(ctx, in.Address)
	if err != nil {
		return err
	}
	a.sayAdded(m, report)
	if m.State == model.Registered || m.State == model.Approved {
		return a.afterAdmission(ctx, m)
	}
	if len(report.Added) == 0 {
		return a.afterAdd(ctx, m)
	}
	return a.firstSync(ctx, m, in)
}

// onlyConflict lets R-02 stand alone, verbatim: people search the web for it.
func onlyConflict(err error) error {
	var conflict *store.Conflict
	if errors.As(err, &conflict) {
		return conflict
	}
	return err
}

// sayConflict names the mailbox that has the CRM user, and the repair.
func (a *app) sayConflict(address string, err error) {
	var c *store.Conflict
	if !errors.As(err, &c) {
		return
	}
	a.talk("CRM user %s is registered for %s (%s). Only the settings of %s were kept; nothing was written to either system.", c.CRMUser, c.Address, c.Mailbox, address)
	a.talk("If it is the same person under a new address:  lockstep mailbox clear-conflict %s", address)
	a.talk("If it is another person:                       lockstep mailbox remove %s, and add it with that person's CRM user id", address)
}

// completeAddition fills in what can be known: the only connection of a side,
// the CRM user who has the address.
func (a *app) completeAddition(ctx context.Context, st store.Store, in *addition) error {
	if err := setup.CheckAddress(in.Address); err != nil {
		return usage("%w", err)
	}
	list, err := st.Connections(ctx)
	if err != nil {
		return err
	}
	crm, err := only(list, in.CRM, model.CRM)
	if err != nil {
		return err
	}
	mail, err := only(list, in.Mail, model.Mail)
	if err != nil {
		return err
	}
	in.CRM, in.Mail = crm.Name, mail.Name
	if in.CRMUser != "" {
		return nil
	}
	answer, err := a.Try(ctx, crm, model.Account{Connection: crm.ID})
	if err != nil {
		return fmt.Errorf("look up the CRM user of %s: %w", in.Address, err)
	}
	in.CRMUser = userOf(answer.Users, in.Address)
	if in.CRMUser == "" {
		return usage("the CRM does not list one user with the address %s; give the user's id with --crm-user", in.Address)
	}
	a.talk("CRM user: %s", in.CRMUser)
	return nil
}

// only returns the connection of that name or, without a name, the only one of
// a side.
func only(list []model.Connection, name string, side model.Side) (model.Connection, error) {
	var found []model.Connection
	for _, c := range list {
		if c.Side == side && (name == "" || c.Name == name) {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case name != "":
		return model.Connection{}, usage("there is no connection %q of the %s side; lockstep connection list shows them all", name, side)
	case len(found) == 0:
		return model.Connection{}, usage("there is no connection of the %s side yet; add one first: lockstep connection add NAME --side %s ...", side, side)
	default:
		return model.Connection{}, usage("there are several connections of the %s side; name one with --%s", side, side)
	}
}

// userOf finds the id of the one user with an address, "" if there is none or
// more than one.
func userOf(users []connector.User, address string) string {
	id := ""
	for _, u := range users {
		if model.FoldAddress(u.Address) != model.FoldAddress(address) {
			continue
		}
		if id != "" {
			return ""
		}
		id = u.ID
	}
	return id
}

func (a *app) sayAdded(m model.Mailbox, r setup.Report) {
	switch {
	case len(r.Added) > 0:
		a.talk("%s: both sides work; registered for CRM user %s as %s", m.Address, m.CRMUser, m.ID)
	case len(r.Changed) > 0:
		a.talk("%s: changed: %s", m.Address, listed(r.Changed[0].Changes))
	default:
		a.talk("%s: nothing to change", m.Address)
	}
}

// afterAdd wakes a mailbox that was there before and shows it.
func (a *app) afterAdd(ctx context.Context, m model.Mailbox) error {
	err := a.hand(ctx, func(ctx context.Context, e Engine) error { return e.WakeMailboxes(ctx, []model.MailboxID{m.ID}) })
	if err != nil {
		a.talk("Lockstep does not run (%s); what was changed counts when it runs again.", short(err))
	}
	if a.json {
		return a.showMailbox(ctx, m.Address)
	}
	return nil
}

// firstSync starts a new mailbox and follows it to its plan, or with --yes to
// its end.
func (a *app) firstSync(ctx context.Context, m model.Mailbox, in addition) error {
	err := a.hand(ctx, func(ctx context.Context, e Engine) error {
		if err := e.WakeConnection(ctx, m.CRM); err != nil {
			return err
		}
		return e.WakeMailboxes(ctx, []model.MailboxID{m.ID})
	})
	if err != nil {
		return partial("the mailbox is registered. Lockstep does not run (%s); the first sync begins when it runs again", short(err))
	}
	if in.wait.noWait {
		a.talk("%s: the first sync has begun; see: lockstep mailbox show %s", m.Address, m.Address)
		return nil
	}
	f := following{app: a, m: m, yes: in.yes, ends: a.Now().Add(in.wait.timeout), wait: in.wait}
	if err := f.run(ctx); err != nil {
		return err
	}
	if a.json {
		return a.showMailbox(ctx, string(m.ID))
	}
	return nil
}

// following watches a first sync.
type following struct {
	*app
	m    model.Mailbox
	yes  bool
	ends time.Time
	wait patience
	said string
}

func (f *following) run(ctx context.Context) error {
	st := f.opened.Store
	for {
		m, err := st.Mailbox(ctx, f.m.ID)
		if err != nil {
			return err
		}
		switch {
		case m.State == model.Disabled:
			return fmt.Errorf("%s was disabled: %s", m.Address, m.Reason)
		case m.Initialized:
			f.talk("%s: the first sync is done; from now on it is kept in step", m.Address)
			return nil
		}
		if done, err := f.plan(ctx, m); done || err != nil {
			return err
		}
		if nothing, err := f.progress(ctx, m); nothing || err != nil {
			return err
		}
		if !f.Now().Before(f.ends) {
			return partial("%s: the first sync is still under way; see: lockstep mailbox show %s", m.Address, m.Address)
		}
		if err := f.Pause(ctx, poll); err != nil {
			return partial("stopped looking; the first sync goes on")
		}
	}
}

// plan looks whether the first sync waits for approval, and gives it if it was
// given beforehand.
func (f *following) plan(ctx context.Context, m model.Mailbox) (done bool, err error) {
	p, err := f.opened.Store.Plan(ctx, m.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && p.State != store.PlanHeld {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !f.yes {
		f.sayPlan(headOf(p))
		f.talk("\n%s: the first sync waits for approval of plan %s\nLook at it:  lockstep plan show %s\nApprove it:  lockstep plan approve %s",
			m.Address, p.Hash, m.Address, m.Address)
		return true, nil
	}
	_, err = f.ask(ctx, m, activities.VerbApprove, p.Hash, f.wait)
	return false, err
}

// progress says how far the first sync is, when that has changed. It reports
// whether both sides were read and there is nothing to sync yet.
func (f *following) progress(ctx context.Context, m model.Mailbox) (nothing bool, err error) {
	rows, err := f.opened.Store.Progress(ctx, m.ID)
	if err != nil {
		return false, err
	}
	text, pending := "", 0
	for _, p := range rows {
		pending += p.Pending
		if p.CRMItems+p.MailItems > 0 {
			text += fmt.Sprintf("; %s: %d in the CRM, %d in the mailbox, %d linked", p.Kind, p.CRMItems, p.MailItems, p.Linked)
		}
	}
	if text != "" && text != f.said {
		f.said = text
		f.talk("%s: %s", m.Address, text[2:])
	}
	if pending > 0 || m.Round == f.m.Round {
		return false, nil
	}
	if read, err := f.bothRead(ctx, m); !read || err != nil {
		return false, err
	}
	f.talk("%s: both sides were read; there is nothing to sync yet. From now on it is kept in step", m.Address)
	return true, nil
}

// bothRead reports whether the CRM was listed in full, after which a mailbox
// that was read as well and has no plan has nothing to do.
func (f *following) bothRead(ctx context.Context, m model.Mailbox) (bool, error) {
	crm, err := f.opened.Store.Collections(ctx, m.CRM, "")
	if err != nil || len(crm) == 0 {
		return false, err
	}
	for _, c := range crm {
		if !c.Missing && !c.Complete {
			return false, nil
		}
	}
	p, err := newest(ctx, f.opened.Store, m.ID)
	return p.ID == "", err
}
