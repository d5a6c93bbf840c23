package sqlcrm_test

import (
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/connector/connectortest"
	"lockstep.dev/model"
)

// The laws of the connector contract, on our own schema.
func TestConnectorReferenceSQLite(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture { return referenceFixture(t, onSQLite(t)) })
}

func TestConnectorReferencePostgreSQL(t *testing.T) {
	p := onPostgres(t)
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture { return referenceFixture(t, p.apart(t)) })
}

func referenceFixture(t *testing.T, p place) connectortest.Fixture {
	t.Helper()
	p.reference(t)
	p.exec(t, "INSERT INTO crm_user (id, name, email) VALUES ('user-1', 'Uma User', 'uma@example.com')")
	f := p.fixture(t, referenceHomes())
	f.Actor = "user-1"
	f.Expire = func(t testing.TB, _ model.Collection, live model.Cursor) model.Cursor {
		p.exec(t, "UPDATE lockstep_meta SET value = 'another' WHERE name = 'epoch'")
		return live
	}
	if p.postgres {
		f.Denied = func(t testing.TB) (connector.Connector, model.Account, string) {
			const secret = "wrong-secret-4711"
			denied := p
			denied.settings.Values = map[string]string{"dsn": strings.Replace(p.settings.Values["dsn"], "lockstep@", "nobody-such:"+secret+"@", 1)}
			return denied.connector(t), model.Account{}, secret
		}
	}
	return f
}
