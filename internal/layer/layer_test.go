// Package layer makes the dependency rule executable: who may import whom
// (ARCHITECTURE.md, "Parts").
package layer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "lockstep.dev/"

// rule lists, for a package prefix, the packages of this module that it may
// import. What is not named may import nothing of ours.
var rule = []struct {
	pkg     string
	imports []string
}{
	{"model", nil},
	{"vobject", []string{"vobject", "timezone"}},
	{"timezone", []string{"vobject", "timezone"}},
	{"recurrence", []string{"vobject", "timezone", "recurrence"}},
	{"plan", []string{"model", "recurrence", "vobject"}},
	{"fault", []string{"model"}},
	{"issue", []string{"model", "fault", "issue"}},
	{"connector/connectortest", []string{"model", "fault", "issue", "connector"}},
	{"connector/connectormock", []string{"model", "connector"}},
	{"connector/memory", []string{"model", "fault", "issue", "connector"}},
	{"connector/all", []string{"connector"}},
	{"connector/web", []string{"model", "fault"}},
	{"connector/dav", []string{"model", "fault", "issue", "connector", "vobject", "timezone", "recurrence"}},
	{"connector/sqlcrm", []string{"model", "fault", "issue", "connector"}},
	{"connector", []string{"model", "fault"}},
	{"schema", nil},
	{"store/sqlstore", []string{"model", "plan", "fault", "store", "schema"}},
	{"store/memory", []string{"model", "plan", "fault", "store"}},
	{"store/storetest", []string{"model", "plan", "fault", "store"}},
	{"store/seal", nil},
	{"store", []string{"model", "plan", "fault", "issue"}},
	{"alert", []string{"model", "fault", "issue", "store"}},
	{"activities", []string{"model", "plan", "fault", "issue", "connector", "store"}},
	{"workflows", []string{"model", "plan", "fault", "store", "activities"}},
	{"bundle", []string{"model", "issue", "store"}},
	{"metrics", []string{"model", "fault", "store", "connector", "activities", "metrics"}},
	{"engine", []string{"alert", "metrics", "model", "plan", "fault", "store", "schema", "connector", "activities", "workflows"}},
	{"setup", []string{"alert", "model", "fault", "issue", "store", "connector", "engine", "schema", "workflows"}},
	{"starter/cli", []string{"alert", "bundle", "model", "plan", "fault", "issue", "store", "schema", "connector", "activities", "workflows", "engine", "setup"}},
	{"starter", []string{"alert", "bundle", "dashboard", "model", "plan", "fault", "issue", "store", "schema", "connector", "activities", "workflows", "engine", "setup", "starter"}},
	{"dashboard", []string{"model", "plan", "fault", "issue", "store", "activities", "setup", "starter/cli"}},
	{"worker", []string{"dashboard", "metrics", "model", "connector/all", "fault", "store", "schema", "workflows", "engine", "setup", "starter"}},
	{"simulator", []string{"model", "fault", "connector", "vobject", "timezone", "recurrence", "simulator"}},
	{"internal/peer", []string{"internal/peer"}},
	{"internal/mutants", nil},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, ok := ruleOf(name)
		if !ok {
			t.Errorf("%s has no place in the dependency rule; add it to the table here and to ARCHITECTURE.md", name)
			continue
		}
		for _, imp := range p.Imports {
			target, ours := strings.CutPrefix(imp, module)
			if ours && !matches(target, allowed) {
				t.Errorf("%s may not import %s", name, target)
			}
		}
	}
}

// SQL stands in the store, the schema, the SQL connector and the rehearsal kit
// only.
func TestNoSQLOutsideTheStore(t *testing.T) {
	walk(t, func(path string, content []byte) {
		for _, home := range []string{"schema/", "store/", "connector/sqlcrm/", "simulator/", "internal/peer/", "internal/layer/", "standalone/"} {
			if strings.HasPrefix(path, home) {
				return
			}
		}
		for _, verb := range []string{"SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "} {
			if bytes.Contains(content, []byte("\""+verb)) || bytes.Contains(content, []byte("`"+verb)) {
				t.Errorf("%s holds SQL (%s)", path, strings.TrimSpace(verb))
			}
		}
	})
}

// A file that everybody must touch grows without end: none is longer than 500
// lines.
func TestFilesAreShort(t *testing.T) {
	walk(t, func(path string, content []byte) {
		if n := bytes.Count(content, []byte("\n")); n > 500 && !strings.HasSuffix(path, "wire.go") && !bytes.Contains(content, []byte("Code generated")) {
			t.Errorf("%s has %d lines", path, n)
		}
	})
}

func ruleOf(name string) ([]string, bool) {
	for _, r := range rule {
		if name == r.pkg || strings.HasPrefix(name, r.pkg+"/") {
			return r.imports, true
		}
	}
	return nil, name == "internal/layer"
}

func matches(name string, allowed []string) bool {
	for _, a := range allowed {
		if name == a || strings.HasPrefix(name, a+"/") {
			return true
		}
	}
	return false
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// walk visits every Go file of the project.
func walk(t *testing.T, visit func(path string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("../..", path)
		visit(filepath.ToSlash(rel), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
