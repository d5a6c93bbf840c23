package dav

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jmoiron/sqlx"
)

// Backup writes a copy of the whole server to a file, which must not exist.
func (s *Server) Backup(ctx context.Context, file string) error {
	if _, err := s.store.writer.ExecContext(ctx, `VACUUM INTO ?`, file); err != nil {
		return fmt.Errorf("back up to %s: %w", file, err)
	}
	return nil
}

// Restore takes users, collections and objects back to a backup, as when an
// administrator restores a server: sync tokens and ETags that clients got in
// the meantime may come again with another meaning. Tokens from after the
// backup are invalid until as many changes were made again; ExpireTokens makes
// them so for good. The Outbox stays.
func (s *Server) Restore(ctx context.Context, file string) error {
	if err := s.restore(ctx, file); err != nil {
		return fmt.Errorf("restore from %s: %w", file, err)
	}
	return nil
}

func (s *Server) restore(ctx context.Context, file string) (err error) {
	if _, err := os.Stat(file); err != nil {
		return err // SQLite would attach an empty new file
	}
	conn, err := s.store.writer.Connx(ctx)
	if err != nil {
		return fmt.Errorf("take connection: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `ATTACH DATABASE ? AS backup`, file); err != nil {
		return fmt.Errorf("open backup: %w", err)
	}
	defer func() {
		_, detachErr := conn.ExecContext(context.WithoutCancel(ctx), `DETACH DATABASE backup`)
		err = errors.Join(err, detachErr)
	}()
	tx, err := conn.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := copyBack(ctx, tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func copyBack(ctx context.Context, tx *sqlx.Tx) error {
	for _, table := range []string{"user", "collection", "property", "object"} {
		for _, statement := range []string{
			`DELETE FROM main.` + table,
			`INSERT INTO main.` + table + ` SELECT * FROM backup.` + table,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("copy %s: %w", table, err)
			}
		}
	}
	return nil
}
