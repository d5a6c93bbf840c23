package setup

import (
	"fmt"
	"os"
	"path/filepath"
)

// Typed makes a path that a person gave absolute, counting from the folder in
// which the command was typed: go run -C changes the working directory before
// it starts a program, and then only the environment's PWD still names it.
func Typed(path string) (string, error) {
	if pwd := os.Getenv("PWD"); filepath.IsAbs(pwd) {
		if at, err := os.Stat(pwd); err == nil && at.IsDir() {
			return absolute(pwd, path), nil
		}
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("resolve path %s: %w", path, err)
	}
	return full, nil
}
