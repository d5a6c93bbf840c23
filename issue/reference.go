package issue

import "lockstep.dev/fault"

// Reference is the part that plays a system in rehearsals and tests.
const Reference = "Reference connector"

// reference declares what connector/memory raises.
func reference() []Entry {
	return of(Reference, "",
		Entry{
			Code: "memory.ended", Class: fault.Transient, Scope: fault.Server,
			Message: "The request was broken off before it was answered.", Cause: "The work was stopped.", Solution: "It is tried again.",
		},
		Entry{
			Code: "memory.lost", Class: fault.Transient, Scope: fault.Server,
			Message: "The answer was lost.", Cause: "The rehearsal wants it so.", Solution: "It is tried again.",
		},
		Entry{
			Code: "memory.secret", Class: fault.Auth, Scope: fault.Mailbox,
			Message: "The sign-in was refused: the password or token is wrong.", Cause: "It was changed.", Solution: "Enter it again.",
		},
		Entry{
			Code: "memory.mailbox", Class: fault.Denied, Scope: fault.Mailbox,
			Message: "There is no mailbox with this address.", Cause: "It is mistyped, or the mailbox was removed.", Solution: "Check the address.",
		},
		Entry{
			Code: "memory.read-only", Class: fault.Denied, Scope: fault.Item,
			Message: "The collection can only be read.", Cause: "It is shared for reading only.", Solution: "Ask its owner for the right to write.",
		},
		Entry{
			Code: "memory.collection", Class: fault.NotFound, Scope: fault.Collection,
			Message: "The collection is not there any more.", Cause: "Somebody deleted it.", Solution: "Collections are discovered again.",
		},
		Entry{
			Code: "memory.group", Class: fault.NotFound, Scope: fault.Item,
			Message: "There is no such group.", Cause: "It is mistyped, or was removed.", Solution: "Check its name.",
		},
		Entry{
			Code: "memory.cursor", Class: fault.CursorExpired, Scope: fault.Collection,
			Message: "The resume position is dead.", Cause: "The system was restored, or forgot its history.", Solution: "The collection is listed in full.",
		},
		Entry{
			Code: "memory.rule", Class: fault.Invalid, Scope: fault.Item,
			Message: "A rule of the system forbids this item.", Cause: "A field that it requires is missing, often the last name.", Solution: "Change the item so that it fits.",
		},
		Entry{
			Code: "memory.version", Class: fault.Conflict, Scope: fault.Item,
			Message: "The item was changed since it was last read.", Cause: "Somebody edited it between our reading and our writing.", Solution: readAgain,
		},
		Entry{
			Code: "memory.missing", Class: fault.NotFound, Scope: fault.Item,
			Message: "The item is not there any more.", Cause: "Somebody deleted it.", Solution: readAgain,
		},
		Entry{
			Code: "memory.key-used", Class: fault.NotFound, Scope: fault.Item,
			Message: "What was created by this request has been deleted or moved since.", Cause: "The answer to the first attempt was lost.", Solution: readAgain,
		},
		Entry{
			Code: "memory.action", Class: fault.Bug, Scope: fault.Item,
			Message: "The system was asked for something that does not exist.", Cause: "A mistake of ours.", Solution: "Report this.",
		},
	)
}
