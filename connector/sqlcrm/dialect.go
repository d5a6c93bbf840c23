package sqlcrm

import (
	"strings"

	"github.com/jmoiron/sqlx"
)

// The two databases.
const (
	postgresName = "PostgreSQL"
	sqliteName   = "SQLite"
)

// dialect is what differs between the two. SQL is written with ? for values.
type dialect struct {
	name   string
	driver string // database/sql
	lock   string // ends a SELECT whose rows are about to be written
}

func postgresDialect() dialect {
	return dialect{name: postgresName, driver: "postgres", lock: " FOR UPDATE OF t"}
}

// sqliteDialect locks nothing: a writing transaction has the file to itself.
func sqliteDialect() dialect { return dialect{name: sqliteName, driver: "sqlite"} }

// bind turns ? into what the driver wants.
func (d dialect) bind(query string) string {
	if d.name == postgresName {
		return sqlx.Rebind(sqlx.DOLLAR, query)
	}
	return query
}

// param is a placeholder for a text that becomes a value of a column's type.
// SQLite converts by the column's affinity.
func (d dialect) param(sqlType string) string {
	if d.name == postgresName && sqlType != "" {
		return "CAST(? AS " + sqlType + ")"
	}
	return "?"
}

// params is a list of n placeholders.
func (d dialect) params(sqlType string, n int) string {
	return strings.TrimSuffix(strings.Repeat(d.param(sqlType)+",", n), ",")
}

// now is the time of the statement.
func (d dialect) now(sqlType string) string {
	if d.name == postgresName {
		return "CAST(clock_timestamp() AS " + sqlType + ")"
	}
	return "strftime('%Y-%m-%d %H:%M:%f', 'now')"
}

// quote makes a name of a table, with or without its schema, or of a column
// safe to stand in SQL.
func quote(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
	}
	return strings.Join(parts, ".")
}
