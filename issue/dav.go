package issue

import (
	"slices"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// DAV is how people know the part that talks CalDAV and CardDAV.
const DAV = "CalDAV/CardDAV connector"

// dav declares what connector/dav raises.
func dav() []Entry {
	return of(DAV, model.Mail, slices.Concat(davAccess(), davServer(), davNetwork(), davPlaces(), davItems(), davContent(), davSettings())...)
}

// davAccess: who may do what.
func davAccess() []Entry {
	return []Entry{
		{
			Code: "dav.401", Class: fault.Auth, Scope: fault.Mailbox,
			Message:  "The server did not accept the user name, password or token of this mailbox.",
			Cause:    "The password was changed or has expired, an app password was revoked, or the account is locked.",
			Solution: "Renew the sign-in data; synchronization waits until then.",
		},
		{
			Code: "dav.connection-401", Class: fault.Auth, Scope: fault.Server,
			Message:  "The server did not accept the user name, password or token of the connection, with which all its mailboxes sign in.",
			Cause:    "The password of the connection was changed or has expired, its token was revoked, or its account is locked.",
			Solution: "Give the connection its new password or token; its mailboxes wait until then.",
		},
		{
			Code: "dav.no-secret", Class: fault.Auth, Scope: fault.Mailbox,
			Message:  "There is no password or token for this mailbox, so we cannot sign in.",
			Cause:    "Neither the mailbox nor its connection has one.",
			Solution: "Save one for the mailbox or for its connection.",
		},
		{
			Code: "dav.403", Class: fault.Denied, Scope: fault.Collection,
			Message:  "The server does not let this account do that.",
			Cause:    "The account may not read or write this collection.",
			Solution: "Ask the owner of the collection or an administrator to grant the right to read and write it.",
		},
		{
			Code: "dav.need-privileges", Class: fault.Denied, Scope: fault.Collection,
			Message:  "The server does not let this account do that in this collection.",
			Cause:    "The server names a right that the account lacks (RFC 3744).",
			Solution: "Ask its owner or an administrator to grant the right to read and write it.",
		},
		{
			Code: "dav.read-only", Class: fault.Denied, Scope: fault.Mailbox,
			Message:  "The mailbox may be read, but no <collection> in it may be written.",
			Cause:    "Every such collection of the account is shared for reading only.",
			Solution: "Ask its owner or an administrator to grant the right to write.",
		},
		{
			Code: "dav.407", Class: fault.Denied, Scope: fault.Server,
			Message:  "A proxy between us and the server wants credentials.",
			Cause:    "The network lets programs out only through a proxy that asks who they are.",
			Solution: "Set the proxy's user name and password in the environment of the worker.",
		},
		{
			Code: "dav.would-send-mail", Class: fault.Unsupported, Scope: fault.Item, Acts: fault.User,
			Message:  "The calendar server itself sends the invitations of this meeting, and writing to it here would make the server send mail to its attendees, which the policy does not allow.",
			Cause:    "The server offers no way to change a meeting silently (RFC 6638).",
			Solution: "Change the meeting in the calendar, or allow invitations in the policy.",
		},
	}
}

// davServer: what a server's answer as a whole means.
func davServer() []Entry {
	const busy = "It is tried again; if it lasts, its administrator must look."
	own := func(code string) Entry {
		return Entry{
			Vague: true, Code: code, Class: fault.Transient, Scope: fault.Server,
			Message: "The server reported trouble of its own.", Solution: busy,
			Cause: "The server, or a gateway in front of it, is overloaded, restarting or broken.",
		}
	}
	elsewhere := func(code string) Entry {
		return Entry{
			Vague: true, Code: code, Class: fault.Unsupported, Scope: fault.Server,
			Message: "The server sends us elsewhere without a usable address.", Solution: "Set url to the address of the calendar server itself.",
			Cause: "The address belongs to a web page or a portal, which sends programs to its sign-in page.",
		}
	}
	out := []Entry{
		{
			Code: "dav.429", Class: fault.Throttled, Scope: fault.Mailbox,
			Message:  "The server asked us to slow down.",
			Cause:    "The account made more requests than the server allows in a time.",
			Solution: "Synchronization goes on by itself after the time it named.",
		},
		{
			Code: "dav.busy", Class: fault.Throttled, Scope: fault.Server,
			Message:  "The server is busy or under maintenance and asked us to wait.",
			Cause:    "It answered 503 with a time after which to come again.",
			Solution: "Synchronization goes on by itself.",
		},
		{
			Code: "dav.507", Class: fault.TooLarge, Scope: fault.Mailbox,
			Message: mailboxFull, Cause: quotaCause, Solution: makeRoom,
		},
		{
			Vague: true, Code: "dav.damaged", Class: fault.Transient, Scope: fault.Server,
			Message:  "The server's answer ended too early or is damaged.",
			Cause:    "The connection was cut, or the server failed while it wrote.",
			Solution: "It is tried again; if it lasts, look at the server and at the network between.",
		},
		{
			Vague: true, Code: "dav.not-dav", Class: fault.Unsupported, Scope: fault.Server,
			Message:  "The server answered with a web page or something else that is no CalDAV or CardDAV.",
			Cause:    "The address is that of a web page, or a proxy or a maintenance page stands in between.",
			Solution: "Check the address in the connection's settings; a sign-in page of a proxy in between looks like this, too.",
		},
		{
			Code: "dav.redirects", Class: fault.Unsupported, Scope: fault.Server,
			Message:  "The server keeps sending us from one address to another.",
			Cause:    "Its redirections lead in a circle.",
			Solution: "Set url to the address of the calendar server itself.",
		},
		{
			Code: "dav.redirect", Class: fault.Unsupported, Scope: fault.Server,
			Message:  "The server sends us to <host>, which belongs to another site, so we did not send the credentials there.",
			Cause:    "The service moved, or somebody redirects it.",
			Solution: "If that is right, set url to that address.",
		},
		own("dav.408"), own("dav.421"), own("dav.425"), own("dav.500"), own("dav.502"), own("dav.503"), own("dav.504"), own("dav.5xx"),
		elsewhere("dav.3xx"),
	}
	return out
}

const (
	mailboxFull = "The mailbox is full, so the server stores nothing more."
	quotaCause  = "The account has used up the space it is allowed."
	makeRoom    = "Free some space or ask an administrator for a larger quota."
)

// davNetwork: no answer at all.
func davNetwork() []Entry {
	return []Entry{
		{
			Code: "dav.cancelled", Class: fault.Transient, Scope: fault.Mailbox,
			Message:  "The request was ended before the server answered, because its time was up or the work was stopped.",
			Cause:    "The server is slow, or somebody paused the mailbox or stopped the program.",
			Solution: "It is tried again.",
		},
		{
			Code: "dav.tls", Class: fault.Transient, Scope: fault.Server,
			Message:  "No secure connection to the server could be established: its certificate is not valid for it, has expired or is not trusted here.",
			Cause:    "The certificate expired, is made out for another name, or comes from an authority that this machine does not know.",
			Solution: "Have the server's certificate renewed, or add its authority to the trusted ones of the worker's machine.",
		},
		{
			Code: "dav.dns", Class: fault.Transient, Scope: fault.Server,
			Message:  "The name of the server is not known to the network's name service.",
			Cause:    "The address is mistyped, or the name service is out of order.",
			Solution: "Check the address in the connection's settings.",
		},
		{
			Code: "dav.refused", Class: fault.Transient, Scope: fault.Server,
			Message:  "The server refuses connections.",
			Cause:    "It does not run, or listens on another port.",
			Solution: "It is tried again; if it lasts, check that the server runs and that address and port are right.",
		},
		{
			Code: "dav.timeout", Class: fault.Transient, Scope: fault.Server,
			Message:  "The server did not answer in time.",
			Cause:    "It is overloaded, or a firewall swallows what is sent.",
			Solution: "It is tried again; if it lasts, look at the server and at the network between.",
		},
		{
			Code: "dav.network", Class: fault.Transient, Scope: fault.Server,
			Message:  "The connection to the server was lost.",
			Cause:    "The network, a proxy or the server broke it off.",
			Solution: "It is tried again; if it lasts, look at the server and at the network between.",
		},
	}
}

// davPlaces: collections, positions and addresses.
func davPlaces() []Entry {
	gone := func(code, cause string) Entry {
		return Entry{
			Code: code, Class: fault.NotFound, Scope: fault.Collection, Cause: cause,
			Message:  "The collection is not there any more, or not for us.",
			Solution: "Nothing is deleted for that; collections are discovered again in the next round.",
		}
	}
	return []Entry{
		{
			Code: "dav.no-note", Class: fault.Unsupported, Scope: fault.Mailbox, Acts: fault.Admin, Then: "The mailbox is synced without the note.",
			Message:  "The server does not keep the note that says which Lockstep syncs this mailbox.",
			Cause:    "The server stores no properties of clients (RFC 4918 section 4.1), or not for this account.",
			Solution: "Make sure that no other program and no second Lockstep syncs the mailbox; nobody can notice it there.",
		},
		gone("dav.409", "The folder that the item belongs to was deleted or renamed (RFC 4918 section 9.7.1)."),
		gone("dav.collection-id", "The id is none that this server gave."),
		gone("dav.collection", "The server has no collection at this address now."),
		gone("dav.empty-answer", "The server named nothing at all, not even the collection itself."),
		{
			Code: "dav.no-collection", Class: fault.NotFound, Scope: fault.Mailbox,
			Message:  "The mailbox has no <collection> that can be synchronized.",
			Cause:    "The account has none, or the connection's settings exclude it.",
			Solution: "Create one, or correct the settings kinds and collections of the connection.",
		},
		{
			Code: "dav.valid-sync-token", Class: fault.CursorExpired, Scope: fault.Collection,
			Message:  "The server no longer knows our position in this collection.",
			Cause:    "Servers keep the history of changes for a time only (RFC 6578).",
			Solution: "Nothing needs to be done: it is listed once in full.",
		},
		{
			Code: "dav.cursor", Class: fault.CursorExpired, Scope: fault.Collection,
			Message:  "Our position in this collection cannot be read.",
			Cause:    "It was written by another version of the program.",
			Solution: "Nothing needs to be done: it is listed once in full.",
		},
		{
			Code: "dav.not-found", Class: fault.Unsupported, Scope: fault.Server,
			Message:  "No calendar or address book was found from this address.",
			Cause:    "The address leads to no CalDAV or CardDAV service, or the account has none.",
			Solution: "Check the address in the connection's settings: it may be the server's, a principal's, a home's or a collection's.",
		},
		{
			Code: "dav.no-home", Class: fault.Unsupported, Scope: fault.Mailbox,
			Message:  "The place that the server names for this account's calendars and address books does not exist.",
			Cause:    "The account was moved or removed, nothing was ever created in it, or the server is being repaired.",
			Solution: "Have somebody sign in to the account with a calendar program once; if it was moved, ask its administrator.",
		},
		{
			Code: "dav.no-answer", Class: fault.Unsupported, Scope: fault.Mailbox, Vague: true,
			Message:  "The server does not tell which calendars and address books this account has.",
			Cause:    "It refuses the question, and what it said is kept as evidence: the account lacks a right, the address is wrong, or something in between answers instead of it.",
			Solution: "Check the address in the connection's settings and the rights of the account; report it with the evidence, if it lasts.",
		},
		{
			Code: "dav.no-listing", Class: fault.Unsupported, Scope: fault.Collection, Vague: true,
			Message:  "The server does not tell what is in this collection.",
			Cause:    "It refuses the question, and what it said is kept as evidence.",
			Solution: "Look at the collection in another program; report it with the evidence, if it lasts.",
		},
		{
			Code: "dav.address", Class: fault.Unsupported, Scope: fault.Item,
			Message:  "The address of an item or collection is not valid, so it cannot be asked for.",
			Cause:    "The server named something that is no address.",
			Solution: "Let collections be discovered again.",
		},
		unanswered("dav.405"), unanswered("dav.501"),
		{
			Code: "dav.supported-report", Class: fault.Unsupported, Scope: fault.Collection,
			Message: noSuchQuestion, Cause: "The server lacks a part of CalDAV or CardDAV (RFC 3253).", Solution: "Use a server that has it, or another connector.",
		},
		{
			Code: "dav.number-of-matches-within-limits", Class: fault.Unsupported, Scope: fault.Collection,
			Message: noSuchQuestion, Cause: "The answer would be longer than the server allows.", Solution: "Have the server's limit raised, or split the collection.",
		},
	}
}

const noSuchQuestion = "The server does not answer this kind of question."

func unanswered(code string) Entry {
	return Entry{
		Code: code, Class: fault.Unsupported, Scope: fault.Collection,
		Message:  "There is no calendar or address book at this address, or the server cannot do this with it.",
		Cause:    "The address is that of something else, or the server lacks a part of CalDAV or CardDAV.",
		Solution: "Check the address in the connection's settings.",
	}
}
