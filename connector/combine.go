package connector

import (
	"fmt"
	"strings"

	"lockstep.dev/model"
)

// Combine tells whether a CRM and a mail system can work together (requirements
// D-38, D-39): why they cannot, and what is to be known though they can; both ""
// if there is nothing to say. The rules that Microsoft gives bind Dataverse
// online with Exchange Online; elsewhere what they forbid there is a warning.
func Combine(crm, mail model.Connection) (refused, warning string) {
	if crm.Side != model.CRM || mail.Side != model.Mail {
		return "a mailbox needs one connection of the crm side and one of the mail side", ""
	}
	said := online(crm, mail)
	if said == "" {
		return "", ""
	}
	if bound(crm, mail) {
		return said + "; Dataverse online works with Exchange Online only in the same tenant, by server-to-server sign-in, at the server's own address and ports", ""
	}
	return "", said
}

// bound reports whether Microsoft's rules bind.
func bound(crm, mail model.Connection) bool {
	return crm.Connector == "dataverse" && crm.Settings["deployment"] != "on-premises" && mail.Connector == "exchange" && mail.Settings["deployment"] != "on-premises"
}

// online is what D-38 forbids and these connections do.
func online(crm, mail model.Connection) string {
	if mail.Connector != "exchange" {
		return ""
	}
	var out []string
	for _, c := range []struct {
		is   bool
		says string
	}{
		{mail.Settings["sign_in"] != "" && mail.Settings["sign_in"] != "s2s", "the profile signs in with " + mail.Settings["sign_in"]},
		{mail.Settings["autodiscover"] == "no", "the profile does not discover its server by itself"},
		{mail.Settings["port"] != "" && mail.Settings["port"] != "443", fmt.Sprintf("the profile uses port %s", mail.Settings["port"])},
		{crm.Settings["tenant"] != mail.Settings["tenant"], "CRM and mail belong to different tenants"},
	} {
		if c.is {
			out = append(out, c.says)
		}
	}
	return strings.Join(out, ", ")
}
