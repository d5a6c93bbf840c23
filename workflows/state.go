package workflows

import (
	"lockstep.dev/model"
)

// MailboxState is what a Mailbox workflow carries from run to run: under 1 KB.
type MailboxState struct {
	Mailbox    model.MailboxID
	Generation int64 // highest generation seen: the witness
	Look       int   // rounds still to look before writing, after a restore
	Requests   []Request
	// What the search attributes say, so that they are written on change only.
	State      model.MailboxState
	Policy     string
	Connection string
	Issues     int64
}

// ConnectionState is what a Connection workflow carries from run to run.
type ConnectionState struct {
	Connection model.ConnectionID
}
