package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/jmoiron/sqlx"
)

// pool is a pool of connections on which a limited number of transactions run
// at a time. One connection more than that is allowed, so that a statement can
// always be prepared while all others are busy.
type pool struct {
	*sqlx.DB
	slots chan struct{}

	mu       sync.Mutex
	prepared map[statement]*sql.Stmt
}

// statement is an insert of so many rows: what comes before and after VALUES.
type statement struct {
	head, tail string
	rows       int
}

func newPool(db *sqlx.DB, transactions int) *pool {
	db.SetMaxOpenConns(transactions + 1)
	db.SetMaxIdleConns(transactions + 1)
	return &pool{DB: db, slots: make(chan struct{}, transactions), prepared: map[statement]*sql.Stmt{}}
}

// enter waits for a transaction's turn; leave ends it.
func (p *pool) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) leave() { <-p.slots }

// statement returns an insert prepared once for each connection: parsing
// hundreds of placeholders anew costs as much as inserting. There are few of
// them, one for each table and power of two.
func (p *pool) statement(ctx context.Context, s statement, query func() string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if done := p.prepared[s]; done != nil {
		return done, nil
	}
	done, err := p.PrepareContext(ctx, query())
	if err == nil {
		p.prepared[s] = done
	}
	return done, err
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, s := range p.prepared {
		errs = append(errs, s.Close())
	}
	clear(p.prepared)
	return errors.Join(append(errs, p.Close())...)
}
