package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const policyHelp = `Saves the policies of a configuration file; "-" reads standard input.

What changes is shown key by key. The file may also hold connections and mailboxes;
this command leaves them alone. Unknown keys are refused. Policies that the file does
not name stay as they are.`

func (a *app) policy() *cobra.Command {
	return group("policy", "What is synced, for groups of mailboxes", a.policyApply(), a.policyShow(), a.policyList())
}

func (a *app) policyApply() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "apply FILE", Short: "Save the policies of a file and show what changes", Long: policyHelp, Args: takes(1, 1),
		Example: "  lockstep policy apply lockstep.yaml --dry-run\n" +
			"  lockstep policy show default | sed 's/past_days: 45/past_days: 90/' | lockstep policy apply -",
		RunE: func(c *cobra.Command, args []string) error { return a.applyPolicies(c.Context(), args[0], dry) },
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only show what would change")
	return c
}

func (a *app) applyPolicies(ctx context.Context, name string, dry bool) error {
	list, err := a.readPolicies(name)
	if err != nil {
		return err
	}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	file := setup.File{Policies: list}
	var report setup.Report
	if dry {
		report, err = setup.Preview(ctx, h.Store, file)
	} else {
		report, err = setup.Apply(ctx, h.Store, file, a.Try)
	}
	if err != nil {
		return err
	}
	report.Left = nil // this command is about what the file names
	return a.print(report, func(w io.Writer) { writeReport(w, report, dry) })
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

func (a *app) policyShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [POLICY]", Short: "Show a policy with every default, as a file that can be applied again", Args: takes(0, 1),
		Example:           "  lockstep policy show default > default.yaml",
		ValidArgsFunction: a.completePolicy,
		RunE: func(c *cobra.Command, args []string) error {
			return a.showPolicy(c.Context(), strings.Join(append(args, "default")[:1], ""))
		},
	}
}

func (a *app) showPolicy(ctx context.Context, name string) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	p, err := h.Store.Policy(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no policy %s; lockstep policy list shows them all", name)
	}
	if err != nil {
		return err
	}
	text, err := setup.PolicyText(p)
	if err != nil {
		return err
	}
	return a.print(p.Complete(), func(w io.Writer) { fmt.Fprintf(w, "%s", text) })
}

func (a *app) policyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List policies", Args: takes(0, 0), Example: "  lockstep policy list",
		RunE: func(c *cobra.Command, _ []string) error { return a.listPolicies(c.Context()) },
	}
}

func (a *app) listPolicies(ctx context.Context) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	list, err := h.Store.Policies(ctx)
	if err != nil {
		return err
	}
	views := []model.Policy{}
	t := table{head: []string{"POLICY", "MAILBOXES", "EVERY", "FIRST SYNC", "NEW FROM MAIL", "NEW FROM CRM"}}
	for _, p := range list {
		p = p.Complete()
		used, err := h.Store.Mailboxes(ctx, store.MailboxFilter{Policy: p.Name})
		if err != nil {
			return err
		}
		live := len(slices.DeleteFunc(used, func(m model.Mailbox) bool { return m.State == model.Retired }))
		views = append(views, p)
		approval := "waits for approval"
		if p.Approval == "never" {
			approval = "at once"
		}
		t.rows = append(t.rows, []string{
			p.Name, strconv.Itoa(live), compact(p.Interval), approval,
			perKind(p, func(k model.KindPolicy) string { return k.FromMail }), perKind(p, func(k model.KindPolicy) string { return k.FromCRM }),
		})
	}
	return a.list(views, t)
}

// perKind sums up one key over the kinds: "contact all, event category".
func perKind(p model.Policy, get func(model.KindPolicy) string) string {
	var out []string
	for _, k := range model.Kinds() {
		out = append(out, string(k)+" "+get(p.Kinds[k]))
	}
	return listed(out)
}

// compact writes 5m0s as 5m.
func compact(d model.Duration) string {
	text, _ := d.MarshalText()
	s := strings.TrimSuffix(string(text), "m0s")
	if s != string(text) {
		s += "m"
	}
	return s
}

func listed(items []string) string { return strings.Join(items, ", ") }
