package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"go.temporal.io/sdk/client"

	"lockstep.dev/connector"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/engine"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/starter/cli"
	"lockstep.dev/store/sqlstore"
)

// open finds a Lockstep: by its data folder, else by the environment, else in
// ./data, and opens its store.
func open(ctx context.Context, folder string) (*cli.Home, error) {
	place, err := find(folder)
	if err != nil {
		return nil, err
	}
	st, err := sqlstore.Open(ctx, sqlstore.Config{Driver: place.Driver, DSN: place.DSN, Key: place.Key, OldKeys: place.OldKeys})
	if err != nil {
		return nil, err
	}
	d := &dialer{place: place}
	return &cli.Home{
		Store: st, Schema: st, Dial: d.dial, Delivery: place.Delivery,
		Close: func() error {
			if d.client != nil {
				d.client.Close()
			}
			return st.Close()
		},
	}, nil
}

// standaloneFolder is where the standalone program keeps its data by default.
const standaloneFolder = "data"

func find(folder string) (setup.Place, error) {
	var env setup.Environment
	if folder == "" {
		if err := setup.Load(&env); err != nil {
			return setup.Place{}, err
		}
		dir, err := setup.Typed(standaloneFolder)
		if err != nil {
			return setup.Place{}, err
		}
		if _, missing := os.Stat(filepath.Join(dir, setup.InstanceFile)); missing != nil || env.Database != (setup.Database{}) {
			return fromEnvironment(env)
		}
		folder = dir
	}
	dir, err := setup.Typed(folder)
	if err != nil {
		return setup.Place{}, err
	}
	instance, err := setup.ReadInstance(dir)
	if err != nil {
		return setup.Place{}, err
	}
	return instance.Place(dir)
}

func fromEnvironment(env setup.Environment) (setup.Place, error) {
	p, err := env.Place()
	if err != nil {
		return p, fmt.Errorf("%w; or name the data folder of a standalone program with --data", err)
	}
	return p, nil
}

// dialer reaches Temporal when somebody needs it, once.
type dialer struct {
	place  setup.Place
	client client.Client
}

func (d *dialer) dial(ctx context.Context) (cli.Engine, error) {
	if d.place.Stopped {
		return nil, errors.New("the program that has this data folder was stopped")
	}
	if d.client == nil {
		c, err := d.place.Temporal.Dial(ctx, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		d.client = c
	}
	return engine.NewReach(d.client), nil
}

// install makes what a SQL CRM's database needs.
func install(ctx context.Context, c model.Connection) error {
	if err := isSQL(c); err != nil {
		return err
	}
	return sqlcrm.Install(ctx, connector.Settings{Values: c.Settings, Secret: c.Secret})
}

// inspect tells what a SQL CRM's database has.
func inspect(ctx context.Context, c model.Connection) (cli.DatabaseReport, error) {
	if err := isSQL(c); err != nil {
		return cli.DatabaseReport{}, err
	}
	r, err := sqlcrm.Status(ctx, connector.Settings{Values: c.Settings, Secret: c.Secret})
	out := cli.DatabaseReport{Place: r.Place, Installed: r.Installed, Mapped: r.Mapped, Held: r.Held, Kinds: []cli.DatabaseKindReport{}}
	for _, k := range r.Kinds {
		out.Kinds = append(out.Kinds, cli.DatabaseKindReport(k))
	}
	return out, err
}

func isSQL(c model.Connection) error {
	if c.Connector != sqlcrm.Name {
		return fmt.Errorf("connection %s: the connector %s has no database of its own", c.Name, c.Connector)
	}
	return nil
}
