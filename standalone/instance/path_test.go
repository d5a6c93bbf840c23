package instance_test

import (
	"os"
	"path/filepath"
	"testing"

	"lockstep.dev/standalone/instance"
)

// Under `go run -C standalone .` the working directory is standalone/, and
// PWD names the folder where the command was typed.
func TestTypedCountsFromWhereTheCommandWasTyped(t *testing.T) {
	typed, started := realDir(t), realDir(t)
	file := filepath.Join(typed, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(started)
	cases := []struct{ name, pwd, path, want string }{
		{"relative path", typed, "my/config.yaml", filepath.Join(typed, "my/config.yaml")},
		{"folder above", typed, "../x", filepath.Join(filepath.Dir(typed), "x")},
		{"absolute path", typed, "/etc//lockstep.yaml", "/etc/lockstep.yaml"},
		{"no PWD", "", "x", filepath.Join(started, "x")},
		{"PWD is relative", "somewhere", "x", filepath.Join(started, "x")},
		{"PWD does not exist", filepath.Join(typed, "gone"), "x", filepath.Join(started, "x")},
		{"PWD is a file", file, "x", filepath.Join(started, "x")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("PWD", c.pwd)
			got, err := instance.Typed(c.path)
			if err != nil || got != c.want {
				t.Errorf("Typed(%q) with PWD=%q = %q, %v, want %q", c.path, c.pwd, got, err, c.want)
			}
		})
	}
}

func TestDefaultDirIsTheRepositorys(t *testing.T) {
	repo := realDir(t)
	inner := filepath.Join(repo, "standalone", "deep")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(repo, "go.mod"), "// top\nmodule \"lockstep.dev\" // ours\n\ngo 1.26\n")
	writeFile(t, filepath.Join(repo, "standalone", "go.mod"), "module lockstep.dev/standalone\n")

	for _, from := range []string{repo, filepath.Join(repo, "standalone"), inner} {
		t.Chdir(from)
		t.Setenv("PWD", realDir(t))
		if got, err := instance.DefaultDir(); err != nil || got != filepath.Join(repo, "data") {
			t.Errorf("DefaultDir in %s = %q, %v", from, got, err)
		}
	}
}

func TestDefaultDirOutsideTheRepository(t *testing.T) {
	started, typed := realDir(t), realDir(t)
	writeFile(t, filepath.Join(started, "go.mod"), "module example.com/other\n")
	t.Chdir(started)
	t.Setenv("PWD", typed)
	if got, err := instance.DefaultDir(); err != nil || got != filepath.Join(typed, "data") {
		t.Errorf("DefaultDir = %q, %v, want data in %s", got, err, typed)
	}
}

// realDir is a temporary folder under the name Getwd will use for it.
func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
