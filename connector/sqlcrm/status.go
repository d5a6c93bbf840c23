package sqlcrm

import (
	"context"
	"errors"
	"strconv"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Report is what Status tells of a CRM's database.
type Report struct {
	Place     string // the database, without credentials
	Installed bool   // what Install creates is there
	Mapped    bool   // a mapping file describes the tables
	Kinds     []KindReport
	// Held is the age in seconds of the oldest writing transaction that is under
	// way, on PostgreSQL: changes younger than it wait for it.
	Held int64
}

// KindReport is one kind.
type KindReport struct {
	Kind      model.Kind
	Table     string
	Items     int64
	Delta     bool // changes and deletions are read as such; otherwise by full listings
	Creatable bool // keys have a place
}

// Status reads what there is, and changes nothing. Tables that are missing are
// told in the report, where that is what Install is for.
func Status(ctx context.Context, settings connector.Settings) (Report, error) {
	c, err := configure(settings)
	if err != nil {
		return Report{}, err
	}
	out := Report{Place: c.address.String(), Mapped: !c.mapping.reference}
	s, err := c.open(model.Account{}, false)
	if err == nil {
		defer func() { _ = s.Close() }()
		err = s.ready(ctx)
	}
	var f *fault.Fault
	if errors.As(err, &f) && (f.Code == "sqlcrm.no-tables" || f.Code == "sqlcrm.schema" || f.Code == "sqlcrm.open") && c.mapping.reference {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Installed = s.catalog.hasID && (c.mapping.reference || s.catalog.hasKey)
	for _, t := range c.mapping.tables() {
		k, err := s.reportKind(ctx, t)
		if err != nil {
			return out, err
		}
		out.Kinds = append(out.Kinds, k)
	}
	out.Held, err = s.held(ctx)
	return out, err
}

func (s *session) reportKind(ctx context.Context, t *table) (KindReport, error) {
	only, args := s.fixed("t", t.Table, t.Fixed)
	if t.Deleted != nil && t.Deleted.Column != "" {
		only += " AND " + s.living(t)
		args = append(args, t.Deleted.Value)
	}
	rows, err := s.texts(ctx, s.db, 1, "SELECT CAST(count(*) AS TEXT) FROM "+quote(t.Table)+" t WHERE 1 = 1"+only, args...)
	if err != nil {
		return KindReport{}, err
	}
	n, err := strconv.ParseInt(rows[0][0].String, 10, 64)
	return KindReport{
		Kind: t.kind, Table: t.Table, Items: n,
		Delta:     t.Version != nil && t.Deleted != nil,
		Creatable: t.Key != "" || s.catalog.hasKey,
	}, err
}

// held looks for the oldest transaction that has written.
func (s *session) held(ctx context.Context) (int64, error) {
	if s.dialect.name != postgresName {
		return 0, nil
	}
	rows, err := s.texts(ctx, s.db, 1, `SELECT CAST(coalesce(floor(extract(epoch FROM max(clock_timestamp() - xact_start))), 0) AS bigint)
		FROM pg_stat_activity WHERE backend_xid IS NOT NULL`)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(rows[0][0].String, 10, 64)
}
