package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const renameHelp = `Gives a mailbox its new address after the person was renamed or the domain changed.

Rename the person in the mail system first. Then this command looks at the mailbox
behind the new address. If it is the mailbox that we know, one row changes: links,
resume positions and journal are kept, no item is written on either side, and the next
round has nothing to do. If another mailbox with the same things in it lies there, as
after a change of server, links are found again by comparing, and what is to be
written waits for approval. If it has little in common with what is linked, nothing is
changed.

--csv takes many at once, a line "old,new" each. Two people may change addresses, and
one may take the address that another one leaves: such lines are carried out
together, or none of them.`

// renames is what `mailbox rename` was told.
type renames struct {
	file, user string
	yes        bool
	wait       patience
}

func (a *app) mailboxRename() *cobra.Command {
	var in renames
	c := &cobra.Command{
		Use: "rename OLD NEW", Short: "Give a mailbox its new address; nothing is written to either system", Long: renameHelp,
		Example: "  lockstep mailbox rename anna@example.com anna.smith@example.com\n  lockstep mailbox rename --csv renames.csv -y",
		Args: func(c *cobra.Command, args []string) error {
			if in.file != "" {
				return takes(0, 0)(c, args)
			}
			return takes(2, 2)(c, args)
		},
		ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			return a.renameMailboxes(c.Context(), args, in, c.Flags().Changed("user"))
		},
	}
	c.Flags().StringVar(&in.file, "csv", "", "`file` with a line old,new for each mailbox; - reads standard input")
	c.Flags().StringVar(&in.user, "user", "", "new sign-in `name`, if that changed too")
	c.Flags().BoolVarP(&in.yes, "yes", "y", false, "do not ask")
	in.wait.flags(c, 2*time.Minute)
	return c
}

// rename is one line.
type rename struct {
	old, to string
	mailbox model.Mailbox
	wrong   error // why it cannot be done
	with    int   // lines with the same number go together, or not at all
}

func (a *app) renameMailboxes(ctx context.Context, args []string, in renames, user bool) error {
	if in.file != "" && user {
		return usage("--user is for one mailbox; with --csv, sign-in names stay as they are")
	}
	lines := []rename{}
	if in.file == "" {
		lines = append(lines, rename{old: args[0], to: args[1]})
	} else {
		var err error
		if lines, err = a.readRenames(in.file); err != nil {
			return err
		}
	}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	if err := judgeRenames(ctx, h.Store, lines); err != nil {
		return err
	}
	if err := a.previewRenames(ctx, h.Store, lines); err != nil {
		return err
	}
	if slices.ContainsFunc(lines, func(l rename) bool { return l.wrong == nil }) {
		if err := a.confirm(in.yes, "Go on?"); err != nil {
			return err
		}
	}
	var as *string
	if user {
		as = &in.user
	}
	return a.carryRenames(ctx, lines, as, in.wait)
}

// readRenames reads lines of old and new addresses; a first line that says so is
// left out.
func (a *app) readRenames(file string) ([]rename, error) {
	in := a.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, usage("--csv: %w", err)
		}
		defer f.Close()
		in = f
	}
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = 2, true, '#'
	var out []rename
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, usage("--csv %s: write a line old,new for each mailbox: %w", file, err)
		}
		l := rename{old: strings.TrimSpace(fields[0]), to: strings.TrimSpace(fields[1])}
		if len(out) == 0 && strings.EqualFold(l.old, "old") && strings.EqualFold(l.to, "new") {
			continue
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, usage("--csv %s: there is no line in it", file)
	}
	return out, nil
}

// judgeRenames finds each line's mailbox, what is wrong with it, and which lines
// belong together.
func judgeRenames(ctx context.Context, st store.Store, lines []rename) error {
	holder, leaving, coming := map[string]model.Mailbox{}, map[model.MailboxID]int{}, map[string]int{}
	all, err := st.Mailboxes(ctx, store.MailboxFilter{})
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.State != model.Retired {
			holder[string(m.Mail)+" "+model.FoldAddress(m.Address)] = m
		}
	}
	for i := range lines {
		l := &lines[i]
		l.with = i
		l.mailbox, err = st.MailboxNamed(ctx, l.old)
		place := string(l.mailbox.Mail) + " " + model.FoldAddress(l.to)
		switch first, twice := leaving[l.mailbox.ID]; {
		case errors.Is(err, store.ErrNotFound):
			l.wrong = fmt.Errorf("there is no mailbox %s", l.old)
			continue
		case err != nil:
			return err
		case setup.CheckAddress(l.to) != nil:
			l.wrong = setup.CheckAddress(l.to)
		case !l.mailbox.State.TakesPart():
			l.wrong = fmt.Errorf("%s is %s; only a mailbox that takes part can be renamed", l.old, l.mailbox.State)
		case twice:
			l.wrong, l.with = fmt.Errorf("%s is renamed twice", l.old), lines[first].with
		default:
			if other, taken := coming[place]; taken {
				l.wrong, l.with = fmt.Errorf("%s is given to two mailboxes", l.to), lines[other].with
			}
		}
		leaving[l.mailbox.ID], coming[place] = i, i
	}
	joinRenames(lines, holder, leaving)
	return nil
}

// joinRenames puts lines together of which one takes the address that the other
// leaves; what is wrong with one of them keeps all from being carried out.
func joinRenames(lines []rename, holder map[string]model.Mailbox, leaving map[model.MailboxID]int) {
	for i := range lines {
		l := &lines[i]
		m, taken := holder[string(l.mailbox.Mail)+" "+model.FoldAddress(l.to)]
		if !taken || m.ID == l.mailbox.ID || l.mailbox.ID == "" {
			continue
		}
		j, leaves := leaving[m.ID]
		if !leaves {
			l.wrong = fmt.Errorf("%s is in use by another mailbox", l.to)
			continue
		}
		from, to := lines[j].with, l.with
		for k := range lines {
			if lines[k].with == from {
				lines[k].with = to
			}
		}
	}
	bad := map[int]string{}
	for _, l := range lines {
		if l.wrong != nil {
			bad[l.with] = l.wrong.Error()
		}
	}
	for i := range lines {
		if why := bad[lines[i].with]; why != "" && lines[i].wrong == nil {
			lines[i].wrong = fmt.Errorf("it goes together with a line that cannot be carried out: %s", why)
		}
	}
}

// previewRenames says what will happen.
func (a *app) previewRenames(ctx context.Context, st store.Store, lines []rename) error {
	for _, l := range lines {
		if l.wrong != nil {
			a.talk("%s -> %s: refused: %s. Nothing of it is changed.", l.old, l.to, l.wrong)
			continue
		}
		progress, err := st.Progress(ctx, l.mailbox.ID)
		if err != nil {
			return err
		}
		linked := 0
		for _, p := range progress {
			linked += p.Linked
		}
		a.talk("%s -> %s: the mailbox stays %s with %d linked items; what lies behind the new address is looked at first, and if it is that mailbox, nothing is written to either system.",
			l.old, l.to, l.mailbox.ID, linked)
	}
	return nil
}

// carryRenames hands over what can be done, lines that belong together as one
// command.
func (a *app) carryRenames(ctx context.Context, lines []rename, user *string, w patience) error {
	var failed []error
	views, done := []requestView{}, map[int]bool{}
	for _, l := range lines {
		if l.wrong != nil {
			failed = append(failed, fmt.Errorf("%s: %w", l.old, l.wrong))
		}
		if l.wrong != nil || done[l.with] {
			continue
		}
		done[l.with] = true
		var list []activities.Renaming
		for _, o := range lines {
			if o.with == l.with {
				list = append(list, activities.Renaming{Mailbox: o.mailbox.ID, Address: o.to, User: user})
			}
		}
		r, err := a.ask(ctx, l.mailbox, activities.VerbRename, activities.RenameArgument(list), w)
		if r.ID != "" {
			views = append(views, requestOf(l.old, r))
		}
		if err != nil {
			failed = append(failed, err)
		} else if r.Outcome == store.RequestDone {
			a.talk("%s", r.Message)
		}
	}
	if a.json {
		if err := a.print(views, nil); err != nil {
			return err
		}
	}
	return several(len(lines), failed)
}
