package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Links pages over a mailbox's links.
func (d *DB) Links(ctx context.Context, id model.MailboxID, after model.EntityID, limit int) ([]store.LinkRow, error) {
	var rows []struct {
		Entity string `db:"entity"`
		Kind   string `db:"kind"`
		CRM    string `db:"crm_item"`
		Mail   string `db:"mail_item"`
		State  string `db:"state"`
		Reason string `db:"reason"`
		Synced int64  `db:"synced"`
	}
	err := d.view(ctx, "list links of mailbox "+string(id), func(tx *tx) error {
		return tx.list(&rows, `SELECT entity, kind, COALESCE(crm_item, '') AS crm_item, COALESCE(mail_item, '') AS mail_item, state, reason, synced
			FROM link WHERE mailbox = ? AND entity > ? ORDER BY entity LIMIT ?`, string(id), string(after), limit)
	})
	var out []store.LinkRow
	for _, r := range rows {
		out = append(out, store.LinkRow{
			Entity: model.EntityID(r.Entity), Kind: model.Kind(r.Kind), CRM: r.CRM, Mail: r.Mail,
			State: plan.State(r.State), Reason: r.Reason, Synced: instant(r.Synced),
		})
	}
	return out, err
}

// Journal pages over a mailbox's creates.
func (d *DB) Journal(ctx context.Context, id model.MailboxID, after model.Key, limit int) ([]store.JournalRow, error) {
	var rows []struct {
		Key     string `db:"op_key"`
		Entity  string `db:"entity"`
		Side    string `db:"side"`
		Kind    string `db:"kind"`
		Outcome string `db:"outcome"`
		Begun   int64  `db:"begun"`
	}
	err := d.view(ctx, "list journal of mailbox "+string(id), func(tx *tx) error {
		return tx.list(&rows, `SELECT op_key, entity, side, kind, outcome, begun
			FROM intent WHERE mailbox = ? AND op_key > ? ORDER BY op_key LIMIT ?`, string(id), string(after), limit)
	})
	var out []store.JournalRow
	for _, r := range rows {
		out = append(out, store.JournalRow{
			Key: model.Key(r.Key), Entity: model.EntityID(r.Entity), Side: model.Side(r.Side), Kind: model.Kind(r.Kind),
			Outcome: model.Outcome(r.Outcome), Begun: instant(r.Begun),
		})
	}
	return out, err
}

// Stock counts what is stored of the mailboxes of a policy.
func (d *DB) Stock(ctx context.Context, policy string) ([]store.Stock, error) {
	var rows []struct {
		ID       string `db:"id"`
		Linked   int    `db:"linked"`
		Others   int    `db:"others"`
		Created  int    `db:"created"`
		Unproven int    `db:"unproven"`
	}
	err := d.view(ctx, "count what is stored under policy "+policy, func(tx *tx) error {
		return tx.list(&rows, `SELECT m.id,
			(SELECT COUNT(*) FROM link l WHERE l.mailbox = m.id AND l.state = 'linked') AS linked,
			(SELECT COUNT(*) FROM link l WHERE l.mailbox = m.id AND l.state <> 'linked') AS others,
			(SELECT COUNT(*) FROM intent i WHERE i.mailbox = m.id AND i.outcome NOT IN ('', 'unknown')) AS created,
			(SELECT COUNT(*) FROM intent i WHERE i.mailbox = m.id AND i.outcome IN ('', 'unknown')) AS unproven
			FROM mailbox m WHERE m.policy = ? ORDER BY m.id`, policy)
	})
	var out []store.Stock
	for _, r := range rows {
		out = append(out, store.Stock{Mailbox: model.MailboxID(r.ID), Linked: r.Linked, Others: r.Others, Created: r.Created, Unproven: r.Unproven})
	}
	return out, err
}
