package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const installHelp = `Creates what Lockstep needs in a CRM's own database: for a SQL CRM the reference
schema or, for a database of its own shape, the side table with which records are
recognised. Existing tables are not changed. Doing it again changes nothing.

A connection that cannot be added before its database has what it needs is taken from a
configuration file with --file.`

const statusHelp = `Shows which migrations Lockstep's own database has had; the exit code is 3 if some are
missing. With a connection, shows what that CRM's own database has.`

func (a *app) schemaInstall() *cobra.Command {
	var file string
	var yes bool
	c := &cobra.Command{
		Use: "install CONNECTION", Short: "Create what Lockstep needs in a CRM's own database", Long: installHelp, Args: takes(1, 1),
		Example: "  lockstep schema install sales\n  lockstep schema install sales --file lockstep.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			return a.install(c.Context(), args[0], file, yes)
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "configuration `file` that names the connection; default: the saved one")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	a.completeConnections(c, map[string]model.Side{"": model.CRM})
	return c
}

func (a *app) schemaStatus() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "status [CONNECTION]", Short: "Show which migrations a database has had", Long: statusHelp, Args: takes(0, 1),
		Example: "  lockstep schema status\n  lockstep schema status sales",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.ownStatus(c.Context())
			}
			return a.databaseStatus(c.Context(), args[0], file)
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "configuration `file` that names the connection; default: the saved one")
	a.completeConnections(c, map[string]model.Side{"": model.CRM})
	return c
}

// connectionNamed finds a connection in a file or, without one, in the store.
func (a *app) connectionNamed(ctx context.Context, name, file string) (model.Connection, error) {
	if file == "" {
		h, err := a.home(ctx)
		if err != nil {
			return model.Connection{}, err
		}
		c, err := h.Store.ConnectionNamed(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return c, fmt.Errorf("there is no connection %s; lockstep connection list shows them all", name)
		}
		return c, err
	}
	path, err := setup.Typed(file)
	if err != nil {
		return model.Connection{}, err
	}
	list, err := setup.ReadConnections(path, a.Systems)
	if err != nil {
		return model.Connection{}, err
	}
	i := slices.IndexFunc(list, func(c model.Connection) bool { return c.Name == name })
	if i < 0 {
		return model.Connection{}, fmt.Errorf("%s names no connection %s", path, name)
	}
	return list[i], nil
}

func (a *app) install(ctx context.Context, name, file string, yes bool) error {
	c, err := a.connectionNamed(ctx, name, file)
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

func (a *app) databaseStatus(ctx context.Context, name, file string) error {
	c, err := a.connectionNamed(ctx, name, file)
	if err != nil {
		return err
	}
	r, err := a.Inspect(ctx, c)
	if err != nil {
		return err
	}
	if err := a.print(r, func(w io.Writer) { writeDatabase(w, r) }); err != nil {
		return err
	}
	if !r.Installed {
		return partial("what Lockstep needs is not there yet; run: lockstep schema install %s", name)
	}
	return nil
}

func writeDatabase(w io.Writer, r DatabaseReport) {
	shape := "the reference schema"
	if r.Mapped {
		shape = "its own, described by a mapping file"
	}
	held := ""
	if r.Held > 0 {
		held = fmt.Sprintf("%s, by the oldest transaction that is still writing", plural(int(r.Held), "second"))
	}
	pairs(w, [2]string{"Database", r.Place}, [2]string{"Tables", shape}, [2]string{"Installed", yesNo(r.Installed)}, [2]string{"Changes held back", held})
	if len(r.Kinds) == 0 {
		return
	}
	t := table{head: []string{"KIND", "TABLE", "ITEMS", "CHANGES", "SAFE CREATES"}}
	for _, k := range r.Kinds {
		changes := "by full listings"
		if k.Delta {
			changes = "as they happen"
		}
		t.rows = append(t.rows, []string{string(k.Kind), k.Table, strconv.FormatInt(k.Items, 10), changes, yesNo(k.Creatable)})
	}
	fmt.Fprintln(w)
	t.write(w)
}
