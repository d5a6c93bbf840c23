package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

type foundRow struct {
	Side    string `db:"side"`
	Kind    string `db:"kind"`
	Item    string `db:"item"`
	Entity  string `db:"entity"`
	Version string `db:"version"`
	Folder  string `db:"collection"`
	Order   int64  `db:"ord"`
	Content []byte `db:"content"`
}

// Explain finds items by id, UID, exact title or name.
func (d *DB) Explain(ctx context.Context, id model.MailboxID, query string) ([]store.Explanation, error) {
	keys, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	var out []store.Explanation
	err = d.view(ctx, "explain item of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []foundRow
		title := keys.titleKey(query)
		if err := tx.list(&rows, `SELECT 'crm' AS side, o.kind, o.item, o.entity, o.version, o.collection, o.ord, o.content FROM observation o
				WHERE o.connection = ? AND o.mailbox = '' AND (o.item = ? OR o.uid = ? OR o.title = ? OR o.entity = ?) AND `+takesPart+`
			UNION ALL SELECT 'mail', o.kind, o.item, o.entity, o.version, o.collection, o.ord, o.content FROM observation o
				WHERE o.connection = ? AND o.mailbox = ? AND (o.item = ? OR o.uid = ? OR o.title = ? OR o.entity = ?)
			ORDER BY 1, 2, 3`, s.CRM, query, query, title, query, s.User, s.Mail, s.ID, query, query, title, query); err != nil {
			return err
		}
		out, err = explain(tx, s, rows)
		return err
	})
	return out, err
}

// explain joins found items into one explanation per link.
func explain(tx *tx, s scope, rows []foundRow) ([]store.Explanation, error) {
	var out []store.Explanation
	seen := map[string]bool{}
	for _, r := range rows { // as many as a person asked for
		x, err := explanation(tx, s, r)
		if err != nil {
			return nil, err
		}
		if x.Entity == "" && x.CRM == nil && x.Mail == nil {
			continue // it is gone, and nothing is known of it any more
		}
		key := r.Side + r.Kind + r.Item
		if x.Entity != "" {
			key = string(x.Entity)
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, x)
		}
	}
	return out, nil
}

func explanation(tx *tx, s scope, r foundRow) (store.Explanation, error) {
	x := store.Explanation{Kind: model.Kind(r.Kind)}
	var found []linkRow
	var held []string
	if err := tx.list(&found, `SELECT `+linkColumns+` FROM link WHERE mailbox = ? AND kind = ? AND `+r.Side+`_item = ?`, s.ID, r.Kind, r.Item); err != nil {
		return x, err
	}
	items := map[model.Side]string{model.Side(r.Side): r.Item}
	if len(found) > 0 {
		l := found[0]
		x.Entity, x.State, x.Reason, x.LastSync = model.EntityID(l.Entity), plan.State(l.State), l.Reason, instant(l.Synced)
		items = map[model.Side]string{model.CRM: value(l.CRMItem), model.Mail: value(l.MailItem)}
	}
	contents := map[model.Side]model.Content{}
	for _, side := range []model.Side{model.CRM, model.Mail} {
		if items[side] == "" {
			continue
		}
		ref, content, private, err := shown(tx, s, side, x.Kind, items[side])
		if err != nil {
			return x, err
		}
		contents[side], x.Private = content, x.Private || private
		if !private {
			x.Title = or(x.Title, title(content))
		}
		if side == model.CRM {
			x.CRM = ref
		} else {
			x.Mail = ref
		}
		var n int
		if err := tx.get(&n, `SELECT COUNT(*) FROM pending WHERE mailbox = ? AND side = ? AND kind = ? AND item = ?`, s.ID, string(side), r.Kind, items[side]); err != nil {
			return x, err
		}
		x.Pending = x.Pending || n > 0
	}
	if x.Private {
		x.Title = ""
		if x.State == plan.Linked && x.Reason == "" && plan.IsBlock(contents[model.Mail]) {
			x.Reason = plan.ReasonBusy
		}
	}
	if contents[model.CRM] != nil && contents[model.Mail] != nil {
		shared := model.SharedFields(x.Kind)
		x.Fields = model.Differing(contents[model.CRM].Only(shared), contents[model.Mail].Only(shared))
	}
	if err := tx.list(&held, `SELECT w.held FROM operation w JOIN mailbox m ON m.plan = w.plan
		WHERE m.id = ? AND w.entity = ? AND w.state = 'held' ORDER BY w.number LIMIT 1`, s.ID, string(x.Entity)); err != nil {
		return x, err
	}
	if len(held) > 0 {
		x.Held = held[0]
	}
	if err := past(tx, s, &x); err != nil {
		return x, err
	}
	var issues []issueRow
	err := tx.list(&issues, selectIssue+`WHERE mailbox = ? AND is_open = 1 AND kind = ? AND (item = ? OR item = ? OR entity <> '' AND entity = ?) ORDER BY last_at DESC, code`,
		s.ID, r.Kind, or(items[model.CRM], items[model.Mail]), or(items[model.Mail], items[model.CRM]), string(x.Entity))
	for _, i := range issues {
		x.Issues = append(x.Issues, i.issue())
	}
	return x, err
}

// past adds what made the item what it is, and whether a person was asked.
func past(tx *tx, s scope, x *store.Explanation) error {
	if x.Entity == "" {
		return nil
	}
	var open int
	if err := tx.get(&open, `SELECT COUNT(*) FROM conflict WHERE mailbox = ? AND entity = ? AND winner = '' AND resolved = 0`, s.ID, string(x.Entity)); err != nil {
		return err
	}
	x.Question = open > 0
	var rows []struct {
		Round int64  `db:"round"`
		Done  int64  `db:"done"`
		Body  []byte `db:"body"`
	}
	if err := tx.list(&rows, `SELECT p.round, o.done, o.body FROM operation o JOIN plan p ON p.id = o.plan
		WHERE o.mailbox = ? AND o.entity = ? AND o.state = 'done' ORDER BY o.done DESC, o.number DESC LIMIT `+strconv.Itoa(store.LatestWrites), s.ID, string(x.Entity)); err != nil {
		return err
	}
	for _, r := range rows {
		var w plan.Write
		if err := json.Unmarshal(r.Body, &w); err != nil {
			return fmt.Errorf("decode operation: %w", err)
		}
		x.Writes = append(x.Writes, store.Write{Round: r.Round, At: instant(r.Done), Side: w.Side, Action: w.Op.Action, Fields: w.Op.Changed, Why: w.Why})
	}
	return nil
}

// shown reads one item as it is now; an item that is not there any more is nil.
func shown(tx *tx, s scope, side model.Side, kind model.Kind, item string) (ref *model.Ref, c model.Content, private bool, err error) {
	p := s.places()[side]
	known, err := observations(tx, p, kind, []string{item})
	if err != nil {
		return nil, nil, false, err
	}
	o, ok := known[item]
	if !ok || o.Absent == gone {
		return nil, nil, false, nil
	}
	found, err := loadContents(tx, [][]byte{o.Content})
	c = found[hexKey(o.Content)]
	return &model.Ref{Side: side, Kind: kind, Collection: o.Collection, ID: item, Version: o.Version, Order: o.Order}, c, o.Reduced || model.Private(c), err
}
