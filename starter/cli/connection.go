package cli

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const connectionHelp = `Adds a system, or changes how it is reached.

A CRM is tried before anything is saved. A mail system is tried with the first mailbox
that uses it, because only a mailbox can sign in. --file takes the connections from a
configuration file instead of from the flags.`

// newConnection is what `connection add` was told.
type newConnection struct {
	model.Connection
	side, secret, file string
}

func (a *app) connection() *cobra.Command {
	return group("connection", "The systems that are kept in step", a.connectionAdd(), a.connectionList(), a.connectionShow(), a.connectionTest(), a.connectionRenew(), a.connectionRevoke(),
		a.connectionHeld(), a.connectionApprove(), a.connectionReject())
}

func (a *app) connectionAdd() *cobra.Command {
	var in newConnection
	c := &cobra.Command{
		Use: "add [NAME]", Short: "Add a system: try it and save how it is reached", Long: connectionHelp,
		Example: "  lockstep connection add office --side mail --connector dav --set url=https://dav.example.com/ --owner it@example.com\n" +
			"  lockstep connection add sales --side crm --connector sqlcrm --set dsn=postgres://sync@db.example.com/crm --secret env:CRM_PASSWORD\n" +
			"  lockstep connection add --file lockstep.yaml",
		Args: takes(0, 1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error { return a.addConnection(c.Context(), in, args) },
	}
	f := c.Flags()
	f.StringVar(&in.side, "side", "", "`side`: crm or mail")
	f.StringVar(&in.Connector, "connector", "", "`name` of the connector")
	f.StringToStringVar(&in.Settings, "set", nil, "a setting of the connector, as `key=value`; may be repeated")
	f.StringVar(&in.secret, "secret", "", "the system's `secret`; "+secretHelp)
	f.StringVar(&in.Owner, "owner", "", "e-mail `address` of the person to notify")
	f.StringVar(&in.Outage, "outage", "", "what mailboxes do while the system does not answer: wait (default) or disable")
	f.DurationVar(&in.Every, "every", 0, "CRM: `time` between two readings")
	f.StringVarP(&in.file, "file", "f", "", "configuration `file` with connections")
	_ = c.RegisterFlagCompletionFunc("side", cobra.FixedCompletions([]string{"crm", "mail"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("outage", cobra.FixedCompletions([]string{model.OutageWait, model.OutageDisable}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("connector", cobra.FixedCompletions(a.Systems.Names, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) addConnection(ctx context.Context, in newConnection, args []string) error {
	file, err := a.connectionFile(in, args)
	if err != nil {
		return err
	}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	report, err := setup.Apply(ctx, h.Store, file, a.Try)
	if err != nil {
		return err
	}
	report.Left = nil // this command is about one thing, not about the rest
	a.sayReport(report)
	if a.json {
		if err := a.print(report, nil); err != nil {
			return err
		}
	}
	return a.wakeConnections(ctx, h.Store, report.Connections)
}

// connectionFile is what the flags say, as a file.
func (a *app) connectionFile(in newConnection, args []string) (setup.File, error) {
	if in.file != "" {
		if len(args) > 0 || in.side != "" {
			return setup.File{}, usage("give a name and flags, or --file, not both")
		}
		path, err := setup.Typed(in.file)
		if err != nil {
			return setup.File{}, err
		}
		list, err := setup.ReadConnections(path, a.Systems)
		return setup.File{Connections: list}, err
	}
	if len(args) == 0 {
		return setup.File{}, usage("give the connection a name, or --file")
	}
	secret, err := a.secret(in.secret)
	if err != nil {
		return setup.File{}, err
	}
	folder, err := setup.Typed(".")
	if err != nil {
		return setup.File{}, err
	}
	c := in.Connection
	c.Name, c.Side, c.Secret = args[0], model.Side(in.side), secret
	c.Settings = a.Systems.Absolute(c.Connector, in.Settings, folder)
	if err := setup.CheckConnection(c, a.Systems); err != nil {
		return setup.File{}, usage("%w", err)
	}
	return setup.File{Connections: []model.Connection{c}}, nil
}

// sayReport tells what was saved.
func (a *app) sayReport(r setup.Report) {
	for _, list := range []struct {
		verb    string
		entries []setup.Entry
	}{{"added", r.Added}, {"changed", r.Changed}, {"unchanged", r.Same}} {
		for _, e := range list.entries {
			text := fmt.Sprintf("%s %s: %s", e.What, e.Name, list.verb)
			if len(e.Changes) > 0 {
				text += ": " + listed(e.Changes)
			}
			a.talk("%s", text)
		}
	}
}

func (a *app) wakeConnections(ctx context.Context, st store.Store, ids []model.ConnectionID) error {
	for _, id := range ids {
		c, err := st.Connection(ctx, id)
		if err != nil {
			return err
		}
		if c.Side != model.CRM && c.Circuit.Opened == 0 { // nobody waits for it
			continue
		}
		if err := a.hand(ctx, func(ctx context.Context, e Engine) error { return e.WakeConnection(ctx, id) }); err != nil {
			a.talk("Lockstep does not run (%s); the connection is used when it runs again.", short(err))
			return nil
		}
	}
	return nil
}

func (a *app) connectionList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List connections", Args: takes(0, 0), Example: "  lockstep connection list",
		RunE: func(c *cobra.Command, _ []string) error { return a.listConnections(c.Context()) },
	}
}

func (a *app) listConnections(ctx context.Context) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	rows, err := h.Store.Connections(ctx)
	if err != nil {
		return err
	}
	views := []connectionView{}
	t := table{
		head: []string{"NAME", "SIDE", "CONNECTOR", "STATE", "MAILBOXES", "OWNER"},
		none: "There is no connection. Add one: lockstep connection add NAME --side crm|mail ...",
	}
	for _, c := range rows {
		v, err := a.connectionView(ctx, h.Store, c)
		if err != nil {
			return err
		}
		views = append(views, v)
		t.rows = append(t.rows, []string{v.Name, string(v.Side), v.Connector, v.State, strconv.Itoa(v.Mailboxes), v.Owner})
	}
	return a.list(views, t)
}

func connectionOf(c model.Connection, mailboxes int) connectionView {
	v := connectionView{
		ID: c.ID, Name: c.Name, Side: c.Side, Connector: c.Connector, Settings: maps.Clone(c.Settings), Secret: c.Secret != "",
		Owner: c.Owner, Mailboxes: mailboxes,
	}
	for key, value := range v.Settings {
		v.Settings[key] = withoutPassword(value)
	}
	if c.Every > 0 {
		v.Every = c.Every.String()
	}
	return v
}

// withoutPassword masks the password of an address.
func withoutPassword(value string) string {
	if u, err := url.Parse(value); err == nil && u.User != nil {
		return u.Redacted()
	}
	return value
}

func (a *app) connectionTest() *cobra.Command {
	c := &cobra.Command{
		Use: "test [NAME...]", Short: "Try systems: reach them, sign in, test reading and writing; nothing is changed",
		Long: "Tries connections, all if none is named. A mail connection is tried with each of its mailboxes, until one finds the\n" +
			"whole server unusable. A connection that was paused or disabled is used again once a test works: exactly the\n" +
			"mailboxes that it stopped come back, one after the other.",
		Example: "  lockstep connection test\n  lockstep connection test office",
		RunE:    func(c *cobra.Command, args []string) error { return a.testConnections(c.Context(), args) },
	}
	a.completeConnections(c, map[string]model.Side{"": ""})
	return c
}

func (a *app) testConnections(ctx context.Context, names []string) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	list, err := h.Store.Connections(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(list, func(c model.Connection) bool { return c.Name == name }) {
			return usage("there is no connection %q; lockstep connection list shows them all", name)
		}
	}
	t := testing{app: a, recovered: map[model.ConnectionID]bool{}}
	for _, c := range list {
		if len(names) > 0 && !slices.Contains(names, c.Name) {
			continue
		}
		if err := t.connection(ctx, h.Store, c); err != nil {
			return err
		}
	}
	return t.finish()
}

func (a *app) mailboxTest() *cobra.Command {
	return &cobra.Command{
		Use: "test MAILBOX...", Short: "Open mailboxes: sign in, test reading and writing; nothing is changed", Args: takes(1, -1),
		Example: "  lockstep mailbox test anna@example.com", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error { return a.testMailboxes(c.Context(), args) },
	}
}

func (a *app) testMailboxes(ctx context.Context, names []string) error {
	t := testing{app: a}
	for _, name := range names {
		st, m, err := a.named(ctx, name)
		if err != nil {
			return err
		}
		c, err := st.Connection(ctx, m.Mail)
		if err != nil {
			return err
		}
		_ = t.mailbox(ctx, c, m) // finish tells
	}
	return t.finish()
}

// testing collects what became of trying.
type testing struct {
	*app
	views     []testView
	failed    []error
	recovered map[model.ConnectionID]bool
}

func (t *testing) connection(ctx context.Context, st store.Store, c model.Connection) error {
	if c.Side == model.CRM {
		_, err := t.Try(ctx, c, model.Account{Connection: c.ID})
		t.note(testView{Connection: c.Name}, "connection "+c.Name, err)
		if err == nil {
			return t.works(ctx, st, c)
		}
		return nil
	}
	mailboxes, err := st.Mailboxes(ctx, store.MailboxFilter{Connection: c.ID})
	if err != nil {
		return err
	}
	tried := false
	for _, m := range mailboxes {
		if m.State != model.Retired {
			tried = true
			err := t.mailbox(ctx, c, m)
			if f := fault.Of(err); f != nil && f.Opens() {
				break // the others would find the same
			}
			if err == nil {
				if err := t.works(ctx, st, c); err != nil {
					return err
				}
			}
		}
	}
	if !tried {
		t.talk("connection %s: has no mailbox yet with which it could be tried", c.Name)
	}
	return nil
}

func (t *testing) mailbox(ctx context.Context, c model.Connection, m model.Mailbox) error {
	_, err := t.Try(ctx, c, model.Account{Connection: c.ID, Mailbox: m.ID, Address: m.Address, User: m.User, Secret: m.Secret})
	t.note(testView{Connection: c.Name, Mailbox: m.Address}, "mailbox "+m.Address, err)
	return err
}

func (t *testing) note(v testView, what string, err error) {
	v.Works = err == nil
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
		v.Problem, v.SignIn = err.Error(), codeOf(err) == exitSignIn
		t.failed = append(t.failed, err)
	}
	t.views = append(t.views, v)
}

func (t *testing) finish() error {
	shown := table{head: []string{"CONNECTION", "MAILBOX", "WORKS"}, none: "There is nothing to try."}
	for _, v := range t.views {
		shown.rows = append(shown.rows, []string{v.Connection, v.Mailbox, yesNo(v.Works)})
	}
	if t.views == nil {
		t.views = []testView{}
	}
	if err := t.list(t.views, shown); err != nil {
		return err
	}
	return several(len(t.views), t.failed)
}
