package sqlstore

import (
	"context"

	"lockstep.dev/model"
)

// Unknown returns those refs whose version is not the one we hold. A CRM item
// whose content was left out while nobody live took part counts as unknown once
// somebody does; an item that was read under another privacy counts as unknown.
func (d *DB) Unknown(ctx context.Context, c model.ConnectionID, m model.MailboxID, refs []model.Ref) ([]model.Ref, error) {
	byKind := map[model.Kind][]string{}
	for _, r := range refs {
		byKind[r.Kind] = append(byKind[r.Kind], r.ID)
	}
	type held struct {
		Item    string `db:"item"`
		Version string `db:"version"`
	}
	have := map[model.Ref]bool{}
	err := d.view(ctx, "compare versions", func(tx *tx) error {
		for kind, items := range byKind {
			rows, err := listIn[held](tx, `SELECT o.item, o.version FROM observation o
				WHERE o.connection = ? AND o.mailbox = ? AND o.kind = ? AND o.version <> '' AND o.item IN (?*)
				AND o.privacy = COALESCE((SELECT k.privacy FROM collection k
					WHERE k.connection = o.connection AND k.mailbox = o.mailbox AND k.kind = o.kind AND k.id = o.collection), o.privacy)
				AND (o.content IS NOT NULL OR o.trouble <> '' OR `+no(`
					SELECT 1 FROM access a JOIN mailbox m ON m.crm = a.connection AND m.crm_user = a.crm_user AND m.state `+takingPart+`
					WHERE a.connection = o.connection AND a.kind = o.kind AND a.item = o.item`)+`)`,
				[]any{string(c), string(m), string(kind)}, items)
			if err != nil {
				return err
			}
			for _, r := range rows {
				have[model.Ref{Kind: kind, ID: r.Item, Version: r.Version}] = true
			}
		}
		return nil
	})
	var out []model.Ref
	for _, r := range refs {
		if !have[model.Ref{Kind: r.Kind, ID: r.ID, Version: r.Version}] {
			out = append(out, r)
		}
	}
	return out, err
}
