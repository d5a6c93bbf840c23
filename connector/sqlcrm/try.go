package sqlcrm

import (
	"context"
	"errors"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/connector"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

var _ connector.WriteTester = (*session)(nil)

// errTried takes back what was only tried.
var errTried = errors.New("tried")

// TestWrite creates a record and rolls it back: nobody ever sees it, and no
// change is told of it.
func (s *session) TestWrite(ctx context.Context, k model.Kind) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	t := s.mapping.of(k)
	if t == nil {
		return issue.Fault("sqlcrm.kind", "kind", string(k))
	}
	op := model.Operation{Action: model.Create, Key: "try-write", Ref: model.Ref{Kind: k, Collection: string(k)}, Content: connector.Sample(k)}
	if err := s.acceptable(op, k); err != nil {
		return err
	}
	b := &batch{session: s, table: t, ops: []operation{{Operation: op}}, receipts: make([]model.Receipt, 1)}
	err := s.write(ctx, func(tx *sqlx.Tx) error {
		if err := b.create(ctx, tx); err != nil {
			return err
		}
		return errTried
	})
	if errors.Is(err, errTried) {
		return b.receipts[0].Err
	}
	return err
}
