package activities

import (
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/store"
)

// needs says who has to act on an issue that does not go away by itself.
func needs(code string) store.IssueState {
	if e, ok := issue.Lookup(code); ok && e.Who() == fault.User {
		return store.IssueNeedsUser
	}
	return store.IssueNeedsAdmin
}
