package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/schema"
	"lockstep.dev/store"
)

const installHelp = `Creates what Lockstep needs in a CRM's own database: for a SQL CRM the reference
schema or, for a database of its own shape, the side table with which records are
recognised. Existing tables are not changed. Doing it again changes nothing.`

func (a *app) schema() *cobra.Command {
	migrate := &cobra.Command{
		Use: "migrate", Short: "Bring Lockstep's own database up to date", Args: takes(0, 0), Example: "  lockstep schema migrate",
		RunE: func(c *cobra.Command, _ []string) error { return a.migrate(c.Context()) },
	}
	status := &cobra.Command{
		Use: "status", Short: "Show which migrations Lockstep's own database has had", Args: takes(0, 0), Example: "  lockstep schema status",
		Long: "Shows which migrations Lockstep's own database has had. The exit code is 3 if some are missing.",
		RunE: func(c *cobra.Command, _ []string) error { return a.schemaStatus(c.Context()) },
	}
	var yes bool
	install := &cobra.Command{
		Use: "install CONNECTION", Short: "Create what Lockstep needs in a CRM's own database", Long: installHelp, Args: takes(1, 1),
		Example: "  lockstep schema install sales",
		RunE:    func(c *cobra.Command, args []string) error { return a.install(c.Context(), args[0], yes) },
	}
	install.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	a.completeConnections(install, map[string]model.Side{"": model.CRM})
	return group("schema", "Database schemas", migrate, status, install)
}

func (a *app) migrate(ctx context.Context) error {
	before, err := a.migrations(ctx)
	if err != nil {
		return err
	}
	if err := a.opened.Schema.Migrate(ctx); err != nil {
		return err
	}
	n := 0
	for _, m := range before {
		if m.Applied.IsZero() {
			n++
			a.talk("applied %s", m.Name)
		}
	}
	if n == 0 {
		a.talk("the database is up to date already")
	}
	if a.json {
		return a.schemaStatus(ctx)
	}
	return nil
}

func (a *app) migrations(ctx context.Context) ([]schema.Migration, error) {
	h, err := a.home(ctx)
	if err != nil {
		return nil, err
	}
	return h.Schema.Schema(ctx)
}

func (a *app) schemaStatus(ctx context.Context) error {
	list, err := a.migrations(ctx)
	if err != nil {
		return err
	}
	views := []migrationView{}
	t := table{head: []string{"MIGRATION", "APPLIED"}}
	missing := 0
	for _, m := range list {
		views = append(views, migrationView{m.Name, optional(m.Applied)})
		when := "not yet"
		if m.Applied.IsZero() {
			missing++
		} else {
			when = relative(a.Now(), m.Applied)
		}
		t.rows = append(t.rows, []string{m.Name, when})
	}
	if err := a.list(views, t); err != nil {
		return err
	}
	if missing > 0 {
		return partial("%s missing; run: lockstep schema migrate", plural(missing, "migration"))
	}
	return nil
}

func (a *app) install(ctx context.Context, name string, yes bool) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	c, err := h.Store.ConnectionNamed(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no connection %s; lockstep connection list shows them all", name)
	}
	if err != nil {
		return err
	}
	if err := a.confirm(yes, "Create tables in the database of "+name+"?"); err != nil {
		return err
	}
	if err := a.Install(ctx, c); err != nil {
		return err
	}
	a.talk("connection %s: its database has what Lockstep needs", name)
	return nil
}
