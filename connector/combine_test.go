package connector_test

import (
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// D-38 binds Dataverse online with Exchange Online; elsewhere it is a warning.
func TestCombine(t *testing.T) {
	crm := func(name string, set map[string]string) model.Connection {
		return model.Connection{Side: model.CRM, Connector: name, Settings: set}
	}
	mail := func(name string, set map[string]string) model.Connection {
		return model.Connection{Side: model.Mail, Connector: name, Settings: set}
	}
	here := map[string]string{"tenant": "t1", "sign_in": "s2s"}
	for name, c := range map[string]struct {
		crm, mail     model.Connection
		refused, warn string
	}{
		"supported":           {crm("dataverse", here), mail("exchange", here), "", ""},
		"own password":        {crm("dataverse", here), mail("exchange", map[string]string{"tenant": "t1", "sign_in": "credentials"}), "signs in with credentials", ""},
		"no autodiscover":     {crm("dataverse", here), mail("exchange", map[string]string{"tenant": "t1", "autodiscover": "no"}), "does not discover its server", ""},
		"port":                {crm("dataverse", here), mail("exchange", map[string]string{"tenant": "t1", "port": "8443"}), "port 8443", ""},
		"tenant":              {crm("dataverse", here), mail("exchange", map[string]string{"tenant": "t2"}), "different tenants", ""},
		"Exchange at home":    {crm("dataverse", here), mail("exchange", map[string]string{"tenant": "t1", "deployment": "on-premises", "sign_in": "impersonation"}), "", "signs in with impersonation"},
		"another CRM":         {crm("sqlcrm", nil), mail("exchange", map[string]string{"sign_in": "credentials"}), "", "signs in with credentials"},
		"nothing of it":       {crm("sqlcrm", nil), mail("dav", map[string]string{"port": "8443"}), "", ""},
		"two of one side":     {crm("sqlcrm", nil), crm("sqlcrm", nil), "one connection of the crm side and one of the mail side", ""},
		"the other way round": {mail("dav", nil), crm("sqlcrm", nil), "one connection of the crm side", ""},
	} {
		refused, warning := connector.Combine(c.crm, c.mail)
		for _, v := range [][2]string{{refused, c.refused}, {warning, c.warn}} {
			if (v[0] == "") != (v[1] == "") || !strings.Contains(v[0], v[1]) {
				t.Errorf("%s: says %q, want %q", name, v[0], v[1])
			}
		}
	}
}
