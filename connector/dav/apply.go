package dav

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Apply carries out operations, a few at once; receipts come in the order of
// the operations. When trouble concerns the whole mailbox or server, the rest of
// the batch is not sent any more.
func (s *Session) Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error) {
	b := &batch{session: s, ops: ops, receipts: make([]model.Receipt, len(ops))}
	if repeats(ops) {
		for i := range ops {
			b.one(ctx, i)
		}
	} else {
		inParallel(len(ops), func(i int) { b.one(ctx, i) })
	}
	if b.stop != nil && !b.anything() {
		return nil, b.stop
	}
	return b.receipts, nil
}

// batch is one Apply.
type batch struct {
	session  *Session
	ops      []model.Operation
	receipts []model.Receipt

	mu   sync.Mutex
	stop *fault.Fault // concerns more than one item
}

func (b *batch) one(ctx context.Context, i int) {
	b.mu.Lock()
	stop := b.stop
	b.mu.Unlock()
	if stop != nil {
		b.receipts[i] = model.Receipt{Outcome: model.Refused, Err: stop}
		return
	}
	receipt, fail := b.session.apply(ctx, b.ops[i])
	if fail != nil {
		receipt = fail.receipt()
		if fail.wide() {
			b.mu.Lock()
			b.stop = fail.fault
			b.mu.Unlock()
		}
	}
	b.receipts[i] = receipt
}

// anything reports whether an operation was, or may have been, carried out.
func (b *batch) anything() bool {
	for _, r := range b.receipts {
		if r.Outcome != model.Refused {
			return true
		}
	}
	return false
}

// repeats reports whether two operations write the same item: then they are
// carried out one after the other.
func repeats(ops []model.Operation) bool {
	seen := map[string]bool{}
	for _, op := range ops {
		if op.Action == model.Create {
			continue
		}
		if seen[op.Ref.ID] {
			return true
		}
		seen[op.Ref.ID] = true
	}
	return false
}

// wide reports whether the next operation would meet the same trouble.
func (f *failure) wide() bool {
	if f.fault.Scope != fault.Server && f.fault.Scope != fault.Mailbox {
		return false
	}
	switch f.fault.Class {
	case fault.Auth, fault.Throttled:
		return true
	case fault.Transient, fault.Denied:
		return f.status == 0 || f.status == http.StatusServiceUnavailable || f.status == http.StatusProxyAuthRequired
	}
	return false
}

func (f *failure) receipt() model.Receipt {
	if f.status == http.StatusInternalServerError {
		// One object that the server chokes on is that object's trouble.
		f.fault.Scope = fault.Item
	}
	if f.maybeDone {
		return model.Receipt{Outcome: model.Unknown, Err: f.fault}
	}
	return model.Receipt{Outcome: model.Refused, Err: f.fault}
}

func (s *Session) apply(ctx context.Context, op model.Operation) (model.Receipt, *failure) {
	switch op.Action {
	case model.Create:
		return s.create(ctx, op)
	case model.Update:
		return s.update(ctx, op)
	case model.Delete:
		return s.remove(ctx, op)
	case model.Stamp:
		return s.stamp(ctx, op)
	}
	return model.Receipt{}, failed("dav.action")
}

// put writes an object under a condition.
func (s *Session) put(ctx context.Context, href string, kind model.Kind, notify model.Notify, raw []byte, condition, value string) (*answer, *failure) {
	header := map[string]string{condition: value}
	if notify == model.NotifyNone && kind != model.Contact {
		header["Schedule-Reply"] = "F"
	}
	a, fail := s.link.do(ctx, request{method: http.MethodPut, href: href, header: header, kind: contentType(kind), body: raw})
	if fail != nil {
		return nil, fail
	}
	a.close()
	return a, nil
}

func contentType(kind model.Kind) string {
	if kind == model.Contact {
		return "text/vcard; charset=utf-8"
	}
	return "text/calendar; charset=utf-8"
}

// stored makes the receipt after a successful PUT. A strong ETag promises that
// the bytes sent are the bytes stored (RFC 4791 section 5.3.4, RFC 6352 section
// 6.3.2.3); otherwise what is stored is read again.
func (s *Session) stored(ctx context.Context, ref model.Ref, raw []byte, a *answer) model.Receipt {
	tag := strings.TrimSpace(a.Header.Get("ETag"))
	ref.Version = normalETag(tag)
	if tag == "" || strings.HasPrefix(tag, "W/") {
		got, version, fail := s.link.get(ctx, ref.ID)
		if fail != nil {
			ref.Version = ""
			return model.Receipt{Outcome: model.Done, Ref: ref}
		}
		raw, ref.Version = got, version
	}
	receipt := model.Receipt{Outcome: model.Done, Ref: ref}
	if item, ours := s.connector.convert.item(ref, raw); ours && item.Trouble == "" {
		receipt.Item = &item
	}
	return receipt
}

// current returns the bytes and version that a write starts from: those the
// caller saw, or what is stored where it does not know both.
func (s *Session) current(ctx context.Context, op model.Operation) (raw []byte, version string, fail *failure) {
	if op.Raw != nil && op.Expect != "" {
		return op.Raw, op.Expect, nil
	}
	raw, version, fail = s.link.get(ctx, op.Ref.ID)
	if fail != nil {
		return nil, "", fail
	}
	if op.Expect != "" && version != op.Expect {
		return nil, "", changedMeanwhile()
	}
	return raw, version, nil
}

func changedMeanwhile() *failure {
	f := failed("dav.412")
	f.status = http.StatusPreconditionFailed
	return f
}

// update changes the named fields in the object's own bytes.
func (s *Session) update(ctx context.Context, op model.Operation) (model.Receipt, *failure) {
	raw, version, fail := s.current(ctx, op)
	if fail != nil {
		return model.Receipt{}, fail
	}
	env := s.writing(ctx, op, raw)
	edited, fail := s.connector.convert.change(op, raw, env)
	if fail != nil {
		return model.Receipt{}, fail
	}
	return s.replace(ctx, op, raw, edited, version)
}

// replace writes new bytes over a known version.
func (s *Session) replace(ctx context.Context, op model.Operation, raw, edited []byte, version string) (model.Receipt, *failure) {
	if string(raw) == string(edited) {
		// There is nothing to write; whether the version still holds is asked all
		// the same.
		return s.unchanged(ctx, op, version)
	}
	if fail := s.mayWrite(ctx, op, raw, edited); fail != nil {
		return model.Receipt{}, fail
	}
	a, fail := s.put(ctx, op.Ref.ID, op.Ref.Kind, op.Notify, edited, "If-Match", quotedETag(version))
	if fail != nil {
		return model.Receipt{}, fail
	}
	return s.stored(ctx, op.Ref, edited, a), nil
}

func (s *Session) unchanged(ctx context.Context, op model.Operation, version string) (model.Receipt, *failure) {
	raw, now, fail := s.link.get(ctx, op.Ref.ID)
	if fail != nil {
		return model.Receipt{}, fail
	}
	if now != version {
		return model.Receipt{}, changedMeanwhile()
	}
	ref := op.Ref
	ref.Version = now
	receipt := model.Receipt{Outcome: model.Done, Ref: ref}
	if item, ours := s.connector.convert.item(ref, raw); ours && item.Trouble == "" {
		receipt.Item = &item
	}
	return receipt, nil
}

// stamp writes our key into an item, under the version it was seen with.
func (s *Session) stamp(ctx context.Context, op model.Operation) (model.Receipt, *failure) {
	raw, version, fail := s.current(ctx, op)
	if fail != nil {
		return model.Receipt{}, fail
	}
	edited, fail := s.connector.convert.stamp(raw, op.Ref.Kind, op.Key)
	if fail != nil {
		return model.Receipt{}, fail
	}
	return s.replace(ctx, op, raw, edited, version)
}
