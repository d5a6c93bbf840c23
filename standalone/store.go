package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lockstep.dev/store/sqlstore"
)

// openStore opens our own database in the data folder and brings its schema up
// to date. The key that seals its secrets is made at the first start.
func openStore(ctx context.Context, dir string) (*sqlstore.DB, error) {
	key, err := keyOf(filepath.Join(dir, "key"))
	if err != nil {
		return nil, err
	}
	st, err := sqlstore.Open(ctx, sqlstore.Config{Driver: "sqlite", DSN: filepath.Join(dir, "lockstep.db"), Key: key})
	if err != nil {
		return nil, err
	}
	if err := st.Migrate(ctx); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

func keyOf(file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = []byte(rand.Text() + rand.Text())
	if err := os.WriteFile(file, key, 0o600); err != nil {
		return nil, fmt.Errorf("write the key of the store: %w", err)
	}
	return key, nil
}
