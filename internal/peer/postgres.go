//go:build unix

package peer

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	_ "github.com/lib/pq" // the driver of the production store
)

// Postgres is one empty database on a throw-away PostgreSQL server.
type Postgres struct {
	// DSN is the address of the database as a URL, for lib/pq and pgx alike.
	DSN string
	// Server is the server the database is on.
	Server *PostgresServer
}

// PostgresServer is a throw-away PostgreSQL server with fsync off: it is fast,
// and it loses data only if the machine fails.
type PostgresServer struct {
	in     *instance
	port   *port
	bin    string
	proc   *process
	number atomic.Int64
}

// shared is the server that all tests of a process use; starting one costs a
// second. It is the one variable of the package: the life of that server is
// the life of the process, which no test can own. Its watchdog ends it.
var shared = sync.OnceValues(startPostgres)

// PostgreSQL returns a fresh, empty database on the server that all tests of
// this process share. The database is dropped when the test ends.
func PostgreSQL(t TB) *Postgres {
	t.Helper()
	postgresBin(t)
	server, err := shared()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	return server.Database(t)
}

// PostgreSQLServer starts a server for this test alone, which it may Stop and
// Start. It is ended when the test ends.
func PostgreSQLServer(t TB) *PostgresServer {
	t.Helper()
	postgresBin(t)
	server, err := startPostgres()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if server.proc != nil {
			server.proc.stop()
		}
		server.port.release()
		server.in.remove()
	})
	return server
}

// postgresBin finds the folder of initdb and postgres, the newest one first.
func postgresBin(t TB) {
	t.Helper()
	if findPostgres() == "" {
		missing(t, "PostgreSQL", "postgresql")
	}
}

func findPostgres() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // Debian keeps versions apart
	slices.Sort(found)
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

func startPostgres() (*PostgresServer, error) {
	in, err := newInstance("postgres", "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	s := &PostgresServer{in: in, bin: findPostgres()}
	err = in.run("", filepath.Join(s.bin, "initdb"), "--pgdata", in.path("data"), "--username=lockstep",
		"--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8")
	if err == nil {
		s.port, err = pickPort()
	}
	if err == nil {
		err = s.start()
	}
	if err != nil {
		in.remove()
		return nil, err
	}
	return s, nil
}

func (s *PostgresServer) start() error {
	args := []string{"-D", s.in.path("data"), "-p", strconv.Itoa(s.port.number)}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=" + s.in.dir,
		"fsync=off", "full_page_writes=off", // commits still reach the WAL: they survive Stop
		"max_connections=200", "autovacuum_naptime=10min", "timezone=UTC",
	} {
		args = append(args, "-c", setting)
	}
	s.port.release()
	proc, err := s.in.start(syscall.SIGQUIT, filepath.Join(s.bin, "postgres"), args...)
	if err != nil {
		return err
	}
	if err := proc.ready(s.ping); err != nil {
		proc.stop()
		return err
	}
	s.proc = proc
	return nil
}

func (s *PostgresServer) ping() error { return s.exec("SELECT 1") }

// exec runs one statement on the maintenance database.
func (s *PostgresServer) exec(statement string) error {
	db, err := sql.Open("postgres", s.dsn("postgres"))
	if err != nil {
		return fmt.Errorf("open maintenance database: %w", err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		return fmt.Errorf("run statement: %w", err)
	}
	return nil
}

func (s *PostgresServer) dsn(database string) string {
	return fmt.Sprintf("postgres://lockstep@%s/%s?sslmode=disable", s.port.address(), database)
}

// Database creates an empty database that is dropped when the test ends.
func (s *PostgresServer) Database(t TB) *Postgres {
	t.Helper()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), s.number.Add(1))
	if err := s.exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if s.proc == nil {
			return // stopped by the test; its folder goes away as a whole
		}
		if err := s.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Logf("drop database: %v", err)
		}
	})
	return &Postgres{DSN: s.dsn(name), Server: s}
}

// Stop ends the server at once, as a crash would; the data and the port stay.
// Do not stop the server that other tests share.
func (s *PostgresServer) Stop(t TB) {
	t.Helper()
	if s.proc == nil {
		return
	}
	s.proc.stop()
	s.proc = nil
	if err := s.port.hold(); err != nil {
		t.Fatalf("stop PostgreSQL: %v", err)
	}
}

// Start starts a stopped server again, on its data and its port.
func (s *PostgresServer) Start(t TB) {
	t.Helper()
	if s.proc != nil {
		return
	}
	if err := s.start(); err != nil {
		t.Fatalf("start PostgreSQL again: %v", err)
	}
}
