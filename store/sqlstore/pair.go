package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// seenRow is one side of a pair as it is read; Item is nil where there is no
// observation.
type seenRow struct {
	Item        *string `db:"item"`
	Collection  *string `db:"collection"`
	Version     *string `db:"version"`
	Order       *int64  `db:"ord"`
	Content     []byte  `db:"content"`
	Raw         []byte  `db:"raw"`
	UID         *string `db:"uid"`
	Stamp       *string `db:"stamp"`
	Absent      *int64  `db:"absent"`
	AbsentSince *int64  `db:"absent_since"`
	Trouble     *string `db:"trouble"`
	Modified    *int64  `db:"modified"`
	ReadOnly    *bool   `db:"read_only"`
}

// pairRow is a pending row with its link and both observations.
type pairRow struct {
	Side      string  `db:"side"`
	Kind      string  `db:"kind"`
	Item      string  `db:"item"`
	Mark      int64   `db:"mark"`
	OtherMark *int64  `db:"other_mark"`
	Entity    *string `db:"entity"`
	CRMItem   *string `db:"crm_item"`
	MailItem  *string `db:"mail_item"`
	State     *string `db:"state"`
	Reason    *string `db:"reason"`
	Incarn    *int    `db:"incarnation"`
	CRMBase   []byte  `db:"crm_base"`
	MailBase  []byte  `db:"mail_base"`
	Role      *string `db:"role"`
	CRM       seenRow `db:"oc"`
	Mail      seenRow `db:"om"`
}

func seenColumns(o, c, as string) string {
	out := ""
	for _, name := range []string{"item", "collection", "version", "ord", "content", "raw", "uid", "stamp", "absent", "absent_since", "trouble", "modified"} {
		out += ", " + o + "." + name + ` AS "` + as + "." + name + `"`
	}
	return out + ", " + c + `.read_only AS "` + as + `.read_only"`
}

// selectPairs reads pending rows in order, with what they are linked to. A mail
// row whose CRM side is pending too is left out: the pair comes once. So is a
// CRM item whose content is still to come.
func selectPairs() string {
	return `SELECT p.side, p.kind, p.item, p.mark, q.mark AS other_mark,
		l.entity, l.crm_item, l.mail_item, l.state, l.reason, l.incarnation, l.crm_base, l.mail_base, a.role` +
		seenColumns("oc", "cc", "oc") + seenColumns("om", "cm", "om") + `
	FROM pending p
	LEFT JOIN link lc ON p.side = 'crm' AND lc.mailbox = p.mailbox AND lc.kind = p.kind AND lc.crm_item = p.item
	LEFT JOIN link lm ON p.side = 'mail' AND lm.mailbox = p.mailbox AND lm.kind = p.kind AND lm.mail_item = p.item
	LEFT JOIN link l ON l.mailbox = p.mailbox AND l.entity = COALESCE(lc.entity, lm.entity)
	LEFT JOIN pending q ON q.mailbox = p.mailbox AND q.side = CASE p.side WHEN 'crm' THEN 'mail' ELSE 'crm' END
		AND q.kind = p.kind AND q.item = CASE p.side WHEN 'crm' THEN l.mail_item ELSE l.crm_item END
	LEFT JOIN observation oc ON oc.connection = ? AND oc.mailbox = '' AND oc.kind = p.kind
		AND oc.item = CASE p.side WHEN 'crm' THEN p.item ELSE l.crm_item END
	LEFT JOIN observation om ON om.connection = ? AND om.mailbox = p.mailbox AND om.kind = p.kind
		AND om.item = CASE p.side WHEN 'mail' THEN p.item ELSE l.mail_item END
	LEFT JOIN collection cc ON cc.connection = oc.connection AND cc.mailbox = oc.mailbox AND cc.kind = oc.kind AND cc.id = oc.collection
	LEFT JOIN collection cm ON cm.connection = om.connection AND cm.mailbox = om.mailbox AND cm.kind = om.kind AND cm.id = om.collection
	LEFT JOIN access a ON a.connection = oc.connection AND a.kind = oc.kind AND a.item = oc.item AND a.crm_user = ?
	WHERE p.mailbox = ? AND (p.side, p.kind, p.item) > (?, ?, ?)
		AND NOT (p.side = 'mail' AND q.mark IS NOT NULL)
		AND NOT (oc.item IS NOT NULL AND oc.content IS NULL AND oc.trouble = '' AND oc.absent = 0 AND a.role IS NOT NULL)
	ORDER BY p.side, p.kind, p.item LIMIT ?`
}

// Pairs pages over what is pending.
func (d *DB) Pairs(ctx context.Context, id model.MailboxID, last string, limit int) ([]store.Pair, error) {
	side, kind, item, err := after(last)
	if err != nil {
		return nil, err
	}
	var out []store.Pair
	err = d.view(ctx, "list pending pairs of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []pairRow
		if err := tx.list(&rows, selectPairs(), s.CRM, s.Mail, s.User, s.ID, side, kind, item, limit); err != nil {
			return err
		}
		out = make([]store.Pair, len(rows))
		for i, r := range rows {
			out[i] = r.pair(s)
		}
		if err := fill(tx, rows, out); err != nil {
			return err
		}
		return openIntents(tx, s, out)
	})
	return out, err
}

// pair is a row without contents.
func (r pairRow) pair(s scope) store.Pair {
	p := store.Pair{Row: row(r.Side, r.Kind, r.Item)}
	p.Kind = model.Kind(r.Kind)
	p.Marks = []store.Mark{{Side: model.Side(r.Side), Kind: p.Kind, Item: r.Item, At: r.Mark}}
	if r.Entity != nil {
		p.Entity, p.State, p.Reason, p.Incarnation = model.EntityID(*r.Entity), plan.State(*r.State), *r.Reason, *r.Incarn
	}
	if r.OtherMark != nil {
		side, item := model.Mail, r.MailItem
		if r.Side == string(model.Mail) {
			side, item = model.CRM, r.CRMItem
		}
		p.Marks = append(p.Marks, store.Mark{Side: side, Kind: p.Kind, Item: value(item), At: *r.OtherMark})
	}
	p.CRM = r.CRM.seen(model.CRM, p.Kind, s.Pass, s.Settle)
	p.Mail = r.Mail.seen(model.Mail, p.Kind, s.Round, s.Settle)
	p.Lead = r.Role != nil && model.Role(*r.Role) == model.Owner
	if p.CRM != nil && !p.CRM.Gone && r.Role == nil {
		p.CRM.Left = true // the mailbox's user takes no part in it (any more)
	}
	if r.CRMBase != nil {
		p.CRMBase = &plan.Base{Key: hexKey(r.CRMBase)}
	}
	if r.MailBase != nil {
		p.MailBase = &plan.Base{Key: hexKey(r.MailBase)}
	}
	return p
}

func (r seenRow) seen(side model.Side, kind model.Kind, now, settle int64) *plan.Seen {
	if r.Item == nil {
		return nil
	}
	return &plan.Seen{
		Ref: model.Ref{Side: side, Kind: kind, Collection: *r.Collection, ID: *r.Item, Version: *r.Version, Order: *r.Order},
		UID: *r.UID, Key: hexKey(r.Content), Raw: hexKey(r.Raw), Stamp: model.Key(*r.Stamp),
		Gone: absence(*r.Absent) == gone, Settled: absence(*r.Absent) == gone && now-*r.AbsentSince >= settle,
		Left: absence(*r.Absent) == left, Trouble: *r.Trouble, ReadOnly: r.ReadOnly != nil && *r.ReadOnly, Modified: instant(*r.Modified),
	}
}

// fill loads the contents that a decision can need: nothing where both sides
// are as they were when they agreed.
func fill(tx *tx, rows []pairRow, pairs []store.Pair) error {
	var keys [][]byte
	for i, r := range rows {
		if !unchangedPair(pairs[i]) {
			keys = append(keys, r.CRM.Content, r.Mail.Content, r.CRMBase, r.MailBase)
		}
	}
	found, err := loadContents(tx, keys)
	if err != nil {
		return err
	}
	for i, r := range rows {
		p := &pairs[i]
		if unchangedPair(*p) {
			continue
		}
		if p.CRM != nil {
			p.CRM.Content = found[string(r.CRM.Content)]
		}
		if p.Mail != nil {
			p.Mail.Content = found[string(r.Mail.Content)]
		}
		if p.CRMBase != nil {
			p.CRMBase.Content = found[string(r.CRMBase)]
		}
		if p.MailBase != nil {
			p.MailBase.Content = found[string(r.MailBase)]
		}
	}
	return nil
}

// unchangedPair reports whether both sides are there and as both bases say.
func unchangedPair(p store.Pair) bool {
	same := func(s *plan.Seen, b *plan.Base) bool {
		return s != nil && b != nil && !s.Gone && !s.Left && s.Trouble == "" && s.Key == b.Key
	}
	return same(p.CRM, p.CRMBase) && same(p.Mail, p.MailBase)
}
