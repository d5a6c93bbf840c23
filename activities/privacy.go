package activities

import (
	"context"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// holds reduces items to what our store may hold of them for this mailbox
// (requirement B16).
func (m mailbox) holds(_ context.Context, items []model.Item) ([]model.Item, error) {
	out := make([]model.Item, len(items))
	for i, it := range items {
		out[i] = plan.Hold(m.policy.Private, m.policy.Category, it)
	}
	return out, nil
}

// receipt reduces what a system says it stores now. An item in the mailbox that
// turned private at this very moment is as if we knew nothing of it: without its
// version the next fetch reads it anew.
func (m mailbox) receipt(r model.Receipt) model.Receipt {
	if r.Item == nil {
		return r
	}
	held := plan.Hold(m.policy.Private, m.policy.Category, *r.Item)
	if held.Reduced && held.Ref.Side == model.Mail {
		r.Item, r.Ref.Version = nil, ""
		return r
	}
	r.Item = &held
	return r
}

// privacy makes sure that a mailbox's collections are read under its policy. A
// change of the policy, or a move to another one, has everything read again
// that could be private: what we must not hold any more goes, what we may hold
// comes.
func (a *Activities) privacy(ctx context.Context, m mailbox, known []store.Collection) ([]store.Collection, error) {
	other := func(c store.Collection) bool {
		return (c.Kind == model.Event || c.Kind == model.Task) && c.Privacy != m.policy.Private
	}
	if !slices.ContainsFunc(known, other) {
		return known, nil
	}
	crm, err := a.Store.SetPrivacy(ctx, m.ID, m.policy.Private)
	if err != nil {
		return nil, err
	}
	if crm {
		if err := a.Waker.WakeConnection(ctx, m.crm.ID); err != nil {
			return nil, err
		}
	}
	return a.Store.Collections(ctx, m.mail.ID, m.ID)
}

// crmPrivacy says what may be held of a CRM's private records: as much as the
// most open policy among those who take part allows. It asks the store only
// once a private record comes.
type crmPrivacy struct {
	store      store.Store
	connection model.ConnectionID
	byUser     map[string]string // policy's answer by CRM user
}

func (c *crmPrivacy) holds(ctx context.Context, items []model.Item) ([]model.Item, error) {
	out := slices.Clone(items)
	for i, it := range items {
		if it.Trouble == "" && !model.Private(it.Content) {
			continue
		}
		if err := c.load(ctx); err != nil {
			return nil, err
		}
		out[i] = plan.Hold(c.level(it.Access), "", it)
	}
	return out, nil
}

func (c *crmPrivacy) level(access []model.Access) string {
	order := []string{model.PrivateSkip, model.PrivateBusy, model.PrivateFull}
	level := 0
	for _, a := range access {
		level = max(level, slices.Index(order, c.byUser[a.User]))
	}
	return order[level]
}

func (c *crmPrivacy) load(ctx context.Context) error {
	if c.byUser != nil {
		return nil
	}
	policies, err := c.store.Policies(ctx)
	if err != nil {
		return err
	}
	private := map[string]string{}
	for _, p := range policies {
		private[p.Name] = p.Complete().Private
	}
	mailboxes, err := c.store.Mailboxes(ctx, store.MailboxFilter{Connection: c.connection})
	if err != nil {
		return err
	}
	c.byUser = map[string]string{}
	for _, m := range mailboxes {
		if m.State.TakesPart() {
			c.byUser[m.CRMUser] = private[m.Policy]
		}
	}
	return nil
}
