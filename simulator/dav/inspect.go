package dav

import (
	"net/http"
	"slices"
	"strings"
)

// inspected is an object that may be stored.
type inspected struct {
	content   []byte
	uid       string
	component string // VCARD, VEVENT, VTODO ...
}

// inspect checks what a client wants to store against the collection's rules.
func inspect(c *collectionRow, content []byte, b Behaviour) (inspected, error) {
	if len(content) > b.maxObjectSize() {
		condition := caldav("max-resource-size")
		if c.Kind == AddressBook {
			condition = carddav("max-resource-size")
		}
		return inspected{}, refuseFor(http.StatusForbidden, condition, "")
	}
	check := inspectCalendar
	if c.Kind == AddressBook {
		check = inspectCard
	}
	found, err := check(c, content)
	if err != nil && b.AcceptGarbage {
		return inspected{content: content, component: "VCARD"}, nil
	}
	found.content = content
	return found, err
}

// inspectCard applies RFC 6352 5.1 and 6.3.2.1: one vCard with a UID.
func inspectCard(_ *collectionRow, content []byte) (inspected, error) {
	root, err := parseContent(content)
	if err != nil || root.name != "VCARD" {
		return inspected{}, refuseFor(http.StatusForbidden, carddav("valid-address-data"), "")
	}
	uid := root.value("UID")
	if uid == "" {
		return inspected{}, refuseFor(http.StatusForbidden, carddav("valid-address-data"), "")
	}
	return inspected{uid: uid, component: root.name}, nil
}

// inspectCalendar applies RFC 4791 4.1 and 5.3.2.1: one UID, one kind of
// component beside time zones, no METHOD.
func inspectCalendar(c *collectionRow, content []byte) (inspected, error) {
	root, err := parseContent(content)
	if err != nil || root.name != "VCALENDAR" {
		return inspected{}, refuseFor(http.StatusForbidden, caldav("valid-calendar-data"), "")
	}
	invalid := refuseFor(http.StatusForbidden, caldav("valid-calendar-object-resource"), "")
	if root.value("METHOD") != "" {
		return inspected{}, invalid
	}
	var found inspected
	for _, child := range root.components {
		if child.name == "VTIMEZONE" {
			continue
		}
		uid := child.value("UID")
		if uid == "" || (found.uid != "" && (uid != found.uid || child.name != found.component)) {
			return inspected{}, invalid
		}
		found.uid, found.component = uid, child.name
	}
	if found.uid == "" {
		return inspected{}, invalid
	}
	if !slices.Contains(c.components(), found.component) {
		return inspected{}, refuseFor(http.StatusForbidden, caldav("supported-calendar-component"), "")
	}
	return found, nil
}

// checkMediaType refuses what is declared to be something else (RFC 4791
// 5.3.2.1, RFC 6352 6.3.2.1). Without a declaration the content decides.
func checkMediaType(c *collectionRow, contentType string) error {
	media, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	media = strings.TrimSpace(media)
	want, condition := "text/calendar", caldav("supported-calendar-data")
	if c.Kind == AddressBook {
		want, condition = "text/vcard", carddav("supported-address-data")
	}
	switch media {
	case "", "application/octet-stream", want:
		return nil
	case "text/x-vcard", "text/directory": // older names of text/vcard
		if c.Kind == AddressBook {
			return nil
		}
	}
	return refuseFor(http.StatusUnsupportedMediaType, condition, "")
}
