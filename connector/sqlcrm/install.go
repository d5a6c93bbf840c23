package sqlcrm

import (
	"context"
	_ "embed" // the reference schema

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

//go:embed reference/postgres.sql
var postgresSchema string

//go:embed reference/sqlite.sql
var sqliteSchema string

//go:embed reference/keys.sql
var keysSchema string

// The tables that are ours.
const (
	metaTable = "lockstep_meta"
	keyTable  = "lockstep_key"
)

// Install creates the reference schema or, for a mapped database, the two small
// tables lockstep_key and lockstep_meta. It may be run again; what exists
// stays. Credentials are those of the settings.
func Install(ctx context.Context, settings connector.Settings) error {
	c, err := configure(settings)
	if err != nil {
		return err
	}
	s, err := c.open(model.Account{}, c.mapping.reference)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if !c.mapping.reference {
		// The mapped tables have to be there before ours make sense.
		if err := s.ready(ctx); err != nil {
			return err
		}
		return s.installKeys(ctx)
	}
	if s.dialect.name == sqliteName {
		if _, err := s.exec(ctx, s.db, "PRAGMA journal_mode = wal"); err != nil {
			return err
		}
		return s.script(ctx, sqliteSchema)
	}
	if s.schema != "" {
		if _, err := s.exec(ctx, s.db, "CREATE SCHEMA IF NOT EXISTS "+quote(s.schema)); err != nil {
			return err
		}
	}
	return s.script(ctx, postgresSchema)
}

// Connect opens the CRM's database as one of its other clients, for rehearsals
// and tests that change it behind the connector's back. The caller closes it.
func Connect(settings connector.Settings) (*sqlx.DB, error) {
	a, err := parseAddress(settings)
	if err != nil {
		return nil, err
	}
	d, err := openDatabase(a, "", settings.Secret, false)
	if err != nil {
		return nil, err
	}
	return d.db, nil
}

// installKeys adds our tables to somebody else's database.
func (s *session) installKeys(ctx context.Context) error {
	if err := s.script(ctx, keysSchema); err != nil {
		return err
	}
	for _, name := range []string{"instance", "epoch"} {
		if _, err := s.exec(ctx, s.db, "INSERT INTO "+metaTable+" (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, uuid.NewString()); err != nil {
			return err
		}
	}
	return nil
}

// script runs a file of statements as a whole or not at all.
func (s *session) script(ctx context.Context, text string) error {
	return s.write(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, text)
		return s.classify(err)
	})
}
