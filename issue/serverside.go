package issue

import (
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// ServerSide is how users of Dynamics 365 know the part that syncs mailboxes.
const ServerSide = "Server-side synchronization"

// kb2993502 is what Microsoft's article of that number says, which D-10 and
// D-11 refer to.
const kb2993502 = "The server's certificate is not trusted, has expired or is made out for another name, or the server offers no TLS that both understand (Microsoft kb/2993502)."

const secureSolution = "Have the server's certificate renewed or its authority trusted, check the address in the email server profile, then test and enable the mailbox."

const approveSolution = "Select the mailboxes, choose Approve Email and confirm, then Test & Enable Mailboxes. With the profile Microsoft Exchange Online a global administrator must approve."

// serverSide declares the alerts of Dynamics 365 (requirements D-10 to D-22).
func serverSide() []Entry {
	return of(ServerSide, model.Mail,
		Entry{
			Code: "profile.secure-act", Class: fault.Denied, Scope: fault.Mailbox, Row: "D-10", Later: true,
			Message:  "The mailbox has been disabled for synchronizing appointments, contacts, and tasks for the mailbox because an error occurred while establishing a secure connection to the Microsoft Exchange server. The owner of the email server profile has been notified.",
			Cause:    kb2993502,
			Solution: secureSolution,
		},
		Entry{
			Code: "profile.secure-incoming", Class: fault.Denied, Scope: fault.Mailbox, Row: "D-11", Later: true,
			Message:  "Email cannot be received for the mailbox because an error occurred while establishing a secure connection to the email server. The mailbox has been disabled for receiving email and the owner of the email server profile has been notified.",
			Cause:    kb2993502,
			Solution: secureSolution,
		},
		Entry{
			Code: "mail.pending-send", Class: fault.Denied, Scope: fault.Item, Row: "D-12", Later: true,
			Message:  "Pending Send",
			Cause:    "Mail is not sent unless the integration is configured and the mailbox enabled for sending.",
			Solution: "Check Settings > Email Configuration > Mailboxes, view Active Mailboxes: edit the user's mailbox and verify that it is approved and enabled for sending.",
		},
		Entry{
			Code: "mailbox.needs-approval", Class: fault.Denied, Scope: fault.Mailbox, Row: "D-13", Later: true,
			Message:  "Email cannot be sent/received because the email address of the mailbox <User Name> requires an approval by an Office 365 administrator. The mailbox has been disabled for sending/receiving email and the owner of the email server profile Microsoft Exchange Online has been notified.",
			Cause:    "The address is not approved by an Office 365 global administrator, which server-to-server trust needs.",
			Solution: approveSolution,
		},
		Entry{
			Code: "mailbox.several-not-approved", Class: fault.Denied, Scope: fault.Mailbox, Row: "D-14",
			Message:  "One or more mailboxes have been disabled for sending/receiving email because their email addresses have not been approved. Approve the email addresses, and then enable the mailboxes for sending/receiving email.",
			Cause:    "Only approved addresses may send and receive.",
			Solution: approveSolution,
		},
		Entry{
			Code: "mailbox.not-approved", Class: fault.Denied, Scope: fault.Mailbox, Row: "D-15", Later: true,
			Message:  "Email cannot be received for the mailbox <Mailbox Name> because the email address of the mailbox <Mailbox Name> is not approved and the mailbox has been disabled. The owner of the associated email server profile <Email Server Profile name> has been notified.",
			Cause:    "Only approved addresses may receive. The requirement can be switched off under System Settings > Email: \"Process emails only for approved users\" and \"Process emails only for approved queues\"; the approval of a global administrator is needed all the same with the profile Microsoft Exchange Online.",
			Solution: approveSolution,
		},
		Entry{
			Code: "mailbox.location", Class: fault.NotFound, Scope: fault.Mailbox, Row: "D-16", Later: true,
			Message:  "The mailbox location could not be determined while sending/receiving the email message <Message Subject>. The mailbox <Mailbox Name> has been disabled for sending/receiving email and the owner of the associated email server profile <Email Server Profile name> has been notified.",
			Cause:    "Auto Discover Server Location is set to Yes in the email server profile, and finds no server.",
			Solution: "Set Auto Discover Server Location to No and give the address, for example https://ExchangeServerName/EWS/Exchange.asmx.",
		},
		Entry{
			Code: "profile.credentials", Class: fault.Auth, Scope: fault.Server, Row: "D-17", Later: true,
			Message:  "Email cannot be sent/received because the credentials specified in the associated email server profile are incorrect or have insufficient permissions for sending/receiving email. The mailbox <Mailbox Name> has been disabled for sending/receiving email and the owner of the email server profile <Email Server Profile name> has been notified.",
			Cause:    "The profile's user name or password is wrong, or its account may not use the mailbox.",
			Solution: "Check the credentials of the profile. Credentials of a profile need the right of impersonation and access to the mailbox.",
		},
		Entry{
			Code: "event.no-organizer", Class: fault.Invalid, Scope: fault.Item, Row: "D-18", Later: true, Acts: fault.Admin,
			Message:  "Appointments can’t be synchronized because the Organizer field is not present.",
			Cause:    "The CRM requires an organizer, and the field is not on its form by default.",
			Solution: "Add the field Organizer to the appointment form, save it and publish it.",
		},
		Entry{
			Code: "mailbox.other-organization", Class: fault.Conflict, Scope: fault.Mailbox, Row: "D-19",
			Message:  "Appointments, contacts, and tasks can't be synchronized because the email address of the mailbox <Mailbox Name> is configured with another Microsoft Dynamics 365 organization. The best practice is to overwrite the configuration when you test and enable the mailbox in your primary organization. Also, change the synchronization method for your mailbox in non-primary organizations to None.",
			Cause:    "The mailbox carries the mark of another organization. Two that sync one mailbox would undo each other's work.",
			Solution: "Test & Enable the mailbox with the check box \"Sync items with Exchange from this Dynamics 365 Organization only, even if Exchanges was set to sync with a different Organization\"; the other organization then stops. Set its method for appointments, contacts and tasks to None there.",
		},
		Entry{
			Code: "profile.insecure", Class: fault.Denied, Scope: fault.Server, Row: "D-20", Later: true,
			Message:  insecureText,
			Cause:    insecureCause,
			Solution: "Use an address with TLS. Where that is impossible and the network is trusted, allow it explicitly (on premises: AllowCredentialsEntryViaInsecureChannels=1 and ECAllowNonSSLEmail=1; set Use SSL for Incoming and Outgoing to No under Advanced before saving an http address).",
		},
		Entry{
			Code: "mailbox.incoming-credentials", Class: fault.Auth, Scope: fault.Mailbox, Row: "D-21", Later: true,
			Message:  "Email cannot be received for the mailbox <Mailbox Name>. Make sure that the credentials specified in the mailbox are correct and have sufficient permissions for receiving email. Then, enable the mailbox for email processing.",
			Cause:    "Gmail does not accept the user name, password or token, or its settings forbid access by other programs.",
			Solution: "Renew the credentials of the mailbox, allow access in the account's settings, then enable the mailbox.",
		},
		Entry{
			Code: "mailbox.send-unknown", Class: fault.Transient, Scope: fault.Mailbox, Row: "D-22", Later: true,
			Message:  `An unknown error occurred while sending the email message "<Message Subject>". Mailbox <Mailbox Name> didn't synchronize. The owner of the associated email server profile <Email Server Profile Name> has been notified.`,
			Cause:    "Gmail refused the message without a reason that is known. What it said is kept as evidence.",
			Solution: "Look at the evidence, and whether the account may send through other programs.",
		},
	)
}
