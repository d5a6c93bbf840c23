package sqlcrm

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// patience is how long a server may take to break off what it was told to. The
// driver would wait for ever for a server that hangs.
const patience = time.Second

// lines are a session's connections to its server, so that they can be cut.
type lines struct {
	net.Dialer
	patience time.Duration

	mu   sync.Mutex
	open map[net.Conn]bool
}

// openPostgres makes a pool whose connections are kept in lines.
func openPostgres(dsn string, l *lines) (*sqlx.DB, error) {
	c, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it means, and never what the driver said
	}
	c.Dialer(l)
	return sqlx.NewDb(sql.OpenDB(c), "postgres"), nil
}

// DialTimeout implements pq.Dialer.
func (l *lines) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return l.DialContext(ctx, network, address)
}

// Dial implements pq.Dialer.
func (l *lines) Dial(network, address string) (net.Conn, error) {
	return l.DialContext(context.Background(), network, address)
}

// DialContext implements pq.DialerContext.
func (l *lines) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := l.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // the driver and classify know it
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := &line{Conn: c, of: l}
	l.open[kept] = true
	return kept, nil
}

// line is one connection.
type line struct {
	net.Conn
	of *lines
}

// Close implements net.Conn.
func (c *line) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close() //nolint:wrapcheck // the driver ignores it
}

// cut ends every connection.
func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.(*line).Conn.Close() // whoever uses it is told
	}
}

// ended is ctx's error where ctx ended a request, whatever the driver says.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Others may hold an SQLite file's lock for that long. The driver itself would
// not notice meanwhile that the work was stopped, so it waits for a moment only.
const (
	lockPatience = 10 * time.Second
	lockMoment   = 200 * time.Millisecond
	lockPause    = 10 * time.Millisecond
)

// whenFree calls f again while others hold the lock of an SQLite file.
func (d *database) whenFree(ctx context.Context, f func() error) error {
	until := time.Now().Add(lockPatience)
	for {
		err := f()
		var lite *sqlite.Error
		if !errors.As(err, &lite) || lite.Code()&0xff != sqlite3.SQLITE_BUSY || ctx.Err() != nil || time.Now().After(until) {
			return ended(ctx, err)
		}
		pause := time.NewTimer(lockPause) // some locks are refused without waiting
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// bounded lets what goes on until done is called end soon after ctx does, even
// where the server answers nothing any more.
func (d *database) bounded(ctx context.Context) (done func()) {
	if d.lines == nil {
		return func() {}
	}
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		wait := time.NewTimer(d.lines.patience)
		defer wait.Stop()
		select {
		case <-over:
		case <-wait.C:
			d.lines.cut()
		}
	})
	return func() {
		stop()
		close(over)
	}
}
