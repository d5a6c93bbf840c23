// Package workflows holds the long-lived workflows: Mailbox, one per mailbox,
// and Connection, one per CRM connection. They carry ids, counts and times
// only (design decision 5): items live in the store.
package workflows

import (
	"go.temporal.io/sdk/temporal"

	"lockstep.dev/model"
)

// TaskQueue is the queue that workers listen on.
const TaskQueue = "sync"

// MailboxWorkflowID is the workflow id of a mailbox: its internal id, which
// never changes (design decision 1).
func MailboxWorkflowID(id model.MailboxID) string { return "mailbox/" + string(id) }

// ConnectionWorkflowID is the workflow id of a CRM connection.
func ConnectionWorkflowID(id model.ConnectionID) string { return "connection/" + string(id) }

// SearchAttributes are the custom search attributes that a namespace needs,
// with their types as Temporal names them.
func SearchAttributes() map[string]string {
	return map[string]string{
		"LockstepState":      "Keyword",
		"LockstepPolicy":     "Keyword",
		"LockstepConnection": "Keyword",
		"LockstepIssues":     "Int",
	}
}

func stateAttribute() temporal.SearchAttributeKeyKeyword {
	return temporal.NewSearchAttributeKeyKeyword("LockstepState")
}

func issuesAttribute() temporal.SearchAttributeKeyInt64 {
	return temporal.NewSearchAttributeKeyInt64("LockstepIssues")
}
