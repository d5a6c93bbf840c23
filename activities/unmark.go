package activities

import (
	"context"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// unmark takes our stamps out of a mailbox that is no longer synced, where the
// system can, and says in one clause how that went. A mailbox that cannot be
// reached any more is retired all the same.
func (a *Activities) unmark(ctx context.Context, id model.MailboxID) string {
	m, err := a.load(ctx, id)
	if err != nil {
		return ""
	}
	if m.mail.Circuit.Down() {
		return ", but our marks are still in the mailbox: the connection " + m.mail.Name + " is paused"
	}
	s, err := a.openMail(ctx, m)
	if err != nil {
		return ", but our marks are still in the mailbox: it could not be reached"
	}
	defer s.Close()
	err = a.disown(ctx, m, s.Session)
	cleaner, ok := connector.As[connector.Cleaner](s.Session)
	if !ok {
		return ""
	}
	if err == nil {
		err = a.unlabel(ctx, m, s.Session)
	}
	var refs []model.Ref
	if err == nil {
		refs, err = a.stamped(ctx, m)
	}
	if err == nil && len(refs) > 0 {
		err = cleaner.Unstamp(ctx, refs)
	}
	if err != nil {
		return ", but some of our marks are still in the mailbox: it could not be reached"
	}
	return ", and our marks were taken out of the mailbox"
}

// stamped lists the items in the mailbox that carry our key.
func (a *Activities) stamped(ctx context.Context, m mailbox) ([]model.Ref, error) {
	return a.Store.Stamped(ctx, m.ID)
}
