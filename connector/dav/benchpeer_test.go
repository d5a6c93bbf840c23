package dav

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
)

// BenchmarkCyrus reads and writes a thousand cards on a real server, beside a
// bare client that sends the same requests at the same concurrency and looks at
// nothing: the server's floor (targets in design part 6).
func BenchmarkCyrus(b *testing.B) {
	const n = 1000
	server := peer.Cyrus(b, "alice")
	r := &remote{url: server.URL, user: "alice", password: server.Password, kinds: "contact"}
	s := r.open(b)
	book := model.Collection{ID: pathOf(server, server.MakeAddressBook(b, "alice", "bench")), Kind: model.Contact}
	it, _ := newConverter().item(model.Ref{Kind: model.Contact}, read(b, "apple.vcf"))
	var ops []model.Operation
	for i := range n {
		ops = append(ops, model.Operation{Action: model.Create, Ref: refOf(book, "", ""), Key: model.Key(fmt.Sprintf("b%d.0", i)), Content: it.Content})
	}
	refs := applyAll(b, s, ops)
	batches := slices.Collect(slices.Chunk(refs, batchSize))
	b.Run("read/bare", func(b *testing.B) {
		for b.Loop() {
			atOnce(batches, func(batch []model.Ref) { bareMultiget(b, s, book.ID, batch) })
		}
	})
	b.Run("read/fetch", func(b *testing.B) {
		for b.Loop() {
			atOnce(batches, func(batch []model.Ref) {
				if items, err := s.Fetch(b.Context(), batch); err != nil || len(items) != len(batch) {
					b.Error(len(items), err)
				}
			})
		}
	})
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			for _, err := range s.Changes(b.Context(), book, "") {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	fresh := func() string { return pathOf(server, server.MakeAddressBook(b, "alice", fmt.Sprintf("w%d", r.next()))) }
	b.Run("write/bare", func(b *testing.B) {
		raw := createBytes(b, newConverter(), model.Contact, it.Content)
		for b.Loop() {
			book := fresh()
			inParallel(n, func(i int) { barePut(b, s, fmt.Sprintf("%s%d.vcf", book, i), i, raw) })
		}
	})
	b.Run("write/apply", func(b *testing.B) {
		for b.Loop() {
			book := model.Collection{ID: fresh(), Kind: model.Contact}
			for i := range ops {
				ops[i].Ref = refOf(book, "", "")
			}
			applyAll(b, s, ops)
		}
	})
}

// applyAll carries out operations that must succeed.
func applyAll(b *testing.B, s *Session, ops []model.Operation) []model.Ref {
	b.Helper()
	var refs []model.Ref
	for chunk := range slices.Chunk(ops, batchSize) {
		rs, err := s.Apply(b.Context(), chunk)
		if err != nil || slices.ContainsFunc(rs, func(r model.Receipt) bool { return r.Outcome != model.Done }) {
			b.Fatal(err, rs)
		}
		for _, r := range rs {
			refs = append(refs, r.Ref)
		}
	}
	return refs
}

func (r *remote) next() int {
	r.made++
	return r.made
}

func atOnce(batches [][]model.Ref, do func([]model.Ref)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallelBatches)
	for _, batch := range batches {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(batch)
		})
	}
	wg.Wait()
}

func bareMultiget(b *testing.B, s *Session, collection string, batch []model.Ref) {
	b.Helper()
	var hrefs []string
	for _, r := range batch {
		hrefs = append(hrefs, r.ID)
	}
	a, fail := s.link.do(b.Context(), request{method: "REPORT", href: collection, depth: "1", kind: xmlType, body: multiget(model.Contact, hrefs)})
	if fail != nil {
		b.Error(fail.fault)
		return
	}
	defer a.close()
	_, _ = io.Copy(io.Discard, a.Body)
}

func barePut(b *testing.B, s *Session, path string, i int, raw []byte) {
	b.Helper()
	const head = len("BEGIN:VCARD\r\nVERSION:3.0\r\n")
	body := slices.Concat(raw[:head], fmt.Appendf(nil, "X-N:%d\r\n", i), raw[head:])
	a, fail := s.link.do(b.Context(), request{method: http.MethodPut, href: path, kind: contentType(model.Contact), header: map[string]string{"If-None-Match": "*"}, body: body})
	if fail != nil {
		b.Error(fail.fault)
		return
	}
	a.close()
}
