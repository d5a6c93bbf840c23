package dav

import (
	"net/http"
)

// report answers REPORT on a collection (RFC 3253 3.6).
func (s *Server) report(r *request) (*answer, error) {
	root, err := parseXML(r.body)
	if err != nil {
		return nil, refuse(http.StatusBadRequest)
	}
	s.counter.report(root.XMLName.Local)
	if r.target.place() != atCollection {
		return nil, refuseFor(http.StatusForbidden, dav("supported-report"), "")
	}
	self, err := s.self(r)
	if err != nil {
		return nil, err
	}
	kind := self.collection.Kind
	switch name := root.XMLName; {
	case name == dav("sync-collection") && !r.behaviour.NoSyncCollection:
		return s.syncReport(r, self, root)
	case name == caldav("calendar-multiget") && kind == Calendar,
		name == carddav("addressbook-multiget") && kind == AddressBook:
		return s.multiget(r, self, root)
	case name == caldav("calendar-query") && kind == Calendar:
		return s.query(r, self, root, calendarFilter(root.child(caldav("filter"))))
	case name == carddav("addressbook-query") && kind == AddressBook:
		return s.query(r, self, root, cardFilter(root.child(carddav("filter"))))
	default:
		return nil, refuseFor(http.StatusForbidden, dav("supported-report"), "")
	}
}

// multiget answers for the members it names (RFC 4791 7.9, RFC 6352 8.7).
func (s *Server) multiget(r *request, self *resource, root *node) (*answer, error) {
	sel := parseSelection(root)
	var asked []target
	var names []string
	for _, n := range root.Nodes {
		if n.XMLName != dav("href") {
			continue
		}
		t, err := parseHref(n.text())
		if err != nil || t.object == "" {
			t = r.target.child(n.text()) // answered as missing
		}
		asked = append(asked, t)
		names = append(names, t.object)
	}
	s.counter.hrefs(len(asked))
	found, err := s.store.named(r.Context(), self.collection.ID, names, sel.content())
	if err != nil {
		return nil, err
	}
	m := newMultistatus()
	for _, t := range asked {
		o := found[t.object]
		switch inside := r.target.child(t.object) == t; {
		case o != nil && inside:
			s.resource(m, self.member(o), sel)
		case !r.behaviour.MultigetSkipsMissing:
			m.status(t.href(), http.StatusNotFound, "")
		}
	}
	return m.answer(), nil
}

// query answers for the members that match (RFC 4791 7.8, RFC 6352 8.6).
func (s *Server) query(r *request, self *resource, root *node, matches filter) (*answer, error) {
	sel := parseSelection(root)
	rows, err := s.store.objects(r.Context(), self.collection.ID, true)
	if err != nil {
		return nil, err
	}
	limit := limitOf(root, carddav("limit"), carddav("nresults"))
	m := newMultistatus()
	found := 0
	for i := range rows {
		parsed, err := parseContent(rows[i].Content)
		if err != nil || !matches(parsed) {
			continue // garbage matches nothing
		}
		if found++; limit > 0 && found > limit { // RFC 6352 8.6.2
			m.status(self.target.href(), http.StatusInsufficientStorage, limitReached)
			break
		}
		s.resource(m, self.member(&rows[i]), sel)
	}
	return m.answer(), nil
}
