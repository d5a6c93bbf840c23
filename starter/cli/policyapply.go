package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const policyHelp = `Saves the policies of a configuration file; "-" reads standard input.

What changes is shown key by key, and has to be confirmed; --yes confirms beforehand.
It counts from the next round on, nothing has to be restarted, and it stands in the
logbook (lockstep log list). The file may also hold connections and mailboxes; this
command leaves them alone. Unknown keys are refused. Policies that the file does not
name stay as they are.`

// change is how a change of settings is confirmed and explained.
type change struct {
	yes, dry bool
	why      string
}

func (ch *change) flags(c *cobra.Command) {
	c.Flags().BoolVarP(&ch.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&ch.dry, "dry-run", false, "only show what would change")
	c.Flags().StringVar(&ch.why, "why", "", "the `reason`, for the logbook")
}

// because says in a context why this person changes something.
func (a *app) because(ctx context.Context, why string) context.Context {
	return store.WithAuthor(ctx, store.Author{By: a.By, Why: why})
}

func (a *app) policyApply() *cobra.Command {
	var ch change
	c := &cobra.Command{
		Use: "apply FILE", Short: "Save the policies of a file: show what changes, ask, save", Long: policyHelp, Args: takes(1, 1),
		Example: "  lockstep policy apply lockstep.yaml --dry-run\n" +
			"  lockstep policy show default | sed 's/past_days: 45/past_days: 90/' | lockstep policy apply - --yes",
		RunE: func(c *cobra.Command, args []string) error { return a.applyPolicies(c.Context(), args[0], ch) },
	}
	ch.flags(c)
	return c
}

func (a *app) applyPolicies(ctx context.Context, name string, ch change) error {
	list, err := a.readPolicies(name)
	if err != nil {
		return err
	}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	file := setup.File{Policies: list}
	report, err := setup.Preview(ctx, h.Store, file)
	if err != nil {
		return err
	}
	report.Left = nil // this command is about what the file names
	nothing := len(report.Added)+len(report.Changed) == 0
	if ch.dry || nothing {
		return a.print(report, func(w io.Writer) { writeReport(w, report, ch.dry) })
	}
	if !ch.yes {
		writeReport(a.Err, report, false)
	}
	if err := a.confirm(ch.yes, a.question(ctx, report)); err != nil {
		return err
	}
	if _, err = setup.Apply(a.because(ctx, ch.why), h.Store, file, a.Try); err != nil {
		return err
	}
	if err := a.wakeMembers(ctx, report); err != nil {
		return err
	}
	return a.print(report, func(w io.Writer) { writeReport(w, report, false) })
}

// question says whom a change concerns.
func (a *app) question(ctx context.Context, r setup.Report) string {
	ids, err := a.members(ctx, r)
	if err != nil || len(ids) == 0 {
		return "Save this?"
	}
	return fmt.Sprintf("Save this? It counts for %s from the next round on.", countOf(len(ids), "mailbox", "mailboxes"))
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// members are the live mailboxes of the policies that change.
func (a *app) members(ctx context.Context, r setup.Report) ([]model.MailboxID, error) {
	var out []model.MailboxID
	for _, e := range r.Changed {
		list, err := a.opened.Store.Mailboxes(ctx, store.MailboxFilter{Policy: e.Name})
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if m.State == model.Active {
				out = append(out, m.ID)
			}
		}
	}
	return out, nil
}

// wakeMembers has the mailboxes concerned begin a round under their new policy.
func (a *app) wakeMembers(ctx context.Context, r setup.Report) error {
	ids, err := a.members(ctx, r)
	if err != nil || len(ids) == 0 {
		return err
	}
	a.wake(ctx, ids)
	return nil
}

// wake has mailboxes begin a round; if nothing runs they do so later.
func (a *app) wake(ctx context.Context, ids []model.MailboxID) {
	err := a.hand(ctx, func(ctx context.Context, e Engine) error { return e.WakeMailboxes(ctx, ids) })
	if err != nil {
		a.talk("Lockstep does not run (%s); what was changed counts when it runs again.", short(err))
	}
}

func (a *app) readPolicies(name string) ([]model.Policy, error) {
	if name == "-" {
		text, err := io.ReadAll(a.In)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return setup.ReadPolicies("standard input", text)
	}
	path, err := setup.Typed(name)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	return setup.ReadPolicies(path, text)
}

// writeReport shows changes line by line, as a diff does.
func writeReport(w io.Writer, r setup.Report, dry bool) {
	note := ""
	if dry {
		note = " (not saved)"
	}
	for _, e := range r.Added {
		fmt.Fprintf(w, "+ %s %s%s\n", e.What, e.Name, note)
	}
	for _, e := range r.Changed {
		fmt.Fprintf(w, "~ %s %s%s\n", e.What, e.Name, note)
		for _, change := range e.Changes {
			fmt.Fprintf(w, "    %s\n", change)
		}
	}
	for _, e := range r.Same {
		fmt.Fprintf(w, "= %s %s\n", e.What, e.Name)
	}
}

const diffHelp = `Shows in which keys policies differ, with every default filled in, and changes nothing:
a file from what is stored, or one policy (or one of its revisions) from another.
Exit code 0: no difference; 3: there are some.`

func (a *app) policyDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff FILE | POLICY POLICY", Short: "Show in which keys policies differ", Long: diffHelp, Args: takes(1, 2),
		Example:           "  lockstep policy diff lockstep.yaml\n  lockstep policy diff default sales\n  lockstep policy diff sales@2 sales",
		ValidArgsFunction: a.completePolicy,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.diffFile(c.Context(), args[0])
			}
			return a.diffPolicies(c.Context(), args[0], args[1])
		},
	}
}

func (a *app) diffFile(ctx context.Context, name string) error {
	list, err := a.readPolicies(name)
	if err != nil {
		return err
	}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	report, err := setup.Preview(ctx, h.Store, setup.File{Policies: list})
	if err != nil {
		return err
	}
	report.Left = nil
	if err := a.print(report, func(w io.Writer) { writeReport(w, report, false) }); err != nil {
		return err
	}
	return differs(len(report.Added) + len(report.Changed))
}

func (a *app) diffPolicies(ctx context.Context, one, other string) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	from, err := policyNamed(ctx, h.Store, one)
	if err != nil {
		return err
	}
	to, err := policyNamed(ctx, h.Store, other)
	if err != nil {
		return err
	}
	changes := setup.PolicyChanges(from, to)
	view := setup.Entry{What: "policy", Name: one + " -> " + other, Changes: changes}
	err = a.print(view, func(w io.Writer) {
		for _, change := range changes {
			fmt.Fprintln(w, change)
		}
	})
	if err != nil {
		return err
	}
	return differs(len(changes))
}

// differs is exit code 3 where there are differences, without a word.
func differs(n int) error {
	if n == 0 {
		return nil
	}
	return partial("")
}
