package temporal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/standalone/temporal"
)

// Both modules of the repository must build against the same Temporal client
// and the same databases, or a program of one would not understand the other.
func TestModulesUseTheSameVersions(t *testing.T) {
	t.Parallel()
	ours, roots := requirements(t, "../go.mod"), requirements(t, "../../go.mod")
	for _, module := range []string{
		"go.temporal.io/sdk", "go.temporal.io/api",
		"github.com/jmoiron/sqlx", "github.com/lib/pq", "modernc.org/sqlite",
	} {
		if ours[module] == "" || ours[module] != roots[module] {
			t.Errorf("%s: standalone/go.mod has %q, go.mod has %q", module, ours[module], roots[module])
		}
	}
	if ours["go"] != roots["go"] {
		t.Errorf("standalone/go.mod wants Go %s, go.mod %s", ours["go"], roots["go"])
	}
}

// The record beside the file names the server by the version that it claims,
// which must be the one that we take from the module proxy.
func TestServerNamesItsVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	temporal.ForTest(t, onFile(path))
	text, err := os.ReadFile(path + ".json")
	if want := `"server":"` + pinned(t, "go.temporal.io/server") + `"`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("record %s, %v, want %s", text, err, want)
	}
}

// pinned is the version of a module that we are built with, without its v.
func pinned(t *testing.T, module string) string {
	t.Helper()
	version, ok := strings.CutPrefix(requirements(t, "../go.mod")[module], "v")
	if !ok {
		t.Fatalf("go.mod does not require %s", module)
	}
	return version
}

// requirements are the versions that a go.mod file names, by module, and the
// Go version under "go".
func requirements(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(words) >= 2 && (words[0] == "go" || strings.HasPrefix(words[1], "v")) {
			versions[words[0]] = words[1]
		}
	}
	return versions
}
