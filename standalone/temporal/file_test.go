package temporal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"lockstep.dev/standalone/instance"
	"lockstep.dev/standalone/temporal"
)

// Temporal's own file is disposable: whatever is wrong with it, the next start
// works, says that it starts afresh and why, and keeps the old file aside.
func TestUselessFileIsMovedAside(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		spoil  func(t *testing.T, path string)
		reason string
	}{
		{"made by another version", func(t *testing.T, path string) {
			rewrite(t, path+".json", func(text []byte) []byte {
				return []byte(`{"server":"1.31.0","shards":1,"seeded":true}`)
			})
		}, "made by server version 1.31.0"},
		{"another number of shards", func(t *testing.T, path string) {
			rewrite(t, path+".json", func(text []byte) []byte {
				return []byte(strings.Replace(string(text), `"shards":1`, `"shards":4`, 1))
			})
		}, "4 history shards"},
		{"killed while it was made", func(t *testing.T, path string) { remove(t, path+".json") }, "never finished"},
		{"record is torn", func(t *testing.T, path string) {
			rewrite(t, path+".json", func(text []byte) []byte { return text[:len(text)/2] })
		}, "record"},
		{"no database at all", func(t *testing.T, path string) {
			rewrite(t, path, func([]byte) []byte { return []byte(strings.Repeat("no database", 1000)) })
		}, "damaged"},
		{"cut off", func(t *testing.T, path string) {
			rewrite(t, path, func(text []byte) []byte { return text[:len(text)/2] })
		}, "damaged"},
		{"pages overwritten", func(t *testing.T, path string) {
			rewrite(t, path, func(text []byte) []byte {
				copy(text[3*4096:], strings.Repeat("x", 20*4096))
				return text
			})
		}, "damaged"},
		{"empty", func(t *testing.T, path string) {
			rewrite(t, path, func([]byte) []byte { return nil })
		}, "damaged"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "temporal.db")
			makeSeeded(t, path)
			c.spoil(t, path)

			s := temporal.ForTest(t, onFile(path))
			if !s.Fresh || !strings.Contains(s.Reason, c.reason) {
				t.Errorf("Fresh %v, Reason %q, want fresh because of %q", s.Fresh, s.Reason, c.reason)
			}
			if _, err := os.Stat(path + ".old"); err != nil {
				t.Errorf("the old file was not kept: %v", err)
			}
			runOnce(t, s)
		})
	}
}

func TestOneGenerationIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "temporal.db")
	for range 3 {
		makeSeeded(t, path)
		remove(t, path+".json")
	}
	makeSeeded(t, path)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		switch name := f.Name(); {
		case strings.HasPrefix(name, "temporal.db.old"), name == "temporal.db", name == "temporal.db.json":
		case name == "temporal.db-wal", name == "temporal.db-shm": // of the connection this process keeps
		default:
			t.Errorf("unexpected file %s", name)
		}
	}
}

// A log that has lost its file must not be played into the new one.
func TestLogWithoutItsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	makeSeeded(t, path)
	if err := os.WriteFile(path+"-wal", []byte(strings.Repeat("stale", 4000)), 0o600); err != nil {
		t.Fatal(err)
	}
	remove(t, path)
	s := temporal.ForTest(t, onFile(path))
	if !s.Fresh || s.Reason != "" {
		t.Errorf("Fresh %v, Reason %q, want fresh without a reason", s.Fresh, s.Reason)
	}
	runOnce(t, s)
}

// What the disk refuses, a new file would be refused too: the old one stays.
func TestFileThatCannotBeOpenedIsNotThrownAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".json", []byte(`{"server":"`+pinned(t, "go.temporal.io/server")+`","shards":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := temporal.Start(within(t), temporal.Config{File: path, FrontendPort: instance.AnyPort, UIPort: instance.AnyPort}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Start on a folder: %v, want an error naming it", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("it was moved away: %v", err)
	}
}

func TestSearchAttributesAreUsableAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	first := map[string]enums.IndexedValueType{
		"LockstepState": enums.INDEXED_VALUE_TYPE_KEYWORD, "LockstepIssues": enums.INDEXED_VALUE_TYPE_INT,
	}
	later := map[string]enums.IndexedValueType{
		"LockstepState": enums.INDEXED_VALUE_TYPE_KEYWORD, "LockstepPolicy": enums.INDEXED_VALUE_TYPE_KEYWORD,
	}
	s := temporal.ForTest(t, onFile(path), withAttributes(first))
	startWith(t, s, "a", map[string]any{"LockstepState": "syncing", "LockstepIssues": 2})
	if err := s.Seeded(); err != nil {
		t.Fatal(err)
	}
	stop(t, s)

	// A later version wants another one; the one it has dropped still works.
	s = temporal.ForTest(t, onFile(path), withAttributes(later))
	if s.Fresh {
		t.Errorf("file was replaced: %s", s.Reason)
	}
	startWith(t, s, "b", map[string]any{"LockstepState": "syncing", "LockstepIssues": 3, "LockstepPolicy": "standard"})
	awaitCount(t, s, "LockstepState = 'syncing'", 2)
	awaitCount(t, s, "LockstepPolicy = 'standard' AND LockstepIssues > 2", 1)
}

// An attribute cannot change its type in place, and need not.
func TestSearchAttributeThatChangesItsType(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	makeSeeded(t, path, withAttributes(map[string]enums.IndexedValueType{"LockstepIssues": enums.INDEXED_VALUE_TYPE_KEYWORD}))
	s := temporal.ForTest(t, onFile(path), withAttributes(map[string]enums.IndexedValueType{"LockstepIssues": enums.INDEXED_VALUE_TYPE_INT}))
	if !s.Fresh || !strings.Contains(s.Reason, "LockstepIssues") {
		t.Errorf("Fresh %v, Reason %q, want fresh because of LockstepIssues", s.Fresh, s.Reason)
	}
	startWith(t, s, "a", map[string]any{"LockstepIssues": 2})
}

func TestTooManySearchAttributes(t *testing.T) {
	t.Parallel()
	many := make(map[string]enums.IndexedValueType)
	for _, name := range []string{"A", "B", "C", "D"} {
		many[name] = enums.INDEXED_VALUE_TYPE_INT
	}
	cfg := temporal.Config{File: filepath.Join(t.TempDir(), "temporal.db"), FrontendPort: instance.AnyPort, UIPort: instance.AnyPort, SearchAttributes: many}
	if _, err := temporal.Start(within(t), cfg); err == nil || !strings.Contains(err.Error(), "search attribute D") {
		t.Errorf("Start with four integers: %v, want an error naming D", err)
	}
}

func withAttributes(attributes map[string]enums.IndexedValueType) func(*temporal.Config) {
	return func(c *temporal.Config) { c.SearchAttributes = attributes }
}

// makeSeeded makes a file, or opens the one there is, and leaves it seeded.
func makeSeeded(t *testing.T, path string, edits ...func(*temporal.Config)) {
	t.Helper()
	s := temporal.ForTest(t, append(edits, onFile(path))...)
	if err := s.Seeded(); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
}

// startWith starts a workflow with search attributes and no worker.
func startWith(t *testing.T, s *temporal.Server, id string, attributes map[string]any) {
	t.Helper()
	options := client.StartWorkflowOptions{ID: id, TaskQueue: "nobody", SearchAttributes: attributes} //nolint:staticcheck // untyped on purpose: names and types are what is tested
	if _, err := dial(t, s).ExecuteWorkflow(within(t), options, "None"); err != nil {
		t.Fatalf("start workflow with %v: %v", attributes, err)
	}
}

// awaitCount waits until the query finds that many workflows: the index lags.
func awaitCount(t *testing.T, s *temporal.Server, query string, want int64) {
	t.Helper()
	c, ctx := dial(t, s), within(t)
	for {
		answer, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: s.Namespace, Query: query})
		if err != nil {
			t.Fatalf("count %s: %v", query, err)
		}
		if answer.GetCount() == want {
			return
		}
	}
}

// runOnce proves that the server works, by a workflow from start to end.
func runOnce(t *testing.T, s *temporal.Server) {
	t.Helper()
	c, stop := work(t, s)
	defer stop()
	run, err := c.ExecuteWorkflow(within(t), client.StartWorkflowOptions{ID: "once", TaskQueue: queue}, Paced)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		send(t, c, "once", "go")
	}
	if err := run.Get(within(t), nil); err != nil {
		t.Error(err)
	}
}

// rewrite puts a changed file in the place of one that nothing uses. It gets a
// new inode and loses its companions, as this process still has a connection
// to the old ones, which a process that was started again would not have.
func rewrite(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err == nil {
		for _, end := range []string{"", "-wal", "-shm"} {
			remove(t, name+end)
		}
		err = os.WriteFile(name, change(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}
