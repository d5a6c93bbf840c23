package issue

import (
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Exchange is how users of SAP Cloud for Customer know the part that talks to
// Exchange (requirement S-02).
const Exchange = "ExchangeConnector"

// exchange declares what stops an Exchange mailbox.
func exchange() []Entry {
	return of(Exchange, model.Mail,
		Entry{
			Code: "exchange.auth", Class: fault.Auth, Scope: fault.Mailbox, Row: "S-03", Later: true,
			Message:  "Authentication error",
			Cause:    "The server does not accept the mailbox's credentials any more: the password was changed or has expired, or the permission was withdrawn.",
			Solution: "Synchronization was disabled due to restricted access to your mailbox. Here are two easy steps to make it work again: 1. renew mailbox access, 2. enable synchronization again.",
		},
		Entry{
			Code: "exchange.refresh-token", Class: fault.Auth, Scope: fault.Mailbox, Row: "S-04", Later: true,
			Message:  "Authentication error – OAuthRefreshToken might have expired",
			Cause:    "The authorisation that was given once was not used for a long time, or was revoked.",
			Solution: "Two steps: first update the Exchange authorisation (in SAP Cloud for Customer: E-Mail Integration > Sync Settings > E-Mail Configuration), then enable synchronization again on the main page.",
		},
	)
}

// exchangeUnexpected declares the sub-messages of S-06; each names what lies
// behind "Unexpected Exchange error".
func exchangeUnexpected() []Entry {
	return of(Exchange, model.Mail,
		Entry{
			Code: "exchange.unexpected", Class: fault.Transient, Scope: fault.Mailbox, Row: "S-06", Later: true,
			Message:  "Unexpected Exchange error",
			Cause:    "The server answered with something that is none of the errors known. What it said is kept as evidence.",
			Solution: "Look at the evidence of this error; it names what the server said.",
		},
		Entry{
			Code: "exchange.404", Class: fault.NotFound, Scope: fault.Mailbox, Row: "S-06a", Later: true,
			Message:  "Unexpected Exchange error: The request failed. The remote server returned an error: (404) Not Found",
			Cause:    "The EWS URL is incorrect, or the user is not present on this server.",
			Solution: "Correct the EWS URL in the connection, or check that the user has a mailbox there.",
		},
		Entry{
			Code: "exchange.403", Class: fault.Denied, Scope: fault.Mailbox, Row: "S-06b", Later: true,
			Message:  "Unexpected Exchange error: The remote server returned an error: (403)",
			Cause:    "The server knows who asks and refuses; why needs additional investigation.",
			Solution: "Check the permissions of the account. If the mailbox is not on Office 365, collect more with https://testconnectivity.microsoft.com.",
		},
		Entry{
			Code: "exchange.xml", Class: fault.Transient, Scope: fault.Mailbox, Row: "S-06c", Later: true,
			Message:  "Unexpected Exchange error: The XML document ended unexpectedly",
			Cause:    "The answer was cut off on its way, or a proxy or gateway replaced it. Additional investigation is needed if it lasts.",
			Solution: "If it lasts, look at proxies and gateways between Lockstep and the server.",
		},
		Entry{
			Code: "exchange.organization-removed", Class: fault.Denied, Scope: fault.Server, Row: "S-06d", Later: true,
			Message:  `Unexpected Exchange error: Organization "<organization>" is marked for removal`,
			Cause:    "Microsoft disables the user's organisation; the mailbox can be inactive as well.",
			Solution: "Tell the customer that Microsoft disables the organisation. Renew its subscription, or take its mailboxes out of the sync.",
		},
		Entry{
			Code: "exchange.property-uri", Class: fault.Unsupported, Scope: fault.Server, Row: "S-06e", Later: true,
			Message:  "Unexpected Exchange error: Unsupported property field URI type",
			Cause:    "The server is no Microsoft Exchange but speaks only part of its language. The evidence names it, for instance Server: Kerio Connect 9.0.3.",
			Solution: "Check the Server header in the evidence. If it says Kerio Connect, tell the user that Kerio Connect is not compatible; use its CalDAV and CardDAV address instead.",
		},
	)
}
