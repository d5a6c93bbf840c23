// Command mutants shows that each rule of the core is proved: it takes one rule
// out of the program, by a patch under testdata/mutants, and wants the test that
// the patch names to fail. Nothing in the working copy is changed (go test
// -overlay).
//
// A patch begins with lines of this header, then comes a unified diff; a hunk is
// found by its text, not by its line numbers:
//
//	rule: what the program does without the patch
//	test: ./package TestName
//	with: other.patch    (rules that are redundant by design fall together)
//
// A patch without a test is only there for others to name.
//
//	go run ./internal/mutants [part of a name]...
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const folder = "testdata/mutants"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(wanted []string) error {
	all, err := load(".")
	if err != nil {
		return err
	}
	survived := 0
	for _, m := range all {
		if len(m.tests) == 0 || len(wanted) > 0 && !slices.ContainsFunc(wanted, func(w string) bool { return strings.Contains(m.name, w) }) {
			continue
		}
		by, err := m.kill()
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if by == "" {
			survived++
			by = "SURVIVED"
		}
		fmt.Printf("%-50s %s\n", strings.TrimSuffix(m.name, ".patch"), by)
	}
	if survived > 0 {
		return fmt.Errorf("%d rules are not proved", survived)
	}
	return nil
}

// mutant is the program without one rule.
type mutant struct {
	root  string
	name  string
	rule  string
	tests [][2]string // package, test
	with  []string
	edits []edit
}

// edit replaces a piece of a file.
type edit struct{ file, old, new string }

// load reads all patches below a root.
func load(root string) ([]mutant, error) {
	names, err := filepath.Glob(filepath.Join(root, folder, "*.patch"))
	if err != nil {
		return nil, err
	}
	var out []mutant
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		m := mutant{root: root, name: filepath.Base(name)}
		if err := m.parse(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// parse reads the header and the hunks.
func (m *mutant) parse(text string) error {
	var file string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "diff "):
		case strings.HasPrefix(line, "+++ b/"):
			file = strings.TrimPrefix(line, "+++ b/")
		case strings.HasPrefix(line, "@@"):
			m.edits = append(m.edits, edit{file: file})
		case file == "" && key == "rule":
			m.rule = value
		case file == "" && key == "test":
			p, test, _ := strings.Cut(value, " ")
			m.tests = append(m.tests, [2]string{p, test})
		case file == "" && key == "with":
			m.with = append(m.with, value)
		case len(m.edits) > 0:
			m.edits[len(m.edits)-1].add(line)
		default:
			return fmt.Errorf("nobody knows what %q means", line)
		}
	}
	if m.rule == "" || len(m.edits) == 0 {
		return errors.New("the rule or the hunks are missing")
	}
	return nil
}

// add takes one line of a hunk.
func (e *edit) add(line string) {
	mark, rest := " ", ""
	if line != "" {
		mark, rest = line[:1], line[1:]
	}
	if mark != "+" {
		e.old += rest + "\n"
	}
	if mark != "-" {
		e.new += rest + "\n"
	}
}

// mutated returns the files as they are without the rule, and without those of
// the patches that fall with it.
func (m mutant) mutated() (map[string]string, error) {
	edits := m.edits
	for _, name := range m.with {
		text, err := os.ReadFile(filepath.Join(m.root, folder, name))
		if err != nil {
			return nil, err
		}
		var other mutant
		if err := other.parse(string(text)); err != nil {
			return nil, err
		}
		edits = append(edits, other.edits...)
	}
	files := map[string]string{}
	for _, e := range edits {
		text, ok := files[e.file]
		if !ok {
			data, err := os.ReadFile(filepath.Join(m.root, e.file))
			if err != nil {
				return nil, err
			}
			text = string(data)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("a hunk fits %d times into %s; bring the patch up to date:\n%s", n, e.file, e.old)
		}
		files[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return files, nil
}

// kill runs the tests and returns the one that failed, "" if all passed.
func (m mutant) kill() (by string, err error) {
	files, err := m.mutated()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := lay(dir, m.root, files)
	if err != nil {
		return "", err
	}
	for _, t := range m.tests {
		cmd := exec.Command("go", "test", "-count=1", "-failfast", "-overlay", overlay, "-run", t[1], t[0])
		cmd.Dir = m.root
		cmd.Env = append(os.Environ(), "RAPID_SHRINKTIME=0s")
		out, err := cmd.CombinedOutput()
		text := string(out)
		switch {
		case strings.Contains(text, "[build failed]"), strings.Contains(text, "[setup failed]"), strings.Contains(text, "no tests to run"):
			return "", fmt.Errorf("go test says:\n%s", text)
		case err != nil && (strings.Contains(text, "--- FAIL") || strings.Contains(text, "panic:")):
			return "fails " + t[0] + " " + t[1], nil
		case err != nil:
			return "", fmt.Errorf("go test: %w\n%s", err, text)
		}
	}
	return "", nil
}

// lay writes changed files and the overlay that puts them in place.
func lay(dir, root string, files map[string]string) (string, error) {
	replace := map[string]string{}
	for file, text := range files {
		real, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			return "", err
		}
		replace[real] = filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(replace[real], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o600)
}
