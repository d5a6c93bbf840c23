package memory

import (
	"context"
	"time"

	"lockstep.dev/connector"
)

var (
	_ connector.Owner = (*session)(nil)
	_ connector.Owner = (*faultySession)(nil)
)

// Owner implements connector.Owner.
func (s *session) Owner(ctx context.Context) (connector.Ownership, error) {
	h, err := s.enter(ctx, "owner")
	defer s.mu.Unlock()
	if err != nil {
		return connector.Ownership{}, err
	}
	return h.owner, nil
}

// Own implements connector.Owner.
func (s *session) Own(ctx context.Context, o connector.Ownership) error {
	h, err := s.enter(ctx, "own")
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	o.Since = o.Since.UTC().Truncate(time.Second)
	h.owner = o
	return nil
}

// Own makes another program the owner of a mailbox, or looks who it is.
func (p Place) Own(o connector.Ownership) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.home().owner = o
}

// Owner is who syncs a mailbox.
func (p Place) Owner() connector.Ownership {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.home().owner
}

// Owner implements connector.Owner, where the decorated session does.
func (s *faultySession) Owner(ctx context.Context) (connector.Ownership, error) {
	owner, ok := connector.As[connector.Owner](s.Session)
	if !ok {
		return connector.Ownership{}, nil
	}
	return through(ctx, s.hook, s.point("owner"), func() (connector.Ownership, error) { return owner.Owner(ctx) })
}

// Own implements connector.Owner, where the decorated session does.
func (s *faultySession) Own(ctx context.Context, o connector.Ownership) error {
	owner, ok := connector.As[connector.Owner](s.Session)
	if !ok {
		return nil
	}
	_, err := through(ctx, s.hook, s.point("own"), func() (struct{}, error) { return struct{}{}, owner.Own(ctx, o) })
	return err
}
