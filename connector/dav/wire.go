package dav

import (
	"encoding/xml"
	"strconv"
	"strings"

	"lockstep.dev/model"
)

// Namespaces.
const (
	nsDAV      = "DAV:"                           // RFC 4918
	nsCalDAV   = "urn:ietf:params:xml:ns:caldav"  // RFC 4791
	nsCardDAV  = "urn:ietf:params:xml:ns:carddav" // RFC 6352
	nsServer   = "http://calendarserver.org/ns/"  // getctag, subscribed
	nsNextDAV  = "http://nextcloud.com/ns"        // deleted-calendar, trash-bin
	nsSabre    = "http://sabredav.org/ns"         // exception, message
	prefixList = `xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/"`
)

func davName(local string) name  { return name{nsDAV, local} }
func calName(local string) name  { return name{nsCalDAV, local} }
func cardName(local string) name { return name{nsCardDAV, local} }

// member is one response element of a multistatus (RFC 4918 section 14.24),
// reduced to what was found (status 200) and what was refused.
type member struct {
	href    string
	status  int   // of the whole member; 0 where each property has its own
	refused int   // status of a property that was asked for and refused; 404 does not count
	error   *node // precondition that a server names; nil where none
	props   []*node
}

// find returns a property that was found, or an empty node.
func (m member) find(want name) *node {
	for _, p := range m.props {
		if p.name == want {
			return p
		}
	}
	return &node{}
}

func (m member) has(want name) bool { return m.find(want).name == want }

// text is a property's text.
func (m member) text(want name) string { return strings.TrimSpace(m.find(want).text) }

// hrefs are the addresses that a property holds.
func (m member) hrefs(want name) []string {
	var out []string
	for _, c := range m.find(want).children {
		if c.name == davName("href") {
			if h := strings.TrimSpace(c.text); h != "" {
				out = append(out, h)
			}
		}
	}
	return out
}

// etag is the version of the member's content, normalised.
func (m member) etag() string { return normalETag(m.text(davName("getetag"))) }

// normalETag drops the weak mark. A proxy that compresses makes the tags it
// forwards weak (RFC 9110 section 8.8.1), and a weak one never satisfies an
// If-Match; underneath is the server's own.
func normalETag(tag string) string {
	tag = strings.TrimSpace(tag)
	if weak, ok := strings.CutPrefix(tag, "W/"); ok {
		return weak
	}
	return tag
}

// quotedETag is a version as If-Match wants it; some servers forget the quotes.
func quotedETag(version string) string {
	if strings.HasPrefix(version, `"`) {
		return version
	}
	return `"` + version + `"`
}

// toMember reads a response element.
func toMember(n *node) member {
	m := member{}
	for _, c := range n.children {
		switch c.name {
		case davName("href"):
			if m.href == "" {
				m.href = strings.TrimSpace(c.text)
			}
		case davName("status"):
			m.status = statusCode(c.text)
		case davName("error"):
			m.error = c
		case davName("propstat"):
			m.addProps(c)
		}
	}
	return m
}

func (m *member) addProps(propstat *node) {
	status := statusCode(propstat.child(davName("status")).text)
	switch {
	case status == 0 || status/100 == 2:
		m.props = append(m.props, propstat.child(davName("prop")).children...)
	case status != 404:
		m.refused = status
		if e := propstat.child(davName("error")); len(e.children) > 0 {
			m.error = e
		}
	}
}

// statusCode reads "HTTP/1.1 404 Not Found".
func statusCode(line string) int {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return 0
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return n
}

// precondition is the local name of the first element in a DAV:error that is
// one of the standards' (RFC 4918 section 16), or "".
func precondition(n *node) string {
	if n == nil {
		return ""
	}
	for _, c := range n.children {
		switch c.name.space {
		case nsDAV, nsCalDAV, nsCardDAV:
			return c.name.local
		}
	}
	return sabrePrecondition(n)
}

// sabrePrecondition reads the one message of SabreDAV servers that stands for a
// precondition. Nextcloud 28 answers a second object of one UID by 400 with
//
//	<s:exception>Sabre\DAV\Exception\BadRequest</s:exception>
//	<s:message>Calendar object with uid already exists in this calendar collection.</s:message>
func sabrePrecondition(n *node) string {
	if strings.Contains(n.child(name{nsSabre, "message"}).text, "with uid already exists") {
		return "no-uid-conflict"
	}
	return ""
}

// Bodies of requests.

const xmlHead = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

// propfind asks for properties (RFC 4918 section 9.1); they are written with
// the prefixes of prefixList.
func propfind(props ...string) []byte {
	return []byte(xmlHead + `<propfind ` + prefixList + `><prop>` + elements(props) + `</prop></propfind>`)
}

func elements(names []string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString("<" + n + "/>")
	}
	return b.String()
}

// syncCollection asks what changed since a token (RFC 6578 section 3.2). A
// limit of 0 sets none.
func syncCollection(token string, limit int, props ...string) []byte {
	var b strings.Builder
	b.WriteString(xmlHead + `<sync-collection ` + prefixList + `><sync-token>` + escape(token) + `</sync-token><sync-level>1</sync-level>`)
	if limit > 0 {
		b.WriteString(`<limit><nresults>` + strconv.Itoa(limit) + `</nresults></limit>`)
	}
	b.WriteString(`<prop>` + elements(props) + `</prop></sync-collection>`)
	return []byte(b.String())
}

// multiget asks for objects by address (RFC 4791 section 7.9, RFC 6352 section
// 8.7).
func multiget(kind model.Kind, hrefs []string) []byte {
	report, data := "C:calendar-multiget", "C:calendar-data"
	if kind == model.Contact {
		report, data = "A:addressbook-multiget", "A:address-data"
	}
	var b strings.Builder
	b.WriteString(xmlHead + `<` + report + ` ` + prefixList + `><prop><getetag/><` + data + `/></prop>`)
	for _, h := range hrefs {
		b.WriteString(`<href>` + escape(h) + `</href>`)
	}
	b.WriteString(`</` + report + `>`)
	return []byte(b.String())
}

// dataOf is the object itself in an answer to a multiget.
func dataOf(kind model.Kind) name {
	if kind == model.Contact {
		return cardName("address-data")
	}
	return calName("calendar-data")
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}
