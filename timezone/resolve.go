package timezone

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lockstep.dev/vobject"
)

// How says by what a zone was recognised.
type How uint8

// The ways, from the surest.
const (
	ByName    How = iota + 1 // the TZID is an IANA name
	ByWindows                // the TZID is a Windows name, or the places Windows shows
	ByPrefix                 // an IANA name behind a vendor's prefix
	ByOffset                 // the TZID names a whole number of hours
	ByRules                  // the VTIMEZONE has the offsets of the zone
)

// Zone is what a TZID turned out to mean.
type Zone struct {
	Name string // IANA name
	How  How
}

// Resolve finds the IANA zone that a TZID means. Names decide where they are
// known; otherwise the VTIMEZONE (def, which may be missing) is compared with
// every zone over the years around year, that of the event. It returns false
// where nothing fits: the caller keeps the TZID as it is.
//
// Several zones can have the same offsets in those years; then the one named
// in X-LIC-LOCATION is taken, or else the first in the order Windows lists
// them.
func Resolve(tzid string, def vobject.Component, year int) (Zone, bool) {
	if z, ok := byText(tzid); ok {
		return z, true
	}
	if !def.Exists() {
		return Zone{}, false
	}
	return byRules(def, year)
}

func byText(tzid string) (Zone, bool) {
	text := strings.Trim(strings.TrimSpace(tzid), `"`)
	if name, ok := IANA(text); ok {
		return Zone{name, ByName}, true
	}
	if name, ok := FromWindows(text); ok {
		return Zone{name, ByWindows}, true
	}
	if name, ok := afterPrefix(text); ok {
		return Zone{name, ByPrefix}, true
	}
	if name, ok := fixedOffset(text); ok {
		return Zone{name, ByOffset}, true
	}
	// US-Eastern, as the examples of RFC 2445 have it.
	if name, ok := IANA(strings.Replace(text, "-", "/", 1)); ok {
		return Zone{name, ByName}, true
	}
	return Zone{}, false
}

// IANA returns the usual spelling of an IANA zone name; blanks count as
// underscores and case does not count.
func IANA(name string) (string, bool) {
	if strings.EqualFold(name, "Z") {
		return "Etc/UTC", true
	}
	found, _ := lookupIANA(strings.ReplaceAll(strings.ToLower(name), " ", "_"))
	return found, found != ""
}

// FromWindows returns the IANA zone for a Windows zone, given by its name or
// by what Windows shows: "(UTC+01:00) Brussels, Copenhagen, Madrid, Paris".
// The mapping is CLDR's for territory 001.
func FromWindows(name string) (string, bool) {
	key := strings.ToLower(strings.TrimSpace(name))
	if i := lookupWindows(key); i >= 0 {
		_, iana, _ := windowsAt(i)
		return iana, true
	}
	if !strings.HasPrefix(key, "(utc") && !strings.HasPrefix(key, "(gmt") {
		return "", false
	}
	_, places, _ := strings.Cut(key, ")")
	places = strings.ReplaceAll(strings.TrimSpace(places), " / ", ", ")
	if i := lookupWindows(places); i >= 0 {
		_, iana, _ := windowsAt(i)
		return iana, true
	}
	return "", false
}

// ToWindows returns the Windows zone that an IANA zone belongs to, aliases
// included.
func ToWindows(iana string) (string, bool) {
	_, i := lookupIANA(strings.ToLower(iana))
	if i < 0 {
		return "", false
	}
	windows, _, _ := windowsAt(i)
	return windows, true
}

// Names lists the IANA zones the package knows, in alphabetical order.
func Names() []string { return ianaNames() }

// WindowsNames lists the Windows zones in the order Windows shows them.
func WindowsNames() []string {
	var out []string
	for i := range windowsCount {
		if name, _, legacy := windowsAt(i); !legacy {
			out = append(out, name)
		}
	}
	return out
}

// afterPrefix finds a zone name at the end of a path such as
// /mozilla.org/20050126_1/Europe/Berlin,
// /freeassociation.sourceforge.net/Tzfile/Europe/Berlin or
// tzone://Microsoft/Utc.
func afterPrefix(tzid string) (string, bool) {
	if !strings.HasPrefix(tzid, "/") && !strings.Contains(tzid, "://") {
		return "", false
	}
	parts := strings.Split(strings.TrimRight(tzid, "/"), "/")
	for n := min(3, len(parts)); n >= 1; n-- {
		if name, ok := IANA(strings.Join(parts[len(parts)-n:], "/")); ok {
			return name, true
		}
	}
	return FromWindows(parts[len(parts)-1])
}

// fixedOffset reads UTC+01:00, GMT-0500, UTC+2 and the like. Only whole hours
// have a zone; the signs of those names are turned round (Etc/GMT-1 is an hour
// east).
func fixedOffset(tzid string) (string, bool) {
	s := strings.ToUpper(strings.ReplaceAll(tzid, " ", ""))
	rest, ok := strings.CutPrefix(s, "UTC")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "GMT"); !ok {
			return "", false
		}
	}
	if len(rest) < 2 || rest[0] != '+' && rest[0] != '-' {
		return "", false
	}
	digits := strings.ReplaceAll(rest[1:], ":", "")
	hours, minutes := digits, "00"
	if len(digits) > 2 {
		hours, minutes = digits[:len(digits)-2], digits[len(digits)-2:]
	}
	h := strings.TrimLeft(hours, "0")
	switch {
	case minutes != "00":
		return "", false
	case h == "":
		return "Etc/UTC", true
	case rest[0] == '+':
		return IANA("Etc/GMT-" + h)
	}
	return IANA("Etc/GMT+" + h)
}

// byRules compares the definition with every zone, first over six years and
// then over three, because a zone that changed its law lately differs in some.
func byRules(def vobject.Component, year int) (Zone, bool) {
	d, err := readDefinition(def)
	if err != nil {
		return Zone{}, false
	}
	names := candidates(def)
	for _, years := range [][2]int{{year - 1, year + 4}, {year, year + 2}} {
		want := d.steps(years[0], years[1])
		for _, name := range names {
			loc, err := time.LoadLocation(name)
			if err == nil && slices.Equal(want, locationSteps(loc, years[0], years[1])) {
				return Zone{name, ByRules}, true
			}
		}
	}
	return Zone{}, false
}

// candidates lists zones to compare: the one the file itself suggests, those
// of Windows, then all others.
func candidates(def vobject.Component) []string {
	var out []string
	if name, ok := IANA(def.First("X-LIC-LOCATION").Text()); ok {
		out = append(out, name)
	}
	for i := range windowsCount {
		if _, name, legacy := windowsAt(i); !legacy {
			out = append(out, name)
		}
	}
	return append(out, ianaNames()...)
}

// Resolver is Resolve with a memory, for files in which many events use one
// zone. It may be used from several goroutines.
type Resolver struct {
	mu    sync.Mutex
	found map[resolverKey]resolved
	locs  map[string]*time.Location
}

type resolverKey struct {
	tzid, def string
	year      int
}

type resolved struct {
	zone Zone
	ok   bool
}

// NewResolver returns an empty Resolver.
func NewResolver() *Resolver {
	return &Resolver{found: map[resolverKey]resolved{}, locs: map[string]*time.Location{}}
}

// resolverLimit bounds the memory of a Resolver.
const resolverLimit = 4096

// Resolve is the package's Resolve.
func (r *Resolver) Resolve(tzid string, def vobject.Component, year int) (Zone, bool) {
	if z, ok := byText(tzid); ok {
		return z, true
	}
	key := resolverKey{tzid, string(def.Bytes()), year}
	r.mu.Lock()
	defer r.mu.Unlock()
	got, known := r.found[key]
	if !known {
		got.zone, got.ok = Resolve(tzid, def, year)
		if len(r.found) >= resolverLimit {
			clear(r.found)
		}
		r.found[key] = got
	}
	return got.zone, got.ok
}

// Location loads a zone by its IANA name.
func (r *Resolver) Location(name string) (*time.Location, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if loc, ok := r.locs[name]; ok {
		return loc, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load zone: %w", err)
	}
	r.locs[name] = loc
	return loc, nil
}
