package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lockstep.dev/setup"
	"lockstep.dev/store/sqlstore"
)

// openStore opens our own database in the data folder and brings its schema up
// to date. The key that seals its secrets is made at the first start.
func openStore(ctx context.Context, dir string) (*sqlstore.DB, error) {
	file := filepath.Join(dir, "key")
	if err := makeKey(file); err != nil {
		return nil, err
	}
	key, err := setup.ReadKey(file)
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

// makeKey writes a new key where there is none.
func makeKey(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(file, []byte(rand.Text()+rand.Text()), 0o600); err != nil {
		return fmt.Errorf("write the key of the store: %w", err)
	}
	return nil
}
