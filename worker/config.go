package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"lockstep.dev/setup"
)

// config is everything the worker is told, all of it by environment variables.
// What may change while it runs is a policy, not here.
type config struct {
	setup.Environment
	Folder     string        `desc:"folder from which relative paths in connection settings count; default: the working directory"`
	Activities int           `default:"32" desc:"how many activities run at once"`
	Lease      time.Duration `default:"30s" desc:"how long a mailbox stays reserved for one writer unless renewed"`
	Migrate    bool          `default:"false" desc:"true: bring the database schema up to date at the start; otherwise an old schema stops the worker"`
	Metrics    string        `default:"127.0.0.1:9464" desc:"host:port at which Prometheus is answered, or off"`
	Traces     string        `desc:"address of an OpenTelemetry collector (OTLP over gRPC), such as http://127.0.0.1:4317; default: no traces"`
	Log        logConfig
	Dashboard  dashboardConfig
}

// dashboardConfig says how the dashboard is served.
type dashboardConfig struct {
	Accounts string `desc:"YAML file that says who may sign in to the dashboard; without it the worker serves none"`
	Listen   string `default:"127.0.0.1:8400" desc:"host:port at which the dashboard is served; put a proxy with TLS before it"`
	URL      string `desc:"address under which people reach the dashboard, such as https://lockstep.example.com"`
	Temporal string `desc:"address of Temporal's Web UI, for links to workflows"`
	Support  string `desc:"e-mail address to which people can write about an issue"`
}

type logConfig struct {
	Level  slog.Level `default:"info" desc:"debug, info, warn or error"`
	Format string     `default:"json" desc:"json or text"`
}

// load reads the configuration and checks it.
func load() (config, setup.Place, error) {
	var c config
	if err := setup.Load(&c); err != nil {
		return c, setup.Place{}, err
	}
	switch {
	case c.Activities <= 0:
		return c, setup.Place{}, fmt.Errorf("%s_ACTIVITIES must be a number above 0", setup.Prefix)
	case c.Lease < time.Second:
		return c, setup.Place{}, fmt.Errorf("%s_LEASE must be at least 1s", setup.Prefix)
	case c.Log.Format != "json" && c.Log.Format != "text":
		return c, setup.Place{}, fmt.Errorf("%s_LOG_FORMAT: %q is not a format; use json or text", setup.Prefix, c.Log.Format)
	}
	p, err := c.Place()
	return c, p, err
}

// logger writes to w as configured.
func (c config) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Log.Level}
	if c.Log.Format == "text" {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// printed is the configuration as --print-config shows it: secrets masked.
func (c config) printed() (string, error) {
	list, err := setup.Variables(&c)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, v := range list {
		fmt.Fprintf(&b, "%s=%s\n", v.Name, v.Masked())
	}
	return b.String(), nil
}
