// Package timezone finds out which IANA zone a calendar means, and says it in
// the words of other systems.
//
//	zone, ok := timezone.Resolve("W. Europe Standard Time", vtimezone, 2026)
//	// zone.Name == "Europe/Berlin", zone.How == timezone.ByWindows
//	loc, err := time.LoadLocation(zone.Name)
//	windows, ok := timezone.ToWindows("Asia/Kolkata")   // "India Standard Time"
//	iana, ok := timezone.FromWindows("Romance Standard Time")
//	text, err := timezone.Define("Europe/Paris", 2026)  // a VTIMEZONE for a new object
//
// What cannot be matched stays unknown: Resolve returns false, the caller keeps
// the bytes and, if it needs instants, asks Custom for a location that follows
// the VTIMEZONE itself.
//
// The package needs zone data: import time/tzdata in the binary where the
// system may have none.
package timezone

//go:generate go run ./generate
