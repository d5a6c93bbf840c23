package issue

import "lockstep.dev/fault"

// Alerts is how people know the part that tells them of sync errors.
const Alerts = "Alerts"

// alerting declares what keeps an alert from reaching people. Class and scope
// say when it is tried again: in scope Server nothing else goes through either,
// in scope Item only this notice does not. <place> is a server.
func alerting() []Entry {
	return of(Alerts, "",
		Entry{
			Code: "alert.setting", Class: fault.Invalid, Scope: fault.Server, Then: "Nobody is told until it is corrected; everything is synced as before.",
			Message: "Alerts cannot be delivered like this: the setting <key> <problem>.", Cause: "What the configuration says under alerts cannot be used.", Solution: "Correct it and have it checked with: lockstep alert test.",
		},
		Entry{
			Code: "alert.insecure", Class: fault.Denied, Scope: fault.Server, Row: "D-20", Then: "Nobody is told until it is corrected; everything is synced as before.",
			Message: insecureText, Cause: insecureCause,
			Solution: "Have the server offer TLS, or use smtps or https; to do without, set allow_insecure to true.",
		},
		Entry{
			Code: "alert.unreachable", Class: fault.Transient, Scope: fault.Server, Then: sendAgain,
			Message: "The <place> cannot be reached, so nobody is told of sync errors.", Cause: "It does not run, its address is mistyped, or the network between is interrupted.", Solution: "Check the address under alerts in the configuration, and the server.",
		},
		Entry{
			Code: "alert.certificate", Class: fault.Denied, Scope: fault.Server, Then: sendAgain,
			Message: "The certificate of the <place> is not trusted, so nobody is told of sync errors.", Cause: "It expired, is made out for another name, or comes from an authority that this machine does not know.", Solution: "Have the certificate renewed, or make its issuer known to this machine (SSL_CERT_FILE).",
		},
		Entry{
			Code: "alert.sign-in", Class: fault.Auth, Scope: fault.Server, Then: sendAgain,
			Message: "The <place> does not accept the user name and password, so nobody is told of sync errors.", Cause: "The password was changed, or the server offers no way to sign in that Lockstep knows.", Solution: "Correct user and secret under alerts in the configuration.",
		},
		Entry{
			Code: "alert.sender", Class: fault.Denied, Scope: fault.Server, Then: sendAgain,
			Message: "The <place> does not accept mail from <sender>.", Cause: "The user who signs in may not send under this address.", Solution: "Correct from under alerts in the configuration.",
		},
		Entry{
			Code: "alert.later", Class: fault.Transient, Scope: fault.Item, Then: sendAgain,
			Message: "The <place> could not take the notice now.", Cause: "It is busy, limits how much is sent, or holds unknown senders back for a while.", Solution: "It is sent again by itself.",
		},
		Entry{
			Code: "alert.refused", Class: fault.Invalid, Scope: fault.Item, Acts: fault.Admin, Then: "This notice is given up; the alert is listed as before.",
			Message: "The <place> refuses the notice for good.", Cause: "There is no such recipient, or a rule of the server forbids the message.", Solution: "Correct the address: the owner of the connection, the administrator of the policy, or the one under alerts.",
		},
		Entry{
			Code: "alert.gave-up", Class: fault.Transient, Scope: fault.Item, Acts: fault.Admin, Then: "This notice is given up; the alert is listed as before.",
			Message: "The notice could not be delivered for three days.", Cause: "The reason of the last attempt is shown with it.", Solution: "Mend what kept it; new alerts are delivered as before.",
		},
	)
}

const sendAgain = "The notice is sent again, after longer and longer times up to an hour, for three days."
