package issue

import (
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Engine is how people know the part that reconciles the two sides.
const Engine = "Synchronization engine"

// engine declares what Lockstep itself finds.
func engine() []Entry {
	return of(Engine, "",
		Entry{
			Code: "engine.crm-id-conflict", Class: fault.Conflict, Scope: fault.Mailbox, Side: model.CRM, Row: "R-02",
			Message:  "Synchronization failed due to Crm ID conflict. <<CRM user>> already registered for another user.",
			Cause:    "The CRM user id was synced before under another address: the person was renamed, or the id was handed on. Going on would duplicate every contact, task and appointment, so nothing is written.",
			Solution: "If it is the same person under a new address, rename the mailbox or clear the conflict, so that it goes on where it stopped. If it is another person, give the mailbox the CRM user id of that person.",
		},
		Entry{
			Code: "engine.limit", Class: fault.Invalid, Scope: fault.Mailbox, Row: "S-05", Acts: fault.User,
			Message:  "A limit on the number of snapshot records is exceeded (<limit>/<found>/<in the CRM>)",
			Cause:    "More items are selected than the policy lets one mailbox sync. The numbers are the limit, the items selected, and how many of them the CRM holds already. Nothing of the snapshot was written.",
			Solution: "Narrow the selection: adjust the sync filters until fewer items are selected than the limit allows, or have an administrator raise the limit in the policy.",
		},
		Entry{
			Code: "item.unreadable", Class: fault.Invalid, Scope: fault.Item,
			Message:  "The item cannot be read, so it is left alone on both sides. <detail>",
			Cause:    "The system delivers something that does not follow the rules of its format, or does not deliver the item at all.",
			Solution: "Open the item in the program that shows it, save it again, or delete it there.",
		},
		Entry{
			Code: "sync.ping-pong", Class: fault.Conflict, Scope: fault.Item, Row: "B17", Acts: fault.Admin,
			Message:  "Something else keeps changing this item back: <detail> went to and fro five times. The item is set aside.",
			Cause:    "Another program syncs the same mailbox with the CRM, or a rule of one of the two systems rewrites what is stored, and each answers the other's change.",
			Solution: "Find the other program or rule and switch it off; then have the item tried again with: lockstep issue retry. It is tried by itself when somebody changes the item otherwise.",
		},
		Entry{
			Code: "engine.connection-brake", Class: fault.Conflict, Scope: fault.Server, Row: "B3", Acts: fault.Admin,
			Then:     "The deletions wait until somebody decides; everything else goes on.",
			Message:  "More than <limit> items of <connection> were deleted within four hours, over all its mailboxes. Their deletion on the other side waits for approval.",
			Cause:    "Somebody, an import or a program deleted a lot, or the system shows less than it holds.",
			Solution: "Look at what is gone: lockstep connection held, with the name of the connection. If it was meant to go, let it go everywhere: lockstep connection approve. Otherwise bring it back in its system, or keep what the other side has: lockstep connection reject.",
		},
		Entry{
			Code: "mail.read-only", Class: fault.Denied, Scope: fault.Item, Side: model.Mail, Acts: fault.User,
			Message:  "The item changed in the CRM, but the collection in the mailbox takes no writes.",
			Cause:    "The calendar, task list or address book is shared for reading only.",
			Solution: "Make the collection writable, or ask its owner to.",
		},
		Entry{
			Code: "engine.stale", Class: fault.Transient, Scope: fault.Mailbox, Row: "B11", Acts: fault.Admin, Then: silence,
			Message:  "For several intervals nothing has shown that this mailbox is in step, although nothing reported an error.",
			Cause:    "The worker or Temporal stands still, a round takes unusually long, or a request to one of the two systems never ends.",
			Solution: "Check that the worker and Temporal run, and look at the mailbox: lockstep mailbox show. A round can be asked for with: lockstep mailbox sync.",
		},
		Entry{
			Code: "engine.stale-connection", Class: fault.Transient, Scope: fault.Server, Row: "B11", Acts: fault.Admin, Then: silence,
			Message:  "For several intervals no mailbox of this connection has shown that it is in step, although nothing reported an error.",
			Cause:    "The worker or Temporal stands still, or was switched off.",
			Solution: "Check that the worker and Temporal run; then look whether the system answers: lockstep connection test.",
		},
		Entry{
			Code: "engine.stale-feed", Class: fault.Transient, Scope: fault.Server, Side: model.CRM, Row: "B11", Acts: fault.Admin, Then: silence,
			Message:  "The CRM has not been read to its end for a long time, although nothing reported an error.",
			Cause:    "The worker or Temporal stands still, or reading takes unusually long.",
			Solution: "Check that the worker and Temporal run; then look whether the CRM answers: lockstep connection test.",
		},
		Entry{
			Code: "engine.store", Class: fault.Bug, Scope: fault.Server, Acts: fault.Admin, Then: "It is tried again until it works.",
			Message:  "Lockstep's own database did not carry out a step.",
			Cause:    "The database is down, full, or busy with something else. It never counts against a mailbox.",
			Solution: "It is tried again; if it lasts, look at the log of the worker and at the database.",
		},
		Entry{
			Code: "engine.gone", Class: fault.Bug, Scope: fault.Mailbox, Acts: fault.Nobody, Then: "The mailbox is left alone.",
			Message:  "The mailbox is not known any more.",
			Cause:    "It was removed and forgotten while a round was under way.",
			Solution: "Add the mailbox again if it is to be synced.",
		},
		Entry{
			Code: "engine.waits", Class: fault.Transient, Scope: fault.Server, Row: "N-03", Then: "Everything goes on by itself where it stopped.",
			Message:  "The connection <connection> is paused since <since>: <why>",
			Cause:    "Its system cannot be used, so nobody asks it anything but one program that looks again and again whether it answers.",
			Solution: "Nothing needs to be done here; it goes on by itself when the system answers. To look at once: lockstep connection test",
		},
		Entry{
			Code: "engine.connection-disabled", Class: fault.Denied, Scope: fault.Server, Row: "D-31",
			Message:  "The connection <connection> is disabled since <since>, and its mailboxes with it: <why>",
			Cause:    "Its system refuses us for a reason that does not go away by itself, or it did not answer for longer than the connection allows.",
			Solution: "Mend the cause, then: lockstep connection test. If that works, exactly these mailboxes are enabled again.",
		},
		Entry{
			Code: "engine.undeclared", Class: fault.Bug, Scope: fault.Mailbox, Vague: true,
			Message:  "Something failed for which there is no explanation (<code>).",
			Cause:    "The program raised an error that is missing in this table.",
			Solution: "Please report it with the code and the evidence that was kept.",
		},
	)
}

const silence = "It disables nothing, and ends by itself with the next success."

// credentials declares what renewed or expired credentials lead to.
func credentials() []Entry {
	return of(Engine, "",
		Entry{
			Code: "credentials.changed", Class: fault.Auth, Scope: fault.Mailbox, Row: "L-08",
			Message:  "Account credentials changed",
			Cause:    "The credentials of the CRM or of the mailbox were changed, so the data is no longer accessible.",
			Solution: "Renew the access: lockstep connection renew for the CRM, lockstep mailbox renew for the mailbox. Sync goes on where it stopped.",
		},
		Entry{
			Code: "credentials.expire", Class: fault.Auth, Scope: fault.Mailbox, Row: "B23", Acts: fault.Admin, Then: "It disables nothing, and ends when they are renewed.",
			Message:  "The password or token expires on <date>.",
			Cause:    "Somebody said so when it was entered (--expires). After that day the system will refuse it.",
			Solution: "Get a new one in the system, then: lockstep mailbox renew, or lockstep connection renew for a connection's own. The old one is used until the new one works, so nothing stops.",
		},
		Entry{
			Code: "credentials.revoked", Class: fault.Auth, Scope: fault.Mailbox, Row: "L-10", Acts: fault.Admin,
			Message:  "The access was revoked on purpose, and its secret forgotten.",
			Cause:    "Somebody said lockstep mailbox revoke or lockstep connection revoke, as is done when an account moves to another place or its credentials are no longer to be trusted.",
			Solution: "Renew the access when it is to be synced again: lockstep mailbox renew, or lockstep connection renew. Sync goes on where it stopped.",
		},
	)
}
