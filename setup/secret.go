package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Secret resolves what stands for a secret: env:NAME is an environment
// variable, file:PATH a file (relative paths count from folder, one line break
// at the end is not part of it); anything else is the secret itself. Errors
// never hold the secret.
func Secret(text, folder string) (string, error) {
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		value := os.Getenv(name)
		if value == "" {
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		return value, nil
	}
	name, ok := strings.CutPrefix(text, "file:")
	if !ok {
		return text, nil
	}
	return readSecret(absolute(folder, name))
}

// readSecret reads a file that holds one secret.
func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the file %s cannot be read: %w", path, cause(err))
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if value == "" {
		return "", fmt.Errorf("the file %s is empty", path)
	}
	return value, nil
}

// cause drops the operation and the path from a file error.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// absolute lets a relative path count from a folder.
func absolute(folder, path string) string {
	if filepath.IsAbs(path) || folder == "" {
		return path
	}
	return filepath.Join(folder, path)
}
