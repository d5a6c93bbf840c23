package issue

import "lockstep.dev/fault"

const readAgain = "Both sides are read again before anything is written."

// davItems: one item, whatever it holds.
func davItems() []Entry {
	absent := func(code string) Entry {
		return Entry{
			Code: code, Class: fault.NotFound, Scope: fault.Item,
			Message:  "The server has nothing at this address now.",
			Cause:    "The item was deleted or moved since it was last seen.",
			Solution: "It is looked for again in the next round.",
		}
	}
	locked := func(code string) Entry {
		return Entry{
			Code: code, Class: fault.Transient, Scope: fault.Item,
			Message:  "Another program holds a lock on this item.",
			Cause:    "The item is open for editing elsewhere, or a program forgot to release its lock.",
			Solution: "It is tried again; close the item in other programs.",
		}
	}
	twin := func(code, message, cause string) Entry {
		return Entry{Code: code, Class: fault.Conflict, Scope: fault.Item, Message: message, Cause: cause, Solution: readAgain}
	}
	const twice = "Another item with the same identifier exists in this mailbox."
	return []Entry{
		absent("dav.404"), absent("dav.410"),
		twin("dav.412", "The item changed in the mailbox since we last looked.", "Somebody edited it between our reading and our writing."),
		twin("dav.no-uid-conflict", twice, "It was created there by somebody else, or imported twice."),
		twin("dav.exists", twice, "The address that we would give the item is taken by one that we did not create."),
		twin("dav.unique-scheduling-object-resource", "This meeting exists in another calendar of the mailbox already.", "A server keeps a meeting once per person (RFC 6638)."),
		locked("dav.423"), locked("dav.424"), locked("dav.lock-token-submitted"), locked("dav.no-conflicting-lock"),
		{
			Code: "dav.action", Class: fault.Bug, Scope: fault.Item,
			Message: "This operation is not one that calendars and address books know.", Cause: "A mistake of ours.", Solution: "Please report it.",
		},
		{
			Code: "dav.key", Class: fault.Bug, Scope: fault.Item,
			Message: "A create needs a key and a collection.", Cause: "A mistake of ours.", Solution: "Please report this.",
		},
		{
			Code: "dav.stopped", Class: fault.Bug, Scope: fault.Mailbox,
			Message: "Reading was stopped by its caller.", Cause: "A mistake of ours, if anybody ever sees it.", Solution: "Please report this.",
		},
	}
}

// davContent: what an item holds.
func davContent() []Entry {
	var out []Entry
	for _, code := range []string{
		"dav.400", "dav.415", "dav.422", "dav.valid-calendar-data", "dav.valid-calendar-object-resource", "dav.supported-calendar-data",
		"dav.supported-calendar-component", "dav.min-date-time", "dav.max-date-time", "dav.max-instances", "dav.max-attendees-per-instance",
		"dav.calendar-collection-location-ok", "dav.valid-address-data", "dav.supported-address-data", "dav.same-organizer-in-all-components",
	} {
		out = append(out, Entry{
			Code: code, Class: fault.Invalid, Scope: fault.Item,
			Message:  "The server refuses the content of this item.",
			Cause:    "Something in the item breaks a rule of this server: a field it requires is missing (often the last name), or it has no room for what is there.",
			Solution: "Correct the item on the side it comes from; it is tried again as soon as it changes.",
		})
	}
	for _, code := range []string{"dav.413", "dav.414", "dav.max-resource-size"} {
		out = append(out, Entry{
			Code: code, Class: fault.TooLarge, Scope: fault.Item,
			Message:  "The item is larger than the server accepts.",
			Cause:    "Long notes, a picture or attachments make it so.",
			Solution: "Shorten its notes or remove its picture or attachments.",
		})
	}
	for _, code := range []string{"dav.allowed-organizer-scheduling-object-change", "dav.allowed-attendee-scheduling-object-change"} {
		out = append(out, Entry{
			Code: code, Class: fault.Invalid, Scope: fault.Item,
			Message:  "The server does not allow this change, because only the organizer may make it.",
			Cause:    "An attendee's copy of a meeting may change in a few ways only (RFC 6638).",
			Solution: "Change the meeting in the organizer's calendar.",
		})
	}
	for _, code := range []string{"dav.quota-not-exceeded", "dav.sufficient-disk-space"} {
		out = append(out, Entry{
			Code: code, Class: fault.TooLarge, Scope: fault.Mailbox,
			Message: mailboxFull, Cause: quotaCause, Solution: makeRoom,
		})
	}
	return append(out,
		Entry{
			Code: "dav.too-large", Class: fault.TooLarge, Scope: fault.Item,
			Message: "The item is larger than 32 MB, so it is not read.", Cause: "Attachments or pictures make it so.", Solution: "Remove its attachments or pictures.",
		},
		Entry{
			Code: "dav.unwritable", Class: fault.Invalid, Scope: fault.Item,
			Message:  "The item in the mailbox is damaged and cannot be changed without losing part of it.",
			Cause:    "The program that wrote it broke the rules of its format.",
			Solution: "Open it in a calendar or address book program and save it again, or delete it.",
		},
		Entry{
			Code: "dav.4xx", Class: fault.Invalid, Scope: fault.Item, Acts: fault.Us, Vague: true,
			Message:  "The server refused the request.",
			Cause:    "With a status that says no more. The raw answer is kept as evidence.",
			Solution: "Report it with the evidence, if it lasts.",
		},
	)
}

// davSettings: what an administrator wrote.
func davSettings() []Entry {
	return []Entry{
		{
			Code: "dav.insecure", Class: fault.Denied, Scope: fault.Server, Row: "D-20",
			Message: insecureText, Cause: insecureCause,
			Solution: "Use an https address, or set allow_insecure to true where the network is trusted.",
		},
		{
			Code: "dav.setting", Class: fault.Invalid, Scope: fault.Server,
			Message: "Setting <key> <problem>.", Cause: "The connection's settings hold something that this connector cannot use.", Solution: "",
		},
		{
			Code: "dav.workload", Class: fault.Unsupported, Scope: fault.Mailbox,
			Message:  "CalDAV and CardDAV carry appointments, contacts and tasks, not e-mail.",
			Cause:    "The connection was chosen for a workload that it cannot carry.",
			Solution: "Choose another connection for sending and receiving e-mail.",
		},
	}
}
