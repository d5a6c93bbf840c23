package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const assignHelp = `Gives people a policy: mailboxes by their addresses, or the people of a csv file.

A csv file has a first line with the columns: address, and for mailboxes that are new
crm_user, crm, mail and user (crm, mail and crm_user may be left out where they are
clear). New mailboxes are tried and registered, mailboxes that exist change only their
policy. What changes is shown and has to be confirmed; if anything is wrong, nothing at
all is changed. Lists of the CRM and groups of the mail system: see docs/policies.md.`

// assignment is what `policy assign` was told.
type assignment struct {
	change
	csv, crm, mail string
}

func (a *app) policyAssign() *cobra.Command {
	var in assignment
	c := &cobra.Command{
		Use: "assign POLICY [MAILBOX...]", Short: "Give mailboxes a policy", Long: assignHelp, Args: takes(1, -1),
		Example: "  lockstep policy assign sales anna@example.com ben@example.com\n" +
			"  lockstep policy assign sales --csv people.csv --crm crm --mail office --yes",
		ValidArgsFunction: a.completeAssign,
		RunE:              func(c *cobra.Command, args []string) error { return a.assign(c.Context(), args[0], args[1:], in) },
	}
	f := c.Flags()
	f.StringVar(&in.csv, "csv", "", "`file` of people; - reads standard input")
	f.StringVar(&in.crm, "crm", "", "`name` of the CRM connection of new mailboxes")
	f.StringVar(&in.mail, "mail", "", "`name` of the mail connection of new mailboxes")
	in.flags(c)
	a.completeConnections(c, map[string]model.Side{"crm": model.CRM, "mail": model.Mail})
	return c
}

func (a *app) completeAssign(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.completePolicy(c, args, begun)
	}
	return a.completeAddress(c, args, begun)
}

// assigning is who gets a policy, sorted by what that means.
type assigning struct {
	policy string
	known  []model.Mailbox // change their policy
	same   []model.Mailbox // have it already
	fresh  []setup.Mailbox // are registered
}

func (a *app) assign(ctx context.Context, policy string, names []string, in assignment) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	if _, err := policyNamed(ctx, h.Store, policy); err != nil {
		return err
	}
	people, err := a.people(names, in.csv)
	if err != nil {
		return err
	}
	who, err := a.sortPeople(ctx, policy, people, in)
	if err != nil {
		return err
	}
	report, err := setup.Preview(ctx, h.Store, setup.File{Mailboxes: who.fresh})
	if err != nil {
		return onlyConflict(err)
	}
	report = who.report(report)
	if in.dry || len(who.known)+len(who.fresh) == 0 {
		return a.print(report, func(w io.Writer) { writeReport(w, report, in.dry) })
	}
	if !in.yes {
		writeReport(a.Err, report, false)
	}
	if err := a.confirm(in.yes, fmt.Sprintf("Give %s the policy %s?", countOf(len(who.known)+len(who.fresh), "mailbox", "mailboxes"), policy)); err != nil {
		return err
	}
	if err := a.carryOutAssignment(a.because(ctx, in.why), who); err != nil {
		return err
	}
	return a.print(report, func(w io.Writer) { writeReport(w, report, false) })
}

// people are those who were named, or whom a file names.
func (a *app) people(names []string, file string) ([]setup.Mailbox, error) {
	switch {
	case (len(names) == 0) == (file == ""):
		return nil, usage("name mailboxes, or a file of people with --csv")
	case file == "-":
		return setup.ReadMembers("standard input", a.In)
	case file != "":
		path, err := setup.Typed(file)
		if err != nil {
			return nil, err
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read people: %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		return setup.ReadMembers(path, f)
	}
	var out []setup.Mailbox
	for _, n := range names {
		out = append(out, setup.Mailbox{Address: n})
	}
	return out, nil
}

func (a *app) sortPeople(ctx context.Context, policy string, people []setup.Mailbox, in assignment) (assigning, error) {
	st, who := a.opened.Store, assigning{policy: policy}
	for _, p := range people {
		m, err := st.MailboxNamed(ctx, p.Address)
		switch {
		case err == nil && m.State == model.Retired && in.csv == "":
			return who, fmt.Errorf("%s was removed; add it again: lockstep mailbox add %s", m.Address, m.Address)
		case err == nil && m.State != model.Retired && m.Policy == policy:
			who.same = append(who.same, m)
			continue
		case err == nil && m.State != model.Retired:
			if !slices.ContainsFunc(who.known, func(o model.Mailbox) bool { return o.ID == m.ID }) {
				who.known = append(who.known, m)
			}
			continue
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return who, err
		case in.csv == "":
			return who, fmt.Errorf("there is no mailbox %s; lockstep mailbox list shows them all, and new ones come with --csv or lockstep mailbox add", p.Address)
		}
		fresh := addition{Mailbox: p}
		fresh.Policy = policy
		if fresh.CRM == "" {
			fresh.CRM = in.crm
		}
		if fresh.Mail == "" {
			fresh.Mail = in.mail
		}
		if err := a.completeAddition(ctx, st, &fresh); err != nil {
			return who, err
		}
		who.fresh = append(who.fresh, fresh.Mailbox)
	}
	return who, nil
}

// report adds to what registering does what assigning does.
func (who assigning) report(r setup.Report) setup.Report {
	r.Left = nil
	for _, m := range who.known {
		r.Changed = append(r.Changed, setup.Entry{What: "mailbox", Name: m.Address, Changes: []string{fmt.Sprintf("policy: %s -> %s", m.Policy, who.policy)}})
	}
	for _, m := range who.same {
		r.Same = append(r.Same, setup.Entry{What: "mailbox", Name: m.Address})
	}
	return r
}

// carryOutAssignment registers new mailboxes, which are tried first, and then
// assigns the others: what fails does so before anything is saved.
func (a *app) carryOutAssignment(ctx context.Context, who assigning) error {
	st := a.opened.Store
	done, err := setup.Apply(ctx, st, setup.File{Mailboxes: who.fresh}, a.Try)
	if err != nil {
		return onlyConflict(err)
	}
	ids := done.Mailboxes
	var known []model.MailboxID
	for _, m := range who.known {
		known = append(known, m.ID)
	}
	if err := st.AssignPolicy(ctx, known, who.policy); err != nil {
		return err
	}
	a.wake(ctx, append(ids, known...))
	return nil
}
