package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Plan returns a mailbox's newest plan that was closed.
func (d *DB) Plan(ctx context.Context, id model.MailboxID) (store.PlanRow, error) {
	return d.plan(ctx, id, `hash <> ''`)
}

// PlanHashed returns the newest plan that was closed with a hash.
func (d *DB) PlanHashed(ctx context.Context, id model.MailboxID, hash string) (store.PlanRow, error) {
	return d.plan(ctx, id, `hash = ?`, hash)
}

func (d *DB) plan(ctx context.Context, id model.MailboxID, where string, args ...any) (store.PlanRow, error) {
	var r struct {
		ID      string `db:"id"`
		Round   int64  `db:"round"`
		State   string `db:"state"`
		Hash    string `db:"hash"`
		Why     string `db:"why"`
		Counts  []byte `db:"counts"`
		Created int64  `db:"created"`
		Request string `db:"request"`
	}
	var out store.PlanRow
	err := d.view(ctx, "read plan of mailbox "+string(id), func(tx *tx) error {
		if err := tx.get(&r, `SELECT id, round, state, hash, why, counts, created, request FROM plan WHERE mailbox = ? AND `+where+` ORDER BY id DESC LIMIT 1`,
			append([]any{string(id)}, args...)...); err != nil {
			return err
		}
		out = store.PlanRow{
			ID: r.ID, Mailbox: id, Round: r.Round, State: store.PlanState(r.State), Hash: r.Hash, Why: r.Why, At: instant(r.Created), Request: r.Request,
		}
		if err := json.Unmarshal(r.Counts, &out.Counts); err != nil {
			return fmt.Errorf("decode counts: %w", err)
		}
		return nil
	})
	return out, err
}

// Rounds lists rounds that did something, newest first.
func (d *DB) Rounds(ctx context.Context, id model.MailboxID, limit int) ([]store.Round, error) {
	var out []store.Round
	err := d.view(ctx, "list rounds of mailbox "+string(id), func(tx *tx) error {
		var rows []roundRow
		if err := tx.list(&rows, `SELECT number, started, ended, counts, done, refused, note FROM round
			WHERE mailbox = ? ORDER BY number DESC, started DESC LIMIT ?`, string(id), limit); err != nil {
			return err
		}
		for _, r := range rows {
			v, err := r.round()
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

type roundRow struct {
	Number  int64  `db:"number"`
	Started int64  `db:"started"`
	Ended   int64  `db:"ended"`
	Counts  []byte `db:"counts"`
	Done    int    `db:"done"`
	Refused int    `db:"refused"`
	Note    string `db:"note"`
}

func (r roundRow) round() (store.Round, error) {
	v := store.Round{Number: r.Number, Started: instant(r.Started), Ended: instant(r.Ended), Done: r.Done, Refused: r.Refused, Note: r.Note}
	if err := json.Unmarshal(r.Counts, &v.Counts); err != nil {
		return v, fmt.Errorf("decode counts: %w", err)
	}
	return v, nil
}

type issueRow struct {
	Side    string `db:"side"`
	Kind    string `db:"kind"`
	Item    string `db:"item"`
	Code    string `db:"code"`
	Entity  string `db:"entity"`
	Message string `db:"message"`
	First   int64  `db:"first_at"`
	Last    int64  `db:"last_at"`
	Times   int    `db:"times"`
	Open    bool   `db:"is_open"`

	ID       string `db:"id"`
	Mailbox  string `db:"mailbox"`
	State    string `db:"state"`
	Evidence string `db:"evidence"`
	Closed   int64  `db:"closed_at"`
}

const selectIssue = `SELECT id, mailbox, state, evidence, closed_at, side, kind, item, code, entity, message, first_at, last_at, times, is_open FROM issue `

func (r issueRow) issue() store.IssueRow {
	return store.IssueRow{
		Issue: plan.Issue{
			Entity: model.EntityID(r.Entity), Kind: model.Kind(r.Kind), Side: model.Side(r.Side), Item: r.Item, Code: r.Code, Message: r.Message,
		},
		ID: r.ID, Mailbox: model.MailboxID(r.Mailbox), State: store.IssueState(r.State), Evidence: r.Evidence,
		First: instant(r.First), Last: instant(r.Last), Count: r.Times, Open: r.Open, Closed: instant(r.Closed),
	}
}

// Issues lists a mailbox's issues, open ones first, newest first.
func (d *DB) Issues(ctx context.Context, id model.MailboxID) ([]store.IssueRow, error) {
	var rows []issueRow
	err := d.view(ctx, "list issues of mailbox "+string(id), func(tx *tx) error {
		return tx.list(&rows, selectIssue+`WHERE mailbox = ? ORDER BY is_open DESC, last_at DESC, side, kind, item, code`, string(id))
	})
	var out []store.IssueRow
	for _, r := range rows {
		out = append(out, r.issue())
	}
	return out, err
}

// Stamped lists the items of a mailbox that carry our key.
func (d *DB) Stamped(ctx context.Context, id model.MailboxID) ([]model.Ref, error) {
	var out []model.Ref
	err := d.view(ctx, "list stamped items of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		var rows []struct {
			Kind       string `db:"kind"`
			Collection string `db:"collection"`
			Item       string `db:"item"`
			Version    string `db:"version"`
			Order      int64  `db:"ord"`
		}
		if err := tx.list(&rows, `SELECT kind, collection, item, version, ord FROM observation
			WHERE connection = ? AND mailbox = ? AND stamp <> '' AND absent = 0 ORDER BY kind, item`, s.Mail, s.ID); err != nil {
			return err
		}
		for _, r := range rows {
			out = append(out, model.Ref{
				Side: model.Mail, Kind: model.Kind(r.Kind), Collection: r.Collection, ID: r.Item, Version: r.Version, Order: r.Order,
			})
		}
		return nil
	})
	return out, err
}
