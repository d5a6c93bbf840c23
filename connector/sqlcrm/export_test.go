package sqlcrm

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Full is a connector to a file that may not grow.
func Full(t testing.TB, s connector.Settings) connector.Connector {
	t.Helper()
	c, err := configure(s)
	if err != nil {
		t.Fatal(err)
	}
	return full{c}
}

// Impatient makes a connector cut connections that hang at once.
func Impatient(t testing.TB, s connector.Settings) connector.Connector {
	t.Helper()
	c, err := configure(s)
	if err != nil {
		t.Fatal(err)
	}
	c.address.patience = time.Millisecond
	return c
}

type full struct{ *crm }

func (f full) Open(_ context.Context, a model.Account) (connector.Session, error) {
	c := *f.crm
	s, err := c.open(a, false)
	if err != nil {
		return nil, err
	}
	_ = s.db.Close() // nothing was asked yet
	s.dsn = strings.Replace(s.dsn, "_pragma=", "_pragma=max_page_count(1)&_pragma=", 1)
	if s.db, err = sqlx.Open(s.dialect.driver, s.dsn); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	return s, nil
}
