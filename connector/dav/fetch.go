package dav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"lockstep.dev/connector/web"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Fetch reads items by multiget, one request per collection. What a multiget
// leaves out or cannot deliver is asked for singly; what still cannot be read
// comes back with its Trouble, so that one bad item stops no other.
func (s *Session) Fetch(ctx context.Context, refs []model.Ref) ([]model.Item, error) {
	items := make([]model.Item, 0, len(refs))
	for _, group := range groups(refs) {
		f := &fetch{session: s, got: make(map[string]fetched, len(group))}
		if fail := f.all(ctx, group); fail != nil {
			return nil, fail.fault
		}
		for _, ref := range group {
			if got := f.got[ref.ID]; got.item != nil {
				items = append(items, *got.item)
			}
		}
	}
	return items, nil
}

// groups splits refs by collection, keeping their order.
func groups(refs []model.Ref) [][]model.Ref {
	type place struct {
		kind       model.Kind
		collection string
	}
	var out [][]model.Ref
	index := map[place]int{}
	for _, r := range refs {
		p := place{r.Kind, r.Collection}
		i, ok := index[p]
		if !ok {
			i = len(out)
			index[p] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

// fetched is what became of one ref: an item, nothing (it is not there), or not
// answered yet.
type fetched struct {
	item     *model.Item
	answered bool
}

type fetch struct {
	session *Session
	mu      sync.Mutex
	got     map[string]fetched
	whole   int    // objects that were really delivered
	failed  int    // objects that the server could not deliver though it has them
	proof   string // what it said of the latest of them
}

func (f *fetch) put(id string, item *model.Item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got[id] = fetched{item: item, answered: true}
}

// all fetches the refs of one collection.
func (f *fetch) all(ctx context.Context, refs []model.Ref) *failure {
	if len(refs) > 1 {
		if fail := f.multiget(ctx, refs); fail != nil && !fail.singly() {
			return fail
		}
	}
	var left []model.Ref
	for _, r := range refs {
		if !f.got[r.ID].answered {
			left = append(left, r)
		}
	}
	return f.singles(ctx, left)
}

// singly reports whether it makes sense to ask for each object alone: the
// server has no multiget, or one object spoils the answer for all.
func (f *failure) singly() bool {
	return f.broken && f.fault.Code == "dav.damaged" || f.status == http.StatusInternalServerError ||
		f.fault.Class == fault.Unsupported && f.fault.Scope == fault.Collection ||
		f.fault.Class == fault.Invalid || f.fault.Class == fault.NotFound
}

func (f *fetch) multiget(ctx context.Context, refs []model.Ref) *failure {
	byID := make(map[string]model.Ref, len(refs))
	hrefs := make([]string, len(refs))
	for i, r := range refs {
		byID[r.ID], hrefs[i] = r, r.ID
	}
	href, _ := collectionHref(refs[0].Collection)
	data := dataOf(refs[0].Kind)
	// RFC 4791 section 7.9: depth does not matter; some servers want 1 or 0.
	req := request{method: "REPORT", href: href, depth: "1", body: multiget(refs[0].Kind, hrefs)}
	_, fail := f.session.link.multistatus(ctx, req, func(m member, at *url.URL) error {
		ref, asked := byID[f.session.link.normal(m.href, at)]
		if !asked {
			return nil
		}
		switch {
		case m.status == http.StatusNotFound || m.status == http.StatusGone:
			f.put(ref.ID, nil)
		case m.has(data):
			ref.Version = m.etag()
			f.deliver(ref, []byte(m.find(data).text))
		}
		// Any other answer for a member is checked singly.
		return nil
	})
	return fail
}

// deliver converts an object that arrived.
func (f *fetch) deliver(ref model.Ref, raw []byte) {
	item, ours := f.session.connector.convert.item(ref, raw)
	f.mu.Lock()
	f.whole++
	f.mu.Unlock()
	if !ours {
		f.put(ref.ID, nil)
		return
	}
	f.put(ref.ID, &item)
}

// singles asks for objects one by one, several at once.
func (f *fetch) singles(ctx context.Context, refs []model.Ref) *failure {
	fails := make([]*failure, len(refs))
	inParallel(len(refs), func(i int) { fails[i] = f.single(ctx, refs[i]) })
	for _, fail := range fails {
		if fail != nil {
			return fail
		}
	}
	// One object that makes the server fail is that object's trouble; when
	// nothing could be delivered it is the server's.
	if f.failed > 1 && f.whole == 0 {
		return &failure{fault: newFault("dav.500", f.proof)}
	}
	return nil
}

func (f *fetch) single(ctx context.Context, ref model.Ref) *failure {
	raw, version, fail := f.session.link.get(ctx, ref.ID)
	switch {
	case fail == nil:
		ref.Version = version
		f.deliver(ref, raw)
	case fail.fault.Class == fault.NotFound:
		f.put(ref.ID, nil)
	case fail.status == http.StatusInternalServerError, fail.fault.Class == fault.Denied, fail.fault.Class == fault.Invalid, fail.fault.Class == fault.TooLarge:
		f.mu.Lock()
		f.failed++
		f.proof = fail.fault.Evidence
		f.mu.Unlock()
		f.put(ref.ID, &model.Item{Ref: ref, Trouble: undelivered(fail)})
	default:
		return fail
	}
	return nil
}

func undelivered(f *failure) string {
	if f.status == 0 {
		return f.fault.Text()
	}
	return fmt.Sprintf("The server lists this item but does not deliver it (status %d). Open it in a calendar or address book program, save it again or delete it.", f.status)
}

var errTooLarge = errors.New("object too large")

// get reads one object and its version.
func (l *link) get(ctx context.Context, href string) (raw []byte, version string, fail *failure) {
	r := request{method: http.MethodGet, href: href}
	a, fail := l.do(ctx, r)
	if fail != nil {
		return nil, "", fail
	}
	defer a.close()
	if isPage(a.Response) {
		return nil, "", unreadable(r, a.Response, errNotDAV)
	}
	raw, err := io.ReadAll(io.LimitReader(a.Body, maxObjectSize+1))
	if err != nil {
		return nil, "", brokenFailure(ctx, r, a.Response, err)
	}
	if len(raw) > maxObjectSize {
		f := &failure{fault: newFault("dav.too-large", web.Evidence(web.Exchange{Method: r.method, Response: a.Response}))}
		f.fault.Err = errTooLarge
		return nil, "", f
	}
	return raw, normalETag(a.Header.Get("ETag")), nil
}

// inParallel calls do for 0 to n-1, a few at once, and waits for all.
func inParallel(n int, do func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, writesAtOnce)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}
