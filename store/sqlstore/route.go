package sqlstore

import (
	"slices"

	"lockstep.dev/model"
)

// routed is a CRM item that changed, with everyone who takes or took part.
type routed struct {
	kind   model.Kind
	item   string
	entity string
	users  []string
}

// accessRow is one user's part in one item.
type accessRow struct {
	Item string `db:"item"`
	User string `db:"crm_user"`
	Role string `db:"role"`
}

// accesses reads who takes part in some items, by item, ordered by user.
func accesses(tx *tx, crm model.ConnectionID, kind model.Kind, items []string) (map[string][]model.Access, error) {
	rows, err := listIn[accessRow](tx, `SELECT item, crm_user, role FROM access
		WHERE connection = ? AND kind = ? AND item IN (?*) ORDER BY item, crm_user`, []any{string(crm), string(kind)}, items)
	out := make(map[string][]model.Access, len(items))
	for _, r := range rows {
		out[r.Item] = append(out[r.Item], model.Access{User: r.User, Role: model.Role(r.Role)})
	}
	return out, err
}

// normalAccess sorts by user and keeps one role each, the owner's before others.
func normalAccess(list []model.Access) []model.Access {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b model.Access) int {
		if a.User != b.User {
			return compare(a.User, b.User)
		}
		return compare(flag(a.Role != model.Owner), flag(b.Role != model.Owner))
	})
	out = slices.CompactFunc(out, func(a, b model.Access) bool { return a.User == b.User })
	return slices.DeleteFunc(out, func(a model.Access) bool { return a.User == "" })
}

func compare[T string | int64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// saveAccess replaces who takes part in some items of one kind.
func saveAccess(tx *tx, crm model.ConnectionID, kind model.Kind, access map[string][]model.Access) error {
	items := sortedKeys(access)
	if _, err := execIn(tx, `DELETE FROM access WHERE connection = ? AND kind = ? AND item IN (?*)`,
		[]any{string(crm), string(kind)}, items); err != nil {
		return err
	}
	var rows [][]any
	for _, item := range items {
		for _, a := range access[item] {
			rows = append(rows, []any{string(crm), string(kind), item, a.User, string(a.Role)})
		}
	}
	return tx.insert(`INSERT INTO access (connection, kind, item, crm_user, role)`, rows, ``)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// liveMailboxes returns the mailboxes that are not retired, by CRM user. One
// user has one registration, so one mailbox.
func liveMailboxes(tx *tx, crm model.ConnectionID, users []string) (map[string]string, error) {
	slices.Sort(users)
	rows, err := listIn[struct {
		ID   string `db:"id"`
		User string `db:"crm_user"`
	}](tx, `SELECT id, crm_user FROM mailbox WHERE crm = ? AND state `+takingPart+` AND crm_user IN (?*)`,
		[]any{string(crm)}, slices.Compact(users))
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.User] = r.ID
	}
	return out, err
}

// linkedMailboxes returns the live mailboxes that have a link to some entities.
func linkedMailboxes(tx *tx, crm model.ConnectionID, entities []string) (map[string][]string, error) {
	rows, err := listIn[struct {
		Entity  string `db:"entity"`
		Mailbox string `db:"mailbox"`
	}](tx, `SELECT l.entity, l.mailbox FROM link l WHERE l.crm = ? AND l.entity IN (?*)
		AND (SELECT m.state FROM mailbox m WHERE m.id = l.mailbox) `+takingPart, []any{string(crm)}, entities)
	out := map[string][]string{}
	for _, r := range rows {
		out[r.Entity] = append(out[r.Entity], r.Mailbox)
	}
	return out, err
}

// route makes changed CRM items pending in every live mailbox that has or had
// access or links their entity, less the one that made the change. It returns
// the mailboxes that had nothing new to look at before (design decision 3).
func route(tx *tx, crm model.ConnectionID, changed []routed, except model.MailboxID) ([]model.MailboxID, error) {
	var users, entities []string
	for _, r := range changed {
		users = append(users, r.users...)
		if r.entity != "" {
			entities = append(entities, r.entity)
		}
	}
	byUser, err := liveMailboxes(tx, crm, users)
	if err != nil {
		return nil, err
	}
	byEntity, err := linkedMailboxes(tx, crm, entities)
	if err != nil {
		return nil, err
	}
	var rows []pendingRow
	seen := map[pendingRow]bool{}
	add := func(mailbox string, r routed) {
		row := pendingRow{mailbox, string(model.CRM), string(r.kind), r.item}
		if mailbox != "" && mailbox != string(except) && !seen[row] {
			seen[row] = true
			rows = append(rows, row)
		}
	}
	for _, r := range changed {
		for _, u := range r.users {
			add(byUser[u], r)
		}
		for _, m := range byEntity[r.entity] {
			add(m, r)
		}
	}
	return wake(tx, rows)
}

// pendingRow names one row of pending.
type pendingRow struct{ mailbox, side, kind, item string }

// wake makes rows pending and returns the mailboxes that had nothing fresh.
func wake(tx *tx, rows []pendingRow) ([]model.MailboxID, error) {
	mailboxes := map[string]bool{}
	for _, r := range rows {
		mailboxes[r.mailbox] = true
	}
	names := sortedKeys(mailboxes)
	busy, err := listIn[string](tx, `SELECT id FROM mailbox WHERE id IN (?*)
		AND EXISTS (SELECT 1 FROM pending p WHERE p.mailbox = mailbox.id AND p.state = 0)`, nil, names)
	if err != nil {
		return nil, err
	}
	for _, b := range busy {
		delete(mailboxes, b)
	}
	var woken []model.MailboxID
	for _, m := range sortedKeys(mailboxes) {
		woken = append(woken, model.MailboxID(m))
	}
	return woken, pend(tx, rows)
}

// pend makes rows pending, in one order for everyone, so that two transactions
// rarely wait for each other crosswise.
func pend(tx *tx, rows []pendingRow) error {
	slices.SortFunc(rows, func(a, b pendingRow) int {
		for _, c := range []int{compare(a.mailbox, b.mailbox), compare(a.side, b.side), compare(a.kind, b.kind)} {
			if c != 0 {
				return c
			}
		}
		return compare(a.item, b.item)
	})
	rows = slices.Compact(rows)
	mark := newMark()
	values := make([][]any, len(rows))
	for i, r := range rows {
		values[i] = []any{r.mailbox, r.side, r.kind, r.item, mark}
	}
	return tx.insert(`INSERT INTO pending (mailbox, side, kind, item, mark)`, values, bump)
}
