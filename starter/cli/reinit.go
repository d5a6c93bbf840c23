package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const reinitHelp = `Looks at everything in a mailbox again. Links, bases and journal survive every type,
nothing is deleted, nobody is mailed, and a value that one side changed since both last
agreed is not overwritten: the policy's rule for edit conflicts decides.

Category "General":
  full-resync        list and read the mailbox in full, then decide everything anew
  inbound-snapshot   the same, and write the CRM only; the rest follows by itself
  outbound-snapshot  the same, and write the mailbox only; the rest follows by itself
  resync             decide everything anew, without reading again
  from-date          the same for what is of that day or later, or changed since (--since)
  reset-cursors      only list in full in the next round and compare
  none               cancel the one that is under way
Category "Sync Restriction":
  clear-mailbox-id-conflict   as lockstep mailbox clear-conflict
Category "Maintenance":
  rename-user        as lockstep mailbox rename (--to)

Without -y the plan waits as a whole: look at it with "lockstep plan show", let it go
with "lockstep plan approve". With -y it goes in stages, coming appointments first, the
nearest before others; --window lets stages begin only in those hours. --overwrite
gives the target of a snapshot the other side's values in any case; its plan always
waits for approval.`

// reinit is what `re-initialize` was told.
type reinit struct {
	activities.Reinit
	category, kind, to string
	all, yes           bool
	wait               patience
}

func (a *app) reinitialize() *cobra.Command {
	var in reinit
	c := &cobra.Command{
		Use: "re-initialize MAILBOX...", Short: "Look at everything in a mailbox again; links survive, nothing is deleted", Long: reinitHelp,
		Example: "  lockstep re-initialize anna@example.com --type full-resync\n" +
			"  lockstep re-initialize anna@example.com --type from-date --since 2025-03-01 --kind event -y\n" +
			"  lockstep re-initialize --all --type inbound-snapshot --window 22:00-06:00 -y",
		Args:              func(c *cobra.Command, args []string) error { return allOrSome(c, args, in.all) },
		ValidArgsFunction: a.completeMailbox,
		RunE:              func(c *cobra.Command, args []string) error { return a.reinit(c.Context(), args, in) },
	}
	in.flags(c)
	c.Flags().StringVar(&in.category, "category", "", "`name`: general (default), sync-restriction or maintenance")
	c.Flags().StringVar((*string)(&in.Type), "type", "", "what to do; see above")
	c.Flags().StringVar(&in.to, "to", "", "rename-user: the new `address`")
	_ = c.MarkFlagRequired("type")
	return c
}

func (in *reinit) flags(c *cobra.Command) {
	c.Flags().StringVar(&in.kind, "kind", "", "only these `kinds`, separated by commas: contact, event, task")
	c.Flags().StringVar(&in.Since, "since", "", "only what is of this `day` or later, or changed since")
	c.Flags().StringVar(&in.Window, "window", "", "begin stages only in these `hours`, such as 22:00-06:00, in the policy's time zone")
	c.Flags().IntVar(&in.Stage, "stage", 0, "`number` of items of a stage (default 2000)")
	c.Flags().BoolVar(&in.Overwrite, "overwrite", false, "a snapshot: overwrite also what its target changed")
	c.Flags().BoolVar(&in.all, "all", false, "every active mailbox")
	c.Flags().BoolVarP(&in.yes, "yes", "y", false, "go in stages, without waiting for approval")
	in.wait.flags(c, 2*time.Minute)
}

// allOrSome checks the arguments of a command that takes mailboxes or --all.
func allOrSome(c *cobra.Command, args []string, all bool) error {
	if all {
		return takes(0, 0)(c, args)
	}
	return takes(1, -1)(c, args)
}

func (a *app) reinit(ctx context.Context, names []string, in reinit) error {
	in.category = strings.ReplaceAll(strings.ToLower(in.category), " ", "-")
	switch in.Type {
	case "clear-mailbox-id-conflict":
		if in.category != "" && in.category != "sync-restriction" {
			return usage("--type %s belongs to --category sync-restriction", in.Type)
		}
		return a.clearConflicts(ctx, names, in.all, in.yes, in.wait)
	case "rename-user":
		if in.category != "" && in.category != "maintenance" || len(names) != 1 || in.to == "" {
			return usage("--type rename-user belongs to --category maintenance and takes one mailbox and --to")
		}
		return a.renameMailboxes(ctx, []string{names[0], in.to}, renames{yes: in.yes, wait: in.wait}, false)
	}
	if in.category != "" && in.category != "general" {
		return usage("--type %s belongs to --category general", in.Type)
	}
	for _, k := range strings.Split(in.kind, ",") {
		if k = strings.TrimSpace(k); k != "" {
			in.Kinds = append(in.Kinds, model.Kind(k))
		}
	}
	in.Approved = in.yes
	if in.Type != activities.NoReinit {
		if _, err := in.Snapshot(); err != nil {
			return usage("%w", err)
		}
	}
	return a.askReinit(ctx, names, in)
}

// askReinit hands the wish to each mailbox. What goes on for several rounds is
// not waited for.
func (a *app) askReinit(ctx context.Context, names []string, in reinit) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	if in.all {
		list, err := h.Store.Mailboxes(ctx, store.MailboxFilter{State: model.Active})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("no mailbox is active")
		}
		for _, m := range list {
			names = append(names, m.Address)
		}
	}
	quick := []activities.ReinitType{activities.ResetCursors, activities.NoReinit}
	in.wait.noWait = in.wait.noWait || !slices.Contains(quick, in.Type)
	var failed []error
	views := []requestView{}
	for _, name := range names {
		_, m, err := a.named(ctx, name)
		var r store.Request
		if err == nil {
			r, err = a.ask(ctx, m, activities.VerbReinit, in.Argument(), in.wait)
		}
		if r.ID != "" {
			views = append(views, requestOf(m.Address, r))
		}
		switch {
		case err != nil:
			failed = append(failed, err)
		case r.Outcome == store.RequestDone:
			a.talk("%s: %s", m.Address, r.Message)
		case in.Approved && !in.Overwrite:
			a.talk("%s: goes on in stages; see: lockstep snapshot show %s", m.Address, m.Address)
		default:
			a.talk("%s: its plan will wait for approval; look at it with: lockstep plan show %s", m.Address, m.Address)
		}
	}
	if a.json {
		if err := a.print(views, nil); err != nil {
			return err
		}
	}
	return several(len(names), failed)
}

func (a *app) snapshot() *cobra.Command {
	verbs := []*cobra.Command{}
	for _, v := range []struct {
		name, short string
		kind        activities.ReinitType
	}{
		{"inbound", "Read a mailbox in full and bring it into the CRM; nothing is deleted", activities.InboundSnapshot},
		{"outbound", "Read a mailbox in full and bring the CRM into it; nothing is deleted", activities.OutboundSnapshot},
		{"full", "Read a mailbox in full and bring both sides in step; nothing is deleted", activities.FullResync},
	} {
		in := &reinit{Reinit: activities.Reinit{Type: v.kind}}
		c := &cobra.Command{
			Use: v.name + " MAILBOX...", Short: v.short,
			Example:           "  lockstep snapshot " + v.name + " anna@example.com\n  lockstep snapshot " + v.name + " --all --window 22:00-06:00 -y",
			Args:              func(c *cobra.Command, args []string) error { return allOrSome(c, args, in.all) },
			ValidArgsFunction: a.completeMailbox,
			RunE:              func(c *cobra.Command, args []string) error { return a.reinit(c.Context(), args, *in) },
		}
		in.flags(c)
		verbs = append(verbs, c)
	}
	verbs = append(verbs, &cobra.Command{
		Use: "show MAILBOX", Short: "Show how far a full pass over a mailbox is, and when it may be done", Args: takes(1, 1),
		Example: "  lockstep snapshot show anna@example.com", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error { return a.showSnapshot(c.Context(), args[0]) },
	})
	return group("snapshot", "Full passes over mailboxes: inbound, outbound or both", verbs...)
}

// snapshotView is `snapshot show`.
type snapshotView struct {
	Mailbox   string       `json:"mailbox"`
	Request   string       `json:"request"`
	Target    model.Side   `json:"target,omitempty"` // the only side written; none = both
	Kinds     []model.Kind `json:"kinds,omitempty"`
	Overwrite bool         `json:"overwrite,omitempty"`
	Window    string       `json:"window,omitempty"`
	Filled    bool         `json:"filled"` // everything to look at is noted
	Total     int          `json:"total"`
	Left      int          `json:"left"`
	Stages    int          `json:"stages"`
	Begun     optional     `json:"begun"`
	Ended     optional     `json:"ended"`
	Estimate  optional     `json:"estimate"` // when it may be done; null = not known
}

func (a *app) showSnapshot(ctx context.Context, name string) error {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	s, err := st.Snapshot(ctx, m.ID)
	if err != nil {
		return fmt.Errorf("no full pass over %s was ever asked for", m.Address)
	}
	v := snapshotView{
		Mailbox: m.Address, Request: s.Request, Target: s.Target, Kinds: s.Kinds, Overwrite: s.Overwrite, Window: s.Window,
		Filled: s.Filled, Total: s.Total, Left: s.Left, Stages: s.Stages, Begun: optional(s.Begun), Ended: optional(s.Ended),
	}
	if done := s.Total - s.Left; s.Ended.IsZero() && s.Filled && done > 0 && s.Left > 0 {
		took := a.Now().Sub(s.Begun)
		v.Estimate = optional(a.Now().Add(took * time.Duration(s.Left) / time.Duration(done)))
	}
	return a.print(v, func(w io.Writer) {
		state := "under way"
		switch {
		case !s.Ended.IsZero():
			state = "ended " + relative(a.Now(), s.Ended)
		case m.Hold != "" && s.Stages > 0:
			state = "its plan waits for approval"
		case !s.Filled:
			state = "reading"
		}
		target, soon := "both sides", ""
		if !at(v.Estimate).IsZero() {
			soon = relative(a.Now(), at(v.Estimate))
		}
		if s.Target != "" {
			target = "the " + string(s.Target) + " side only"
		}
		pairs(w, [2]string{"Mailbox", v.Mailbox}, [2]string{"State", state}, [2]string{"Writes", target},
			[2]string{"Looked at", fmt.Sprintf("%d of %d items in %d stages", s.Total-s.Left, s.Total, s.Stages)},
			[2]string{"Begins stages", s.Window}, [2]string{"Begun", relative(a.Now(), s.Begun)}, [2]string{"May be done", soon},
			[2]string{"Request", v.Request})
	})
}
