package dav

import (
	"bytes"
	"encoding/xml"
	"strings"
)

const (
	nsDAV     = "DAV:"
	nsCalDAV  = "urn:ietf:params:xml:ns:caldav"
	nsCardDAV = "urn:ietf:params:xml:ns:carddav"
	nsServer  = "http://calendarserver.org/ns/"
)

// namespaces declares the prefixes that element uses, besides D.
const namespaces = ` xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="urn:ietf:params:xml:ns:carddav"` +
	` xmlns:S="http://calendarserver.org/ns/"`

func dav(local string) xml.Name     { return xml.Name{Space: nsDAV, Local: local} }
func caldav(local string) xml.Name  { return xml.Name{Space: nsCalDAV, Local: local} }
func carddav(local string) xml.Name { return xml.Name{Space: nsCardDAV, Local: local} }

// element writes an element; inner is XML.
func element(name xml.Name, inner string) string {
	tag, declaration := tagOf(name)
	if inner == "" {
		return "<" + tag + declaration + "/>"
	}
	return "<" + tag + declaration + ">" + inner + "</" + tag + ">"
}

func tagOf(name xml.Name) (tag, declaration string) {
	switch name.Space {
	case nsDAV:
		return "D:" + name.Local, ""
	case nsCalDAV:
		return "C:" + name.Local, ""
	case nsCardDAV:
		return "A:" + name.Local, ""
	case nsServer:
		return "S:" + name.Local, ""
	default:
		return "X:" + name.Local, ` xmlns:X="` + escape(name.Space) + `"`
	}
}

func escape(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // a bytes.Buffer takes everything
	return out.String()
}

func href(path string) string { return element(dav("href"), escape(path)) }

// node is an element of a request's body.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Nodes   []node     `xml:",any"`
	Text    string     `xml:",chardata"`
}

func parseXML(body []byte) (*node, error) {
	var root node
	if err := xml.Unmarshal(body, &root); err != nil {
		return nil, err
	}
	return &root, nil
}

// child is the first child of that name, nil if there is none.
func (n *node) child(name xml.Name) *node {
	if n == nil {
		return nil
	}
	for i := range n.Nodes {
		if n.Nodes[i].XMLName == name {
			return &n.Nodes[i]
		}
	}
	return nil
}

func (n *node) text() string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(n.Text)
}

func (n *node) attr(local string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// names are the names of the children, as in a prop element.
func (n *node) names() []xml.Name {
	if n == nil {
		return nil
	}
	names := make([]xml.Name, 0, len(n.Nodes))
	for i := range n.Nodes {
		names = append(names, n.Nodes[i].XMLName)
	}
	return names
}
