package issue

import (
	"slices"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// SQLCRM is how people know the part that talks to a CRM in a SQL database.
const SQLCRM = "SQL CRM connector"

// sqlcrm declares what connector/sqlcrm raises. <place> is the database, as the
// connection names it.
func sqlcrm() []Entry {
	return of(SQLCRM, model.CRM, slices.Concat(sqlAccess(), sqlServer(), sqlSchema(), sqlItems())...)
}

func sqlAccess() []Entry {
	return []Entry{
		{
			Code: "sqlcrm.auth", Class: fault.Auth, Scope: fault.Server,
			Message:  "The <place> does not accept the user name and password.",
			Cause:    "The password was changed, or the database user was removed.",
			Solution: "Renew them in the CRM connection.",
		},
		{
			Code: "sqlcrm.no-password", Class: fault.Auth, Scope: fault.Server,
			Message:  "The <place> wants a password and has none.",
			Cause:    "The connection was saved without a secret.",
			Solution: "Enter it in the CRM connection.",
		},
		{
			Code: "sqlcrm.denied", Class: fault.Denied, Scope: fault.Server,
			Message:  "The user of the <place> may not do this.",
			Cause:    "The database user lacks a right.",
			Solution: "Grant it SELECT, INSERT, UPDATE and DELETE on the CRM's tables.",
		},
		{
			Code: "sqlcrm.denied-table", Class: fault.Denied, Scope: fault.Server,
			Message:  "The user of the <place> may not <right> in the table <table>.",
			Cause:    "The database user lacks a right.",
			Solution: "Grant it SELECT, INSERT, UPDATE and DELETE on the CRM's tables.",
		},
		{
			Code: "sqlcrm.insecure", Class: fault.Denied, Scope: fault.Server, Row: "D-20",
			Message: insecureText, Cause: insecureCause,
			Solution: "To use TLS remove sslmode from dsn, or set it to verify-full; to do without, set allow_insecure to true.",
		},
		{
			Code: "sqlcrm.tls", Class: fault.Denied, Scope: fault.Server,
			Message:  "The <place> does not offer TLS.",
			Cause:    "TLS is off in the database's configuration.",
			Solution: "Turn it on there, or set allow_insecure where that is acceptable.",
		},
		{
			Code: "sqlcrm.certificate", Class: fault.Denied, Scope: fault.Server,
			Message:  "The certificate of the <place> is not trusted.",
			Cause:    "It expired, is made out for another name, or comes from an authority that this machine does not know.",
			Solution: "Give its issuer with sslrootcert in dsn.",
		},
		{
			Code: "sqlcrm.read-only", Class: fault.Denied, Scope: fault.Server,
			Message:  "The <place> is read-only.",
			Cause:    "It is a standby server.",
			Solution: "Point dsn at the primary server.",
		},
		{
			Code: "sqlcrm.read-only-file", Class: fault.Denied, Scope: fault.Server,
			Message:  "The <place> may not be written to.",
			Cause:    "The rights of the file or its folder forbid it.",
			Solution: "Change the rights of the file and its folder.",
		},
	}
}

func sqlServer() []Entry {
	return []Entry{
		{
			Code: "sqlcrm.unreachable", Class: fault.Transient, Scope: fault.Server,
			Message:  "The <place> cannot be reached.",
			Cause:    "It does not run, or the network between us and it is interrupted.",
			Solution: "Check that it runs and that dsn names it rightly.",
		},
		{
			Code: "sqlcrm.closed", Class: fault.Transient, Scope: fault.Server,
			Message: "The connection to the <place> was closed meanwhile.", Cause: "The work was stopped, or the database restarted.", Solution: "It is tried again.",
		},
		{
			Code: "sqlcrm.busy", Class: fault.Transient, Scope: fault.Server,
			Message: "The <place> cannot serve the request now.", Cause: "It is starting, stopping, full, out of memory, or others hold locks.", Solution: "It is tried again; if it lasts, look at the database.",
		},
		{
			Code: "sqlcrm.ended", Class: fault.Transient, Scope: fault.Server,
			Message: "The request to the <place> was broken off before it ended.", Cause: "Its time was up, the work was stopped, or the database's administrator ended it.", Solution: "It is tried again.",
		},
		{
			Code: "sqlcrm.watch", Class: fault.Transient, Scope: fault.Server,
			Message: "The <place> stopped sending notifications.", Cause: "The connection for them was lost.", Solution: "Changes are found by reading as well.",
		},
		{
			Code: "sqlcrm.database", Class: fault.Transient, Scope: fault.Server, Vague: true,
			Message: "The <place> answered with an error that Lockstep does not know.", Cause: "What it said is kept as evidence.", Solution: "It is tried again; if it lasts, report it with the evidence.",
		},
		{
			Code: "sqlcrm.damaged", Class: fault.Denied, Scope: fault.Server,
			Message: "The <place> is damaged or no SQLite database at all.", Cause: "The file holds something else, or was cut off.", Solution: "Restore it from a backup, or correct dsn.",
		},
		{
			Code: "sqlcrm.open", Class: fault.Denied, Scope: fault.Server,
			Message: "The <place> cannot be opened.", Cause: "There is no such file, or it may not be read.", Solution: "Check dsn, or run lockstep schema install to make a new file.",
		},
		{
			Code: "sqlcrm.no-database", Class: fault.Denied, Scope: fault.Server,
			Message: "The <place> does not exist.", Cause: "The server has no database of this name.", Solution: "Check the database name in dsn.",
		},
	}
}

func sqlSchema() []Entry {
	return []Entry{
		{
			Code: "sqlcrm.settings", Class: fault.Invalid, Scope: fault.Server,
			Message: "The connection cannot be used. <problem>", Cause: "The connection's settings hold something that this connector cannot use.", Solution: "",
		},
		{
			Code: "sqlcrm.mapping", Class: fault.Invalid, Scope: fault.Server,
			Message: "The mapping file cannot be used. <problem>", Cause: "The mapping file names something that is not in the database, or contradicts itself.", Solution: "",
		},
		{
			Code: "sqlcrm.schema", Class: fault.Unsupported, Scope: fault.Server,
			Message:  "A table, column or function that Lockstep needs is missing in the <place>.",
			Cause:    "The CRM was upgraded, or its tables were never made.",
			Solution: "Run lockstep schema install, or correct the mapping file.",
		},
		{
			Code: "sqlcrm.no-tables", Class: fault.Unsupported, Scope: fault.Server,
			Message:  "The CRM's tables are not there.",
			Cause:    "The reference tables were never made, or are called otherwise.",
			Solution: "Run lockstep schema install, or name a mapping file if the tables are called otherwise.",
		},
		{
			Code: "sqlcrm.no-key-column", Class: fault.Unsupported, Scope: fault.Collection,
			Message:  "The CRM's table <table> has no unique column for Lockstep's keys, so a repeated create could make a duplicate.",
			Cause:    "Neither the mapping names such a column, nor is there our small table for keys.",
			Solution: "Run lockstep schema install, which adds a small table for them, or name such a column under the key key in the mapping file.",
		},
		{
			Code: "sqlcrm.kind", Class: fault.Unsupported, Scope: fault.Collection,
			Message: "The CRM has no items of the kind <kind>.", Cause: "The mapping file names no table for it.", Solution: "Add one to the mapping file, or take the kind out of the policy.",
		},
		{
			Code: "sqlcrm.collection", Class: fault.NotFound, Scope: fault.Collection,
			Message: "The CRM has no collection <collection>.", Cause: "The mapping changed meanwhile.", Solution: "Collections are discovered again.",
		},
		{
			Code: "sqlcrm.cursor", Class: fault.CursorExpired, Scope: fault.Collection,
			Message: "The position in the CRM's changes is of no use any more. <why>", Cause: "The database was restored or exchanged, the mapping changed, or the history of changes was cut.", Solution: "Nothing needs to be done: everything is listed again.",
		},
		{
			Code: "sqlcrm.users", Class: fault.Unsupported, Scope: fault.Server,
			Message: "The mapping file names no table of users.", Cause: "The key users is missing.", Solution: "Add the key users.",
		},
		{
			Code: "sqlcrm.groups", Class: fault.Unsupported, Scope: fault.Server,
			Message: "A SQL CRM has no groups.", Cause: "Groups are not part of the mapping.", Solution: "Name its users one by one.",
		},
		{
			Code: "sqlcrm.workload", Class: fault.Unsupported, Scope: fault.Server,
			Message: "A SQL CRM has appointments, contacts and tasks; it sends and receives no e-mail.", Cause: "The connection was chosen for a workload that it cannot carry.", Solution: "Choose another connection for e-mail.",
		},
	}
}

// sqlItems: one record.
func sqlItems() []Entry {
	return []Entry{
		{
			Code: "sqlcrm.invalid", Class: fault.Invalid, Scope: fault.Item,
			Message:  "The CRM refuses the item: column <column> <problem>.",
			Cause:    "A rule of the CRM wants something that the item does not have, often the last name, or forbids what it has.",
			Solution: "Correct the item in the mailbox or the rule in the CRM.",
		},
		{
			Code: "sqlcrm.too-long", Class: fault.TooLarge, Scope: fault.Item,
			Message:  "The CRM refuses the item: column <column> has no room for so long a text.",
			Cause:    "The column is shorter than the text.",
			Solution: "Shorten it in the mailbox, or have the column made longer.",
		},
		{
			Code: "sqlcrm.no-room", Class: fault.Invalid, Scope: fault.Item,
			Message:  "The CRM cannot hold the item: <problem>.",
			Cause:    "The mapping gives what the item holds no place in the CRM.",
			Solution: "Correct the item in the mailbox or the mapping file.",
		},
		{
			Code: "sqlcrm.rule", Class: fault.Invalid, Scope: fault.Item,
			Message:  "A rule of the CRM (a trigger in the database) refuses this change.",
			Cause:    "CRMs forbid changing or deleting certain records.",
			Solution: "Ask the CRM's administrator which rule it is; correct the item, or have the rule changed.",
		},
		{
			Code: "sqlcrm.too-large", Class: fault.TooLarge, Scope: fault.Item,
			Message: "The item is larger than the <place> allows.", Cause: "Long notes make it so.", Solution: "Shorten its notes.",
		},
		{
			Code: "sqlcrm.missing", Class: fault.NotFound, Scope: fault.Item,
			Message: "The item is not in the CRM any more.", Cause: "Somebody deleted it between our reading and our writing.", Solution: readAgain,
		},
		{
			Code: "sqlcrm.changed", Class: fault.Conflict, Scope: fault.Item,
			Message: "The item was changed in the CRM since it was read.", Cause: "Somebody edited it between our reading and our writing.", Solution: readAgain,
		},
		{
			Code: "sqlcrm.key-used", Class: fault.NotFound, Scope: fault.Item,
			Message: "The item was created in the CRM before and was deleted there since.", Cause: "The answer to the first attempt was lost, and somebody deleted the record meanwhile.", Solution: readAgain,
		},
		{
			Code: "sqlcrm.kinds", Class: fault.Bug, Scope: fault.Item,
			Message: "A batch holds operations of one kind; this one holds <one> and <other>.", Cause: "A mistake of ours.", Solution: "Please report this.",
		},
		{
			Code: "sqlcrm.no-key", Class: fault.Bug, Scope: fault.Item,
			Message: "The operation <action> has no key.", Cause: "A mistake of ours.", Solution: "Please report this.",
		},
		{
			Code: "sqlcrm.action", Class: fault.Bug, Scope: fault.Item,
			Message: "The action <action> is unknown.", Cause: "A mistake of ours.", Solution: "Please report this.",
		},
	}
}
