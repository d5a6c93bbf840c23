package dav

import (
	"net/http"
	"net/url"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
)

// round is the answer to one sync-collection request.
type round struct {
	token     string // the new one
	truncated bool   // there is more (RFC 6578 section 3.6)
	changed   int
	gone      int
}

// sync asks for the changes since a token, page by page, until there are no
// more.
func (r *report) sync(cur cursor) {
	r.full = cur.mode == fullMode
	limit := pageSize
	for {
		got, fail := r.ask(cur.position, limit)
		switch {
		case fail != nil && limit > 0 && limitRefused(fail):
			limit = 0 // RFC 6578 section 3.7: the server cannot page by number
			continue
		case fail != nil && r.full && cur.position == "" && !r.paged && limitRefused(fail):
			r.listInstead()
			return
		case fail != nil:
			r.syncFailed(cur, fail)
			return
		}
		if got.truncated && got.token == cur.position {
			r.fail(&failure{fault: expired()})
			return
		}
		next := cursor{mode: syncMode, position: got.token, count: max(cur.count-got.gone, 0)}
		if r.full {
			next.count = cur.count + got.changed
		}
		if got.truncated {
			next.mode = cur.mode
			if !r.finish(next, false) {
				return
			}
			cur, r.resume = next, next.text()
			continue
		}
		r.end(cur, next, got)
		return
	}
}

// end hands out the last page, unless the report looks like the listing that
// some servers send when they do not know the token: then what is missing from
// it was deleted, and nobody said so.
func (r *report) end(cur, next cursor, got round) {
	if next.position == "" {
		next = cursor{} // no token to come back with: list again next time
	}
	if r.full || got.changed == 0 || got.gone > 0 || got.changed < cur.count/2 {
		r.finish(next, true)
		return
	}
	everything, count, fail := r.namesEverything(got)
	if fail != nil {
		r.fail(fail)
		return
	}
	next.count = count
	if everything && r.paged {
		r.fail(&failure{fault: expired()}) // too late to call it a full listing
		return
	}
	r.full = everything
	r.finish(next, true)
}

// namesEverything compares the report with what the collection holds now: if it
// names all of it, it may be called a full listing, whatever it was meant to
// be. Of pages already handed out only the number is known.
func (r *report) namesEverything(got round) (everything bool, count int, fail *failure) {
	named := map[string]bool{}
	for _, ref := range r.page.Changed {
		named[ref.ID] = true
	}
	for _, ref := range r.unsure {
		named[ref.ID] = true
	}
	missing := 0
	req := request{method: "PROPFIND", href: r.href, depth: "1", body: propfind("resourcetype", "getcontenttype")}
	_, fail = r.session.link.multistatus(r.ctx, req, func(m member, at *url.URL) error {
		id := r.session.link.normal(m.href, at)
		if sameHref(id, r.href) || m.find(davName("resourcetype")).has(davName("collection")) {
			return nil
		}
		count++
		ours := !r.mixed || componentOf(m) == "" || componentOf(m) == componentName(r.target.Kind)
		if ours && !named[id] {
			missing++
		}
		return nil
	})
	if r.paged {
		return count <= got.changed, count, fail
	}
	return missing == 0, count, fail
}

func expired() *fault.Fault {
	return issue.Fault("dav.valid-sync-token")
}

// limitRefused reports whether a server wants no limit, or a smaller one.
func limitRefused(f *failure) bool {
	return f.status == http.StatusInsufficientStorage || f.precondition == "number-of-matches-within-limits"
}

// listInstead does the first listing by PROPFIND; the token is taken before it,
// so that what happens meanwhile is reported afterwards.
func (r *report) listInstead() {
	st, fail := r.session.state(r.ctx, r.target)
	if fail != nil {
		r.fail(fail)
		return
	}
	end := cursor{mode: syncMode, position: st.token}
	if st.token == "" {
		end = cursor{mode: ctagMode, position: st.ctag}
	}
	r.list(end)
}

func (r *report) syncFailed(cur cursor, f *failure) {
	if f.tokenDead(cur.position) {
		evidence := f.fault.Evidence
		f = &failure{fault: expired()}
		f.fault.Evidence = evidence
	}
	r.fail(f)
}

// ask sends one sync-collection request and notes what it reports.
func (r *report) ask(token string, limit int) (round, *failure) {
	got := round{}
	props := []string{"getetag"}
	if r.mixed {
		props = append(props, "getcontenttype")
	}
	// RFC 6578 section 3.2: depth 0, the level stands in the body.
	req := request{method: "REPORT", href: r.href, depth: "0", body: syncCollection(token, limit, props...)}
	newToken, fail := r.session.link.multistatus(r.ctx, req, func(m member, at *url.URL) error {
		id := r.session.link.normal(m.href, at)
		switch {
		case sameHref(id, r.href):
			// Truncation is a 507 on the collection itself (RFC 6578 section
			// 3.6); iCloud also lists it among the changes.
			got.truncated = got.truncated || m.status == http.StatusInsufficientStorage
			return nil
		case strings.HasSuffix(id, "/"):
			return nil // a collection within the collection
		case m.status == http.StatusNotFound || m.status == http.StatusGone:
			return r.gone(id, token, &got)
		}
		// A member with an error of its own has changed, too: Fetch finds out.
		got.changed++
		return r.changed(m, id)
	})
	got.token = newToken
	return got, fail
}

// gone notes a deletion. In an answer to the empty token it tells of things
// that were deleted before we ever looked.
func (r *report) gone(id, token string, got *round) error {
	if token == "" {
		return nil
	}
	if err := r.room(); err != nil {
		return err
	}
	got.gone++
	r.page.Gone = append(r.page.Gone, refOf(r.target, id, ""))
	return nil
}

var _ connector.Session = (*Session)(nil)
