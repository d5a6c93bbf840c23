package temporal_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"lockstep.dev/standalone/instance"
	"lockstep.dev/standalone/temporal"
)

func TestWorkflowContinuesAfterARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "temporal.db")
	s := temporal.ForTest(t, onFile(path))
	if !s.Fresh || s.Reason != "" {
		t.Errorf("first start: Fresh %v, Reason %q", s.Fresh, s.Reason)
	}
	c, stop := work(t, s)
	options := client.StartWorkflowOptions{ID: "mailbox/1", TaskQueue: queue}
	run, err := c.ExecuteWorkflow(within(t), options, Paced)
	if err != nil {
		t.Fatal(err)
	}
	send(t, c, run.GetID(), "go")
	if err := s.Seeded(); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := errors.Join(s.Stop(), s.Stop()); err != nil {
		t.Fatal(err)
	}
	// The folder may be moved while nothing runs.
	moved := filepath.Join(t.TempDir(), "100% moved? #2")
	if err := os.Rename(filepath.Dir(path), moved); err != nil {
		t.Fatal(err)
	}

	s = temporal.ForTest(t, onFile(filepath.Join(moved, "temporal.db")))
	if s.Fresh || s.Reason != "" {
		t.Errorf("restart: Fresh %v, Reason %q", s.Fresh, s.Reason)
	}
	c, _ = work(t, s)
	send(t, c, run.GetID(), "go")
	send(t, c, run.GetID(), "go")
	var rounds int
	if err := c.GetWorkflow(within(t), run.GetID(), run.GetRunID()).Get(within(t), &rounds); err != nil || rounds != 3 {
		t.Errorf("workflow ended after %d rounds, %v, want 3", rounds, err)
	}
}

// A program that dies before it has started its workflows must learn at the
// next start that they are missing.
func TestFileStaysFreshUntilItIsSeeded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	for range 2 {
		s := temporal.ForTest(t, onFile(path))
		if !s.Fresh {
			t.Error("file is not fresh, though nobody has seeded it")
		}
		stop(t, s)
	}
	s := temporal.ForTest(t, onFile(path))
	if err := errors.Join(s.Seeded(), s.Seeded()); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	if s = temporal.ForTest(t, onFile(path)); s.Fresh {
		t.Error("file is fresh after Seeded")
	}
}

func TestCleanStopLeavesOneCompleteFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	stop(t, temporal.ForTest(t, onFile(path)))
	log, err := os.Stat(path + "-wal")
	if err != nil && !errors.Is(err, os.ErrNotExist) || err == nil && log.Size() != 0 {
		t.Errorf("log after a clean stop: %v, %v, want none or empty", log, err)
	}
	for _, name := range []string{path, path + ".json"} {
		if at, err := os.Stat(name); err != nil || at.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", name, at, err)
		}
	}
}

func TestPortsThatAreTaken(t *testing.T) {
	t.Parallel()
	taken, err := instance.Listen("test", instance.AnyPort, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := instance.PortOf(taken)
	wants := map[string]func(*temporal.Config){
		"Temporal server": func(c *temporal.Config) { c.FrontendPort, c.UIPort = port, instance.AnyPort },
		"Temporal Web UI": func(c *temporal.Config) { c.FrontendPort, c.UIPort = instance.AnyPort, port },
	}
	for service, want := range wants {
		cfg := temporal.Config{File: filepath.Join(t.TempDir(), "temporal.db")}
		want(&cfg)
		_, err := temporal.Start(within(t), cfg)
		var e *instance.PortTaken
		if !errors.As(err, &e) || !strings.Contains(err.Error(), strconv.Itoa(port)) || !strings.Contains(err.Error(), service) {
			t.Errorf("Start with the taken port %d for the %s: %v", port, service, err)
		}
	}
}

func TestNextFreePortsAreTaken(t *testing.T) {
	t.Parallel()
	free := func(c *temporal.Config) { c.FrontendPort, c.UIPort = instance.FromDefault, instance.FromDefault }
	one, two := temporal.ForTest(t, free), temporal.ForTest(t, free)
	if one.Address == two.Address || one.WebURL == two.WebURL {
		t.Errorf("two servers on the same ports: %s and %s, %s and %s", one.Address, two.Address, one.WebURL, two.WebURL)
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cfg := temporal.Config{File: filepath.Join(t.TempDir(), "temporal.db"), FrontendPort: instance.AnyPort, UIPort: instance.AnyPort}
	if _, err := temporal.Start(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("Start with a cancelled context: %v", err)
	}
}

func TestFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := temporal.Config{File: filepath.Join(file, "temporal.db"), FrontendPort: instance.AnyPort, UIPort: instance.AnyPort}
	if _, err := temporal.Start(within(t), cfg); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Start below a file: %v, want an error naming it", err)
	}
}

func TestRetentionFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	for _, want := range []time.Duration{24 * time.Hour, 72 * time.Hour} {
		s := temporal.ForTest(t, onFile(path), func(c *temporal.Config) {
			c.Namespace = "lockstep"
			if want != 24*time.Hour { // the default
				c.Retention = want
			}
		})
		c := dial(t, s)
		answer, err := c.WorkflowService().DescribeNamespace(within(t), &workflowservice.DescribeNamespaceRequest{Namespace: "lockstep"})
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(); got != want {
			t.Errorf("retention %s, want %s", got, want)
		}
		stop(t, s)
	}
}

func onFile(path string) func(*temporal.Config) {
	return func(c *temporal.Config) { c.File = path }
}

func dial(t *testing.T, s *temporal.Server) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: s.Address, Namespace: s.Namespace, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func stop(t *testing.T, s *temporal.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}
