package sqlstore

import (
	"context"
	"errors"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Lease takes the mailbox's lease.
func (d *DB) Lease(ctx context.Context, id model.MailboxID, token string, now, ends time.Time) (time.Time, error) {
	until := ends
	err := d.update(ctx, "take lease of mailbox "+string(id), func(tx *tx) error {
		n, err := tx.count(`UPDATE mailbox SET lease_token = ?, lease_ends = ?
			WHERE id = ? AND (lease_token = '' OR lease_token = ? OR lease_ends <= ?)`,
			token, micros(ends), string(id), token, micros(now))
		if err != nil || n > 0 {
			return err
		}
		var held int64
		if err := tx.get(&held, `SELECT lease_ends FROM mailbox WHERE id = ?`, string(id)); err != nil {
			return err
		}
		until = instant(held)
		return store.ErrStale
	})
	if err != nil && !errors.Is(err, store.ErrStale) {
		return time.Time{}, err
	}
	return until, err
}

// Release gives the lease back; somebody else's is left alone.
func (d *DB) Release(ctx context.Context, id model.MailboxID, token string) error {
	return d.update(ctx, "release lease of mailbox "+string(id), func(tx *tx) error {
		return tx.exec(`UPDATE mailbox SET lease_token = '', lease_ends = 0 WHERE id = ? AND lease_token = ?`, string(id), token)
	})
}

// DropLeases frees every lease.
func (d *DB) DropLeases(ctx context.Context) error {
	return d.update(ctx, "free leases", func(tx *tx) error {
		return tx.exec(`UPDATE mailbox SET lease_token = '', lease_ends = 0 WHERE lease_token <> ''`)
	})
}

// Renew extends the lease.
func (d *DB) Renew(ctx context.Context, id model.MailboxID, token string, ends time.Time) error {
	return d.update(ctx, "renew lease of mailbox "+string(id), func(tx *tx) error {
		n, err := tx.count(`UPDATE mailbox SET lease_ends = ? WHERE id = ? AND lease_token = ?`, micros(ends), string(id), token)
		return stale(n, err)
	})
}

// holds checks the token within a transaction, and keeps others from taking the
// lease before it commits.
func holds(tx *tx, id model.MailboxID, token string) error {
	n, err := tx.count(`UPDATE mailbox SET lease_token = lease_token WHERE id = ? AND lease_token = ? AND lease_token <> ''`, string(id), token)
	return stale(n, err)
}

// stale says ErrStale if no row was touched.
func stale(n int64, err error) error {
	if err == nil && n == 0 {
		return store.ErrStale
	}
	return err
}

// Advance raises the generation.
func (d *DB) Advance(ctx context.Context, id model.MailboxID, atLeast int64) (int64, error) {
	var g int64
	err := d.update(ctx, "advance generation of mailbox "+string(id), func(tx *tx) error {
		return tx.get(&g, `UPDATE mailbox SET generation = 1 + CASE WHEN generation > CAST(? AS BIGINT) THEN generation ELSE CAST(? AS BIGINT) END
			WHERE id = ? RETURNING generation`, atLeast, atLeast, string(id))
	})
	return g, err
}
