package dav

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// multistatus builds a 207 answer (RFC 4918 13).
type multistatus struct{ out strings.Builder }

func newMultistatus() *multistatus {
	var m multistatus
	m.out.WriteString(`<D:multistatus xmlns:D="DAV:"` + namespaces + `>`)
	return &m
}

func (m *multistatus) raw(xml string) { m.out.WriteString(xml) }

// status answers for a member as a whole.
func (m *multistatus) status(path string, status int, inner string) {
	m.raw("<D:response>" + href(path) + statusElement(status) + inner + "</D:response>\n")
}

func statusElement(status int) string {
	return fmt.Sprintf("<D:status>HTTP/1.1 %d %s</D:status>", status, http.StatusText(status))
}

func (m *multistatus) answer() *answer {
	return newAnswer(http.StatusMultiStatus).withXML(m.out.String() + "</D:multistatus>\n")
}

// selection is what a client wants to know of each resource.
type selection struct {
	names    []xml.Name
	all      bool // allprop
	onlyName bool // propname
}

// content says whether the objects' content has to be read.
func (sel selection) content() bool {
	return slices.ContainsFunc(sel.names, func(n xml.Name) bool {
		return n.Local == "calendar-data" || n.Local == "address-data" || n.Local == "getcontentlength"
	})
}

// parseSelection reads prop, allprop or propname from the body of a PROPFIND
// or a report. An empty body means allprop (RFC 4918 9.1).
func parseSelection(root *node) selection {
	switch {
	case root == nil || root.child(dav("allprop")) != nil:
		return selection{all: true, names: root.child(dav("include")).names()}
	case root.child(dav("propname")) != nil:
		return selection{all: true, onlyName: true}
	default:
		return selection{names: root.child(dav("prop")).names()}
	}
}

// resource answers for one resource: found properties with 200, others with
// 404 (RFC 4918 9.1).
func (s *Server) resource(m *multistatus, res *resource, sel selection) {
	if res.object != nil && slices.Contains(res.behaviour.BrokenObjects, res.object.Name) {
		m.status(res.target.href(), http.StatusInternalServerError, "")
		return
	}
	var found, missing strings.Builder
	for _, name := range s.selected(res, sel) {
		value, ok := s.value(res, name)
		switch {
		case !ok && !sel.all:
			missing.WriteString(element(name, ""))
		case ok && sel.onlyName:
			found.WriteString(element(name, ""))
		case ok:
			found.WriteString(element(name, value))
		}
	}
	m.raw("<D:response>" + href(res.target.href()))
	if found.Len() > 0 || missing.Len() == 0 {
		m.raw("<D:propstat><D:prop>" + found.String() + "</D:prop>" + statusElement(http.StatusOK) + "</D:propstat>")
	}
	if missing.Len() > 0 {
		m.raw("<D:propstat><D:prop>" + missing.String() + "</D:prop>" + statusElement(http.StatusNotFound) + "</D:propstat>")
	}
	m.raw("</D:response>\n")
}

// selected lists the properties to answer, in a stable order.
func (s *Server) selected(res *resource, sel selection) []xml.Name {
	if !sel.all {
		return sel.names
	}
	names := slices.Clone(sel.names)
	for name, p := range s.properties {
		if !p.quiet || sel.onlyName {
			names = append(names, name)
		}
	}
	names = slices.AppendSeq(names, maps.Keys(res.dead))
	slices.SortFunc(names, func(a, b xml.Name) int { return strings.Compare(a.Space+a.Local, b.Space+b.Local) })
	return slices.Compact(names)
}

func (s *Server) value(res *resource, name xml.Name) (string, bool) {
	if p, ok := s.properties[name]; ok {
		return p.value(res)
	}
	value, ok := res.dead[name]
	return escape(value), ok
}
