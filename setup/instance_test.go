package setup_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep.dev/setup"
)

func TestAnInstanceIsFoundByItsFolder(t *testing.T) {
	dir := t.TempDir()
	in := setup.Instance{
		PID: os.Getpid(), Started: time.Now().UTC().Truncate(time.Second), Frontend: "127.0.0.1:7233", Namespace: "default",
		UI: "http://127.0.0.1:8233", DAV: "http://127.0.0.1:5232", Store: "lockstep.db", Key: "key",
	}
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte(strings.Repeat("k", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := in.Write(dir); err != nil {
		t.Fatal(err)
	}
	at, err := os.Stat(filepath.Join(dir, setup.InstanceFile))
	if err != nil || at.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", at.Mode().Perm(), err)
	}
	got, err := setup.ReadInstance(dir)
	if err != nil || got != in {
		t.Errorf("read %+v, %v, want %+v", got, err, in)
	}
	p, err := got.Place(dir)
	if err != nil || p.Driver != "sqlite" || p.DSN != filepath.Join(dir, "lockstep.db") || p.Temporal.Host != "127.0.0.1:7233" || p.Stopped {
		t.Errorf("place %+v, %v", p, err)
	}
	if string(p.Key) != strings.Repeat("k", 40) {
		t.Errorf("key %q", p.Key)
	}
}

// The standalone program publishes the same values under "addresses".
func TestWhatTheStandaloneProgramPublishesIsRead(t *testing.T) {
	dir := t.TempDir()
	text, err := json.Marshal(map[string]any{"pid": 7, "started": time.Now(), "addresses": map[string]string{
		"temporal": "127.0.0.1:7233", "namespace": "default", "web": "http://127.0.0.1:8233", "store": "/d/lockstep.db", "key": "/d/key",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, setup.InstanceFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := setup.ReadInstance(dir)
	if err != nil || got.Frontend != "127.0.0.1:7233" || got.UI != "http://127.0.0.1:8233" || got.Store != "/d/lockstep.db" || got.PID != 7 {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestAStoppedInstanceIsNotReached(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte(strings.Repeat("k", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	// No process has this id: Linux counts to at most 2^22 (proc(5), pid_max).
	p, err := setup.Instance{PID: 1<<30 + 7, Frontend: "127.0.0.1:1", Store: "s", Key: "key"}.Place(dir)
	if err != nil || !p.Stopped {
		t.Errorf("place %+v, %v", p, err)
	}
}

func TestWhatIsWrongWithAnInstanceIsSaid(t *testing.T) {
	dir := t.TempDir()
	if _, err := setup.ReadInstance(dir); err == nil || !strings.HasPrefix(err.Error(), "no Lockstep has its data in "+dir) {
		t.Errorf("says %v", err)
	}
	for text, want := range map[string]string{
		"{":                      "is not what a running Lockstep writes",
		`{"pid": 1}`:             `does not say "frontend"; is Lockstep still starting?`,
		`{"frontend": "x:1"}`:    `does not say "store"`,
		`{"pid": "not a number"`: "is not what a running Lockstep writes",
	} {
		if err := os.WriteFile(filepath.Join(dir, setup.InstanceFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := setup.ReadInstance(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: says %v, want %s", text, err, want)
		}
	}
}

func TestPathsCountFromWhereTheCommandWasTyped(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PWD", dir)
	if got, err := setup.Typed("a/b"); err != nil || got != filepath.Join(dir, "a/b") {
		t.Errorf("Typed = %s, %v", got, err)
	}
	t.Setenv("PWD", filepath.Join(dir, "gone"))
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := setup.Typed("a"); err != nil || got != filepath.Join(wd, "a") {
		t.Errorf("Typed = %s, %v", got, err)
	}
}
