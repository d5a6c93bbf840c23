package activities

import (
	"context"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// engineName is what Lockstep calls itself in the note of whose a mailbox is.
const engineName = "lockstep"

// ours is the note that this installation leaves in a mailbox.
func (a *Activities) ours(ctx context.Context) (connector.Ownership, error) {
	id, err := a.Store.Installation(ctx)
	return connector.Ownership{Engine: engineName, Installation: id, Since: a.Now().UTC().Truncate(time.Second)}, err
}

// ownerOf reads the note in a mailbox; known is false where its system keeps none.
func ownerOf(ctx context.Context, s connector.Session) (o connector.Ownership, known bool, err error) {
	owner, ok := connector.As[connector.Owner](s)
	if !ok {
		return o, false, nil
	}
	o, err = owner.Owner(ctx)
	if fault.Is(err, fault.Unsupported) {
		return connector.Ownership{}, false, nil
	}
	return o, err == nil, err
}

func same(a, b connector.Ownership) bool {
	return a.Engine == b.Engine && a.Installation == b.Installation
}

// stillOurs makes sure that nobody else syncs the mailbox (requirements D-19,
// D-37, L-15). A note that a backup or a new calendar took away is written again
// with the next write; one that another organisation wrote over ours stops us,
// and after that nothing is written before the note was read again.
func (a *Activities) stillOurs(ctx context.Context, m mailbox, s side) error {
	found, known, err := ownerOf(ctx, s.Session)
	if err != nil || !known {
		return err
	}
	our, err := a.ours(ctx)
	switch {
	case err != nil:
		return err
	case found.Engine == "" && !m.Owned.IsZero():
		return a.Store.SetOwned(ctx, m.ID, time.Time{}, "")
	case found.Engine == "" || same(found, our):
		return nil
	}
	if err := a.Store.SetOwned(ctx, m.ID, time.Time{}, ""); err != nil {
		return err
	}
	return otherOrganisation(m.Mailbox)
}

func otherOrganisation(m model.Mailbox) *fault.Fault {
	return issue.Fault("mailbox.other-organization", "Mailbox Name", m.Address)
}

// ownedFor is how long our note is believed to stand while we write.
const ownedFor = time.Hour

// own leaves our note before the first thing that is written to a mailbox, and
// looks after it now and then. Two that arrive at once read it once more.
func (a *Activities) own(ctx context.Context, m mailbox, s side) error {
	owner, ok := connector.As[connector.Owner](s.Session)
	if !ok || a.Now().Sub(m.Owned) < ownedFor {
		return nil
	}
	if err := a.stillOurs(ctx, m, s); err != nil {
		return err
	}
	return a.takeOver(ctx, m, owner, "")
}

// takeOver leaves our note over whatever is there, and reads it again.
func (a *Activities) takeOver(ctx context.Context, m mailbox, owner connector.Owner, from string) error {
	our, err := a.ours(ctx)
	if err != nil {
		return err
	}
	err = owner.Own(ctx, our)
	if fault.Is(err, fault.Unsupported) {
		return a.Store.SetOwned(ctx, m.ID, a.Now(), from) // it is not asked again
	}
	if err != nil {
		return err
	}
	found, err := owner.Owner(ctx)
	if err != nil {
		return err
	}
	if found.Engine != "" && !same(found, our) {
		return otherOrganisation(m.Mailbox)
	}
	return a.Store.SetOwned(ctx, m.ID, a.Now(), from)
}

// disown takes our note out of a mailbox that is no longer synced.
func (a *Activities) disown(ctx context.Context, m mailbox, s connector.Session) error {
	owner, ok := connector.As[connector.Owner](s)
	if !ok || m.Owned.IsZero() {
		return nil
	}
	found, known, err := ownerOf(ctx, s)
	if err != nil || !known {
		return err
	}
	our, err := a.ours(ctx)
	if err != nil || !same(found, our) {
		return err
	}
	if err := owner.Own(ctx, connector.Ownership{}); err != nil {
		return err
	}
	return a.Store.SetOwned(ctx, m.ID, time.Time{}, "")
}
