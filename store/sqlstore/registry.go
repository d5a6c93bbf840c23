package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

type connectionRow struct {
	ID        string `db:"id"`
	Name      string `db:"name"`
	Side      string `db:"side"`
	Connector string `db:"connector"`
	Settings  []byte `db:"settings"`
	Secret    []byte `db:"secret"`
	Owner     string `db:"owner"`
	Every     int64  `db:"every"`
	Pass      int64  `db:"pass"`
	AuditAt   int64  `db:"audit_at"`
	Behind    bool   `db:"restores"`
	PassBegun int64  `db:"pass_begun"`
	Outage    string `db:"outage"`
	circuitRow
}

const selectConnection = `SELECT connection.id, name, side, connector, settings, secret, owner, every, pass, pass_begun, audit_at, restores, outage, ` +
	circuitColumns + ` FROM connection LEFT JOIN circuit k ON k.connection = connection.id `

func (d *DB) connection(r connectionRow) (model.Connection, error) {
	c := model.Connection{
		ID: model.ConnectionID(r.ID), Name: r.Name, Side: model.Side(r.Side), Connector: r.Connector,
		Owner: r.Owner, Every: time.Duration(r.Every), Pass: r.Pass, PassBegun: instant(r.PassBegun), Behind: r.Behind, AuditAt: instant(r.AuditAt),
		Outage: r.Outage, Circuit: r.circuit(),
	}
	if err := json.Unmarshal(r.Settings, &c.Settings); err != nil {
		return c, fmt.Errorf("decode settings of connection %s: %w", r.Name, err)
	}
	secret, err := d.ring.Open(r.Secret, "connection "+r.ID)
	c.Secret = string(secret)
	return c, err
}

// Connections lists all connections by name.
func (d *DB) Connections(ctx context.Context) ([]model.Connection, error) {
	var out []model.Connection
	err := d.view(ctx, "list connections", func(tx *tx) error {
		var rows []connectionRow
		if err := tx.list(&rows, selectConnection+`ORDER BY name`); err != nil {
			return err
		}
		for _, r := range rows {
			c, err := d.connection(r)
			if err != nil {
				return err
			}
			out = append(out, c)
		}
		return nil
	})
	return out, err
}

// Connection returns one connection by its id.
func (d *DB) Connection(ctx context.Context, id model.ConnectionID) (model.Connection, error) {
	return d.oneConnection(ctx, `WHERE connection.id = ?`, string(id))
}

// ConnectionNamed returns one connection by its name.
func (d *DB) ConnectionNamed(ctx context.Context, name string) (model.Connection, error) {
	return d.oneConnection(ctx, `WHERE name = ?`, name)
}

func (d *DB) oneConnection(ctx context.Context, where, value string) (model.Connection, error) {
	var out model.Connection
	err := d.view(ctx, "read connection "+value, func(tx *tx) error {
		var r connectionRow
		if err := tx.get(&r, selectConnection+where, value); err != nil {
			return err
		}
		var err error
		out, err = d.connection(r)
		return err
	})
	return out, err
}

// SaveConnection inserts or updates a connection.
func (d *DB) SaveConnection(ctx context.Context, c model.Connection) (model.Connection, error) {
	fresh := c.ID == ""
	if fresh {
		c.ID = model.ConnectionID(newID("con"))
	}
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return c, fmt.Errorf("save connection %s: %w", c.Name, err)
	}
	secret, err := d.ring.Seal([]byte(c.Secret), "connection "+string(c.ID))
	if err != nil {
		return c, fmt.Errorf("save connection %s: %w", c.Name, err)
	}
	err = d.update(ctx, "save connection "+c.Name, func(tx *tx) error {
		values := []any{c.Name, string(c.Side), c.Connector, settings, null(secret), c.Owner, int64(c.Every), c.Outage, string(c.ID)}
		if fresh {
			err := tx.exec(`INSERT INTO connection (name, side, connector, settings, secret, owner, every, outage, id)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, values...)
			if err != nil {
				return d.exists(err)
			}
		} else {
			n, err := tx.count(`UPDATE connection SET name = ?, side = ?, connector = ?, settings = ?, secret = ?, owner = ?, every = ?, outage = ?
				WHERE id = ?`, values...)
			if err := one(n, d.exists(err)); err != nil {
				return err
			}
			if err := tx.exec(`UPDATE circuit SET permanent = 0, next_at = 1 WHERE connection = ? AND state = 'open'`, string(c.ID)); err != nil {
				return err
			}
		}
		return tx.note(store.LogEntry{What: store.LogSaved, Subject: store.LogConnection, Name: string(c.ID)})
	})
	return c, err
}

// exists turns a taken unique value into the contract's error.
func (d *DB) exists(err error) error {
	if err != nil && d.dialect.taken(err) {
		return store.ErrExists
	}
	return err
}

// one says ErrNotFound if no row was touched.
func one(n int64, err error) error {
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

type policyRow struct {
	Name string `db:"name"`
	Body []byte `db:"body"`
}

func (r policyRow) policy() (model.Policy, error) {
	var p model.Policy
	if err := json.Unmarshal(r.Body, &p); err != nil {
		return p, fmt.Errorf("decode policy %s: %w", r.Name, err)
	}
	p.Name = r.Name
	return p.Complete(), nil
}

// policyValues are the values of a policy's row.
func policyValues(p model.Policy) []any {
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte("{}") // a struct of texts and numbers cannot fail to encode
	}
	return []any{p.Name, body, int64(p.Complete().SettleRounds)}
}

// Policies lists all policies by name, completed.
func (d *DB) Policies(ctx context.Context) ([]model.Policy, error) {
	var out []model.Policy
	err := d.view(ctx, "list policies", func(tx *tx) error {
		var rows []policyRow
		if err := tx.list(&rows, `SELECT name, body FROM policy ORDER BY name`); err != nil {
			return err
		}
		for _, r := range rows {
			p, err := r.policy()
			if err != nil {
				return err
			}
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

// Policy returns one policy, completed.
func (d *DB) Policy(ctx context.Context, name string) (model.Policy, error) {
	var out model.Policy
	err := d.view(ctx, "read policy "+name, func(tx *tx) error {
		var r policyRow
		if err := tx.get(&r, `SELECT name, body FROM policy WHERE name = ?`, name); err != nil {
			return err
		}
		var err error
		out, err = r.policy()
		return err
	})
	return out, err
}

// SavePolicy inserts or replaces a policy. What the old one skipped is looked
// at again.
func (d *DB) SavePolicy(ctx context.Context, p model.Policy) error {
	if err := p.Check(); err != nil {
		return err
	}
	return d.update(ctx, "save policy "+p.Name, func(tx *tx) error {
		values := policyValues(p)
		var same int
		if err := tx.get(&same, `SELECT COUNT(*) FROM policy WHERE name = ? AND body = ?`, values[0], values[1]); err != nil || same > 0 {
			return err
		}
		if err := tx.exec(`INSERT INTO policy (name, body, settle_rounds) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET body = excluded.body, settle_rounds = excluded.settle_rounds`, values...); err != nil {
			return err
		}
		if err := tx.exec(`UPDATE link SET recheck = 1 WHERE state = 'skipped' AND mailbox IN (SELECT id FROM mailbox WHERE policy = ?)`, p.Name); err != nil {
			return err
		}
		return tx.revise(p.Name, values[1])
	})
}
