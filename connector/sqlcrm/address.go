package sqlcrm

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	_ "modernc.org/sqlite" // the SQLite driver

	"lockstep.dev/connector"
	"lockstep.dev/issue"
)

// address is where the CRM's database is. It holds a password if the dsn did.
type address struct {
	dialect  dialect
	url      *url.URL // PostgreSQL
	path     string   // SQLite
	schema   string
	insecure bool          // allowed without TLS
	patience time.Duration // with a server that hangs; 0 = as patience says
}

// parseAddress reads dsn and what belongs to it. Its errors never quote dsn.
func parseAddress(s connector.Settings) (address, error) {
	dsn := strings.TrimSpace(s.Values["dsn"])
	a := address{schema: s.Values["schema"]}
	switch s.Values["allow_insecure"] {
	case "", "false":
	case "true":
		a.insecure = true
	default:
		return a, badSettings("The setting allow_insecure of the CRM connection is true or false.")
	}
	switch {
	case dsn == "":
		return a, badSettings("The setting dsn of the CRM connection is missing. It is a postgres:// address or the path of an SQLite file.")
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		return a, a.parsePostgres(dsn)
	case strings.Contains(dsn, "://"), strings.HasPrefix(dsn, "file:"), dsn == ":memory:":
		return a, badSettings("The setting dsn of the CRM connection is neither a postgres:// address nor the path of an SQLite file.")
	case a.schema != "":
		return a, badSettings("The setting schema of the CRM connection is for PostgreSQL; an SQLite file has no schemas.")
	}
	a.dialect, a.path = sqliteDialect(), inFolder(s.Folder, dsn)
	return a, nil
}

func (a *address) parsePostgres(dsn string) error {
	a.dialect = postgresDialect()
	u, err := url.Parse(dsn)
	if err != nil {
		return badSettings("The setting dsn of the CRM connection is no valid address. It looks like postgres://user@host:5432/database; special characters in a password are written as %%XX.")
	}
	a.url = u
	_, err = a.postgres("", "")
	return err
}

// String is how people call the place; it holds no secret.
func (a address) String() string {
	if a.dialect.name == sqliteName {
		return "SQLite file " + a.path
	}
	host := a.url.Host
	if h := a.url.Query().Get("host"); h != "" {
		host = h
	}
	return fmt.Sprintf("PostgreSQL database %s at %s", strings.TrimPrefix(a.url.Path, "/"), host)
}

// postgres returns the address for the driver, complete with credentials and
// with what we rely on: UTC, and TLS unless it is not needed.
func (a address) postgres(user, secret string) (string, error) {
	u := *a.url
	q := u.Query()
	if u.User == nil && user != "" {
		u.User = url.User(user)
	}
	if u.User != nil && secret != "" {
		if _, has := u.User.Password(); !has && q.Get("password") == "" {
			u.User = url.UserPassword(u.User.Username(), secret)
		}
	}
	q.Set("timezone", "UTC")
	if a.schema != "" {
		q.Set("search_path", quote(a.schema))
	}
	if q.Get("connect_timeout") == "" {
		q.Set("connect_timeout", "15")
	}
	if q.Get("application_name") == "" {
		q.Set("application_name", "lockstep")
	}
	if q.Get("sslmode") == "" && os.Getenv("PGSSLMODE") == "" {
		q.Set("sslmode", "require")
		if loopback(u.Hostname(), q.Get("host")) {
			q.Set("sslmode", "disable")
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), a.checkTLS(u.String())
}

// checkTLS refuses to send a password in the clear (D-20, design decision 17).
func (a address) checkTLS(dsn string) error {
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		// The driver's text may quote parts of the address.
		return badSettings("The setting dsn of the CRM connection has a parameter that PostgreSQL does not know or a value that it does not accept.")
	}
	hosts := []string{cfg.Host}
	for _, m := range cfg.Multi {
		hosts = append(hosts, m.Host)
	}
	switch cfg.SSLMode {
	case pq.SSLModeRequire, pq.SSLModeVerifyCA, pq.SSLModeVerifyFull:
		return nil
	}
	for _, h := range hosts {
		if !a.insecure && !loopback(h, "") {
			return issue.Fault("sqlcrm.insecure")
		}
	}
	return nil
}

// loopback reports whether traffic to a host stays on this machine.
func loopback(host, override string) bool {
	if override != "" {
		host = override
	}
	if host == "" || host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// openDatabase makes a pool for one session. It does not connect yet.
func openDatabase(a address, user, secret string, create bool) (*database, error) {
	d := &database{dialect: a.dialect, place: a.String(), schema: a.schema}
	if a.dialect.name == postgresName {
		dsn, err := a.postgres(user, secret)
		if err != nil {
			return nil, err
		}
		d.dsn = dsn
	} else {
		d.dsn = sqliteDSN(a.path, create)
		if _, err := os.Stat(a.path); err != nil && !create {
			return nil, d.classify(err)
		}
	}
	db, err := a.openPool(d)
	if err != nil {
		return nil, badSettings("The setting dsn of the CRM connection cannot be understood.")
	}
	d.db = db
	if a.dialect.name == sqliteName {
		db.SetMaxOpenConns(1) // one writer; a session has one user anyway
	} else {
		db.SetMaxOpenConns(4)
	}
	return d, nil
}

func (a address) openPool(d *database) (*sqlx.DB, error) {
	if a.dialect.name != postgresName {
		return sqlx.Open(a.dialect.driver, d.dsn) //nolint:wrapcheck // the caller says what it means
	}
	d.lines = &lines{patience: patience, open: map[net.Conn]bool{}}
	if a.patience > 0 {
		d.lines.patience = a.patience
	}
	return openPostgres(d.dsn, d.lines)
}

// sqliteDSN waits for other writers, and takes the write lock when a writing
// transaction begins, so that two of them cannot block each other half-way.
func sqliteDSN(path string, create bool) string {
	mode := "rw"
	if create {
		mode = "rwc"
	}
	u := url.URL{Scheme: "file", Path: path}
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", lockMoment.Milliseconds()), "foreign_keys(1)"}}
	u.RawQuery = q.Encode()
	return u.String()
}
