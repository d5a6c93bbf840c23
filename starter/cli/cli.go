// Package cli is the command line of Lockstep: one file per noun, a function
// per verb. It sees the store's contract, the setup and an Engine; main wires
// the real ones, tests have their own.
//
// Data goes to standard output, talk to standard error. With --json every
// command prints one JSON value whose shape views.go documents; fields may be
// added to it, none change.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.temporal.io/api/history/v1"

	"lockstep.dev/model"
	"lockstep.dev/schema"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

// Parts is what the command line is made of.
type Parts struct {
	In       io.Reader
	Out, Err io.Writer
	// Terminal: a person sits at In and answers questions.
	Terminal bool
	// AskSecret asks for a secret without showing it; only on a terminal.
	AskSecret func(question string) (string, error)
	// HashPassword makes what stands for a password in the dashboard's accounts.
	HashPassword func(password string) (string, error)
	Now          func() time.Time
	Pause        func(ctx context.Context, d time.Duration) error
	By           string // who asks
	Version      string
	Systems      setup.Systems
	Try          setup.Try
	// Open finds a Lockstep; an empty folder means: look in the environment.
	Open func(ctx context.Context, folder string) (*Home, error)
	// Install makes what a connection's own database needs, such as the
	// reference schema of a SQL CRM; Inspect tells what it has.
	Install func(ctx context.Context, c model.Connection) error
	Inspect func(ctx context.Context, c model.Connection) (DatabaseReport, error)
}

// Home is a Lockstep: its store, and how to reach what runs.
type Home struct {
	Store  store.Store
	Schema Schema
	// Dial reaches the Temporal server, or says why it cannot.
	Dial  func(ctx context.Context) (Engine, error)
	Close func() error
	// Delivery is how alerts are delivered; nil = as the store says.
	Delivery *model.Delivery
}

// Schema is the part of a store that migrates it.
type Schema interface {
	Migrate(ctx context.Context) error
	Schema(ctx context.Context) ([]schema.Migration, error)
}

// Engine reaches the workflows.
type Engine interface {
	Request(ctx context.Context, r store.Request) error
	WakeMailboxes(ctx context.Context, ids []model.MailboxID) error
	WakeConnection(ctx context.Context, id model.ConnectionID) error
	// History returns the history of a workflow's run; an empty run is the
	// newest.
	History(ctx context.Context, workflow, run string) (*history.History, error)
}

// Run carries out one command and returns the exit code.
func Run(ctx context.Context, args []string, p Parts) int {
	err := Do(ctx, args, p)
	if err != nil && err.Error() != "" {
		(&app{Parts: p}).talk("lockstep: %s", err)
	}
	return codeOf(err)
}

// app is one run of the command line.
type app struct {
	Parts
	folder string // --data
	json   bool
	opened *Home
}

const rootHelp = `Keeps a CRM and mailboxes in step: contacts, appointments and tasks, both ways.

Lockstep is found by --data, the data folder of a standalone program; otherwise by the
environment variables of the worker (LOCKSTEP_DATABASE_URL and so on); otherwise in ./data.

Exit codes: 0 done, 1 error or refused, 2 wrong usage, 3 done in part or not yet,
4 somebody must sign in again.`

const rootExamples = `  lockstep mailbox list
  lockstep mailbox add anna@example.com --crm-user 17 --secret file:anna.password
  lockstep plan show anna@example.com
  lockstep plan approve anna@example.com
  lockstep explain "Quarterly review" --mailbox anna@example.com`

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use: "lockstep", Short: "Keeps a CRM and mailboxes in step", Long: rootHelp, Example: rootExamples,
		SilenceUsage: true, SilenceErrors: true, DisableFlagsInUseLine: true,
		Args: noun, RunE: help,
	}
	c.PersistentFlags().StringVar(&a.folder, "data", "", "data `folder` of a running standalone program")
	c.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON instead of a table")
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%w", err) })
	for _, noun := range []*cobra.Command{
		a.mailbox(), a.connection(), a.policy(), a.plan(), a.explain(), a.conflict(), a.review(), a.invitation(), a.issue(), a.alert(), a.errors(), a.round(), a.undo(), a.audit(), a.drift(), a.reinitialize(), a.snapshot(), a.logbook(),
		a.request(), a.dashboard(), a.schema(), a.store(), a.history(), a.version(),
	} {
		c.AddCommand(noun)
	}
	return c
}

// group makes a noun's command, under which its verbs stand.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: noun, RunE: help, DisableFlagsInUseLine: true}
	c.AddCommand(verbs...)
	return c
}

// noun refuses what is not one of a command's verbs.
func noun(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, verb := range c.Commands() {
		if verb.IsAvailableCommand() {
			names = append(names, verb.Name())
		}
	}
	return usage("there is no command %q; use: %s %s", args[0], c.CommandPath(), strings.Join(names, "|"))
}

func help(c *cobra.Command, _ []string) error { return c.Help() }

// takes checks the number of arguments and says what is missing.
func takes(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return usage("wrong number of arguments; use: %s", c.UseLine())
		}
		return nil
	}
}

// longFlags lets -data mean --data, as the standalone program spells it.
func longFlags(root *cobra.Command, args []string) []string {
	known := map[string]bool{}
	var collect func(c *cobra.Command)
	collect = func(c *cobra.Command) {
		add := func(f *pflag.Flag) { known[f.Name] = true }
		c.Flags().VisitAll(add)
		c.PersistentFlags().VisitAll(add)
		for _, sub := range c.Commands() {
			collect(sub)
		}
	}
	collect(root)
	out := make([]string, len(args))
	for i, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && len(name) > 1 && known[name] {
			arg = "-" + arg
		}
		out[i] = arg
	}
	return out
}

// home opens the Lockstep that the command is about, once.
func (a *app) home(ctx context.Context) (*Home, error) {
	if a.opened != nil {
		return a.opened, nil
	}
	h, err := a.Open(ctx, a.folder)
	if err != nil {
		return nil, err
	}
	a.opened = h
	return h, nil
}

// talk says something to the person; it is not data.
func (a *app) talk(format string, args ...any) {
	fmt.Fprintf(a.Err, format+"\n", args...)
}

// named finds a mailbox by address or id.
func (a *app) named(ctx context.Context, name string) (store.Store, model.Mailbox, error) {
	h, err := a.home(ctx)
	if err != nil {
		return nil, model.Mailbox{}, err
	}
	m, err := h.Store.MailboxNamed(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, m, fmt.Errorf("there is no mailbox %s; lockstep mailbox list shows them all", name)
	}
	return h.Store, m, err
}
