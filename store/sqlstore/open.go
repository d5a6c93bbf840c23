// Package sqlstore is Lockstep's own database on PostgreSQL or SQLite: one text
// of SQL, dialect.go for what differs.
//
// How the tables hang together: an observation is what was last seen of an item
// on one side (CRM observations have an empty mailbox and are shared); access
// says which CRM users take part in a CRM item, so a mailbox sees what access
// names its user for, including what was there before the mailbox; pending is
// what a mailbox has to look at; link joins both sides of an entity in one
// mailbox; bodies lie in content, once, under a keyed fingerprint.
package sqlstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/schema"
	"lockstep.dev/store"
	"lockstep.dev/store/seal"
)

// Config says where the database is and which key seals its secrets.
type Config struct {
	Driver string // "postgres" or "sqlite"
	DSN    string // address of the PostgreSQL database, or path of the SQLite file
	Key    []byte // seals secrets; at least seal.MinKey bytes
	// OldKeys open what was sealed before the key was replaced; Reseal makes
	// them superfluous.
	OldKeys [][]byte
}

// DB is the store. All methods may be called from any number of goroutines.
type DB struct {
	dialect     dialect
	write, read *pool
	ring        *seal.Ring

	mu           sync.Mutex
	installation installation // loaded once
}

var _ store.Store = (*DB)(nil)

// installation is what is made once, at the first start.
type installation struct {
	id                                    string
	content, natural, title, audit, value seal.MAC
}

// Open opens the database. It changes nothing: Migrate brings it up to date. A
// key that is not the database's own is an error that says so.
func Open(ctx context.Context, c Config) (*DB, error) {
	d, err := newDialect(c.Driver)
	if err != nil {
		return nil, err
	}
	ring, err := seal.NewRing(c.Key, c.OldKeys...)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	write, read, err := d.open(ctx, c.DSN)
	if err != nil {
		return nil, fmt.Errorf("open store: the %s database cannot be reached: %w", c.Driver, err)
	}
	db := &DB{dialect: d, write: write, read: read, ring: ring}
	if err := db.checkKey(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close closes the pools.
func (d *DB) Close() error {
	err := d.write.close()
	if d.write != d.read {
		err = errors.Join(err, d.read.close())
	}
	return err
}

// Migrate brings the schema up to date and makes the installation.
func (d *DB) Migrate(ctx context.Context) error {
	if err := schema.Migrate(ctx, d.write.DB.DB, d.dialect.name); err != nil {
		return err
	}
	seed, err := seal.NewSeed()
	if err != nil {
		return err
	}
	id := newID("ins")
	sealed, err := d.ring.Seal(seed, "installation "+id)
	if err != nil {
		return err
	}
	return d.update(ctx, "migrate store", func(tx *tx) error {
		var have int
		if err := tx.get(&have, `SELECT COUNT(*) FROM installation`); err != nil || have > 0 {
			return err
		}
		values := policyValues(model.Policy{Name: "default"})
		n, err := tx.count(`INSERT INTO policy (name, body, settle_rounds) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, values...)
		if err != nil {
			return err
		}
		if n > 0 {
			if err := tx.revise("default", values[1]); err != nil {
				return err
			}
		}
		return tx.exec(`INSERT INTO installation (id, seed, created) VALUES (?, ?, ?)`, id, sealed, time.Now().UnixMicro())
	})
}

// Schema returns the migrations and when each was applied.
func (d *DB) Schema(ctx context.Context) ([]schema.Migration, error) {
	return schema.Status(ctx, d.write.DB.DB, d.dialect.name)
}

// checkKey opens the installation's seed. A database that was not migrated yet
// has none, and every key is right.
func (d *DB) checkKey(ctx context.Context) error {
	err := d.load(ctx)
	if errors.Is(err, seal.ErrKey) {
		return fmt.Errorf("open store: the key is not the one this database was made with; give that key (or add it as an old key): %w", err)
	}
	return nil
}

// load reads the installation once and derives its keys.
func (d *DB) load(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.installation.id != "" {
		return nil
	}
	var row struct {
		ID   string `db:"id"`
		Seed []byte `db:"seed"`
	}
	err := d.read.GetContext(ctx, &row, `SELECT id, seed FROM installation`)
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("read installation (was the schema migrated?): %w", err)
	}
	seed, err := d.ring.Open(row.Seed, "installation "+row.ID)
	if err != nil {
		return err
	}
	in := installation{id: row.ID}
	for purpose, mac := range map[string]*seal.MAC{"content": &in.content, "natural": &in.natural, "title": &in.title, "audit": &in.audit, "value": &in.value} {
		if *mac, err = seal.NewMAC(seed, purpose); err != nil {
			return err
		}
	}
	d.installation = in
	return nil
}

// keys returns the installation's keys.
func (d *DB) keys(ctx context.Context) (installation, error) {
	if err := d.load(ctx); err != nil {
		return installation{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.installation, nil
}

// Installation returns this installation's id.
func (d *DB) Installation(ctx context.Context) (string, error) {
	in, err := d.keys(ctx)
	return in.id, err
}

// Reseal seals every secret with the current key, after which older keys are
// not needed any more.
func (d *DB) Reseal(ctx context.Context) error {
	return d.update(ctx, "seal secrets anew", func(tx *tx) error {
		for _, t := range []struct{ table, column, purpose string }{
			{"installation", "seed", "installation "}, {"connection", "secret", "connection "}, {"mailbox", "secret", "mailbox "},
		} {
			if err := d.reseal(tx, t.table, t.column, t.purpose); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *DB) reseal(tx *tx, table, column, purpose string) error {
	type secret struct {
		ID     string `db:"id"`
		Sealed []byte `db:"sealed"`
	}
	var rows []secret
	if err := tx.list(&rows, `SELECT id, `+column+` AS sealed FROM `+table+` WHERE `+column+` IS NOT NULL ORDER BY id`); err != nil {
		return err
	}
	for _, r := range rows { // rare, and there are as many rows as keys in use
		if d.ring.Current(r.Sealed) {
			continue
		}
		open, err := d.ring.Open(r.Sealed, purpose+r.ID)
		if err != nil {
			return err
		}
		sealed, err := d.ring.Seal(open, purpose+r.ID)
		if err != nil {
			return err
		}
		if err := tx.exec(`UPDATE `+table+` SET `+column+` = ? WHERE id = ?`, sealed, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// hexKey is how a key looks outside of the store: opaque, "" = none.
func hexKey(b []byte) string { return hex.EncodeToString(b) }

// byteKey reads what hexKey wrote; nil = none.
func byteKey(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, errors.New("read content key: it is not one of ours")
	}
	return b, nil
}
