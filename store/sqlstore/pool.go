package sqlstore

import (
	"context"
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
	prepared map[statement]*sqlx.Stmt
}

// statement is a text with a list of n rows or keys.
type statement struct {
	text string
	n    int
}

func newPool(db *sqlx.DB, transactions int) *pool {
	db.SetMaxOpenConns(transactions + 1)
	db.SetMaxIdleConns(transactions + 1)
	return &pool{DB: db, slots: make(chan struct{}, transactions), prepared: map[statement]*sqlx.Stmt{}}
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

// statement returns a statement prepared once for each connection: parsing
// hundreds of placeholders anew costs as much as carrying them out. There are
// few, since lists have a power of two of members.
func (p *pool) statement(ctx context.Context, s statement, query func() string) (*sqlx.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if done := p.prepared[s]; done != nil {
		return done, nil
	}
	done, err := p.PreparexContext(ctx, query())
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
