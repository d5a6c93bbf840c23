package sqlcrm_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/connector/connectortest"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/model"
)

// sickness is what a PostgreSQL server does instead of its work.
type sickness struct {
	state   string         // answers with this SQLSTATE
	cut     bool           // closes the connection
	hang    bool           // never answers
	only    *regexp.Regexp // statements that it concerns; nil = all
	doorway bool           // new connections are refused, old ones closed
}

// between stands between the connector and a PostgreSQL server and speaks its
// protocol (PostgreSQL manual, chapter "Frontend/Backend Protocol").
type between struct {
	backend string
	now     atomic.Pointer[sickness]
}

// newBetween starts one and returns it with its address.
func newBetween(t *testing.T, backend string) (*between, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	b := &between{backend: backend}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c)
		}
	}()
	return b, l.Addr().String()
}

func (b *between) serve(front net.Conn) {
	defer func() { _ = front.Close() }()
	back, err := net.Dial("tcp", b.backend)
	if err != nil {
		return
	}
	defer func() { _ = back.Close() }()
	hello, err := message(front, false)
	if s := b.now.Load(); err != nil || s != nil && s.doorway {
		if err == nil {
			_, _ = front.Write(refusal(s.state))
		}
		return
	}
	if _, err := back.Write(hello); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(front, back)
		_ = front.Close()
	}()
	spoilt := false // until the next Sync
	for {
		m, err := message(front, true)
		if err != nil {
			return
		}
		s := b.now.Load()
		statement := m[0] == 'Q' || m[0] == 'P'
		if s != nil && (s.only == nil || statement && s.only.Match(m)) && m[0] != 'X' {
			if s.cut || s.doorway {
				return
			}
			spoilt = true
		}
		switch {
		case !spoilt:
			_, err = back.Write(m)
		case s != nil && s.hang:
		case m[0] == 'Q' || m[0] == 'S':
			spoilt = false
			_, err = front.Write(append(refusal(s.state), 'Z', 0, 0, 0, 5, s.status()))
		}
		if err != nil {
			return
		}
	}
}

// status is what the connection says of its transaction.
func (s *sickness) status() byte {
	if s.only != nil {
		return 'E'
	}
	return 'I'
}

// message reads one message of the client; the first has no type.
func message(r io.Reader, typed bool) ([]byte, error) {
	head := make([]byte, 4, 5)
	if typed {
		head = head[:5]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[len(head)-4:])) - 4
	out := append(head, make([]byte, n)...)
	_, err := io.ReadFull(r, out[len(head):])
	return out, err
}

// refusal is an ErrorResponse, with content in every field that may hold some.
func refusal(state string) []byte {
	var body []byte
	for _, f := range []string{
		"SERROR", "VERROR", "C" + state, "Mvalue Zanzibar-Quartz is wrong", "DFailing row contains (Ada Sample 1, Zanzibar-Quartz)",
		"HPerhaps geheim-4711", "tcontact", "ccompany", "ncontact_company_check", "Fexecute.c", "L17", "RExecConstraints",
	} {
		body = append(body, f...)
		body = append(body, 0)
	}
	body = append(body, 0)
	out := []byte{'E', 0, 0, 0, 0}
	binary.BigEndian.PutUint32(out[1:], uint32(len(body)+4))
	return append(out, body...)
}

// B9: whatever PostgreSQL says at whatever call is coded, and none of the
// values that it quotes is told.
func TestFaultMatrixPostgreSQL(t *testing.T) {
	p := onPostgres(t)
	var current place
	var proxy *between
	direct := ""
	ill := func(name string, s sickness, within ...time.Duration) connectortest.Wrong {
		w := connectortest.Wrong{Name: name, Happen: func(*testing.T, *connectortest.Fixture) { proxy.now.Store(&s) }}
		if len(within) > 0 {
			w.Within = within[0]
		}
		return w
	}
	writes := regexp.MustCompile(`(?i)\b(INSERT INTO|UPDATE|DELETE FROM) "`)
	var wrongs []connectortest.Wrong
	for _, state := range []string{
		"08006", "0A000", "25006", "26000", "3F000", "40001", "40P01", "42501", "42601", "42703", "42883", "42P01", "53100", "53200", "54000",
		"55P03", "57014", "57P01", "58030", "99999", "XX000", "XX001",
	} {
		wrongs = append(wrongs, ill("SQLSTATE "+state, sickness{state: state}))
	}
	for _, state := range []string{"22001", "22003", "22P02", "23502", "23503", "23505", "23514", "23P01", "40001", "44000", "53100", "P0001", "42501"} {
		wrongs = append(wrongs, ill("SQLSTATE "+state+" at a write", sickness{state: state, only: writes}))
	}
	for _, state := range []string{"28000", "28P01", "3D000", "53300", "57P03"} {
		wrongs = append(wrongs, ill("SQLSTATE "+state+" at the door", sickness{state: state, doorway: true}))
	}
	dsn := func(name string, change func(u *url.URL)) connectortest.Wrong {
		return connectortest.Wrong{Name: name, Happen: func(t *testing.T, f *connectortest.Fixture) {
			u, err := url.Parse(direct)
			must(t, err)
			change(u)
			settings := current.settings
			settings.Values = map[string]string{"dsn": u.String(), "schema": current.settings.Values["schema"]}
			f.Connector, err = sqlcrm.New(settings)
			must(t, err)
		}}
	}
	wrongs = append(wrongs,
		ill("the connection is cut", sickness{cut: true}),
		ill("the connection is cut at the commit", sickness{cut: true, only: regexp.MustCompile(`COMMIT`)}),
		ill("the server hangs", sickness{hang: true}, 300*time.Millisecond),
		dsn("the port is closed", func(u *url.URL) { u.Host = "127.0.0.1:1" }),
		dsn("the user is unknown", func(u *url.URL) { u.User = url.UserPassword("nobody-such", "geheim-4711") }),
		dsn("there is no such database", func(u *url.URL) { u.Path = "/none" }),
		dsn("the server has no TLS", func(u *url.URL) { u.RawQuery = "sslmode=require" }),
		connectortest.Wrong{Name: "a table is missing", Happen: func(t *testing.T, _ *connectortest.Fixture) { current.exec(t, "DROP TABLE contact CASCADE") }},
		connectortest.Wrong{Name: "a column is missing", Happen: func(t *testing.T, _ *connectortest.Fixture) {
			current.exec(t, "ALTER TABLE contact DROP COLUMN job_title CASCADE")
		}},
		connectortest.Wrong{Name: "rights are missing", Happen: func(t *testing.T, f *connectortest.Fixture) {
			u, err := url.Parse(direct)
			must(t, err)
			u.User = url.User("matrixreader")
			current.exec(t, "DROP ROLE IF EXISTS matrixreader")
			current.exec(t, "CREATE ROLE matrixreader LOGIN")
			current.exec(t, "GRANT USAGE ON SCHEMA "+current.settings.Values["schema"]+" TO matrixreader")
			current.exec(t, "GRANT SELECT ON ALL TABLES IN SCHEMA "+current.settings.Values["schema"]+" TO matrixreader")
			t.Cleanup(func() { _, _ = current.db.Exec("DROP OWNED BY matrixreader; DROP ROLE matrixreader") })
			current.settings.Values["dsn"] = u.String()
			f.Connector = current.connector(t)
		}},
	)
	connectortest.Matrix(t, "testdata/faults-postgresql.txt", model.Contact, func(t *testing.T) connectortest.Fixture {
		current = p.apart(t)
		direct = current.settings.Values["dsn"]
		u, err := url.Parse(direct)
		must(t, err)
		proxy, u.Host = newBetween(t, u.Host)
		f := referenceFixture(t, current)
		current.settings.Values["dsn"] = u.String()
		f.Connector = sqlcrm.Impatient(t, current.settings)
		f.Secrets = []string{"geheim-4711"}
		return f
	}, wrongs)
}

// The same for a file.
func TestFaultMatrixSQLite(t *testing.T) {
	var current place
	file := func() string { return filepath.Join(current.settings.Folder, "crm.db") }
	sql := func(name string, statements ...string) connectortest.Wrong {
		return connectortest.Wrong{Name: name, Happen: func(t *testing.T, _ *connectortest.Fixture) {
			for _, s := range statements {
				current.exec(t, s)
			}
		}}
	}
	other := func(name string, change func(t *testing.T) connector.Settings) connectortest.Wrong {
		return connectortest.Wrong{Name: name, Happen: func(t *testing.T, f *connectortest.Fixture) {
			c, err := sqlcrm.New(change(t))
			must(t, err)
			f.Connector = c
		}}
	}
	another := func(t *testing.T, content string) connector.Settings {
		s := current.settings
		s.Folder = t.TempDir()
		must(t, os.WriteFile(filepath.Join(s.Folder, "crm.db"), []byte(content), 0o600))
		return s
	}
	refusing := func(name, raise string) connectortest.Wrong {
		var all []string
		for _, on := range []string{"INSERT", "UPDATE", "DELETE"} {
			all = append(all, "CREATE TRIGGER refuse_"+on+" BEFORE "+on+" ON contact BEGIN SELECT "+raise+"; END")
		}
		return sql(name, all...)
	}
	connectortest.Matrix(t, "testdata/faults-sqlite.txt", model.Contact, func(t *testing.T) connectortest.Fixture {
		current = onSQLite(t)
		f := referenceFixture(t, current)
		f.Secrets = []string{"geheim-4711"}
		return f
	}, []connectortest.Wrong{
		sql("a table is missing", "DROP TABLE contact"),
		sql("a column is missing", "ALTER TABLE contact RENAME COLUMN job_title TO job"),
		refusing("a rule refuses", "RAISE(ABORT, 'Zanzibar-Quartz is not wanted')"),
		{Name: "somebody else writes", Within: 300 * time.Millisecond, Happen: func(t *testing.T, _ *connectortest.Fixture) {
			tx, err := current.db.Beginx()
			must(t, err)
			_, err = tx.Exec("UPDATE contact SET job_title = 'x'")
			must(t, err)
			t.Cleanup(func() { _ = tx.Rollback() })
		}},
		other("there is no file", func(t *testing.T) connector.Settings {
			s := current.settings
			s.Folder = t.TempDir()
			return s
		}),
		other("the file is no database", func(t *testing.T) connector.Settings {
			return another(t, strings.Repeat("Zanzibar-Quartz ", 100))
		}),
		other("the file is empty", func(t *testing.T) connector.Settings { return another(t, "") }),
		{Name: "the file was cut off", Happen: func(t *testing.T, _ *connectortest.Fixture) {
			current.exec(t, "PRAGMA wal_checkpoint(TRUNCATE)")
			must(t, os.Truncate(file(), 8192))
		}},
		{Name: "the disk is full", Happen: func(t *testing.T, f *connectortest.Fixture) {
			current.exec(t, "CREATE TABLE ballast (content BLOB)")
			for _, on := range []string{"INSERT", "UPDATE", "DELETE"} {
				current.exec(t, "CREATE TRIGGER heavy_"+on+" AFTER "+on+" ON contact BEGIN INSERT INTO ballast VALUES (randomblob(1000000)); END")
			}
			f.Connector = sqlcrm.Full(t, current.settings)
		}},
	})
}
