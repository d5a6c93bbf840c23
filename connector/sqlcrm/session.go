package sqlcrm

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// session acts on one organisation. Watch may run beside one other call.
type session struct {
	*database
	now   func() time.Time
	plain bool // the server's own identity is not for us to see

	// What Watch keeps between calls.
	listener *pq.Listener
	eyeDB    *sql.DB
	eye      *sql.Conn
	seen     int64
}

var (
	_ connector.Session   = (*session)(nil)
	_ connector.Watcher   = (*session)(nil)
	_ connector.Directory = (*session)(nil)
)

// Test tells whether the database is reached, has what the mapping names, and
// lets us read and write it. It changes nothing.
func (s *session) Test(ctx context.Context, w model.Workload) error {
	if w != model.ACT {
		return issue.Fault("sqlcrm.workload")
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	for _, t := range s.mapping.tables() {
		if err := s.testTable(ctx, t); err != nil {
			return err
		}
	}
	if s.dialect.name == sqliteName {
		// Taking the write lock tells whether the file may be written to.
		return s.write(ctx, func(*sqlx.Tx) error { return nil })
	}
	return nil
}

// testTable reads one row and asks for the rights to write.
func (s *session) testTable(ctx context.Context, t *table) error {
	if _, err := s.texts(ctx, s.db, 1, "SELECT CAST("+quote(t.ID)+" AS TEXT) FROM "+quote(t.Table)+" LIMIT 1"); err != nil {
		return err
	}
	if t.Key == "" && !s.catalog.hasKey {
		return noKeys(t)
	}
	if s.dialect.name != postgresName {
		return nil
	}
	tables := []string{t.Table}
	for _, f := range t.Fields {
		if f.Rows != nil {
			tables = append(tables, f.Rows.Table)
		}
	}
	for _, name := range tables {
		for _, right := range []string{"INSERT", "UPDATE", "DELETE"} {
			rows, err := s.texts(ctx, s.db, 1, "SELECT CAST(has_table_privilege(CAST(? AS text), CAST(? AS text)) AS text)", quote(name), right)
			if err != nil {
				return err
			}
			if len(rows) == 1 && !truth(rows[0][0].String) && (right != "DELETE" || t.Deleted == nil || t.Deleted.Column == "") {
				return issue.Fault("sqlcrm.denied-table", "place", s.place, "right", right, "table", name)
			}
		}
	}
	return nil
}

// Identity returns the id that the reference schema, or lockstep schema
// install, gave to the database.
func (s *session) Identity(ctx context.Context) (string, error) {
	if err := s.ready(ctx); err != nil {
		return "", err
	}
	return s.meta(ctx, "instance")
}

// meta returns a value of our own small table, "" where that is not installed.
func (s *session) meta(ctx context.Context, name string) (string, error) {
	if !s.catalog.hasID {
		return "", nil
	}
	rows, err := s.texts(ctx, s.db, 1, "SELECT value FROM "+metaTable+" WHERE name = ?", name)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0][0].String, nil
}

// Collections returns one collection for each mapped kind.
func (s *session) Collections(ctx context.Context) ([]model.Collection, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	names := map[model.Kind]string{model.Contact: "Contacts", model.Event: "Appointments", model.Task: "Tasks"}
	var out []model.Collection
	for _, t := range s.mapping.tables() {
		out = append(out, model.Collection{ID: string(t.kind), Kind: t.kind, Name: names[t.kind], Primary: true})
	}
	return out, nil
}

// tableOf returns the table behind a collection.
func (s *session) tableOf(ctx context.Context, c model.Collection) (*table, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	t := s.mapping.of(model.Kind(c.ID))
	if t == nil {
		return nil, issue.Fault("sqlcrm.collection", "collection", c.ID)
	}
	return t, nil
}

// Probe returns the highest version and the epoch.
func (s *session) Probe(ctx context.Context, c model.Collection) (connector.Mark, error) {
	t, err := s.tableOf(ctx, c)
	if err != nil {
		return connector.Mark{}, err
	}
	epoch, err := s.epoch(ctx)
	if err != nil || t.Version == nil {
		return connector.Mark{Epoch: epoch}, err
	}
	high, err := s.highest(ctx, s.db, t)
	if err != nil {
		return connector.Mark{}, err
	}
	m := connector.Mark{Epoch: epoch}
	if t.Version.Kind == "number" {
		m.High, _ = strconv.ParseInt(high, 10, 64) // an empty table has none
	} else if at, err := parseTime(high, time.UTC); err == nil {
		m.High = at.UnixMicro()
	}
	return m, nil
}

// epoch identifies the database in its present life. It changes when tables
// are emptied with TRUNCATE, and on PostgreSQL when the data moved to another
// server or database, or the server was promoted or restored.
func (s *session) epoch(ctx context.Context) (string, error) {
	own, err := s.meta(ctx, "epoch")
	if err != nil || s.dialect.name != postgresName || s.plain {
		return own, err
	}
	rows, err := s.texts(ctx, s.db, 1, `SELECT concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
		(SELECT timeline_id FROM pg_control_checkpoint()), (SELECT oid FROM pg_database WHERE datname = current_database()))`)
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.Unsupported) {
		s.plain = true // some hosters hide it
		return own, nil
	}
	if err != nil {
		return "", err
	}
	return shortHash(own + rows[0][0].String), nil
}

// highest returns the highest version of a kind, deletions included; "" for an
// empty table.
func (s *session) highest(ctx context.Context, q querier, t *table) (string, error) {
	query, args := s.highestQuery(t)
	rows, err := s.texts(ctx, q, 1, "SELECT CAST(h.v AS TEXT) FROM ("+query+") h", args...)
	if err != nil {
		return "", err
	}
	return rows[0][0].String, nil
}

func (s *session) highestQuery(t *table) (string, []any) {
	only, args := s.fixed("t", t.Table, t.Fixed)
	query := "SELECT max(t." + quote(t.Version.Column) + ") AS v FROM " + quote(t.Table) + " t WHERE 1 = 1" + only
	if d := t.Deleted; d != nil && d.Table != "" {
		gone, more := s.fixed("g", d.Table, d.Fixed)
		query += " UNION ALL SELECT max(g." + quote(d.Version) + ") FROM " + quote(d.Table) + " g WHERE 1 = 1" + gone
		args = append(args, more...)
	}
	return "SELECT max(m.v) AS v FROM (" + query + ") m", args
}

// Close ends the session's connections.
func (s *session) Close() error {
	if s.listener != nil {
		_ = s.listener.Close() // it can only tell that it is closed already
	}
	if s.eye != nil {
		_ = s.eye.Close()
		_ = s.eyeDB.Close()
	}
	return s.classify(s.db.Close())
}
