package dav

import (
	"net"
	"net/url"
	"strings"

	"lockstep.dev/model"
)

// An item's id is its address in one normal spelling: the path alone where it
// lies on the server the mailbox starts from, otherwise with the server.
// Servers spell one address in several ways (with the host, "@" as "%40"), and
// ids are compared byte by byte.

// plain reports whether a path has nothing in it that could be spelt otherwise.
func plain(path string) bool {
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c != '/' && c != '-' && c != '_' && c != '.' && c != '~' && !(c >= '0' && c <= '9') && !(c|0x20 >= 'a' && c|0x20 <= 'z') {
			return false
		}
	}
	return !strings.Contains(path, "//") && !strings.Contains(path, "/.")
}

// normalHref brings an address found in an answer to its normal spelling; base
// is where the mailbox starts, at is the request that was answered.
func normalHref(href string, base, at *url.URL) string {
	if strings.HasPrefix(href, "/") && plain(href) && sameHost(base, at) {
		return href
	}
	u, err := at.Parse(href)
	if err != nil {
		return href
	}
	path := normalPath(u.EscapedPath())
	if sameHost(base, u) {
		return path
	}
	return u.Scheme + "://" + host(u) + path
}

// normalPath spells each segment the way url.PathEscape does.
func normalPath(escaped string) string {
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		if decoded, err := url.PathUnescape(s); err == nil {
			segments[i] = url.PathEscape(decoded)
		}
	}
	return strings.Join(segments, "/")
}

func sameHost(a, b *url.URL) bool {
	return a == b || a.Scheme == b.Scheme && host(a) == host(b)
}

// host is lower case and without the port that the scheme implies.
func host(u *url.URL) string {
	h, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		if strings.Contains(h, ":") {
			return "[" + h + "]"
		}
		return h
	}
	return net.JoinHostPort(h, port)
}

// A calendar that takes both events and tasks appears as two collections; the
// mark after its address says which of the two is meant.

// collectionID names a collection; mixed calendars get one id for each kind.
func collectionID(href string, kind model.Kind, mixed bool) string {
	if !mixed {
		return href
	}
	return href + "#" + string(kind)
}

// collectionHref is the address behind a collection's id.
func collectionHref(id string) (href string, mixed bool) {
	href, _, mixed = strings.Cut(id, "#")
	return href, mixed
}

// sameHref compares two addresses; a slash at the end does not count.
func sameHref(a, b string) bool {
	return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/")
}
