package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

type mailboxRow struct {
	ID          string `db:"id"`
	Address     string `db:"address"`
	CRM         string `db:"crm"`
	CRMUser     string `db:"crm_user"`
	Mail        string `db:"mail"`
	Identity    string `db:"identity"`
	SignIn      string `db:"sign_in"`
	Secret      []byte `db:"secret"`
	Policy      string `db:"policy"`
	State       string `db:"state"`
	Reason      string `db:"reason"`
	Generation  int64  `db:"generation"`
	Round       int64  `db:"round"`
	Initialized bool   `db:"initialized"`
	Created     int64  `db:"created"`
	LastSuccess int64  `db:"last_success"`
	FetchBegun  int64  `db:"fetch_begun"`
	NextAt      int64  `db:"next_at"`
	Failures    int    `db:"failures"`
	AuditAt     int64  `db:"audit_at"`
	Behind      bool   `db:"restores"`
	Undoing     string `db:"undoing"`
	Hold        string `db:"hold"`
	Successor   string `db:"successor"`
	Snapshot    string `db:"snapshot"`
	Workloads   string `db:"workloads"`
	Owned       int64  `db:"owned"`
	Acked       string `db:"acknowledged"`
}

const selectMailbox = `SELECT id, address, crm, crm_user, mail, identity, sign_in, secret, policy, state, reason,
	generation, round, initialized, created, last_success, fetch_begun, next_at,
	(SELECT COALESCE(MAX(a.times), 0) FROM alert a WHERE a.mailbox = mailbox.id AND a.state = 'retrying') AS failures, audit_at, restores, undoing, hold, successor,
	workloads, owned, acknowledged,
	COALESCE((SELECT s.request FROM snapshot s WHERE s.mailbox = mailbox.id AND s.ended = 0), '') AS snapshot FROM mailbox `

func (d *DB) mailbox(r mailboxRow) (model.Mailbox, error) {
	secret, err := d.ring.Open(r.Secret, "mailbox "+r.ID)
	return model.Mailbox{
		ID: model.MailboxID(r.ID), Address: r.Address, CRM: model.ConnectionID(r.CRM), CRMUser: r.CRMUser,
		Mail: model.ConnectionID(r.Mail), Identity: r.Identity, User: r.SignIn, Secret: string(secret),
		Policy: r.Policy, State: model.MailboxState(r.State), Reason: r.Reason,
		Generation: r.Generation, Round: r.Round, Initialized: r.Initialized, Created: instant(r.Created),
		LastSuccess: instant(r.LastSuccess), FetchBegun: instant(r.FetchBegun), NextAt: instant(r.NextAt), Failures: r.Failures, AuditAt: instant(r.AuditAt), Behind: r.Behind, Undoing: r.Undoing, Hold: r.Hold, Successor: model.MailboxID(r.Successor), Snapshot: r.Snapshot,
		Workloads: model.Workloads(r.Workloads), Owned: instant(r.Owned), Acknowledged: r.Acked,
	}, err
}

// Mailboxes lists mailboxes by address.
func (d *DB) Mailboxes(ctx context.Context, f store.MailboxFilter) ([]model.Mailbox, error) {
	where, args := `WHERE 1 = 1`, []any(nil)
	if f.State != "" {
		where, args = where+` AND state = ?`, append(args, string(f.State))
	}
	if f.Connection != "" {
		where, args = where+` AND (crm = ? OR mail = ?)`, append(args, string(f.Connection), string(f.Connection))
	}
	if f.Policy != "" {
		where, args = where+` AND policy = ?`, append(args, f.Policy)
	}
	var out []model.Mailbox
	err := d.view(ctx, "list mailboxes", func(tx *tx) error {
		var rows []mailboxRow
		if err := tx.list(&rows, selectMailbox+where+` ORDER BY folded, id`, args...); err != nil {
			return err
		}
		for _, r := range rows {
			m, err := d.mailbox(r)
			if err != nil {
				return err
			}
			out = append(out, m)
		}
		return nil
	})
	return out, err
}

// Mailbox returns one mailbox by its id.
func (d *DB) Mailbox(ctx context.Context, id model.MailboxID) (model.Mailbox, error) {
	return d.oneMailbox(ctx, string(id), `WHERE id = ?`, string(id))
}

// MailboxNamed finds a mailbox by address or id: a live one before retired
// ones, of those the newest.
func (d *DB) MailboxNamed(ctx context.Context, name string) (model.Mailbox, error) {
	return d.oneMailbox(ctx, name, `WHERE folded = ? OR id = ?
		ORDER BY CASE WHEN state = 'retired' THEN 1 ELSE 0 END, created DESC, id DESC LIMIT 1`, model.FoldAddress(name), name)
}

func (d *DB) oneMailbox(ctx context.Context, name, where string, args ...any) (model.Mailbox, error) {
	var out model.Mailbox
	err := d.view(ctx, "read mailbox "+name, func(tx *tx) (err error) {
		out, err = d.getMailbox(tx, where, args...)
		return err
	})
	return out, err
}

func (d *DB) getMailbox(tx *tx, where string, args ...any) (model.Mailbox, error) {
	var r mailboxRow
	if err := tx.get(&r, selectMailbox+where, args...); err != nil {
		return model.Mailbox{}, err
	}
	return d.mailbox(r)
}

// Register adds a mailbox, or revives the one that its CRM user is registered
// for.
func (d *DB) Register(ctx context.Context, m model.Mailbox) (model.Mailbox, error) {
	var out model.Mailbox
	var conflict *store.Conflict
	err := d.registering(ctx, "register mailbox "+m.Address, func(tx *tx) (err error) {
		out, err = d.register(tx, m)
		if errors.As(err, &conflict) {
			return nil // what was saved of it stays
		}
		return err
	})
	if err == nil && conflict != nil {
		return out, conflict
	}
	return out, err
}

func (d *DB) register(tx *tx, m model.Mailbox) (model.Mailbox, error) {
	var id string
	err := tx.get(&id, `SELECT mailbox FROM registration WHERE crm = ? AND crm_user = ?`, string(m.CRM), m.CRMUser)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return d.add(tx, m)
	case err != nil:
		return m, err
	}
	old, err := d.getMailbox(tx, `WHERE id = ?`, id)
	if err != nil {
		return m, err
	}
	same := model.FoldAddress(old.Address) == model.FoldAddress(m.Address) || m.Identity != "" && m.Identity == old.Identity
	if !same || old.Mail != m.Mail {
		return d.setAside(tx, old, m)
	}
	return d.revive(tx, old, m)
}

// add inserts a mailbox that was not known.
func (d *DB) add(tx *tx, m model.Mailbox) (model.Mailbox, error) {
	if m.ID == "" {
		m.ID = model.MailboxID(newID("mbx"))
	}
	if m.State == "" {
		m.State = model.Active
	}
	if m.Policy == "" {
		m.Policy = "default"
	}
	if m.Created.IsZero() {
		m.Created = time.Now().UTC().Truncate(time.Microsecond)
	}
	secret, err := d.ring.Seal([]byte(m.Secret), "mailbox "+string(m.ID))
	if err != nil {
		return m, err
	}
	if err := d.exists(tx.exec(`INSERT INTO mailbox (id, address, folded, crm, crm_user, mail, identity, sign_in, secret, policy, state, reason, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(m.ID), m.Address, model.FoldAddress(m.Address), string(m.CRM), m.CRMUser, string(m.Mail), m.Identity,
		m.User, null(secret), m.Policy, string(m.State), m.Reason, micros(m.Created))); err != nil {
		return m, err
	}
	if m.State != model.Conflicted {
		if err := tx.exec(`INSERT INTO registration (crm, crm_user, mailbox) VALUES (?, ?, ?)`, string(m.CRM), m.CRMUser, string(m.ID)); err != nil {
			return m, err
		}
		if err := rouse(tx, m); err != nil {
			return m, err
		}
	}
	if err := tx.note(store.LogEntry{What: store.LogRegistered, Subject: store.LogMailbox, Name: string(m.ID), After: string(m.State)}); err != nil {
		return m, err
	}
	return d.getMailbox(tx, `WHERE id = ?`, string(m.ID))
}

// revive gives a known mailbox its new settings and, if it was retired, its
// work: links and cursors were kept (B6).
func (d *DB) revive(tx *tx, old, m model.Mailbox) (model.Mailbox, error) {
	was := old.State
	if err := succeed(tx, old, `crm = ? AND crm_user = ? AND mail = ? AND folded = ?`,
		string(m.CRM), m.CRMUser, string(m.Mail), model.FoldAddress(m.Address)); err != nil {
		return m, err
	}
	if err := remembered(tx, old, m.Address); err != nil {
		return m, err
	}
	old.Address, old.User, old.Secret = m.Address, m.User, m.Secret
	if m.Identity != "" {
		old.Identity = m.Identity
	}
	if m.Policy != "" {
		old.Policy = m.Policy
	}
	if was == model.Retired {
		if m.State == "" {
			m.State = model.Active
		}
		if err := tx.note(store.LogEntry{What: store.LogRegistered, Subject: store.LogMailbox, Name: string(old.ID), Before: string(was), After: string(m.State)}); err != nil {
			return m, err
		}
		if err := d.exists(tx.exec(`UPDATE mailbox SET state = ?, reason = ?, owned = 0, folded = ? WHERE id = ?`,
			string(m.State), m.Reason, model.FoldAddress(old.Address), string(old.ID))); err != nil {
			return m, err
		}
		if err := tx.endAll(old.ID); err != nil {
			return m, err
		}
	}
	if err := d.saveMailbox(tx, old); err != nil {
		return m, err
	}
	if was == model.Retired {
		if err := rouse(tx, old); err != nil {
			return m, err
		}
	}
	return d.getMailbox(tx, `WHERE id = ?`, string(old.ID))
}

// rouse makes pending what a mailbox that (again) takes part has to look at:
// what its CRM user has access to, and both items of every link. CRM items that
// nobody live could see until now have no content; the next pass lists in full
// and brings it.
func rouse(tx *tx, m model.Mailbox) error {
	mark, id, crm := newMark(), string(m.ID), string(m.CRM)
	if err := tx.exec(`INSERT INTO pending (mailbox, side, kind, item, mark)
		SELECT CAST(? AS TEXT), 'crm', a.kind, a.item, CAST(? AS BIGINT) FROM access a WHERE a.connection = ? AND a.crm_user = ?`+bump,
		id, mark, crm, m.CRMUser); err != nil {
		return err
	}
	if err := tx.exec(`INSERT INTO pending (mailbox, side, kind, item, mark)
		SELECT mailbox, 'crm', kind, crm_item, CAST(? AS BIGINT) FROM link WHERE mailbox = ? AND crm_item IS NOT NULL`+bump, mark, id); err != nil {
		return err
	}
	if err := tx.exec(`INSERT INTO pending (mailbox, side, kind, item, mark)
		SELECT mailbox, 'mail', kind, mail_item, CAST(? AS BIGINT) FROM link WHERE mailbox = ? AND mail_item IS NOT NULL`+bump, mark, id); err != nil {
		return err
	}
	return tx.exec(`UPDATE collection SET position = '', listing = 0 WHERE connection = ? AND mailbox = '' AND EXISTS (
		SELECT 1 FROM access a WHERE a.connection = ? AND a.crm_user = ? AND `+some(`SELECT 1 FROM observation o
			WHERE o.connection = a.connection AND o.mailbox = '' AND o.kind = a.kind AND o.item = a.item
			AND o.content IS NULL AND o.trouble = '' AND o.absent = 0`)+`)`, crm, crm, m.CRMUser)
}

// bump makes a pending row fresh again. A select before it ends with a WHERE,
// else SQLite would read ON as part of a join.
const bump = ` ON CONFLICT (mailbox, side, kind, item) DO UPDATE SET mark = excluded.mark, plan = '', state = 0`

// SaveMailbox updates policy, sign-in, identity and address.
func (d *DB) SaveMailbox(ctx context.Context, m model.Mailbox) error {
	return d.update(ctx, "save mailbox "+string(m.ID), func(tx *tx) error { return d.saveMailbox(tx, m) })
}

func (d *DB) saveMailbox(tx *tx, m model.Mailbox) error {
	secret, err := d.ring.Seal([]byte(m.Secret), "mailbox "+string(m.ID))
	if err != nil {
		return err
	}
	old, err := d.getMailbox(tx, `WHERE id = ?`, string(m.ID))
	if err != nil {
		return err
	}
	if err := tx.settings(old, m); err != nil {
		return err
	}
	// What the policy before skipped is looked at again.
	if err := tx.exec(`UPDATE link SET recheck = 1 WHERE mailbox = ? AND state = 'skipped'
		AND EXISTS (SELECT 1 FROM mailbox m WHERE m.id = link.mailbox AND m.policy <> ?)`, string(m.ID), m.Policy); err != nil {
		return err
	}
	n, err := tx.count(`UPDATE mailbox SET address = ?, folded = ?, identity = ?, sign_in = ?, secret = ?, policy = ? WHERE id = ?`,
		m.Address, model.FoldAddress(m.Address), m.Identity, m.User, null(secret), m.Policy, string(m.ID))
	return one(n, d.exists(err))
}

// SetMailboxState moves a mailbox through its life. Work that was planned for a
// retired mailbox is dropped.
func (d *DB) SetMailboxState(ctx context.Context, id model.MailboxID, s model.MailboxState, reason string) error {
	return d.registering(ctx, "set state of mailbox "+string(id), func(tx *tx) error {
		if err := tx.moved(string(id), string(s), reason); err != nil {
			return err
		}
		// What was overlooked while nothing worked is found by an audit.
		n, err := tx.count(`UPDATE mailbox SET state = ?, reason = ?,
			audit_at = CASE WHEN state = 'disabled' AND CAST(? AS TEXT) = 'active' AND initialized = 1 THEN 1 ELSE audit_at END WHERE id = ?`,
			string(s), reason, string(s), string(id))
		if err := one(n, d.exists(err)); err != nil {
			return err
		}
		switch s {
		case model.Active:
			return tx.enabled(id)
		case model.Retired:
			return retire(tx, id)
		default:
			return nil
		}
	})
}

func retire(tx *tx, id model.MailboxID) error {
	if err := tx.endAll(id); err != nil {
		return err
	}
	if err := tx.exec(`UPDATE mailbox SET approved = '', approved_by = '', lease_token = '', lease_ends = 0 WHERE id = ?`, string(id)); err != nil {
		return err
	}
	if err := tx.exec(`UPDATE plan SET state = ? WHERE mailbox = ? AND state IN ('open', 'ready', 'held', 'shown')`,
		string(store.PlanDropped), string(id)); err != nil {
		return err
	}
	return tx.exec(`DELETE FROM pending WHERE mailbox = ?`, string(id))
}
