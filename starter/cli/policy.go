package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

func (a *app) policy() *cobra.Command {
	return group("policy", "What is synced, for groups of mailboxes",
		a.policyApply(), a.policyDiff(), a.policyShow(), a.policyList(), a.policyAssign(), a.policyState())
}

func (a *app) policyShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [POLICY]", Short: "Show a policy with every default, as a file that can be applied again", Args: takes(0, 1),
		Long:              "Every key is explained in docs/policies.md. POLICY@NUMBER is the policy as it was saved that time; lockstep log list\n--policy POLICY lists the revisions.",
		Example:           "  lockstep policy show default > default.yaml\n  lockstep policy show sales@2",
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
	p, err := policyNamed(ctx, h.Store, name)
	if err != nil {
		return err
	}
	text, err := setup.PolicyText(p)
	if err != nil {
		return err
	}
	return a.print(p.Complete(), func(w io.Writer) { fmt.Fprintf(w, "%s", text) })
}

// policyNamed finds a policy by its name, or by name@number as it was saved the
// n-th time.
func policyNamed(ctx context.Context, st store.Store, name string) (model.Policy, error) {
	base, number, old := strings.Cut(name, "@")
	n, err := strconv.Atoi(number)
	if old && err != nil {
		return model.Policy{}, usage("%q is no revision; write it as NAME@NUMBER, for instance default@2", name)
	}
	var p model.Policy
	if old {
		p, err = st.PolicyRevision(ctx, base, n)
	} else {
		p, err = st.Policy(ctx, name)
	}
	if errors.Is(err, store.ErrNotFound) {
		return p, fmt.Errorf("there is no policy %s; lockstep policy list shows them all, and lockstep log list --policy %s their revisions", name, base)
	}
	return p, err
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
