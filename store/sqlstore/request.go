package sqlstore

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

type requestRow struct {
	ID       string `db:"id"`
	Mailbox  string `db:"mailbox"`
	Verb     string `db:"verb"`
	Argument string `db:"argument"`
	By       string `db:"by_whom"`
	Created  int64  `db:"created"`
	Outcome  string `db:"outcome"`
	Message  string `db:"message"`
}

func (r requestRow) request() store.Request {
	return store.Request{
		ID: r.ID, Mailbox: model.MailboxID(r.Mailbox), Verb: r.Verb, Argument: r.Argument, By: r.By,
		At: instant(r.Created), Outcome: store.RequestOutcome(r.Outcome), Message: r.Message,
	}
}

const selectRequest = `SELECT id, mailbox, verb, argument, by_whom, created, outcome, message FROM request `

// AddRequest stores a new request.
func (d *DB) AddRequest(ctx context.Context, r store.Request) (store.Request, error) {
	if r.ID == "" {
		r.ID = newID("req")
	}
	err := d.update(ctx, "add request "+r.Verb, func(tx *tx) error {
		return d.exists(tx.exec(`INSERT INTO request (id, mailbox, verb, argument, by_whom, created, outcome, message)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ID, string(r.Mailbox), r.Verb, r.Argument, r.By, micros(r.At), string(r.Outcome), r.Message))
	})
	return r, err
}

// Request returns one request.
func (d *DB) Request(ctx context.Context, id string) (store.Request, error) {
	var r requestRow
	err := d.view(ctx, "read request "+id, func(tx *tx) error {
		return tx.get(&r, selectRequest+`WHERE id = ?`, id)
	})
	return r.request(), err
}

// OpenRequests lists what is not finished, oldest first.
func (d *DB) OpenRequests(ctx context.Context, m model.MailboxID) ([]store.Request, error) {
	var rows []requestRow
	err := d.view(ctx, "list open requests", func(tx *tx) error {
		return tx.list(&rows, selectRequest+`WHERE outcome = '' AND (mailbox = ? OR CAST(? AS TEXT) = '') ORDER BY created, id`, string(m), string(m))
	})
	var out []store.Request
	for _, r := range rows {
		out = append(out, r.request())
	}
	return out, err
}

// FinishRequest records what became of a request.
func (d *DB) FinishRequest(ctx context.Context, id string, o store.RequestOutcome, message string) error {
	return d.update(ctx, "finish request "+id, func(tx *tx) error {
		return one(tx.count(`UPDATE request SET outcome = ?, message = ? WHERE id = ?`, string(o), message, id))
	})
}
