package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every patch fits the program as it is and names tests that exist; whether they
// fail is for `make mutants` to say, which takes minutes.
func TestPatchesFit(t *testing.T) {
	all, err := load("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Errorf("there are %d patches", len(all))
	}
	for _, m := range all {
		if _, err := m.mutated(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		for _, test := range m.tests {
			name, _, _ := strings.Cut(strings.Trim(test[1], "^$"), "/")
			if !declared(t, filepath.Join("../..", test[0]), strings.Trim(name, "^$")) {
				t.Errorf("%s: there is no %s in %s", m.name, name, test[0])
			}
		}
	}
}

func declared(t *testing.T, dir, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(test) + `\(`).Match(text) {
			return true
		}
	}
	return false
}
