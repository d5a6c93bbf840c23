package dav

import (
	"context"
	"net/http"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// noVersion is an ETag that no server gives.
const noVersion = `"lockstep-no-such-version"`

// remove deletes an item in the version it was seen with; one that is not
// there is deleted already.
//
// Some servers delete whatever the version. The first delete on a connection
// therefore checks the version itself and then asks with one that cannot be
// right: a server that refuses honours the condition. Where it does not, every
// later delete looks first.
func (s *Session) remove(ctx context.Context, op model.Operation) (model.Receipt, *failure) {
	version := op.Expect
	ignores, known := s.connector.habits.get(ignoresDeleteIfMatch)
	probe := s.connector.habits.claim(ignoresDeleteIfMatch)
	if ignores || !known || version == "" || s.deleteNeedsBytes(ctx, op) {
		raw, now, fail := s.link.get(ctx, op.Ref.ID)
		if fail == nil && version != "" && now != version {
			fail = changedMeanwhile()
		}
		if fail != nil {
			if probe {
				s.connector.habits.release(ignoresDeleteIfMatch)
			}
			return s.notDeleted(op, fail)
		}
		version, op.Raw = now, raw
	}
	if fail := s.mayWrite(ctx, op, op.Raw, nil); fail != nil {
		if probe {
			s.connector.habits.release(ignoresDeleteIfMatch)
		}
		return model.Receipt{}, fail
	}
	if probe {
		if done := s.probeDelete(ctx, op); done {
			return model.Receipt{Outcome: model.Done, Ref: op.Ref}, nil
		}
	}
	fail := s.sendDelete(ctx, op, quotedETag(version))
	if fail == nil {
		return model.Receipt{Outcome: model.Done, Ref: op.Ref}, nil
	}
	if fail.status == http.StatusPreconditionFailed {
		// RFC 9110 section 13.1.1: what does not exist matches no version either.
		if _, _, gone := s.link.get(ctx, op.Ref.ID); gone != nil && gone.fault.Class == fault.NotFound {
			fail = gone
		}
	}
	return s.notDeleted(op, fail)
}

// deleteNeedsBytes reports whether the item's bytes decide if it may be deleted
// without a mail.
func (s *Session) deleteNeedsBytes(ctx context.Context, op model.Operation) bool {
	return op.Raw == nil && op.Ref.Kind != model.Contact && op.Notify == model.NotifyNone && s.schedules(ctx, op.Ref.ID)
}

// notDeleted turns "not there" into done.
func (s *Session) notDeleted(op model.Operation, fail *failure) (model.Receipt, *failure) {
	if fail.fault.Class == fault.NotFound && fail.status != http.StatusConflict {
		return model.Receipt{Outcome: model.Done, Ref: op.Ref}, nil
	}
	return model.Receipt{}, fail
}

func (s *Session) sendDelete(ctx context.Context, op model.Operation, version string) *failure {
	header := map[string]string{"If-Match": version}
	if op.Notify == model.NotifyNone && op.Ref.Kind != model.Contact {
		header["Schedule-Reply"] = "F" // RFC 6638 section 8.1
	}
	a, fail := s.link.do(ctx, request{method: http.MethodDelete, href: op.Ref.ID, header: header})
	if fail != nil {
		return fail
	}
	a.close()
	return nil
}

// probeDelete asks for a delete that must be refused. It returns true if the
// server deleted all the same, which is what was wanted anyway.
func (s *Session) probeDelete(ctx context.Context, op model.Operation) (deleted bool) {
	fail := s.sendDelete(ctx, op, noVersion)
	switch {
	case fail == nil:
		s.connector.habits.set(ignoresDeleteIfMatch, true)
		return true
	case fail.status == http.StatusPreconditionFailed:
		s.connector.habits.set(ignoresDeleteIfMatch, false)
	default:
		s.connector.habits.release(ignoresDeleteIfMatch)
	}
	return false
}
