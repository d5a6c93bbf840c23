package sqlcrm

import (
	"context"
	"database/sql"
	"time"

	"github.com/lib/pq"

	"lockstep.dev/issue"
)

// channel is what the reference schema's triggers notify.
const channel = "lockstep"

// Watch waits for a change. PostgreSQL's triggers send a notification; an
// SQLite file is asked each second whether another connection wrote to it.
// Changes between two calls are not missed.
func (s *session) Watch(ctx context.Context) error {
	if s.dialect.name == sqliteName {
		return s.watchFile(ctx)
	}
	if err := s.listen(ctx); err != nil {
		return err
	}
	check := time.NewTicker(time.Minute)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.classify(ctx.Err())
		case <-s.listener.NotificationChannel():
			// A nil notification says that the connection was made anew, and
			// that some may have been missed.
			return nil
		case <-check.C:
			if err := s.listener.Ping(); err != nil {
				_ = s.listener.Close()
				s.listener = nil
				return issue.Fault("sqlcrm.watch", "place", s.place)
			}
		}
	}
}

// listen starts listening. The driver goes on trying for ever, so the address
// and the password are tried first and ctx is watched beside it.
func (s *session) listen(ctx context.Context) error {
	if s.listener != nil {
		return nil
	}
	if err := s.db.PingContext(ctx); err != nil {
		return s.classify(err)
	}
	l := pq.NewListener(s.dsn, time.Second, time.Minute, nil)
	listening := make(chan error, 1)
	go func() { listening <- l.Listen(channel) }()
	var err error
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-listening:
	}
	if err != nil {
		_ = l.Close()
		return s.classify(err)
	}
	s.listener = l
	return nil
}

// watchFile asks for SQLite's data_version, which changes when another
// connection commits (sqlite.org/pragma.html#pragma_data_version).
func (s *session) watchFile(ctx context.Context) error {
	conn, err := s.watcher(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		var now int64
		if err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&now); err != nil {
			return s.classify(err)
		}
		if s.seen != 0 && s.seen != now {
			s.seen = now
			return nil
		}
		s.seen = now
		select {
		case <-ctx.Done():
			return s.classify(ctx.Err())
		case <-tick.C:
		}
	}
}

// watcher is a connection that does nothing but watch: data_version counts
// the commits of others only, and we want to see our own session's, too.
func (s *session) watcher(ctx context.Context) (*sql.Conn, error) {
	if s.eye != nil {
		return s.eye, nil
	}
	db, err := sql.Open(s.dialect.driver, s.dsn)
	if err != nil {
		return nil, s.classify(err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, s.classify(err)
	}
	s.eye, s.eyeDB = conn, db
	return conn, nil
}
