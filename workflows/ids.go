// Package workflows holds the long-lived workflows: Mailbox, one per mailbox,
// and Connection, one per CRM connection. They carry ids, counts and times
// only (design decision 5): items live in the store.
package workflows

import (
	"go.temporal.io/api/enums/v1"
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

// changeAnswerLater is the change since which requests wait for the round that
// takes up what a crash broke off.
const changeAnswerLater = "answer-after-interruption"

// SearchAttributes are the custom search attributes that a namespace needs,
// with their types.
func SearchAttributes() map[string]enums.IndexedValueType {
	return map[string]enums.IndexedValueType{
		"LockstepState":      enums.INDEXED_VALUE_TYPE_KEYWORD,
		"LockstepPolicy":     enums.INDEXED_VALUE_TYPE_KEYWORD,
		"LockstepConnection": enums.INDEXED_VALUE_TYPE_KEYWORD,
		"LockstepIssues":     enums.INDEXED_VALUE_TYPE_INT,
	}
}

func keyword(name string) temporal.SearchAttributeKeyKeyword {
	return temporal.NewSearchAttributeKeyKeyword(name)
}
