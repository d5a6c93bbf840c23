package dav

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Probe returns nothing: WebDAV revisions have no order, and collections have
// no mark that survives a restore.
func (s *Session) Probe(context.Context, model.Collection) (connector.Mark, error) {
	return connector.Mark{}, nil
}

// Changes reports changes by sync-collection (RFC 6578) or, where the server
// has none, by comparing the collection's ctag and listing it in full when that
// differs. Pages name ids and versions; contents come from Fetch.
func (s *Session) Changes(ctx context.Context, c model.Collection, since model.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		r := s.report(ctx, c, yield)
		cur, err := parseCursor(since)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		if fail := r.badID(); fail != nil {
			r.fail(fail)
			return
		}
		r.resume = since
		switch cur.mode {
		case syncMode, fullMode:
			r.sync(cur)
		case ctagMode:
			r.compare(cur)
		default:
			r.begin()
		}
	}
}

// List names everything in one PROPFIND. It cannot be resumed in the middle, so
// its cursor is always the beginning.
func (s *Session) List(ctx context.Context, c model.Collection, _ model.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		r := s.report(ctx, c, yield)
		r.idsOnly = true
		if fail := r.badID(); fail != nil {
			r.fail(fail)
			return
		}
		r.list(cursor{})
	}
}

// report is one run of Changes or List.
type report struct {
	session *Session
	ctx     context.Context //nolint:containedctx // lives as long as the iteration it belongs to
	target  model.Collection
	href    string
	mixed   bool // the calendar holds both events and tasks
	idsOnly bool
	yield   func(connector.Page, error) bool

	resume  model.Cursor // where a page that is not the last of a request resumes
	full    bool
	paged   bool // a page of this run was handed out
	stopped bool // the caller wants no more
	page    connector.Page
	unsure  []model.Ref // members of a mixed calendar whose kind is not known yet
}

func (s *Session) report(ctx context.Context, c model.Collection, yield func(connector.Page, error) bool) *report {
	href, mixed := collectionHref(c.ID)
	return &report{session: s, ctx: ctx, target: c, href: href, mixed: mixed, yield: yield}
}

// badID refuses an id that we did not give.
func (r *report) badID() *failure {
	if r.mixed && r.target.ID != collectionID(r.href, r.target.Kind, true) {
		return failed("dav.collection-id")
	}
	return nil
}

// begin chooses the way of reporting when nothing is known yet.
func (r *report) begin() {
	state, fail := r.session.state(r.ctx, r.target)
	if fail != nil {
		r.fail(fail)
		return
	}
	r.full = true
	if state.sync {
		r.sync(cursor{mode: fullMode})
		return
	}
	r.list(cursor{mode: ctagMode, position: state.ctag})
}

// compare lists the collection only if its ctag moved
// (calendarserver.org/ns/ getctag). Without a ctag it is listed each time.
func (r *report) compare(cur cursor) {
	state, fail := r.session.state(r.ctx, r.target)
	if fail != nil {
		r.fail(fail)
		return
	}
	if state.ctag != "" && state.ctag == cur.position {
		r.yield(connector.Page{Cursor: r.resume, Last: true}, nil)
		return
	}
	r.list(cursor{mode: ctagMode, position: state.ctag})
}

// state is how a collection reports changes.
type state struct {
	sync  bool
	token string
	ctag  string
}

func (s *Session) state(ctx context.Context, c model.Collection) (state, *failure) {
	href, _ := collectionHref(c.ID)
	m, _, fail := s.link.properties(ctx, href, "sync-token", "supported-report-set", "S:getctag", "resourcetype")
	if fail == nil && m.has(davName("resourcetype")) && !m.find(davName("resourcetype")).has(davName("collection")) {
		fail = failed("dav.collection")
	}
	if fail != nil {
		return state{}, fail.ofCollection()
	}
	st := state{token: m.text(davName("sync-token")), ctag: m.text(name{nsServer, "getctag"})}
	st.sync = st.token != ""
	for _, supported := range m.find(davName("supported-report-set")).children {
		if supported.child(davName("report")).has(davName("sync-collection")) {
			st.sync = true
		}
	}
	return st, nil
}

func (r *report) fail(f *failure) {
	if !r.stopped && !f.stopped {
		r.yield(connector.Page{}, f.ofCollection().fault)
	}
}

// list names every member by one PROPFIND of depth 1 and ends at the given
// cursor, which was taken before.
func (r *report) list(end cursor) {
	r.full = true
	count, here := 0, false
	var gone *failure
	props := []string{"getetag", "resourcetype"}
	if r.mixed {
		props = append(props, "getcontenttype")
	}
	req := request{method: "PROPFIND", href: r.href, depth: "1", body: propfind(props...)}
	_, fail := r.session.link.multistatus(r.ctx, req, func(m member, at *url.URL) error {
		id := r.session.link.normal(m.href, at)
		if sameHref(id, r.href) {
			here, gone = true, m.failure()
			return nil
		}
		if m.find(davName("resourcetype")).has(davName("collection")) {
			return nil
		}
		count++
		return r.changed(m, id)
	})
	if fail == nil {
		fail = gone
	}
	if fail == nil && !here && count == 0 {
		// An answer that names nothing at all, not even the collection, is no
		// empty collection.
		fail = failed("dav.empty-answer")
	}
	if fail != nil {
		r.fail(fail)
		return
	}
	end.count = count
	r.finish(end, true)
}

// changed notes a member that exists.
func (r *report) changed(m member, id string) error {
	if err := r.room(); err != nil {
		return err
	}
	ref := refOf(r.target, id, m.etag())
	switch component := componentOf(m); {
	case !r.mixed:
		r.page.Changed = append(r.page.Changed, ref)
	case component == "":
		r.unsure = append(r.unsure, ref)
	case component == componentName(r.target.Kind):
		r.page.Changed = append(r.page.Changed, ref)
	}
	return nil
}

// room hands the page out if it is full, so that another member fits.
func (r *report) room() error {
	if len(r.page.Changed)+len(r.page.Gone)+len(r.unsure) < pageSize {
		return nil
	}
	if !r.hand(r.resume, false) {
		return errStop
	}
	return nil
}

func refOf(c model.Collection, id, version string) model.Ref {
	return model.Ref{Side: model.Mail, Kind: c.Kind, Collection: c.ID, ID: id, Version: version}
}

// componentOf reads which component an object is from its content type (RFC
// 5545 section 8.1, parameter component), or returns "".
func componentOf(m member) string {
	_, params, _ := strings.Cut(m.text(davName("getcontenttype")), ";")
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(key), "component") {
			return strings.ToUpper(strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	return ""
}

func componentName(k model.Kind) string {
	if k == model.Task {
		return "VTODO"
	}
	return "VEVENT"
}

// hand gives the page out. It returns false when the caller wants no more or
// an error was given instead.
func (r *report) hand(at model.Cursor, last bool) bool {
	if err := r.settleUnsure(); err != nil {
		r.stopped = true
		r.yield(connector.Page{}, err)
		return false
	}
	p := r.page
	p.Cursor, p.Full, p.Last = at, r.full, last
	r.page, r.paged = connector.Page{}, true
	if !r.yield(p, nil) {
		r.stopped = true
		return false
	}
	return true
}

// settleUnsure reads members whose kind the server did not say and keeps those
// of ours.
func (r *report) settleUnsure() error {
	for len(r.unsure) > 0 {
		n := min(batchSize, len(r.unsure))
		items, err := r.session.Fetch(r.ctx, r.unsure[:n])
		if err != nil {
			return err
		}
		for _, it := range items {
			if r.idsOnly {
				r.page.Changed = append(r.page.Changed, it.Ref)
			} else {
				r.page.Items = append(r.page.Items, it)
			}
		}
		r.unsure = r.unsure[n:]
	}
	return nil
}

func (r *report) finish(end cursor, last bool) bool {
	if r.idsOnly {
		end = cursor{}
	}
	return r.hand(end.text(), last)
}

// tokenDead reports whether a server means that it does not know our token any
// more. RFC 6578 section 3.2 wants 403 with valid-sync-token; servers also send
// 400, 409, 410 and 412, with or without it. Asked without a token it is never
// that.
func (f *failure) tokenDead(token string) bool {
	if token == "" {
		return false
	}
	switch f.status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed,
		http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return f.precondition == "" || f.precondition == "valid-sync-token" || f.precondition == "supported-report"
	}
	return f.precondition == "valid-sync-token"
}
