// Package recurrence expands, splits, compares and converts recurring events
// and tasks (RFC 5545 section 3.8.5).
//
// A Series is one recurring object: a start, the RRULE, RDATE and EXDATE lines
// as they stand, and the occurrences that differ. Lines are computed with but
// never rewritten unless they change.
//
//	s, err := recurrence.Read(calendar, uid, zones)   // or fill a Series by hand
//	all, err := s.Expand(from, to)                    // occurrences that touch [from, to)
//	before, after, err := s.Split(all[3].ID)          // "this and following"
//	merged, conflicts, err := recurrence.Merge(base, left, right, recurrence.Left)
//	pattern, rng, err := s.Pattern()                  // as Graph, EWS and Salesforce write it
//	rule, err := pattern.Rule(rng, s)                 // back to an RRULE value
//
// Rules are expanded in local time and each result is then placed in the zone,
// so that a change of clocks moves no occurrence: a local time that does not
// exist counts with the offset before the gap, one that happens twice is the
// first (RFC 5545 section 3.3.5).
package recurrence
