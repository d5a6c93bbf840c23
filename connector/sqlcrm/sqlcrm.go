// Package sqlcrm is the connector to a CRM that lives in a SQL database, on
// PostgreSQL or SQLite: with our reference schema, or with tables of its own
// that a mapping file describes. README.md says what to configure and to grant.
package sqlcrm

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Name is the connector's key in configurations.
const Name = "sqlcrm"

const (
	pageSize   = 500  // items of a page, with their content
	listSize   = 2000 // refs of a page
	writeBatch = 200
	fetchBatch = 500
)

// crm is a configured SQL CRM.
type crm struct {
	address address
	mapping *mapping
	secret  string
}

// PathSettings names the settings that may be file names.
func PathSettings() []string { return []string{"dsn", "mapping"} }

// New reads the settings: dsn (a postgres:// URL or the path of an SQLite
// file), mapping (a YAML file; without it the reference schema), schema (the
// PostgreSQL schema of the tables) and allow_insecure (true lets a password
// travel without TLS). It opens nothing. A wrong setting is a *fault.Fault
// that names the key.
func New(s connector.Settings) (connector.Connector, error) {
	c, err := configure(s)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func configure(s connector.Settings) (*crm, error) {
	known := []string{"allow_insecure", "dsn", "link", "mapping", "schema"}
	for _, key := range slices.Sorted(maps.Keys(s.Values)) {
		if !slices.Contains(known, key) {
			return nil, badSettings("The setting %s of the CRM connection is unknown. Known are %s.", key, strings.Join(known, ", "))
		}
	}
	a, err := parseAddress(s)
	if err != nil {
		return nil, err
	}
	c := &crm{address: a, secret: s.Secret}
	c.mapping, err = readMapping(s, a.dialect)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// readMapping returns the mapping that the settings name.
func readMapping(s connector.Settings, d dialect) (*mapping, error) {
	name := s.Values["mapping"]
	if name == "" {
		return mapReference(d)
	}
	path := inFolder(s.Folder, name)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, badSettings("The mapping file %s cannot be read. Check the setting mapping of the CRM connection.", path)
	}
	m, err := parseMapping(name, text)
	if err != nil {
		return nil, err
	}
	for _, t := range m.tables() {
		if t.Version != nil && t.Version.Transaction != "" && d.name != postgresName {
			return nil, badMapping("%s, line %d: %s.version.transaction exists on PostgreSQL only.", name, m.line(string(t.kind), "version", "transaction"), t.kind)
		}
	}
	return m, nil
}

// inFolder lets a relative path count from a folder.
func inFolder(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// Name is the connector's key in configurations.
func (c *crm) Name() string { return Name }

// Filter implements connector.Filterer: the mapping selects.
func (c *crm) Filter() string { return c.mapping.sum }

// Capabilities follow from the mapping.
func (c *crm) Capabilities() connector.Capabilities {
	kinds := map[model.Kind]connector.KindCapabilities{}
	for _, t := range c.mapping.tables() {
		parallel := 4
		if c.address.dialect.name == sqliteName {
			parallel = 1
		}
		kinds[t.kind] = connector.KindCapabilities{
			Create: connector.T1,
			Fields: slices.Clone(t.names),
			Delta:  t.Version != nil && t.Deleted != nil,
			// Every write locks its row and compares the version first; without a
			// version column that is a hash of the content.
			Conditional: true,
			Ordered:     t.Version != nil,
			WriteBatch:  writeBatch,
			FetchBatch:  fetchBatch,
			Parallel:    parallel,
			Lag:         0,
		}
	}
	return connector.Capabilities{Side: model.CRM, Kinds: kinds}
}

// Open prepares a session for the organisation. It does not connect yet.
func (c *crm) Open(_ context.Context, a model.Account) (connector.Session, error) {
	s, err := c.open(a, false)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// open makes a session; create lets an SQLite file come into being.
func (c *crm) open(a model.Account, create bool) (*session, error) {
	secret := a.Secret
	if secret == "" {
		secret = c.secret
	}
	d, err := openDatabase(c.address, a.User, secret, create)
	if err != nil {
		return nil, err
	}
	d.mapping = c.mapping
	return &session{database: d, now: time.Now}, nil
}
