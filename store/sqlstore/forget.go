package sqlstore

import (
	"context"
	"errors"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// errNotRetired protects a mailbox that still takes part.
var errNotRetired = errors.New("the mailbox still takes part; remove it first")

// marked is the time of bodies that are looked at by Forget.
const marked = int64(-1)

// reference is a column that refers to content.
type reference struct{ table, column string }

// references are all columns that refer to content; a test compares them with
// the schema.
func references() []reference {
	return []reference{
		{"observation", "content"}, {"observation", "raw"}, {"link", "crm_base"}, {"link", "mail_base"}, {"intent", "payload"},
		{"operation", "content"}, {"operation", "raw"}, {"operation", "other_key"}, {"operation", "result"},
		{"operation", "before"}, {"conflict", "loser"},
	}
}

// unreferenced is the condition that nothing refers to a body.
func unreferenced() string {
	out := "1 = 1"
	for _, r := range references() {
		out += ` AND ` + no(`SELECT 1 FROM `+r.table+` r WHERE r.`+r.column+` = content.key`)
	}
	return out
}

// Forget deletes a retired mailbox with everything known of it.
func (d *DB) Forget(ctx context.Context, id model.MailboxID) error {
	return d.registering(ctx, "forget mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var state string
		if err := tx.get(&state, `SELECT state FROM mailbox WHERE id = ?`, s.ID); err != nil {
			return err
		}
		if model.MailboxState(state) != model.Retired {
			return errNotRetired
		}
		if err := tx.note(store.LogEntry{What: store.LogForgotten, Subject: store.LogMailbox, Name: string(id)}); err != nil {
			return err
		}
		if err := markBodies(tx, s); err != nil {
			return err
		}
		if err := deleteMailbox(tx, s); err != nil {
			return err
		}
		if err := tx.exec(`DELETE FROM content WHERE seen = ? AND `+unreferenced(), marked); err != nil {
			return err
		}
		return tx.exec(`UPDATE content SET seen = ? WHERE seen = ?`, time.Now().UnixMicro(), marked)
	})
}

// unseen is the condition that a CRM observation is of interest to the mailbox
// of a user (the last parameter) and to nobody else who is live.
func unseen() string {
	const taking = `a.connection = observation.connection AND a.kind = observation.kind AND a.item = observation.item`
	return `connection = ? AND mailbox = '' AND ` +
		no(`SELECT 1 FROM access a JOIN mailbox m ON m.crm = a.connection AND m.crm_user = a.crm_user AND m.state `+takingPart+` WHERE `+taking) +
		` AND ` + some(`SELECT 1 FROM access a WHERE `+taking+` AND a.crm_user = ?`)
}

// markBodies marks every body that the mailbox refers to.
func markBodies(tx *tx, s scope) error {
	for _, r := range references() {
		if err := tx.exec(`UPDATE content SET seen = ? WHERE key IN (
			SELECT r.`+r.column+` FROM `+r.table+` r WHERE r.mailbox = ? AND r.`+r.column+` IS NOT NULL)`, marked, s.ID); err != nil {
			return err
		}
	}
	for _, column := range []string{"content", "raw"} {
		if err := tx.exec(`UPDATE content SET seen = ? WHERE key IN (
			SELECT `+column+` FROM observation WHERE `+column+` IS NOT NULL AND `+unseen()+`)`, marked, s.CRM, s.User); err != nil {
			return err
		}
	}
	return nil
}

// mailboxTables are the tables with rows of one mailbox, in the order in which
// they can be deleted; a test compares them with the schema.
func mailboxTables() []string {
	return []string{
		"operation", "plan", "pending", "link", "identity", "intent", "conflict", "issue", "mark", "alert", "round", "request", "review", "probe", "member",
		"observation", "collection", "registration", "sighting", "drift", "audit", "value_history", "verdict",
		"former_address", "expiry", "snapshot_item", "snapshot",
	}
}

func deleteMailbox(tx *tx, s scope) error {
	if err := tx.exec(`UPDATE observation SET content = NULL, raw = NULL, natural_key = NULL, title = NULL WHERE `+unseen(), s.CRM, s.User); err != nil {
		return err
	}
	if err := forgetNotices(tx, s.ID); err != nil {
		return err
	}
	for _, table := range mailboxTables() {
		if err := tx.exec(`DELETE FROM `+table+` WHERE mailbox = ?`, s.ID); err != nil {
			return err
		}
	}
	// A claim says only which entity a thing is; it stays, nobody's, where another
	// mailbox links that entity.
	if err := tx.exec(`DELETE FROM claim WHERE mailbox = ?
		AND `+no(`SELECT 1 FROM link l WHERE l.crm = claim.connection AND l.entity = claim.entity`), s.ID); err != nil {
		return err
	}
	if err := tx.exec(`UPDATE claim SET mailbox = '' WHERE mailbox = ?`, s.ID); err != nil {
		return err
	}
	return tx.exec(`DELETE FROM mailbox WHERE id = ?`, s.ID)
}
