package cli

import (
	"context"
	"github.com/spf13/cobra"

	"lockstep.dev/schema"
)

func (a *app) schema() *cobra.Command {
	migrate := &cobra.Command{
		Use: "migrate", Short: "Bring Lockstep's own database up to date", Args: takes(0, 0), Example: "  lockstep schema migrate",
		RunE: func(c *cobra.Command, _ []string) error { return a.migrate(c.Context()) },
	}
	return group("schema", "Database schemas", migrate, a.schemaStatus(), a.schemaInstall())
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
		return a.ownStatus(ctx)
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

// ownStatus shows Lockstep's own database.
func (a *app) ownStatus(ctx context.Context) error {
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
