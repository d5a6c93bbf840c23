package dav

import (
	"net/http"
)

// propfind answers PROPFIND with depth 0 or 1 (RFC 4918 9.1).
func (s *Server) propfind(r *request) (*answer, error) {
	depth := r.Header.Get("Depth")
	if depth != "0" && depth != "1" {
		return nil, refuseFor(http.StatusForbidden, dav("propfind-finite-depth"), "")
	}
	var root *node
	if len(r.body) > 0 {
		var err error
		if root, err = parseXML(r.body); err != nil || root.XMLName != dav("propfind") {
			return nil, refuse(http.StatusBadRequest)
		}
	}
	sel := parseSelection(root)
	self, err := s.self(r)
	if err != nil {
		return nil, err
	}
	m := newMultistatus()
	s.resource(m, self, sel)
	if depth == "1" {
		if err := s.members(m, r, self, sel); err != nil {
			return nil, err
		}
	}
	return m.answer(), nil
}

// self is the resource that the request names.
func (s *Server) self(r *request) (*resource, error) {
	res := &resource{target: r.target, user: r.user, behaviour: r.behaviour}
	switch r.target.place() {
	case atRoot, atPrincipals, atPrincipal, atHome:
		return res, nil
	}
	var err error
	if res.collection, res.object, err = s.lookUp(r.Context(), r.target); err != nil {
		return nil, err
	}
	if res.collection == nil || (r.target.object != "" && res.object == nil) {
		return nil, ErrNotFound
	}
	if res.object == nil {
		res.dead, err = s.store.deadProperties(r.Context(), res.collection.ID)
	}
	return res, err
}

// members answers for the resources one level below.
func (s *Server) members(m *multistatus, r *request, self *resource, sel selection) error {
	switch self.target.place() {
	case atPrincipals:
		s.resource(m, &resource{target: principalOf(r.user.Name), user: r.user, behaviour: r.behaviour}, sel)
	case atHome:
		rows, err := s.store.collections(r.Context(), self.target.user, self.target.kind)
		if err != nil {
			return err
		}
		for i := range rows {
			dead, err := s.store.deadProperties(r.Context(), rows[i].ID)
			if err != nil {
				return err
			}
			s.resource(m, &resource{
				target: self.target.child(rows[i].Name), user: r.user,
				collection: &rows[i], dead: dead, behaviour: r.behaviour,
			}, sel)
		}
	case atCollection:
		rows, err := s.store.objects(r.Context(), self.collection.ID, sel.content())
		if err != nil {
			return err
		}
		for i := range rows {
			s.resource(m, self.member(&rows[i]), sel)
		}
	}
	return nil
}

// member is an object of a collection resource.
func (res *resource) member(o *objectRow) *resource {
	return &resource{
		target: target{kind: res.collection.Kind, user: res.collection.Owner, collection: res.collection.Name, object: o.Name},
		user:   res.user, collection: res.collection, object: o, behaviour: res.behaviour,
	}
}
