package instance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	rootModule = "lockstep.dev" // go.mod of the repository's top folder says so
	dataName   = "data"
)

// Typed makes a path that a person gave absolute, counting from the folder
// the command was typed in. `go run -C` changes the working directory before
// it starts the program, and then only the environment's PWD still names that
// folder; where PWD names none, the working directory counts.
func Typed(path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	if pwd := os.Getenv("PWD"); filepath.IsAbs(pwd) {
		if at, err := os.Stat(pwd); err == nil && at.IsDir() {
			return filepath.Join(pwd, path), nil
		}
	}
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("resolve path %s: %w", path, err)
	}
	return filepath.Join(wd, path), nil
}

// DefaultDir is the data folder when none is named: data/ of the repository
// if the program runs inside one, otherwise ./data as Typed sees it. The
// folder need not exist.
func DefaultDir() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find data folder: %w", err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if moduleOf(dir) == rootModule {
			return filepath.Join(dir, dataName), nil
		}
		if dir == filepath.Dir(dir) {
			return Typed(dataName)
		}
	}
}

// moduleOf is the module path of dir's go.mod, empty if there is none.
// Source: Go Modules Reference, "module directive".
func moduleOf(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) >= 2 && words[0] == "module" {
			return strings.Trim(words[1], "\"`")
		}
	}
	return ""
}
