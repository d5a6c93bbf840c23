// Package dav is a simulated CalDAV and CardDAV server for rehearsals and
// tests: an http.Handler whose users, collections and objects live in one
// SQLite file that survives the death of the process.
//
// It follows RFC 4791, 4918, 5397, 5689, 6352, 6578, 6638 and 6764 as far as
// clients of our kind need them, and shares no code with the connector it is
// used against: it reads iCalendar and vCard with its own few lines.
//
// # Addresses
//
//	/                                   where discovery starts (also /.well-known/caldav, /.well-known/carddav)
//	/principals/<user>/                 the signed-in person
//	/addressbooks/<user>/<collection>/  address books, objects <name>.vcf
//	/calendars/<user>/<collection>/     calendars (VEVENT) and task lists (VTODO), objects <name>.ics
//
// # Rehearsing trouble
//
// Behaviour is how the server is for the time being: slow, with small pages, or
// with one of the faults that servers in the field have. A Fault hits the next
// requests that match it: refused, dropped before or after the work was done,
// or cut off in the middle. Backup and Restore take the server back to an
// earlier state while its clients are not. Outbox tells which mails a server
// with automatic scheduling (RFC 6638) would have sent; nothing is ever sent.
//
// # What it proves, and what it cannot
//
// A client that works with this server handles these rules: discovery, the
// conditional requests, sync reports in pages with removed members and expired
// tokens, multigets, UID conflicts, and the faults listed under Behaviour and
// Fault. A count of zero in the Outbox shows that the client gave no reason to
// send mail: the rule of RFC 6638 is applied in its strict form, as Cyrus 3.6
// applies it (a Schedule-Reply header does not cover an organizer, and taking
// scheduling away from an attendee who had it is a cancellation), and every
// change but bookkeeping counts. Meetings are judged as a whole, not by
// occurrence.
//
// Its tests put the same requests to Cyrus and compare the answers and the
// messages, and let vdirsyncer and curl work with it.
//
// It cannot prove that a particular product behaves so; tests against Cyrus
// and Radicale themselves do. It delivers nothing to the calendars of other
// users, answers no free-busy questions, knows no locks, no access control
// between users (everybody sees only their own) and no shared collections,
// expands no recurrences (a time-range filter treats a series as one long
// stretch of time), returns objects whole whatever part a
// report asks for, and keeps passwords in clear: it is for rehearsals only.
package dav
