package dav

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Creates are idempotent because the address of a new object is derived from
// its key: asking twice asks for the same address, and If-None-Match: * lets
// only the first succeed.

// memberName is the last segment of a new object's address, and its UID where
// the caller gives none. Keys with unusual characters are hashed.
func memberName(key model.Key) string {
	text := string(key)
	plain := text != "" && len(text) <= 100
	for _, r := range text {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.') {
			plain = false
		}
	}
	if plain && text[0] != '.' {
		return "lockstep-" + text
	}
	sum := sha256.Sum256([]byte(text))
	return "lockstep-x" + hex.EncodeToString(sum[:20])
}

// memberHref is the address that a key has in a collection.
func memberHref(collection string, kind model.Kind, key model.Key) string {
	href, _ := collectionHref(collection)
	extension := ".ics"
	if kind == model.Contact {
		extension = ".vcf"
	}
	return strings.TrimSuffix(href, "/") + "/" + memberName(key) + extension
}

// create stores a new object. What exists at its address already is ours if it
// carries our key or, where a server dropped that, our UID.
//
// A server that ignores If-None-Match would let a repeated create overwrite
// what a person changed since. A question before each create would not be
// atomic and would double their number, so the first create on a connection is
// sent twice: the second must be refused. Until that is known, and where it is
// not refused, a create looks first; the moment between looking and writing
// remains.
func (s *Session) create(ctx context.Context, op model.Operation) (model.Receipt, *failure) {
	if op.Key == "" || op.Ref.Collection == "" {
		return model.Receipt{}, failed("dav.key")
	}
	ref := op.Ref
	ref.ID = memberHref(op.Ref.Collection, op.Ref.Kind, op.Key)
	if op.UID == "" {
		op.UID = memberName(op.Key)
	}
	write := s.connector.convert.create
	if op.Raw != nil {
		write = s.connector.convert.restore
	}
	raw, fail := write(op, s.writing(ctx, op, op.Raw))
	if fail != nil {
		return model.Receipt{}, fail
	}
	habits := &s.connector.habits
	probe := op.Notify == model.NotifyNone && habits.claim(ignoresIfNoneMatch)
	if ignores, known := habits.get(ignoresIfNoneMatch); ignores || !known && !probe {
		receipt, fail := s.adopt(ctx, op, ref, true)
		if fail == nil || fail.fault.Class != fault.NotFound {
			return receipt, fail
		}
	}
	a, fail := s.put(ctx, ref.ID, ref.Kind, op.Notify, raw, "If-None-Match", "*")
	if fail != nil {
		switch {
		case fail.status == http.StatusPreconditionFailed:
			habits.set(ignoresIfNoneMatch, false)
		case probe:
			habits.release(ignoresIfNoneMatch)
		}
		return s.notCreated(ctx, op, ref, fail)
	}
	if probe {
		a = s.sendAgain(ctx, ref, raw, a)
	}
	if elsewhere := s.storedElsewhere(a, ref.ID); elsewhere != "" {
		ref.ID = elsewhere
		habits.set(storesElsewhere, true)
	}
	return s.stored(ctx, ref, raw, a), nil
}

// sendAgain finds out whether the server honours If-None-Match, with the very
// bytes that it just stored.
func (s *Session) sendAgain(ctx context.Context, ref model.Ref, raw []byte, first *answer) *answer {
	second, fail := s.put(ctx, ref.ID, ref.Kind, model.NotifyNone, raw, "If-None-Match", "*")
	switch {
	case fail == nil:
		s.connector.habits.set(ignoresIfNoneMatch, true)
		return second
	case fail.status == http.StatusPreconditionFailed:
		s.connector.habits.set(ignoresIfNoneMatch, false)
	default:
		s.connector.habits.release(ignoresIfNoneMatch)
	}
	return first
}

// storedElsewhere returns the address at which a server really stored the
// object, if it says so.
func (s *Session) storedElsewhere(a *answer, href string) string {
	location := a.Header.Get("Location")
	if a.StatusCode != http.StatusCreated || location == "" {
		return ""
	}
	if real := s.link.normal(location, a.at); real != href {
		return real
	}
	return ""
}

// notCreated decides what a refused create means.
func (s *Session) notCreated(ctx context.Context, op model.Operation, ref model.Ref, fail *failure) (model.Receipt, *failure) {
	if fail.status == http.StatusPreconditionFailed {
		receipt, why := s.adopt(ctx, op, ref, true)
		if why != nil && why.fault.Class == fault.NotFound {
			// Refused because it exists, and gone when we looked.
			return model.Receipt{}, fail
		}
		return receipt, why
	}
	if fail.precondition == "no-uid-conflict" && len(fail.hrefs) > 0 {
		twin := ref
		twin.ID = s.link.normal(fail.hrefs[0], s.link.base)
		receipt, why := s.adopt(ctx, op, twin, false)
		if why == nil {
			return receipt, nil
		}
	}
	return model.Receipt{}, fail
}

// adopt takes what is stored at an address as the result of a create, if it is
// ours. At an address of our own the UID is proof enough.
func (s *Session) adopt(ctx context.Context, op model.Operation, ref model.Ref, ownAddress bool) (model.Receipt, *failure) {
	raw, version, fail := s.link.get(ctx, ref.ID)
	if fail != nil {
		return model.Receipt{}, fail
	}
	ref.Version = version
	item, ours := s.connector.convert.item(ref, raw)
	if ours && (item.Stamp == op.Key || ownAddress && item.Stamp == "" && item.UID == op.UID) {
		return model.Receipt{Outcome: model.Done, Ref: ref, Item: &item, Existed: true}, nil
	}
	return model.Receipt{}, failed("dav.exists")
}

// FindByKey looks at the addresses that the keys have in every collection. That
// is conclusive unless the server stores objects elsewhere than asked.
func (s *Session) FindByKey(ctx context.Context, keys []model.Key) (found []model.Item, conclusive bool, err error) {
	collections, err := s.Collections(ctx)
	if err != nil {
		return nil, false, err
	}
	byID := map[string]model.Key{}
	var refs []model.Ref
	for _, c := range collections {
		if c.ReadOnly {
			continue
		}
		for _, k := range keys {
			ref := refOf(c, memberHref(c.ID, c.Kind, k), "")
			byID[ref.ID] = k
			refs = append(refs, ref)
		}
	}
	for len(refs) > 0 {
		n := min(batchSize, len(refs))
		items, err := s.Fetch(ctx, refs[:n])
		if err != nil {
			return nil, false, err
		}
		for _, it := range items {
			if k := byID[it.Ref.ID]; it.Stamp == k || it.Stamp == "" {
				it.Stamp = k
				found = append(found, it)
			}
		}
		refs = refs[n:]
	}
	elsewhere, _ := s.connector.habits.get(storesElsewhere)
	return found, !elsewhere, nil
}
