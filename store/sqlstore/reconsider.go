package sqlstore

import (
	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// reconsider makes strangers again of the items that were set apart because
// another one stood for the same thing: that other one may be what is gone now,
// if the item was moved while we were reading, or one of two records deleted.
// What came back with a backup never had another one.
func (p *page) reconsider() error {
	if p.out.Absent == 0 {
		return nil
	}
	side, whose, id := model.Mail, `l.mailbox = ?`, string(p.in.Mailbox)
	if p.place.crm() {
		side, whose, id = model.CRM, `l.crm = ?`, string(p.in.Connection)
	}
	item := `l.` + string(side) + `_item`
	// A copy that carries its own mark already is one of its own.
	apart := whose + ` AND l.kind = ? AND ` + item + ` IS NOT NULL AND (l.state = 'returned' AND l.reason <> ? OR l.state = 'copied' AND ` + no(`
		SELECT 1 FROM observation o WHERE o.connection = ? AND o.mailbox = l.mailbox AND o.kind = l.kind AND o.item = l.mail_item
			AND o.stamp LIKE l.entity || '-%'`) + `)`
	if err := p.tx.exec(`INSERT INTO pending (mailbox, side, kind, item, mark)
		SELECT l.mailbox, CAST(? AS TEXT), l.kind, `+item+`, CAST(? AS BIGINT) FROM link l WHERE `+apart+bump,
		string(side), newMark(), id, string(p.kind), plan.ReasonCameBack, string(p.in.Connection)); err != nil {
		return err
	}
	if err := p.tx.exec(`DELETE FROM identity WHERE connection = ? AND mailbox = ? AND EXISTS (SELECT 1 FROM link l WHERE `+apart+`
		AND l.kind = identity.kind AND `+item+` = identity.item AND l.entity = identity.entity)`,
		string(p.in.Connection), string(p.in.Mailbox), id, string(p.kind), plan.ReasonCameBack, string(p.in.Connection)); err != nil {
		return err
	}
	return p.tx.exec(`DELETE FROM link AS l WHERE `+apart, id, string(p.kind), plan.ReasonCameBack, string(p.in.Connection))
}
