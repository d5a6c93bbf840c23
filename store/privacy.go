package store

import (
	"context"

	"lockstep.dev/model"
)

// Privacy is what the store does about private items (requirement B16), beside
// what other methods do on the way:
//
// SavePage: an item that comes reduced (model.Item.Reduced) takes with it, in
// the same transaction, the bodies that it held before and that nothing else
// refers to.
//
// SaveChunk and Commit: of the plan's Retracts, and of what a write Withdraws,
// everything that the item said goes in the same transaction: bases, contents
// and before-images of the operations of all plans, payloads of creates (an open
// one is closed), edit conflicts, issues, and every body that nothing else
// refers to. A write that was planned cannot be carried out any more. SaveChunk
// does so before it adds its own operations. A record that is withdrawn as a
// whole (by a Delete) goes so for all mailboxes of the CRM; the copies that they
// linked to it are kept and follow nothing any more.
type Privacy interface {
	// SetPrivacy notes what a mailbox's policy does with private items
	// (model.Policy.Private). If that changed, its events and tasks list in full
	// and each of them is unknown; and so are the CRM's in which its user takes
	// part, of which crm says whether there are any.
	SetPrivacy(ctx context.Context, id model.MailboxID, private string) (crm bool, err error)
}
