package dav

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// place is where a mailbox's collections lie.
type place struct {
	principal string   // "" where the server names none
	homes     []string // folders of collections
	single    []string // collections named directly by the settings
}

func (p *place) add(o *place) {
	if p.principal == "" {
		p.principal = o.principal
	}
	p.homes = appendNew(p.homes, o.homes...)
	p.single = appendNew(p.single, o.single...)
}

func (p *place) empty() bool { return len(p.homes) == 0 && len(p.single) == 0 }

func appendNew(list []string, more ...string) []string {
	for _, m := range more {
		if !slices.ContainsFunc(list, func(l string) bool { return sameHref(l, m) }) {
			list = append(list, m)
		}
	}
	return list
}

// locate finds the mailbox's place once and remembers it.
func (s *Session) locate(ctx context.Context) (*place, *failure) {
	s.mu.Lock()
	known := s.place
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found := &place{}
	for _, start := range s.starts {
		p, fail := s.link.from(ctx, start)
		if fail != nil {
			return nil, fail.ofMailbox()
		}
		found.add(p)
	}
	if found.empty() {
		return nil, failed("dav.not-found")
	}
	s.mu.Lock()
	s.place = found
	s.mu.Unlock()
	return found, nil
}

// from looks for collections from one address: it may be a collection, a
// principal, a home or a server.
func (l *link) from(ctx context.Context, start *url.URL) (*place, *failure) {
	p, fail := l.inspect(ctx, start.String(), strings.Trim(start.Path, "/") != "")
	if fail != nil && !fail.elsewhere() {
		return nil, fail
	}
	if p != nil && !p.empty() {
		return p, nil
	}
	found := &place{}
	for _, service := range []string{"caldav", "carddav"} { // RFC 6764 section 5
		p, wellKnown := l.inspect(ctx, start.ResolveReference(&url.URL{Path: "/.well-known/" + service}).String(), false)
		if wellKnown != nil && !wellKnown.elsewhere() {
			return nil, wellKnown
		}
		if p != nil {
			found.add(p)
		}
	}
	if found.empty() && fail != nil {
		return nil, fail
	}
	return found, nil
}

// elsewhere reports whether a failure only says that this is the wrong address.
func (f *failure) elsewhere() bool {
	switch f.fault.Class {
	case fault.NotFound, fault.Unsupported, fault.Denied, fault.Invalid, fault.Conflict:
		return f.fault.Code != "dav.insecure" && f.fault.Code != "dav.redirect"
	}
	return false
}

// inspect asks one address what it is and follows it to the homes.
func (l *link) inspect(ctx context.Context, href string, maybeHome bool) (*place, *failure) {
	m, at, fail := l.properties(ctx, href, "resourcetype", "current-user-principal", "C:calendar-home-set", "A:addressbook-home-set")
	if fail != nil {
		return nil, fail
	}
	here := l.normal(at.String(), at)
	if isCalendar(m) || isAddressBook(m) {
		return &place{principal: l.principal(m, at), single: []string{here}}, nil
	}
	if homes := l.homes(m, at); len(homes) > 0 {
		return &place{principal: here, homes: homes}, nil
	}
	if maybeHome {
		if has, fail := l.holdsCollections(ctx, here); fail != nil || has {
			return &place{principal: l.principal(m, at), homes: []string{here}}, fail
		}
	}
	principal := l.principal(m, at)
	if principal == "" {
		return &place{}, nil
	}
	m, at, fail = l.properties(ctx, principal, "C:calendar-home-set", "A:addressbook-home-set")
	if fail != nil {
		return nil, fail
	}
	return &place{principal: principal, homes: l.homes(m, at)}, nil
}

// principal is RFC 5397's current-user-principal.
func (l *link) principal(m member, at *url.URL) string {
	if hrefs := m.hrefs(davName("current-user-principal")); len(hrefs) > 0 {
		return l.normal(hrefs[0], at)
	}
	return ""
}

// homes are calendar-home-set (RFC 4791 section 6.2.1) and addressbook-home-set
// (RFC 6352 section 7.1.1).
func (l *link) homes(m member, at *url.URL) []string {
	var out []string
	for _, n := range []name{calName("calendar-home-set"), cardName("addressbook-home-set")} {
		for _, h := range m.hrefs(n) {
			out = appendNew(out, l.normal(h, at))
		}
	}
	return out
}

func (l *link) holdsCollections(ctx context.Context, href string) (bool, *failure) {
	has := false
	r := request{method: "PROPFIND", href: href, depth: "1", body: propfind("resourcetype")}
	_, fail := l.multistatus(ctx, r, func(m member, _ *url.URL) error {
		has = has || isCalendar(m) || isAddressBook(m)
		return nil
	})
	if fail != nil && fail.elsewhere() {
		return false, nil
	}
	return has, fail
}

var collectionProps = [...]string{"resourcetype", "displayname", "C:supported-calendar-component-set", "current-user-privilege-set"}

// Collections lists the mailbox's calendars, task lists and address books,
// sorted by id. A calendar that takes events and tasks appears once for each.
func (s *Session) Collections(ctx context.Context) ([]model.Collection, error) {
	p, fail := s.locate(ctx)
	if fail != nil {
		return nil, fail.fault
	}
	found := map[string][]candidate{}
	var absent *failure
	for _, href := range p.homes {
		fail := s.link.candidates(ctx, href, "1", found)
		switch {
		case fail == nil:
		case fail.fault.Class == fault.NotFound:
			absent = fail // a home that was never created holds nothing
		default:
			return nil, fail.ofMailbox().fault
		}
	}
	for _, href := range p.single {
		if fail := s.link.candidates(ctx, href, "0", found); fail != nil {
			return nil, fail.ofMailbox().fault
		}
	}
	if absent != nil && len(found) == 0 {
		return nil, newFault("dav.no-home", absent.fault.Evidence)
	}
	preferred := s.defaultCalendar(ctx, p.principal)
	return s.choose(found, preferred)
}

// candidate is a collection as discovered.
type candidate struct {
	model.Collection
	href  string
	mixed bool
}

// candidates adds the collections below (or at) an address, by id.
func (l *link) candidates(ctx context.Context, href, depth string, found map[string][]candidate) *failure {
	r := request{method: "PROPFIND", href: href, depth: depth, body: propfind(collectionProps[:]...)}
	_, fail := l.multistatus(ctx, r, func(m member, at *url.URL) error {
		// Some servers forget the slash at the end of a collection's address.
		address := strings.TrimSuffix(l.normal(m.href, at), "/") + "/"
		found[address] = toCandidates(m, address)
		return nil
	})
	return fail
}

func toCandidates(m member, href string) []candidate {
	kinds := kindsOf(m)
	out := make([]candidate, 0, len(kinds))
	for _, k := range kinds {
		c := candidate{href: href, mixed: len(kinds) > 1}
		c.Collection = model.Collection{
			ID: collectionID(href, k, c.mixed), Kind: k, Name: collectionName(m, href), ReadOnly: !writable(m),
		}
		out = append(out, c)
	}
	return out
}

func collectionName(m member, href string) string {
	if n := m.text(davName("displayname")); n != "" {
		return n
	}
	last := strings.TrimSuffix(href, "/")
	last = last[strings.LastIndexByte(last, '/')+1:]
	if decoded, err := url.PathUnescape(last); err == nil {
		return decoded
	}
	return last
}

// kindsOf tells what a collection holds. Without a component set a calendar
// takes every component (RFC 4791 section 5.2.3).
func kindsOf(m member) []model.Kind {
	if isAddressBook(m) {
		return []model.Kind{model.Contact}
	}
	if !isCalendar(m) {
		return nil
	}
	set := m.find(calName("supported-calendar-component-set"))
	if len(set.children) == 0 {
		return []model.Kind{model.Event, model.Task}
	}
	var out []model.Kind
	for _, c := range set.children {
		switch strings.ToUpper(c.attr("name")) {
		case "VEVENT":
			out = append(out, model.Event)
		case "VTODO":
			out = append(out, model.Task)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func isAddressBook(m member) bool {
	return m.find(davName("resourcetype")).has(cardName("addressbook"))
}

// isCalendar leaves out scheduling boxes (RFC 6638 section 2), subscriptions to
// foreign calendars, and what Nextcloud keeps of deleted ones.
func isCalendar(m member) bool {
	types := m.find(davName("resourcetype"))
	if !types.has(calName("calendar")) {
		return false
	}
	for _, no := range []name{
		calName("schedule-inbox"), calName("schedule-outbox"),
		{nsServer, "subscribed"}, {nsNextDAV, "deleted-calendar"}, {nsNextDAV, "trash-bin"},
	} {
		if types.has(no) {
			return false
		}
	}
	return true
}

// writable reads current-user-privilege-set (RFC 3744 section 5.4). A server
// without access control names none.
func writable(m member) bool {
	if !m.has(davName("current-user-privilege-set")) {
		return true
	}
	for _, p := range m.find(davName("current-user-privilege-set")).children {
		for _, want := range []string{"all", "write", "bind", "write-content"} {
			if p.has(davName(want)) {
				return true
			}
		}
	}
	return false
}

// defaultCalendar asks for the calendar that takes new invitations (RFC 6638
// section 9.2). It is a wish only: whatever goes wrong, there is none.
func (s *Session) defaultCalendar(ctx context.Context, principal string) string {
	if principal == "" || !slices.Contains(s.connector.config.kinds, model.Event) {
		return ""
	}
	m, at, fail := s.link.properties(ctx, principal, "C:schedule-inbox-URL")
	if fail != nil {
		return ""
	}
	inbox := m.hrefs(calName("schedule-inbox-URL"))
	if len(inbox) == 0 {
		return ""
	}
	m, at, fail = s.link.properties(ctx, s.link.normal(inbox[0], at), "C:schedule-default-calendar-URL")
	if fail != nil {
		return ""
	}
	if hrefs := m.hrefs(calName("schedule-default-calendar-URL")); len(hrefs) > 0 {
		return s.link.normal(hrefs[0], at)
	}
	return ""
}

// choose applies the settings and marks where new items go.
func (s *Session) choose(found map[string][]candidate, preferred string) ([]model.Collection, error) {
	var all []candidate
	for _, group := range found {
		for _, c := range group {
			if slices.Contains(s.connector.config.kinds, c.Kind) && s.wanted(c) {
				all = append(all, c)
			}
		}
	}
	if len(all) == 0 && len(s.connector.config.collections) > 0 {
		return nil, noCollection("collection of the names in the setting collections")
	}
	slices.SortFunc(all, func(a, b candidate) int { return strings.Compare(a.ID, b.ID) })
	for _, k := range s.connector.config.kinds {
		if i := primary(all, k, preferred); i >= 0 {
			all[i].Primary = true
		}
	}
	out := make([]model.Collection, len(all))
	for i, c := range all {
		out[i] = c.Collection
	}
	return out, nil
}

func (s *Session) wanted(c candidate) bool {
	names := s.connector.config.collections
	if len(names) == 0 {
		return true
	}
	return slices.ContainsFunc(names, func(n string) bool {
		return strings.EqualFold(n, c.Name) || sameHref(s.link.normal(n, s.link.base), c.href)
	})
}

// primary picks the collection for new items of a kind: the server's default,
// else the first writable one that holds nothing else, else the first writable.
func primary(all []candidate, kind model.Kind, preferred string) int {
	best, score := -1, 0
	for i, c := range all {
		points := 0
		switch {
		case c.Kind != kind || c.ReadOnly:
		case preferred != "" && sameHref(c.href, preferred):
			points = 3
		case !c.mixed:
			points = 2
		default:
			points = 1
		}
		if points > score {
			best, score = i, points
		}
	}
	return best
}
