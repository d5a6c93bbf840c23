package dav

import (
	"context"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

var (
	_ connector.Marker  = (*Session)(nil)
	_ connector.Cleaner = (*Session)(nil)
)

// Mark adds and removes categories that people see on items. Items that are not
// there any more are passed over; of several faults the first is returned, after
// all items were tried.
func (s *Session) Mark(ctx context.Context, refs []model.Ref, add, remove []string) error {
	return s.rewrite(ctx, refs, func(kind model.Kind, raw []byte) ([]byte, *failure) {
		return s.connector.convert.label(raw, kind, add, remove)
	})
}

// Unstamp takes our keys out of items, each in the version it has now.
func (s *Session) Unstamp(ctx context.Context, refs []model.Ref) error {
	return s.rewrite(ctx, refs, func(kind model.Kind, raw []byte) ([]byte, *failure) {
		return s.connector.convert.stamp(raw, kind, "")
	})
}

// rewrite changes items without telling anybody.
func (s *Session) rewrite(ctx context.Context, refs []model.Ref, change func(model.Kind, []byte) ([]byte, *failure)) error {
	fails := make([]*failure, len(refs))
	inParallel(len(refs), func(i int) {
		op := model.Operation{Action: model.Update, Ref: refs[i], Notify: model.NotifyNone}
		raw, version, fail := s.link.get(ctx, op.Ref.ID)
		if fail != nil {
			fails[i] = fail
			return
		}
		edited, fail := change(op.Ref.Kind, raw)
		if fail == nil && string(edited) != string(raw) {
			_, fail = s.replace(ctx, op, raw, edited, version)
		}
		fails[i] = fail
	})
	for _, fail := range fails {
		if fail != nil && fail.fault.Class != fault.NotFound {
			return fail.fault
		}
	}
	return nil
}
